//! One call, front to back: make ready, snapshot, limit, open, instantiate, call, report.

use std::{
    sync::{Arc, PoisonError, atomic::Ordering},
    time::Instant,
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Recorder, plain},
    call::Call,
    event::Event,
    id::CallId,
    installation::Installation,
    invoke::{CallEnd, CallReport, Invoke, Usage},
    limits::Limits,
    release::Releases,
    scope::ScopeText,
    time::{Clock, Rng},
};
use wasmtime::{Store, UpdateDeadline};

use crate::{
    capability::CapabilitySet,
    engine::Sandbox,
    gate::Gate,
    limits::{LimitReached, MemoryLimit},
    memory_scan::{self, FindSecrets},
    meter::{Meter, Metered},
    plugins::{Ceiling, Plugins, Ready},
    wit::{events, types},
};

/// The most bytes that one call into the host may bring along.
const HOST_CALL_BYTES: usize = 8 * 1024 * 1024;

/// What the store of one call holds.
pub struct CallStore<S> {
    pub(crate) memory: MemoryLimit,
    /// The granted capabilities' states.
    pub states: S,
}

/// Runs plugins in sandboxes.
pub struct Runtime<C: CapabilitySet> {
    sandbox: Sandbox,
    capabilities: Arc<C>,
    plugins: Plugins<C>,
    recorder: Arc<dyn Recorder>,
    clock: Arc<dyn Clock>,
    rng: Arc<dyn Rng>,
    secrets: Option<Arc<dyn FindSecrets>>,
}

impl<C: CapabilitySet> Runtime<C> {
    /// A runtime. `ceiling` is the most that any plugin may be granted on this host (`None`: whatever an admin grants),
    /// `limits` the most that a call may use.
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
        ceiling: Option<Vec<ScopeText>>,
        limits: Limits,
    ) -> Self {
        let capabilities = Arc::new(capabilities);
        let ceiling = Ceiling { scopes: ceiling, limits };
        let plugins = Plugins::new(sandbox.clone(), capabilities.clone(), releases, ceiling);
        Self { sandbox, capabilities, plugins, recorder, clock, rng, secrets: None }
    }

    /// Looks for these secrets in guest memory after every call. Needs a sandbox with `scan_memory`.
    #[must_use]
    pub fn scanning_for(mut self, secrets: Arc<dyn FindSecrets>) -> Self {
        self.secrets = Some(secrets);
        self
    }

    /// Makes a plugin ready without calling it: for an install that wants to know now whether it can run.
    pub async fn prepare(&self, installation: &Installation) -> Result<(), crate::LoadError> {
        self.plugins.ready(installation).await.map(drop)
    }

    async fn run(&self, ready: &Ready<C>, gate: &Gate, event: events::Event) -> (CallEnd, Usage) {
        let began = Instant::now();
        let limits = gate.call().limits;
        let meter = Arc::new(Meter::default());
        let mut store = self.store(ready, gate, &meter);
        let call = Metered::new(call(&mut store, ready, &event), meter.clone());
        let ended = tokio::time::timeout(limits.wall(), call).await;
        let (end, broken) = match ended {
            Err(_) => (CallEnd::Limit("wall-ms"), None),
            Ok(Ok(Ok(()))) => (CallEnd::Ok, None),
            Ok(Ok(Err(error))) => (failed(error, limits), None),
            Ok(Err(error)) => (trapped(&error), Some(error)),
        };
        let wall = began.elapsed();
        let memory = store.data().memory.used() as u64;
        let leaked = self.scan(&mut store, ready, &event, broken).await;
        let host_calls = gate.tally().host_calls.load(Ordering::Relaxed);
        (end, Usage { cpu: meter.used(), wall, memory, host_calls, log_dropped: 0, leaked })
    }

    fn store(&self, ready: &Ready<C>, gate: &Gate, meter: &Arc<Meter>) -> Store<CallStore<C::States>> {
        let limits = gate.call().limits;
        let most = usize::try_from(limits.memory_mib.saturating_mul(1024 * 1024)).unwrap_or(usize::MAX);
        let states = self.capabilities.open(gate, &ready.authorities);
        let mut store = Store::new(self.sandbox.engine(), CallStore { memory: MemoryLimit::new(most), states });
        store.limiter(|data| &mut data.memory);
        store.set_hostcall_fuel(HOST_CALL_BYTES);
        let (meter, most) = (meter.clone(), limits.cpu());
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| match meter.used_now() >= most {
            true => Err(LimitReached("cpu-ms").into()),
            false => Ok(UpdateDeadline::Yield(1)),
        });
        store
    }

    /// Where asked for: makes one more instance with its time used up, and searches what the trap shows.
    async fn scan(
        &self,
        store: &mut Store<CallStore<C::States>>,
        ready: &Ready<C>,
        event: &events::Event,
        broken: Option<wasmtime::Error>,
    ) -> Option<bool> {
        let secrets = self.secrets.as_deref().filter(|_| self.sandbox.config.scan_memory)?;
        let error = match broken {
            Some(error) => error,
            None => {
                store.data_mut().memory = MemoryLimit::new(usize::MAX);
                store.epoch_deadline_callback(|_| Err(LimitReached("scan").into()));
                store.set_epoch_deadline(0);
                call(store, ready, event).await.err()?
            }
        };
        memory_scan::search(&error, &*store, secrets)
    }
}

async fn call<S: Send>(
    store: &mut Store<CallStore<S>>,
    ready: &Ready<impl CapabilitySet<States = S>>,
    event: &events::Event,
) -> wasmtime::Result<Result<(), types::Error>> {
    let instance = ready.pre.instantiate_async(&mut *store).await?;
    let guest = ready.events.load(&mut *store, &instance)?;
    guest.call_handle(store, event).await
}

fn trapped(error: &wasmtime::Error) -> CallEnd {
    match (error.downcast_ref::<LimitReached>(), error.downcast_ref::<wasmtime::Trap>()) {
        (Some(LimitReached(name)), _) => CallEnd::Limit(name),
        (None, Some(wasmtime::Trap::StackOverflow)) => CallEnd::Limit("stack"),
        (None, Some(trap)) => CallEnd::Trapped(trap.to_string()),
        (None, None) => match error.root_cause().to_string() {
            // The engine has no type for it; a test holds its words.
            why if why.contains("fuel allocated for hostcalls") => CallEnd::Limit("host-call-bytes"),
            why => CallEnd::Trapped(plain(&why)),
        },
    }
}

/// What a handler said went wrong. Its words are data from outside: cut and escaped, and past the output limit dropped.
fn failed(error: types::Error, limits: Limits) -> CallEnd {
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

#[async_trait]
impl<C: CapabilitySet> Invoke for Runtime<C> {
    async fn handle(&self, installation: &Installation, event: &Event, attempt: u32) -> CallReport {
        let ready = self.plugins.ready(installation).await;
        let limits = ready.as_ref().map_or(installation.limits, |ready| ready.limits);
        let call = Arc::new(Call::new(
            CallId::random(self.rng.as_ref()),
            installation.tenant.clone(),
            installation.id.clone(),
            installation.plugin.clone(),
            installation.release,
            format!("{}/{}", event.origin, event.id),
            attempt,
            limits,
        ));
        let gate = Gate::new(call.clone(), self.recorder.clone(), self.clock.clone());
        let (end, mut usage) = match ready {
            Err(error) => (CallEnd::Refused(error.to_string()), Usage::default()),
            Ok(ready) => match C::narrow(event, &ready.authorities) {
                Err(reason) => (CallEnd::Refused(reason), Usage::default()),
                Ok(data) => self.run(&ready, &gate, guest_event(event, data, attempt)).await,
            },
        };
        let log = std::mem::take(&mut *gate.tally().log.lock().unwrap_or_else(PoisonError::into_inner));
        usage.log_dropped = log.dropped;
        CallReport { call, end, usage, log: log.lines }
    }
}

fn guest_event(event: &Event, data: String, attempt: u32) -> events::Event {
    events::Event {
        id: event.id.clone(),
        kind: event.kind.clone(),
        source: event.source.clone(),
        subject: event.subject.clone(),
        time: event.time.to_string(),
        data,
        attempt,
    }
}
