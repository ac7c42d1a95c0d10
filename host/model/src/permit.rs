//! No permit, no effect (idea 2), as types.
//!
//! `Authority::permit` gives a [`Permit`]; [`Permit::record`] writes it to the audit log and gives a [`Recorded`];
//! [`Recorded::spend`] runs the effect with the one [`Spent`] there is for it, and writes the outcome. The services behind
//! the capabilities take a [`Spent`], and nothing else can make one:
//!
//! ```compile_fail
//! # use portcullis_model::{permit::{Permit, Spent}, kv::KvGet};
//! fn skip_the_log(permit: Permit<KvGet>) -> Spent<KvGet> { permit.into() }
//! ```
//! ```compile_fail
//! # use portcullis_model::{permit::{Recorded, Spent}, kv::KvGet};
//! fn twice(recorded: Recorded<KvGet>) -> (Recorded<KvGet>, Recorded<KvGet>) { (recorded, recorded) }
//! ```
//! ```compile_fail
//! # use portcullis_model::{permit::Permit, kv::KvGet, call::Call};
//! # use std::sync::Arc;
//! fn forge(call: Arc<Call>, act: KvGet) -> Permit<KvGet> { Permit { call, act } }
//! ```
//!
//! Invariant: for every effect there is a durable `act.permitted` entry that is older than it. An outcome that is missing
//! (the host died in between) is told apart from one that is known.

use std::{
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use crate::{
    audit::{Entry, Kind, RecordError, Recorder, plain},
    authority::{Denial, Layer, Opinion},
    budget::Cost,
    call::Call,
    error::ServiceError,
    id::ActId,
    scope::ScopeText,
    time::Timestamp,
};

/// Something a plugin asks the host to do.
pub trait Act: Send + Sync {
    /// Its name in the audit log: capability, dot, function.
    const NAME: &'static str;

    /// What it is about, such as `ticket:1042`. No personal data: this stays in the log.
    fn resource(&self) -> String;

    /// The scope that it needs, as the log may keep it.
    fn loggable(&self, scope: &ScopeText) -> ScopeText {
        scope.clone()
    }

    /// The most that it can use of what is bounded in a call or an hour. Reserved before the effect; what the effect's
    /// facts show to be unused is given back after it.
    fn cost(&self) -> Cost {
        Cost::NONE
    }

    /// What is known of it before its effect: sizes and counts, by the same names as those of [`Effect::facts`]. They stand in the log
    /// with a failure of an effect that had begun; with the permit, after [`AT_MOST`]; and with an end that nobody knows.
    fn facts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

/// What stands before a fact's name in the entry of a permit: so much, where all of it happens.
pub const AT_MOST: &str = "most-";

/// Whether an effect has begun: from then on it counts as had, whatever comes back.
#[derive(Clone, Debug, Default)]
pub struct Begun(Arc<AtomicBool>);

impl Begun {
    /// From here on it has.
    pub fn mark(&self) {
        self.0.store(true, Ordering::Release);
    }

    fn has(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// What an effect gave, as far as the log keeps it: names and numbers, never content.
pub trait Effect {
    /// Sizes and counts, such as `("records", 1)`.
    fn facts(&self) -> Vec<(&'static str, u64)> {
        Vec::new()
    }
}

impl Effect for () {}
impl Effect for String {}

/// A decision in favour. Good for nothing until it is recorded.
#[derive(Debug)]
#[must_use = "a permit that is not recorded has no effect"]
pub struct Permit<A> {
    call: Arc<Call>,
    id: ActId,
    scope: ScopeText,
    act: A,
}

/// A permit that is in the audit log, durably.
#[derive(Debug)]
#[must_use = "a recorded permit that is not spent leaves its outcome unknown"]
pub struct Recorded<A>(Permit<A>);

/// The right to have one effect, once. Services take it by value.
#[derive(Debug)]
pub struct Spent<A> {
    call: Arc<Call>,
    id: ActId,
    act: A,
    begun: Begun,
}

impl<A> Spent<A> {
    /// The act to carry out.
    pub fn act(&self) -> &A {
        &self.act
    }

    /// On whose behalf.
    pub fn call(&self) -> &Call {
        &self.call
    }

    /// Its id in the audit log: unique, and the same as the permit's.
    pub fn id(&self) -> &ActId {
        &self.id
    }

    /// Where a service marks that the effect has begun, of whose kind a failure may leave something behind.
    pub fn begun(&self) -> &Begun {
        &self.begun
    }

    /// The act itself, for a service that needs to own it.
    pub fn into_act(self) -> A {
        self.act
    }
}

impl<A: Act> Permit<A> {
    pub(crate) fn granted(call: Arc<Call>, scope: ScopeText, act: A) -> Self {
        Self { id: call.next_act(), call, scope, act }
    }

    /// The act that it would permit.
    pub fn act(&self) -> &A {
        &self.act
    }

    /// Takes it back on behalf of a layer that is asked last, because it changes with every act.
    pub fn refuse(self, layer: Layer, reason: String) -> Box<Denial> {
        let Self { id, scope, act, .. } = self;
        let layers = vec![Opinion { layer, refuses: Some(reason.clone()) }];
        let (resource, loggable) = (act.resource(), act.loggable(&scope));
        Box::new(Denial { id, act: A::NAME, resource, needed: scope, loggable, layer, reason, layers })
    }

    /// Writes the permit to the audit log and waits until it is durable. Where that fails there is no effect.
    pub async fn record(self, recorder: &dyn Recorder, now: Timestamp) -> Result<Recorded<A>, RecordError> {
        let entry = Entry::of_act(now, Kind::ActPermitted, &self.call, &self.id)
            .about(self.act.resource())
            .with("act", A::NAME)
            .with("scope", self.act.loggable(&self.scope).to_string());
        // Where the host dies before the outcome is known, nobody else can tell how much it was about.
        let known = self.act.facts().into_iter();
        let entry = known.fold(entry, |entry, (name, number)| entry.with(&format!("{AT_MOST}{name}"), number));
        recorder.record(vec![entry]).await?;
        Ok(Recorded(self))
    }
}

impl<A: Act> Recorded<A> {
    /// Runs the effect and writes its outcome. The outcome entry is in the log before anything that the same call records
    /// later, and durable before the call counts as done.
    pub async fn spend<T, F, Fut>(
        self,
        recorder: &dyn Recorder,
        now: impl Fn() -> Timestamp + Send,
        effect: F,
    ) -> Result<T, ServiceError>
    where
        T: Effect + Send,
        F: FnOnce(Spent<A>) -> Fut + Send,
        Fut: Future<Output = Result<T, ServiceError>> + Send,
    {
        let Permit { call, id, act, .. } = self.0;
        let resource = act.resource();
        let (begun, known) = (Begun::default(), act.facts());
        let spent = Spent { call: call.clone(), id: id.clone(), act, begun: begun.clone() };
        let result = effect(spent).await;
        let mut entry = Entry::of_act(now(), Kind::ActOutcome, &call, &id)
            .about(resource)
            .with("act", A::NAME)
            .with("outcome", result.as_ref().map_or_else(ServiceError::name, |_| "ok"));
        let facts = match &result {
            Ok(value) => value.facts(),
            Err(_) if begun.has() => known,
            Err(_) => Vec::new(),
        };
        for (name, number) in facts {
            entry = entry.with(name, number);
        }
        recorder.note(entry);
        result
    }
}

/// Writes a denial to the audit log, and returns when that is durable: who is denied again and again waits as long as who is
/// permitted. The guest gets its answer whether or not it succeeds: a denial has no effect.
///
/// # Errors
/// The log cannot be written.
pub async fn record_denial(
    recorder: &dyn Recorder,
    now: Timestamp,
    call: &Call,
    denial: &Denial,
) -> Result<(), RecordError> {
    let entry = Entry::of_act(now, Kind::ActDenied, call, &denial.id)
        .about(denial.resource.clone())
        .with("act", denial.act)
        .with("scope", denial.loggable.to_string())
        .with("layer", serde_json::json!(denial.layer))
        .with("grantor", denial.layer.grantor())
        .with("layers", opinions(&denial.layers))
        .with("reason", denial.reason.clone());
    recorder.record(vec![entry]).await
}

/// What each layer says by itself, as the log keeps it: name and `allows`, or the reason against.
fn opinions(layers: &[Opinion]) -> serde_json::Value {
    let one = |opinion: &Opinion| {
        let said = opinion.refuses.as_deref().map_or_else(|| "allows".to_owned(), |reason| format!("denies: {reason}"));
        serde_json::json!({ "layer": opinion.layer, "says": plain(&said) })
    };
    layers.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use std::{
        pin::pin,
        sync::Mutex,
        task::{Context, Poll, Waker},
    };

    use async_trait::async_trait;

    use super::*;
    use crate::{id::Digest, limits::Limits};

    /// A log that is not durable until it is said to be.
    #[derive(Default)]
    struct Slow {
        entries: Mutex<Vec<Entry>>,
        is_durable: Mutex<bool>,
    }

    #[async_trait]
    impl Recorder for Slow {
        async fn record(&self, entries: Vec<Entry>) -> Result<(), RecordError> {
            self.entries.lock().unwrap().extend(entries);
            std::future::poll_fn(|_| match *self.is_durable.lock().unwrap() {
                true => Poll::Ready(Ok(())),
                false => Poll::Pending,
            })
            .await
        }

        fn note(&self, _: Entry) {
            panic!("whoever notes does not wait");
        }
    }

    #[test]
    fn a_denial_is_durable_before_it_is_told() {
        let call = Call::new(
            "call_1".parse().unwrap(),
            "acme".parse().unwrap(),
            "ins_1".parse().unwrap(),
            "com.example.plugin".parse().unwrap(),
            Digest::of(b"x"),
            "zen/1".to_owned(),
            1,
            Limits::default(),
        );
        let denial = Denial {
            id: call.id.act(1),
            act: "kv.get",
            resource: "kv:a/b".to_owned(),
            needed: "kv:read".parse().unwrap(),
            loggable: "kv:read".parse().unwrap(),
            layer: Layer::Granted,
            reason: "no scope covers it".to_owned(),
            layers: Vec::new(),
        };
        let log = Slow::default();
        let mut told = pin!(record_denial(&log, Timestamp(1), &call, &denial));
        let mut context = Context::from_waker(Waker::noop());
        assert!(told.as_mut().poll(&mut context).is_pending());
        assert_eq!(log.entries.lock().unwrap().len(), 1);
        *log.is_durable.lock().unwrap() = true;
        assert!(matches!(told.poll(&mut context), Poll::Ready(Ok(()))));
    }
}
