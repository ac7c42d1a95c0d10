//! What a reviewer signs: whether a release may run, and how much of what it asks for may be granted at most (idea 1).
//!
//! Invariants: a verdict is about one release, by the digests of component and manifest; it never outlives its expiry
//! (INT-11); a later verdict of the same key about the same release takes the place of an earlier one.

use portcullis_model::{id::Digest, scope::ScopeText, time::Timestamp};
use serde::{Deserialize, Serialize};

use super::Predicate;

/// What a reviewer decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Decision {
    /// It may run, within the scopes that the verdict names.
    Approve,
    /// It may not run before something is changed: the publisher makes another release.
    RequestChanges,
    /// It may not run.
    Reject,
}

impl Decision {
    /// Its name, as it stands in statements and in the log.
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::RequestChanges => "request-changes",
            Self::Reject => "reject",
        }
    }
}

/// A reviewer's verdict about a release.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Verdict {
    /// What was decided.
    pub decision: Decision,
    /// The most that may be granted to it: narrower than the manifest asks, or the same. Empty unless it is approved.
    pub at_most: Vec<ScopeText>,
    /// When it was decided, by the reviewer's clock.
    pub issued: Timestamp,
    /// When it must be vetted again at the latest (INT-11).
    pub expires: Timestamp,
    /// The SHA-256 of the behaviour report that the reviewer had before them, if any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub report: Option<Digest>,
    /// Why, in the reviewer's words: at most 2,000 characters.
    pub reason: String,
}

impl Predicate for Verdict {
    const TYPE: &'static str = "https://portcullis.dev/attestation/verdict/v1";
}

#[cfg(test)]
mod tests {
    use portcullis_model::release::ReleaseId;

    use super::*;
    use crate::statement::Statement;

    #[test]
    fn reads_what_it_writes_and_names_another_release() {
        let verdict = Verdict {
            decision: Decision::Approve,
            at_most: vec!["tickets:read fields=comments".parse().unwrap()],
            issued: Timestamp(0),
            expires: Timestamp(86_400_000),
            report: Some(Digest::of(b"report")),
            reason: "reads what it says".into(),
        };
        let release = ReleaseId { component: Digest::of(b"c"), manifest: Digest::of(b"m") };
        let statement = Statement::about(&release, verdict);
        let back = Statement::<Verdict>::parse(&statement.to_bytes()).unwrap();
        assert_eq!(back, statement);
        assert_eq!(back.is_about(&release), Ok(()));
        let other = ReleaseId { manifest: Digest::of(b"x"), ..release };
        assert!(back.is_about(&other).unwrap_err().to_string().starts_with("manifest digest mismatch"));
        let json: serde_json::Value = serde_json::from_slice(&statement.to_bytes()).unwrap();
        assert_eq!(json["predicate"]["at-most"][0], "tickets:read fields=comments");
        assert_eq!(json["predicate"]["expires"], "1970-01-02T00:00:00.000Z");
        assert!(Statement::<super::super::Release>::parse(&statement.to_bytes()).is_err());
    }
}
