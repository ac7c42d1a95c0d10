//! What a Portcullis plugin is written against.
//!
//! A plugin is a type with one trait a trigger, and one line that exports it:
//!
//! ```
//! use portcullis_sdk::prelude::*;
//!
//! struct Greeter;
//!
//! impl Events for Greeter {
//!     fn handle(event: Event) -> Result<(), Error> {
//!         let ticket = event.ticket_id()?;
//!         let found = tickets::get(ticket, &[tickets::Field::Subject])?;
//!         let note = format!("New: {}", found.subject.unwrap_or_default());
//!         tickets::add_comment(ticket, tickets::NewComment::internal(note).key("greeter"))?;
//!         Ok(())
//!     }
//! }
//!
//! portcullis_sdk::export!(Greeter: Events);
//!
//! // In a plain `cargo test`, an in-memory host answers instead of the real one:
//! use portcullis_sdk::testing::{self, Host};
//!
//! let host = Host::new()
//!     .grant("events:receive types=zen:event-type:ticket.created")
//!     .grant("tickets:read fields=subject")
//!     .grant("tickets:comment visibility=internal")
//!     .with_ticket(tickets::Ticket::new("1042").with_subject("Printer on fire"));
//! host.deliver::<Greeter>(testing::zendesk_ticket_created("1042"))?;
//! assert_eq!(host.comments("1042")[0].body, "New: Printer on fire");
//! # Ok::<(), Error>(())
//! ```
//!
//! Each capability is one module, and it says which scope each call needs. A component imports only the
//! interfaces whose functions the plugin calls, so a plugin that never calls [`http`] cannot reach the network
//! at all, and its manifest need not ask for it.
//!
//! Inside the sandbox the functions call the host. Everywhere else they call the [`testing::Host`] whose
//! `run` or `deliver` is active on the thread, and panic when there is none.

pub mod attachments;
pub mod clocks;
mod error;
pub mod events;
pub mod files;
pub mod http;
pub mod kv;
pub mod log;
mod panic_log;
pub mod privacy;
pub mod random;
#[cfg(not(target_family = "wasm"))]
pub mod testing;
pub mod tickets;
mod types;
pub mod users;

pub use error::Error;
pub use types::{CustomField, Denial, Limit};

/// What nearly every plugin needs: `use portcullis_sdk::prelude::*;`.
pub mod prelude {
    pub use crate::events::{Event, Events};
    pub use crate::privacy::Privacy;
    pub use crate::{Error, attachments, clocks, files, http, kv, log, random, tickets, users};
}

/// Exports a type as the plugin: the type, then the traits of the triggers that it handles.
///
/// ```
/// # use portcullis_sdk::prelude::*;
/// struct Quiet;
/// impl Events for Quiet {
///     fn handle(_: Event) -> Result<(), Error> {
///         Ok(())
///     }
/// }
/// portcullis_sdk::export!(Quiet: Events);
/// ```
///
/// With the feature `panic-log` a panic is logged before it traps, for which the component imports `log`.
/// `export!(Quiet: Events; silent_panics)` leaves that out for one plugin, whatever features are on.
#[macro_export]
macro_rules! export {
    ($plugin:ident : $($trigger:ident),+ $(,)?) => {
        $($crate::__export_trigger!($trigger, $plugin, true);)+
    };
    ($plugin:ident : $($trigger:ident),+ ; silent_panics) => {
        $($crate::__export_trigger!($trigger, $plugin, false);)+
    };
}

/// One arm a trigger. The name of the trait decides which world the component exports.
#[doc(hidden)]
#[macro_export]
macro_rules! __export_trigger {
    (Events, $plugin:ident, $log_panics:literal) => {
        const _: () = {
            type Exported = $crate::events::Exported<$plugin, $log_panics>;
            // Off wasm nothing is exported, but the type must still be a plugin, and count as used.
            const _: fn($crate::events::Event) -> ::core::result::Result<(), $crate::Error> =
                <$plugin as $crate::events::Events>::handle;
            #[cfg(target_family = "wasm")]
    $crate::events::wit::export!(Exported with_types_in $crate::events::wit);
        };
    };
    (Privacy, $plugin:ident, $log_panics:literal) => {
        const _: () = {
            type Exported = $crate::privacy::Exported<$plugin, $log_panics>;
            const _: fn($crate::privacy::Request) -> ::core::result::Result<$crate::privacy::Answer, $crate::Error> =
                <$plugin as $crate::privacy::Privacy>::handle;
            #[cfg(target_family = "wasm")]
    $crate::privacy::wit::export!(Exported with_types_in $crate::privacy::wit);
        };
    };
}

/// The README's examples must compile and run.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
