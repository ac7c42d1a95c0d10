//! The host's HTTP face: events in, tokens for back ends, a health check, and explanations for the operator.
//!
//! What is ABSENT: storage, the sandbox, a client. Handlers check, translate and hand on.
//!
//! Invariants:
//! - nothing is read into memory past the size limit, and nothing is parsed before its signature held;
//! - every error is `application/problem+json` (RFC 9457), or the JSON of RFC 6749 where OAuth asks for that, and says what to do, and repeats nothing of the request;
//! - a refused request stores nothing but its count.
#![forbid(unsafe_code)]

mod admin;
mod oauth;
mod problem;
mod refusals;
mod server;
mod sources;
mod webhook;

pub use admin::Admin;
pub use oauth::routes as oauth_routes;
pub use problem::{Problem, Reason};
pub use refusals::Refusals;
pub use server::{ApiConfig, Listener, Served, serve};
pub use sources::SourceBook;
pub use webhook::{Webhooks, routes};
