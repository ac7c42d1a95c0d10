//! Client assertions: `private_key_jwt` of RFC 7523, 3 and OpenID Connect Core, 9, with the limits of INT-8.

use portcullis_model::{oauth::ClientKey, time::Timestamp};

use super::jws::Jws;

/// The only type of assertion there is (RFC 7523, 2.2).
pub const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The longest life of an assertion, in seconds (INT-8).
pub const LIFE: i64 = 15 * 60;

/// By how much clocks may differ, in seconds.
pub(super) const SKEW: i64 = 30;

/// An assertion that holds. It must not have been used before.
#[derive(Debug)]
pub struct Asserted<'a> {
    /// The key that signed it.
    pub key: &'a ClientKey,
    /// Its id, unique for the client.
    pub jti: String,
    /// Until when it would be accepted.
    pub until: Timestamp,
}

/// Whom an assertion says that it is by. Nothing is checked yet.
pub fn subject(jws: &Jws<'_>) -> Option<String> {
    jws.text("sub", 128).map(str::to_owned)
}

/// What is said where no key of the client's signed it.
pub(super) const NO_KEY: &str = "none of the client's registered keys signed it";

/// Checks an assertion by the client of this id, which has these keys, for one of these audiences: the issuer, or an endpoint of its own.
pub fn check<'a>(
    jws: &Jws<'_>,
    id: &str,
    mut keys: impl Iterator<Item = &'a ClientKey>,
    audiences: &[&str],
    now: Timestamp,
) -> Result<Asserted<'a>, String> {
    let typ = jws.header.get("typ").map(|typ| typ.as_str().unwrap_or_default().to_ascii_lowercase());
    if !matches!(typ.as_deref(), None | Some("jwt" | "client-authentication+jwt")) {
        return Err("its 'typ' must be 'JWT', 'client-authentication+jwt' or absent".into());
    }
    let key = keys.find(|key| jws.is_by(&key.key)).ok_or(NO_KEY)?;
    if jws.text("iss", 128) != Some(id) || jws.text("sub", 128) != Some(id) {
        return Err("its 'iss' and 'sub' must both be the client's id".into());
    }
    // One audience alone: a text that is good for others as well can be replayed here by them.
    let audience = match jws.claims.get("aud") {
        Some(serde_json::Value::String(one)) => Some(one.as_str()),
        Some(serde_json::Value::Array(all)) if all.len() == 1 => all[0].as_str(),
        _ => None,
    };
    if !audience.is_some_and(|one| audiences.contains(&one)) {
        return Err("its 'aud' must be the issuer or the token endpoint, and nothing else".into());
    }
    let now = now.0.div_euclid(1000);
    let exp = jws.seconds("exp")?.ok_or("it has no 'exp'")?;
    if exp <= now - SKEW {
        return Err("it has expired".into());
    }
    let (iat, nbf) = (jws.seconds("iat")?, jws.seconds("nbf")?);
    if exp - now > LIFE + SKEW || iat.is_some_and(|iat| exp - iat > LIFE) {
        return Err(format!("its 'exp' must be within {LIFE} seconds of its making"));
    }
    if iat.is_some_and(|iat| iat > now + SKEW) || nbf.is_some_and(|nbf| nbf > now + SKEW) {
        return Err("it is from the future".into());
    }
    let jti = jws.text("jti", 256).ok_or("it has no 'jti' of 1 to 256 bytes")?.to_owned();
    Ok(Asserted { key, jti, until: Timestamp((exp + SKEW) * 1000) })
}
