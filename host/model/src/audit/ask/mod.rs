//! Questions that the log answers, each with the entries that the answer follows from.
//!
//! Invariants: an answer says nothing that its entries do not; where not all was looked at, or the log cannot know, it says so.

mod granted;
mod left;
mod review;
#[cfg(test)]
mod tests;
mod token;
mod touched;

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::Value;

use super::{
    Actor, Entry,
    query::{Field, Filter},
    reader::{AuditReader, LARGEST_PAGE, Window},
};
use crate::{error::StoreError, time::Timestamp};

/// The most entries that one question looks at.
const MOST_ENTRIES: usize = 200_000;
/// The most findings of an answer.
const MOST_FINDINGS: usize = 10_000;
/// The most entries that a finding names.
const MOST_EVIDENCE: usize = 20;
/// The most calls that are asked for at once.
const CALLS_AT_ONCE: usize = 50;

/// A span of time, either end of which may be open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// From here on.
    pub since: Option<Timestamp>,
    /// To before this.
    pub until: Option<Timestamp>,
}

/// Whose acts a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Of a plugin, in all installations.
    Plugin(String),
    /// Of one installation.
    Installation(String),
    /// Of all.
    All,
}

/// Which tokens a question is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tokens {
    /// All of a client's.
    Client(String),
    /// All that came from one grant.
    Family(String),
    /// One, as the log calls it.
    One(String),
}

/// What somebody wants to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Question {
    /// What did this plugin touch?
    Touched(Whose, Span),
    /// Which records left for which host: one record, or all.
    Left(Whose, Option<String>, Span),
    /// Who granted this scope to this installation, and when was it last used?
    Granted {
        /// The scope: its whole text, or its name.
        scope: String,
        /// The installation's id.
        installation: String,
    },
    /// What did these tokens do?
    Token(Tokens, Span),
    /// What has changed for this installation since its release was last reviewed, or since this time?
    SinceReview(String, Option<Timestamp>),
}

/// One thing that was found.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// In one line.
    pub what: String,
    /// The same, in parts.
    pub facts: BTreeMap<&'static str, Value>,
    /// When it was so first.
    pub first: Timestamp,
    /// When it was so last.
    pub last: Timestamp,
    /// How many entries it follows from.
    pub count: u64,
    /// Their indices; the first twenty, where there are more.
    pub entries: Vec<u64>,
}

/// What is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Answer {
    /// What was found.
    pub findings: Vec<Finding>,
    /// What the log cannot know, or what was not looked at.
    pub notes: Vec<String>,
    /// Whether all entries that the question is about were looked at.
    pub complete: bool,
    /// How many entries were looked at.
    pub looked_at: u64,
}

impl Question {
    /// Answers it from the log.
    pub async fn answer(&self, reader: &dyn AuditReader) -> Result<Answer, StoreError> {
        let mut walk = Walk { reader, looked_at: 0, complete: true };
        let (findings, notes) = match self {
            Self::Touched(whose, span) => touched::answer(&mut walk, whose, *span).await?,
            Self::Left(whose, record, span) => left::answer(&mut walk, whose, record.as_deref(), *span).await?,
            Self::Granted { scope, installation } => granted::answer(&mut walk, scope, installation).await?,
            Self::Token(tokens, span) => token::answer(&mut walk, tokens, *span).await?,
            Self::SinceReview(installation, since) => review::answer(&mut walk, installation, *since).await?,
        };
        let mut answer = Answer { findings, notes, complete: walk.complete, looked_at: walk.looked_at as u64 };
        if answer.findings.len() > MOST_FINDINGS {
            answer.findings.truncate(MOST_FINDINGS);
            answer.complete = false;
        }
        if !answer.complete {
            answer.notes.push("Not everything was looked at: there is too much. Ask for a shorter time.".into());
        }
        Ok(answer)
    }
}

type Found = (Vec<Finding>, Vec<String>);

/// Goes through the log for one question.
struct Walk<'a> {
    reader: &'a dyn AuditReader,
    looked_at: usize,
    complete: bool,
}

impl Walk<'_> {
    /// Visits what a filter means, in order; no more than one question may look at.
    async fn each(&mut self, filter: &Filter, mut visit: impl FnMut(u64, &Entry) + Send) -> Result<(), StoreError> {
        let to = self.reader.written().await?;
        let mut window = Window { from: 0, to, backwards: false, most: LARGEST_PAGE };
        loop {
            let page = self.reader.search(filter, window).await?;
            self.looked_at += page.entries.len();
            for shown in &page.entries {
                if let Some(entry) = &shown.entry {
                    visit(shown.index, entry);
                }
            }
            match page.next {
                Some(_) if self.looked_at >= MOST_ENTRIES => {
                    self.complete = false;
                    return Ok(());
                }
                Some(next) => window.from = next,
                None => return Ok(()),
            }
        }
    }

    /// Visits what these calls did, a few calls at a time: each call's entries in order.
    async fn each_of_calls(
        &mut self,
        calls: &[String],
        kinds: &[&str],
        mut visit: impl FnMut(u64, &Entry) + Send,
    ) -> Result<(), StoreError> {
        for calls in calls.chunks(CALLS_AT_ONCE) {
            let filter = calls.iter().fold(of_kinds(kinds), |filter, call| filter.and(Field::Call, call));
            self.each(&filter, &mut visit).await?;
        }
        Ok(())
    }

    /// The newest that a filter means.
    async fn newest(&mut self, filter: &Filter) -> Result<Option<(u64, Entry)>, StoreError> {
        let to = self.reader.written().await?;
        let window = Window { from: 0, to, backwards: true, most: 1 };
        let found = self.reader.search(filter, window).await?.entries.pop();
        self.looked_at += usize::from(found.is_some());
        Ok(found.and_then(|shown| Some((shown.index, shown.entry?))))
    }
}

fn of_kinds(kinds: &[&str]) -> Filter {
    kinds.iter().fold(Filter::default(), |filter, kind| filter.and(Field::Kind, *kind))
}

impl Whose {
    fn narrow(&self, filter: Filter) -> Filter {
        match self {
            Self::Plugin(plugin) => filter.and(Field::Plugin, plugin),
            Self::Installation(id) => filter.and(Field::Installation, id),
            Self::All => filter,
        }
    }
}

/// Findings by what they are about, each with its entries.
struct Tally<K>(BTreeMap<K, Counted>);

#[derive(Clone)]
struct Counted {
    first: Timestamp,
    last: Timestamp,
    count: u64,
    entries: Vec<u64>,
    by: BTreeMap<String, u64>,
}

impl<K: Ord> Tally<K> {
    fn new() -> Self {
        Self(BTreeMap::new())
    }

    /// One more entry, which counts as this.
    fn add(&mut self, key: K, index: u64, time: Timestamp, counts_as: &str) {
        let counted = self.0.entry(key).or_insert_with(|| Counted {
            first: time,
            last: time,
            count: 0,
            entries: Vec::new(),
            by: BTreeMap::new(),
        });
        counted.first = counted.first.min(time);
        counted.last = counted.last.max(time);
        counted.count += 1;
        *counted.by.entry(counts_as.to_owned()).or_default() += 1;
        if counted.entries.len() < MOST_EVIDENCE {
            counted.entries.push(index);
        }
    }
}

impl Counted {
    fn finding(self, what: String, facts: BTreeMap<&'static str, Value>) -> Finding {
        let Self { first, last, count, entries, .. } = self;
        Finding { what, facts, first, last, count, entries }
    }

    /// As in `ok 3, denied 1`.
    fn words(&self) -> String {
        let words: Vec<String> = self.by.iter().map(|(what, count)| format!("{what} {count}")).collect();
        words.join(", ")
    }
}

/// A finding that follows from one entry.
fn single(index: u64, entry: &Entry, what: String, facts: BTreeMap<&'static str, Value>) -> Finding {
    Finding { what, facts, first: entry.time, last: entry.time, count: 1, entries: vec![index] }
}

fn call_of(entry: &Entry) -> Option<&str> {
    match &entry.actor {
        Actor::Plugin { call, .. } => Some(call.as_str()),
        _ => None,
    }
}

/// Who did it, in words.
fn by(entry: &Entry) -> String {
    match &entry.actor {
        Actor::Host => "the host".into(),
        Actor::Person { name } | Actor::Account { name, .. } => name.clone(),
        Actor::Automation { client } => format!("automation {client}"),
        Actor::Source { name } => format!("source {name}"),
        Actor::Client { client, .. } => format!("client {client}"),
        Actor::Plugin { plugin, .. } => format!("plugin {plugin}"),
    }
}

/// The texts of a detail that is a list.
fn list(entry: &Entry, name: &str) -> Vec<String> {
    let items = entry.detail.get(name).and_then(Value::as_array);
    items.map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect()).unwrap_or_default()
}
