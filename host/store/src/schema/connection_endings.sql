-- Connections that were ended here and are to be revoked where they were issued. provider: as their origin names it. next: not
-- asked again before.
CREATE TABLE connection_endings (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  name TEXT NOT NULL,
  generation INTEGER NOT NULL,
  provider TEXT,
  since INTEGER NOT NULL,
  tries INTEGER NOT NULL,
  next INTEGER NOT NULL,
  PRIMARY KEY (tenant, installation, name, generation)
) STRICT, WITHOUT ROWID;
