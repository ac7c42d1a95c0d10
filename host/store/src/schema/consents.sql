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
