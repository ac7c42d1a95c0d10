//! One call into a plugin: on whose behalf, for what, within which limits.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::{
    id::{ActId, CallId, Digest, InstallationId, PluginId, TenantId},
    limits::Limits,
    trace,
};

/// Rules of a tenant's profile that hold for whatever is granted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    /// Card numbers are covered in every text that a plugin reads (DAT-3).
    pub cover_cards: bool,
}

/// The snapshot that a call runs under. Nothing in it changes while it runs.
#[derive(Debug)]
pub struct Call {
    /// Its id.
    pub id: CallId,
    /// Whose data it works on.
    pub tenant: TenantId,
    /// On behalf of which installation.
    pub installation: InstallationId,
    /// Of which plugin.
    pub plugin: PluginId,
    /// In which release.
    pub release: Digest,
    /// The event that it handles: source and id.
    pub event: String,
    /// Its `traceparent`, of the event's trace.
    pub trace: String,
    /// 1 at the first delivery of that event.
    pub attempt: u32,
    /// What it may use.
    pub limits: Limits,
    /// What the tenant's profile says about what it reads.
    pub rules: Rules,
    acts: AtomicU32,
}

impl Call {
    /// A call that has done nothing yet.
    #[expect(
        clippy::too_many_arguments,
        reason = "a snapshot: every field is its own fact, named at the one call site"
    )]
    pub fn new(
        id: CallId,
        tenant: TenantId,
        installation: InstallationId,
        plugin: PluginId,
        release: Digest,
        event: String,
        attempt: u32,
        limits: Limits,
    ) -> Self {
        Self {
            trace: trace::of_call(&event, id.as_str()),
            id,
            tenant,
            installation,
            plugin,
            release,
            event,
            attempt,
            limits,
            rules: Rules::default(),
            acts: AtomicU32::new(0),
        }
    }

    /// The same call under these rules.
    #[must_use]
    pub fn under(mut self, rules: Rules) -> Self {
        self.rules = rules;
        self
    }

    /// The id of this call's next act.
    pub fn next_act(&self) -> ActId {
        self.id.act(self.acts.fetch_add(1, Ordering::Relaxed) + 1)
    }

    /// How many acts were asked for so far.
    pub fn acts(&self) -> u32 {
        self.acts.load(Ordering::Relaxed)
    }
}
