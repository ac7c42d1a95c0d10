//! The trigger `events`: the help desk says that something happened.

use std::marker::PhantomData;

use serde::Deserialize;

use crate::types::WitError;
use crate::{Error, panic_log};

#[doc(hidden)]
pub mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world events { export portcullis:plugin/events@0.1.0; }",
        with: { "portcullis:plugin/types@0.1.0": crate::types::wit::portcullis::plugin::types },
        additional_derives: [PartialEq],
        pub_export_macro: true,
        generate_all,
    });
}

pub use wit::exports::portcullis::plugin::events::Event;

/// A plugin that reacts to events.
///
/// Scope: `events:receive types=...` for each kind of event that is to be delivered.
pub trait Events {
    /// Handles one event, in a fresh instance: nothing is left in memory from one call to the next.
    ///
    /// The host delivers at least once, so effects must bear being repeated: give comments an idempotency
    /// key, make updates that say what should be and not what should change, and write to `kv` last.
    /// See [`Error`] for what each error makes the host do.
    fn handle(event: Event) -> Result<(), Error>;
}

impl Event {
    /// The event's data, read into a type of the plugin's own. Fields that the grant leaves out are absent,
    /// so make them `Option`s.
    ///
    /// Errors: `invalid` when the data has another shape.
    pub fn data<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        Ok(serde_json::from_str(&self.data)?)
    }

    /// The event's data as untyped JSON.
    ///
    /// Errors: `invalid` when it is no JSON.
    pub fn json(&self) -> Result<serde_json::Value, Error> {
        self.data()
    }

    /// The id of the ticket that the event is about: `1042` of the subject `zen:ticket:1042`.
    ///
    /// Errors: `invalid` when the event is about something else.
    pub fn ticket_id(&self) -> Result<&str, Error> {
        self.subject
            .as_deref()
            .and_then(|subject| subject.strip_prefix("zen:ticket:"))
            .filter(|id| !id.is_empty())
            .ok_or_else(|| Error::invalid("event: its subject is no ticket"))
    }
}

/// Stands between the generated export and the plugin's trait.
#[doc(hidden)]
pub struct Exported<P, const LOG_PANICS: bool>(PhantomData<P>);

impl<P: Events, const LOG_PANICS: bool> wit::exports::portcullis::plugin::events::Guest for Exported<P, LOG_PANICS> {
    fn handle(event: Event) -> Result<(), WitError> {
        // A constant, so that a plugin without it does not even import `log`.
        if LOG_PANICS {
            panic_log::install();
        }
        P::handle(event).map_err(WitError::from)
    }
}
