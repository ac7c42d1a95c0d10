//! What the tests of plugins' storage share: a clock that is set by hand, and acts that go the whole way from permit to effect.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Entry, RecordError, Recorder},
    authority::{Authority, Layer},
    call::Call,
    class::Class,
    error::ServiceError,
    id::Digest,
    limits::Limits,
    permit::{Act, Effect, Spent},
    scope::{Allows, Grant, Risk, Scope, ScopeError, ScopeText},
    time::{Clock, Timestamp},
};

/// A clock that stands still until it is moved.
#[derive(Default)]
pub struct ByHand(AtomicI64);

impl ByHand {
    pub fn pass(&self, seconds: i64) {
        self.0.fetch_add(seconds * 1000, Ordering::Relaxed);
    }
}

impl Clock for ByHand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Everything;

impl Scope for Everything {
    const CAPABILITY: &'static str = "test";
    const EXAMPLES: &'static [&'static str] = &["test:everything"];
    fn parse(_: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        Ok(vec![Self])
    }
    fn text(&self) -> ScopeText {
        ScopeText::new("test", "everything")
    }
    fn meet(&self, _: &Self) -> Option<Self> {
        Some(Self)
    }
    fn describe(&self) -> String {
        "everything".into()
    }
    fn risk(&self) -> Risk {
        Risk::High
    }
    fn classes(&self) -> std::collections::BTreeSet<Class> {
        Class::ALL.into()
    }
}

impl<A: Act> Allows<A> for Everything {
    fn needed(_: &A) -> ScopeText {
        Everything.text()
    }
    fn decide(_: &Grant<Self>, _: &A) -> Result<(), String> {
        Ok(())
    }
}

struct Forgetful;

#[async_trait]
impl Recorder for Forgetful {
    async fn record(&self, _: Vec<Entry>) -> Result<(), RecordError> {
        Ok(())
    }
    fn note(&self, _: Entry) {}
}

/// Carries an act out on behalf of an installation, named `tenant/installation`.
pub async fn spend<A, T, F, Fut>(by: &str, act: A, effect: F) -> Result<T, ServiceError>
where
    A: Act,
    T: Effect + Send,
    F: FnOnce(Spent<A>) -> Fut + Send,
    Fut: Future<Output = Result<T, ServiceError>> + Send,
{
    let (tenant, installation) = by.split_once('/').unwrap();
    let call = Call::new(
        "call_1".parse().unwrap(),
        tenant.parse().unwrap(),
        installation.parse().unwrap(),
        "com.example.test".parse().unwrap(),
        Digest::of(b""),
        "test".into(),
        1,
        Limits::default(),
    );
    let authority = Authority::new(vec![(Layer::Granted, Grant::new([Everything]))]);
    let permit = authority.permit(&Arc::new(call), act).unwrap();
    permit.record(&Forgetful, Timestamp(0)).await.unwrap().spend(&Forgetful, || Timestamp(0), effect).await
}
