//! What an ID token must say (OpenID Connect Core 1.0, 3.1.3.7), and what it says of the person.
//!
//! Invariant: who somebody is, is `sub` alone.

use portcullis_model::time::Timestamp;
use serde_json::Value;

use super::{Answer, Party};
use crate::authz::jws::Jws;

/// By how much clocks may differ, in seconds.
pub(super) const SKEW: i64 = 60;
/// How long ago a token may have been made that has just been fetched, in seconds.
const OLDEST: i64 = 600;
/// The longest `sub` there is (2).
pub(super) const SUBJECT: usize = 255;
/// The most ways of proof that are read.
const WAYS: usize = 32;

/// Whom a provider vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its own name for the person: never given to anybody else (8).
    pub subject: String,
    /// When the person signed in there, where it says so.
    pub signed_in: Option<Timestamp>,
    /// Of which class the sign-in was (`acr`).
    pub class: Option<String>,
    /// By which ways (`amr`, RFC 8176).
    pub ways: Vec<String>,
    /// Its own name for its session (`sid`), where it gives one.
    pub session: Option<String>,
}

/// Holds a token, whose signature was checked, against what was asked.
pub(super) fn check(jws: &Jws<'_>, party: &Party, answer: &Answer<'_>, now: Timestamp) -> Result<Identity, String> {
    if jws.claims.get("iss").and_then(Value::as_str) != Some(party.issuer.as_str()) {
        return Err("its 'iss' is another provider".into());
    }
    audience(jws, &party.client_id)?;
    let now = now.0.div_euclid(1_000);
    let exp = jws.seconds("exp")?.ok_or("it has no 'exp'")?;
    let iat = jws.seconds("iat")?.ok_or("it has no 'iat'")?;
    if exp <= now - SKEW {
        return Err("it has expired".into());
    }
    if iat > now + SKEW || jws.seconds("nbf")?.is_some_and(|nbf| nbf > now + SKEW) {
        return Err("it is from the future".into());
    }
    if iat < now - OLDEST - SKEW {
        return Err("it was made too long ago".into());
    }
    if jws.claims.get("nonce").and_then(Value::as_str) != Some(answer.nonce) {
        return Err("its 'nonce' is not the one that was asked with".into());
    }
    let signed_in = jws.seconds("auth_time")?;
    if let Some(max_age) = answer.max_age {
        let at = signed_in.ok_or("it has no 'auth_time', which 'max_age' asks for")?;
        if now - at > i64::from(max_age) + SKEW {
            return Err("the person signed in there too long ago".into());
        }
    }
    if signed_in.is_some_and(|at| at > now + SKEW) {
        return Err("its 'auth_time' is in the future".into());
    }
    let subject = jws.text("sub", SUBJECT).filter(|sub| !sub.chars().any(char::is_control));
    let subject = subject.ok_or("it has no 'sub' of 1 to 255 bytes")?.to_owned();
    let ways = jws.claims.get("amr").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let ways = ways.iter().take(WAYS).filter_map(Value::as_str).map(str::to_owned).collect();
    // A provider whose clock is ahead proves nothing for longer than one whose clock is right.
    let signed_in = signed_in.map(|at| Timestamp(at.min(now) * 1_000));
    let text = |name: &str| jws.text(name, SUBJECT).map(str::to_owned);
    Ok(Identity { subject, signed_in, class: text("acr"), ways, session: text("sid") })
}

/// It is for this client, and no other client had it made.
pub(super) fn audience(jws: &Jws<'_>, client: &str) -> Result<(), String> {
    let (is_for, several) = match jws.claims.get("aud") {
        Some(Value::String(one)) => (one == client, false),
        Some(Value::Array(all)) => (all.iter().any(|one| one == client), all.len() > 1),
        _ => (false, false),
    };
    if !is_for {
        return Err("its 'aud' is not this client".into());
    }
    match jws.claims.get("azp") {
        Some(azp) if azp == client => Ok(()),
        Some(_) => Err("its 'azp' is another client".into()),
        None if several => Err("it has several audiences and no 'azp'".into()),
        None => Ok(()),
    }
}
