//! Recovery codes: ten, each good once, for the day on which the passkey is lost. What gets in by one can register one new passkey, whose
//! registration ends its session, and do nothing else that changes a way in or is privileged.
//!
//! Invariant: a code has 120 bits, and of it only the digest is stored.

use portcullis_model::{
    id::{Digest, PersonId},
    people::{Factor, FactorKind},
    time::{Rng, Timestamp},
};
use zeroize::Zeroizing;

use crate::AccessError;

const CODES: usize = 10;
/// Without letters and digits that look alike.
const DIGITS: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";

/// New ones, which replace all that were before, and their texts: shown once.
pub fn new(person: &PersonId, now: Timestamp, rng: &dyn Rng) -> (Factor, Vec<Zeroizing<String>>) {
    let mut codes = Vec::new();
    for _ in 0..CODES {
        let mut bytes = [0u8; 24];
        rng.fill(&mut bytes);
        let digits: String = bytes.iter().map(|byte| char::from(DIGITS[usize::from(byte & 31)])).collect();
        let groups: Vec<&str> = (0..4).map(|n| &digits[n * 6..(n + 1) * 6]).collect();
        codes.push(Zeroizing::new(groups.join("-")));
    }
    let digests: Vec<Digest> = codes.iter().map(|code| digest(code)).collect();
    let body = serde_json::to_value(digests).unwrap_or_default();
    (super::new(FactorKind::Recovery, person, "recovery codes", None, body, now, rng), codes)
}

/// Uses a code up. Gives the factor as it is to be stored from now on.
///
/// # Errors
/// It is none of them, or was used.
pub fn spend(factor: &Factor, code: &str, now: Timestamp) -> Result<Factor, AccessError> {
    let mut digests: Vec<Digest> = serde_json::from_value(factor.body.clone()).map_err(|_| AccessError::NotProved)?;
    let given = digest(code);
    let before = digests.len();
    digests.retain(|digest| *digest != given);
    if digests.len() == before {
        return Err(AccessError::NotProved);
    }
    let body = serde_json::to_value(digests).map_err(|_| AccessError::NotProved)?;
    Ok(Factor { body, used: Some(now), version: factor.version + 1, ..factor.clone() })
}

/// How many are left.
pub fn left(factor: &Factor) -> usize {
    factor.body.as_array().map_or(0, Vec::len)
}

fn digest(code: &str) -> Digest {
    let plain: Zeroizing<String> =
        Zeroizing::new(code.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect());
    Digest::of(format!("portcullis recovery code\n{}", plain.as_str()).as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counting;

    #[test]
    fn a_code_is_good_once_however_it_is_typed() {
        let (factor, codes) = new(&"per_1".parse().unwrap(), Timestamp(1), &Counting::default());
        assert_eq!((codes.len(), left(&factor), codes[0].len()), (10, 10, 27));
        let typed = codes[3].to_uppercase().replace('-', " ");
        let spent = spend(&factor, &typed, Timestamp(2)).unwrap();
        assert_eq!(left(&spent), 9);
        assert!(spend(&spent, &codes[3], Timestamp(3)).is_err());
        assert!(spend(&spent, "", Timestamp(3)).is_err());
        assert!(!factor.body.to_string().contains(codes[0].as_str()));
    }
}
