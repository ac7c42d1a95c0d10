//! What commands print: for people, or as JSON for machines. Progress goes to standard error, and only to a terminal.

use std::{
    io::{IsTerminal, Write as _},
    time::Duration,
};

use anyhow::Result;
use indicatif::{ProgressBar, ProgressStyle};
use portcullis_model::json::sorted;
use serde::Serialize;

/// Prints a line. A reader that is gone is an error here, not a panic.
pub fn line(text: &str) -> Result<()> {
    Ok(writeln!(std::io::stdout(), "{text}")?)
}

/// How to print.
#[derive(Clone, Copy, Debug)]
pub struct Output {
    /// As JSON.
    pub json: bool,
}

impl Output {
    /// Prints one result: the value as JSON, or the words.
    pub fn result(self, value: &impl Serialize, words: impl FnOnce() -> String) -> Result<()> {
        if self.json { line(&serde_json::to_string_pretty(&sorted(value)?)?) } else { line(&words()) }
    }

    /// Prints one item of a list: a JSON line, or the words.
    pub fn item(self, value: &impl Serialize, words: impl FnOnce() -> String) -> Result<()> {
        if self.json { line(&serde_json::to_string(&sorted(value)?)?) } else { line(&words()) }
    }

    /// A bar for work of known length.
    pub fn bar(self, length: u64, what: &'static str) -> ProgressBar {
        let bar = self.hidden_or(ProgressBar::new(length));
        if let Ok(style) = ProgressStyle::with_template("{msg:28} [{bar:32}] {pos}/{len} {eta}") {
            bar.set_style(style.progress_chars("=> "));
        }
        bar.set_message(what);
        bar
    }

    /// A sign of life for work of unknown length.
    pub fn spinner(self, what: impl Into<String>) -> ProgressBar {
        let bar = self.hidden_or(ProgressBar::new_spinner());
        bar.set_message(what.into());
        bar.enable_steady_tick(Duration::from_millis(120));
        bar
    }

    fn hidden_or(self, bar: ProgressBar) -> ProgressBar {
        if self.json || !std::io::stderr().is_terminal() { ProgressBar::hidden() } else { bar }
    }
}
