-- lane: 0 to the installation's plugin, 1 to its back end.
ALTER TABLE deliveries ADD COLUMN lane INTEGER NOT NULL DEFAULT 0;
DROP INDEX deliveries_waiting;
CREATE INDEX deliveries_waiting ON deliveries (lane, installation, number) WHERE state = 0;
CREATE INDEX deliveries_sent ON deliveries (installation, number) WHERE lane = 1;

-- Back ends of installations. hold: nothing is sent before this moment.
CREATE TABLE backends (
  installation TEXT PRIMARY KEY,
  tenant TEXT NOT NULL,
  generation INTEGER NOT NULL,
  active INTEGER NOT NULL,
  hold INTEGER NOT NULL,
  body TEXT NOT NULL
) STRICT, WITHOUT ROWID;
