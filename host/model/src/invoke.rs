//! One call into a plugin, as the queue sees it: what is asked, and how it ended.

use std::{fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use serde::Serialize;

use crate::{
    audit::{Entry, Kind},
    call::Call,
    error::StoreError,
    event::Event,
    installation::Installation,
    privacy::PrivacyAnswer,
    time::Timestamp,
};

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CallEnd {
    /// The handler returned `ok`.
    Ok,
    /// The handler returned an error: the variant's name, and what it says.
    Failed {
        /// `denied`, `invalid`, `not-found`, `limited`, `conflict` or `unavailable`.
        error: &'static str,
        /// The plugin's words, cut and escaped.
        message: String,
    },
    /// The handler trapped.
    Trapped(String),
    /// A limit ended it: the limit's name, such as `cpu-ms`.
    Limit(&'static str),
    /// It was not started: the release was refused, or something that it imports is not granted.
    Refused(String),
    /// It was not started: what was signed about its release does not hold now. The installation is about to be suspended.
    Untrusted(String),
    /// The host could not run it: its own fault, and worth another try.
    HostFailed(String),
    /// It was ended from outside: its installation was stopped, or its release withdrawn.
    Ended(String),
    /// It was not started because a budget has run out, or because enough calls are under way. Nothing happened, and it
    /// will be asked for again.
    Held {
        /// What it waits for.
        reason: String,
        /// How long to wait before asking again.
        wait: Duration,
    },
}

impl CallEnd {
    /// The name in the audit log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Failed { .. } => "failed",
            Self::Trapped(_) => "trapped",
            Self::Limit(_) => "limit",
            Self::Refused(_) => "refused",
            Self::Untrusted(_) => "untrusted",
            Self::HostFailed(_) => "host-failed",
            Self::Ended(_) => "ended",
            Self::Held { .. } => "held",
        }
    }

    /// The entry with this as its reason.
    #[must_use]
    pub fn reason_of(&self, entry: Entry) -> Entry {
        match self {
            // The plugin's own words, which may hold whatever it read.
            Self::Failed { .. } | Self::Trapped(_) => entry.with_personal("reason", self.to_string()),
            _ => entry.with("reason", self.to_string()),
        }
    }

    /// Whether the same call can end otherwise later, without anybody changing anything.
    pub fn worth_retrying(&self) -> bool {
        match self {
            Self::Failed { error, .. } => matches!(*error, "unavailable" | "limited"),
            Self::HostFailed(_) | Self::Held { .. } => true,
            // A wall-clock limit is often the slowness of somebody else.
            Self::Limit(name) => *name == "wall-ms",
            Self::Ok | Self::Trapped(_) | Self::Refused(_) | Self::Untrusted(_) | Self::Ended(_) => false,
        }
    }
}

impl fmt::Display for CallEnd {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ok => f.write_str("ok"),
            Self::Failed { error, message } if message.is_empty() => write!(f, "failed: {error}"),
            Self::Failed { error, message } => write!(f, "failed: {error}: {message}"),
            Self::Trapped(why) => write!(f, "trapped: {why}"),
            Self::Limit(name) => write!(f, "limit reached: {name}"),
            Self::Untrusted(why) => write!(f, "untrusted: {why}"),
            Self::Refused(why) => write!(f, "refused: {why}"),
            Self::HostFailed(why) => write!(f, "host failed: {why}"),
            Self::Ended(why) => write!(f, "ended: {why}"),
            Self::Held { reason, .. } => write!(f, "held: {reason}"),
        }
    }
}

/// What a call used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU time on the thread that ran it.
    pub cpu: Duration,
    /// From start to end.
    pub wall: Duration,
    /// The most linear memory that it had, in bytes.
    pub memory: u64,
    /// Calls into the host.
    pub host_calls: u32,
    /// Log lines that were dropped because the limit was reached.
    pub log_dropped: u32,
    /// Denials that have no entry of their own in the audit log, because the call had too many of them.
    pub denials_unlisted: u32,
    /// Whether a current secret was found in guest memory after the call; `None` where nobody looked.
    pub leaked: Option<bool>,
}

/// A call that is over.
#[derive(Debug)]
pub struct CallReport {
    /// Which call.
    pub call: Arc<Call>,
    /// How it ended.
    pub end: CallEnd,
    /// What it used.
    pub usage: Usage,
    /// What it logged: level and line.
    pub log: Vec<(&'static str, String)>,
    /// What it answered, where it was asked for an answer and gave one.
    pub answer: Option<PrivacyAnswer>,
}

impl CallReport {
    /// The audit entry for it.
    pub fn entry(&self, now: Timestamp) -> Entry {
        let mut entry = Entry::of_call(now, Kind::CallEnded, &self.call)
            .about(format!("event:{}", self.call.event))
            .with("end", self.end.name())
            .with("attempt", self.call.attempt)
            .with("cpu-us", u64::try_from(self.usage.cpu.as_micros()).unwrap_or(u64::MAX))
            .with("wall-us", u64::try_from(self.usage.wall.as_micros()).unwrap_or(u64::MAX))
            .with("memory", self.usage.memory)
            .with("host-calls", self.usage.host_calls);
        if self.usage.denials_unlisted > 0 {
            entry = entry.with("denials-unlisted", self.usage.denials_unlisted);
        }
        if let Some(leaked) = self.usage.leaked {
            entry = entry.with("secret-in-memory", leaked);
        }
        match &self.end {
            CallEnd::Ok => entry,
            end => end.reason_of(entry),
        }
    }
}

/// Runs plugins.
#[async_trait]
pub trait Invoke: Send + Sync {
    /// Calls the plugin's event handler in a fresh sandbox, under what the installation's grant amounts to now. Always
    /// ends, and never takes more than the limits.
    async fn handle(&self, installation: &Installation, event: &Event, attempt: u32) -> CallReport;
}

/// Keeps what plugins log.
pub trait PluginLogs: Send + Sync {
    /// Keeps a call's lines, soon.
    fn keep(&self, report: &CallReport, now: Timestamp);
}

/// A line that a plugin wrote to its own log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogLine {
    /// When, by the host's clock.
    pub time: Timestamp,
    /// The installation that wrote it.
    pub installation: String,
    /// In which call.
    pub call: String,
    /// `debug`, `info`, `warn` or `error`.
    pub level: String,
    /// The text, with control characters escaped.
    pub message: String,
}

/// Shows what plugins logged.
#[async_trait]
pub trait PluginLogReader: Send + Sync {
    /// Up to `most` lines of an installation, the newest first, before the one of this number where one is named; each with its own.
    ///
    /// # Errors
    /// Storage.
    async fn newest_lines(
        &self,
        of: &Installation,
        before: Option<i64>,
        most: usize,
    ) -> Result<Vec<(i64, LogLine)>, StoreError>;
}
