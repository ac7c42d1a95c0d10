//! `portcullis review show`

use anyhow::Result;
use clap::Args;
use portcullis_model::{
    audit::plain,
    behaviour::{Finding, Weight},
    review::{Misbehaviour, Note, ReviewStore as _, Step, Vulnerability},
    trust::RootScope,
};
use portcullis_packages::{
    diff::Diff,
    plan::InstallPlan,
    review::{Case, rescan::named},
    statement::{Decision, Verdict},
    trust::Given,
};
use serde::Serialize;
use serde_json::json;

use crate::{
    commands::plugin::plan_words,
    home::Home,
    host::{Host, RULES},
    output::Output,
    review::name,
};

/// Show a submission: what it can do, what is known of it, what is missing.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis review show card-guard@1")]
pub struct Show {
    /// Which release.
    pub release: String,
    /// By whose root: 'platform', or 'tenant:' and a tenant with a root of its own.
    #[arg(long, default_value = "platform", value_name = "ROOT")]
    pub root: RootScope,
}

/// An attached behaviour report.
#[derive(Debug, Serialize)]
struct Attached {
    digest: String,
    findings: Vec<Finding>,
    unreadable: Option<String>,
}

/// All that is shown.
struct Shown {
    case: Case,
    plan: InstallPlan,
    diff: Option<Diff>,
    reports: Vec<Attached>,
    found: Option<Vec<Vulnerability>>,
    misbehaviours: Vec<Misbehaviour>,
}

impl Show {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let submission = host.submission(&self.release).await?;
        let desk = host.desk_by(self.root);
        let case = desk.case(&submission).await?;
        let mut reports = Vec::new();
        for digest in case.reports() {
            let read = desk.report(&digest).await;
            let unreadable = read.as_ref().err().map(ToString::to_string);
            let findings = read.map(|report| report.findings()).unwrap_or_default();
            reports.push(Attached { digest: digest.to_string(), findings, unreadable });
        }
        let id = submission.release();
        let found = host.store.vulnerabilities().await?.into_iter().find(|(of, _)| *of == id);
        let all = host.store.misbehaviours().await?;
        let inspection = host.inspection(&case).await?;
        let shown = Shown {
            plan: InstallPlan::new(&case.manifest, &inspection, RULES, &case.manifest.asked())?,
            diff: host.since_approved(&case, &inspection).await?,
            reports,
            found: found.map(|(_, found)| found),
            misbehaviours: all.into_iter().filter(|one| one.release() == id).collect(),
            case,
        };
        output.result(&shown.value(), || shown.words())
    }
}

impl Shown {
    fn value(&self) -> serde_json::Value {
        let case = &self.case;
        let given = |one: &Given| json!({ "key": one.key, "owner": one.owner, "verdict": one.verdict });
        json!({
            "submission": case.submission,
            "state": case.state(),
            "needed": case.standing.needed,
            "approvals": case.approvals(),
            "missing": case.missing(),
            "verdicts": case.standing.given.iter().map(given).collect::<Vec<_>>(),
            "reviewers": case.standing.reviewers,
            "notes": case.notes,
            "plan": self.plan,
            "diff": self.diff,
            "reports": self.reports,
            "vulnerabilities": self.found,
            "misbehaviour": self.misbehaviours,
        })
    }

    fn words(&self) -> String {
        let case = &self.case;
        let of = &case.submission;
        let mut lines = vec![
            format!("{}: {}", name(of), case.state_words()),
            format!("component {}", of.component),
            format!("manifest  {}", of.manifest),
            String::new(),
            plan_words(&self.plan),
            String::new(),
        ];
        let mut section = |title: &str, items: Vec<String>, none: &str| match items.is_empty() {
            true if none.is_empty() => {}
            true => lines.push(format!("{title}: {none}")),
            false => {
                lines.push(format!("{title}:"));
                lines.extend(items.into_iter().map(|item| format!("  {item}")));
            }
        };
        let diff = self.diff.iter().flat_map(|diff| diff.to_string().lines().map(str::to_owned).collect::<Vec<_>>());
        section("Since the release that was approved last", diff.collect(), "none was approved before");
        let reports = self.reports.iter().flat_map(report_words).collect();
        section("Behaviour", reports, "no report is attached; make one with 'portcullis plugin vet'");
        let found = self.found.iter().flatten().map(vulnerability).collect();
        section("Known vulnerabilities", found, "none found so far; 'portcullis plugin rescan' looks again");
        section("Reported for misbehaviour", self.misbehaviours.iter().map(misbehaviour).collect(), "");
        section("Verdicts", case.standing.given.iter().flat_map(|one| verdict(one, case)).collect(), "none");
        section("What was said and done", case.notes.iter().map(note).collect(), "nothing");
        section("Missing", case.missing(), "nothing: it may be installed");
        lines.join("\n")
    }
}

fn report_words(attached: &Attached) -> Vec<String> {
    let mut lines = vec![attached.digest.clone()];
    if let Some(why) = &attached.unreadable {
        lines.push(format!("  CANNOT BE READ: {why}"));
    }
    let weight = |weight: Weight| match weight {
        Weight::Grave => "GRAVE  ",
        Weight::Notable => "notable",
        Weight::Plain => "       ",
    };
    lines.extend(attached.findings.iter().map(|one| format!("  {} {}", weight(one.weight), plain(&one.words))));
    lines
}

fn vulnerability(one: &Vulnerability) -> String {
    let fixed = one.fixed.as_ref().map_or_else(|| "not fixed".to_owned(), |fixed| format!("fixed in {fixed}"));
    format!("{}, {fixed}: {}", named(one), one.summary)
}

fn misbehaviour(one: &Misbehaviour) -> String {
    let state = if one.resolved.is_some() { "resolved" } else { "open" };
    format!("{} {state}, by tenant {}: {}", one.id, one.tenant, one.reason)
}

fn verdict(one: &Given, case: &Case) -> Vec<String> {
    let Verdict { decision, at_most, issued, expires, report, reason } = &one.verdict;
    let key: String = one.key.chars().take(12).collect();
    let over = match (decision, *expires <= case.now) {
        (Decision::Approve, true) => format!(", EXPIRED {expires}"),
        (Decision::Approve, false) => format!(", until {expires}"),
        _ => String::new(),
    };
    let mut lines = vec![format!("{} by {} (key {key}), {issued}{over}", decision.name(), plain(&one.owner))];
    lines.push(format!("  {}", plain(reason)));
    lines.extend(report.iter().map(|report| format!("  on the behaviour report {report}")));
    lines.extend(at_most.iter().map(|scope| format!("  at most {scope}")));
    if at_most.is_empty() && *decision == Decision::Approve {
        lines.push("  at most nothing".to_owned());
    }
    lines
}

fn note(note: &Note) -> String {
    let what = match &note.step {
        Step::Submitted => "handed it in".to_owned(),
        Step::Withdrawn { reason } => format!("took it back: {reason}"),
        Step::Assigned { owner, .. } => format!("had {owner} look at it"),
        Step::Commented { text } => format!("said: {text}"),
        Step::Attached { report } => format!("attached the behaviour report {}", report.short()),
        Step::Waived { reason, .. } => format!("did without a behaviour report: {reason}"),
    };
    format!("{} {} {}", note.at, plain(&note.by), plain(&what))
}
