//! `portcullis rule`

mod show;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Subcommand;
use portcullis_detect::{Engine, Facts, Rule, State, library};
use portcullis_model::{audit::query::moment, time::Timestamp};
use serde_json::{Value, json};

use crate::{detect, home::Home, host::Host, output::Output, rulebook::view};

/// How many entries are read at once.
const AT_ONCE: usize = 2_000;
/// How many hits are printed.
const SHOWN: usize = 50;

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
            Self::Test { rule, from, to } => test(&host, &rule, (from, to), output).await,
        }
    }
}

fn check(file: &Path, output: Output) -> Result<()> {
    let rule = view(&library::read(file)?, Some(&file.display().to_string()));
    output.result(&rule, || format!("It is a rule.\n{}", show::words(&rule)))
}

async fn test(host: &Host, rule: &str, span: (Option<String>, Option<String>), output: Output) -> Result<()> {
    let time = |text: Option<String>| -> Result<Option<Timestamp>> {
        let read = |text: String| moment(&text).with_context(|| format!("'{text}' is no moment"));
        text.map(read).transpose()
    };
    let (from, to) = (time(span.0)?, time(span.1)?);
    let library = detect::library(host)?;
    let rule = match library.get(rule) {
        Some(one) => one.rule.clone(),
        None => library::read(Path::new(rule))?,
    };
    let id = rule.id.clone();
    let engine = Engine::new([Rule { enabled: true, ..rule }], host.config.detect.learn_hours);
    let (digest, mut state, mut hits) = (detect::digester(host)?, State::default(), Vec::new());
    let (mut next, mut read, mut count) = (0, 0_u64, 0_u64);
    loop {
        let entries = host.store.entries(next, AT_ONCE).await?;
        let Some(last) = entries.last() else { break };
        next = last.index + 1;
        for stored in &entries {
            let Ok(entry) = stored.read() else { continue };
            let facts = Facts::of(stored.index, &entry, &digest);
            let found = engine.look(&facts);
            read += u64::from(!found.is_empty());
            let within = from.is_none_or(|from| entry.time >= from) && to.is_none_or(|to| entry.time < to);
            for hit in engine.take(&facts, found, &mut state).into_iter().filter(|_| within) {
                count += 1;
                if hits.len() < SHOWN {
                    hits.push(hit);
                }
            }
        }
    }
    let shown: Vec<Value> = hits
        .iter()
        .map(|hit| json!({ "subject": hit.subject, "found": hit.why, "entries": hit.entries, "time": hit.time.to_string() }))
        .collect();
    output.result(&json!({ "rule": id, "entries": next, "about": read, "hits": count, "shown": shown }), || {
        let mut lines = vec![format!("{id}: {next} entries, {read} that it is about, {count} hits")];
        for hit in &hits {
            lines.push(format!("  {}  {}: {} (entries {:?})", hit.time, hit.subject, hit.why, hit.entries));
        }
        if count > hits.len() as u64 {
            lines.push(format!("  and {} more", count - hits.len() as u64));
        }
        lines.join("\n")
    })
}
