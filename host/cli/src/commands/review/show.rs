//! `portcullis review show`

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Args;
use portcullis_model::{
    audit::plain,
    behaviour::Weight,
    review::{Misbehaviour, Note, Step, Vulnerability},
    time::Timestamp,
    trust::RootScope,
};
use portcullis_packages::{
    review::rescan::named,
    statement::{Decision, Verdict},
};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::shown::Shown;
use crate::{
    admin::{Keyboard, asked, given},
    home::Home,
    host::Host,
    output::Output,
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
#[derive(Deserialize, Serialize)]
struct Attached {
    digest: String,
    findings: Vec<Finding>,
    unreadable: Option<String>,
}

/// What of a report should be read first.
#[derive(Deserialize, Serialize)]
struct Finding {
    weight: Weight,
    words: String,
}

/// A verdict that counts.
#[derive(Deserialize, Serialize)]
struct Given {
    key: String,
    owner: String,
    verdict: Verdict,
}

/// All that is shown.
#[derive(Deserialize)]
struct Detail {
    review: Shown,
    notes: Vec<Note>,
    verdicts: Vec<Given>,
    reviewers: BTreeMap<String, String>,
    plan: Value,
    plan_words: String,
    diff: Option<Value>,
    diff_words: Option<String>,
    reports: Vec<Attached>,
    vulnerabilities: Option<Vec<Vulnerability>>,
}

impl Show {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let submission = host.submission(&self.release).await?;
        let keyboard = Keyboard::of(&host)?;
        let path = asked(&Shown::at(&submission), &[("root", Some(self.root.to_string()))]);
        let detail: Detail = keyboard.read_as(&path).await?;
        let reports = keyboard.all("/misbehaviour", &[("all", Some("true".to_owned()))]).await?;
        let mut misbehaviour = reports.into_iter().map(given).collect::<Result<Vec<Misbehaviour>>>()?;
        misbehaviour.retain(|one| one.release() == submission.release());
        let now = host.clock.now();
        output.result(&detail.value(&misbehaviour), || detail.words(&misbehaviour, now))
    }
}

impl Detail {
    fn value(&self, misbehaviour: &[Misbehaviour]) -> Value {
        let review = &self.review;
        json!({
            "submission": review.submission,
            "state": review.state,
            "needed": review.needed,
            "approvals": review.approvals,
            "missing": review.missing,
            "verdicts": self.verdicts,
            "reviewers": self.reviewers,
            "notes": self.notes,
            "plan": self.plan,
            "diff": self.diff,
            "reports": self.reports,
            "vulnerabilities": self.vulnerabilities,
            "misbehaviour": misbehaviour,
        })
    }

    fn words(&self, misbehaviour: &[Misbehaviour], now: Timestamp) -> String {
        let review = &self.review;
        let of = &review.submission;
        let mut lines = vec![
            format!("{}: {}", review.name(), review.state_words()),
            format!("component {}", of.component),
            format!("manifest  {}", of.manifest),
            String::new(),
            self.plan_words.clone(),
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
        let diff = self.diff_words.iter().flat_map(|words| words.lines().map(str::to_owned));
        section("Since the release that was approved last", diff.collect(), "none was approved before");
        let reports = self.reports.iter().flat_map(report_words).collect();
        section("Behaviour", reports, "no report is attached; make one with 'portcullis plugin vet'");
        let found = self.vulnerabilities.iter().flatten().map(vulnerability).collect();
        section("Known vulnerabilities", found, "none found so far; 'portcullis plugin rescan' looks again");
        section("Reported for misbehaviour", misbehaviour.iter().map(reported).collect(), "");
        section("Verdicts", self.verdicts.iter().flat_map(|one| verdict(one, now)).collect(), "none");
        section("What was said and done", self.notes.iter().map(note).collect(), "nothing");
        section("Missing", review.missing.clone(), "nothing: it may be installed");
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

fn reported(one: &Misbehaviour) -> String {
    let state = if one.resolved.is_some() { "resolved" } else { "open" };
    format!("{} {state}, by tenant {}: {}", one.id, one.tenant, one.reason)
}

fn verdict(one: &Given, now: Timestamp) -> Vec<String> {
    let Verdict { decision, at_most, issued, expires, report, reason } = &one.verdict;
    let key: String = one.key.chars().take(12).collect();
    let over = match (decision, *expires <= now) {
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
