-- What an installation used of a resource in a minute (since 1970), for the last hour. forgiven: what of it an admin has let
-- go; it still counts for the tenant.
CREATE TABLE budget_use (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  resource TEXT NOT NULL,
  minute INTEGER NOT NULL,
  amount INTEGER NOT NULL,
  forgiven INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (tenant, installation, resource, minute)
) STRICT, WITHOUT ROWID;
CREATE INDEX budget_use_minute ON budget_use (minute);

CREATE TABLE suspensions (
  tenant TEXT NOT NULL,
  installation TEXT NOT NULL,
  capability TEXT NOT NULL,
  resource TEXT NOT NULL,
  whose TEXT NOT NULL,
  since INTEGER NOT NULL,
  until INTEGER NOT NULL,
  reason TEXT NOT NULL,
  PRIMARY KEY (tenant, installation, capability)
) STRICT, WITHOUT ROWID;

-- What an admin should see, without a walk through the whole log.
CREATE INDEX audit_notices ON audit (idx)
  WHERE kind IN ('capability.suspended', 'plugin.suspended', 'delivery.dead', 'release.refused', 'host.started');
