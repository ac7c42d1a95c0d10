//! Requests the URL in the event's data (`{"url":..}`) in an endless loop, whatever comes back.
//! Must be stopped by the limit of wall-clock time: waiting costs no CPU, but it holds a worker.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data = event.json()?;
        let url = data["url"].as_str().ok_or_else(|| Error::invalid("event: no url"))?;
        loop {
            let _ = http::Request::get(url).send();
        }
    }
}

portcullis_sdk::export!(Guest: Events);
