//! Signed envelopes: DSSE v1 (github.com/secure-systems-lab/dsse), with Ed25519 signatures.
//!
//! Invariants: what is signed is the pre-authentication encoding of type and payload, never the JSON around it; signatures
//! count by unique public key, so that one key cannot sign twice; a `keyid` is a hint that nothing is decided by.
//! Unknown members are skipped, as the specification asks; nothing in them is signed, and nothing reads them.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE},
};
use portcullis_model::{audit::plain, json::sorted};
use serde::{Deserialize, Serialize};

use crate::keys::{KeyError, PublicKey, Signer};

/// The type of a payload: signed with it, so that one kind of document never passes for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayloadType {
    /// An in-toto Statement v1: a release, a verdict.
    Statement,
    /// A root of trust.
    Root,
    /// A withdrawal, or the end of one.
    Withdrawal,
    /// Leave to run a release below the floor.
    Override,
    /// A key that takes another one's place.
    Handover,
}

impl PayloadType {
    /// The media type.
    pub fn name(self) -> &'static str {
        match self {
            Self::Statement => "application/vnd.in-toto+json",
            Self::Root => "application/vnd.portcullis.root.v1+json",
            Self::Withdrawal => "application/vnd.portcullis.withdrawal.v1+json",
            Self::Override => "application/vnd.portcullis.override.v1+json",
            Self::Handover => "application/vnd.portcullis.handover.v1+json",
        }
    }
}

/// The longest envelope, in bytes of JSON.
pub const MAX_ENVELOPE: usize = 64 * 1024;

const MAX_SIGNATURES: usize = 16;

/// What is wrong with an envelope.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DsseError {
    /// Longer than one of its kind may be: [`MAX_ENVELOPE`] where nothing else is said.
    #[error("envelope has {found} bytes; the most is {most}")]
    TooLong {
        /// How long it is, in bytes.
        found: usize,
        /// How long it may be.
        most: usize,
    },
    /// No JSON at all.
    #[error("envelope is not JSON: {0}")]
    NotJson(String),
    /// JSON of another shape.
    #[error("envelope is not a DSSE envelope: {0}")]
    NotEnvelope(String),
    /// Another payload type.
    #[error("envelope's payloadType is '{found}'; expected '{expected}'")]
    WrongType {
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// The payload cannot be decoded.
    #[error("payload is not base64")]
    PayloadNotBase64,
    /// A signature cannot be decoded. Counted from 0.
    #[error("signature {0} is not base64")]
    SignatureNotBase64(usize),
    /// There is nothing to check.
    #[error("envelope has {0} signatures; expected 1 to {MAX_SIGNATURES}")]
    Signatures(usize),
    /// There is nothing to check with.
    #[error("no key of {0} is trusted; trust one, after you got it from them by another way")]
    NoKey(String),
    /// None of the trusted keys made this signature. Counted from 0.
    #[error("signature {index} does not verify with any trusted key of {who}{hint}")]
    Untrusted {
        /// Which signature.
        index: usize,
        /// Whose keys were tried.
        who: String,
        /// What its key id says, where it says something.
        hint: String,
    },
    /// Fewer keys than needed.
    #[error("{found} of {needed} needed keys of {who} signed; two signatures by one key count once")]
    TooFew {
        /// How many different keys signed.
        found: usize,
        /// How many must.
        needed: usize,
        /// Whose keys.
        who: String,
    },
}

/// One signature, as it was found: not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Signature {
    keyid: Option<String>,
    bytes: Vec<u8>,
}

/// An envelope: a payload and signatures over it, which are to be verified before the payload is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    kind: PayloadType,
    payload: Vec<u8>,
    signatures: Vec<Signature>,
}

#[derive(Serialize, Deserialize)]
struct Json {
    payload: String,
    #[serde(rename = "payloadType")]
    payload_type: String,
    signatures: Vec<JsonSignature>,
}

#[derive(Serialize, Deserialize)]
struct JsonSignature {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    keyid: Option<String>,
    sig: String,
}

/// What is signed: type and payload, each with its length in front.
pub fn pae(payload_type: &str, payload: &[u8]) -> Vec<u8> {
    let mut bytes = format!("DSSEv1 {} {payload_type} {} ", payload_type.len(), payload.len()).into_bytes();
    bytes.extend_from_slice(payload);
    bytes
}

/// Both alphabets that the specification allows, padded and canonical.
fn decode(text: &str) -> Option<Vec<u8>> {
    STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text)).ok()
}

impl Envelope {
    /// An envelope around this payload, with one signature.
    pub fn sign(kind: PayloadType, payload: Vec<u8>, key: &dyn Signer) -> Result<Self, KeyError> {
        Self { kind, payload, signatures: Vec::new() }.signed_also(key)
    }

    /// One more signature.
    pub fn signed_also(mut self, key: &dyn Signer) -> Result<Self, KeyError> {
        let bytes = key.sign(&pae(self.kind.name(), &self.payload))?.to_vec();
        self.signatures.push(Signature { keyid: Some(key.public().keyid()), bytes });
        Ok(self)
    }

    /// Reads an envelope. This checks its form only; [`Envelope::verify`] gives the payload.
    pub fn parse(kind: PayloadType, text: &str) -> Result<Self, DsseError> {
        Self::parse_within(kind, text, MAX_ENVELOPE)
    }

    /// As [`Envelope::parse`], for one that may be up to `most` bytes long.
    pub fn parse_within(kind: PayloadType, text: &str, most: usize) -> Result<Self, DsseError> {
        if text.len() > most {
            return Err(DsseError::TooLong { found: text.len(), most });
        }
        let json: Json = serde_json::from_str(text).map_err(|error| match error.classify() {
            serde_json::error::Category::Data => DsseError::NotEnvelope(plain(&error.to_string())),
            _ => DsseError::NotJson(plain(&error.to_string())),
        })?;
        if json.payload_type != kind.name() {
            return Err(DsseError::WrongType { found: plain(&json.payload_type), expected: kind.name() });
        }
        if !(1..=MAX_SIGNATURES).contains(&json.signatures.len()) {
            return Err(DsseError::Signatures(json.signatures.len()));
        }
        let payload = decode(&json.payload).ok_or(DsseError::PayloadNotBase64)?;
        let signatures = json.signatures.into_iter().enumerate().map(|(index, signature)| {
            let bytes = decode(&signature.sig).ok_or(DsseError::SignatureNotBase64(index))?;
            Ok(Signature { keyid: signature.keyid, bytes })
        });
        Ok(Self { kind, payload, signatures: signatures.collect::<Result<_, _>>()? })
    }

    /// The envelope as JSON, on one line.
    pub fn to_json(&self) -> String {
        let signatures = self.signatures.iter();
        let signatures = signatures.map(|s| JsonSignature { keyid: s.keyid.clone(), sig: STANDARD.encode(&s.bytes) });
        let json = Json {
            payload: STANDARD.encode(&self.payload),
            payload_type: self.kind.name().to_owned(),
            signatures: signatures.collect(),
        };
        sorted(&json).unwrap_or_default().to_string()
    }

    /// The payload, if at least `needed` different ones of these keys signed it. Signatures by other keys are skipped, as
    /// the specification asks. `who` names the keys' owner in errors.
    pub fn verify(&self, keys: &[PublicKey], needed: usize, who: &str) -> Result<&[u8], DsseError> {
        if keys.is_empty() {
            return Err(DsseError::NoKey(who.to_owned()));
        }
        let (signers, stranger) = self.signers(keys);
        let needed = needed.max(1);
        match (signers.len(), stranger) {
            (found, _) if found >= needed => Ok(&self.payload),
            (_, Some(index)) => Err(self.untrusted(index, keys, who)),
            (found, None) => Err(DsseError::TooFew { found, needed, who: who.to_owned() }),
        }
    }

    /// Those of these keys that signed, each once; and the first signature that none of them made.
    fn signers(&self, keys: &[PublicKey]) -> (Vec<PublicKey>, Option<usize>) {
        let message = pae(self.kind.name(), &self.payload);
        let (mut signers, mut stranger): (Vec<PublicKey>, _) = (Vec::new(), None);
        for (index, signature) in self.signatures.iter().enumerate() {
            match keys.iter().find(|key| key.verifies(&message, &signature.bytes)) {
                Some(key) if signers.contains(key) => {}
                Some(key) => signers.push(*key),
                None => stranger = stranger.or(Some(index)),
            }
        }
        (signers, stranger)
    }

    /// The payload and which of these keys signed it, if any did.
    pub fn signed_by(&self, keys: &[PublicKey]) -> Option<(&[u8], Vec<PublicKey>)> {
        let (signers, _) = self.signers(keys);
        (!signers.is_empty()).then_some((self.payload.as_slice(), signers))
    }

    /// The same with the signature of this key alone; `None`: it did not sign.
    #[must_use]
    pub fn only_by(&self, key: &PublicKey) -> Option<Self> {
        let message = pae(self.kind.name(), &self.payload);
        let own = self.signatures.iter().find(|one| key.verifies(&message, &one.bytes))?;
        let own = Signature { keyid: Some(key.keyid()), bytes: own.bytes.clone() };
        Some(Self { kind: self.kind, payload: self.payload.clone(), signatures: vec![own] })
    }

    /// The type of its payload.
    pub fn kind(&self) -> PayloadType {
        self.kind
    }

    /// The payload, for a reader to look at: nothing says that anybody signed it.
    pub fn unverified(&self) -> &[u8] {
        &self.payload
    }

    fn untrusted(&self, index: usize, keys: &[PublicKey], who: &str) -> DsseError {
        let hint = match &self.signatures[index].keyid {
            Some(id) if keys.iter().any(|key| key.keyid() == *id) => {
                "; its key id is a trusted one, so the payload or the signature was changed".to_owned()
            }
            Some(id) => {
                format!("; its key id is {}", id.chars().take(64).flat_map(char::escape_default).collect::<String>())
            }
            None => String::new(),
        };
        DsseError::Untrusted { index, who: who.to_owned(), hint }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{keys::SecretKey, testing::Fixed};

    fn sign(payload: Vec<u8>, key: &SecretKey) -> Envelope {
        Envelope::sign(PayloadType::Statement, payload, key).unwrap()
    }

    fn parse(text: &str) -> Result<Envelope, DsseError> {
        Envelope::parse(PayloadType::Statement, text)
    }

    #[test]
    fn one_kind_of_document_never_passes_for_another() {
        let (ours, _) = keys();
        let statement = sign(b"{}".to_vec(), &ours).to_json();
        let renamed = statement.replace(PayloadType::Statement.name(), PayloadType::Root.name());
        assert!(matches!(Envelope::parse(PayloadType::Root, &statement), Err(DsseError::WrongType { .. })));
        let renamed = Envelope::parse(PayloadType::Root, &renamed).unwrap();
        assert!(renamed.verify(&[ours.public()], 1, "p").is_err(), "the type is signed");
        assert!(renamed.signed_by(&[ours.public()]).is_none());
    }

    fn keys() -> (SecretKey, SecretKey) {
        let rng = Fixed::new();
        (SecretKey::generate(&rng), SecretKey::generate(&rng))
    }

    /// The example of the specification's protocol document.
    #[test]
    fn encodes_as_the_specification_shows() {
        assert_eq!(
            pae("http://example.com/HelloWorld", b"hello world"),
            b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
        );
        assert_eq!(pae("", b""), b"DSSEv1 0  0 ");
    }

    #[test]
    fn gives_the_payload_only_to_a_trusted_signature() {
        let (ours, other) = keys();
        let text = sign(b"{}".to_vec(), &ours).to_json();
        let envelope = parse(&text).unwrap();
        assert_eq!(envelope.verify(&[other.public(), ours.public()], 1, "p"), Ok(b"{}".as_slice()));
        let error = envelope.verify(&[other.public()], 1, "com.example").unwrap_err().to_string();
        assert!(error.starts_with("signature 0 does not verify with any trusted key of com.example; its key id is "));
        assert!(envelope.verify(&[], 1, "p").unwrap_err().to_string().starts_with("no key of p is trusted"));
    }

    #[test]
    fn a_doubled_signature_counts_once() {
        let (ours, other) = keys();
        let trusted = [ours.public(), other.public(), ours.public()];
        let twice = sign(b"x".to_vec(), &ours).signed_also(&ours).unwrap();
        let error = twice.verify(&trusted, 2, "p").unwrap_err();
        assert_eq!(error, DsseError::TooFew { found: 1, needed: 2, who: "p".into() });
        assert!(sign(b"x".to_vec(), &ours).signed_also(&other).unwrap().verify(&trusted, 2, "p").is_ok());
    }

    #[test]
    fn a_key_id_decides_nothing() {
        let (ours, other) = keys();
        let text = sign(b"x".to_vec(), &other).to_json();
        let forged = text.replace(&other.public().keyid(), &ours.public().keyid());
        let error = parse(&forged).unwrap().verify(&[ours.public()], 1, "p").unwrap_err().to_string();
        assert!(error.contains("its key id is a trusted one"), "{error}");
        let wrong_id = sign(b"x".to_vec(), &ours).to_json().replace(&ours.public().keyid(), "whatever");
        assert!(parse(&wrong_id).unwrap().verify(&[ours.public()], 1, "p").is_ok());
    }

    #[test]
    fn errors_say_what_is_wrong() {
        let good = sign(b"payload".to_vec(), &keys().0).to_json();
        for (text, error) in [
            ("<xml>".to_owned(), "envelope is not JSON"),
            ("[1]".to_owned(), "envelope is not a DSSE envelope"),
            (good.replace("payloadType", "type"), "envelope is not a DSSE envelope: missing field `payloadType`"),
            (good.replace("in-toto", "other"), "payloadType is 'application/vnd.other+json'"),
            (good.replace("cGF5bG9hZA==", "cGF5bG9hZA"), "payload is not base64"),
            (good.replace("cGF5bG9hZA==", "cGF5bG9hZB=="), "payload is not base64"),
            (good.replace("\"sig\":\"", "\"sig\":\"!"), "signature 0 is not base64"),
            (good.replacen('{', "{\"payload\":\"\",", 1), "duplicate field `payload`"),
            (
                r#"{"payload":"","payloadType":"application/vnd.in-toto+json","signatures":[]}"#.to_owned(),
                "has 0 signatures",
            ),
            (" ".repeat(MAX_ENVELOPE + 1), "envelope has 65537 bytes"),
        ] {
            let found = parse(&text).unwrap_err().to_string();
            assert!(found.contains(error), "{text}: {found}");
        }
        assert!(parse(&good.replacen('{', "{\"more\":1,", 1)).is_ok(), "unknown members are skipped");
    }

    proptest! {
        #[test]
        fn reads_what_it_prints(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
            let envelope = sign(payload, &keys().0);
            prop_assert_eq!(parse(&envelope.to_json()), Ok(envelope));
        }

        #[test]
        fn any_text_is_answered(text in "\\PC{0,100}|\\{\"payload\":\"[a-z=]{0,8}\",\"payloadType\":\"\\PC{0,30}\"\\}") {
            let _ = parse(&text);
        }
    }
}
