//! What is signed about a release: in-toto Statements v1 (in-toto.io/Statement/v1) whose subjects are the component and its
//! manifest, by SHA-256, and whose predicate says what is stated: [`release`] by the publisher, [`verdict`] by a reviewer.
//!
//! Invariants: a statement is about exactly one component and one manifest; one that says more than this host understands
//! is refused, for what it says could be a restriction.

pub mod release;
pub mod verdict;

use portcullis_model::{audit::plain, id::Digest, json::sorted, release::ReleaseId};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

pub use release::Release;
pub use verdict::{Decision, Verdict};

use crate::{
    dsse::{Envelope, PayloadType},
    keys::{KeyError, Signer},
};

/// `_type` of a statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// The name of the component, among the subjects and on disk.
pub const COMPONENT_NAME: &str = "plugin.wasm";

/// The name of the manifest, among the subjects and on disk.
pub const MANIFEST_NAME: &str = "portcullis.toml";

/// What is wrong with a statement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// It cannot be read.
    #[error("the signed statement cannot be read: {0}")]
    Unreadable(String),
    /// It is not about what it should be about.
    #[error("the signed statement has {what} '{found}'; expected '{expected}'")]
    Form {
        /// Which member.
        what: &'static str,
        /// What stands there.
        found: String,
        /// What should.
        expected: &'static str,
    },
    /// It was signed for something else.
    #[error("{what} mismatch: {signed} was signed, this is {found}")]
    Mismatch {
        /// What differs: component digest, manifest digest, plugin id, version, release number or publisher.
        what: &'static str,
        /// What the publisher signed.
        signed: String,
        /// What lies here.
        found: String,
    },
}

/// What a statement says of its subjects.
pub trait Predicate: Serialize + DeserializeOwned + PartialEq {
    /// `predicateType`: a URI of ours, with the version of the predicate's form.
    const TYPE: &'static str;
}

/// A statement about a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement<P> {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: P,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Subject {
    name: String,
    digest: Digests,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Digests {
    sha256: String,
}

impl Subject {
    fn new(name: &str, digest: &Digest) -> Self {
        Self { name: name.to_owned(), digest: Digests { sha256: digest.hex() } }
    }
}

impl<P: Predicate> Statement<P> {
    /// States this of a release.
    pub fn about(release: &ReleaseId, predicate: P) -> Self {
        Self {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![
                Subject::new(COMPONENT_NAME, &release.component),
                Subject::new(MANIFEST_NAME, &release.manifest),
            ],
            predicate_type: P::TYPE.to_owned(),
            predicate,
        }
    }

    /// Reads a payload whose signature was verified.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        // Its type first: what is of another type has other members, and that is not what is wrong with it.
        let head: Head =
            serde_json::from_slice(payload).map_err(|error| StatementError::Unreadable(plain(&error.to_string())))?;
        form("_type", &head.kind, STATEMENT_TYPE)?;
        form("predicateType", &head.predicate_type, P::TYPE)?;
        let statement: Self =
            serde_json::from_slice(payload).map_err(|error| StatementError::Unreadable(plain(&error.to_string())))?;
        let names: Vec<&str> = statement.subject.iter().map(|subject| subject.name.as_str()).collect();
        form("subjects", &names.join(", "), "plugin.wasm, portcullis.toml")?;
        Ok(statement)
    }

    /// What it states.
    pub fn predicate(&self) -> &P {
        &self.predicate
    }

    /// Checks that it is about this release.
    pub fn is_about(&self, release: &ReleaseId) -> Result<(), StatementError> {
        let here = [("component digest", release.component), ("manifest digest", release.manifest)];
        for ((what, found), signed) in here.into_iter().zip(&self.subject) {
            same(what, &signed.digest.sha256, &found.hex())?;
        }
        Ok(())
    }

    /// The bytes to sign.
    pub fn to_bytes(&self) -> Vec<u8> {
        sorted(self).unwrap_or_default().to_string().into_bytes()
    }

    /// Signs it.
    pub fn signed(&self, key: &dyn Signer) -> Result<Envelope, KeyError> {
        Envelope::sign(PayloadType::Statement, self.to_bytes(), key)
    }
}

#[derive(Deserialize)]
struct Head {
    #[serde(rename = "_type")]
    kind: String,
    #[serde(rename = "predicateType")]
    predicate_type: String,
}

fn form(what: &'static str, found: &str, expected: &'static str) -> Result<(), StatementError> {
    if found == expected { Ok(()) } else { Err(StatementError::Form { what, found: plain(found), expected }) }
}

fn same(what: &'static str, signed: &str, found: &str) -> Result<(), StatementError> {
    if signed == found {
        return Ok(());
    }
    Err(StatementError::Mismatch { what, signed: plain(signed), found: plain(found) })
}
