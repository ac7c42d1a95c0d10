-- Requests of data subjects. person: who and what is right, as JSON; NULL once that is not kept any more. entry: the one that put it
-- on record. erased: what the host erased of what it keeps itself, as JSON.
CREATE TABLE privacy_requests (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  kind TEXT NOT NULL,
  stage TEXT NOT NULL,
  opened INTEGER NOT NULL,
  deadline INTEGER NOT NULL,
  closed INTEGER,
  overdue INTEGER NOT NULL,
  entry INTEGER NOT NULL,
  person TEXT,
  erased TEXT
) STRICT;
CREATE INDEX privacy_requests_open ON privacy_requests (stage) WHERE stage <> 'forgotten';

-- What each installation made of them. delivery: the one that asks it; NULL where it is not asked. tries: those that were settled.
CREATE TABLE privacy_parts (
  request TEXT NOT NULL REFERENCES privacy_requests (id),
  installation TEXT NOT NULL,
  plugin TEXT NOT NULL,
  delivery INTEGER UNIQUE,
  state TEXT NOT NULL,
  ended INTEGER,
  tries INTEGER NOT NULL DEFAULT 0,
  records INTEGER,
  note TEXT,
  data TEXT,
  contact TEXT,
  problem TEXT,
  PRIMARY KEY (request, installation)
) STRICT;
