//! Messages to back ends, from the queue over the worker to servers that check them with the stock libraries of Standard Webhooks:
//! PyPI's, npm's and crates.io's.
#![expect(clippy::unwrap_used, reason = "tests")]

mod receiver;
mod rotation;
mod tampering;
mod world;
