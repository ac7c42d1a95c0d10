-- What there is a secret for (installation '': a source), which generation of it is in use, and how that stands. state: the
-- first word of the standing, which is JSON. claimant: who asks the provider for the next generation. unknown: how many such
-- requests ended without anybody knowing how.
ALTER TABLE secrets RENAME TO secrets_sealed_directly;
CREATE TABLE secrets (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  name TEXT NOT NULL,
  generation INTEGER NOT NULL,
  state TEXT NOT NULL,
  standing TEXT NOT NULL,
  claimant TEXT,
  unknown INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, installation, name)
) STRICT, WITHOUT ROWID;

-- Each secret that is kept. retired: since when it is not the current one. data_key 0: sealed under the host's key itself.
CREATE TABLE secret_generations (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  name TEXT NOT NULL,
  generation INTEGER NOT NULL,
  place TEXT NOT NULL,
  origin TEXT NOT NULL,
  issued INTEGER NOT NULL,
  expires INTEGER,
  retired INTEGER,
  data_key INTEGER NOT NULL,
  sealed BLOB NOT NULL,
  PRIMARY KEY (tenant, installation, name, generation),
  FOREIGN KEY (tenant, installation, name) REFERENCES secrets ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX secret_generations_retired ON secret_generations (retired) WHERE retired IS NOT NULL;
CREATE INDEX secret_generations_key ON secret_generations (tenant, data_key);

INSERT INTO secrets SELECT tenant, installation, name, generation, 'ready', '{"state":"ready"}', NULL, 0
  FROM secrets_sealed_directly;
INSERT INTO secret_generations SELECT tenant, installation, name, generation, place, '', 0, NULL, NULL, 0, sealed
  FROM secrets_sealed_directly;
DROP TABLE secrets_sealed_directly;

-- Keys that secrets are sealed under, each wrapped by a key-encryption key that is not here.
CREATE TABLE data_keys (
  tenant TEXT NOT NULL,
  number INTEGER NOT NULL,
  wrapped_by TEXT NOT NULL,
  wrapped BLOB NOT NULL,
  made INTEGER NOT NULL,
  current INTEGER NOT NULL,
  PRIMARY KEY (tenant, number)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX data_keys_current ON data_keys (tenant) WHERE current = 1;

CREATE TABLE wrapping_keys (name TEXT PRIMARY KEY, current INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX wrapping_keys_current ON wrapping_keys (current) WHERE current = 1;

-- One row: goes up whenever the secrets that are kept, or that are in use, are others. Not for a new seal of the same secret.
CREATE TABLE secrets_revision (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL) STRICT;
INSERT INTO secrets_revision VALUES (1, 0);
CREATE TRIGGER secrets_kept AFTER INSERT ON secret_generations
  BEGIN UPDATE secrets_revision SET value = value + 1; END;
CREATE TRIGGER secrets_gone AFTER DELETE ON secret_generations
  BEGIN UPDATE secrets_revision SET value = value + 1; END;
CREATE TRIGGER secrets_used AFTER UPDATE OF generation, state ON secrets
  WHEN old.generation <> new.generation OR (old.state = 'revoked') <> (new.state = 'revoked')
  BEGIN UPDATE secrets_revision SET value = value + 1; END;
