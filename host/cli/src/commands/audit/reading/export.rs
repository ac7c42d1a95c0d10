//! `portcullis audit export`

use std::{
    fs::File,
    io::{self, Write},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_model::audit::query::Cursor;
use serde::Deserialize;
use serde_json::json;

use super::Wanted;
use crate::{
    admin::{Keyboard, asked},
    output::Output,
};

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

/// The last line of an export.
#[derive(Deserialize)]
struct Last {
    cursor: String,
    published: u64,
}

/// What the last line alone has.
const LAST: &str = "\"end_of_stream\":true";

impl Export {
    pub(super) async fn run(self, keyboard: &Keyboard, output: Output) -> Result<()> {
        let filter = self.wanted.read()?;
        let from = self.cursor.as_deref().map(|text| Cursor::decode(text, &filter)).transpose()?;
        let is_stream = self.out.as_os_str() == "-";
        let mut out: Box<dyn Write> = match is_stream {
            true => Box::new(io::BufWriter::new(io::stdout())),
            false => {
                let file = File::create_new(&self.out);
                Box::new(io::BufWriter::new(file.with_context(|| format!("cannot make {}", self.out.display()))?))
            }
        };
        // What this command can publish is in it.
        keyboard.publish().await?;
        let query = [("filter", Some(filter.to_string())), ("cursor", self.cursor.clone())];
        let (entries, last) = write(keyboard, &asked("/audit/export", &query), out.as_mut()).await?;
        drop(out);
        if !is_stream {
            // Done means that it is there after a power cut.
            File::open(&self.out).and_then(|file| file.sync_all()).context("the export cannot be written")?;
        }
        keyboard.publish().await?;
        if is_stream {
            return Ok(());
        }
        let (began, end, cursor) = (from.map_or(0, |cursor| cursor.0), last.published, last.cursor);
        let value = json!({ "entries": entries, "from": began, "to": end, "cursor": cursor, "file": self.out });
        output.result(&value, || {
            format!(
                "{entries} entries of {began} to before {end} are in {}.\nThe next export goes on with --cursor {cursor}",
                self.out.display()
            )
        })
    }
}

/// Writes it down as it comes. Gives how many entries it has, and its last line.
async fn write(keyboard: &Keyboard, path: &str, out: &mut dyn Write) -> Result<(u64, Last)> {
    let (mut lines, mut entries) = (keyboard.lines(path).await?, 0);
    while let Some(line) = lines.next().await {
        writeln!(out, "{line}").context("the export cannot be written")?;
        if let Some(Ok(last)) = line.contains(LAST).then(|| serde_json::from_str(&line)) {
            out.flush().context("the export cannot be written")?;
            return Ok((entries, last));
        }
        entries += 1;
    }
    bail!("the export was cut off after {entries} entries: its last line is missing; ask for it again")
}
