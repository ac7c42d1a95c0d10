//! What can be done with tickets, in the model's words: the one way for a guest, by `wit/tickets.wit`, and for a back end that
//! comes in over HTTP.
//!
//! Invariant: whoever asks, what is asked is checked here, decided by the gate, and shown by [`Showing`]; nothing else in this
//! capability has the port.

use std::collections::BTreeSet;

use portcullis_model::{
    error::ServiceError,
    helpdesk::{
        AddComment, Comment, DeleteTicket, GetTicket, ListComments, PAGE, Position, Query, RedactComment,
        SearchTickets, Sort, Ticket, TicketField, UpdateTicket,
    },
    scope::{Grant, Readings, Within},
};
use portcullis_runtime::gate::{Gate, Refused};

use super::{
    State, cursor, decide,
    scope::{TicketsScope, readings},
    show::Showing,
};

/// The most bytes in a comment's text.
const MAX_BODY: usize = 64 * 1024;
/// The most bytes in any id or key that is given.
pub(crate) const MAX_ID: usize = 128;
/// The most bytes of all words that a search asks by.
pub(super) const MAX_WORDS: usize = 200;
/// The most alternatives, tags or words in one query.
const MAX_TERMS: usize = 20;
/// The most spans in one redaction.
const MAX_SPANS: usize = 1_000;

/// Some of the tickets, as they may be seen, and the cursor of the next ones.
pub(crate) struct Part {
    pub tickets: Vec<Ticket>,
    pub next: Option<String>,
}

/// From where on changes are followed.
pub(crate) enum Since {
    /// A moment, in milliseconds since 1970.
    Time(i64),
    /// The cursor of an earlier part.
    Cursor(String),
}

/// Some of what changed: the cursor is there at the end as well, for what changes later.
pub(crate) struct Changed {
    pub tickets: Vec<Ticket>,
    pub next: String,
    pub end: bool,
}

fn invalid(what: impl Into<String>) -> Refused {
    ServiceError::Invalid(what.into()).into()
}

/// Refuses a malformed id before it gets anywhere, the audit log included.
fn check_id(name: &str, id: &str) -> Result<(), Refused> {
    match (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b)) {
        true => Ok(()),
        false => Err(invalid(format!("{name}: expected 1 to 128 of A-Z a-z 0-9 - _ . :"))),
    }
}

/// Refuses a query that asks for too much.
fn check_query(query: &Query) -> Result<(), Refused> {
    let bytes: usize = query.words.iter().map(String::len).sum();
    if bytes > MAX_WORDS || query.words.iter().flat_map(|word| word.chars()).any(char::is_control) {
        return Err(invalid("query.words: expected at most 200 bytes without control characters"));
    }
    let lengths = [query.words.len(), query.status.len(), query.priority.len(), query.tags.len()];
    if lengths.into_iter().any(|length| length > MAX_TERMS) {
        return Err(invalid("query: expected at most 20 words, statuses, priorities and tags each"));
    }
    let ids = [&query.requester_id, &query.assignee_id, &query.organization_id, &query.brand_id];
    if ids.into_iter().flatten().chain(&query.tags).any(|text| text.len() > 128 || text.chars().any(char::is_control)) {
        return Err(invalid("query: an id or a tag is at most 128 bytes without control characters"));
    }
    Ok(())
}

impl State {
    pub(crate) fn gate(&self) -> &Gate {
        &self.gate
    }

    fn grant(&self) -> &Grant<TicketsScope> {
        self.authority.effective()
    }

    fn readings(&self) -> Readings<'_, TicketField> {
        readings(self.grant())
    }

    fn showing(&self) -> Showing<'_> {
        Showing { readings: self.readings(), veil: &self.veil }
    }

    /// The fields that the grant shows of any ticket, the conversation aside.
    pub(crate) fn readable(&self) -> BTreeSet<TicketField> {
        let all: BTreeSet<TicketField> =
            TicketField::ALL.iter().copied().filter(|field| *field != TicketField::Comments).collect();
        let missing = self.readings().missing(&all, false);
        all.into_iter().filter(|field| !missing.contains(field)).collect()
    }

    /// One ticket.
    pub(crate) async fn ticket(&self, id: String, fields: BTreeSet<TicketField>) -> Result<Ticket, Refused> {
        check_id("id", &id)?;
        let within = self.readings().within_any(&fields);
        let act = GetTicket { id, fields: fields.clone(), within };
        let desk = self.desk.clone();
        let seen = self.gate.pass(&self.authority, act, |spent| async move { desk.ticket(spent).await }).await?;
        Ok(self.showing().ticket(seen, &fields))
    }

    /// The tickets that fit.
    pub(crate) async fn find(
        &self,
        query: Query,
        sort: Sort,
        fields: BTreeSet<TicketField>,
        most: u32,
        after: Option<String>,
    ) -> Result<Part, Refused> {
        check_query(&query)?;
        let after = match after.map(|text| cursor::read(&self.veil, &query, sort, &text)) {
            Some(None) => return Err(invalid("after: not a cursor of this query")),
            known => known.flatten(),
        };
        let (tickets, next) = self.search(query.clone(), sort, fields, most, after).await?;
        Ok(Part { tickets, next: next.map(|at| cursor::write(&self.veil, &query, sort, at)) })
    }

    /// The tickets that changed, oldest change first, before a moment that lies so far back that nothing changes before it any
    /// more.
    pub(crate) async fn changes(
        &self,
        since: Since,
        before: i64,
        fields: BTreeSet<TicketField>,
        most: u32,
    ) -> Result<Changed, Refused> {
        let whole = Query::default();
        let after = match since {
            Since::Time(at) => Some(Position { updated_at: at.saturating_sub(1), id: i64::MAX }),
            Since::Cursor(text) => cursor::read(&self.veil, &whole, Sort::Changes, &text),
        };
        let after = after.ok_or_else(|| invalid("cursor: not a cursor of this export"))?;
        let query = Query { updated_before: Some(before), ..Query::default() };
        let (tickets, next) = self.search(query, Sort::Changes, fields, most, Some(after)).await?;
        let seen = Position { updated_at: after.updated_at.max(before.saturating_sub(1)), id: i64::MAX };
        let (next, end) = (next.unwrap_or(seen), next.is_none());
        Ok(Changed { tickets, next: cursor::write(&self.veil, &whole, Sort::Changes, next), end })
    }

    async fn search(
        &self,
        query: Query,
        sort: Sort,
        fields: BTreeSet<TicketField>,
        most: u32,
        after: Option<Position>,
    ) -> Result<(Vec<Ticket>, Option<Position>), Refused> {
        let most = self.gate.page(most.clamp(1, PAGE));
        let mut act = SearchTickets { query, sort, fields, most, after, within: Within::default() };
        act.within = decide::findable(self.grant(), &act.asked_by(), &act.fields);
        let (fields, desk) = (act.fields.clone(), self.desk.clone());
        let found = self.gate.pass(&self.authority, act, |spent| async move { desk.search(spent).await }).await?;
        let showing = self.showing();
        Ok((found.tickets.into_iter().map(|seen| showing.ticket(seen, &fields)).collect(), found.next))
    }

    /// A ticket's comments, oldest first.
    pub(crate) async fn comments(
        &self,
        ticket: String,
        after: Option<String>,
        most: u32,
    ) -> Result<Vec<Comment>, Refused> {
        check_id("ticket", &ticket)?;
        after.as_deref().map_or(Ok(()), |after| check_id("after", after))?;
        let most = self.gate.page(most.clamp(1, PAGE));
        let desk = self.desk.clone();
        let within = self.readings().within(TicketField::Comments, None);
        let act = ListComments { ticket, after, most, within };
        let seen = self.gate.pass(&self.authority, act, |spent| async move { desk.comments(spent).await }).await?;
        Ok(self.showing().comments(seen))
    }

    /// Whether the grant covers such a change of any ticket: to know before anything else is done.
    pub(crate) fn may_update(&self, act: &UpdateTicket) -> bool {
        !decide::writable(self.grant(), &decide::changed(act)).0.is_empty()
    }

    /// Adds a comment. The key is whole: with its prefix that says who chose it.
    pub(crate) async fn add_comment(
        &self,
        ticket: String,
        body: String,
        public: bool,
        idempotency_key: String,
    ) -> Result<String, Refused> {
        check_id("ticket", &ticket)?;
        if !(1..=MAX_BODY).contains(&body.len()) {
            return Err(invalid("comment.body: expected 1 byte to 64 KiB"));
        }
        let desk = self.desk.clone();
        let within = decide::commentable(self.grant(), public);
        let act = AddComment { ticket, body, public, idempotency_key, within };
        self.gate.pass(&self.authority, act, |spent| async move { desk.add_comment(spent).await }).await
    }

    /// Changes a ticket; which ones may be changed is filled in here.
    pub(crate) async fn update(&self, act: UpdateTicket) -> Result<(), Refused> {
        check_id("ticket", &act.ticket)?;
        let changed = decide::changed(&act);
        if changed.is_empty() {
            return Err(invalid("changes: name at least one"));
        }
        let act = UpdateTicket { within: decide::writable(self.grant(), &changed), ..act };
        let desk = self.desk.clone();
        self.gate.pass(&self.authority, act, |spent| async move { desk.update(spent).await }).await
    }

    /// Covers parts of a comment for good.
    pub(crate) async fn redact(
        &self,
        ticket: String,
        comment: String,
        spans: Vec<(u32, u32)>,
    ) -> Result<(), Refused> {
        check_id("ticket", &ticket)?;
        check_id("comment", &comment)?;
        if spans.len() > MAX_SPANS || spans.iter().any(|(start, end)| start >= end) {
            return Err(invalid("spans: expected at most 1,000, each with start < end"));
        }
        let desk = self.desk.clone();
        let act = RedactComment { ticket, comment, spans, within: decide::redactable(self.grant()) };
        self.gate.pass(&self.authority, act, |spent| async move { desk.redact(spent).await }).await
    }

    /// Deletes a ticket for good.
    pub(crate) async fn delete(&self, ticket: String) -> Result<(), Refused> {
        check_id("ticket", &ticket)?;
        let act = DeleteTicket { ticket, within: decide::deletable(self.grant()) };
        let desk = self.desk.clone();
        self.gate.pass(&self.authority, act, |spent| async move { desk.delete(spent).await }).await
    }
}
