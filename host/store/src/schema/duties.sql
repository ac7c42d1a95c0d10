-- Profiles that tenants have turned on, what was said about duties, which risks were accepted, and how postures stood.
CREATE TABLE duty_revision (value INTEGER NOT NULL) STRICT;
INSERT INTO duty_revision VALUES (0);
CREATE TABLE duty_profiles (
  tenant TEXT NOT NULL,
  profile TEXT NOT NULL,
  body TEXT NOT NULL,
  PRIMARY KEY (tenant, profile)
) STRICT, WITHOUT ROWID;
-- tenant: '' for the host's own. latest: the one that counts of its duty, tenant and party. lapsed: its end is in the log.
CREATE TABLE duty_attestations (
  number INTEGER PRIMARY KEY,
  duty TEXT NOT NULL,
  tenant TEXT NOT NULL,
  party TEXT NOT NULL,
  latest INTEGER NOT NULL,
  lapsed INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX duty_attestations_latest ON duty_attestations (duty, tenant, party) WHERE latest = 1;
CREATE TABLE duty_risks (number INTEGER PRIMARY KEY, tenant TEXT NOT NULL, body TEXT NOT NULL) STRICT;
CREATE TABLE duty_postures (
  tenant TEXT NOT NULL,
  line TEXT NOT NULL,
  state TEXT NOT NULL,
  since INTEGER NOT NULL,
  PRIMARY KEY (tenant, line)
) STRICT, WITHOUT ROWID;
