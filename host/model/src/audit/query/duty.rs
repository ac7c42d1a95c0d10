//! Which duties of the responsibility catalogue an entry bears witness to, by its kind.

/// By what a kind's name begins with; all that fit count.
const WITNESS: &[(&str, &[&str])] = &[
    ("", &["MON-1"]),
    ("act.", &["INT-2", "DAT-2"]),
    ("act.denied", &["MON-4"]),
    ("audit.", &["MON-2"]),
    ("audit.disposed", &["DAT-8", "MON-3"]),
    ("audit.erased", &["DAT-4"]),
    ("authorization.", &["INT-1", "INT-3"]),
    ("backend.", &["INT-8", "DAT-13"]),
    ("capability.", &["INC-6"]),
    ("client.", &["INT-1"]),
    ("code.", &["INT-3"]),
    ("connection.", &["INT-7"]),
    ("connection.renew", &["INT-5"]),
    ("consent.", &["INT-3", "INT-9"]),
    ("credential.", &["INT-5", "INT-6"]),
    ("freeze.", &["INC-1"]),
    ("ingest.refused", &["MNT-5"]),
    ("plugin.erased", &["DAT-4", "DAT-8"]),
    ("plugin.granted", &["INT-2", "INT-9"]),
    ("plugin.installed", &["INT-9"]),
    ("plugin.reported", &["INT-10"]),
    ("plugin.suspended", &["INC-1"]),
    ("plugin.uninstalled", &["INT-13"]),
    ("plugin.upgrade", &["MNT-2"]),
    ("refresh.", &["INC-1"]),
    ("release.refused", &["MNT-6"]),
    ("release.reviewed", &["INT-11"]),
    ("release.vulnerable", &["MNT-1"]),
    ("release.withdrawn", &["MNT-3"]),
    ("report.", &["INT-10"]),
    ("review.", &["INT-11"]),
    ("rotation.", &["INT-5", "INT-6"]),
    ("source.", &["INT-8"]),
    ("token.", &["INT-2", "INT-3"]),
    ("vault.", &["DAT-6", "INT-7"]),
];

/// The duties that a kind's entries bear witness to.
pub fn duties(kind: &str) -> impl Iterator<Item = &'static str> {
    WITNESS.iter().filter(move |(start, _)| kind.starts_with(start)).flat_map(|(_, duties)| duties.iter().copied())
}
