//! Reads the event's data and writes it again, and imports nothing at all.
//! Must succeed with no scope but the event's; the benchmark measures the sandbox with it.

#![forbid(unsafe_code)]

use portcullis_sdk::{
    Error,
    events::{Event, Events},
};
use std::hint::black_box;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data: serde_json::Value = event.json()?;
        let text = serde_json::to_string(&data)?;
        black_box(text);
        Ok(())
    }
}

portcullis_sdk::export!(Guest: Events; silent_panics);
