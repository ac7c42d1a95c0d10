-- People (ACC-1). A row's body is as it was handed in; columns beside it are what it is found by. version: see PeopleChange.
CREATE TABLE people (
  id TEXT PRIMARY KEY,
  email TEXT NOT NULL,
  subject_tenant TEXT,
  subject TEXT,
  live INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX people_email ON people (email) WHERE live = 1;
CREATE UNIQUE INDEX people_subject ON people (subject_tenant, subject) WHERE live = 1 AND subject IS NOT NULL;

-- place: a tenant, or '' for the platform itself. until: as in the body.
CREATE TABLE people_members (
  person TEXT NOT NULL REFERENCES people (id),
  place TEXT NOT NULL,
  role TEXT NOT NULL,
  until INTEGER,
  live INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (person, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX people_members_place ON people_members (place, person);

CREATE TABLE people_invitations (
  id TEXT PRIMARY KEY,
  place TEXT NOT NULL,
  link TEXT NOT NULL UNIQUE,
  expires INTEGER NOT NULL,
  live INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX people_invitations_place ON people_invitations (place) WHERE live = 1;

CREATE TABLE people_factors (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL REFERENCES people (id),
  handle TEXT,
  live INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX people_factors_person ON people_factors (person);
CREATE UNIQUE INDEX people_factors_handle ON people_factors (handle) WHERE live = 1 AND handle IS NOT NULL;

-- used, address: as of the last use, which is no version of its own.
CREATE TABLE people_sessions (
  id TEXT PRIMARY KEY,
  person TEXT NOT NULL REFERENCES people (id),
  token TEXT NOT NULL UNIQUE,
  created INTEGER NOT NULL,
  used INTEGER NOT NULL,
  address TEXT NOT NULL,
  live INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX people_sessions_person ON people_sessions (person, created);

CREATE TABLE people_roles (
  tenant TEXT NOT NULL,
  name TEXT NOT NULL,
  live INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE people_support (
  id TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  until INTEGER NOT NULL,
  live INTEGER NOT NULL,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX people_support_tenant ON people_support (tenant, until);
CREATE INDEX people_support_live ON people_support (until) WHERE live = 1;

CREATE TABLE people_settings (
  place TEXT PRIMARY KEY,
  version INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
