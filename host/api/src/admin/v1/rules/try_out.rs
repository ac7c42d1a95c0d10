//! `POST /audit/rule`: which entries of the log a rule would have raised something at. Nothing of it is stored.

use portcullis_model::{
    audit::{Entry, Kind, plain, query::moment},
    id::Digest,
    people::{Resource, actions},
    time::Timestamp,
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{NotTried, Ports, Tried, Wanted, Within};
use crate::{
    admin::{About, Bare, Call, MAX_BODY, Operation, Reply, Sent, unavailable, unknown},
    problem::{Problem, Reason},
};

/// Tries a rule out.
pub struct TryOut;

/// Which rule is held against the log, and of when it shows what it finds.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = RuleToTry)]
pub struct Asked {
    /// The id of a rule that is there, such as `new-destination`.
    rule: Option<String>,
    /// In its place, a rule as its file would have it, in TOML.
    text: Option<String>,
    /// Not older than this: a time such as `2026-11-01T09:30:00Z`, or a day such as `2026-11-01`.
    from: Option<String>,
    /// Older than this.
    to: Option<String>,
}

impl Asked {
    fn wanted(&self) -> Result<Wanted, Problem> {
        match (&self.rule, &self.text) {
            (Some(id), None) => Ok(Wanted::Known(id.clone())),
            (None, Some(text)) => Ok(Wanted::Text(text.clone())),
            _ => Err(wrong("rule, text: expected one of the two.")),
        }
    }

    fn within(&self) -> Result<Within, Problem> {
        Ok(Within { from: time("from", self.from.as_deref())?, to: time("to", self.to.as_deref())? })
    }
}

impl Operation for TryOut {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Asked>;
    type Answer = Tried;

    const ABOUT: About = About::post(actions::RULES_TEST, "/audit/rule", "Try a rule out on the log")
        .text(
            "It learns from the beginning of the log on, and shows what it finds within the span. Nothing is stored and nobody is told; that \
             somebody read the log is recorded there. One rule at a time is tried.",
        )
        .max_body(2 * MAX_BODY)
        .refuses(&[Reason::Unknown, Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Sent<Asked>) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("rule"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Tried>, Problem> {
        let (wanted, within) = (call.body.0.wanted()?, call.body.0.within()?);
        let note = Entry::new(call.now(), Kind::AuditRead, call.actor(), None)
            .with("way", "rule")
            .with_personal("filter", named(&wanted));
        ports.recorder.record(vec![note]).await.map_err(|error| unavailable(&error))?;
        ports.book.try_out(wanted, within).await.map(Reply::json).map_err(refused)
    }
}

/// The rule, for the log: one that lies nowhere by the digest of its text.
fn named(wanted: &Wanted) -> String {
    match wanted {
        Wanted::Known(id) => plain(id),
        Wanted::Text(text) => Digest::of(text.as_bytes()).to_string(),
    }
}

fn wrong(advice: impl Into<String>) -> Problem {
    Problem::new(Reason::WrongBody, advice)
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let advice = "expected a time such as 2026-11-01T09:30:00Z, or a day such as 2026-11-01.";
    let read = |text: &str| moment(text).ok_or_else(|| wrong(format!("{name}: {advice}")));
    text.map(read).transpose()
}

fn refused(error: NotTried) -> Problem {
    match error {
        NotTried::Missing => unknown("There is no rule with this id; see GET /admin/v1/rules."),
        NotTried::NoRule(problem) => {
            let line: Vec<&str> = problem.lines().map(str::trim).collect();
            wrong(format!("text: {}.", plain(&line.join(" "))))
        }
        NotTried::Busy => Problem::new(Reason::Conflict, "Another rule is being tried; ask again when that is over."),
        NotTried::Failed(error) => unavailable(&error),
    }
}
