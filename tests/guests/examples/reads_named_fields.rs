//! Reads the ticket's fields that the event's data lists (`{"fields":["subject"]}`) and logs the ticket or the error.
//! Must get only what was asked for; must be refused for a field that is not granted, and for one that does not exist.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data = event.json()?;
        let fields: Vec<&str> =
            data["fields"].as_array().into_iter().flatten().filter_map(|name| name.as_str()).collect();
        log::info!("{:?}", tickets::get_named(event.ticket_id()?, &fields));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
