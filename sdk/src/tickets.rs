//! The capability `tickets`: find, read, answer, change, redact and delete tickets of the help desk.
//!
//! A ticket holds only the fields that were asked for, and asking for one that is not granted is an error:
//! name no more than the code uses. A grant can show a field masked (`j•••@•••`) or as a token, and can be about
//! some tickets only (`where=`): the others are not found, and fields that are not shown of one ticket are absent.

#[cfg(not(target_family = "wasm"))]
mod build;
#[cfg(not(target_family = "wasm"))]
pub(crate) mod fake;
mod field;
mod search;

#[cfg(not(target_family = "wasm"))]
use fake as host;
#[cfg(target_family = "wasm")]
use wit::portcullis::plugin::tickets as host;

use std::ops::Range;

use crate::{CustomField, Error};

#[expect(missing_docs, reason = "the names are Zendesk's, and wit/ says what they mean")]
mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world tickets { import portcullis:plugin/tickets@0.1.0; }",
        with: { "portcullis:plugin/types@0.1.0": crate::types::wit::portcullis::plugin::types },
        additional_derives: [PartialEq],
        generate_all,
    });
}

pub use field::Field;
pub use search::{Pages, Search, search};
pub use wit::portcullis::plugin::tickets::{
    Changes, Comment, Kind, NewComment, Page, Priority, Query, Sort, Span, Status, Ticket,
};

/// Reads the named fields of one ticket.
///
/// Scope: `tickets:read fields=...` for every field named.
/// Errors: `denied`, `not-found`, `unavailable`.
pub fn get(id: &str, fields: &[Field]) -> Result<Ticket, Error> {
    let names: Vec<&str> = fields.iter().map(|field| field.name()).collect();
    get_named(id, &names)
}

/// [`get`] with the fields' names as text: for names that come from data, or that are newer than this SDK.
///
/// Errors: as [`get`], and `invalid` for an unknown field.
pub fn get_named(id: &str, fields: &[&str]) -> Result<Ticket, Error> {
    let names: Vec<String> = fields.iter().map(|&name| name.to_owned()).collect();
    Ok(host::get(id, &names)?)
}

/// The ticket's comments, oldest first, at most 100; `after` is the id of the last one already seen.
///
/// Scope: `tickets:read fields=comments`. Errors: `denied`, `not-found`, `unavailable`.
pub fn comments(ticket: &str, after: Option<&str>) -> Result<Vec<Comment>, Error> {
    Ok(host::comments(ticket, after)?)
}

/// One comment by its id, looked for in the ticket's comments page by page.
///
/// Scope: `tickets:read fields=comments`. Errors: `denied`, `not-found` (ticket or comment), `unavailable`.
pub fn comment(ticket: &str, id: &str) -> Result<Comment, Error> {
    let mut after: Option<String> = None;
    loop {
        let page = comments(ticket, after.as_deref())?;
        let Some(last) = page.last() else {
            return Err(Error::NotFound);
        };
        after = Some(last.id.clone());
        if let Some(found) = page.into_iter().find(|comment| comment.id == id) {
            return Ok(found);
        }
    }
}

/// Adds a comment and returns its id.
///
/// Scope: `tickets:comment visibility=internal`, or `visibility=public` for a public one.
/// Errors: `denied`, `invalid`, `not-found`, `conflict` (the key was used with another text), `unavailable`.
pub fn add_comment(ticket: &str, comment: NewComment) -> Result<String, Error> {
    Ok(host::add_comment(ticket, &comment)?)
}

/// Changes a ticket. Doing it twice is the same as doing it once.
///
/// Scope: `tickets:write fields=...` for every field that is changed (`status`, `priority`, `tags`).
/// Errors: `denied`, `invalid`, `not-found`, `conflict` (the ticket is closed), `unavailable`.
pub fn update(ticket: &str, changes: Changes) -> Result<(), Error> {
    Ok(host::update(ticket, &changes)?)
}

/// Replaces each character of the spans by a block (U+2587) in the stored comment, for good. Positions do not
/// move, so doing it twice is the same as doing it once.
///
/// Scope: `tickets:redact`.
/// Errors: `denied`, `invalid` (a span outside the text), `not-found`, `unavailable`.
pub fn redact(ticket: &str, comment: &str, spans: &[Span]) -> Result<(), Error> {
    Ok(host::redact(ticket, comment, spans)?)
}

/// Deletes a ticket with its comments and attachments, for good.
///
/// Scope: `tickets:delete`. Errors: `denied`, `not-found` (the second time too), `unavailable`.
pub fn delete(ticket: &str) -> Result<(), Error> {
    Ok(host::delete(ticket)?)
}

impl NewComment {
    /// An internal note, which only agents see. 1 byte to 64 KiB of plain text.
    pub fn internal(body: impl Into<String>) -> Self {
        Self { body: body.into(), public: false, idempotency_key: None }
    }

    /// A public answer, which the requester gets. 1 byte to 64 KiB of plain text.
    pub fn public(body: impl Into<String>) -> Self {
        Self { public: true, ..Self::internal(body) }
    }

    /// Two calls with the same key on the same ticket add one comment, however often the event is delivered.
    /// At most 128 characters. Without a key the host derives one from the event and the call's position.
    pub fn key(self, key: impl Into<String>) -> Self {
        Self { idempotency_key: Some(key.into()), ..self }
    }
}

impl Changes {
    /// No change yet.
    pub fn new() -> Self {
        Self { status: None, priority: None, add_tags: Vec::new(), remove_tags: Vec::new() }
    }

    /// Sets the status.
    pub fn status(self, status: Status) -> Self {
        Self { status: Some(status), ..self }
    }

    /// Sets the priority.
    pub fn priority(self, priority: Priority) -> Self {
        Self { priority: Some(priority), ..self }
    }

    /// Adds a tag; one that is there already is no error.
    pub fn add_tag(mut self, tag: impl Into<String>) -> Self {
        self.add_tags.push(tag.into());
        self
    }

    /// Removes a tag; one that is not there is no error.
    pub fn remove_tag(mut self, tag: impl Into<String>) -> Self {
        self.remove_tags.push(tag.into());
        self
    }
}

impl Default for Changes {
    fn default() -> Self {
        Self::new()
    }
}

impl Ticket {
    /// A custom field by its id or key, if the ticket was read with them and has it.
    pub fn custom_field(&self, id: &str) -> Option<&CustomField> {
        self.custom_fields.as_ref()?.iter().find(|field| field.id == id)
    }
}

/// From the first character meant to the first one not meant, counted in `char`s.
impl From<Range<u32>> for Span {
    fn from(range: Range<u32>) -> Self {
        Self { start: range.start, end: range.end }
    }
}
