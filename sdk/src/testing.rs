//! An in-memory host, so that a plugin's whole handling of an event runs in a plain `cargo test`.
//!
//! It keeps the contract's rules: a call outside the grants is [`Error::Denied`], an idempotency key adds one
//! comment, a closed ticket is a conflict, a store has a quota, a record outside of `where=` is not found, a field is
//! masked or a token where the grant says so. It does not sandbox: limits of time and memory, the
//! budgets of requests and calls, and the network are the real host's business.
//!
//! ```
//! use portcullis_sdk::testing::Host;
//! use portcullis_sdk::{Error, tickets};
//!
//! let host = Host::new()
//!     .grant("tickets:read fields=status")
//!     .with_ticket(tickets::Ticket::new("1042").with_subject("secret"));
//! let refused = host.run(|| tickets::get("1042", &[tickets::Field::Subject]));
//! assert!(matches!(refused, Err(Error::Denied(_))));
//! assert_eq!(host.denials()[0].scope, "tickets:read fields=subject");
//! ```

mod host;
mod manifest;
mod record;
mod scope;
mod storage;
mod veil;
mod zendesk;

use std::cell::RefCell;

pub use host::Host;
pub(crate) use record::Facts;
pub(crate) use scope::{Need, print_bytes};
pub use zendesk::{
    with_detail, zendesk_comment_added, zendesk_event, zendesk_priority_changed, zendesk_ticket_created,
};

#[cfg(doc)]
use crate::Error;

thread_local! {
    static ACTIVE: RefCell<Vec<Host>> = const { RefCell::new(Vec::new()) };
}

/// Takes the host off the thread again, however the plugin's code ends.
struct Installed;

impl Installed {
    fn new(host: Host) -> Self {
        ACTIVE.with_borrow_mut(|hosts| hosts.push(host));
        Self
    }
}

impl Drop for Installed {
    fn drop(&mut self) {
        ACTIVE.with_borrow_mut(|hosts| hosts.pop());
    }
}

/// Hands the thread's active host to a capability's stand-in.
pub(crate) fn with_host<R>(f: impl FnOnce(&Host) -> R) -> R {
    let host = ACTIVE.with_borrow(|hosts| hosts.last().cloned());
    match host {
        Some(host) => f(&host),
        None => panic!("no testing host is active: call this inside `testing::Host::run` or `deliver`"),
    }
}
