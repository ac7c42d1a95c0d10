//! `portcullis review list`

use anyhow::Result;
use clap::{Args, ValueEnum};
use portcullis_model::review::Misbehaviour;
use portcullis_packages::review::State;
use serde_json::json;

use super::shown::Shown;
use crate::{
    admin::{Keyboard, given},
    home::Home,
    host::Host,
    output::{Output, line},
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
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        let state = self.state.map(|wanted| wanted.state().name().to_owned());
        let all = state.is_none();
        let mut reviews = keyboard.all("/reviews", &[("state", state)]).await?;
        // The API has the latest first.
        reviews.reverse();
        let mut none = reviews.is_empty();
        for review in reviews {
            let shown: Shown = given(review)?;
            output.item(&shown.value(), || line_of(&shown))?;
        }
        if all {
            for report in keyboard.all("/misbehaviour", &[("all", Some(self.all.to_string()))]).await? {
                none = false;
                let report: Misbehaviour = given(report)?;
                output.item(&json!({ "report": report }), || words(&report))?;
            }
        }
        if none && !output.json {
            line("Nothing is under review; see 'portcullis plugin submit --help'.")?;
        }
        Ok(())
    }
}

fn line_of(shown: &Shown) -> String {
    let assigned = &shown.assigned;
    let to = if assigned.is_empty() { String::new() } else { format!("  with {}", assigned.join(", ")) };
    format!("{:44} {}{to}", shown.name(), shown.state_words())
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
