//! When a plugin wants to be called without an event.
//!
//! Invariant: every name is there once, and every time comes.

use std::fmt;

use serde::Serialize;

use super::{
    ManifestError,
    cron::{CRON, Cron},
    key::{Form, Key, PURPOSE},
    table::Reader,
};

/// The most schedules of a plugin.
pub const MAX_SCHEDULES: usize = 16;

const NAME: Key = Key::must(
    "name",
    Form::Text("^[a-z][a-z0-9-]{0,39}$", 40),
    "\"nightly\"",
    "What the schedule is called: a-z, 0-9 and '-'; the plugin is told it.",
);
const WHEN: Key = Key::must(
    "cron",
    Form::Text(CRON, 100),
    "\"0 3 * * *\"",
    "When, in UTC: minute, hour, day of the month, month, day of the week (0 and 7 are Sunday). Numbers, *, ranges 1-5, \
     steps */15 and lists 1,3. Where both days are given, either will do.",
);
const WHY: Key = Key::must("purpose", PURPOSE, "\"To remove what is older than 30 days.\"", "What it is called for.");

pub(super) const KEYS: &[Key] = &[NAME, WHEN, WHY];

/// A time at which a plugin wants to be called.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Schedule {
    /// What it is called; once in a manifest.
    pub name: String,
    /// When.
    pub cron: Cron,
    /// What for, in the publisher's words.
    pub purpose: String,
}

pub(super) fn read(tables: &[Reader<'_>]) -> Result<Vec<Schedule>, ManifestError> {
    let mut schedules: Vec<Schedule> = Vec::with_capacity(tables.len());
    for table in tables {
        let one = Schedule { name: name(table)?, cron: table.parsed(&WHEN)?, purpose: table.line(&WHY)? };
        if schedules.iter().any(|other| other.name == one.name) {
            return Err(table.wrong(&NAME, format!("'{}' is there twice; give each its own name", one.name)));
        }
        schedules.push(one);
    }
    Ok(schedules)
}

fn name(table: &Reader<'_>) -> Result<String, ManifestError> {
    let name: String = table.parsed(&NAME)?;
    let fits = name.len() <= NAME.most()
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    match fits {
        true => Ok(name),
        false => {
            let problem = format!("'{name}' is no name: at most 40 of a-z, 0-9 and '-', beginning with a letter");
            Err(table.wrong(&NAME, problem))
        }
    }
}

impl fmt::Display for Schedule {
    /// One clause, for an admin.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, UTC): {}", self.name, self.cron, self.purpose)
    }
}
