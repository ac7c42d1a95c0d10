-- The most that a reviewer approved for a release, as a JSON list of scopes.
CREATE TABLE reviews (
  digest TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  scopes TEXT NOT NULL,
  PRIMARY KEY (digest, manifest_digest)
) STRICT, WITHOUT ROWID;
