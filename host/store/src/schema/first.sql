CREATE TABLE audit (
  idx INTEGER PRIMARY KEY,
  time INTEGER NOT NULL,
  kind TEXT NOT NULL,
  tenant TEXT,
  body BLOB NOT NULL
) STRICT;

-- Permits whose outcome is not recorded yet: what a crash leaves here is unknown.
CREATE TABLE open_acts (id TEXT PRIMARY KEY, idx INTEGER NOT NULL) STRICT, WITHOUT ROWID;

CREATE TABLE events (
  number INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  origin TEXT NOT NULL,
  source TEXT NOT NULL,
  id TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (origin, source, id)
) STRICT;

-- state: 0 pending, 1 leased, 2 done, 3 dead. due: when pending, not before; when leased, held until.
CREATE TABLE deliveries (
  number INTEGER PRIMARY KEY,
  event INTEGER NOT NULL REFERENCES events (number),
  installation TEXT NOT NULL,
  state INTEGER NOT NULL,
  due INTEGER NOT NULL,
  attempts INTEGER NOT NULL,
  error TEXT
) STRICT;
CREATE INDEX deliveries_waiting ON deliveries (installation, number) WHERE state = 0;
CREATE INDEX deliveries_leased ON deliveries (due) WHERE state = 1;
CREATE INDEX deliveries_held ON deliveries (installation) WHERE state = 1;

CREATE TABLE installations (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  active INTEGER NOT NULL,
  generation INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;

CREATE TABLE releases (
  digest TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  manifest TEXT NOT NULL,
  envelope TEXT NOT NULL,
  component BLOB NOT NULL,
  PRIMARY KEY (digest, manifest_digest)
) STRICT;

CREATE TABLE publisher_keys (
  publisher TEXT NOT NULL,
  key BLOB NOT NULL,
  PRIMARY KEY (publisher, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE kv (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  bucket TEXT NOT NULL,
  key TEXT NOT NULL,
  value BLOB NOT NULL,
  PRIMARY KEY (tenant, installation, bucket, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE kv_use (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  bytes INTEGER NOT NULL,
  PRIMARY KEY (tenant, installation)
) STRICT, WITHOUT ROWID;

CREATE TABLE secrets (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  name TEXT NOT NULL,
  generation INTEGER NOT NULL,
  place TEXT NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (tenant, installation, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE sources (name TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT;

CREATE TABLE plugin_log (
  number INTEGER PRIMARY KEY,
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  call TEXT NOT NULL,
  time INTEGER NOT NULL,
  level TEXT NOT NULL,
  message TEXT NOT NULL
) STRICT;
