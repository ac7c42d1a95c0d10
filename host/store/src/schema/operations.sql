-- The newest of each act that an operator has to see the age of: a backup, its test, a restore. idx: the entry that says it.
CREATE TABLE operations (
  name TEXT PRIMARY KEY,
  at INTEGER NOT NULL,
  idx INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- When a host was up, one row a run. seen: the last moment at which it looked after itself.
CREATE TABLE uptime (since INTEGER PRIMARY KEY, seen INTEGER NOT NULL) STRICT;

-- Incidents and maintenance that the operator announces on the status page. until: when it ended or will have ended.
CREATE TABLE announcements (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER,
  resolved INTEGER,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
