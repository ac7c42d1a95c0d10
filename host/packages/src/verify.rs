//! What of a release that was handed over holds, check by check, for somebody who wants to know before it comes near a host.
//!
//! Invariants: every check is named and has a result, whether the one before it failed or not; it holds only where all do.
//! What is checked here decides nothing: a host checks again, by its own trust.

use portcullis_model::{id::Digest, release::ReleaseId};
use serde::Serialize;

use crate::{
    check::{Rules, fits},
    dsse::{DsseError, Envelope, PayloadType},
    keys::PublicKey,
    manifest::Manifest,
    release_dir::{ENVELOPE_NAME, Part, ReleaseFiles},
    statement::{MANIFEST_NAME, Release, Statement, Verdict},
    trust::withdrawal::Override,
};

/// What came of a check.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It holds.
    Holds,
    /// It does not.
    Fails,
    /// Something that it needs failed.
    NotChecked,
}

/// One check of a release.
#[derive(Clone, Debug, Serialize)]
pub struct Check {
    /// What was checked.
    pub what: String,
    /// What came of it.
    pub outcome: Outcome,
    /// What was found.
    pub found: String,
}

/// A release of which not every check holds.
#[derive(Clone, Debug, thiserror::Error)]
#[error("not verified: {0}")]
pub struct NotVerified(String);

impl Check {
    fn new(what: impl Into<String>, result: Result<String, String>) -> Self {
        let (outcome, found) = match result {
            Ok(found) => (Outcome::Holds, found),
            Err(found) => (Outcome::Fails, found),
        };
        Self { what: what.into(), outcome, found }
    }

    fn not_done(what: &str, lacking: &str) -> Self {
        Self { what: what.to_owned(), outcome: Outcome::NotChecked, found: format!("needs {lacking}") }
    }
}

/// Whether all of them hold.
pub fn all_hold(checks: &[Check]) -> Result<(), NotVerified> {
    let failed: Vec<&str> =
        checks.iter().filter(|check| check.outcome != Outcome::Holds).map(|check| check.what.as_str()).collect();
    if failed.is_empty() { Ok(()) } else { Err(NotVerified(failed.join(", "))) }
}

/// Checks a release against the keys of its publisher, and perhaps of others.
pub fn verify(files: &ReleaseFiles, keys: &[PublicKey], rules: Rules<'_>) -> Vec<Check> {
    let manifest = Manifest::parse(&files.stored.manifest);
    let named = manifest.as_ref().map(|m| format!("{} {}, release {}, by {}", m.id, m.version, m.release, m.publisher));
    let mut checks = vec![Check::new("manifest", named.map_err(|error| error.to_string()))];
    let manifest = manifest.ok();

    let envelope = Envelope::parse(PayloadType::Statement, &files.stored.envelope);
    let signed = envelope.as_ref().map_err(ToString::to_string).and_then(|envelope| signed(envelope, keys));
    let payload = signed.as_ref().ok().map(|(payload, _)| *payload);
    checks.push(Check::new("publisher's signature", signed.map(|(_, signers)| format!("by {signers}"))));
    checks.extend(stated(files, manifest.as_ref(), payload));
    checks.push(match &manifest {
        None => Check::not_done("imports within the manifest", MANIFEST_NAME),
        Some(manifest) => {
            let fits = fits(manifest, &files.stored.manifest, &files.component, rules);
            let words = fits.map(|inspection| format!("{} imports, all asked for", inspection.imports.len()));
            Check::new("imports within the manifest", words.map_err(|error| error.to_string()))
        }
    });
    checks.extend(statements(files, keys));
    checks
}

/// The payload, and who of these signed it. In a publisher's envelope one signature will do.
fn signed<'a>(envelope: &'a Envelope, keys: &[PublicKey]) -> Result<(&'a [u8], String), String> {
    let payload = envelope.verify(keys, 1, "the publisher").map_err(|error| error.to_string())?;
    let signers = envelope.signed_by(keys).map(|(_, signers)| signers).unwrap_or_default();
    Ok((payload, signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")))
}

/// What the publisher stated, against what lies here.
fn stated(files: &ReleaseFiles, manifest: Option<&Manifest>, payload: Option<&[u8]>) -> [Check; 2] {
    let (form, digests) = ("publisher's statement", "digests and values as signed");
    let Some(payload) = payload else {
        return [form, digests].map(|what| Check::not_done(what, "the signature"));
    };
    let statement = Statement::<Release>::parse(payload).map_err(|error| error.to_string());
    let read = Check::new(form, statement.as_ref().map(|_| ENVELOPE_NAME.to_owned()).map_err(Clone::clone));
    let (Ok(statement), Some(manifest)) = (statement, manifest) else {
        return [read, Check::not_done(digests, "manifest and statement")];
    };
    let component = Digest::of(&files.component);
    let same = statement.check(manifest, &component);
    let words = same.map(|()| format!("component {component}, manifest {}", manifest.digest));
    [read, Check::new(digests, words.map_err(|error| error.to_string()))]
}

/// What others stated: its form, and that it is about this release. Whose word counts is for a host's own trust to say.
fn statements<'a>(files: &'a ReleaseFiles, keys: &'a [PublicKey]) -> impl Iterator<Item = Check> + 'a {
    let release = files.stored.id();
    let numbered = files.statements.iter().zip(1..);
    numbered
        .map(move |(text, number)| Check::new(Part::Statement(number).name(), statement(text, &release, keys, files)))
}

fn statement(text: &str, release: &ReleaseId, keys: &[PublicKey], files: &ReleaseFiles) -> Result<String, String> {
    let (envelope, says) = match Envelope::parse(PayloadType::Statement, text) {
        Ok(envelope) => {
            let says = verdict(&envelope, release, files)?;
            (envelope, says)
        }
        Err(DsseError::WrongType { .. }) => {
            let envelope = Envelope::parse(PayloadType::Override, text).map_err(|error| error.to_string())?;
            let says = leave(&envelope, release)?;
            (envelope, says)
        }
        Err(error) => return Err(error.to_string()),
    };
    let by = match envelope.signed_by(keys) {
        Some((_, signers)) => format!("by {}", signers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")),
        None => "by none of the keys given, so nobody knows by whom".to_owned(),
    };
    Ok(format!("{says}, {by}"))
}

fn verdict(envelope: &Envelope, release: &ReleaseId, files: &ReleaseFiles) -> Result<String, String> {
    let statement = Statement::<Verdict>::parse(envelope.unverified()).map_err(|error| error.to_string())?;
    statement.is_about(release).map_err(|error| error.to_string())?;
    let verdict = statement.predicate();
    let report = match &verdict.report {
        None => "without a report",
        Some(digest) if files.reports.iter().any(|report| Digest::of(report) == *digest) => "its report is here",
        Some(_) => "its report is not here",
    };
    Ok(format!("{}, until {}, {report}", verdict.decision.name(), verdict.expires))
}

fn leave(envelope: &Envelope, release: &ReleaseId) -> Result<String, String> {
    let leave = Override::read(envelope).map_err(|error| error.to_string())?;
    match leave.release() == *release {
        true => Ok(format!("leave to run below the floor, until {}", leave.expires)),
        false => Err("it is leave for another release".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{release::StoredRelease, time::Timestamp};

    use super::*;
    use crate::{
        keys::SecretKey,
        publish::sign_release,
        statement::Decision,
        testing::{Fake, Fixed, MANIFEST, component, importing},
    };

    const RULES: Rules<'static> = Rules { catalogue: &Fake };

    fn keys() -> (SecretKey, SecretKey) {
        let rng = Fixed::new();
        (SecretKey::generate(&rng), SecretKey::generate(&rng))
    }

    fn release() -> ReleaseFiles {
        let envelope = sign_release(&component(), MANIFEST, &keys().0, RULES).unwrap().to_json();
        let digest = Digest::of(&component());
        ReleaseFiles::new(StoredRelease { digest, manifest: MANIFEST.into(), envelope }, component().into())
    }

    fn verdict(about: &ReleaseId, report: Option<Digest>) -> String {
        let verdict = Verdict {
            decision: Decision::Approve,
            at_most: Vec::new(),
            issued: Timestamp(0),
            expires: Timestamp(86_400_000),
            report,
            reason: "reads what it says".into(),
        };
        Statement::about(about, verdict).signed(&keys().1).unwrap().to_json()
    }

    /// What fails, with its reason.
    fn failures(files: &ReleaseFiles) -> Vec<(String, Outcome, String)> {
        let checks = verify(files, &[keys().0.public()], RULES);
        assert!(checks.len() >= 5);
        let failed: Vec<_> = checks.iter().filter(|check| check.outcome != Outcome::Holds).cloned().collect();
        assert_eq!(all_hold(&checks).is_ok(), failed.is_empty());
        failed.into_iter().map(|check| (check.what, check.outcome, check.found)).collect()
    }

    #[test]
    fn a_release_as_it_was_signed_holds() {
        let mut files = release();
        assert!(failures(&files).is_empty(), "{:?}", failures(&files));
        files.reports = vec![b"{}".to_vec()];
        files.statements = vec![verdict(&files.stored.id(), Some(Digest::of(b"{}")))];
        assert!(failures(&files).is_empty());
        let checks = verify(&files, &[keys().0.public(), keys().1.public()], RULES);
        let last = checks.last().unwrap();
        assert_eq!(last.what, "statements/0001.dsse.json");
        let by = keys().1.public();
        assert_eq!(last.found, format!("approve, until 1970-01-02T00:00:00.000Z, its report is here, by {by}"));
    }

    #[test]
    fn what_fails_is_named_and_the_rest_is_checked_all_the_same() {
        let good = release();
        let only = |files: &ReleaseFiles, what: &str, reason: &str| {
            let found = failures(files);
            assert!(found.iter().any(|(name, outcome, _)| name == what && *outcome == Outcome::Fails), "{found:?}");
            assert!(found.iter().any(|(_, _, words)| words.contains(reason)), "{found:?}");
            found.len()
        };
        let component = ReleaseFiles { component: importing(&[]).into(), ..good.clone() };
        assert_eq!(only(&component, "digests and values as signed", "component digest mismatch"), 1);
        let foreign = ReleaseFiles { component: importing(&["wasi:sockets/tcp@0.2.0"]).into(), ..good.clone() };
        assert_eq!(only(&foreign, "imports within the manifest", "which this host does not offer"), 2);
        let mut manifest = good.clone();
        manifest.stored.manifest.push(' ');
        assert_eq!(only(&manifest, "digests and values as signed", "manifest digest mismatch"), 1);
        manifest.stored.manifest = "nothing".into();
        assert_eq!(only(&manifest, "manifest", "manifest"), 3);
        let mut stranger = good.clone();
        stranger.stored.envelope = sign_release(&good.component, MANIFEST, &keys().1, RULES).unwrap().to_json();
        assert_eq!(only(&stranger, "publisher's signature", "does not verify with any trusted key"), 3);
        let mut verdict_as_release = good.clone();
        verdict_as_release.stored.envelope = verdict(&good.stored.id(), None);
        assert_eq!(failures(&verdict_as_release).len(), 3);
    }

    #[test]
    fn what_others_stated_is_about_this_release() {
        let good = release();
        let other = ReleaseId { component: Digest::of(b"other"), ..good.stored.id() };
        let leave = |about: ReleaseId| {
            let (component, manifest, reason) = (about.component, about.manifest, "until the next".to_owned());
            let leave = Override { component, manifest, reason, issued: Timestamp(0), expires: Timestamp(86_400_000) };
            leave.signed(&keys().1).unwrap().to_json()
        };
        let allowed = ReleaseFiles { statements: vec![leave(good.stored.id())], ..good.clone() };
        assert!(failures(&allowed).is_empty());
        for (statement, reason) in [
            (leave(other), "leave for another release"),
            (verdict(&other, None), "component digest mismatch"),
            ("{}".to_owned(), "is not a DSSE envelope"),
            (good.stored.envelope.clone(), "has predicateType"),
        ] {
            let files = ReleaseFiles { statements: vec![statement], ..good.clone() };
            let found = failures(&files);
            assert_eq!(found.len(), 1);
            assert!(found[0].2.contains(reason), "{found:?}");
        }
        assert!(
            verify(&good, &[], RULES).iter().any(|check| check.found.contains("no key of the publisher is trusted"))
        );
    }
}
