//! Which of the documents that are attached to one component make a release.
//!
//! Documents belong together by what they say of each other's digests. Where that leaves more than one release, the highest
//! number is taken; where it leaves more than one document for the same place, nothing is, and it is said how to name one.
//!
//! Invariants: nothing is decided by whom a signature is; nothing is left out in silence.

use anyhow::{Result, bail};
use portcullis_broker::oci::pull::{Document, Pulled};
use portcullis_model::{
    id::Digest,
    release::{ReleaseId, StoredRelease},
};
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    manifest::Manifest,
    release_dir::{MAX_REPORTS, MAX_STATEMENTS, ReleaseFiles},
    statement::{Release, Statement},
};
use serde_json::Value;

/// What was asked for.
pub(super) struct Wanted<'a> {
    /// A release's number or version.
    pub release: Option<&'a str>,
    /// Digests of documents that are preferred.
    pub take: &'a [Digest],
}

/// What was taken.
#[derive(Debug)]
pub(super) struct Chosen {
    pub files: ReleaseFiles,
    pub manifest: Manifest,
    /// What was taken or left, and why.
    pub notes: Vec<String>,
}

/// A manifest, and the publishers' envelopes about it.
struct Candidate {
    text: String,
    manifest: Manifest,
    envelopes: Vec<(Digest, String)>,
}

impl Candidate {
    fn name(&self) -> String {
        format!("{} {} (release {})", self.manifest.id, self.manifest.version, self.manifest.release)
    }

    fn is(&self, wanted: &str) -> bool {
        self.manifest.version == wanted || wanted.parse() == Ok(self.manifest.release)
    }
}

/// Puts a release together.
pub(super) fn choose(pulled: Pulled, wanted: &Wanted<'_>) -> Result<Chosen> {
    let component = Digest::of(&pulled.component);
    let mut notes = Vec::new();
    if pulled.others > 0 {
        notes.push(format!("{} attached things of other types were not fetched", pulled.others));
    }
    let documents = pulled.manifests.iter().chain(&pulled.envelopes).chain(&pulled.reports);
    let known: Vec<Digest> = documents.map(|document| document.digest).collect();
    if let Some(unknown) = wanted.take.iter().find(|digest| !known.contains(digest)) {
        bail!("nothing with the digest {unknown} is attached");
    }
    let mut candidates = candidates(&pulled, &component, &mut notes);
    let names: Vec<String> = candidates.iter().map(Candidate::name).collect();
    if let Some(release) = wanted.release {
        candidates.retain(|candidate| candidate.is(release));
    }
    prefer(&mut candidates, wanted.take, |candidate| candidate.manifest.digest);
    let highest = candidates.iter().map(|candidate| candidate.manifest.release).max();
    let plugins = candidates.iter().filter(|one| one.manifest.id != candidates[0].manifest.id).count();
    if plugins == 0 {
        candidates.retain(|candidate| Some(candidate.manifest.release) == highest);
    }
    let mut taken = match only(candidates) {
        Ok(taken) => taken,
        Err(none) if none.is_empty() && names.is_empty() => {
            bail!(
                "no manifest with a publisher's envelope about it is attached to {component}: it was not pushed whole"
            )
        }
        Err(none) if none.is_empty() => bail!("no such release is attached; there is: {}", names.join(", ")),
        Err(several) => bail!(
            "several manifests would do; name one with --take: {}",
            listed(several.iter().map(|one| format!("{} {}", one.manifest.digest, one.name())))
        ),
    };
    if names.len() > 1 {
        notes.push(format!("taken: {}, of {}", taken.name(), names.join(", ")));
    }
    prefer(&mut taken.envelopes, wanted.take, |(digest, _)| *digest);
    let (publisher, envelope) = match only(taken.envelopes) {
        Ok(one) => one,
        Err(several) => bail!(
            "several envelopes say to be the publisher's; name one with --take: {}",
            listed(several.iter().map(|(digest, _)| digest.to_string()))
        ),
    };
    let release = ReleaseId { component, manifest: taken.manifest.digest };
    let statements = statements(&pulled.envelopes, &publisher, &release, &mut notes);
    let stored = StoredRelease { digest: component, manifest: taken.text, envelope };
    let files =
        ReleaseFiles { component: pulled.component, stored, statements, reports: reports(pulled.reports, &mut notes) };
    Ok(Chosen { files, manifest: taken.manifest, notes })
}

/// The manifests that can be read, each with the publishers' envelopes about it and the component.
fn candidates(pulled: &Pulled, component: &Digest, notes: &mut Vec<String>) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    for document in &pulled.manifests {
        let read = text(document).and_then(|text| match Manifest::parse(&text) {
            Ok(manifest) => Ok((text, manifest)),
            Err(error) => Err(error.to_string()),
        });
        match read {
            Ok((text, manifest)) => {
                let envelopes = pulled.envelopes.iter().filter_map(|envelope| {
                    let text = text_of_release(envelope, &manifest, component)?;
                    Some((envelope.digest, text))
                });
                let candidate = Candidate { envelopes: envelopes.collect(), text, manifest };
                match candidate.envelopes.is_empty() {
                    true => notes.push(format!("{} was left: no publisher's envelope is about it", candidate.name())),
                    false => candidates.push(candidate),
                }
            }
            Err(problem) => notes.push(format!("the manifest {} was left: {problem}", document.digest)),
        }
    }
    candidates
}

/// The text of a publisher's envelope about this release.
fn text_of_release(document: &Document, manifest: &Manifest, component: &Digest) -> Option<String> {
    let text = text(document).ok()?;
    let envelope = Envelope::parse(PayloadType::Statement, &text).ok()?;
    Statement::<Release>::parse(envelope.unverified()).ok()?.check(manifest, component).ok()?;
    Some(text)
}

/// What others state about this release.
fn statements(envelopes: &[Document], publisher: &Digest, release: &ReleaseId, notes: &mut Vec<String>) -> Vec<String> {
    let mut statements = Vec::new();
    let mut left = 0;
    for document in envelopes.iter().filter(|document| document.digest != *publisher) {
        match text(document).ok().filter(|text| is_about(text, release)) {
            Some(text) if statements.len() < MAX_STATEMENTS => statements.push(text),
            _ => left += 1,
        }
    }
    if left > 0 {
        notes.push(format!("{left} envelopes were left: they are about something else, or cannot be read"));
    }
    statements
}

/// Whether this is a statement, and not a publisher's, whose subjects are this component and this manifest.
fn is_about(text: &str, release: &ReleaseId) -> bool {
    let Ok(envelope) = Envelope::parse(PayloadType::Statement, text) else { return false };
    let Ok(payload) = serde_json::from_slice::<Value>(envelope.unverified()) else { return false };
    let subjects = payload["subject"].as_array().map(Vec::as_slice).unwrap_or_default();
    let digests: Vec<&str> = subjects.iter().filter_map(|one| one["digest"]["sha256"].as_str()).collect();
    digests == [release.component.hex(), release.manifest.hex()]
        && Statement::<Release>::parse(envelope.unverified()).is_err()
}

fn reports(documents: Vec<Document>, notes: &mut Vec<String>) -> Vec<Vec<u8>> {
    if documents.len() > MAX_REPORTS {
        notes.push(format!("{} reports were left: the most is {MAX_REPORTS}", documents.len() - MAX_REPORTS));
    }
    documents.into_iter().take(MAX_REPORTS).map(|document| document.bytes).collect()
}

fn text(document: &Document) -> Result<String, String> {
    String::from_utf8(document.bytes.clone()).map_err(|_| "it is not UTF-8 text".to_owned())
}

/// Keeps those that are preferred, if any is.
fn prefer<T>(all: &mut Vec<T>, take: &[Digest], digest: impl Fn(&T) -> Digest) {
    if all.iter().any(|one| take.contains(&digest(one))) {
        all.retain(|one| take.contains(&digest(one)));
    }
}

/// The one that there is, or else all.
fn only<T>(mut all: Vec<T>) -> Result<T, Vec<T>> {
    match (all.pop(), all.is_empty()) {
        (Some(one), true) => Ok(one),
        (last, _) => {
            all.extend(last);
            Err(all)
        }
    }
}

fn listed(lines: impl Iterator<Item = String>) -> String {
    lines.map(|line| format!("\n  {line}")).collect()
}

#[cfg(test)]
mod tests;
