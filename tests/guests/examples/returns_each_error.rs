//! Returns the error that the event's data names: `{"error":"unavailable"}`, `{"error":"none"}` for success.
//! Must be tried again for `limited` and `unavailable`, and put aside for every other.

#![forbid(unsafe_code)]

use portcullis_sdk::{Denial, Limit, prelude::*};

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data = event.json()?;
        Err(match data["error"].as_str() {
            Some("denied") => Error::Denied(Denial {
                id: "made-up".to_owned(),
                scope: "tickets:redact".to_owned(),
                reason: "the guest says so".to_owned(),
                grantor: "admin".to_owned(),
            }),
            Some("not-found") => Error::NotFound,
            Some("limited") => {
                Error::Limited(Limit { name: "made-up".to_owned(), allowed: 1, retry_after_ms: Some(1_000) })
            }
            Some("conflict") => Error::Conflict,
            Some("unavailable") => Error::Unavailable,
            Some("none") => return Ok(()),
            _ => Error::invalid("event: no error named"),
        })
    }
}

portcullis_sdk::export!(Guest: Events);
