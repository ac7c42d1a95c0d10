//! Deletes the event's ticket, twice, and logs each result.
//! Must be denied without `tickets:delete`, and must find no ticket outside of the grant's `where=`, nor one that is gone.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let ticket = event.ticket_id()?;
        log::info!("delete: {:?}", tickets::delete(ticket));
        log::info!("again: {:?}", tickets::delete(ticket));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
