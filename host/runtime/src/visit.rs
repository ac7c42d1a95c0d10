//! Acting in an installation's name without a call into its component: for the host's own requests (webhooks to a back end) and
//! for back ends outside of the sandbox that come in over HTTP.
//!
//! A visit is judged by grant, never by import: a component's imports say what its code can do, and a visitor is not its code. So
//! nothing is compiled or instantiated, and a component that lacks an interface, or has no handler at all, can be visited. All else
//! is a call's: release verified, every layer of authority, tenant's rules, permits, budgets (a visit counts as a call of the
//! hour, its calls into the host, its time and its CPU time count as a call's do), wall-clock limit, and the end from outside.
//!
//! Invariants: a visit does what its installation may do, at most; only one that is active can be visited; `visit.began` is in the
//! log before any act of it, and `visit.ended` after, however it ends.

use std::{
    future::Future,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use portcullis_model::{
    audit::{Entry, Kind, Recorder},
    authority::Layer,
    budget::{Cost, Resource},
    call::Call,
    id::CallId,
    installation::{Installation, InstallationState},
    invoke::CallEnd,
    scope::ScopeText,
    time::Clock,
    trace::Traceparent,
};
use serde_json::Value;

use crate::{
    Runtime,
    capability::CapabilitySet,
    gate::Gate,
    invoke::ended_from_outside,
    ledger::Turn,
    life::Alive,
    meter::{Meter, Metered},
};

/// What a visit is for.
#[derive(Clone, Debug, Default)]
pub struct Purpose {
    /// Stands where a call names its event, such as `webhook:msg_123`.
    pub event: String,
    /// Counts from 1.
    pub attempt: u32,
    /// What the visitor is narrowed to, beyond the installation's own layers.
    pub narrowed: Option<(Layer, Vec<ScopeText>)>,
    /// Where in a trace it is, where one was brought along.
    pub trace: Option<Traceparent>,
    /// Who visits, as the log is to name them. Never a secret.
    pub details: Vec<(&'static str, Value)>,
}

/// A visit that is under way. Dropped before [`Visit::within`] has let its work come to an end, it is in the log as cut off.
pub struct Visit<C: CapabilitySet> {
    gate: Gate,
    capabilities: Arc<C>,
    authorities: Arc<C::Authorities>,
    alive: Alive,
    turn: Option<Turn>,
    meter: Arc<Meter>,
    began: Instant,
    end: Option<CallEnd>,
    recorder: Arc<dyn Recorder>,
    clock: Arc<dyn Clock>,
}

impl<C: CapabilitySet> Runtime<C> {
    /// Begins a visit. The error says why there is none; where nothing was even begun, there is no entry about it either, but for
    /// a budget that ran out.
    pub async fn visit(&self, installation: &Installation, purpose: Purpose) -> Result<Visit<C>, CallEnd> {
        if let Some(end) = not_active(&installation.state) {
            return Err(end);
        }
        let known = self.plugins.authorized(installation).await?;
        let authorities = match &purpose.narrowed {
            None => known.authorities.clone(),
            Some(layer) => {
                let layers: Vec<_> = known.layers.iter().chain([layer]).cloned().collect();
                let read = self.capabilities.authorities(&layers);
                Arc::new(read.map_err(|error| CallEnd::Refused(error.to_string()))?)
            }
        };
        let call = Call::new(
            CallId::random(self.rng.as_ref()),
            installation.tenant.clone(),
            installation.id.clone(),
            installation.plugin.clone(),
            installation.release,
            purpose.event,
            purpose.attempt,
            self.ledger.within(&installation.tenant, known.limits),
        );
        let call = call.in_trace(purpose.trace.as_ref()).under(self.bounds.rules(&installation.tenant));
        let call = Arc::new(call);
        let turn = self.ledger.begin(&call).await?;
        let alive = known.life.begin(installation.generation).ok_or_else(ended_from_outside)?;
        let gate = Gate::new(call.clone(), self.recorder.clone(), self.clock.clone(), turn.budget().clone());
        let mut entry = Entry::of_call(self.clock.now(), Kind::VisitBegan, &call)
            .about(format!("event:{}", call.event))
            .with("attempt", call.attempt);
        for (name, value) in purpose.details {
            entry = entry.with(name, value);
        }
        self.recorder.note(entry);
        Ok(Visit {
            gate,
            capabilities: self.capabilities.clone(),
            authorities,
            alive,
            turn: Some(turn),
            meter: Arc::default(),
            began: Instant::now(),
            end: None,
            recorder: self.recorder.clone(),
            clock: self.clock.clone(),
        })
    }
}

fn not_active(state: &InstallationState) -> Option<CallEnd> {
    match state {
        InstallationState::Active => None,
        InstallationState::Suspended { reason, .. } => Some(CallEnd::Refused(format!("it is suspended: {reason}"))),
        InstallationState::Uninstalled { .. } | InstallationState::Erased { .. } => {
            Some(CallEnd::Refused("it is uninstalled".to_owned()))
        }
    }
}

impl<C: CapabilitySet> Visit<C> {
    /// The way from an act to its service.
    pub fn gate(&self) -> &Gate {
        &self.gate
    }

    /// The capabilities' states, as a call into the component has them.
    pub fn states(&self) -> C::States {
        self.capabilities.open(&self.gate, &self.authorities)
    }

    /// Lets work come to its end within the call's time, unless the installation is stopped from outside before.
    pub async fn within<T>(&mut self, work: impl Future<Output = T> + Send) -> Result<T, CallEnd> {
        let wall = self.gate.call().limits.wall();
        self.within_time(wall, work).await
    }

    /// As [`Visit::within`], with another limit of its time: for requests of the host's own, which nothing in the sandbox waits for.
    pub async fn within_time<T>(&mut self, most: Duration, work: impl Future<Output = T> + Send) -> Result<T, CallEnd> {
        let left = most.saturating_sub(self.began.elapsed());
        let work = Metered::new(work, self.meter.clone());
        let ended = tokio::select! {
            biased;
            () = self.alive.over() => Err(ended_from_outside()),
            done = tokio::time::timeout(left, work) => done.map_err(|_| CallEnd::Limit("wall-ms")),
        };
        self.end = Some(ended.as_ref().err().cloned().unwrap_or(CallEnd::Ok));
        ended
    }
}

impl<C: CapabilitySet> Drop for Visit<C> {
    fn drop(&mut self) {
        let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
        let (cpu, wall) = (micros(self.meter.used()), micros(self.began.elapsed()));
        let (call, tally) = (self.gate.call(), self.gate.tally());
        if let Some(turn) = self.turn.take() {
            turn.end(Cost::of(Resource::Cpu, cpu).and(Resource::Wall, wall).plus(tally.used()));
        }
        let mut entry = Entry::of_call(self.clock.now(), Kind::VisitEnded, call)
            .about(format!("event:{}", call.event))
            .with("end", self.end.as_ref().map_or("cut-off", CallEnd::name))
            .with("acts", call.acts())
            .with("cpu-us", cpu)
            .with("wall-us", wall)
            .with("host-calls", tally.host_calls.load(Ordering::Relaxed));
        if tally.denials_unlisted() > 0 {
            entry = entry.with("denials-unlisted", tally.denials_unlisted());
        }
        if let Some(end) = self.end.as_ref().filter(|end| **end != CallEnd::Ok) {
            entry = entry.with("reason", end.to_string());
        }
        self.recorder.note(entry);
    }
}
