//! Handing on: a statement, signed by an old key and by a new one, that the new one takes the old one's place.
//!
//! It tells whoever trusts the old key which key its owner says to trust from now on. Whether they do is theirs to decide: a
//! thief of the old key can hand it on as well, so after a theft a key is revoked, not handed on.
//!
//! Invariants: both keys signed, the old one that it means the new one, the new one that it exists and takes over; the two
//! are different; nothing else passes for a handover.

use portcullis_model::{audit::plain, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::{KeyError, PublicKey, Signer};
use crate::dsse::{DsseError, Envelope, PayloadType};

const TYPE: &str = "handover";

/// What a handover says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The key that was trusted.
    pub old: PublicKey,
    /// The key that takes its place.
    pub new: PublicKey,
    /// When, by the clock of whoever made it.
    pub issued: Timestamp,
}

/// What is wrong with a handover.
#[derive(Debug, thiserror::Error)]
pub enum HandoverError {
    /// The envelope, or one of the two signatures.
    #[error("handover: {0}")]
    Envelope(#[from] DsseError),
    /// What was signed is no handover.
    #[error("handover: what was signed cannot be read: {0}")]
    Unreadable(String),
    /// One of the keys.
    #[error("handover: the {which} key: {why}")]
    Key {
        /// `old` or `new`.
        which: &'static str,
        /// What is wrong with it.
        why: KeyError,
    },
    /// It hands on another key than the one that is trusted.
    #[error("handover: it hands on {old}, and the key that you trust is {trusted}")]
    Stranger {
        /// The key that it hands on.
        old: String,
        /// The one that is trusted.
        trusted: String,
    },
    /// A key that takes its own place.
    #[error("handover: old and new are the same key")]
    Same,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Payload {
    #[serde(rename = "type")]
    kind: String,
    old: String,
    new: String,
    issued: Timestamp,
}

/// Makes a handover, signed by both.
pub fn sign(old: &dyn Signer, new: &dyn Signer, issued: Timestamp) -> Result<Envelope, KeyError> {
    let payload =
        Payload { kind: TYPE.to_owned(), old: old.public().to_string(), new: new.public().to_string(), issued };
    let bytes = serde_json::json!(payload).to_string().into_bytes();
    Envelope::sign(PayloadType::Handover, bytes, old)?.signed_also(new)
}

/// Reads a handover, checks that both keys signed it, and that the old one is the key that is trusted.
pub fn verify_for(text: &str, trusted: &PublicKey) -> Result<Handover, HandoverError> {
    let handover = verify(text)?;
    match handover.old == *trusted {
        true => Ok(handover),
        false => Err(HandoverError::Stranger { old: handover.old.to_string(), trusted: trusted.to_string() }),
    }
}

/// Reads a handover and checks that both keys signed it. Whether the old one is trusted is for the caller to see.
pub fn verify(text: &str) -> Result<Handover, HandoverError> {
    let envelope = Envelope::parse(PayloadType::Handover, text)?;
    let claimed = read(envelope.unverified())?;
    envelope.verify(&[claimed.old, claimed.new], 2, "a handover's two keys")?;
    Ok(claimed)
}

fn read(payload: &[u8]) -> Result<Handover, HandoverError> {
    let read: Payload =
        serde_json::from_slice(payload).map_err(|error| HandoverError::Unreadable(plain(&error.to_string())))?;
    if read.kind != TYPE {
        return Err(HandoverError::Unreadable(format!("its type is '{}'; expected '{TYPE}'", plain(&read.kind))));
    }
    let key = |which, text: &str| text.parse().map_err(|why| HandoverError::Key { which, why });
    let (old, new): (PublicKey, PublicKey) = (key("old", &read.old)?, key("new", &read.new)?);
    if old == new { Err(HandoverError::Same) } else { Ok(Handover { old, new, issued: read.issued }) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys::SecretKey, testing::Fixed};

    fn keys() -> (SecretKey, SecretKey) {
        let rng = Fixed::new();
        (SecretKey::generate(&rng), SecretKey::generate(&rng))
    }

    fn error_of(envelope: &Envelope) -> String {
        verify(&envelope.to_json()).unwrap_err().to_string()
    }

    #[test]
    fn both_keys_sign() {
        let (old, new) = keys();
        let text = sign(&old, &new, Timestamp(0)).unwrap().to_json();
        let handover = verify(&text).unwrap();
        assert_eq!(handover, Handover { old: old.public(), new: new.public(), issued: Timestamp(0) });

        assert_eq!(verify_for(&text, &old.public()).unwrap(), handover);
        let stranger = verify_for(&text, &new.public()).unwrap_err().to_string();
        assert!(stranger.contains("and the key that you trust is"), "{stranger}");

        let payload = Envelope::parse(PayloadType::Handover, &text).unwrap().unverified().to_vec();
        let by = |key: &SecretKey| Envelope::sign(PayloadType::Handover, payload.clone(), key).unwrap();
        for one in [by(&old), by(&new), by(&old).signed_also(&old).unwrap()] {
            assert!(error_of(&one).contains("1 of 2 needed keys"), "{}", error_of(&one));
        }
        let rng = Fixed::new();
        let stranger = (0..3).map(|_| SecretKey::generate(&rng)).last().unwrap();
        assert!(error_of(&by(&old).signed_also(&stranger).unwrap()).contains("does not verify"));
        assert!(verify(&by(&new).signed_also(&old).unwrap().to_json()).is_ok(), "in any order");
    }

    #[test]
    fn nothing_else_passes_for_one() {
        let (old, new) = keys();
        let text = String::from_utf8(
            Envelope::parse(PayloadType::Handover, &sign(&old, &new, Timestamp(0)).unwrap().to_json())
                .unwrap()
                .unverified()
                .to_vec(),
        )
        .unwrap();
        let both = |kind, payload: &str| {
            Envelope::sign(kind, payload.as_bytes().to_vec(), &old).unwrap().signed_also(&new).unwrap()
        };
        assert!(verify(&both(PayloadType::Handover, &text).to_json()).is_ok());
        assert!(error_of(&both(PayloadType::Statement, &text)).contains("payloadType is"));
        for (from, to, error) in [
            ("\"handover\"", "\"root\"", "its type is 'root'"),
            ("\"new\":", "\"then\":\"x\",\"new\":", "unknown field `then`"),
            (&new.public().to_string(), &old.public().to_string(), "the same key"),
            (&new.public().to_string(), "portcullis-key-v1:AAAA", "the new key: this is not a public key"),
        ] {
            assert!(text.contains(from));
            let found = error_of(&both(PayloadType::Handover, &text.replace(from, to)));
            assert!(found.contains(error), "{found}");
        }
    }
}
