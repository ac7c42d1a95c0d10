//! The schema, as steps that are applied once each, in order. A step that has been released never changes.

mod audit;

/// Every step so far. `PRAGMA user_version` says how many a file has.
pub const MIGRATIONS: &[&str] = &[
    r"
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
",
    r"
-- What an installation used of a resource in a minute (since 1970), for the last hour. forgiven: what of it an admin has let
-- go; it still counts for the tenant.
CREATE TABLE budget_use (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  resource TEXT NOT NULL,
  minute INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  forgiven INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, installation, resource, minute)
) STRICT, WITHOUT ROWID;
CREATE INDEX budget_use_minute ON budget_use (minute);

CREATE TABLE suspensions (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  capability TEXT NOT NULL,
  resource TEXT NOT NULL,
  whose TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (tenant, installation, capability)
) STRICT, WITHOUT ROWID;

-- What an admin should see, without a walk through the whole log.
CREATE INDEX audit_notices ON audit (idx)
  WHERE kind IN ('capability.suspended', 'plugin.suspended', 'delivery.dead', 'release.refused', 'host.started');
",
    r"
-- When a plugin's value is over, in milliseconds since 1970; NULL: not before it is removed.
ALTER TABLE kv ADD COLUMN expires INTEGER;
CREATE INDEX kv_expires ON kv (tenant, installation, expires) WHERE expires IS NOT NULL;
",
    r"
-- The most that a reviewer approved for a release, as a JSON list of scopes.
CREATE TABLE reviews (
  digest TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  scopes TEXT NOT NULL,
  PRIMARY KEY (digest, manifest_digest)
) STRICT, WITHOUT ROWID;
",
    r"
-- Who is trusted is said by roots and statements that are signed; lists of keys and reviews without a signature are no more.
DROP TABLE reviews;
DROP TABLE publisher_keys;

CREATE TABLE trust_roots (
  scope TEXT NOT NULL,
  version INTEGER NOT NULL,
  envelope TEXT NOT NULL,
  PRIMARY KEY (scope, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE withdrawals (number INTEGER PRIMARY KEY, envelope TEXT NOT NULL UNIQUE) STRICT;

-- What others than the publisher signed about a release.
CREATE TABLE statements (
  number INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  envelope TEXT NOT NULL,
  UNIQUE (digest, manifest_digest, envelope)
) STRICT;

-- One row: goes up with each change of the three tables above.
CREATE TABLE trust_revision (id INTEGER PRIMARY KEY CHECK (id = 1), value INTEGER NOT NULL) STRICT;
INSERT INTO trust_revision VALUES (1, 0);

-- The highest release of a plugin that a tenant ever had.
CREATE TABLE highest_releases (
  tenant TEXT NOT NULL,
  plugin TEXT NOT NULL,
  release INTEGER NOT NULL,
  PRIMARY KEY (tenant, plugin)
) STRICT, WITHOUT ROWID;
",
    r"
-- Releases that were handed in for review. What was decided about them lies with the statements.
CREATE TABLE submissions (
  order_in INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  body TEXT NOT NULL,
  UNIQUE (digest, manifest_digest)
) STRICT;

CREATE TABLE review_notes (
  number INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX review_notes_of ON review_notes (digest, manifest_digest, number);

CREATE TABLE behaviour_reports (digest TEXT PRIMARY KEY, body BLOB NOT NULL) STRICT;

-- What tenants report of a release's misbehaviour.
CREATE TABLE misbehaviours (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  resolved INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;

-- What the last scan found in a release, as a JSON list.
CREATE TABLE vulnerabilities (
  digest TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (digest, manifest_digest)
) STRICT, WITHOUT ROWID;
",
    r"
-- Releases by plugin, to find those that are newer. What is listed here is checked anew before it is believed.
CREATE TABLE listed_releases (
  number INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  plugin TEXT NOT NULL,
  release INTEGER NOT NULL,
  version TEXT NOT NULL,
  since INTEGER NOT NULL,
  UNIQUE (digest, manifest_digest)
) STRICT;
CREATE INDEX listed_releases_plugin ON listed_releases (plugin, release);

DROP INDEX audit_notices;
CREATE INDEX audit_notices ON audit (idx)
  WHERE kind IN ('capability.suspended', 'plugin.suspended', 'delivery.dead', 'release.refused', 'host.started',
    'plugin.upgraded', 'plugin.upgrade-waits', 'plugin.uninstalled');
CREATE INDEX audit_erased ON audit (idx) WHERE kind = 'plugin.erased';
",
    r#"
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
"#,
    r"
-- lane: 0 to the installation's plugin, 1 to its back end.
ALTER TABLE deliveries ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
DROP INDEX deliveries_waiting;
CREATE INDEX deliveries_waiting ON deliveries (lane, installation, number) WHERE state = 0;
CREATE INDEX deliveries_sent ON deliveries (installation, number) WHERE lane = 1;

-- Back ends of installations. hold: nothing is sent before this moment.
CREATE TABLE backends (
  installation TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  generation INTEGER NOT NULL,
  active INTEGER NOT NULL,
  hold INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
",
    r"
-- Consents to connections: of links and of state parameters only digests, and never a secret.
CREATE TABLE consents (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  link TEXT NOT NULL UNIQUE,
  state TEXT UNIQUE,
  open INTEGER NOT NULL,
  revision INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX consents_open ON consents (open) WHERE open = 1;
",
    r"
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
",
    r"
-- OAuth clients, and what was granted to them. Of tokens and codes there are digests alone.
CREATE TABLE oauth_clients (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  live INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX oauth_clients_live ON oauth_clients (tenant, installation) WHERE live = 1;

CREATE TABLE oauth_grants (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  version INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_grants_expires ON oauth_grants (expires);

-- Codes and refresh tokens, each generation of them: an old one must be known when it comes again.
CREATE TABLE oauth_grant_keys (
  digest TEXT PRIMARY KEY,
  grant_id TEXT NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
  generation INTEGER NOT NULL,
  UNIQUE (grant_id, generation)
) STRICT, WITHOUT ROWID;

CREATE TABLE oauth_tokens (
  digest TEXT PRIMARY KEY,
  grant_id TEXT NOT NULL REFERENCES oauth_grants (id) ON DELETE CASCADE,
  tenant TEXT NOT NULL,
  expires INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_tokens_grant ON oauth_tokens (grant_id);
CREATE INDEX oauth_tokens_live ON oauth_tokens (tenant, expires);
CREATE INDEX oauth_tokens_expires ON oauth_tokens (expires);

CREATE TABLE oauth_pending (
  id TEXT PRIMARY KEY,
  code TEXT NOT NULL UNIQUE,
  tenant TEXT NOT NULL,
  version INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_pending_expires ON oauth_pending (expires);

-- What may be used once only, until it is over by itself.
CREATE TABLE oauth_used (key TEXT PRIMARY KEY, until INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE INDEX oauth_used_until ON oauth_used (until);

DROP INDEX audit_notices;
CREATE INDEX audit_notices ON audit (idx)
  WHERE kind IN ('capability.suspended', 'plugin.suspended', 'delivery.dead', 'release.refused', 'host.started',
    'plugin.upgraded', 'plugin.upgrade-waits', 'plugin.uninstalled', 'connection.consent-needed', 'freeze.added',
    'rotation.ended', 'rotation.needed', 'source.revoked', 'refresh.reused', 'code.misused');
",
    audit::OPENINGS,
    r"
-- Connections that were ended here and are to be revoked where they were issued. provider: as their origin names it. next: not
-- asked again before.
CREATE TABLE connection_endings (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  name TEXT NOT NULL,
  generation INTEGER NOT NULL,
  provider TEXT,
  since INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  next INTEGER NOT NULL,
  PRIMARY KEY (tenant, installation, name, generation)
) STRICT, WITHOUT ROWID;
",
    r"
-- Views of the published log (decision 29). A view's tag is made before anything of it is published.
CREATE TABLE views (
  tag TEXT PRIMARY KEY,
  tenant TEXT,
  size INTEGER NOT NULL,
  checkpoint BLOB
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX views_tenant ON views (coalesce(tenant, ''));

-- indices: at level 0, where each entry stands in the host's log.
CREATE TABLE view_tiles (
  tag TEXT NOT NULL,
  level INTEGER NOT NULL,
  n INTEGER NOT NULL,
  hashes BLOB NOT NULL,
  indices BLOB NOT NULL,
  PRIMARY KEY (tag, level, n)
) STRICT;

-- leaves_from: of entries before, the published log has the bodies themselves. advanced: how far the views are.
CREATE TABLE log_state (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  leaves_from INTEGER NOT NULL,
  advanced INTEGER NOT NULL
) STRICT;
-- known: how many entries the witness last cosigned. problem: why it did not the last time it was asked.
CREATE TABLE log_witnesses (
  name TEXT PRIMARY KEY,
  url TEXT NOT NULL,
  vkey TEXT NOT NULL,
  known INTEGER NOT NULL,
  asked INTEGER,
  problem TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO log_state SELECT 1, coalesce(max(idx) + 1, 0), coalesce(max(idx) + 1, 0) FROM audit;
",
    audit::NOTICES,
];
