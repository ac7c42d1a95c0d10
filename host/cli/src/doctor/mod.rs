//! What an operator should see to, on a home and the machine that it is on: a line each, with what to do.
//!
//! Invariants: nothing is changed; what cannot be looked at is itself a line, and keeps nothing else from being looked at; no line has a
//! secret in it.

mod files;
mod state;

use std::time::Duration;

use portcullis_model::{
    audit::plain,
    time::{Clock, Timestamp},
};
use serde::Serialize;

use crate::{config::Config, home::Home, host::Host, system::SystemClock};

/// How long ahead an end is told of.
pub(crate) const AHEAD: Duration = Duration::from_secs(30 * 24 * 3600);

/// How something stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// As it should be.
    Ok,
    /// It works, and somebody should see to it.
    Warn,
    /// It does not work, or is not safe.
    Bad,
}

/// A line.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How it stands.
    pub grade: Grade,
    /// In words.
    pub says: String,
    /// What to do, where there is something to do.
    #[serde(rename = "do", skip_serializing_if = "Option::is_none")]
    pub todo: Option<String>,
}

impl Finding {
    fn ok(check: &'static str, says: impl AsRef<str>) -> Self {
        Self { check, grade: Grade::Ok, says: plain(says.as_ref()), todo: None }
    }

    fn warn(check: &'static str, says: impl AsRef<str>, todo: &str) -> Self {
        Self { check, grade: Grade::Warn, says: plain(says.as_ref()), todo: Some(todo.to_owned()) }
    }

    fn bad(check: &'static str, says: impl AsRef<str>, todo: &str) -> Self {
        Self { check, grade: Grade::Bad, says: plain(says.as_ref()), todo: Some(todo.to_owned()) }
    }
}

/// Looks at everything.
pub async fn examine(home: &Home) -> Vec<Finding> {
    let now = SystemClock.now();
    let mut found = vec![Finding::ok("version", format!("portcullis {}", env!("CARGO_PKG_VERSION")))];
    if let Err(error) = home.check() {
        found.push(Finding::bad("home", format!("{error:#}"), "Name the right directory with --home."));
        return found;
    }
    found.extend(files::permissions(home));
    found.extend(files::space(home));
    found.extend(files::databases(home));
    match Config::load(home) {
        Ok(config) => {
            found.push(Finding::ok("configuration", "is understood"));
            found.extend(security(&config, now));
        }
        Err(error) => found.push(Finding::bad("configuration", format!("{error:#}"), "Correct portcullis.toml.")),
    }
    match Host::open(home.clone()).await {
        Ok(host) => found.extend(state::of(&host, now).await),
        Err(error) => {
            let todo = "Put back what is missing, from a copy or a backup (docs/operators/backup.md).";
            found.push(Finding::bad("host", format!("it cannot be opened: {error:#}"), todo));
        }
    }
    found
}

/// Whether anybody can be told of a vulnerability (MNT-7).
fn security(config: &Config, now: Timestamp) -> Vec<Finding> {
    const CHECK: &str = "security.txt";
    let todo = "Set contact and expires in [security] of portcullis.toml, and restart the host.";
    vec![match (config.security.contact.is_empty(), config.security.expires) {
        (true, _) | (_, None) => Finding::warn(CHECK, "nobody is named to tell of a vulnerability", todo),
        (_, Some(until)) if until <= now => Finding::bad(CHECK, format!("held until {until}, and is not served"), todo),
        (_, Some(until)) if until <= now.plus(AHEAD) => Finding::warn(CHECK, format!("holds until {until} only"), todo),
        (_, Some(until)) => Finding::ok(CHECK, format!("holds until {until}")),
    }]
}
