-- Releases by plugin, to find those that are newer. What is listed here is checked anew before it is believed.
CREATE TABLE listed_releases (
  number INTEGER PRIMARY KEY,
  digest TEXT NOT NULL,
  manifest_digest TEXT NOT NULL,
  plugin TEXT NOT NULL,
  release INTEGER NOT NULL,
  version TEXT NOT NULL,
  since INTEGER NOT NULL,
  UNIQUE (digest, manifest_digest)
) STRICT;
CREATE INDEX listed_releases_plugin ON listed_releases (plugin, release);

DROP INDEX audit_notices;
CREATE INDEX audit_notices ON audit (idx)
  WHERE kind IN ('capability.suspended', 'plugin.suspended', 'delivery.dead', 'release.refused', 'host.started',
    'plugin.upgraded', 'plugin.upgrade-waits', 'plugin.uninstalled');
CREATE INDEX audit_erased ON audit (idx) WHERE kind = 'plugin.erased';
