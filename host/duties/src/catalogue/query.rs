//! The queries that observed duties are answered by.

use serde::{Deserialize, Serialize};

/// What is looked up in live state and the log for an observed duty. Whoever gathers facts answers each of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Query {
    /// Sign-ins from devices not seen before, and whether their people were told (ACC-5).
    NewDevices,
    /// Installations without a call for a time (INT-13).
    UnusedInstallations,
    /// Whether the sheet of each installed plugin is whole (DAT-12).
    Sheets,
    /// When the log was last exported (MON-3).
    LogExports,
    /// Starts of the host, and what they found (MON-5).
    HostStarts,
    /// Whether profiles are checked, and what changed (MON-7).
    PostureChanges,
    /// Known vulnerabilities of what is installed (MNT-1).
    VulnerableReleases,
    /// Acts whose end nobody knows (INC-2).
    UnknownOutcomes,
    /// Backups and restores (INC-5).
    Backups,
    /// Whether it is published how to report a vulnerability (MNT-7).
    SecurityContact,
}

impl Query {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::NewDevices,
        Self::UnusedInstallations,
        Self::Sheets,
        Self::LogExports,
        Self::HostStarts,
        Self::PostureChanges,
        Self::VulnerableReleases,
        Self::UnknownOutcomes,
        Self::Backups,
        Self::SecurityContact,
    ];
}
