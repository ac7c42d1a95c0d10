//! One-time codes by time (RFC 6238): six digits, thirty seconds, one step of tolerance in each direction (section 5.2).
//!
//! The secret is not stored. It follows from the host's key and a salt of its own, so that whoever reads the storage can make no code.
//!
//! Invariants: a code is good once, and none older than the last that was used (section 5.2); after five wrong ones in a row the
//! factor rests for a quarter of an hour.

use portcullis_model::{
    id::PersonId,
    people::{Factor, FactorKind},
    secret::Secret,
    time::{Rng, Timestamp},
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use totp_rs::{Builder, Totp};
use zeroize::Zeroizing;

use crate::AccessError;

/// Wrong codes in a row before the factor rests.
const TRIES: u32 = 5;
/// How long it rests, in milliseconds.
const REST_MS: i64 = 15 * 60 * 1_000;

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Body {
    salt: String,
    /// Whether a first code has shown that the device has the secret.
    confirmed: bool,
    /// The step of the last code that was used.
    last: u64,
    /// Wrong ones in a row.
    wrong: u32,
    /// Until when it rests.
    rests: Option<Timestamp>,
}

/// A new one, not confirmed yet, and its secret as base32 for the person's device: shown once.
pub fn new(key: &Secret, person: &PersonId, label: &str, now: Timestamp, rng: &dyn Rng) -> (Factor, Zeroizing<String>) {
    let mut salt = [0u8; 16];
    rng.fill(&mut salt);
    let salt = base64::Engine::encode(&base64::prelude::BASE64_STANDARD, salt);
    let secret = secret(key, person, &salt);
    let body = Body { salt, confirmed: false, last: 0, wrong: 0, rests: None };
    let body = serde_json::to_value(body).unwrap_or_default();
    (super::new(FactorKind::Totp, person, label, None, body, now, rng), Zeroizing::new(base32(secret.as_ref())))
}

/// Whether a first code was seen: only then it counts.
pub fn is_confirmed(factor: &Factor) -> bool {
    serde_json::from_value::<Body>(factor.body.clone()).is_ok_and(|body| body.confirmed)
}

/// Checks a code. Gives the factor as it is to be stored from now on, right or wrong, and whether it was right.
///
/// # Errors
/// It rests, after too many wrong ones; or it is none.
pub fn check(key: &Secret, factor: &Factor, code: &str, now: Timestamp) -> Result<(Factor, bool), AccessError> {
    let mut body: Body = serde_json::from_value(factor.body.clone()).map_err(|_| AccessError::NotProved)?;
    if body.rests.is_some_and(|until| now < until) {
        return Err(AccessError::Conflict("too many wrong codes: wait a quarter of an hour".to_owned()));
    }
    let totp = totp(secret(key, &factor.person, &body.salt).as_ref())?;
    let seconds = u64::try_from(now.0 / 1_000).unwrap_or_default();
    let is_code = code.len() == 6 && code.bytes().all(|b| b.is_ascii_digit());
    let step = is_code.then(|| totp.check(code, seconds)).flatten().filter(|step| *step > body.last);
    match step {
        Some(step) => body = Body { confirmed: true, last: step, wrong: 0, rests: None, ..body },
        None => {
            body.wrong += 1;
            if body.wrong >= TRIES {
                body = Body { wrong: 0, rests: Some(Timestamp(now.0 + REST_MS)), ..body };
            }
        }
    }
    let used = if step.is_some() { Some(now) } else { factor.used };
    let body = serde_json::to_value(body).map_err(|_| AccessError::NotProved)?;
    Ok((Factor { body, used, version: factor.version + 1, ..factor.clone() }, step.is_some()))
}

fn totp(secret: &[u8]) -> Result<Totp, AccessError> {
    let bytes: [u8; 20] = secret.try_into().map_err(|_| AccessError::NotProved)?;
    Builder::new().with_secret(totp_rs::Secret::new_stack(bytes)).build().map_err(|_| AccessError::NotProved)
}

/// 160 bits (RFC 4226, section 4) out of the host's key.
fn secret(key: &Secret, person: &PersonId, salt: &str) -> Zeroizing<Vec<u8>> {
    // The key is of a fixed length and stands between two texts of which the first is fixed: no other input has the same bytes.
    let digest = Sha256::new_with_prefix("portcullis one-time codes\n")
        .chain_update(Sha256::digest(key.expose()))
        .chain_update(person.as_str())
        .chain_update("\n")
        .chain_update(salt)
        .finalize();
    Zeroizing::new(digest[..20].to_vec())
}

/// RFC 4648, without padding.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    let (mut text, mut held, mut bits) = (String::new(), 0u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            text.push(char::from(DIGITS[(held >> bits) as usize & 31]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        text.push(char::from(DIGITS[(held << (5 - bits)) as usize & 31]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counting;

    const T: Timestamp = Timestamp(1_700_000_000_000);

    fn made() -> (Secret, Factor) {
        let key = Secret::new(vec![7; 32]);
        let (factor, _) = new(&key, &"per_1".parse().unwrap(), "phone", T, &Counting::default());
        (key, factor)
    }

    fn code(key: &Secret, factor: &Factor, at: Timestamp) -> String {
        let body: Body = serde_json::from_value(factor.body.clone()).unwrap();
        let totp = totp(&secret(key, &factor.person, &body.salt)).unwrap();
        totp.generate(u64::try_from(at.0 / 1_000).unwrap()).to_string()
    }

    /// RFC 6238, appendix B (SHA-1), cut to six digits; RFC 4648, section 10.
    #[test]
    fn codes_are_those_of_the_standard() {
        let totp = totp(b"12345678901234567890").unwrap();
        for (at, code) in [(59, "287082"), (1_111_111_109, "081804"), (20_000_000_000, "353130")] {
            assert_eq!(totp.generate(at).to_string(), code);
        }
        assert_eq!((base32(b"foobar").as_str(), base32(b"fooba").as_str()), ("MZXW6YTBOI", "MZXW6YTB"));
    }

    #[test]
    fn a_code_is_good_once_and_five_wrong_ones_make_it_rest() {
        let (key, factor) = made();
        let (used, right) = check(&key, &factor, &code(&key, &factor, T), T).unwrap();
        assert!(right && is_confirmed(&used) && !is_confirmed(&factor));
        let (again, right) = check(&key, &used, &code(&key, &factor, T), T).unwrap();
        assert!(!right, "a second time");
        let mut tried = again;
        for _ in 0..4 {
            tried = check(&key, &tried, "000000", T).unwrap().0;
        }
        let later = Timestamp(T.0 + 60_000);
        assert!(check(&key, &tried, &code(&key, &factor, later), later).is_err(), "it rests");
        let rested = Timestamp(T.0 + REST_MS);
        assert!(check(&key, &tried, &code(&key, &factor, rested), rested).unwrap().1);
    }

    #[test]
    fn another_key_makes_other_codes() {
        let (key, factor) = made();
        let other = Secret::new(vec![8; 32]);
        assert!(!check(&other, &factor, &code(&key, &factor, T), T).unwrap().1);
    }
}
