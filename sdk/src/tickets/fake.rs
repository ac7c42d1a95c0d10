//! The help desk's tickets of plain tests: a map that keeps the real host's rules.

use std::collections::{BTreeMap, BTreeSet};

use super::{Changes, Comment, NewComment, Span, Status, Ticket};
use crate::testing::{Host, with_host};
use crate::types::WitError;

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

impl Desk {
    fn entry(&mut self, id: &str) -> Result<&mut Entry, WitError> {
        self.0.get_mut(id).ok_or(WitError::NotFound)
    }
}

impl Host {
    /// Puts a ticket into the help desk; a plugin sees only the fields that it asks for and is granted.
    pub fn with_ticket(self, ticket: Ticket) -> Self {
        let entry = Entry { ticket, comments: Vec::new(), keys: BTreeMap::new() };
        self.part(|desk: &mut Desk| desk.0.insert(entry.ticket.id.clone(), entry));
        self
    }

    /// Puts a public comment on a ticket, which is made if need be.
    pub fn with_comment(self, ticket: &str, id: &str, body: &str) -> Self {
        self.part(|desk: &mut Desk| {
            let entry = desk.0.entry(ticket.to_owned()).or_insert_with(|| Entry {
                ticket: Ticket::new(ticket),
                comments: Vec::new(),
                keys: BTreeMap::new(),
            });
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
        let names: Vec<(&str, &str)> = fields.iter().map(|name| ("fields", name.as_str())).collect();
        let nothing = Ticket::blank(id);
        let mut found = nothing.clone();
        // An unknown name is `invalid` before anything is looked up.
        fields.iter().try_for_each(|name| pick(&mut found, &nothing, name))?;
        host.require("tickets:read", &names)?;
        host.part(|desk: &mut Desk| {
            let ticket = &desk.entry(id)?.ticket;
            fields.iter().try_for_each(|name| pick(&mut found, ticket, name))?;
            Ok(found)
        })
    })
}

/// Copies one field by its name.
fn pick(to: &mut Ticket, from: &Ticket, name: &str) -> Result<(), WitError> {
    match name {
        "subject" => to.subject = from.subject.clone(),
        "description" => to.description = from.description.clone(),
        "status" => to.status = from.status,
        "priority" => to.priority = from.priority,
        "type" => to.kind = from.kind,
        "requester_id" => to.requester_id = from.requester_id.clone(),
        "assignee_id" => to.assignee_id = from.assignee_id.clone(),
        "organization_id" => to.organization_id = from.organization_id.clone(),
        "tags" => to.tags = from.tags.clone(),
        "custom_fields" => to.custom_fields = from.custom_fields.clone(),
        "created_at" => to.created_at = from.created_at.clone(),
        "updated_at" => to.updated_at = from.updated_at.clone(),
        _ => return Err(WitError::Invalid(format!("fields: a ticket has no field `{name}`"))),
    }
    Ok(())
}

pub(super) fn comments(ticket: &str, after: Option<&str>) -> Result<Vec<Comment>, WitError> {
    with_host(|host| {
        host.require("tickets:read", &[("fields", "comments")])?;
        host.part(|desk: &mut Desk| {
            let comments = &desk.entry(ticket)?.comments;
            let seen = after.and_then(|id| comments.iter().position(|comment| comment.id == id)).map_or(0, |at| at + 1);
            Ok(comments.iter().skip(seen).take(PAGE).cloned().collect())
        })
    })
}

pub(super) fn add_comment(ticket: &str, comment: &NewComment) -> Result<String, WitError> {
    with_host(|host| {
        let visibility = if comment.public { "public" } else { "internal" };
        host.require("tickets:comment", &[("visibility", visibility)])?;
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

pub(super) fn redact(ticket: &str, comment: &str, spans: &[Span]) -> Result<(), WitError> {
    with_host(|host| {
        host.require("tickets:redact", &[])?;
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
