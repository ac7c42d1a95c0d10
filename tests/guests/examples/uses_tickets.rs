//! Calls every function of `tickets` once, on the event's ticket, and logs each result.
//! Must be refused at load without a grant for `tickets`, and at each call that the grant does not cover.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::{Changes, Field, NewComment};

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let ticket = event.ticket_id()?;
        log::info!("get: {:?}", tickets::get(ticket, &[Field::Subject, Field::Status]));
        let comments = tickets::comments(ticket, None);
        log::info!("comments: {comments:?}");
        log::info!(
            "add-comment: {:?}",
            tickets::add_comment(ticket, NewComment::internal("From a guest.").key("guest"))
        );
        log::info!("update: {:?}", tickets::update(ticket, Changes::new().add_tag("guest")));
        let comment = comments.ok().and_then(|all| all.first().map(|first| first.id.clone())).unwrap_or_default();
        log::info!("redact: {:?}", tickets::redact(ticket, &comment, &[(0..1).into()]));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
