//! What a logout token must say (OpenID Connect Back-Channel Logout 1.0, 2.4 and 2.6), and what it says is over.
//!
//! Invariant: no ID token is taken for one, and none for an ID token: the one has a nonce, the other the event.

use portcullis_model::time::Timestamp;
use serde_json::Value;

use super::{
    Party,
    claims::{SKEW, SUBJECT, audience},
};
use crate::authz::jws::Jws;

/// The event that it is about.
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";
/// How long ago it may have been made, in seconds.
pub const OLDEST: i64 = 300;

/// What a provider says is over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoggedOut {
    /// Its own name for the person, where it says whom.
    pub subject: Option<String>,
    /// Its own name for its session, where it says which.
    pub session: Option<String>,
    /// When it said so.
    pub at: Timestamp,
    /// Its own name for this word: it says it once (`jti`).
    pub id: String,
}

/// Holds a token against what it must be. Its signature is checked besides.
pub(super) fn check(jws: &Jws<'_>, party: &Party, now: Timestamp) -> Result<LoggedOut, String> {
    if let Some(kind) = jws.header.get("typ") {
        let kind = kind.as_str().unwrap_or_default().to_ascii_lowercase();
        let kind = kind.strip_prefix("application/").unwrap_or(&kind);
        if !matches!(kind, "logout+jwt" | "jwt") {
            return Err("its 'typ' is of another kind of token".into());
        }
    }
    if jws.claims.get("iss").and_then(Value::as_str) != Some(party.issuer.as_str()) {
        return Err("its 'iss' is another provider".into());
    }
    audience(jws, &party.client_id)?;
    let is_event = |events: &Value| events.get(EVENT).is_some_and(Value::is_object);
    if !jws.claims.get("events").is_some_and(is_event) {
        return Err("it has not the event of a logout".into());
    }
    if jws.claims.contains_key("nonce") {
        return Err("it has a 'nonce', which ID tokens have".into());
    }
    let seconds = now.0.div_euclid(1_000);
    let iat = jws.seconds("iat")?.ok_or("it has no 'iat'")?;
    if iat > seconds + SKEW {
        return Err("it is from the future".into());
    }
    // `exp` came with the last draft: what has none is not good for ever.
    let is_over = jws.seconds("exp")?.is_some_and(|exp| exp <= seconds - SKEW);
    if is_over || iat < seconds - OLDEST - SKEW {
        return Err("it was made too long ago".into());
    }
    let text = |name: &str| match jws.claims.contains_key(name) {
        true => {
            let found = jws.text(name, SUBJECT).filter(|text| !text.chars().any(char::is_control));
            found.map(|text| Some(text.to_owned())).ok_or_else(|| format!("its '{name}' is no text of 1 to 255 bytes"))
        }
        false => Ok(None),
    };
    let (subject, session) = (text("sub")?, text("sid")?);
    if subject.is_none() && session.is_none() {
        return Err("it has neither 'sub' nor 'sid'".into());
    }
    let id = text("jti")?.ok_or("it has no 'jti'")?;
    Ok(LoggedOut { subject, session, at: Timestamp(iat * 1_000), id })
}
