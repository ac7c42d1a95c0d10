//! The recorded events, and what is expected to come of them.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

/// Each event at a multiple of this is sent a second time.
pub const REPEATED: usize = 40;

/// The recorded set.
#[derive(Debug)]
pub struct Recorded {
    /// Webhook bodies, in order.
    pub events: Vec<String>,
    /// What must come of them.
    pub expected: Expected,
}

/// What must come of the recorded set, as its generator computed it.
#[derive(Debug, Deserialize)]
pub struct Expected {
    /// Comments with card numbers in them.
    pub cards: Vec<Comment>,
    /// Comments with numbers in them that are no card numbers.
    pub look_alikes: Vec<Comment>,
    /// Tickets that must be escalated.
    pub escalations: Vec<Escalation>,
    /// Tickets that must not be, though they look like it.
    pub not_escalated: Vec<Escalation>,
    /// Messages that must reach the chat service.
    pub posts: Vec<Post>,
}

/// A comment.
#[derive(Debug, Deserialize)]
pub struct Comment {
    /// Its ticket.
    pub ticket: String,
    /// Its id.
    pub comment: String,
    /// Its text before.
    pub body: String,
    /// Its text after; absent where it must not change.
    pub redacted: Option<String>,
}

/// A ticket of a subscriber that may be important.
#[derive(Debug, Deserialize)]
pub struct Escalation {
    /// Which.
    pub ticket: String,
    /// The priority that must result; absent where it must not change.
    pub to: Option<String>,
}

/// A message.
#[derive(Debug, Deserialize)]
pub struct Post {
    /// The event that it is about: its idempotency key.
    pub event: String,
}

impl Recorded {
    /// Reads the set from the source tree.
    pub fn read(repo: &Path) -> Result<Self> {
        let dir = repo.join("tests/events");
        let read = |name: &str| {
            let path = dir.join(name);
            std::fs::read_to_string(&path).with_context(|| {
                format!("cannot read {}; run in the source tree, or name it with --repo", path.display())
            })
        };
        let events = read("zendesk.ndjson")?.lines().map(str::to_owned).collect();
        Ok(Self { events, expected: serde_json::from_str(&read("expected.json")?)? })
    }

    /// Gives one new comment's event this id: one that nothing is expected of that names the event, and that is sent once.
    pub fn plant(&mut self, id: &str) -> Result<()> {
        let posts: Vec<String> = self.expected.posts.iter().map(|post| post.event.clone()).collect();
        for (_, event) in self.events.iter_mut().enumerate().filter(|(number, _)| number % REPEATED != 0) {
            let mut value: serde_json::Value = serde_json::from_str(event)?;
            let is_comment = value["type"].as_str().is_some_and(|kind| kind.ends_with(".comment_added"));
            if is_comment && value["id"].as_str().is_some_and(|known| posts.iter().all(|post| post != known)) {
                value["id"] = id.into();
                *event = value.to_string();
                return Ok(());
            }
        }
        anyhow::bail!("no recorded event can be given another id")
    }
}
