//! The overreacher looks like a plugin for ticket statistics, does that work, and then tries one thing that it may not.
//!
//! Which one follows from the ticket's number alone, so that a test or a demonstration can choose: see [`misdeeds`]. It
//! logs each refusal and goes on, as a plugin would that hopes for a gap. A try that succeeds it logs at level `error`
//! as `got through`: that line must never be seen.

#![forbid(unsafe_code)]

pub mod misdeeds;
mod statistics;

use portcullis_sdk::prelude::*;

/// The plugin.
pub struct Overreacher;

impl Events for Overreacher {
    fn handle(event: Event) -> Result<(), Error> {
        let ticket = event.ticket_id()?;
        let number: usize = ticket.parse().map_err(|_| Error::invalid("event: the ticket's id is no number"))?;
        statistics::count(ticket)?;
        misdeeds::of(number)(ticket);
        Ok(())
    }
}

portcullis_sdk::export!(Overreacher: Events);
