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
