//! Returns an error with 16 MiB of text.
//! Must be cut off or refused at the output limit; neither the queue nor the audit log may hold it. Give it the greatest
//! memory limit (64 MiB): with less it traps before it can return.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(_: Event) -> Result<(), Error> {
        Err(Error::Invalid("x".repeat(16 * 1024 * 1024)))
    }
}

portcullis_sdk::export!(Guest: Events);
