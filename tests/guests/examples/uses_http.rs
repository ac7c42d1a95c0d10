//! Calls the one function of `http` once and logs the result.
//! Must be refused at load without a grant for `http`, and at the call that the grant does not cover.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let url = event.json()?["url"].as_str().unwrap_or("https://api.example.test/").to_owned();
        log::info!("send: {:?}", http::Request::get(url).send().map(|answer| answer.status()));
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
