//! The host's side of each function in `wit/tickets.wit`: from the WIT's words to the [ways](super::ways) and back.

use std::collections::BTreeSet;

use portcullis_model::{
    helpdesk::{PAGE, TicketField, UpdateTicket},
    id::Digest,
};
use portcullis_runtime::{gate::HostResult, wit::types};

use super::{State, convert, ways::MAX_ID, wit};

fn invalid(what: impl Into<String>) -> types::Error {
    types::Error::Invalid(what.into())
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
}

impl wit::Host for State {
    async fn get(&mut self, id: String, fields: Vec<String>) -> HostResult<wit::Ticket> {
        self.gate.count()?;
        let fields = match fields_of(&fields) {
            Ok(fields) => fields,
            Err(error) => return self.gate.refuse(error),
        };
        Ok(self.ticket(id, fields).await.map(convert::ticket).map_err(|refused| self.gate.refused(refused)))
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
            (Err(problem), _) => return self.gate.refuse(invalid(problem)),
            (_, Err(error)) => return self.gate.refuse(error),
        };
        let part = self.find(query, convert::sort(order), fields, most, after).await;
        let page = part.map(|part| wit::Page {
            tickets: part.tickets.into_iter().map(convert::ticket).collect(),
            next: part.next,
        });
        Ok(page.map_err(|refused| self.gate.refused(refused)))
    }

    async fn comments(&mut self, ticket: String, after: Option<String>) -> HostResult<Vec<wit::Comment>> {
        self.gate.count()?;
        let all = State::comments(self, ticket, after, PAGE).await;
        Ok(all.map(|all| all.into_iter().map(convert::comment).collect()).map_err(|refused| self.gate.refused(refused)))
    }

    async fn add_comment(&mut self, ticket: String, comment: wit::NewComment) -> HostResult<String> {
        self.gate.count()?;
        let key = match comment.idempotency_key {
            Some(key) if !(1..=MAX_ID).contains(&key.len()) => {
                return self.gate.refuse(invalid("comment.idempotency-key: expected 1 to 128 bytes"));
            }
            Some(key) => format!("own-{key}"),
            None => self.derived_key(),
        };
        let added = State::add_comment(self, ticket, comment.body, comment.public, key).await;
        Ok(added.map_err(|refused| self.gate.refused(refused)))
    }

    async fn update(&mut self, ticket: String, changes: wit::Changes) -> HostResult<()> {
        self.gate.count()?;
        let act = UpdateTicket {
            ticket,
            status: changes.status.map(convert::status_in),
            priority: changes.priority.map(convert::priority_in),
            add_tags: changes.add_tags,
            remove_tags: changes.remove_tags,
            ..UpdateTicket::default()
        };
        Ok(State::update(self, act).await.map_err(|refused| self.gate.refused(refused)))
    }

    async fn redact(&mut self, ticket: String, comment: String, spans: Vec<wit::Span>) -> HostResult<()> {
        self.gate.count()?;
        let spans = spans.iter().map(|span| (span.start, span.end)).collect();
        Ok(State::redact(self, ticket, comment, spans).await.map_err(|refused| self.gate.refused(refused)))
    }

    async fn delete(&mut self, ticket: String) -> HostResult<()> {
        self.gate.count()?;
        Ok(State::delete(self, ticket).await.map_err(|refused| self.gate.refused(refused)))
    }
}
