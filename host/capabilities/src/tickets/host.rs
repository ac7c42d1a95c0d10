//! The host's side of each function in `wit/tickets.wit`.

use std::collections::BTreeSet;

use portcullis_model::{
    helpdesk::{AddComment, GetTicket, ListComments, RedactComment, TicketField, UpdateTicket},
    id::Digest,
};
use portcullis_runtime::{gate::HostResult, wit::types};

use super::{State, convert, wit};

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

impl State {
    /// A key that is the same when the same event is handled again: for guests that give none.
    fn derived_key(&self) -> String {
        let call = self.gate.call();
        format!("auto-{}", Digest::of(format!("{}#{}", call.event, call.acts()).as_bytes()).hex())
    }
}

impl wit::Host for State {
    async fn get(&mut self, id: String, fields: Vec<String>) -> HostResult<wit::Ticket> {
        self.gate.count()?;
        check_id!("id", &id);
        let parsed: Result<BTreeSet<TicketField>, String> = fields.iter().map(|name| name.parse()).collect();
        let fields = match parsed {
            Ok(fields) if fields.is_empty() => return invalid("fields: name at least one"),
            Ok(fields) if fields.contains(&TicketField::Comments) => {
                return invalid("fields: read 'comments' with the function comments");
            }
            Ok(fields) => fields,
            Err(problem) => return invalid(format!("fields: {problem}")),
        };
        let desk = self.desk.clone();
        let act = GetTicket { id, fields };
        let got = self.gate.act(&self.authority, act, |spent| async move { desk.ticket(spent).await }).await?;
        Ok(got.map(convert::ticket))
    }

    async fn comments(&mut self, ticket: String, after: Option<String>) -> HostResult<Vec<wit::Comment>> {
        self.gate.count()?;
        check_id!("ticket", &ticket);
        if let Some(after) = &after {
            check_id!("after", after);
        }
        let desk = self.desk.clone();
        let act = ListComments { ticket, after };
        let got = self.gate.act(&self.authority, act, |spent| async move { desk.comments(spent).await }).await?;
        Ok(got.map(|all| all.into_iter().map(convert::comment).collect()))
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
        let act = AddComment { ticket, body: comment.body, public: comment.public, idempotency_key };
        self.gate.act(&self.authority, act, |spent| async move { desk.add_comment(spent).await }).await
    }

    async fn update(&mut self, ticket: String, changes: wit::Changes) -> HostResult<()> {
        self.gate.count()?;
        check_id!("ticket", &ticket);
        let act = UpdateTicket {
            ticket,
            status: changes.status.map(convert::status_in),
            priority: changes.priority.map(convert::priority_in),
            add_tags: changes.add_tags,
            remove_tags: changes.remove_tags,
        };
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
        let act = RedactComment { ticket, comment, spans };
        self.gate.act(&self.authority, act, |spent| async move { desk.redact(spent).await }).await
    }
}
