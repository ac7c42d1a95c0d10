//! What a plugin can be given. One folder a capability: its scope, its host functions, its state in a call. The list below
//! gives the typed store, the linking, and the catalogue that everybody else reads.
//!
//! What is ABSENT: the services themselves (behind ports), storage, HTTP, the decision algorithm (in the model). A capability
//! never names a sibling.
//!
//! Invariants:
//! - a folder's name is its WIT file's, its scope prefix's and its audit name's;
//! - a host function reaches its service only through the gate, with a spent permit;
//! - data that a grant does not cover does not reach guest memory, in answers and in events alike.
#![forbid(unsafe_code)]

#[macro_use]
mod list;
mod door;
#[cfg(test)]
mod means_test;
mod narrow;
mod projection;
#[cfg(test)]
mod testing;

use std::sync::Arc;

use portcullis_model::{
    egress::Egress,
    files::FileStore,
    helpdesk::HelpDesk,
    kv::KvStore,
    pseudonym::Pseudonyms,
    time::{Clock, Rng},
};

/// The services behind the capabilities.
#[derive(Clone)]
pub struct Services {
    /// Behind `tickets`, `users` and `attachments`.
    pub helpdesk: Arc<dyn HelpDesk>,
    /// Behind the view `token`, and the seal of cursors.
    pub pseudonyms: Arc<dyn Pseudonyms>,
    /// Behind `kv`.
    pub kv: Arc<dyn KvStore>,
    /// Behind `files`.
    pub files: Arc<dyn FileStore>,
    /// Behind `http`.
    pub egress: Arc<dyn Egress>,
    /// Behind `clocks`.
    pub clock: Arc<dyn Clock>,
    /// Behind `random`.
    pub rng: Arc<dyn Rng>,
}

pub use door::{BackDoor, Doors};
pub use projection::Projection;

use list::{describe, meet, read};

capabilities! { tickets, users, attachments, kv, files, http, log, clocks, random }
