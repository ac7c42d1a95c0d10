//! `portcullis review approve|request-changes|reject`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{id::Digest, scope::ScopeText, trust::RootScope};
use portcullis_packages::{
    keys::{self, Signer},
    review::{Case, Choice, Seen},
    statement::{Decision, Verdict},
};
use serde_json::json;

use crate::{
    commands::publish,
    home::Home,
    host::Host,
    output::Output,
    review::{digest, left_without, name},
    signing::Unlocking,
};

/// Who decides, and why.
#[derive(Debug, Args)]
pub struct Who {
    /// The reviewer's key: a file, or agent:KEY or agent:COMMENT; the host's own where none is given.
    #[arg(long)]
    pub key: Option<String>,
    /// How a key file is unlocked.
    #[command(flatten)]
    pub unlocking: Unlocking,
    /// By whose root you are a reviewer: 'platform', or 'tenant:' and a tenant with a root of its own.
    #[arg(long, default_value = "platform", value_name = "ROOT")]
    pub root: RootScope,
    /// Why: one line, at most 500 characters.
    #[arg(long)]
    pub reason: String,
}

impl Who {
    fn signer(&self, host: &Host) -> Result<Box<dyn Signer>> {
        match &self.key {
            Some(name) => Ok(keys::open(name, &self.unlocking)?),
            None => Ok(Box::new(host.root_key()?)),
        }
    }
}

/// Approve it, and say the most that it may do.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis review approve card-guard@1 --as-asked --report sha256:... --reason 'does what it says'\n  \
    portcullis review approve card-guard@1 --scope 'tickets:read fields=comments' --scope tickets:redact \\\n    \
    --without-report 'read its source' --reason 'does not need its log'\n\n\
    It is signed, holds for every installation of the release, and must be given anew when its days are over."
)]
pub struct Approve {
    /// Which release.
    pub release: String,
    /// Allow at most this; may be given several times.
    #[arg(long = "scope", value_name = "SCOPE", conflicts_with = "as_asked")]
    pub scopes: Vec<ScopeText>,
    /// Allow all that its manifest asks for.
    #[arg(long)]
    pub as_asked: bool,
    /// In how many days it must be vetted again, 365 at most.
    #[arg(long, default_value_t = 180)]
    pub days: u64,
    /// The SHA-256 of the behaviour report that you had before you.
    #[arg(long, value_parser = digest, conflicts_with = "without_report")]
    pub report: Option<Digest>,
    /// Why you do without a behaviour report.
    #[arg(long, value_name = "REASON")]
    pub without_report: Option<String>,
    /// Who, and why.
    #[command(flatten)]
    pub who: Who,
}

/// Say no to a release.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis review reject overreacher@1 --reason 'sends where it does not ask to'\n\n\
    It is signed, and holds until the same reviewer decides anew."
)]
pub struct Refuse {
    /// Which release.
    pub release: String,
    /// The SHA-256 of the behaviour report that you had before you.
    #[arg(long, value_parser = digest)]
    pub report: Option<Digest>,
    /// Who, and why.
    #[command(flatten)]
    pub who: Who,
}

impl Approve {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        if self.scopes.is_empty() != self.as_asked {
            bail!("say the most that it may do, with --scope, or --as-asked");
        }
        let seen = match (self.report, self.without_report) {
            (Some(report), _) => Seen::Report(report),
            (None, Some(reason)) => Seen::Without(reason),
            (None, None) => Seen::Unsaid,
        };
        let choice = Choice {
            decision: Decision::Approve,
            at_most: (!self.as_asked).then_some(self.scopes),
            days: self.days,
            seen,
            reason: self.who.reason.clone(),
        };
        let host = Host::open(home).await?;
        let (case, verdict) = decide(&host, &self.release, &choice, &self.who).await?;
        let without = left_without(&host.inspection(&case).await?, &verdict.at_most);
        print(output, &case, &verdict, &without)
    }
}

impl Refuse {
    pub(super) async fn run(self, decision: Decision, home: Home, output: Output) -> Result<()> {
        let choice = Choice {
            decision,
            at_most: None,
            days: 180,
            seen: self.report.map_or(Seen::Unsaid, Seen::Report),
            reason: self.who.reason.clone(),
        };
        let host = Host::open(home).await?;
        let (case, verdict) = decide(&host, &self.release, &choice, &self.who).await?;
        print(output, &case, &verdict, &[])
    }
}

async fn decide(host: &Host, release: &str, choice: &Choice, who: &Who) -> Result<(Case, Verdict)> {
    let submission = host.submission(release).await?;
    let key = who.signer(host)?;
    let decided = host.desk_by(who.root.clone()).decide(&submission, choice, key.as_ref()).await?;
    publish(host).await?;
    Ok(decided)
}

fn print(output: Output, case: &Case, verdict: &Verdict, without: &[String]) -> Result<()> {
    let value = json!({
        "submission": case.submission, "verdict": verdict, "state": case.state(), "missing": case.missing(),
        "left-without": without,
    });
    output.result(&value, || {
        let mut lines = vec![format!("{} is {}", name(&case.submission), case.state_words())];
        if verdict.decision == Decision::Approve {
            lines.push(format!("Until {} it may at most:", verdict.expires));
            lines.extend(verdict.at_most.iter().map(|scope| format!("  {scope}")));
        }
        lines.extend(case.missing().iter().map(|one| format!("Missing: {one}")));
        let note = |one: &String| format!("Note: it imports {one}, of which nothing is left, so it will not load");
        lines.extend(without.iter().map(note));
        lines.join("\n")
    })
}
