//! What a publisher signs: an in-toto Statement v1 that binds a component and its manifest, by digest, to a plugin, a
//! version, a release number and a publisher.
//!
//! Invariants: a statement is about exactly one component and one manifest; one that says more than this host understands
//! is refused, for what it says could be a restriction; every value is compared with what was derived from the bytes.

use portcullis_model::{audit::plain, id::Digest};
use serde::{Deserialize, Serialize};

use crate::manifest::Manifest;

/// `_type` of a statement.
pub const STATEMENT_TYPE: &str = "https://in-toto.io/Statement/v1";

/// `predicateType` of a release.
pub const RELEASE_TYPE: &str = "https://portcullis.dev/attestation/release/v1";

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

/// A statement about a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    #[serde(rename = "_type")]
    kind: String,
    subject: Vec<Subject>,
    #[serde(rename = "predicateType")]
    predicate_type: String,
    predicate: Predicate,
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

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Predicate {
    plugin: String,
    version: String,
    release: u64,
    publisher: String,
}

impl Subject {
    fn new(name: &str, digest: &Digest) -> Self {
        Self { name: name.to_owned(), digest: Digests { sha256: digest.hex() } }
    }
}

impl Statement {
    /// The statement that binds this manifest to this component.
    pub fn new(manifest: &Manifest, component: &Digest) -> Self {
        Self {
            kind: STATEMENT_TYPE.to_owned(),
            subject: vec![Subject::new(COMPONENT_NAME, component), Subject::new(MANIFEST_NAME, &manifest.digest)],
            predicate_type: RELEASE_TYPE.to_owned(),
            predicate: Predicate {
                plugin: manifest.id.to_string(),
                version: manifest.version.clone(),
                release: manifest.release,
                publisher: manifest.publisher.to_string(),
            },
        }
    }

    /// Reads a payload whose signature was verified.
    pub fn parse(payload: &[u8]) -> Result<Self, StatementError> {
        let statement: Self =
            serde_json::from_slice(payload).map_err(|error| StatementError::Unreadable(plain(&error.to_string())))?;
        let form = |what, found: &str, expected| {
            if found == expected { Ok(()) } else { Err(StatementError::Form { what, found: plain(found), expected }) }
        };
        form("_type", &statement.kind, STATEMENT_TYPE)?;
        form("predicateType", &statement.predicate_type, RELEASE_TYPE)?;
        let names: Vec<&str> = statement.subject.iter().map(|subject| subject.name.as_str()).collect();
        form("subjects", &names.join(", "), "plugin.wasm, portcullis.toml")?;
        Ok(statement)
    }

    /// The bytes to sign.
    pub fn to_bytes(&self) -> Vec<u8> {
        serde_json::json!(self).to_string().into_bytes()
    }

    /// Checks that this is what was signed: each value of the statement against what lies here.
    pub fn check(&self, manifest: &Manifest, component: &Digest) -> Result<(), StatementError> {
        let here = Self::new(manifest, component);
        let (signed, found) = (&self.predicate, &here.predicate);
        same("plugin id", &signed.plugin, &found.plugin)?;
        same("publisher", &signed.publisher, &found.publisher)?;
        same("version", &signed.version, &found.version)?;
        same("release number", &signed.release.to_string(), &found.release.to_string())?;
        for (what, signed, found) in [
            ("component digest", self.subject.first(), here.subject.first()),
            ("manifest digest", self.subject.get(1), here.subject.get(1)),
        ] {
            same(what, digest(signed), digest(found))?;
        }
        match *self == here {
            true => Ok(()),
            false => Err(StatementError::Unreadable("it says something else than its subjects and values".to_owned())),
        }
    }
}

fn digest(subject: Option<&Subject>) -> &str {
    subject.map_or("nothing", |subject| &subject.digest.sha256)
}

fn same(what: &'static str, signed: &str, found: &str) -> Result<(), StatementError> {
    if signed == found {
        return Ok(());
    }
    Err(StatementError::Mismatch { what, signed: plain(signed), found: plain(found) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MANIFEST;

    fn statement() -> (Manifest, Statement) {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let statement = Statement::new(&manifest, &Digest::of(b"component"));
        (manifest, statement)
    }

    #[test]
    fn reads_what_it_writes_and_holds_for_its_own_bytes() {
        let (manifest, statement) = statement();
        let back = Statement::parse(&statement.to_bytes()).unwrap();
        assert_eq!(back, statement);
        assert_eq!(back.check(&manifest, &Digest::of(b"component")), Ok(()));
        let json: serde_json::Value = serde_json::from_slice(&statement.to_bytes()).unwrap();
        assert_eq!(json["_type"], "https://in-toto.io/Statement/v1");
        assert_eq!(json["subject"][0]["name"], "plugin.wasm");
        assert_eq!(json["subject"][0]["digest"]["sha256"], Digest::of(b"component").hex());
        assert_eq!(json["subject"][1]["digest"]["sha256"], Digest::of(MANIFEST.as_bytes()).hex());
        assert_eq!(json["predicate"]["release"], 3);
    }

    #[test]
    fn every_mismatch_is_named() {
        let (manifest, statement) = statement();
        let component = Digest::of(b"component");
        let named =
            |changed: &Manifest, component: &Digest| statement.check(changed, component).unwrap_err().to_string();
        assert!(named(&manifest, &Digest::of(b"other")).starts_with("component digest mismatch"));
        let all = manifest.clone();
        for (changed, error) in [
            (Manifest { version: "1.2.1".into(), ..all.clone() }, "version mismatch: 1.2.0 was signed, this is 1.2.1"),
            (Manifest { release: 4, ..all.clone() }, "release number mismatch: 3 was signed, this is 4"),
            (Manifest { id: "com.example.x".parse().unwrap(), ..all.clone() }, "plugin id mismatch"),
            (Manifest { publisher: "com.other".parse().unwrap(), ..all.clone() }, "publisher mismatch"),
            (Manifest { digest: Digest::of(b"other"), ..all }, "manifest digest mismatch"),
        ] {
            let found = named(&changed, &component);
            assert!(found.starts_with(error), "{found}");
        }
    }

    #[test]
    fn refuses_what_it_does_not_understand() {
        let text = String::from_utf8(statement().1.to_bytes()).unwrap();
        for (from, to, error) in [
            ("Statement/v1", "Statement/v2", "has _type 'https://in-toto.io/Statement/v2'"),
            ("release/v1", "review/v1", "has predicateType"),
            ("plugin.wasm", "other.wasm", "has subjects 'other.wasm, portcullis.toml'"),
            ("\"plugin\":", "\"only-in\":\"eu\",\"plugin\":", "unknown field `only-in`"),
            ("\"version\":", "\"version\":\"9\",\"version\":", "duplicate field `version`"),
            ("\"sha256\"", "\"md5\"", "unknown field `md5`"),
        ] {
            assert!(text.contains(from));
            let found = Statement::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
            assert!(found.contains(error), "{found}");
        }
        assert!(Statement::parse(b"nothing").unwrap_err().to_string().contains("cannot be read"));
    }
}
