//! `portcullis audit export`

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};
use clap::Args;
use portcullis_model::audit::{Kind, Recorder as _, export, query::Cursor};
use serde_json::json;

use super::Wanted;
use crate::{commands::publish, host::Host, output::Output, reading::LogReader};

/// Write entries into a file.
#[derive(Debug, Args)]
pub struct Export {
    /// What is exported.
    #[command(flatten)]
    pub wanted: Wanted,
    /// The file, which must not be there yet; '-' for standard output.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
    /// Where an earlier export of the same filter ended.
    #[arg(long)]
    pub cursor: Option<String>,
}

impl Export {
    pub(super) async fn run(self, host: &Host, reader: &LogReader, output: Output) -> Result<()> {
        let filter = self.wanted.read()?;
        let from = self.cursor.as_deref().map(|text| Cursor::decode(text, &filter)).transpose()?;
        let is_stream = self.out.as_os_str() == "-";
        let mut out: Box<dyn Write> = match is_stream {
            true => Box::new(io::stdout()),
            false => {
                let file = File::create_new(&self.out);
                Box::new(file.with_context(|| format!("cannot make {}", self.out.display()))?)
            }
        };
        // What this command can publish is in it.
        publish(host).await?;
        let mut export = export::Export::begin(reader, filter, from).await?;
        let (began, end) = export.range();
        let entry = host
            .entry(Kind::AuditExported, None)
            .with_personal("filter", export.filter().to_string())
            .with("from", began)
            .with("to", end)
            .with("way", "file");
        host.store.record(vec![entry]).await?;
        let mut entries = 0;
        while let Some(lines) = export.next(reader).await? {
            out.write_all(lines.text.as_bytes()).context("the export cannot be written")?;
            entries += lines.entries;
        }
        out.flush().context("the export cannot be written")?;
        drop(out);
        if !is_stream {
            // Done means that it is there after a power cut.
            File::open(&self.out).and_then(|file| file.sync_all()).context("the export cannot be written")?;
        }
        publish(host).await?;
        if is_stream {
            return Ok(());
        }
        let cursor = export.cursor();
        let value = json!({ "entries": entries, "from": began, "to": end, "cursor": cursor, "file": self.out });
        output.result(&value, || {
            format!(
                "{entries} entries of {began} to before {end} are in {}.\nThe next export goes on with --cursor {cursor}",
                self.out.display()
            )
        })
    }
}
