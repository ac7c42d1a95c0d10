//! The host's side of each function in `wit/tickets.wit`.

use std::collections::BTreeSet;

use portcullis_model::{
    helpdesk::{
        AddComment, DeleteTicket, GetTicket, ListComments, PAGE, RedactComment, SearchTickets, TicketField,
        UpdateTicket,
    },
    id::Digest,
    scope::{Grant, Within},
};
use portcullis_runtime::{gate::HostResult, wit::types};

use super::{
    State, convert, cursor, decide,
    scope::{TicketsScope, readings},
    show::Showing,
    wit,
};

/// The most bytes in a comment's text.
const MAX_BODY: usize = 64 * 1024;
/// The most bytes in any id or key that a guest gives.
const MAX_ID: usize = 128;
/// The most spans in one redaction.
const MAX_SPANS: usize = 1_000;

fn invalid<T>(what: impl Into<String>) -> HostResult<T> {
    Ok(Err(types::Error::Invalid(what.into())))
}

fn id_is_fine(id: &str) -> bool {
    (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
}

/// Refuses a malformed id before it gets anywhere, the audit log included.
macro_rules! check_id {
    ($name:literal, $id:expr) => {
        if !id_is_fine($id) {
            return invalid(concat!($name, ": expected 1 to 128 of A-Z a-z 0-9 - _ . :"));
        }
    };
}

/// Reads a list of field names.
fn fields_of(names: &[String]) -> Result<BTreeSet<TicketField>, types::Error> {
    let invalid = |what: String| types::Error::Invalid(format!("fields: {what}"));
    let fields: BTreeSet<TicketField> =
        names.iter().map(|name| name.parse()).collect::<Result<_, String>>().map_err(invalid)?;
    match fields {
        none if none.is_empty() => Err(invalid("name at least one".into())),
        some if some.contains(&TicketField::Comments) => {
            Err(invalid("read 'comments' with the function comments".into()))
        }
        some => Ok(some),
    }
}

impl State {
    /// A key that is the same when the same event is handled again: for guests that give none.
    fn derived_key(&self) -> String {
        let call = self.gate.call();
        format!("auto-{}", Digest::of(format!("{}#{}", call.event, call.acts()).as_bytes()).hex())
    }

    fn grant(&self) -> &Grant<TicketsScope> {
        self.authority.effective()
    }

    fn showing(&self) -> Showing<'_> {
        Showing { readings: readings(self.grant()), veil: &self.veil }
    }
}

impl wit::Host for State {
    async fn get(&mut self, id: String, fields: Vec<String>) -> HostResult<wit::Ticket> {
        self.gate.count()?;
        check_id!("id", &id);
        let fields = match fields_of(&fields) {
            Ok(fields) => fields,
            Err(error) => return Ok(Err(error)),
        };
        let desk = self.desk.clone();
        let within = readings(self.grant()).within_any(&fields);
        let act = GetTicket { id, fields: fields.clone(), within };
        let got = self.gate.act(&self.authority, act, |spent| async move { desk.ticket(spent).await }).await?;
        Ok(got.map(|seen| convert::ticket(self.showing().ticket(seen, &fields))))
    }

    async fn search(
        &mut self,
        query: wit::Query,
        order: wit::Sort,
        fields: Vec<String>,
        most: u32,
        after: Option<String>,
    ) -> HostResult<wit::Page> {
        self.gate.count()?;
        let (query, fields) = match (convert::query(query), fields_of(&fields)) {
            (Ok(query), Ok(fields)) => (query, fields),
            (Err(problem), _) => return invalid(problem),
            (_, Err(error)) => return Ok(Err(error)),
        };
        let sort = convert::sort(order);
        let after = match after.map(|text| cursor::read(&self.veil, &query, sort, &text)) {
            Some(None) => return invalid("after: not a cursor of this query"),
            known => known.flatten(),
        };
        let most = self.gate.page(most.clamp(1, PAGE));
        let mut act = SearchTickets { query, sort, fields, most, after, within: Within::default() };
        act.within = decide::findable(self.grant(), &act.asked_by(), &act.fields);
        let (query, fields, desk) = (act.query.clone(), act.fields.clone(), self.desk.clone());
        let found = self.gate.act(&self.authority, act, |spent| async move { desk.search(spent).await }).await?;
        Ok(found.map(|found| {
            let showing = self.showing();
            let show = |seen| convert::ticket(showing.ticket(seen, &fields));
            let next = found.next.map(|at| cursor::write(&self.veil, &query, sort, at));
            wit::Page { tickets: found.tickets.into_iter().map(show).collect(), next }
        }))
    }

    async fn comments(&mut self, ticket: String, after: Option<String>) -> HostResult<Vec<wit::Comment>> {
        self.gate.count()?;
        check_id!("ticket", &ticket);
        if let Some(after) = &after {
            check_id!("after", after);
        }
        let most = self.gate.page(PAGE);
        let desk = self.desk.clone();
        let within = readings(self.grant()).within(TicketField::Comments, None);
        let act = ListComments { ticket, after, most, within };
        let got = self.gate.act(&self.authority, act, |spent| async move { desk.comments(spent).await }).await?;
        Ok(got.map(|seen| self.showing().comments(seen).into_iter().map(convert::comment).collect()))
    }

    async fn add_comment(&mut self, ticket: String, comment: wit::NewComment) -> HostResult<String> {
        self.gate.count()?;
        check_id!("ticket", &ticket);
        if !(1..=MAX_BODY).contains(&comment.body.len()) {
            return invalid("comment.body: expected 1 byte to 64 KiB");
        }
        let idempotency_key = match comment.idempotency_key {
            Some(key) if !(1..=MAX_ID).contains(&key.len()) => {
                return invalid("comment.idempotency-key: expected 1 to 128 bytes");
            }
            Some(key) => format!("own-{key}"),
            None => self.derived_key(),
        };
        let desk = self.desk.clone();
        let within = decide::commentable(self.grant(), comment.public);
        let act = AddComment { ticket, body: comment.body, public: comment.public, idempotency_key, within };
        self.gate.act(&self.authority, act, |spent| async move { desk.add_comment(spent).await }).await
    }

    async fn update(&mut self, ticket: String, changes: wit::Changes) -> HostResult<()> {
        self.gate.count()?;
        check_id!("ticket", &ticket);
        let mut act = UpdateTicket {
            ticket,
            status: changes.status.map(convert::status_in),
            priority: changes.priority.map(convert::priority_in),
            add_tags: changes.add_tags,
            remove_tags: changes.remove_tags,
            within: Within::default(),
        };
        act.within = decide::writable(self.grant(), &decide::changed(&act));
        let nothing = act.status.is_none() && act.priority.is_none();
        if nothing && act.add_tags.is_empty() && act.remove_tags.is_empty() {
            return invalid("changes: name at least one");
        }
        let desk = self.desk.clone();
        self.gate.act(&self.authority, act, |spent| async move { desk.update(spent).await }).await
    }

    async fn redact(&mut self, ticket: String, comment: String, spans: Vec<wit::Span>) -> HostResult<()> {
        self.gate.count()?;
        check_id!("ticket", &ticket);
        check_id!("comment", &comment);
        if spans.len() > MAX_SPANS || spans.iter().any(|span| span.start >= span.end) {
            return invalid("spans: expected at most 1,000, each with start < end");
        }
        let spans = spans.iter().map(|span| (span.start, span.end)).collect();
        let desk = self.desk.clone();
        let act = RedactComment { ticket, comment, spans, within: decide::redactable(self.grant()) };
        self.gate.act(&self.authority, act, |spent| async move { desk.redact(spent).await }).await
    }

    async fn delete(&mut self, ticket: String) -> HostResult<()> {
        self.gate.count()?;
        check_id!("ticket", &ticket);
        let act = DeleteTicket { ticket, within: decide::deletable(self.grant()) };
        let desk = self.desk.clone();
        self.gate.act(&self.authority, act, |spent| async move { desk.delete(spent).await }).await
    }
}
