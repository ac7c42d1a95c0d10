CREATE TABLE freezes (number INTEGER PRIMARY KEY AUTOINCREMENT, body TEXT NOT NULL) STRICT;

-- What a freeze does not hold any more. name: a credential; '': all that the installation does.
CREATE TABLE freeze_released (
  freeze INTEGER NOT NULL,
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  name TEXT NOT NULL,
  PRIMARY KEY (freeze, tenant, installation, name)
) STRICT, WITHOUT ROWID;

-- One row: goes up with each change of the two tables above.
CREATE TABLE freeze_revision (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL) STRICT;
INSERT INTO freeze_revision VALUES (1, 0);

-- scope: host, tenant:<id> or installation:<id>.
CREATE TABLE rotation_policies (scope TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE rotation_acts (number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, body TEXT NOT NULL) STRICT;

CREATE TABLE rotation_lines (
  act TEXT NOT NULL,
  item TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (act, item)
) STRICT, WITHOUT ROWID;

-- The last generation of an item of which a person was told that it must be replaced.
CREATE TABLE rotation_needed (item TEXT PRIMARY KEY, generation INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE source_keys (source TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
