//! Panics.
//! Must trap, and the log must hold one line with the place and the message of the panic.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        panic!("on purpose, for event {}", event.id);
    }
}

portcullis_sdk::export!(Guest: Events);
