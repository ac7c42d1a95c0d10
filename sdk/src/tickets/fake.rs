//! The help desk's tickets of plain tests: a map that keeps the real host's rules.

mod search;

use std::collections::{BTreeMap, BTreeSet};

pub(super) use search::search;

use super::{Changes, Comment, Kind, NewComment, Priority, Span, Status, Ticket};
use crate::testing::{Facts, Host, with_host};
use crate::types::WitError;

const READ: &str = "tickets:read";
/// What can be read with `get` and `search`.
const NAMES: [&str; 13] = [
    "subject",
    "description",
    "status",
    "priority",
    "type",
    "requester_id",
    "assignee_id",
    "organization_id",
    "tags",
    "custom_fields",
    "created_at",
    "updated_at",
    "brand_id",
];

const COMMENT_BYTES: usize = 64 * 1024;
const PAGE: usize = 100;
const BLOCK: char = '\u{2587}';

#[derive(Default)]
struct Desk(BTreeMap<String, Entry>);

struct Entry {
    ticket: Ticket,
    comments: Vec<Comment>,
    /// Idempotency key to what it was used for: the comment's id, body and visibility.
    keys: BTreeMap<String, (String, NewComment)>,
}

impl Entry {
    fn new(ticket: Ticket) -> Self {
        Self { ticket, comments: Vec::new(), keys: BTreeMap::new() }
    }
}

/// Makes a ticket of this id if there is none.
pub(crate) fn ensure(host: &Host, ticket: &str) {
    host.part(|desk: &mut Desk| {
        desk.0.entry(ticket.to_owned()).or_insert_with(|| Entry::new(Ticket::new(ticket)));
    });
}

/// What `where=` can tell a ticket apart by.
pub(crate) fn facts(ticket: &Ticket) -> Facts {
    Facts::default()
        .with("brand", ticket.brand_id.clone())
        .with("organization", ticket.organization_id.clone())
        .with("status", ticket.status.map(status))
        .with("priority", ticket.priority.map(priority))
        .with("type", ticket.kind.map(kind))
        .with("assignee", ticket.assignee_id.clone())
        .with("requester", ticket.requester_id.clone())
}

/// A ticket that a granted scope of the action reaches; any other is not there.
pub(crate) fn within(host: &Host, action: &str, needs: &[(&str, &str)], ticket: &str) -> Result<Facts, WitError> {
    let facts = host.part(|desk: &mut Desk| desk.entry(ticket).map(|entry| facts(&entry.ticket)))?;
    if host.reaches(action, needs, &facts) { Ok(facts) } else { Err(WitError::NotFound) }
}

fn status(status: Status) -> &'static str {
    match status {
        Status::New => "new",
        Status::Open => "open",
        Status::Pending => "pending",
        Status::Hold => "hold",
        Status::Solved => "solved",
        Status::Closed => "closed",
    }
}

fn priority(priority: Priority) -> &'static str {
    match priority {
        Priority::Low => "low",
        Priority::Normal => "normal",
        Priority::High => "high",
        Priority::Urgent => "urgent",
    }
}

fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Problem => "problem",
        Kind::Incident => "incident",
        Kind::Question => "question",
        Kind::Task => "task",
    }
}

impl Desk {
    fn entry(&mut self, id: &str) -> Result<&mut Entry, WitError> {
        self.0.get_mut(id).ok_or(WitError::NotFound)
    }
}

impl Host {
    /// Puts a ticket into the help desk; a plugin sees only the fields that it asks for and is granted.
    pub fn with_ticket(self, ticket: Ticket) -> Self {
        self.part(|desk: &mut Desk| desk.0.insert(ticket.id.clone(), Entry::new(ticket)));
        self
    }

    /// Puts a public comment on a ticket, which is made if need be.
    pub fn with_comment(self, ticket: &str, id: &str, body: &str) -> Self {
        self.part(|desk: &mut Desk| {
            let entry = desk.0.entry(ticket.to_owned()).or_insert_with(|| Entry::new(Ticket::new(ticket)));
            entry.comments.push(Comment {
                id: id.to_owned(),
                author_id: "1".to_owned(),
                body: body.to_owned(),
                public: true,
                created_at: "2026-11-02T09:30:00Z".to_owned(),
            });
        });
        self
    }

    /// A ticket as it stands now, with all its fields.
    ///
    /// # Panics
    /// When there is no such ticket.
    #[track_caller]
    pub fn ticket(&self, id: &str) -> Ticket {
        match self.part(|desk: &mut Desk| desk.0.get(id).map(|entry| entry.ticket.clone())) {
            Some(ticket) => ticket,
            None => panic!("the test's host has no ticket `{id}`"),
        }
    }

    /// A ticket's comments as they stand now, oldest first; none for a ticket that is not there.
    pub fn comments(&self, ticket: &str) -> Vec<Comment> {
        self.part(|desk: &mut Desk| desk.0.get(ticket).map(|entry| entry.comments.clone()).unwrap_or_default())
    }
}

pub(super) fn get(id: &str, fields: &[String]) -> Result<Ticket, WitError> {
    with_host(|host| {
        check_names(fields)?;
        let names: Vec<(&str, &str)> = fields.iter().map(|name| ("fields", name.as_str())).collect();
        host.require(READ, &names)?;
        let ticket = host.part(|desk: &mut Desk| desk.entry(id).map(|entry| entry.ticket.clone()))?;
        if host.shows_any(READ, fields, &facts(&ticket)) {
            Ok(show(host, &ticket, fields))
        } else {
            Err(WitError::NotFound)
        }
    })
}

/// An unknown name is `invalid` before anything is looked up.
fn check_names(fields: &[String]) -> Result<(), WitError> {
    let invalid = |what: String| Err(WitError::Invalid(format!("fields: {what}")));
    match fields.iter().find(|name| !NAMES.contains(&name.as_str())) {
        Some(name) if name == "comments" => invalid("read 'comments' with the function comments".to_owned()),
        Some(name) => invalid(format!("a ticket has no field `{name}`")),
        None if fields.is_empty() => invalid("name at least one".to_owned()),
        None => Ok(()),
    }
}

/// The ticket with those of the fields that may be seen of it, as they may be seen.
fn show(host: &Host, ticket: &Ticket, fields: &[String]) -> Ticket {
    let facts = &facts(ticket);
    let asked = |name: &str| fields.iter().any(|field| field == name);
    let text = |name: &str, value: &Option<String>| {
        asked(name).then(|| host.shown(READ, name, facts, value.as_deref())).flatten()
    };
    let clear = |name: &str| asked(name) && host.shows_clear(READ, &[name], facts);
    let custom = || host.shown_custom(READ, "custom_fields", facts, ticket.custom_fields.as_deref());
    Ticket {
        id: ticket.id.clone(),
        subject: text("subject", &ticket.subject),
        description: text("description", &ticket.description),
        status: ticket.status.filter(|_| clear("status")),
        priority: ticket.priority.filter(|_| clear("priority")),
        kind: ticket.kind.filter(|_| clear("type")),
        requester_id: text("requester_id", &ticket.requester_id),
        assignee_id: text("assignee_id", &ticket.assignee_id),
        organization_id: text("organization_id", &ticket.organization_id),
        tags: asked("tags").then(|| host.shown_all(READ, "tags", facts, ticket.tags.as_deref())).flatten(),
        custom_fields: asked("custom_fields").then(custom).flatten(),
        created_at: text("created_at", &ticket.created_at),
        updated_at: text("updated_at", &ticket.updated_at),
        brand_id: text("brand_id", &ticket.brand_id),
    }
}

pub(super) fn comments(ticket: &str, after: Option<&str>) -> Result<Vec<Comment>, WitError> {
    with_host(|host| {
        let needs = [("fields", "comments")];
        host.require(READ, &needs)?;
        let facts = within(host, READ, &needs, ticket)?;
        let comments = host.part(|desk: &mut Desk| desk.entry(ticket).map(|entry| entry.comments.clone()))?;
        let seen = after.and_then(|id| comments.iter().position(|comment| comment.id == id)).map_or(0, |at| at + 1);
        let show = |comment: &Comment| {
            let body = host.shown(READ, "comments", &facts, Some(&comment.body))?;
            let author_id = host.shown(READ, "author_id", &facts, Some(&comment.author_id))?;
            Some(Comment { body, author_id, ..comment.clone() })
        };
        Ok(comments.iter().skip(seen).take(PAGE).filter_map(show).collect())
    })
}

pub(super) fn add_comment(ticket: &str, comment: &NewComment) -> Result<String, WitError> {
    with_host(|host| {
        let visibility = if comment.public { "public" } else { "internal" };
        let needs = [("visibility", visibility)];
        host.require("tickets:comment", &needs)?;
        if comment.body.is_empty() || comment.body.len() > COMMENT_BYTES {
            return Err(WitError::Invalid("body: 1 byte to 64 KiB of text".to_owned()));
        }
        let key = match &comment.idempotency_key {
            Some(key) if key.is_empty() || key.chars().count() > 128 => {
                return Err(WitError::Invalid("idempotency-key: 1 to 128 characters".to_owned()));
            }
            Some(key) => format!("own {key}"),
            None => format!("derived {}", host.position()),
        };
        within(host, "tickets:comment", &needs, ticket)?;
        let id = format!("new-{}", host.next_id());
        host.part(|desk: &mut Desk| {
            let entry = desk.entry(ticket)?;
            if let Some((id, before)) = entry.keys.get(&key) {
                let same = before.body == comment.body && before.public == comment.public;
                return if same { Ok(id.clone()) } else { Err(WitError::Conflict) };
            }
            entry.keys.insert(key, (id.clone(), comment.clone()));
            entry.comments.push(Comment {
                id: id.clone(),
                author_id: "plugin".to_owned(),
                body: comment.body.clone(),
                public: comment.public,
                created_at: "2026-11-02T09:31:00Z".to_owned(),
            });
            Ok(id)
        })
    })
}

pub(super) fn update(ticket: &str, changes: &Changes) -> Result<(), WitError> {
    with_host(|host| {
        let tags = !changes.add_tags.is_empty() || !changes.remove_tags.is_empty();
        let changed: Vec<(&str, &str)> =
            [(changes.status.is_some(), "status"), (changes.priority.is_some(), "priority"), (tags, "tags")]
                .iter()
                .filter_map(|&(changed, name)| changed.then_some(("fields", name)))
                .collect();
        host.require("tickets:write", &changed)?;
        changed.iter().try_for_each(|&need| within(host, "tickets:write", &[need], ticket).map(drop))?;
        host.part(|desk: &mut Desk| {
            let ticket = &mut desk.entry(ticket)?.ticket;
            if ticket.status == Some(Status::Closed) {
                return Err(WitError::Conflict);
            }
            ticket.status = changes.status.or(ticket.status);
            ticket.priority = changes.priority.or(ticket.priority);
            if tags {
                let mut now: BTreeSet<String> = ticket.tags.take().unwrap_or_default().into_iter().collect();
                now.extend(changes.add_tags.iter().cloned());
                now.retain(|tag| !changes.remove_tags.contains(tag));
                ticket.tags = Some(now.into_iter().collect());
            }
            Ok(())
        })
    })
}

pub(super) fn delete(ticket: &str) -> Result<(), WitError> {
    with_host(|host| {
        host.require("tickets:delete", &[])?;
        within(host, "tickets:delete", &[], ticket)?;
        host.part(|desk: &mut Desk| desk.0.remove(ticket).map(drop).ok_or(WitError::NotFound))
    })
}

pub(super) fn redact(ticket: &str, comment: &str, spans: &[Span]) -> Result<(), WitError> {
    with_host(|host| {
        host.require("tickets:redact", &[])?;
        within(host, "tickets:redact", &[], ticket)?;
        host.part(|desk: &mut Desk| {
            let comments = &mut desk.entry(ticket)?.comments;
            let comment = comments.iter_mut().find(|found| found.id == comment).ok_or(WitError::NotFound)?;
            let mut text: Vec<char> = comment.body.chars().collect();
            for span in spans {
                let meant = text
                    .get_mut(span.start as usize..span.end as usize)
                    .ok_or_else(|| WitError::Invalid(format!("spans: {}..{} is outside", span.start, span.end)))?;
                meant.fill(BLOCK);
            }
            comment.body = text.into_iter().collect();
            Ok(())
        })
    })
}
