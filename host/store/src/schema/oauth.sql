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
