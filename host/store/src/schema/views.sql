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
