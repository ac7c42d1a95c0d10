//! One call in its sandbox: a fresh store and instance with all limits on, the handler, and how it ended.
//!
//! Invariant: what runs holds all that it needs, so that it can go on wherever it is moved to.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Instant,
};

use portcullis_model::{
    audit::plain,
    id::CallId,
    invoke::{CallEnd, Usage},
    privacy::PrivacyAnswer,
    time::{Clock, Rng},
};
use wasmtime::{CallHook, FrameInfo, Store, UpdateDeadline, WasmBacktrace};

use crate::{
    capability::CapabilitySet,
    engine::Sandbox,
    gate::Gate,
    invoke::{CallStore, ended_from_outside, failed, trapped},
    limits::{LimitReached, MemoryLimit},
    memory_scan::{self, FindSecrets},
    meter::{Meter, Metered},
    observe::Observer,
    plugins::Ready,
    trigger::{Answered, Asked, too_long},
    wasi::Wasi,
};

/// The most bytes that one call into the host may bring along.
const HOST_CALL_BYTES: usize = 8 * 1024 * 1024;

/// A call that was run.
pub(crate) struct Ran {
    pub end: CallEnd,
    pub usage: Usage,
    /// What it answered, where it was asked for an answer and gave one.
    pub answer: Option<PrivacyAnswer>,
}

/// What every call of a host runs with.
pub(crate) struct Running<C> {
    pub sandbox: Sandbox,
    pub capabilities: Arc<C>,
    pub clock: Arc<dyn Clock>,
    pub rng: Arc<dyn Rng>,
    pub secrets: Option<Arc<dyn FindSecrets>>,
    pub observer: Option<Arc<dyn Observer>>,
}

impl<C> Clone for Running<C> {
    fn clone(&self) -> Self {
        Self {
            sandbox: self.sandbox.clone(),
            capabilities: self.capabilities.clone(),
            clock: self.clock.clone(),
            rng: self.rng.clone(),
            secrets: self.secrets.clone(),
            observer: self.observer.clone(),
        }
    }
}

impl<C: CapabilitySet> Running<C> {
    /// Runs it to its end. Dropped before, the call is cut off at the point where it is.
    pub async fn run(self, ready: Arc<Ready<C>>, generation: u64, gate: Gate, asked: Asked) -> Ran {
        let (ready, gate) = (&*ready, &gate);
        let began = Instant::now();
        let limits = gate.call().limits;
        let meter = Arc::new(Meter::default());
        let mut store = self.store(ready, gate, &meter);
        let call = Metered::new(call(&mut store, ready, &asked), meter.clone());
        let Some(alive) = ready.authority.life.begin(generation) else {
            return Ran { end: ended_from_outside(), usage: Usage::default(), answer: None };
        };
        let ended = tokio::select! {
            biased;
            () = alive.over() => None,
            ended = tokio::time::timeout(limits.wall(), call) => Some(ended),
        };
        let mut answer = None;
        let (end, broken) = match ended {
            None => (ended_from_outside(), None),
            Some(Err(_)) => (CallEnd::Limit("wall-ms"), None),
            Some(Ok(Ok(Ok(Some(long))))) if too_long(&long, limits) => (CallEnd::Limit("output-kib"), None),
            Some(Ok(Ok(Ok(given)))) => {
                answer = given;
                (CallEnd::Ok, None)
            }
            Some(Ok(Ok(Err(error)))) => (failed(error, limits), None),
            Some(Ok(Err(error))) => (trapped(&error), Some(error)),
        };
        if let (Some(observer), Some(stack)) = (&self.observer, broken.as_ref().and_then(|e| e.downcast_ref())) {
            observer.broke(gate.call(), &frames(stack));
        }
        store.data_mut().wasi.finish();
        let wall = began.elapsed();
        let memory = store.data().memory.used() as u64;
        let leaked = self.scan(&mut store, ready, (&gate.call().id, &asked), broken).await;
        let host_calls = gate.tally().host_calls.load(Ordering::Relaxed);
        let usage = Usage { cpu: meter.used(), wall, memory, host_calls, leaked, ..Usage::default() };
        Ran { end, usage, answer }
    }

    fn store(&self, ready: &Ready<C>, gate: &Gate, meter: &Arc<Meter>) -> Store<CallStore<C::States>> {
        let limits = gate.call().limits;
        let elements = usize::try_from(limits.table_elements).unwrap_or(usize::MAX);
        let memory = MemoryLimit::new(limits.memory(), elements);
        let states = self.capabilities.open(gate, &ready.authority.authorities);
        let wasi = ready.wasi.map_or_else(Wasi::default, |real| Wasi::open(gate, &self.clock, &self.rng, real));
        let mut store = Store::new(self.sandbox.engine(), CallStore { memory, wasi, states });
        if ready.wasi.is_some() {
            // WASI's host functions cannot end a call by themselves when they are counted.
            store.call_hook(|mut context, hook| match hook {
                CallHook::ReturningFromHost => context.data_mut().wasi.check(),
                _ => Ok(()),
            });
        }
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
        (id, asked): (&CallId, &Asked),
        broken: Option<wasmtime::Error>,
    ) -> Option<bool> {
        let secrets = self.secrets.as_deref().filter(|_| self.sandbox.config.scan_memory)?;
        let error = match broken {
            Some(error) => error,
            None => {
                store.data_mut().memory = MemoryLimit::unbounded();
                store.epoch_deadline_callback(|_| Err(LimitReached("scan").into()));
                store.set_epoch_deadline(0);
                call(store, ready, asked).await.err()?
            }
        };
        memory_scan::hand_over(&error, &mut *store, id, secrets);
        memory_scan::search(&error, &*store, secrets)
    }
}

async fn call<S: Send>(
    store: &mut Store<CallStore<S>>,
    ready: &Ready<impl CapabilitySet<States = S>>,
    asked: &Asked,
) -> wasmtime::Result<Answered> {
    let instance = ready.pre.instantiate_async(&mut *store).await?;
    ready.triggers.call(store, &instance, asked).await
}

/// The most frames of a stack that are told: one that overflowed has tens of thousands.
const FRAMES: usize = 64;

/// The functions on a guest's stack, innermost first, with their places in its code.
fn frames(stack: &WasmBacktrace) -> Vec<String> {
    let frame = |frame: &FrameInfo| {
        let at = frame.module_offset().map(|at| format!("{at:#x} ")).unwrap_or_default();
        format!("{at}{}", plain(frame.func_name().unwrap_or("(without a name)")))
    };
    stack.frames().iter().take(FRAMES).map(frame).collect()
}
