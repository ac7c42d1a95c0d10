//! What was begun at a provider, until its answer comes.
//!
//! Kept in memory: who is at the provider while the host starts anew begins once more. Of the state and of the browser's value only
//! digests are kept.
//!
//! Invariants: one is good once, for ten minutes, and in the browser that began it; an address takes up its share of them and no more.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portcullis_broker::hmac::same;
use portcullis_model::{
    id::{Digest, SessionId, TenantId},
    secret::Secret,
    time::{Rng, Timestamp},
};
use zeroize::Zeroizing;

/// How long somebody may take at the provider, in milliseconds.
pub(super) const MS: i64 = 10 * 60 * 1_000;
/// The most that are under way, and the most of one address.
const MOST: (usize, usize) = (16_384, 32);

/// What the provider's word is wanted for.
#[derive(Clone)]
pub(super) enum Purpose {
    /// A session.
    SignIn,
    /// An account, by an invitation's link.
    Join(Zeroizing<String>),
    /// The identity is to be bound to the account of this session.
    Bind(SessionId),
    /// A second factor in this session.
    StepUp(SessionId),
}

/// One that is under way.
pub(super) struct Flow {
    pub tenant: TenantId,
    pub issuer: String,
    pub client_id: String,
    pub purpose: Purpose,
    pub nonce: String,
    pub verifier: Secret,
    pub max_age: Option<u32>,
    /// By what the device is known, as of the beginning: the way back is another site's doing, and browsers leave that cookie out then.
    pub device: Option<String>,
    browser: Digest,
    by: IpAddr,
    since: Timestamp,
}

/// What is sent along.
pub(super) struct Sent {
    pub state: Zeroizing<String>,
    pub browser: Zeroizing<String>,
}

/// What a flow is begun with.
pub(super) struct New {
    pub tenant: TenantId,
    pub issuer: String,
    pub client_id: String,
    pub purpose: Purpose,
    pub nonce: String,
    pub verifier: Secret,
    pub max_age: Option<u32>,
    pub device: Option<String>,
    pub by: IpAddr,
}

/// All of them, by the digest of their state.
#[derive(Default)]
pub(super) struct Flows(Mutex<BTreeMap<Digest, Flow>>);

/// 256 bits as text.
pub(super) fn random(rng: &dyn Rng) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    rng.fill(bytes.as_mut());
    Zeroizing::new(BASE64_URL_SAFE_NO_PAD.encode(bytes.as_ref()))
}

fn digest(text: &str) -> Digest {
    Digest::of(format!("portcullis provider flow\n{text}").as_bytes())
}

/// Of IPv6 the /64, which is the least that one customer of a network gets.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
        address => address,
    }
}

impl Flows {
    /// Begins one. Whoever begins more than their share loses their own oldest; `None`: there are too many of all.
    pub fn begin(&self, new: New, now: Timestamp, rng: &dyn Rng) -> Option<Sent> {
        let sent = Sent { state: random(rng), browser: random(rng) };
        let New { tenant, issuer, client_id, purpose, nonce, verifier, max_age, device, by } = new;
        let (by, browser, since) = (counted(by), digest(&sent.browser), now);
        let flow = Flow { tenant, issuer, client_id, purpose, nonce, verifier, max_age, device, browser, by, since };
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, flow| now.0 - flow.since.0 < MS);
        let theirs = || all.iter().filter(|(_, flow)| flow.by == by);
        if theirs().count() >= MOST.1 {
            let oldest = theirs().min_by_key(|(_, flow)| flow.since).map(|(state, _)| *state);
            oldest.and_then(|state| all.remove(&state));
        }
        if all.len() >= MOST.0 {
            return None;
        }
        all.insert(digest(&sent.state), flow);
        Some(sent)
    }

    /// Takes one out, for good: by its state, and where the browser is the one that began it.
    pub fn take(&self, state: &str, browser: Option<&str>, now: Timestamp) -> Option<Flow> {
        let flow = self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&digest(state))?;
        let is_its =
            browser.is_some_and(|browser| same(digest(browser).hex().as_bytes(), flow.browser.hex().as_bytes()));
        Some(flow).filter(|flow| is_its && now.0 - flow.since.0 < MS)
    }
}
