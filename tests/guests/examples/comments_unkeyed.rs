//! Adds two comments without a key, then fails with `unavailable` on the first attempt.
//! Must leave two comments: the host derives the keys from the event and each call's position in its handling.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::NewComment;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let ticket = event.ticket_id()?;
        for which in ["First", "Second"] {
            let comment = NewComment::internal(format!("{which}, for event {}.", event.id));
            log::info!("comment {}", tickets::add_comment(ticket, comment)?);
        }
        if event.attempt == 1 { Err(Error::Unavailable) } else { Ok(()) }
    }
}

portcullis_sdk::export!(Guest: Events);
