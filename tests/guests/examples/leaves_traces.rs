//! Keeps the event's `mark` wherever a plugin can keep content: as a value, in a file, in its log.
//! Must leave nothing of it behind when it is erased.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data = event.json()?;
        let mark = data["mark"].as_str().unwrap_or("none");
        kv::open("traces")?.set("mark", mark.repeat(200))?;
        files::write("traces/mark.txt", mark.repeat(300))?;
        log::info!("kept: {mark}");
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events);
