//! Adds a comment with a key of its own, then fails with `unavailable` on the first attempt.
//! Must leave one comment, however often the event is delivered or the host is killed in between.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::NewComment;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let comment = NewComment::internal(format!("Keyed, for event {}.", event.id)).key("comments-keyed");
        log::info!("comment {}", tickets::add_comment(event.ticket_id()?, comment)?);
        if event.attempt == 1 { Err(Error::Unavailable) } else { Ok(()) }
    }
}

portcullis_sdk::export!(Guest: Events);
