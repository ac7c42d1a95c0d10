//! What a tenant's profile asks for and who answers for the rest, on the way of a request (INT-3, DAT-5).

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use async_trait::async_trait;
use portcullis_broker::egress::{Config, Plaintext};
use portcullis_model::{
    connection::ConnectionKey,
    duty::{Settings, TenantRules},
    error::StoreError,
    id::TenantId,
    risk::AcceptedRisk,
    time::Timestamp,
};

use crate::{
    CHAT,
    support::{
        server::{NAMES, Server},
        world::{Hand, TOKEN, World, get, leading_to},
    },
    unavailable,
};

/// A tenant whose profile asks for OAuth and TLS, and a risk of one connection and one host until a moment.
#[derive(Debug, Default)]
struct Strict {
    on: AtomicBool,
    until: AtomicI64,
}

impl Strict {
    fn allows(&self, it: bool, now: Timestamp) -> Result<(), String> {
        match !self.on.load(Ordering::SeqCst) || (it && now.0 < self.until.load(Ordering::SeqCst)) {
            true => Ok(()),
            false => Err("nobody answers for it".to_owned()),
        }
    }
}

#[async_trait]
impl TenantRules for Strict {
    fn settings(&self, _: &TenantId) -> Settings {
        Settings::default()
    }
    fn static_token(&self, key: &ConnectionKey, now: Timestamp) -> Result<(), String> {
        self.allows(key.to_string() == "acme/ins_1/chat", now)
    }
    fn without_tls(&self, tenant: &TenantId, host: &str, now: Timestamp) -> Result<(), String> {
        self.allows(tenant.as_str() == "acme" && host == NAMES[0], now)
    }
    async fn refresh(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

async fn world(config: &Config) -> (World, Arc<Strict>, Arc<Hand>) {
    let (rules, clock) = (Arc::new(Strict::default()), Arc::new(Hand::default()));
    let mut world = World::prepared(config, clock.clone(), |_, _| {}).await;
    world.door = world.door.ruled_by(rules.clone());
    (world, rules, clock)
}

#[tokio::test]
async fn a_static_token_leaves_only_while_somebody_answers_for_it() {
    let server = Server::start().await;
    let (world, rules, clock) = world(&leading_to(&server, &NAMES)).await;
    world.store_for("ins_2", "another-static-token-of-another").await;
    world.send(get(CHAT)).await.unwrap();
    // The profile is turned on: neither token leaves, and nothing goes out without it either.
    rules.on.store(true, Ordering::SeqCst);
    unavailable(world.send(get(CHAT)).await, "nobody answers for it");
    assert_eq!(server.arrived().len(), 1);
    // The risk of one connection is accepted: that one leaves and no other.
    rules.until.store(1_000, Ordering::SeqCst);
    world.send(get(CHAT)).await.unwrap();
    assert_eq!(server.last().header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    unavailable(world.send_as("acme", "ins_2", get(CHAT)).await, "nobody answers for it");
    world.send_as("acme", "ins_3", get(CHAT)).await.unwrap();
    assert_eq!(server.arrived().len(), 3, "whoever carries no static token is not asked");
    // At its very end, over a connection that is still open.
    clock.0.store(999, Ordering::Relaxed);
    world.send(get(CHAT)).await.unwrap();
    clock.0.store(1_000, Ordering::Relaxed);
    unavailable(world.send(get(CHAT)).await, "nobody answers for it");
    assert_eq!(server.arrived().len(), 4);
}

#[tokio::test]
async fn a_host_without_tls_is_reached_only_while_the_tenant_answers_for_it() {
    let server = Server::plain().await;
    let risk = AcceptedRisk {
        reason: "the old switchboard has no TLS".into(),
        accepted_by: "dana".into(),
        until: Timestamp(5_000),
    };
    let plain = Plaintext { host: NAMES[0].into(), address: server.address, credentials: false, risk };
    let (world, rules, clock) = world(&Config { plaintext: vec![plain], ..Config::default() }).await;
    world.send(get(CHAT)).await.unwrap();
    rules.on.store(true, Ordering::SeqCst);
    unavailable(world.send(get(CHAT)).await, "nobody answers for it");
    rules.until.store(9_000, Ordering::SeqCst);
    world.send(get(CHAT)).await.unwrap();
    unavailable(world.send_as("other", "ins_1", get(CHAT)).await, "nobody answers for it");
    // The tenant's word widens nothing beyond the operator's own.
    clock.0.store(5_000, Ordering::Relaxed);
    unavailable(world.send(get(CHAT)).await, "accepted until");
    assert_eq!(server.arrived().len(), 2);
}
