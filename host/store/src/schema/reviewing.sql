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
