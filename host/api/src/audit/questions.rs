//! `GET /admin/v1/audit/questions/{name}`: answers from the log, with the entries that they follow from.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use portcullis_model::audit::{
    Kind,
    ask::{Question, Span, Tokens, Whose},
};

use super::{
    AuditApi, answer,
    query::{Params, wrong},
    unavailable,
};
use crate::problem::{Problem, Reason};

const NAMES: &str = "Expected touched, left, granted, token or since-review.";

pub(super) async fn ask(
    State(api): State<Arc<AuditApi>>,
    path: Result<Path<String>, PathRejection>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    answer(asked(&api, path, query.as_deref(), &headers).await)
}

async fn asked(
    api: &AuditApi,
    path: Result<Path<String>, PathRejection>,
    query: Option<&str>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    api.check(headers)?;
    let unknown = || Problem::new(Reason::Unknown, NAMES);
    let name = path.map_err(|_| unknown())?.0;
    let question = question(&name, query)?.ok_or_else(unknown)?;
    api.note(Kind::AuditRead, "question", &asked_for(&name, query), &[]).await?;
    let found = question.answer(api.reader.as_ref()).await.map_err(|error| unavailable(&error))?;
    Ok(Json(found).into_response())
}

/// The question in words: values as they are meant, so that a name in one can be found and erased.
fn asked_for(name: &str, query: Option<&str>) -> String {
    let pairs = url::form_urlencoded::parse(query.unwrap_or_default().as_bytes());
    pairs.fold(name.to_owned(), |words, (field, value)| format!("{words} {field}={value}"))
}

/// The question of this name; none where there is no such.
fn question(name: &str, query: Option<&str>) -> Result<Option<Question>, Problem> {
    let read = |known: &[&str]| Params::read(query, known);
    Ok(Some(match name {
        "touched" => {
            let params = read(&["plugin", "installation", "since", "until"])?;
            Question::Touched(whose(&params)?, span(&params)?)
        }
        "left" => {
            let params = read(&["record", "plugin", "installation", "since", "until"])?;
            Question::Left(whose(&params)?, params.get("record").map(str::to_owned), span(&params)?)
        }
        "granted" => {
            let params = read(&["scope", "installation"])?;
            Question::Granted { scope: params.needed("scope")?, installation: params.needed("installation")? }
        }
        "token" => {
            let params = read(&["client", "family", "token", "since", "until"])?;
            Question::Token(tokens(&params)?, span(&params)?)
        }
        "since-review" => {
            let params = read(&["installation", "since"])?;
            Question::SinceReview(params.needed("installation")?, params.time("since")?)
        }
        _ => return Ok(None),
    }))
}

fn whose(params: &Params) -> Result<Whose, Problem> {
    match (params.get("plugin"), params.get("installation")) {
        (Some(_), Some(_)) => Err(wrong("Give a plugin or an installation, not both.")),
        (Some(plugin), None) => Ok(Whose::Plugin(plugin.to_owned())),
        (None, Some(id)) => Ok(Whose::Installation(id.to_owned())),
        (None, None) => Ok(Whose::All),
    }
}

fn tokens(params: &Params) -> Result<Tokens, Problem> {
    match (params.get("client"), params.get("family"), params.get("token")) {
        (Some(client), None, None) => Ok(Tokens::Client(client.to_owned())),
        (None, Some(family), None) => Ok(Tokens::Family(family.to_owned())),
        (None, None, Some(token)) => Ok(Tokens::One(token.to_owned())),
        _ => Err(wrong("Give one of client, family and token.")),
    }
}

fn span(params: &Params) -> Result<Span, Problem> {
    Ok(Span { since: params.time("since")?, until: params.time("until")? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_for_is_on_record_as_it_is_meant() {
        assert_eq!(
            asked_for("left", Some("record=user%3Adana+d&since=2026-11-01")),
            "left record=user:dana d since=2026-11-01"
        );
        assert_eq!(asked_for("left", None), "left");
    }
}
