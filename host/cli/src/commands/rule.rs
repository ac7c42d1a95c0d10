//! `portcullis rule`

mod show;
mod try_out;

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Subcommand;
use portcullis_detect::library;

use crate::{home::Home, host::Host, output::Output, rulebook::view};

/// What the log is held against: those rules that come with the host, and your own.
#[derive(Debug, Subcommand)]
pub enum RuleCommand {
    /// List the rules.
    #[command(after_help = "Example:\n  portcullis rule list")]
    List,
    /// Show one.
    #[command(after_help = "Example:\n  portcullis rule show new-destination")]
    Show {
        /// Its id.
        rule: String,
    },
    /// Check a file of your own before you put it into the home's directory 'rules'.
    #[command(
        after_help = "Example:\n  portcullis rule check night-exports.toml\n\nA file there that has the id of one of the host's own rules \
        takes its place: to change it, or with 'enabled = false' to do without. A running host reads them when it starts."
    )]
    Check {
        /// The file.
        file: PathBuf,
    },
    /// Say which entries of the log a rule would have raised something at. Nothing is stored.
    #[command(after_help = "Examples:\n  portcullis rule test night-exports.toml\n  \
        portcullis rule test new-destination --from 2026-11-01 --to 2026-11-08\n\n\
        It learns from the beginning of the log on, and shows what it finds within the span.")]
    Test {
        /// A file, or the id of a rule that is there.
        rule: String,
        /// Not older than this.
        #[arg(long, value_name = "TIME")]
        from: Option<String>,
        /// Older than this.
        #[arg(long, value_name = "TIME")]
        to: Option<String>,
    },
}

impl RuleCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        if let Self::Check { file } = &self {
            return check(file, output);
        }
        let host = Host::open(home).await?;
        match self {
            Self::List => show::list(&host, output).await,
            Self::Show { rule } => show::show(&host, &rule, output).await,
            Self::Check { file } => check(&file, output),
            Self::Test { rule, from, to } => try_out::test(&host, &rule, (from, to), output).await,
        }
    }
}

fn check(file: &Path, output: Output) -> Result<()> {
    let rule = view(&library::read(file)?, Some(&file.display().to_string()));
    output.result(&rule, || format!("It is a rule.\n{}", show::words(&rule)))
}
