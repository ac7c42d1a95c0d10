//! Returns an error with as many KiB of text as the event's data says.
//! Must end at the output limit, or, past what one crossing of the boundary may carry, at `host-call-bytes`; neither the
//! queue nor the audit log may hold it. Give it the greatest memory limit (64 MiB): with less it traps before it can return.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let kib = event.json()?["kib"].as_u64().unwrap_or_default() as usize;
        Err(Error::Invalid("x".repeat(kib * 1024)))
    }
}

portcullis_sdk::export!(Guest: Events);
