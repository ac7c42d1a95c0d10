//! `portcullis audit search` and `tail`

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::audit::{
    query::{Field, Filter},
    reader::{LARGEST_PAGE, Shown},
};
use serde::Deserialize;
use serde_json::Value;

use super::{
    Wanted,
    shown::{ends_of, print},
};
use crate::{
    admin::{Keyboard, asked, given},
    output::Output,
};

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

/// Before a stream that broke off is asked for again.
const PAUSE: Duration = Duration::from_millis(250);

/// A page of the log.
#[derive(Deserialize)]
struct Page {
    entries: Vec<Value>,
    cursor: Option<String>,
    more: bool,
    written: u64,
    #[serde(default)]
    ends: Vec<Shown>,
}

/// Pages of the log, one after the other, as far as it went when the first was read.
struct Pages<'a> {
    keyboard: &'a Keyboard,
    filter: String,
    oldest_first: bool,
    at: Option<u64>,
    cursor: Option<String>,
    /// How far the log went.
    end: Option<u64>,
}

impl<'a> Pages<'a> {
    fn of(keyboard: &'a Keyboard, filter: &Filter, oldest_first: bool, at: Option<u64>) -> Self {
        Self { keyboard, filter: filter.to_string(), oldest_first, at, cursor: None, end: None }
    }

    /// The next page, of at most so many entries.
    async fn next(&mut self, most: usize) -> Result<Page> {
        let query = [
            ("filter", Some(self.filter.clone())),
            ("order", self.oldest_first.then(|| "oldest".to_owned())),
            ("cursor", self.cursor.clone()),
            ("at", self.at.filter(|_| self.cursor.is_none()).map(|at| at.to_string())),
            ("limit", Some(most.clamp(1, LARGEST_PAGE).to_string())),
        ];
        let mut page: Page = self.keyboard.read_as(&asked("/audit/entries", &query)).await?;
        self.cursor.clone_from(&page.cursor);
        let end = *self.end.get_or_insert(page.written);
        let found = page.entries.len();
        page.entries.retain(|entry| index(entry).is_some_and(|index| index < end));
        // What came since the first page, that it was read included, is not of it.
        page.more &= page.entries.len() == found;
        Ok(page)
    }
}

fn index(entry: &Value) -> Option<u64> {
    entry["index"].as_u64()
}

impl Search {
    pub(super) async fn run(self, keyboard: &Keyboard, output: Output) -> Result<()> {
        let filter = self.wanted.read()?;
        let mut pages = Pages::of(keyboard, &filter, self.oldest_first, self.at);
        let mut left = self.lines;
        while left > 0 {
            let page = pages.next(left).await?;
            page.entries.iter().try_for_each(|entry| print(output, entry, &page.ends))?;
            left -= page.entries.len();
            if !page.more {
                return Ok(());
            }
            if let (0, Some(last)) = (left, page.entries.last().and_then(index)) {
                eprintln!("There may be more: --at {}", if self.oldest_first { last + 1 } else { last });
            }
        }
        Ok(())
    }
}

impl Tail {
    pub(super) async fn run(self, keyboard: &Keyboard, output: Output) -> Result<()> {
        let filter = self.filter()?;
        let mut pages = Pages::of(keyboard, &filter, false, None);
        let (mut newest, mut ends) = (Vec::new(), Vec::new());
        loop {
            let page = pages.next(self.lines - newest.len()).await?;
            newest.extend(page.entries);
            newest.truncate(self.lines);
            ends.extend(page.ends);
            if !page.more || newest.len() == self.lines {
                break;
            }
        }
        newest.iter().rev().try_for_each(|entry| print(output, entry, &ends))?;
        match self.follow {
            true => follow(keyboard, &filter, pages.end.and_then(|end| end.checked_sub(1)), output).await,
            false => Ok(()),
        }
    }

    fn filter(&self) -> Result<Filter> {
        let filter = self.wanted.read()?;
        let Some(kind) = &self.kind else { return Ok(filter) };
        let narrowed: Filter = format!("kind={kind}").parse()?;
        if filter.groups().iter().any(|(field, _)| *field == Field::Kind) {
            bail!("give the kind once: as --kind, or in the filter");
        }
        Ok(format!("{filter} {narrowed}").parse()?)
    }
}

/// Prints entries after this one as they arrive. Where printing is slower than they come, it goes on after what was printed.
async fn follow(keyboard: &Keyboard, filter: &Filter, mut after: Option<u64>, output: Output) -> Result<()> {
    let path = asked("/audit/live", &[("filter", Some(filter.to_string()))]);
    loop {
        let mut lines = keyboard.follow(&path, after).await?;
        let mut event = String::new();
        while let Some(line) = lines.next().await {
            match (line.split_once(": "), event.as_str()) {
                (Some(("event", name)), _) => name.clone_into(&mut event),
                (Some(("data", data)), "entry") => after = Some(arrived(keyboard, data, output).await?),
                (Some(("data", why)), "ending") => bail!("the log cannot be followed any more: {}", ending(why)),
                _ => {}
            }
        }
        tokio::time::sleep(PAUSE).await;
    }
}

/// Why nothing more comes, as the API said it.
fn ending(data: &str) -> String {
    let said: Value = serde_json::from_str(data).unwrap_or_default();
    said["why"].as_str().unwrap_or(data).to_owned()
}

/// Prints an entry that has just come. Gives its index.
async fn arrived(keyboard: &Keyboard, data: &str, output: Output) -> Result<u64> {
    let answered: Value = serde_json::from_str(data)?;
    let (shown, mut ends): (Shown, Vec<Shown>) = (given(answered.clone())?, Vec::new());
    for by in ends_of(&shown) {
        ends.push(keyboard.read_as(&format!("/audit/entries/{by}")).await?);
    }
    print(output, &answered, &ends)?;
    Ok(shown.index)
}
