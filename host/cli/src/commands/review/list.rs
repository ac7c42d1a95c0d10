//! `portcullis review list`

use anyhow::Result;
use clap::{Args, ValueEnum};
use portcullis_model::review::{Misbehaviour, ReviewStore as _};
use portcullis_packages::review::{Case, State};
use serde_json::json;

use crate::{
    home::Home,
    host::Host,
    output::{Output, line},
    review::name,
};

/// A state, as it is given on the command line.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum In {
    /// Handed in; nobody looks at it yet.
    Submitted,
    /// Somebody looks at it, or too few have approved it yet.
    #[value(name = "in-review")]
    Looked,
    /// A reviewer wants something changed.
    ChangesRequested,
    /// As many as must have approved it.
    Approved,
    /// A reviewer rejected it.
    Rejected,
    /// It must be vetted again.
    Expired,
    /// Whoever handed it in took it back.
    Withdrawn,
}

impl In {
    fn state(self) -> State {
        match self {
            Self::Submitted => State::Submitted,
            Self::Looked => State::InReview,
            Self::ChangesRequested => State::ChangesRequested,
            Self::Approved => State::Approved,
            Self::Rejected => State::Rejected,
            Self::Expired => State::Expired,
            Self::Withdrawn => State::Withdrawn,
        }
    }
}

/// List submissions, and what tenants report.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis review list\n  portcullis review list --state expired --json")]
pub struct List {
    /// Only those in this state, and no reports.
    #[arg(long)]
    pub state: Option<In>,
    /// Reports that were resolved, too.
    #[arg(long)]
    pub all: bool,
}

impl List {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let wanted = self.state.map(In::state);
        let mut none = true;
        for submission in host.store.submissions().await? {
            let case = host.desk().case(&submission).await?;
            if wanted.is_none_or(|wanted| case.state() == Some(wanted)) {
                none = false;
                print(output, &case)?;
            }
        }
        if wanted.is_none() {
            let reports = host.store.misbehaviours().await?;
            for report in reports.iter().filter(|one| self.all || one.resolved.is_none()) {
                none = false;
                output.item(&json!({ "report": report }), || words(report))?;
            }
        }
        if none && !output.json {
            line("Nothing is under review; see 'portcullis plugin submit --help'.")?;
        }
        Ok(())
    }
}

fn print(output: Output, case: &Case) -> Result<()> {
    let assigned: Vec<&str> = case.assigned().into_iter().map(|(_, owner)| owner).collect();
    let (approvals, needed) = (case.approvals(), case.standing.needed);
    let value = json!({
        "submission": case.submission, "state": case.state(), "approvals": approvals, "needed": needed,
        "assigned": assigned, "missing": case.missing(),
    });
    output.item(&value, || {
        let to = if assigned.is_empty() { String::new() } else { format!("  with {}", assigned.join(", ")) };
        format!("{:44} {}{to}", name(&case.submission), case.state_words())
    })
}

fn words(report: &Misbehaviour) -> String {
    let state = if report.resolved.is_some() { "resolved" } else { "open" };
    let evidence: Vec<String> = report.evidence.iter().map(|id| format!("\n    portcullis why {id}")).collect();
    format!(
        "{} {state}: {}@{} reported by tenant {} ({}), {}: {}{}",
        report.id,
        report.plugin,
        report.number,
        report.tenant,
        report.installation,
        report.at,
        report.reason,
        evidence.concat()
    )
}
