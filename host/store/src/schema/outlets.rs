//! The step of the schema that is about outlets of the audit log.

/// Who is sent the log, and how far each is.
pub(super) const OUTLETS: &str = r"
-- settings: where to, and whether with personal values. next: the first entry that is not known to have arrived. sent: when an entry last
-- arrived. failing: since when the receiver does not take them, once that is in the log. missed: entries that were gone before they were
-- sent, and are not in the log as such yet. refused: records that the receiver would not keep.
CREATE TABLE log_outlets (
  name TEXT PRIMARY KEY,
  settings TEXT NOT NULL,
  next INTEGER NOT NULL,
  sent INTEGER,
  failing INTEGER,
  problem TEXT,
  missed INTEGER NOT NULL DEFAULT 0,
  missed_from INTEGER NOT NULL DEFAULT 0,
  missed_to INTEGER NOT NULL DEFAULT 0,
  refused INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
";
