-- Automations of tenants: OAuth clients for the admin API. What is not written out is in the body.
CREATE TABLE automations (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  live INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX automations_name ON automations (tenant, name) WHERE live = 1;

-- Their access tokens, by digest. expires: milliseconds since 1970.
CREATE TABLE automation_tokens (
  digest TEXT PRIMARY KEY,
  client TEXT NOT NULL REFERENCES automations (id),
  key TEXT NOT NULL,
  expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX automation_tokens_expires ON automation_tokens (expires);
