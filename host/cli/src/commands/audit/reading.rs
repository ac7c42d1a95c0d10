//! `portcullis audit search`, `tail`, `export`, `bundle`, `reindex` and `ask`

mod about;
mod ask;
mod bundle;
mod ended;
mod export;

use std::{process::ExitCode, time::Duration};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use portcullis_model::audit::{
    Kind, Recorder as _,
    query::{Field, Filter},
    reader::{AuditReader, LARGEST_PAGE, Shown, Window},
};
use serde_json::json;

use crate::{home::Home, host::Host, output::Output, reading::LogReader};

use self::ended::ended;
pub(crate) use self::{about::About, bundle::put_together, ended::who};
pub use self::{ask::Ask, bundle::Bundle, export::Export};

/// How often new entries are looked for.
const LOOK: Duration = Duration::from_millis(250);

const FILTERS: &str = "A filter is fields and free text; fields of different names must all match, of one name any:\n  \
    kind=act.denied tenant=acme host=hooks.example since=2026-11-01 \"card number\"\n\
    Fields: kind tenant actor person installation plugin release record host scope decision outcome call act client\n  \
    token family duty trace since until. A value that ends with * means all that begin like it. Values with spaces\n  \
    stand in quotation marks, which need the shell's own around them: 'person=\"Ana Diaz\"'.";

/// Read the log.
#[derive(Debug, Subcommand)]
pub enum Reading {
    /// Find entries, the newest first.
    #[command(after_help = FILTERS, after_long_help = format!("Examples:\n  portcullis audit search kind=act.denied since=2026-11-01\n  \
        portcullis audit search record=ticket:1042 -n 100 --oldest-first --json\n\n{FILTERS}"))]
    Search(Search),
    /// Print the newest entries, and go on as they arrive.
    #[command(after_help = FILTERS, after_long_help = format!("Examples:\n  portcullis audit tail -n 50\n  \
        portcullis audit tail --follow kind=act.denied --json\n\n{FILTERS}"))]
    Tail(Tail),
    /// Write entries into a file, one JSON text a line, each with the bytes that are hashed.
    #[command(after_long_help = format!("Examples:\n  portcullis audit export tenant=acme --out november.ndjson\n  \
        portcullis audit export tenant=acme --out december.ndjson --cursor AAAA...\n\n\
        It ends where the newest checkpoint does. Its last line says so, and has the cursor that the next one goes on from.\n\
        An export is an entry of the log itself.\n\n{FILTERS}"))]
    Export(Export),
    /// Put entries and their proofs into a directory or one file, for somebody who has no access to this host.
    #[command(after_long_help = format!("Examples:\n  portcullis audit bundle since=2026-11-01 until=2026-11-08 --out week\n  \
        portcullis audit bundle plugin=com.example.plugin --personal --out plugin\n  \
        portcullis audit bundle record=ticket:1042 --out ticket-1042.tar\n  \
        portcullis audit bundle --incident inc_1f0c --hours 72 --out inc_1f0c.tar\n  \
        portcullis audit bundle --alert alr_12 --out alr_12.tar\n\n\
        Whoever gets it checks it with 'portcullis audit verify --bundle DIR|FILE.tar --key VKEY', without a host; its README.txt says how to do \
        it with other tools.\nA bundle is an entry of the log itself.\n\n{FILTERS}"))]
    Bundle(Bundle),
    /// Answer a question from the log, with the entries that the answer follows from.
    #[command(subcommand)]
    Ask(Ask),
    /// Make the index of the log anew. Nothing needs it but time.
    Reindex,
}

/// What is looked for.
#[derive(Debug, Args)]
pub struct Wanted {
    /// Fields such as kind=act.denied, and free text. Nothing: everything.
    #[arg(value_name = "FILTER")]
    pub filter: Vec<String>,
}

impl Wanted {
    /// The filter, read.
    pub(super) fn read(&self) -> Result<Filter> {
        self.filter.join(" ").parse().context("this is no filter")
    }
}

/// Find entries.
#[derive(Debug, Args)]
pub struct Search {
    /// What is looked for.
    #[command(flatten)]
    pub wanted: Wanted,
    /// At most how many.
    #[arg(short = 'n', long, default_value_t = 50)]
    pub lines: usize,
    /// The oldest first.
    #[arg(long)]
    pub oldest_first: bool,
    /// From this index on, where the oldest come first; before it, where the newest do.
    #[arg(long, value_name = "INDEX")]
    pub at: Option<u64>,
}

/// Print the newest.
#[derive(Debug, Args)]
pub struct Tail {
    /// What is looked for.
    #[command(flatten)]
    pub wanted: Wanted,
    /// How many.
    #[arg(short = 'n', long, default_value_t = 20)]
    pub lines: usize,
    /// Go on printing as entries arrive.
    #[arg(short, long)]
    pub follow: bool,
    /// Only this kind, such as act.denied.
    #[arg(long)]
    pub kind: Option<String>,
}

impl Reading {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let host = Host::open(home).await?;
        let reader = LogReader::new(&host.home, host.store.clone());
        // The first one in a home has all of the log to read.
        let spinner = output.spinner("reading the log");
        reader.catch_up().await?;
        spinner.finish_and_clear();
        match self {
            Self::Search(search) => search.run(&host, &reader, output).await?,
            Self::Tail(tail) => tail.run(&host, &reader, output).await?,
            Self::Export(export) => export.run(&host, &reader, output).await?,
            Self::Bundle(bundle) => bundle.run(&host, &reader, output).await?,
            Self::Ask(ask) => ask.run(&host, output).await?,
            Self::Reindex => {
                let spinner = output.spinner("reading the log");
                let entries = reader.rebuild().await?;
                spinner.finish_and_clear();
                output.result(&json!({ "entries": entries }), || format!("The index has {entries} entries."))?;
            }
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// Puts on record that somebody reads, and what is looked for: before anything of it is shown.
pub(crate) async fn note(host: &Host, way: &str, filter: &str) -> Result<()> {
    let entry = host.entry(Kind::AuditRead, None).with("way", way);
    // What somebody looks for can name a person.
    let entry = if filter.is_empty() { entry } else { entry.with_personal("filter", filter) };
    Ok(host.store.record(vec![entry]).await?)
}

impl Search {
    async fn run(self, host: &Host, reader: &LogReader, output: Output) -> Result<()> {
        let filter = self.wanted.read()?;
        let end = reader.written().await?;
        note(host, "page", &filter.to_string()).await?;
        let mut window = Window { from: 0, to: end, backwards: !self.oldest_first, most: 0 };
        match (self.at, self.oldest_first) {
            (Some(at), true) => window.from = at,
            (Some(at), false) => window.to = at.min(end),
            (None, _) => {}
        }
        let mut left = self.lines;
        while left > 0 {
            window.most = left.min(LARGEST_PAGE);
            let page = reader.search(&filter, window).await?;
            for shown in &page.entries {
                print(output, reader, shown).await?;
            }
            left -= page.entries.len();
            match page.next {
                None => return Ok(()),
                Some(next) if left == 0 => eprintln!("There may be more: --at {next}"),
                Some(next) if self.oldest_first => window.from = next,
                Some(next) => window.to = next,
            }
        }
        Ok(())
    }
}

impl Tail {
    async fn run(self, host: &Host, reader: &LogReader, output: Output) -> Result<()> {
        let mut filter = self.wanted.read()?;
        if let Some(kind) = self.kind {
            let narrowed: Filter = format!("kind={kind}").parse()?;
            if filter.groups().iter().any(|(field, _)| *field == Field::Kind) {
                bail!("give the kind once: as --kind, or in the filter");
            }
            filter = format!("{filter} {narrowed}").parse()?;
        }
        let mut next = reader.written().await?;
        note(host, if self.follow { "live" } else { "page" }, &filter.to_string()).await?;
        let (mut newest, mut to) = (Vec::new(), next);
        while newest.len() < self.lines {
            let most = (self.lines - newest.len()).min(LARGEST_PAGE);
            let page = reader.search(&filter, Window { from: 0, to, backwards: true, most }).await?;
            newest.extend(page.entries);
            let Some(older) = page.next else { break };
            to = older;
        }
        for shown in newest.iter().rev() {
            print(output, reader, shown).await?;
        }
        if !self.follow {
            return Ok(());
        }
        loop {
            tokio::time::sleep(LOOK).await;
            let to = reader.written().await?;
            let page = reader.search(&filter, Window { from: next, to, backwards: false, most: LARGEST_PAGE }).await?;
            for shown in &page.entries {
                print(output, reader, shown).await?;
            }
            next = page.next.unwrap_or(to);
        }
    }
}

/// Prints an entry: its index, and what can be read of it; of what cannot, when it went, by whom and why.
async fn print(output: Output, reader: &LogReader, shown: &Shown) -> Result<()> {
    let Shown { index, entry, fault, erased, disposed, .. } = shown;
    let mut value = json!({ "index": index, "entry": entry });
    if let Some(fault) = fault {
        value["fault"] = json!(fault);
    }
    let mut ends = String::new();
    for (field, by) in erased {
        let end = ended(reader, *by).await?;
        ends.push_str(&format!("\n        {field} was erased, {}", end.words()));
        value["erased"][field] = json!(end);
    }
    if let Some(by) = disposed {
        let end = ended(reader, *by).await?;
        ends.push_str(&format!("\n        it was disposed of, {}", end.words()));
        value["disposed"] = json!(end);
    }
    output.item(&value, || words(shown) + &ends)
}

fn words(shown: &Shown) -> String {
    let Some(entry) = &shown.entry else {
        return format!("{:>7} ({})", shown.index, shown.fault.as_deref().unwrap_or("it cannot be read"));
    };
    let actor = who(&entry.actor);
    let detail: Vec<String> = entry.detail.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let resource = entry.resource.as_deref().unwrap_or("-");
    format!("{:>7} {} {:16} {actor} {resource} {}", shown.index, entry.time, entry.kind.name(), detail.join(" "))
}
