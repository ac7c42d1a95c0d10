//! One request of a back end: each method is one function of a capability, called as a guest's host function calls it.
//!
//! Invariants: each act counts as a call into the host; nothing here reaches a service but through a capability's ways.

use std::{collections::BTreeSet, future::Future, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    budget::Resource,
    error::ServiceError,
    helpdesk::{
        Comment, FindBy, Organization, OrganizationField, PAGE, Query, Sort, Ticket, TicketField, UpdateTicket, User,
        UserField,
    },
    id::ClientId,
    platform::{Changes, Fields, Identity, NewComment, Part, Rate, Refusal, Session, Since, Window},
};
use portcullis_runtime::{
    Visit,
    gate::{Gate, Refused},
};

use super::platform::{ended, refusal};
use crate::{
    Capabilities, States,
    tickets::ways::{self, MAX_ID},
};

/// How far back a change must lie to be exported: nothing changes before that any more.
const SETTLED: Duration = Duration::from_secs(60);

/// How often a search goes on by itself where it has looked at much and found nothing.
const ROUNDS: usize = 10;

/// A session.
pub(super) struct Open {
    visit: Visit<Capabilities>,
    states: States,
    client: ClientId,
}

impl Open {
    pub fn new(visit: Visit<Capabilities>, client: ClientId) -> Self {
        let states = visit.states();
        Self { visit, states, client }
    }

    /// Does one thing within the visit's time.
    async fn within<T>(
        visit: &mut Visit<Capabilities>,
        work: impl Future<Output = Result<T, Refused>> + Send,
    ) -> Result<T, Refusal> {
        let wall = visit.gate().call().limits.wall();
        visit.within(work).await.map_err(|end| ended(end, wall))?.map_err(refusal)
    }
}

/// Counts a call into the host, as a guest's is counted; past the limit nothing more is done.
fn count(gate: &Gate) -> Result<(), Refused> {
    gate.count().map_err(|_| ServiceError::limited("host-calls", gate.call().limits.host_calls).into())
}

/// What is asked for; where nothing is readable at all, the least that could be, so that the refusal names it.
fn named<F: Ord>(asked: Fields<F>, readable: BTreeSet<F>, least: F) -> BTreeSet<F> {
    match asked {
        Some(fields) => fields,
        None if readable.is_empty() => [least].into(),
        None => readable,
    }
}

/// A list of which the last one's id is the cursor.
fn part<T>(items: Vec<T>, most: u32, id: impl Fn(&T) -> String) -> Part<T> {
    let full = items.len() >= most as usize;
    let next = items.last().filter(|_| full).map(id);
    Part { items, next }
}

#[async_trait]
impl Session for Open {
    fn rate(&self) -> Rate {
        let (allowed, left) = self.visit.gate().hourly(Resource::Calls);
        Rate { allowed, left }
    }

    fn identity(&self) -> Identity {
        let call = self.visit.gate().call();
        Identity { client: self.client.clone(), installation: call.installation.clone(), plugin: call.plugin.clone() }
    }

    async fn me(&mut self) -> Result<Identity, Refusal> {
        let (identity, tickets) = (self.identity(), &self.states.tickets);
        let work = async { count(tickets.gate()).map(|()| identity) };
        Self::within(&mut self.visit, work).await
    }

    async fn ticket(&mut self, id: String, fields: Fields<TicketField>) -> Result<Ticket, Refusal> {
        let tickets = &self.states.tickets;
        let fields = named(fields, tickets.readable(), TicketField::Status);
        let work = async {
            count(tickets.gate())?;
            tickets.ticket(id, fields).await
        };
        Self::within(&mut self.visit, work).await
    }

    async fn tickets(
        &mut self,
        query: Query,
        sort: Sort,
        fields: Fields<TicketField>,
        window: Window,
    ) -> Result<Part<Ticket>, Refusal> {
        let tickets = &self.states.tickets;
        let fields = named(fields, tickets.readable(), TicketField::Status);
        let work = async {
            let mut after = window.after;
            let mut rounds = 0;
            loop {
                count(tickets.gate())?;
                let found = tickets.find(query.clone(), sort, fields.clone(), window.most, after).await?;
                rounds += 1;
                // A client takes an empty part for the end.
                match found.next {
                    Some(next) if found.tickets.is_empty() && rounds < ROUNDS => after = Some(next),
                    next => return Ok(Part { items: found.tickets, next }),
                }
            }
        };
        Self::within(&mut self.visit, work).await
    }

    async fn changes(&mut self, since: Since, fields: Fields<TicketField>, most: u32) -> Result<Changes, Refusal> {
        let tickets = &self.states.tickets;
        let fields = named(fields, tickets.readable(), TicketField::Status);
        let settled = i64::try_from(SETTLED.as_millis()).unwrap_or(i64::MAX);
        let before = tickets.gate().now().0.saturating_sub(settled);
        let since = match since {
            Since::Time(at) => ways::Since::Time(at),
            Since::Cursor(text) => ways::Since::Cursor(text),
        };
        let work = async {
            count(tickets.gate())?;
            tickets.changes(since, before, fields, most).await
        };
        let changed = Self::within(&mut self.visit, work).await?;
        Ok(Changes { tickets: changed.tickets, next: changed.next, end: changed.end })
    }

    async fn comments(&mut self, ticket: String, window: Window) -> Result<Part<Comment>, Refusal> {
        let tickets = &self.states.tickets;
        let most = tickets.gate().page(window.most.clamp(1, PAGE));
        let work = async {
            count(tickets.gate())?;
            tickets.comments(ticket, window.after, most).await
        };
        let all = Self::within(&mut self.visit, work).await?;
        Ok(part(all, most, |comment| comment.id.clone()))
    }

    async fn change(
        &mut self,
        ticket: String,
        change: Option<UpdateTicket>,
        comment: Option<NewComment>,
    ) -> Result<Option<String>, Refusal> {
        let tickets = &self.states.tickets;
        let work = async {
            // What is refused for sure comes first, so that nothing is done by halves; else the comment does, since what is
            // changed may take the ticket out of what may be commented on.
            let refused = change.as_ref().is_some_and(|change| !tickets.may_update(change));
            let (early, late) = if refused { (change, None) } else { (None, change) };
            update(tickets, &ticket, early).await?;
            let added = match comment {
                None => None,
                Some(comment) => Some(add(tickets, &ticket, comment).await?),
            };
            update(tickets, &ticket, late).await.map(|()| added)
        };
        Self::within(&mut self.visit, work).await
    }

    async fn delete(&mut self, ticket: String) -> Result<(), Refusal> {
        let tickets = &self.states.tickets;
        let work = async {
            count(tickets.gate())?;
            tickets.delete(ticket).await
        };
        Self::within(&mut self.visit, work).await
    }

    async fn glance(&mut self, ticket: String) -> Result<Ticket, Refusal> {
        let only = || Ticket { id: ticket.clone(), ..Ticket::default() };
        if self.states.tickets.readable().is_empty() {
            return Ok(only());
        }
        // What was done is done: that it cannot be shown any more, for one because it is now outside of `where=`, is no failure.
        self.ticket(ticket.clone(), None).await.or_else(|_| Ok(only()))
    }

    async fn user(&mut self, id: String, fields: Fields<UserField>) -> Result<User, Refusal> {
        let users = &self.states.users;
        let fields = named(fields, users.readable(), UserField::Name);
        let work = async {
            count(users.gate())?;
            users.user(id, fields).await
        };
        Self::within(&mut self.visit, work).await
    }

    async fn users(&mut self, by: FindBy, fields: Fields<UserField>, window: Window) -> Result<Part<User>, Refusal> {
        let users = &self.states.users;
        let fields = named(fields, users.readable(), UserField::Name);
        let most = users.gate().page(window.most.clamp(1, PAGE));
        let work = async {
            count(users.gate())?;
            users.find_users(by, fields, window.after, most).await
        };
        let all = Self::within(&mut self.visit, work).await?;
        Ok(part(all, most, |user| user.id.clone()))
    }

    async fn organization(&mut self, id: String, fields: Fields<OrganizationField>) -> Result<Organization, Refusal> {
        let users = &self.states.users;
        let fields = named(fields, users.readable_of_organizations(), OrganizationField::Name);
        let work = async {
            count(users.gate())?;
            users.organization(id, fields).await
        };
        Self::within(&mut self.visit, work).await
    }

    async fn organizations(
        &mut self,
        fields: Fields<OrganizationField>,
        window: Window,
    ) -> Result<Part<Organization>, Refusal> {
        let users = &self.states.users;
        let fields = named(fields, users.readable_of_organizations(), OrganizationField::Name);
        let most = users.gate().page(window.most.clamp(1, PAGE));
        let work = async {
            count(users.gate())?;
            users.organizations(fields, window.after, most).await
        };
        let all = Self::within(&mut self.visit, work).await?;
        Ok(part(all, most, |one| one.id.clone()))
    }
}

async fn update(tickets: &crate::tickets::State, ticket: &str, change: Option<UpdateTicket>) -> Result<(), Refused> {
    let Some(change) = change else { return Ok(()) };
    count(tickets.gate())?;
    tickets.update(UpdateTicket { ticket: ticket.to_owned(), ..change }).await
}

async fn add(tickets: &crate::tickets::State, ticket: &str, comment: NewComment) -> Result<String, Refused> {
    count(tickets.gate())?;
    let key = match comment.key {
        Some(key) if !(1..=MAX_ID).contains(&key.len()) => {
            return Err(ServiceError::Invalid("Idempotency-Key: expected 1 to 128 bytes".into()).into());
        }
        Some(key) => format!("own-{key}"),
        // A request has an id of its own: what is sent again without a key is another comment.
        None => format!("auto-{}", tickets.gate().call().id),
    };
    tickets.add_comment(ticket.to_owned(), comment.body, comment.public, key).await
}
