//! Card guard covers card numbers in new comments and tells the agents that it did.
//!
//! The effects, in this order: redact the comment, add an internal note, tag the ticket. Covering comes first because
//! it is what matters. Each can be repeated without harm, and a delivery that broke off after the first finds its own
//! blocks in the text and goes on from there.

#![forbid(unsafe_code)]

mod brands;
mod digits;
pub mod finder;

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::{Changes, NewComment, Span};
use serde::Deserialize;

const COMMENT_ADDED: &str = "zen:event-type:ticket.comment_added";
const TAG: &str = "card-redacted";

/// The plugin.
pub struct CardGuard;

#[derive(Deserialize)]
struct Data {
    event: Change,
}

#[derive(Deserialize)]
struct Change {
    /// Absent where the grant does not speak of this ticket's comments.
    comment: Option<Comment>,
}

#[derive(Deserialize)]
struct Comment {
    id: String,
    /// Absent where the grant leaves it out of events.
    body: Option<String>,
}

impl Events for CardGuard {
    fn handle(event: Event) -> Result<(), Error> {
        if event.kind != COMMENT_ADDED {
            return Ok(());
        }
        let ticket = event.ticket_id()?;
        let Some(Comment { id, body }) = event.data::<Data>()?.event.comment else { return Ok(()) };
        let body = match body {
            Some(body) => body,
            None => tickets::comment(ticket, &id)?.body,
        };

        let mut numbers = cover(ticket, &id, &body)?;
        if numbers == 0 && event.attempt > 1 {
            // An earlier attempt may have covered them and then broken off.
            numbers = finder::covered(&body);
        }
        if numbers > 0 {
            tell(ticket, &id, numbers)?;
        }
        Ok(())
    }
}

/// Covers the card numbers of a comment and returns how many there were.
fn cover(ticket: &str, comment: &str, body: &str) -> Result<usize, Error> {
    let found = finder::find(body);
    if found.numbers == 0 {
        return Ok(0);
    }
    let spans: Vec<Span> = found.middles.into_iter().map(Span::from).collect();
    tickets::redact(ticket, comment, &spans)?;
    log::info!("covered {} numbers", found.numbers);
    Ok(found.numbers)
}

fn tell(ticket: &str, comment: &str, numbers: usize) -> Result<(), Error> {
    let what = if numbers == 1 { "1 card number was".to_owned() } else { format!("{numbers} card numbers were") };
    let note = format!("{what} covered in a comment. The first 6 and last 4 digits are left.");
    let note = NewComment::internal(note).key(format!("card-guard-{comment}"));
    match tickets::add_comment(ticket, note) {
        // The key was used with another count, so the agents have been told.
        Err(Error::Conflict) => {}
        other => unless_denied(other.map(drop))?,
    }
    match tickets::update(ticket, Changes::new().add_tag(TAG)) {
        // Nobody can tag a closed ticket; the number is covered all the same.
        Err(Error::Conflict) => Ok(()),
        other => unless_denied(other),
    }
}

/// Note and tag are optional scopes: an admin who did not grant them did not want them.
fn unless_denied(result: Result<(), Error>) -> Result<(), Error> {
    match result {
        Err(Error::Denied(denial)) => {
            log::info!("left out: {} is not granted", denial.scope);
            Ok(())
        }
        other => other,
    }
}

portcullis_sdk::export!(CardGuard: Events);
