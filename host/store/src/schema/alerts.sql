-- What rules remember of a subject: see the detect crate. For moments, milliseconds since 1970.
CREATE TABLE detect_memory (
  rule TEXT NOT NULL,
  subject TEXT NOT NULL,
  item TEXT NOT NULL,
  count INTEGER NOT NULL,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  PRIMARY KEY (rule, subject, item)
) STRICT, WITHOUT ROWID;
CREATE INDEX detect_memory_learning ON detect_memory (count) WHERE item = '';

-- next: the first entry that the rules were not held against. rules: the digest of those that the one before was.
CREATE TABLE detect_cursor (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  next INTEGER NOT NULL,
  rules TEXT NOT NULL
) STRICT;
INSERT INTO detect_cursor VALUES (1, 0, '');

-- state: 0 open, 1 acknowledged, 2 closed. changed: the entry of the last change by a person. body: what never decides anything.
CREATE TABLE alerts (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  rule TEXT NOT NULL,
  subject TEXT NOT NULL,
  severity TEXT NOT NULL,
  tenant TEXT,
  installation TEXT,
  first INTEGER NOT NULL,
  last INTEGER NOT NULL,
  count INTEGER NOT NULL,
  state INTEGER NOT NULL,
  changed INTEGER,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX alerts_of ON alerts (rule, subject, number);
CREATE INDEX alerts_open ON alerts (number) WHERE state < 2;

-- Who and why stand in the entry. ended: it was ended before its time.
CREATE TABLE alert_mutes (
  number INTEGER PRIMARY KEY,
  rule TEXT NOT NULL,
  tenant TEXT,
  installation TEXT,
  until INTEGER NOT NULL,
  entry INTEGER NOT NULL,
  ended INTEGER NOT NULL,
  hidden INTEGER NOT NULL,
  hidden_last INTEGER
) STRICT;
CREATE INDEX alert_mutes_holding ON alert_mutes (rule) WHERE ended = 0;

-- owner: a tenant, or '' for the operator.
CREATE TABLE alert_endpoints (
  owner TEXT PRIMARY KEY,
  active INTEGER NOT NULL,
  hold INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- state: 0 pending, 1 leased, 2 done, 3 dead. alert: none for one that only tries the endpoint out.
CREATE TABLE alert_sendings (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  owner TEXT NOT NULL,
  alert INTEGER,
  time INTEGER NOT NULL,
  state INTEGER NOT NULL,
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  error TEXT
) STRICT;
CREATE INDEX alert_sendings_waiting ON alert_sendings (due) WHERE state < 2;
