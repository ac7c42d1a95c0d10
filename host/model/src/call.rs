//! One call into a plugin: on whose behalf, for what, within which limits.

use std::sync::atomic::{AtomicU32, Ordering};

use crate::{
    id::{ActId, CallId, Digest, InstallationId, PluginId, TenantId},
    limits::Limits,
    trace::Traceparent,
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
    /// Where it is in the event's trace.
    pub trace: Traceparent,
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
            trace: Traceparent::of_call(None, &event, id.as_str()),
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

    /// The same call in the trace that was brought along, where one was.
    #[must_use]
    pub fn in_trace(mut self, brought: Option<&Traceparent>) -> Self {
        self.trace = Traceparent::of_call(brought, &self.event, self.id.as_str());
        self
    }

    /// Where an act of this call is in the trace.
    pub fn trace_of(&self, act: &ActId) -> Traceparent {
        self.trace.child("act", act.as_str())
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
