//! Proofs of possession (RFC 9449): who holds the key that a token is bound to.
//!
//! Invariants: a proof is good for one method, one address and one token, for a minute, once. What was used is kept in memory;
//! after a start only proofs of a time are taken that none can have had before it, so that nothing that was used is taken again.

use std::{
    collections::HashMap,
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_model::{id::Digest, time::Timestamp};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::Url;

use super::{jwk, jws::Jws};

/// How long before now a proof's `iat` may be, in seconds.
const WINDOW: i64 = 60;

/// How long after now it may be, in seconds, for clients whose clock is fast.
const AHEAD: i64 = 5;

/// The most proofs that are kept.
const MOST: usize = 200_000;

/// The most proofs of one key that are kept, so that one client cannot take the room of all.
const MOST_OF_ONE: usize = 5_000;

/// A proof that holds. It must not have been used before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    /// The thumbprint of its key.
    pub jkt: String,
    jti: String,
    until: Timestamp,
}

/// Judges proofs, and remembers those that were used.
#[derive(Debug)]
pub struct Proofs {
    since: Timestamp,
    used: Mutex<Used>,
}

#[derive(Debug, Default)]
struct Used {
    /// By the thumbprint of the key, and by the proof: until when it would be accepted.
    of: HashMap<String, HashMap<Digest, Timestamp>>,
    count: usize,
    cleaned: i64,
}

impl Used {
    fn is_full_for(&self, jkt: &str) -> bool {
        self.count >= MOST || self.of.get(jkt).is_some_and(|proofs| proofs.len() >= MOST_OF_ONE)
    }

    /// Lets go of what is over: now and then, and where there is no room, but not with every request.
    fn clean(&mut self, jkt: &str, now: Timestamp) {
        let passed = now.0.abs_diff(self.cleaned);
        if passed <= if self.is_full_for(jkt) { 999 } else { 10_000 } {
            return;
        }
        self.of.retain(|_, proofs| {
            proofs.retain(|_, until| *until > now);
            !proofs.is_empty()
        });
        self.count = self.of.values().map(HashMap::len).sum();
        self.cleaned = now.0;
    }
}

fn same_address(given: &str, meant: &str) -> bool {
    let bare = |text: &str| {
        let mut url = Url::parse(text).ok()?;
        url.set_query(None);
        url.set_fragment(None);
        Some(url)
    };
    bare(given).is_some_and(|given| Some(given) == bare(meant))
}

impl Proofs {
    /// For a server that starts now.
    pub fn new(now: Timestamp) -> Self {
        Self { since: now, used: Mutex::default() }
    }

    /// Reads a proof for this request, and for this access token where it comes with one.
    pub fn read(
        &self,
        proof: &str,
        (method, url): (&str, &str),
        token: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Proof, String> {
        let jws = Jws::parse(proof)?;
        if jws.header.get("typ").and_then(Value::as_str) != Some("dpop+jwt") {
            return Err("its 'typ' must be 'dpop+jwt'".into());
        }
        let key = jwk::read(jws.header.get("jwk").unwrap_or(&Value::Null)).map_err(|e| format!("its 'jwk': {e}"))?;
        if !jws.is_by(&key) {
            return Err("its key did not sign it".into());
        }
        if jws.text("htm", 16) != Some(method) {
            return Err("its 'htm' is another method".into());
        }
        if !jws.text("htu", 2048).is_some_and(|given| same_address(given, url)) {
            return Err("its 'htu' is another address".into());
        }
        let ath = token.map(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token)));
        if ath.is_some() && jws.text("ath", 64) != ath.as_deref() {
            return Err("its 'ath' is not of this access token".into());
        }
        let iat = jws.seconds("iat")?.ok_or("it has no 'iat'")?;
        let (now, since) = (now.0.div_euclid(1000), self.since.0.div_euclid(1000));
        if !(now - WINDOW..=now + AHEAD).contains(&iat) {
            return Err("its 'iat' is not of the last minute: make a new proof".into());
        }
        if iat <= since + AHEAD {
            return Err(
                "its 'iat' is of before the host's start, or just after it: make a new proof in some seconds".into()
            );
        }
        let jti = jws.text("jti", 256).ok_or("it has no 'jti' of 1 to 256 bytes")?.to_owned();
        Ok(Proof { jkt: jwk::thumbprint(&key), jti, until: Timestamp((iat + WINDOW + 1) * 1000) })
    }

    /// Takes a proof. An error where it was taken before.
    pub fn take(&self, proof: &Proof, now: Timestamp) -> Result<(), String> {
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        used.clean(&proof.jkt, now);
        if used.is_full_for(&proof.jkt) {
            return Err("the host cannot remember more proofs; try again in a minute".into());
        }
        let proofs = used.of.entry(proof.jkt.clone()).or_default();
        match proofs.insert(Digest::of(proof.jti.as_bytes()), proof.until) {
            None => {
                used.count += 1;
                Ok(())
            }
            Some(_) => Err("it was used before: make a new proof for each request".into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_key_cannot_take_the_room_of_all() {
        let proofs = Proofs::new(Timestamp(0));
        let take = |jkt: &str, n: usize, at: i64| {
            let proof = Proof { jkt: jkt.into(), jti: n.to_string(), until: Timestamp(at + 60_000) };
            proofs.take(&proof, Timestamp(at)).is_ok()
        };
        assert!((0..MOST_OF_ONE).all(|n| take("a", n, 0)));
        assert!(!take("a", MOST_OF_ONE, 0));
        assert!(take("b", 0, 0) && !take("b", 0, 0), "another key");
        assert!(!take("a", 0, 59_999) && take("a", 0, 60_999), "until they are over");
        assert_eq!(proofs.used.lock().unwrap().count, 1);
    }
}
