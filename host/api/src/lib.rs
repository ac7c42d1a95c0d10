//! The host's HTTP face: events in, a health check, explanations for the operator, and a person's consent to a connection.
//!
//! What is ABSENT: storage, the sandbox, a client. Handlers check, translate and hand on.
//!
//! Invariants:
//! - nothing is read into memory past the size limit, and nothing is parsed before its signature held;
//! - every error is `application/problem+json` (RFC 9457) that says what to do, and repeats nothing of the request;
//! - a refused request stores nothing but its count.
#![forbid(unsafe_code)]

mod admin;
mod connect;
mod problem;
mod refusals;
mod server;
mod sources;
mod webhook;

pub use admin::Admin;
pub use connect::{Connect, routes as connect_routes};
pub use problem::{Problem, Reason};
pub use refusals::Refusals;
pub use server::{ApiConfig, Parts, serve};
pub use sources::SourceBook;
pub use webhook::{Webhooks, routes};
