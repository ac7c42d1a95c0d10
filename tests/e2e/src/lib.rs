//! The harness of the end-to-end tests: guests that are built from source, a host in a temporary directory with the real
//! runtime on it, a far server that plugins send to, and the real binary as a child.
//!
//! What is ABSENT: doubles of anything that the product is made of. Where a test looks behind the host's back (a row, a
//! file), it opens that itself.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a harness: what fails here fails the test that uses it")]

mod audit;
mod back_end;
mod binary;
mod components;
mod events;
mod far;
mod lab;
mod package;
mod raw;
mod running;
mod seeded;

pub use audit::{Acts, acts};
pub use back_end::BackEnds;
pub use binary::{Daemon, Ended, run, run_with};
pub use components::{examples, guest, plugin, root};
pub use events::{created_on, event, sign};
pub use far::{Arrived, Far};
pub use lab::{Lab, TENANT};
pub use package::Package;
pub use raw::{Answer, Request};
pub use running::Running;
pub use seeded::Seeded;

include!(concat!(env!("OUT_DIR"), "/every_guest.rs"));
