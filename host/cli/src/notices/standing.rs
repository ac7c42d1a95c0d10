//! What needs somebody for as long as it is so, whenever it began: reports that nobody looked into, known vulnerabilities, reviews
//! that will be over soon.
//!
//! Invariant: a tenant is told what is about releases that it runs, and never who reported or reviewed them.

use std::{collections::BTreeSet, time::Duration};

use anyhow::Result;
use portcullis_api::admin::v1::notices::{Notice, Subject, Whose};
use portcullis_model::{
    id::TenantId,
    installation::{Installation, InstallationStore as _},
    release::ReleaseId,
    review::{Misbehaviour, ReviewStore as _, Vulnerability},
    time::Timestamp,
};
use portcullis_packages::{
    review::{Case, misbehaviour::told, rescan::named},
    trust::Given,
};

use super::{help::Help, subject};
use crate::{host::Host, review::name};

/// How long before its end a review is told of.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// For how long a tenant is told what came of a report.
const TOLD: Duration = Duration::from_secs(30 * 24 * 60 * 60);
/// The most advisories that one line names.
const NAMED: usize = 3;

/// One of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Since when, or until when.
    pub time: Timestamp,
    /// What sort.
    pub kind: &'static str,
    /// What tells it apart from others of its sort, whatever is said of it at the moment.
    pub key: String,
    /// What is so, in one line.
    pub what: String,
    /// What to do about it.
    pub help: Help,
    /// What it is about, by name.
    pub about: Subject,
}

impl Standing {
    /// As it is told.
    pub(super) fn shown(&self) -> Notice {
        Notice {
            index: None,
            time: self.time.to_string(),
            kind: self.kind.to_owned(),
            what: self.what.clone(),
            help: self.help.to_string(),
            key: self.key.clone(),
            about: self.about.clone(),
        }
    }
}

/// All of them that are for these.
pub async fn standing(host: &Host, whose: &Whose) -> Result<Vec<Standing>> {
    let (now, tenant) = (host.clock.now(), whose.tenant());
    let mut installed = host.store.installations().await?;
    // Where a release runs is nothing that the platform's own people are told.
    installed.retain(|one| !one.is_gone() && *whose != Whose::Platform);
    let runs: BTreeSet<ReleaseId> = match tenant {
        Some(tenant) => installed
            .iter()
            .filter(|one| one.tenant == *tenant && !one.is_gone())
            .map(Installation::release_id)
            .collect(),
        None => host.watched().await?.into_iter().collect(),
    };
    let mut all = super::roots::expiring(host, whose).await?;
    for report in host.store.misbehaviours().await? {
        all.extend(misbehaviour(&report, tenant, &runs, &installed, now));
    }
    for (release, found) in host.store.vulnerabilities().await? {
        if runs.contains(&release) && !found.is_empty() {
            // What cannot be looked at keeps nothing else from being told: where it is refused, that is told of.
            let Ok(submission) = host.release(&release).await else { continue };
            let help = suspend(&installed, tenant, &release, "known vulnerabilities");
            let about = subject::of_release(submission.plugin.as_str(), &release);
            all.push(Standing { about, ..vulnerable(&name(&submission), &found, help, now) });
        }
    }
    for release in &runs {
        match over_soon(host, release, tenant.is_some()).await {
            Ok(found) => all.extend(found),
            Err(error) => tracing::debug!(error = format!("{error:#}"), "a release cannot be looked at"),
        }
    }
    Ok(all)
}

/// Of each of a release's approvals that is over soon.
async fn over_soon(host: &Host, release: &ReleaseId, to_tenant: bool) -> Result<Vec<Standing>> {
    let submission = host.release(release).await?;
    Ok(ending(&host.desk().case(&submission).await?, to_tenant))
}

fn misbehaviour(
    report: &Misbehaviour,
    tenant: Option<&TenantId>,
    runs: &BTreeSet<ReleaseId>,
    installed: &[Installation],
    now: Timestamp,
) -> Option<Standing> {
    let time = report.resolved.as_ref().map_or(report.at, |resolved| resolved.at);
    let told = match (tenant, &report.resolved) {
        (None, None) => {
            let of = format!("{}@{}", report.plugin, report.number);
            let who = format!("tenant {} ({})", report.tenant, report.installation);
            let resolve =
                ["review", "resolve", report.id.as_str(), "--note", "<for you>", "--public-note", "<for all>"];
            let help = Help::run(["review", "show", &of]).then(resolve).but("with what you found");
            (format!("{of} was reported for misbehaviour by {who}: {}", report.reason), help)
        }
        (None, Some(_)) => return None,
        (Some(tenant), resolved) => {
            let news = resolved.is_none() || time.distance(now) <= TOLD;
            if !news || !runs.contains(&report.release()) {
                return None;
            }
            let stop = suspend(installed, Some(tenant), &report.release(), "reported for misbehaviour");
            (told(report, tenant), stop.but("stops it here"))
        }
    };
    let (what, help) = told;
    let about = subject::of_release(report.plugin.as_str(), &report.release());
    Some(Standing { time, kind: "plugin.reported", key: report.id.to_string(), what, help, about })
}

/// Stops whatever runs this release: of this tenant, or of all.
fn suspend(installed: &[Installation], tenant: Option<&TenantId>, release: &ReleaseId, reason: &str) -> Help {
    let concerns =
        |one: &&Installation| tenant.is_none_or(|tenant| one.tenant == *tenant) && one.release_id() == *release;
    let runs = installed.iter().filter(concerns).take(NAMED);
    runs.fold(Help::default(), |help, one| help.then(["plugin", "suspend", one.id.as_str(), "--reason", reason]))
}

fn vulnerable(of: &str, found: &[Vulnerability], stop: Help, now: Timestamp) -> Standing {
    let mut names: Vec<String> = found.iter().take(NAMED).map(named).collect();
    if found.len() > NAMED {
        names.push(format!("{} more", found.len() - NAMED));
    }
    let fixed = found.iter().all(|one| one.fixed.is_some());
    let ask = match (fixed, stop.is_empty()) {
        (true, false) => "stops it; or ask its publisher for a release with the fixed versions",
        (false, false) => "stops it; or ask its publisher what they do about it",
        (true, true) => "ask its publisher for a release with the fixed versions",
        (false, true) => "ask its publisher what they do about it",
    };
    let what = format!("{of} is made of what has known vulnerabilities: {}", names.join(", "));
    let about = Subject::default();
    Standing { time: now, kind: "release.vulnerable", key: of.to_owned(), what, help: stop.but(ask), about }
}

/// Of each approval that is over soon.
fn ending(case: &Case, to_tenant: bool) -> Vec<Standing> {
    let soon = case.now.plus(SOON);
    let ends = case.standing.live(case.now).filter(|one| one.verdict.expires <= soon);
    ends.map(|one| ends_soon(case, one, to_tenant)).collect()
}

fn ends_soon(case: &Case, given: &Given, to_tenant: bool) -> Standing {
    let of = name(&case.submission);
    // Who reviews for the platform is nothing that tenants are told.
    let review = if to_tenant { "a review".to_owned() } else { format!("{}'s review", given.owner) };
    let left = case.standing.live(given.verdict.expires).count();
    let then = match left < case.standing.needed {
        true => format!("then {left} of {} approvals are left and it stops", case.standing.needed),
        false => "it runs on without that reviewer's limits".to_owned(),
    };
    Standing {
        time: given.verdict.expires,
        kind: "review.ends",
        key: format!("{review} of {of} ends {}", given.verdict.expires),
        what: format!("{review} of {of} ends {}; {then}", given.verdict.expires),
        help: Help::run(["review", "show", &format!("{}@{}", case.submission.plugin, case.submission.number)])
            .but("vet it again"),
        about: subject::of_release(case.submission.plugin.as_str(), &case.submission.release()),
    }
}

#[cfg(test)]
pub(super) mod tests {
    use portcullis_model::{
        id::Digest,
        review::{Resolution, Severity},
    };

    use super::*;

    fn report(resolved: bool) -> Misbehaviour {
        Misbehaviour {
            id: "rep_1".parse().unwrap(),
            plugin: "com.example.plugin".parse().unwrap(),
            version: "1.0.0".into(),
            number: 4,
            component: Digest::of(b"c"),
            manifest: Digest::of(b"m"),
            tenant: "acme".parse().unwrap(),
            installation: "ins_1".parse().unwrap(),
            by: "ann".into(),
            at: Timestamp(0),
            reason: "sends names away".into(),
            evidence: Vec::new(),
            resolved: resolved.then(|| Resolution {
                at: Timestamp(1),
                by: "rev".into(),
                note: "acme is right".into(),
                public_note: "release 5 mends that".into(),
            }),
        }
    }

    /// What is said to help, for each sort but reviews that end.
    pub(in super::super) fn helps(installed: &[Installation]) -> Vec<Help> {
        let acme: TenantId = "acme".parse().unwrap();
        let report = report(false);
        let report = Misbehaviour { component: installed[0].release, manifest: installed[0].manifest, ..report };
        let runs = BTreeSet::from([report.release()]);
        let tell = |tenant| misbehaviour(&report, tenant, &runs, installed, Timestamp(0)).unwrap().help;
        let stop = suspend(installed, None, &report.release(), "known vulnerabilities");
        vec![tell(None), tell(Some(&acme)), vulnerable("p@1", &[], stop, Timestamp(0)).help]
    }

    fn tell(tenant: Option<&str>, resolved: bool, runs: bool, now: i64) -> Option<String> {
        let report = report(resolved);
        let tenant: Option<TenantId> = tenant.map(|name| name.parse().unwrap());
        let runs = if runs { BTreeSet::from([report.release()]) } else { BTreeSet::new() };
        misbehaviour(&report, tenant.as_ref(), &runs, &[], Timestamp(now)).map(|one| one.what)
    }

    #[test]
    fn the_platform_reads_who_and_why_and_others_do_not() {
        let platform = tell(None, false, true, 0).unwrap();
        assert!(platform.contains("by tenant acme (ins_1): sends names away"), "{platform}");
        assert_eq!(tell(None, true, true, 0), None, "nothing is left to do");
        let other = tell(Some("zeta"), false, true, 0).unwrap();
        assert_eq!(other, "com.example.plugin 1.0.0 (release 4) was reported for misbehaviour, under review");
        assert!(tell(Some("acme"), false, true, 0).unwrap().starts_with("you reported"));
        let resolved = tell(Some("zeta"), true, true, 0).unwrap();
        assert!(resolved.ends_with("the reviewer says: release 5 mends that"), "{resolved}");
        assert_eq!(tell(Some("zeta"), false, false, 0), None, "it does not run it");
        let late = i64::try_from(TOLD.as_millis()).unwrap() + 2;
        assert_eq!(tell(Some("zeta"), true, true, late), None, "that is old news");
        assert!(tell(Some("zeta"), false, true, late).is_some(), "nobody has looked into it yet");
    }

    #[test]
    fn names_the_worst_and_counts_the_rest() {
        let one = |advisory: &str| Vulnerability {
            advisory: advisory.into(),
            dependency: "time".into(),
            version: "0.1.0".into(),
            severity: Severity::High,
            summary: "x".into(),
            fixed: None,
            certain: true,
        };
        let found: Vec<Vulnerability> = ["A", "B", "C", "D", "E"].map(one).to_vec();
        let what = vulnerable("p@1", &found, Help::default(), Timestamp(0)).what;
        assert!(what.ends_with("A (time 0.1.0, high), B (time 0.1.0, high), C (time 0.1.0, high), 2 more"), "{what}");
    }
}
