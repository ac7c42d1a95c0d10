//! Steps of the schema that are about the audit log.

/// What lies beside bodies, and what of them was disposed of.
pub(super) const OPENINGS: &str = r"
-- What the commitments in bodies of entries commit to. erased: the entry that says that an opening was erased; salt and value are
-- gone then.
CREATE TABLE audit_openings (
  idx INTEGER NOT NULL,
  field TEXT NOT NULL,
  salt BLOB,
  value TEXT,
  erased INTEGER,
  PRIMARY KEY (idx, field)
) STRICT, WITHOUT ROWID;
CREATE INDEX audit_openings_value ON audit_openings (value) WHERE value IS NOT NULL;

-- The entry that says that this one was disposed of; its body is empty then.
ALTER TABLE audit ADD COLUMN disposed INTEGER;

-- How far a view was disposed of. view: a tenant, or '' for the entries of none. upto: the first entry that may be left. Entries that
-- are older than free have been announced long enough, those older than announced will have been when ripe has come.
CREATE TABLE audit_disposals (
  view TEXT PRIMARY KEY,
  upto INTEGER NOT NULL,
  free INTEGER NOT NULL,
  announced INTEGER NOT NULL,
  ripe INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// What of the log is a notice to admins.
pub(super) const NOTICES: &str = r"
DROP INDEX audit_notices;
CREATE INDEX audit_notices ON audit (idx)
  WHERE kind IN ('capability.suspended', 'plugin.suspended', 'delivery.dead', 'release.refused', 'host.started',
    'plugin.upgraded', 'plugin.upgrade-waits', 'plugin.uninstalled', 'connection.consent-needed', 'freeze.added',
    'rotation.ended', 'rotation.needed', 'source.revoked', 'refresh.reused', 'code.misused',
    'audit.disposal-announced');
";

/// Which entries are notices to admins, as the index on them says it and whoever looks for them has to. One comparison after the other: for
/// `IN`, SQLite makes a tree of all kinds anew with each entry that is written, which takes longer than to write it. Whoever changes
/// this adds a step that makes the index again; until then none of the notices is found by it.
macro_rules! is_notice {
    () => {
        "(kind = 'capability.suspended' OR kind = 'plugin.suspended' OR kind = 'delivery.dead' OR kind = 'release.refused'
  OR kind = 'host.started' OR kind = 'plugin.upgraded' OR kind = 'plugin.upgrade-waits' OR kind = 'plugin.uninstalled'
  OR kind = 'connection.consent-needed' OR kind = 'freeze.added' OR kind = 'rotation.ended' OR kind = 'rotation.needed'
  OR kind = 'source.revoked' OR kind = 'refresh.reused' OR kind = 'code.misused' OR kind = 'audit.disposal-announced')"
    };
}

/// The condition of the index `audit_notices`.
pub(crate) const IS_NOTICE: &str = is_notice!();

/// The same notices, found by comparisons.
pub(super) const COMPARED_NOTICES: &str =
    concat!("DROP INDEX audit_notices;\nCREATE INDEX audit_notices ON audit (idx) WHERE ", is_notice!(), ";\n");
