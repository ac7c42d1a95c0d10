//! `GET /admin/v1/audit/entries`: pages of what a filter means, the newest first unless `order=oldest`.
//! `GET /admin/v1/audit/entries/{index}`: one entry, with its leaf.

use std::sync::Arc;

use axum::{
    Json,
    extract::{Path, RawQuery, State, rejection::PathRejection},
    http::HeaderMap,
    response::{IntoResponse, Response},
};
use portcullis_model::audit::{
    query::{Cursor, Filter},
    reader::{LARGEST_PAGE, Window},
};
use serde_json::json;

use super::{
    AuditApi, answer,
    query::{Params, wrong},
    unavailable,
};
use crate::problem::{Problem, Reason};

/// How many a page has where nobody says.
const USUAL: u64 = 100;

pub(super) async fn list(State(api): State<Arc<AuditApi>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    answer(listed(&api, query.as_deref(), &headers).await)
}

async fn listed(api: &AuditApi, query: Option<&str>, headers: &HeaderMap) -> Result<Response, Problem> {
    api.check(headers)?;
    let params = Params::read(query, &["filter", "order", "cursor", "limit"])?;
    let filter = params.filter()?;
    let order = Order::read(params.get("order"))?;
    let from = params.get("cursor").map(|text| order.decode(text, &filter)).transpose()?;
    let most = params.number("limit")?.unwrap_or(USUAL);
    if most == 0 || most > LARGEST_PAGE as u64 {
        return Err(wrong(format!("limit: expected 1 to {LARGEST_PAGE}.")));
    }
    let written = api.reader.written().await.map_err(|error| unavailable(&error))?;
    api.note_read("page", &filter).await?;
    let (from, to) = match (order, from) {
        (Order::Oldest, from) => (from.unwrap_or(0), written),
        (Order::Newest, to) => (0, to.unwrap_or(written)),
    };
    let most = usize::try_from(most).unwrap_or(LARGEST_PAGE);
    let window = Window { from, to, backwards: order == Order::Newest, most };
    let found = api.reader.search(&filter, window).await.map_err(|error| unavailable(&error))?;
    let next = match order {
        // Where there is nothing more yet, the next page begins with what comes.
        Order::Oldest => Some(found.next.unwrap_or(to.max(from))),
        Order::Newest => found.next,
    };
    Ok(Json(json!({
        "entries": found.entries,
        "cursor": next.map(|next| order.encode(next, &filter)),
        "more": found.next.is_some(),
        "written": written,
        // What is not published yet, or cannot be looked up at the moment, can be read all the same.
        "published": api.reader.published().await.ok(),
    }))
    .into_response())
}

/// Which come first. A cursor is good for one of them.
#[derive(Clone, Copy, PartialEq)]
enum Order {
    Newest,
    Oldest,
}

impl Order {
    fn read(text: Option<&str>) -> Result<Self, Problem> {
        match text {
            None | Some("newest") => Ok(Self::Newest),
            Some("oldest") => Ok(Self::Oldest),
            Some(_) => Err(wrong("order: expected 'newest' or 'oldest'.")),
        }
    }

    fn letter(self) -> char {
        if self == Self::Newest { 'n' } else { 'o' }
    }

    fn encode(self, next: u64, filter: &Filter) -> String {
        format!("{}{}", self.letter(), Cursor(next).encode(filter))
    }

    fn decode(self, text: &str, filter: &Filter) -> Result<u64, Problem> {
        let rest = text.strip_prefix(self.letter());
        let cursor = rest.and_then(|rest| Cursor::decode(rest, filter).ok());
        let advice = "cursor: it is not of this filter and order, or not whole; begin anew without one.";
        cursor.map(|cursor| cursor.0).ok_or_else(|| wrong(advice))
    }
}

pub(super) async fn one(
    State(api): State<Arc<AuditApi>>,
    path: Result<Path<String>, PathRejection>,
    headers: HeaderMap,
) -> Response {
    answer(shown(&api, path, &headers).await)
}

async fn shown(
    api: &AuditApi,
    path: Result<Path<String>, PathRejection>,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    api.check(headers)?;
    let unknown = || Problem::new(Reason::Unknown, "Expected the index of an entry: a number below 'written'.");
    let index: u64 = path.map_err(|_| unknown())?.0.parse().map_err(|_| unknown())?;
    let written = api.reader.written().await.map_err(|error| unavailable(&error))?;
    if index >= written {
        return Err(unknown());
    }
    api.note(portcullis_model::audit::Kind::AuditRead, "entry", "", &[("entry", index)]).await?;
    let mut found = api.reader.follow(index, 1).await.map_err(|error| unavailable(&error))?;
    api.reader.add_leaves(&mut found).await.map_err(|error| unavailable(&error))?;
    found.pop().map(|shown| Json(shown).into_response()).ok_or_else(unknown)
}
