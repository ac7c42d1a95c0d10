//! Logs the first eight bytes of the event's `subject`, without looking where characters end or whether there are so many.
//! Must succeed on a long plain text, and trap where a character is cut or the text is too short: input that nobody thought of.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data = event.json()?;
        let subject = data["subject"].as_str().unwrap_or("(no subject)");
        log::info!("begins with {}", &subject[..8]);
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
