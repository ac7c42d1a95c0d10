//! `portcullis audit search`, `tail`, `export`, `bundle`, `reindex` and `ask`

mod ask;
mod bundle;
mod ended;
mod export;
mod search;
mod shown;

use std::process::ExitCode;

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use portcullis_model::audit::query::Filter;
use serde_json::json;

use crate::{admin::Keyboard, home::Home, host::Host, output::Output, reading::LogReader};

pub(crate) use self::ended::who;
pub use self::{
    ask::Ask,
    bundle::Bundle,
    export::Export,
    search::{Search, Tail},
};

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

impl Reading {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        let host = Host::open(home).await?;
        let reader = LogReader::new(&host.home, host.store.clone());
        // The first one in a home has all of the log to read.
        let spinner = output.spinner("reading the log");
        reader.catch_up().await?;
        spinner.finish_and_clear();
        match self {
            Self::Search(search) => search.run(&Keyboard::of(&host)?, output).await?,
            Self::Tail(tail) => tail.run(&Keyboard::of(&host)?, output).await?,
            Self::Export(export) => export.run(&Keyboard::of(&host)?, output).await?,
            Self::Bundle(bundle) => bundle.run(&Keyboard::of(&host)?, output).await?,
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
