//! What a posture is computed from. Gathered by whoever has the store, the log and the configuration; judged here.

use portcullis_model::{
    connection::ConnectionKey,
    duty::{Attestation, Risk, TurnedOn},
    id::{InstallationId, PluginId, PublisherId, TenantId},
    risk::AcceptedRisk,
    time::Timestamp,
};

use crate::look::Turn;

/// A profile that is on, with the entry of the log that says so.
#[derive(Clone, Debug)]
pub struct On {
    /// The act.
    pub turned: TurnedOn,
    /// Where it stands in the log.
    pub entry: Option<u64>,
}

/// A static token in use.
#[derive(Clone, Debug)]
pub struct StaticToken {
    /// Which connection it is.
    pub key: ConnectionKey,
    /// Whose requests carry it.
    pub plugin: PluginId,
    /// Who answered for it when it was stored.
    pub own: Option<AcceptedRisk>,
}

/// A host that the operator lists as without TLS.
#[derive(Clone, Debug)]
pub struct PlainHost {
    /// Which.
    pub host: String,
    /// Who answers for it.
    pub risk: AcceptedRisk,
    /// This tenant's installations that are granted requests to it.
    pub granted: Vec<InstallationId>,
}

/// An installation that uses generative AI, as its publisher says.
#[derive(Clone, Debug)]
pub struct UsesAi {
    /// Which plugin.
    pub plugin: PluginId,
    /// Which installation.
    pub installation: InstallationId,
    /// What for, and what data goes there.
    pub says: String,
    /// Whether its answers can be advice about somebody's health.
    pub medical_advice: bool,
}

/// An installation, and when it was called last.
#[derive(Clone, Debug)]
pub struct LastCall {
    /// Which.
    pub installation: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// When it was installed, or first seen.
    pub since: Option<Timestamp>,
    /// When it was called last; absent where it never was.
    pub at: Option<Timestamp>,
}

/// What is not known of a plugin that its sheet should say.
#[derive(Clone, Debug)]
pub struct SheetGaps {
    /// Which plugin.
    pub plugin: PluginId,
    /// Who publishes it.
    pub publisher: PublisherId,
    /// What is missing, in words.
    pub gaps: Vec<String>,
}

/// Known vulnerabilities of a release that is installed.
#[derive(Clone, Debug)]
pub struct Vulnerable {
    /// Which plugin.
    pub plugin: PluginId,
    /// Who publishes it.
    pub publisher: PublisherId,
    /// How many.
    pub count: usize,
}

/// An entry of the log, and its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    /// Where it stands.
    pub entry: u64,
    /// When it was written.
    pub time: Timestamp,
}

/// What observed duties are answered from.
#[derive(Clone, Debug, Default)]
pub struct Observations {
    /// Each installation's last call.
    pub calls: Vec<LastCall>,
    /// What sheets lack.
    pub sheets: Vec<SheetGaps>,
    /// How many plugins there are sheets of.
    pub plugins: usize,
    /// The last export of the log.
    pub exported: Option<At>,
    /// The host's last start.
    pub started: Option<At>,
    /// Known vulnerabilities.
    pub vulnerable: Vec<Vulnerable>,
    /// Whether anybody looks for vulnerabilities: there is a file of them.
    pub advisories: bool,
    /// Acts whose end nobody knows.
    pub unknown: Vec<At>,
    /// The last backup that was made.
    pub backed_up: Option<At>,
    /// The last that was restored as a test, and held.
    pub restored: Option<At>,
    /// When postures were looked at last by the running host; absent where they never were.
    pub looked: Option<Timestamp>,
    /// Sign-ins of the last 30 days from devices that were not seen before: how many, and the last one.
    pub new_devices: (usize, Option<At>),
    /// Until when the file that says how to report a vulnerability is published; absent where it is not.
    pub security_contact: Option<Timestamp>,
    /// How often a line of this tenant's posture changed, and the last time.
    pub changes: (usize, Option<At>),
}

/// All of it, of one tenant at one moment.
#[derive(Clone, Debug)]
pub struct Facts {
    /// When.
    pub now: Timestamp,
    /// Whose.
    pub tenant: TenantId,
    /// Profiles that are on, beside the one that always is.
    pub on: Vec<On>,
    /// What was said, of this tenant and of the whole host.
    pub attestations: Vec<Attestation>,
    /// Risks of this tenant.
    pub risks: Vec<Risk>,
    /// Static tokens of this tenant.
    pub statics: Vec<StaticToken>,
    /// Hosts without TLS.
    pub plain: Vec<PlainHost>,
    /// Destinations that the rules about regions refuse, in words.
    pub barred: Vec<String>,
    /// Installations with generative AI.
    pub ai: Vec<UsesAi>,
    /// How many minutes a signed token may last on this host.
    pub jwt_minutes: u32,
    /// What observed duties are answered from.
    pub observations: Observations,
}

impl Facts {
    /// As they would be with a profile turned on or off.
    #[must_use]
    pub fn with(mut self, turn: &Turn) -> Self {
        self.on.retain(|one| turn.on || one.turned.profile != turn.profile);
        if turn.on && self.on.iter().all(|one| one.turned.profile != turn.profile) {
            let (by, reason) = ("nobody yet".to_owned(), "a rehearsal".to_owned());
            let (tenant, profile) = (self.tenant.clone(), turn.profile.clone());
            self.on.push(On { turned: TurnedOn { tenant, profile, by, reason, since: self.now }, entry: None });
        }
        self
    }
}
