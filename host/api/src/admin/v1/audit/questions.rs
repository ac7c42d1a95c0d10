//! `GET /audit/questions/...`: answers from the log, with the entries that they follow from.

use std::marker::PhantomData;

use portcullis_model::{
    audit::{
        ask::{Answer, Finding, Question, Span, Tokens, Whose},
        query::moment,
    },
    people::{Resource, actions},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Ports, Reading, Sight, log};
use crate::{
    admin::{About, Bare, Call, Given, Nothing, On, Operation, Reply, given::wrong, unavailable},
    problem::Problem,
};

/// Asks a question with these parameters.
pub struct Ask<Q>(PhantomData<Q>);

/// The parameters of a question.
pub trait Asked: Given {
    /// Its name, as it stands in the log.
    const NAME: &'static str;
    /// What is fixed about asking it.
    const ABOUT: About;

    /// The question.
    fn question(&self) -> Result<Question, Problem>;
}

/// What the log knows.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditAnswer)]
pub struct Known {
    /// What was found, each with the entries that it follows from.
    #[schema(value_type = Vec<Object>)]
    findings: Vec<Finding>,
    /// What the log cannot know, or what was not looked at.
    notes: Vec<String>,
    /// Whether all entries that the question is about were looked at.
    complete: bool,
    /// How many entries were looked at.
    looked_at: u64,
}

const fn about(path: &'static str, id: &'static str, title: &'static str) -> About {
    About::get(actions::AUDIT_ASK, path, title)
        .id(id)
        .text("Answered from the tenants' entries that whoever asks may read. That it was asked is recorded.")
        .on(On::Tenants)
}

impl<Q: Asked> Operation for Ask<Q> {
    type Ports = Ports;
    type Path = Bare;
    type Query = Q;
    type Body = Nothing;
    type Answer = Known;

    const ABOUT: About = Q::ABOUT;

    async fn resource(_: &Ports, _: &Bare, _: &Q, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Known>, Problem> {
        let question = call.query.question()?;
        let sight = Sight::of(&call).await?;
        // Values as they are meant, so that a name in one can be found and erased.
        let pairs = call.turn.query.iter();
        let words = pairs.fold(Q::NAME.to_owned(), |words, (field, value)| format!("{words} {field}={value}"));
        ports.note(&call, &sight, Reading::by("question", &words)).await?;
        let answer = question.answer(ports.seen(sight).as_ref()).await.map_err(|error| unavailable(&error))?;
        let Answer { findings, notes, complete, looked_at } = answer;
        Ok(Reply::json(Known { findings, notes, complete, looked_at }))
    }
}

/// What did a plugin touch?
#[derive(Deserialize, IntoParams)]
pub struct Touched {
    /// Which plugin, in all installations.
    plugin: Option<String>,
    /// Which installation.
    installation: Option<String>,
    /// From this time or day on.
    since: Option<String>,
    /// To before this time or day.
    until: Option<String>,
}

impl Asked for Touched {
    const NAME: &'static str = "touched";
    const ABOUT: About = about("/audit/questions/touched", "audit.ask.touched", "Ask what a plugin touched");

    fn question(&self) -> Result<Question, Problem> {
        let whose = whose(self.plugin.as_deref(), self.installation.as_deref())?;
        Ok(Question::Touched(whose, span(self.since.as_deref(), self.until.as_deref())?))
    }
}

/// Which records left for which host?
#[derive(Deserialize, IntoParams)]
pub struct Left {
    /// Which record, such as `ticket:1042`; all, where it is not there.
    record: Option<String>,
    /// By which plugin, in all installations.
    plugin: Option<String>,
    /// By which installation.
    installation: Option<String>,
    /// From this time or day on.
    since: Option<String>,
    /// To before this time or day.
    until: Option<String>,
}

impl Asked for Left {
    const NAME: &'static str = "left";
    const ABOUT: About = about("/audit/questions/left", "audit.ask.left", "Ask which records left for which host");

    fn question(&self) -> Result<Question, Problem> {
        let whose = whose(self.plugin.as_deref(), self.installation.as_deref())?;
        let span = span(self.since.as_deref(), self.until.as_deref())?;
        Ok(Question::Left(whose, given(self.record.as_deref()).map(str::to_owned), span))
    }
}

/// Who granted a scope, and when was it last used?
#[derive(Deserialize, IntoParams)]
pub struct Granted {
    /// The scope: its whole text, or its name.
    scope: String,
    /// To which installation.
    installation: String,
}

impl Asked for Granted {
    const NAME: &'static str = "granted";
    const ABOUT: About =
        about("/audit/questions/granted", "audit.ask.granted", "Ask who granted a scope, and when it was last used");

    fn question(&self) -> Result<Question, Problem> {
        let (scope, installation) = (needed("scope", &self.scope)?, needed("installation", &self.installation)?);
        Ok(Question::Granted { scope, installation })
    }
}

/// What did tokens do?
#[derive(Deserialize, IntoParams)]
pub struct Token {
    /// All of this client's.
    client: Option<String>,
    /// All that came from this grant.
    family: Option<String>,
    /// This one, as the log calls it.
    token: Option<String>,
    /// From this time or day on.
    since: Option<String>,
    /// To before this time or day.
    until: Option<String>,
}

impl Asked for Token {
    const NAME: &'static str = "token";
    const ABOUT: About = about("/audit/questions/token", "audit.ask.token", "Ask what was done with tokens");

    fn question(&self) -> Result<Question, Problem> {
        let all = [&self.client, &self.family, &self.token].map(|text| given(text.as_deref()));
        let tokens = match all {
            [Some(client), None, None] => Tokens::Client(client.to_owned()),
            [None, Some(family), None] => Tokens::Family(family.to_owned()),
            [None, None, Some(token)] => Tokens::One(token.to_owned()),
            _ => return Err(wrong("Give one of client, family and token.")),
        };
        Ok(Question::Token(tokens, span(self.since.as_deref(), self.until.as_deref())?))
    }
}

/// What has changed for an installation?
#[derive(Deserialize, IntoParams)]
pub struct SinceReview {
    /// Which.
    installation: String,
    /// Since this time or day, and not since its release was last reviewed.
    since: Option<String>,
}

impl Asked for SinceReview {
    const NAME: &'static str = "since-review";
    const ABOUT: About = about(
        "/audit/questions/since-review",
        "audit.ask.since-review",
        "Ask what has changed for an installation since its release was last reviewed",
    );

    fn question(&self) -> Result<Question, Problem> {
        let installation = needed("installation", &self.installation)?;
        Ok(Question::SinceReview(installation, time("since", self.since.as_deref())?))
    }
}

/// What is left empty is not given.
fn given(text: Option<&str>) -> Option<&str> {
    text.filter(|text| !text.is_empty())
}

fn needed(name: &str, text: &str) -> Result<String, Problem> {
    given(Some(text)).map(str::to_owned).ok_or_else(|| wrong(format!("The parameter '{name}' is missing.")))
}

fn time(name: &str, text: Option<&str>) -> Result<Option<Timestamp>, Problem> {
    let advice = "expected a time such as 2026-11-01T09:30:00Z, or a day such as 2026-11-01.";
    let read = |text: &str| moment(text).ok_or_else(|| wrong(format!("{name}: {advice}")));
    given(text).map(read).transpose()
}

fn span(since: Option<&str>, until: Option<&str>) -> Result<Span, Problem> {
    Ok(Span { since: time("since", since)?, until: time("until", until)? })
}

fn whose(plugin: Option<&str>, installation: Option<&str>) -> Result<Whose, Problem> {
    match (given(plugin), given(installation)) {
        (Some(_), Some(_)) => Err(wrong("Give a plugin or an installation, not both.")),
        (Some(plugin), None) => Ok(Whose::Plugin(plugin.to_owned())),
        (None, Some(id)) => Ok(Whose::Installation(id.to_owned())),
        (None, None) => Ok(Whose::All),
    }
}
