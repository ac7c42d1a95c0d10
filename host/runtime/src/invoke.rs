//! One call, front to back: make ready, snapshot, limit, open, instantiate, call, report.

use std::{
    sync::{Arc, PoisonError},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder, plain},
    bounds::Bounds,
    budget::{Cost, Resource},
    call::Call,
    event::Event,
    id::{CallId, InstallationId},
    installation::Installation,
    invoke::{CallEnd, CallReport, Invoke, Usage},
    limits::Limits,
    release::{ReleaseError, Releases},
    time::{Clock, Rng, Timestamp},
};

use crate::{
    capability::CapabilitySet,
    engine::Sandbox,
    gate::Gate,
    ledger::Ledger,
    limits::{LimitReached, MemoryLimit},
    memory_scan::FindSecrets,
    observe::Observer,
    plugins::{Plugins, Ready},
    running::{Ran, Running},
    shares::Shares,
    trigger::Asked,
    wasi::{self, Wasi},
    wit::types,
};

/// What the store of one call holds.
pub struct CallStore<S> {
    pub(crate) memory: MemoryLimit,
    /// What the component's WASI imports work on.
    pub wasi: Wasi,
    /// The granted capabilities' states.
    pub states: S,
}

/// Runs plugins in sandboxes.
pub struct Runtime<C: CapabilitySet> {
    running: Running<C>,
    shares: Arc<Shares>,
    pub(crate) capabilities: Arc<C>,
    pub(crate) plugins: Plugins<C>,
    pub(crate) bounds: Arc<Bounds>,
    pub(crate) recorder: Arc<dyn Recorder>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) rng: Arc<dyn Rng>,
    pub(crate) ledger: Arc<Ledger>,
}

impl<C: CapabilitySet> Runtime<C> {
    /// A runtime. `bounds` are what holds for whatever is asked and granted, `ledger` what is left of the hour.
    #[expect(
        clippy::too_many_arguments,
        reason = "ports, each of its own type, named at the one place that wires them"
    )]
    pub fn new(
        sandbox: Sandbox,
        capabilities: C,
        releases: Arc<dyn Releases>,
        recorder: Arc<dyn Recorder>,
        clock: Arc<dyn Clock>,
        rng: Arc<dyn Rng>,
        bounds: Bounds,
        ledger: Arc<Ledger>,
    ) -> Self {
        let capabilities = Arc::new(capabilities);
        let bounds = Arc::new(bounds);
        let plugins = Plugins::new(sandbox.clone(), capabilities.clone(), releases, bounds.clone());
        let running = Running {
            sandbox,
            capabilities: capabilities.clone(),
            clock: clock.clone(),
            rng: rng.clone(),
            secrets: None,
            observer: None,
        };
        Self { running, shares: Shares::new(), capabilities, plugins, bounds, recorder, clock, rng, ledger }
    }

    /// Looks for these secrets in guest memory after every call. Needs a sandbox with `scan_memory`.
    #[must_use]
    pub fn scanning_for(mut self, secrets: Arc<dyn FindSecrets>) -> Self {
        self.running.secrets = Some(secrets);
        self
    }

    /// Tells this observer of every call.
    #[must_use]
    pub fn observed_by(mut self, observer: Arc<dyn Observer>) -> Self {
        self.running.observer = Some(observer);
        self
    }

    /// What is left of the hour.
    pub fn ledger(&self) -> &Arc<Ledger> {
        &self.ledger
    }

    /// Makes a plugin ready without calling it: for an install that wants to know now whether it can run.
    pub async fn prepare(&self, installation: &Installation) -> Result<(), crate::LoadError> {
        self.plugins.ready(installation).await.map(drop)
    }

    /// Ends all calls of an installation that began under this generation or an older one, and lets no more of them begin.
    /// Gives how many were under way.
    pub fn end(&self, installation: &InstallationId, generation: u64) -> usize {
        self.plugins.lives.end(installation, generation)
    }

    /// What the plugin is handed, narrowed to its grant; an error where it cannot have it.
    fn asked(&self, event: &Event, attempt: u32, ready: &Ready<C>, call: &Arc<Call>) -> Result<Asked, String> {
        if let Some(lacking) = ready.triggers.lacks(event.form) {
            return Err(format!("the component does not export 'portcullis:plugin/{lacking}@0.1.0'"));
        }
        let data = self.capabilities.narrow(event, &ready.authority.authorities, call)?;
        Asked::of(event, data, attempt)
    }

    /// How many calls of an installation are under way.
    pub fn live(&self, installation: &InstallationId) -> usize {
        self.plugins.lives.live(installation)
    }
}

impl From<crate::LoadError> for CallEnd {
    fn from(error: crate::LoadError) -> Self {
        match error {
            crate::LoadError::Release(ReleaseError::Store(error)) => Self::HostFailed(error.to_string()),
            crate::LoadError::Untrusted(error) => Self::Untrusted(error.to_string()),
            error => Self::Refused(error.to_string()),
        }
    }
}

pub(crate) fn ended_from_outside() -> CallEnd {
    CallEnd::Ended("its installation was stopped".to_owned())
}

pub(crate) fn trapped(error: &wasmtime::Error) -> CallEnd {
    match (error.downcast_ref::<LimitReached>(), error.downcast_ref::<wasmtime::Trap>()) {
        (Some(LimitReached(name)), _) => CallEnd::Limit(name),
        (None, Some(wasmtime::Trap::StackOverflow)) => CallEnd::Limit("stack"),
        (None, Some(trap)) => CallEnd::Trapped(trap.to_string()),
        (None, None) if error.is::<wasmtime_wasi::I32Exit>() => CallEnd::Trapped(wasi::exited(error)),
        (None, None) if wasi::is_full(error) => CallEnd::Limit("handles"),
        (None, None) => match error.root_cause().to_string() {
            // The engine has no type for it; a test holds its words.
            why if why.contains("fuel allocated for hostcalls") => CallEnd::Limit("host-call-bytes"),
            why => CallEnd::Trapped(plain(&why)),
        },
    }
}

/// What a handler said went wrong. Its words are data from outside: cut and escaped, and past the output limit dropped.
pub(crate) fn failed(error: types::Error, limits: Limits) -> CallEnd {
    let (error, message) = match error {
        types::Error::Denied(denial) => ("denied", format!("{} needs {}", denial.id, denial.scope)),
        types::Error::Invalid(what) => ("invalid", what),
        types::Error::NotFound => ("not-found", String::new()),
        types::Error::Limited(limit) => ("limited", limit.name),
        types::Error::Conflict => ("conflict", String::new()),
        types::Error::Unavailable => ("unavailable", String::new()),
    };
    match message.len() as u64 > limits.output_kib * 1024 {
        true => CallEnd::Limit("output-kib"),
        false => CallEnd::Failed { error, message: plain(&message) },
    }
}

/// The entry of a plugin that was made ready.
fn loaded(now: Timestamp, installation: &Installation) -> Entry {
    Entry::new(now, Kind::PluginLoaded, Actor::Host, Some(installation.tenant.clone()))
        .about(format!("installation:{}", installation.id))
        .with("plugin", installation.plugin.as_str())
        .with("version", installation.version.as_str())
        .with("digest", installation.release.to_string())
        .with("manifest-digest", installation.manifest.to_string())
        .with("generation", installation.generation)
}

#[async_trait]
impl<C: CapabilitySet> Invoke for Runtime<C> {
    async fn handle(&self, installation: &Installation, event: &Event, attempt: u32) -> CallReport {
        self.shares.rested(&installation.tenant, &installation.id).await;
        let began = Instant::now();
        let ready = self.plugins.ready(installation).await.map(|(ready, fresh)| {
            if fresh {
                self.recorder.note(loaded(self.clock.now(), installation));
            }
            ready
        });
        let limits = ready.as_ref().map_or(installation.limits, |ready| ready.authority.limits);
        let limits = self.ledger.within(&installation.tenant, limits);
        let call = Call::new(
            CallId::random(self.rng.as_ref()),
            installation.tenant.clone(),
            installation.id.clone(),
            installation.plugin.clone(),
            installation.release,
            format!("{}/{}", event.origin, event.id),
            attempt,
            limits,
        );
        let call = call.in_trace(event.trace.as_ref()).under(self.bounds.rules(&installation.tenant));
        let call = Arc::new(call);
        let turn = match self.ledger.begin(&call).await {
            Ok(turn) => turn,
            Err(end) => {
                let end = Ledger::looking_again(end);
                return CallReport { call, end, usage: Usage::default(), log: Vec::new(), answer: None };
            }
        };
        let gate = Gate::new(call.clone(), self.recorder.clone(), self.clock.clone(), turn.budget().clone());
        let gate = gate.observed_by(self.running.observer.clone());
        let not_run = |end| Ran { end, usage: Usage::default(), answer: None };
        let Ran { end, mut usage, answer } = match ready {
            Err(error) => not_run(error.into()),
            Ok(ready) => match self.asked(event, attempt, &ready, &call) {
                Err(reason) => not_run(CallEnd::Refused(reason)),
                Ok(asked) => {
                    let call = self.running.clone().run(ready, installation.generation, gate.clone(), asked);
                    self.shares.run(&installation.tenant, call).await
                }
            },
        };
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let time = Cost::of(Resource::Cpu, micros(usage.cpu)).and(Resource::Wall, micros(usage.wall));
        turn.end(time.plus(gate.tally().used()));
        self.shares.ended(&installation.id, gate.tally().was_in_vain(&end), began.elapsed());
        usage.denials_unlisted = gate.tally().denials_unlisted();
        let log = std::mem::take(&mut *gate.tally().log.lock().unwrap_or_else(PoisonError::into_inner));
        usage.log_dropped = log.dropped;
        CallReport { call, end, usage, log: log.lines, answer }
    }
}
