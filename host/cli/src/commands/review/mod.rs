//! `portcullis review`

mod decide;
mod exchange;
mod list;
mod resolve;
mod show;
pub(super) mod shown;
mod work;

use anyhow::Result;
use clap::Subcommand;

use crate::{home::Home, output::Output};

/// Vet releases: look at them, say what you think, decide what they may do at most.
#[derive(Debug, Subcommand)]
#[command(after_help = "RELEASE is the beginning of a digest (8 digits or more) or PLUGIN@NUMBER.\n\n\
    Examples:\n  portcullis review list --state in-review\n  portcullis review show card-guard@1\n  \
    portcullis review approve card-guard@1 --as-asked --report sha256:... --reason 'does what it says' --key ann.key")]
pub enum Review {
    /// List submissions, and what tenants report.
    List(list::List),
    /// Show a submission: what it can do, what is known of it, what is missing.
    Show(show::Show),
    /// Have a reviewer look at it.
    Assign(work::Assign),
    /// Say something about it.
    Comment(work::Comment),
    /// Attach a behaviour report.
    Attach(work::Attach),
    /// Ask for a change: the release may not run; another one is handed in.
    RequestChanges(decide::Refuse),
    /// Approve it, and say the most that it may do.
    Approve(decide::Approve),
    /// Reject it: it may not run.
    Reject(decide::Refuse),
    /// Take back what you handed in.
    Withdraw(work::Withdraw),
    /// Write a release with all that was signed and found out about it, to vet it elsewhere.
    Export(exchange::Export),
    /// Take verdicts that were signed elsewhere.
    Import(exchange::Import),
    /// Say what came of a report of misbehaviour.
    Resolve(resolve::Resolve),
}

impl Review {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        use portcullis_packages::statement::Decision;
        match self {
            Self::List(command) => command.run(home, output).await,
            Self::Show(command) => command.run(home, output).await,
            Self::Assign(command) => command.run(home, output).await,
            Self::Comment(command) => command.run(home, output).await,
            Self::Attach(command) => command.run(home, output).await,
            Self::RequestChanges(command) => command.run(Decision::RequestChanges, home, output).await,
            Self::Approve(command) => command.run(home, output).await,
            Self::Reject(command) => command.run(Decision::Reject, home, output).await,
            Self::Withdraw(command) => command.run(home, output).await,
            Self::Export(command) => command.run(home, output).await,
            Self::Import(command) => command.run(home, output).await,
            Self::Resolve(command) => command.run(home, output).await,
        }
    }
}
