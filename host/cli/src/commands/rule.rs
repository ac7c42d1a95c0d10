//! `portcullis rule`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use portcullis_detect::{Engine, Facts, Rule, State, library};
use portcullis_model::{audit::query::moment, time::Timestamp};
use serde_json::{Value, json};

use crate::{detect, home::Home, host::Host, output::Output};

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
            Self::List => list(&host, output),
            Self::Show { rule } => show(&host, &rule, output),
            Self::Check { file } => check(&file, output),
            Self::Test { rule, from, to } => test(&host, &rule, (from, to), output).await,
        }
    }
}

fn value(rule: &Rule, file: Option<&str>) -> Value {
    json!({
        "id": rule.id, "title": rule.title, "severity": rule.severity, "party": rule.party, "duties": rule.duties,
        "look-at": rule.look_at, "where": rule.filter.to_string(), "condition": rule.condition.name(),
        "raises": rule.condition.words(rule.group_by), "cool-down-hours": rule.cool_down.as_secs() / 3_600,
        "enabled": rule.enabled, "file": file, "digest": rule.digest,
    })
}

fn words(rule: &Rule, file: Option<&str>) -> String {
    let state = if rule.enabled { "" } else { "\n  disabled" };
    format!(
        "{} ({}, the {} acts): {}{state}\n  entries:   {}\n  raises:    {}\n  cool-down: {} h\n  duties:    {}\n  look at:   {}\n  from:      {}",
        rule.id,
        rule.severity.name(),
        rule.party.name(),
        rule.title,
        rule.filter,
        rule.condition.words(rule.group_by),
        rule.cool_down.as_secs() / 3_600,
        rule.duties.join(" "),
        rule.look_at,
        file.unwrap_or("the host"),
    )
}

fn list(host: &Host, output: Output) -> Result<()> {
    for one in detect::library(host)?.iter() {
        let (rule, file) = (&one.rule, one.file.as_deref());
        output.item(&value(rule, file), || {
            let state = if rule.enabled { "" } else { " (disabled)" };
            let whose = if file.is_some() { " (your own)" } else { "" };
            format!("{:<24} {:<9} {}{whose}{state}", rule.id, rule.severity.name(), rule.title)
        })?;
    }
    Ok(())
}

fn show(host: &Host, id: &str, output: Output) -> Result<()> {
    let library = detect::library(host)?;
    let Some(one) = library.get(id) else { bail!("there is no rule '{id}'; 'portcullis rule list' shows them") };
    output.result(&value(&one.rule, one.file.as_deref()), || words(&one.rule, one.file.as_deref()))
}

fn check(file: &Path, output: Output) -> Result<()> {
    let rule = library::read(file)?;
    let name = file.display().to_string();
    output.result(&value(&rule, Some(&name)), || format!("It is a rule.\n{}", words(&rule, Some(&name))))
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
