//! Messages to installations' back ends in a running host: how they are set up, and the worker that sends them.

use std::{sync::Arc, time::Duration};

use anyhow::{Result, bail};
use portcullis_broker::standard_webhooks::{SigningKeys, family::BackEndKeys};
use portcullis_capabilities::Projection;
use portcullis_delivery::{Directory, Outbound, OutboundConfig, RetryPolicy};
use portcullis_model::{audit::Actor, door::OutDoor};
use serde::Deserialize;

use crate::host::Host;

/// The configuration's section `backends`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct BackEndsSection {
    /// Messages under way at once; one back end has at most an eighth of them.
    pub concurrent_messages: usize,
    /// How long one attempt may take, in milliseconds.
    pub timeout_ms: u64,
    /// Tries of one message in all.
    pub attempts: u32,
    /// The pause after the first try, in milliseconds; it doubles with each.
    pub first_pause_ms: u64,
    /// The longest pause between tries, in milliseconds.
    pub longest_pause_ms: u64,
}

impl Default for BackEndsSection {
    fn default() -> Self {
        let config = OutboundConfig::default();
        let ms = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        Self {
            concurrent_messages: config.concurrent,
            timeout_ms: ms(config.timeout),
            attempts: config.retry.attempts,
            first_pause_ms: ms(config.retry.first),
            longest_pause_ms: ms(config.retry.longest),
        }
    }
}

impl BackEndsSection {
    /// Says what is wrong with it, if anything.
    pub(crate) fn check(&self) -> Result<()> {
        if !(1..=4096).contains(&self.concurrent_messages) {
            bail!("backends.concurrent-messages: expected 1 to 4096");
        }
        if !(1_000..=60_000).contains(&self.timeout_ms) {
            bail!("backends.timeout-ms: expected 1000 to 60000; 15000 to 30000 is what back ends may count on");
        }
        if self.attempts == 0 {
            bail!("backends.attempts: expected at least 1");
        }
        Ok(())
    }

    pub(crate) fn config(&self) -> OutboundConfig {
        OutboundConfig {
            concurrent: self.concurrent_messages,
            timeout: Duration::from_millis(self.timeout_ms),
            retry: RetryPolicy {
                attempts: self.attempts,
                first: Duration::from_millis(self.first_pause_ms),
                longest: Duration::from_millis(self.longest_pause_ms),
            },
            ..OutboundConfig::default()
        }
    }
}

/// The keys that messages are signed with.
pub fn signing_keys(host: &Host) -> SigningKeys {
    SigningKeys::new(host.store.clone(), host.vault().clone(), host.clock.clone(), host.rng.clone())
}

/// What sends messages through this door.
pub fn worker(host: &Host, door: Arc<dyn OutDoor>, directory: Directory) -> Arc<Outbound> {
    let events = Projection {
        releases: host.registry.clone(),
        bounds: host.bounds(),
        pseudonyms: host.pseudonyms.clone(),
        rng: host.rng.clone(),
    };
    Arc::new(Outbound {
        outbox: host.store.clone(),
        directory,
        events: Arc::new(events),
        signer: Arc::new(signing_keys(host)),
        door,
        clock: host.clock.clone(),
        rng: host.rng.clone(),
        config: host.config.backends.config(),
    })
}

/// The same keys, for acts of rotation by this actor.
pub fn rotating(host: &Host, actor: Actor) -> BackEndKeys {
    BackEndKeys {
        keys: Arc::new(signing_keys(host)),
        installations: host.store.clone(),
        clock: host.clock.clone(),
        actor,
    }
}
