//! What a publisher signs: which plugin, version and release number a component and its manifest are.
//!
//! Invariant: every value is compared with what the manifest says; the manifest is bound by its digest.

use portcullis_model::{id::Digest, release::ReleaseId};
use serde::{Deserialize, Serialize};

use super::{Predicate, Statement, StatementError, same};
use crate::manifest::Manifest;

/// What a publisher states of a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Release {
    plugin: String,
    version: String,
    release: u64,
    publisher: String,
}

impl Predicate for Release {
    const TYPE: &'static str = "https://portcullis.dev/attestation/release/v1";
}

impl Statement<Release> {
    /// The statement that binds this manifest to this component.
    pub fn new(manifest: &Manifest, component: &Digest) -> Self {
        let predicate = Release {
            plugin: manifest.id.to_string(),
            version: manifest.version.clone(),
            release: manifest.release,
            publisher: manifest.publisher.to_string(),
        };
        Self::about(&ReleaseId { component: *component, manifest: manifest.digest }, predicate)
    }

    /// Checks that this is what was signed: each value of the statement against what lies here.
    pub fn check(&self, manifest: &Manifest, component: &Digest) -> Result<(), StatementError> {
        let here = Self::new(manifest, component);
        let (signed, found) = (&self.predicate, &here.predicate);
        same("plugin id", &signed.plugin, &found.plugin)?;
        same("publisher", &signed.publisher, &found.publisher)?;
        same("version", &signed.version, &found.version)?;
        same("release number", &signed.release.to_string(), &found.release.to_string())?;
        self.is_about(&ReleaseId { component: *component, manifest: manifest.digest })?;
        match *self == here {
            true => Ok(()),
            false => Err(StatementError::Unreadable("it says something else than its subjects and values".to_owned())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::MANIFEST;

    fn statement() -> (Manifest, Statement<Release>) {
        let manifest = Manifest::parse(MANIFEST).unwrap();
        let statement = Statement::new(&manifest, &Digest::of(b"component"));
        (manifest, statement)
    }

    #[test]
    fn reads_what_it_writes_and_holds_for_its_own_bytes() {
        let (manifest, statement) = statement();
        let back = Statement::<Release>::parse(&statement.to_bytes()).unwrap();
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
            let found = Statement::<Release>::parse(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
            assert!(found.contains(error), "{found}");
        }
        assert!(Statement::<Release>::parse(b"nothing").unwrap_err().to_string().contains("cannot be read"));
    }
}
