//! `GET /audit/entries`: pages of what a filter means, the newest first unless `order=oldest`.

use std::collections::BTreeSet;

use portcullis_model::{
    audit::{
        query::{Cursor, Filter},
        reader::{AuditReader as _, LARGEST_PAGE, Shown, Window},
    },
    error::StoreError,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{InSight, Ports, Reading, Sight, filter, log};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, given::wrong, unavailable},
    problem::Problem,
};

/// How many a page has where nobody says.
const USUAL: u64 = 100;

/// Reads the log in pages.
pub struct List;

/// Which page, of what.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// What is looked for, such as `kind=act.denied since=2026-11-01`; everything, where it is not there.
    filter: Option<String>,
    /// `newest` first, which is usual, or `oldest` first.
    order: Option<String>,
    /// Where to go on, out of the page before. Good for this filter and order alone.
    cursor: Option<String>,
    /// Where to begin without a cursor: at the entry of this index where the oldest come first, before it where the newest do.
    at: Option<u64>,
    /// How many a page has at most: 1 to 1000.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u64>,
}

/// Entries of the log.
#[derive(Serialize, ToSchema)]
#[schema(as = AuditEntries)]
pub struct Entries {
    /// The entries.
    #[schema(value_type = Vec<Object>)]
    entries: Vec<Shown>,
    /// Where to go on; null where the newest come first and there are no more.
    cursor: Option<String>,
    /// Whether there are more at the moment.
    more: bool,
    /// How many entries the log has.
    written: u64,
    /// How many of them are published; null where that cannot be looked up at the moment.
    published: Option<u64>,
    /// The entries that say how what is gone from these was erased or disposed of, as far as they may be seen.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Vec<Object>)]
    ends: Vec<Shown>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Entries;

    const ABOUT: About = About::get(actions::AUDIT_LIST, "/audit/entries", "Read the audit log")
        .text("Shows entries of the tenants that whoever asks may read the log of. That it was read is recorded.")
        .on(On::Tenants);

    async fn resource(_: &Ports, _: &Bare, _: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Entries>, Problem> {
        let sight = Sight::of(&call).await?;
        let filter = sight.met(&filter(call.query.filter.as_deref())?)?;
        let order = Order::read(call.query.order.as_deref())?;
        let cursor = call.query.cursor.as_deref().filter(|text| !text.is_empty());
        if cursor.is_some() && call.query.at.is_some() {
            return Err(wrong("at: a cursor says already where to begin."));
        }
        let from = cursor.map(|text| order.decode(text, &filter)).transpose()?.or(call.query.at);
        let most = call.query.limit.unwrap_or(USUAL);
        if most == 0 || most > LARGEST_PAGE as u64 {
            return Err(wrong(format!("limit: expected 1 to {LARGEST_PAGE}.")));
        }
        let reader = ports.seen(sight.clone());
        let written = reader.written().await.map_err(|error| unavailable(&error))?;
        ports.note(&call, &sight, Reading::by("page", &filter.to_string())).await?;
        let (from, to) = match (order, from) {
            (Order::Oldest, from) => (from.unwrap_or(0), written),
            (Order::Newest, to) => (0, to.map_or(written, |to| to.min(written))),
        };
        let most = usize::try_from(most).unwrap_or(LARGEST_PAGE);
        let window = Window { from, to, backwards: order == Order::Newest, most };
        let found = reader.search(&filter, window).await.map_err(|error| unavailable(&error))?;
        let ends = ends(&reader, &found.entries).await.map_err(|error| unavailable(&error))?;
        let next = match order {
            // Where there is nothing more yet, the next page begins with what comes.
            Order::Oldest => Some(found.next.unwrap_or(to.max(from))),
            Order::Newest => found.next,
        };
        Ok(Reply::json(Entries {
            entries: found.entries,
            cursor: next.map(|next| order.encode(next, &filter)),
            more: found.next.is_some(),
            written,
            // What is not published yet, or cannot be looked up at the moment, can be read all the same.
            published: reader.published().await.ok(),
            ends,
        }))
    }
}

/// The entries by which these, or values of them, came to their end.
async fn ends(reader: &InSight, entries: &[Shown]) -> Result<Vec<Shown>, StoreError> {
    let of = |shown: &Shown| shown.erased.values().copied().chain(shown.disposed).collect::<Vec<_>>();
    let mut found = Vec::new();
    for index in entries.iter().flat_map(of).collect::<BTreeSet<u64>>() {
        found.extend(reader.follow(index, 1).await?.into_iter().filter(|shown| shown.index == index));
    }
    Ok(found)
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
            None | Some("" | "newest") => Ok(Self::Newest),
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
