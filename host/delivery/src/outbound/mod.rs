//! Messages to back ends: taken from the queue, made into signed requests, sent through the door, and settled.
//!
//! - [`message`] is what is sent: id, payload, headers;
//! - [`reply`] is what an answer means;
//! - [`worker`] does it, at least once a message;
//! - [`alerts`] does the same for who wants to be told of alerts, without an installation.
//!
//! What is ABSENT: keys (behind `SignWebhooks`), HTTP and the decision whether a request may leave (behind `OutDoor`), projection
//! (behind `ProjectEvents`).
//!
//! Invariants: the id of a message is the same over all of its attempts and replays; what is sent is byte for byte what was signed;
//! of an answer nothing is kept but its status and when to come again; order is not promised.

mod alerts;
mod message;
mod reply;
mod worker;

pub use alerts::AlertSender;
pub use worker::{Outbound, OutboundConfig};
