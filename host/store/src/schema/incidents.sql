-- Incidents. unreached: its containment holds, and nobody has said yet that nothing of it runs.
CREATE TABLE incidents (
  number INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  revision INTEGER NOT NULL,
  unreached INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT;
CREATE INDEX incidents_unreached ON incidents (number) WHERE unreached = 1;
-- What containments keep from running, until they are lifted.
CREATE TABLE incident_holds (incident TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
