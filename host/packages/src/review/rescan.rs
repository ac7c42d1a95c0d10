//! Looking again at releases when more is known of vulnerabilities than when they were vetted (MNT-3).
//!
//! Invariants: what is looked at is the component whose bytes are those of its digest; one release that cannot be looked at
//! keeps no other from it; what was found is in the log when it changes, and only then; a release that was reinstated after a
//! quarantine is not quarantined again for the same advisories.

use portcullis_model::{
    audit::{Actor, Entry, Kind, plain},
    error::StoreError,
    release::{ReleaseId, Releases as _},
    review::{ReviewStore, Severity, Vulnerability},
    time::Clock,
    trust::{RootScope, StoredTrust},
};
use serde::Serialize;

use crate::{
    check::Registry,
    dsse::{Envelope, PayloadType},
    manifest::Manifest,
    trust::{
        By, Trust,
        withdrawal::{Act, MAX_REASON, Target, Withdrawal},
    },
};

/// The most findings that are kept of one release.
pub const MAX_FOUND: usize = 500;
/// The most of them that an entry or a reason names.
const NAMED: usize = 8;

/// What was found in a release.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Scanned {
    /// Which plugin.
    pub plugin: String,
    /// Its version, for people.
    pub version: String,
    /// The release's number.
    pub number: u64,
    /// Digest of its component.
    pub component: String,
    /// Which release.
    #[serde(skip)]
    pub release: ReleaseId,
    /// Everything, the worst first.
    pub found: Vec<Vulnerability>,
    /// What of it was not found at the last scan.
    pub new: Vec<Vulnerability>,
    /// What was found then and is not any more.
    pub gone: Vec<Vulnerability>,
}

/// A release that could not be looked at.
#[derive(Clone, Debug, Serialize)]
pub struct Unread {
    /// Which component.
    pub component: String,
    /// Why.
    pub reason: String,
}

/// Looks at releases, on behalf of one actor.
pub struct Scan<'a> {
    /// Where releases lie.
    pub registry: &'a Registry,
    /// Where findings lie.
    pub reviews: &'a dyn ReviewStore,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Who.
    pub actor: Actor,
    /// Whether this is a rehearsal: what was found is given, and not kept.
    pub trial: bool,
}

impl Scan<'_> {
    /// Looks at these releases. `look` says what is known of a component's dependencies, from its bytes.
    pub async fn run(
        &self,
        releases: &[ReleaseId],
        look: impl Fn(&[u8]) -> Result<Vec<Vulnerability>, String> + Send + Sync,
    ) -> Result<(Vec<Scanned>, Vec<Unread>), StoreError> {
        let known = self.reviews.vulnerabilities().await?;
        let (mut scanned, mut unread) = (Vec::new(), Vec::new());
        for release in releases {
            let before = known.iter().find(|(id, _)| id == release).map(|(_, found)| found.as_slice());
            match self.one(release, before, &look).await? {
                Ok(one) => scanned.push(one),
                Err(reason) => unread.push(Unread { component: release.component.to_string(), reason: plain(&reason) }),
            }
        }
        Ok((scanned, unread))
    }

    async fn one(
        &self,
        release: &ReleaseId,
        before: Option<&[Vulnerability]>,
        look: &(impl Fn(&[u8]) -> Result<Vec<Vulnerability>, String> + Send + Sync),
    ) -> Result<Result<Scanned, String>, StoreError> {
        let Some(stored) = self.registry.store().release(release).await? else {
            return Ok(Err("it is not in the registry".to_owned()));
        };
        let manifest = match Manifest::parse(&stored.manifest) {
            Ok(manifest) if manifest.digest == release.manifest => manifest,
            Ok(_) => return Ok(Err("manifest digest mismatch".to_owned())),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let bytes = match self.registry.component(release).await {
            Ok(bytes) => bytes,
            Err(portcullis_model::release::ReleaseError::Store(error)) => return Err(error),
            Err(error) => return Ok(Err(error.to_string())),
        };
        let found = match look(&bytes) {
            Ok(found) => tidy(found),
            Err(reason) => return Ok(Err(reason)),
        };
        let before = before.unwrap_or_default();
        let minus = |a: &[Vulnerability], b: &[Vulnerability]| -> Vec<Vulnerability> {
            a.iter().filter(|one| !b.iter().any(|other| same(one, other))).cloned().collect()
        };
        let scanned = Scanned {
            plugin: manifest.id.to_string(),
            version: manifest.version.clone(),
            number: manifest.release,
            component: release.component.to_string(),
            release: *release,
            new: minus(&found, before),
            gone: minus(before, &found),
            found,
        };
        if scanned.found != before && !self.trial {
            self.reviews.put_vulnerabilities(*release, scanned.found.clone(), self.entry(&scanned)).await?;
        }
        Ok(Ok(scanned))
    }

    fn entry(&self, scanned: &Scanned) -> Entry {
        let ids = |all: &[Vulnerability]| all.iter().take(NAMED).map(named).collect::<Vec<_>>();
        Entry::new(self.clock.now(), Kind::ReleaseVulnerable, self.actor.clone(), None)
            .about(format!("release:{}", scanned.component))
            .with("manifest-digest", scanned.release.manifest.to_string())
            .with("plugin", scanned.plugin.as_str())
            .with("version", scanned.version.as_str())
            .with("found", scanned.found.len())
            .with("worst", scanned.found.first().map_or("none", |worst| worst.severity.name()))
            .with("new", ids(&scanned.new))
            .with("gone", ids(&scanned.gone))
    }
}

/// A finding in a few words.
pub fn named(one: &Vulnerability) -> String {
    let unsure = if one.certain { "" } else { ", perhaps" };
    let (advisory, dependency, version) = (plain(&one.advisory), plain(&one.dependency), plain(&one.version));
    format!("{advisory} ({dependency} {version}, {}{unsure})", one.severity.name())
}

fn same(a: &Vulnerability, b: &Vulnerability) -> bool {
    (&a.advisory, &a.dependency, &a.version) == (&b.advisory, &b.dependency, &b.version)
}

/// In one order, each once, the worst first, and no more than can be kept.
fn tidy(mut found: Vec<Vulnerability>) -> Vec<Vulnerability> {
    for one in &mut found {
        for text in [&mut one.advisory, &mut one.dependency, &mut one.version, &mut one.summary] {
            *text = plain(text);
        }
        one.fixed = one.fixed.take().map(|fixed| plain(&fixed));
    }
    found.sort_by(|a, b| b.severity.cmp(&a.severity).then_with(|| a.cmp(b)));
    found.dedup();
    found.truncate(MAX_FOUND);
    found
}

/// Why a release is to be quarantined for what was found in it, by a policy that bears nothing as bad as `from`; `None`: it is
/// not, or the platform quarantined it for all of that before. `withdrawals`: all that were ever signed, by whom.
pub fn reason_for_quarantine(scanned: &Scanned, from: Severity, withdrawals: &[(Withdrawal, By)]) -> Option<String> {
    let target = target(scanned)?;
    // What a tenant says of its own is nothing to the others.
    let platform = withdrawals.iter().filter(|(_, by)| *by == By::Root(RootScope::Platform)).map(|(read, _)| read);
    let of = |read: &&Withdrawal| matches!(&read.what, Act::Quarantine { target: of } if *of == target);
    let said: Vec<&str> = platform.filter(of).map(|read| read.reason.as_str()).collect();
    let known = |id: &str| said.iter().any(|reason| reason.split([' ', ',']).any(|word| word == id));
    let bad = scanned.found.iter().filter(|one| one.certain && one.severity >= from && !known(&one.advisory));
    let mut reason = String::from("known vulnerabilities:");
    let mut count = 0;
    for one in bad.take(NAMED) {
        let more = format!("{} {}", if count > 0 { "," } else { "" }, one.advisory);
        if reason.chars().count() + more.chars().count() > MAX_REASON {
            break;
        }
        reason.push_str(&more);
        count += 1;
    }
    (count > 0).then_some(reason)
}

/// The withdrawals that were ever kept, with who is behind each.
pub fn withdrawals(trust: &Trust, stored: &StoredTrust) -> Vec<(Withdrawal, By)> {
    let envelopes = stored.withdrawals.iter().filter_map(|text| Envelope::parse(PayloadType::Withdrawal, text).ok());
    envelopes.filter_map(|envelope| trust.authority(&envelope).ok()).collect()
}

/// What a quarantine of this release is about.
pub fn target(scanned: &Scanned) -> Option<Target> {
    Some(Target::Component { plugin: scanned.plugin.parse().ok()?, digest: scanned.release.component })
}
