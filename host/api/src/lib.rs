//! The host's HTTP face: events in, the platform API and the authorization server for back ends, a person's consent to a
//! connection, a health check, and explanations for the operator.
//!
//! What is ABSENT: storage, the sandbox, a client. Handlers check, translate and hand on.
//!
//! Invariants:
//! - nothing is read into memory past the size limit, and nothing is parsed before its signature held;
//! - every error is `application/problem+json` (RFC 9457) that says what to do, and repeats nothing of the request; those of the
//!   [platform API](platform) have Zendesk's form instead;
//! - a refused request stores nothing but its count.
#![forbid(unsafe_code)]

mod admin;
mod connect;
pub mod platform;
mod problem;
mod refusals;
mod server;
mod sources;
mod webhook;

pub use admin::Admin;
pub use platform::PlatformApi;
pub use connect::{Connect, routes as connect_routes};
pub use problem::{Problem, Reason};
pub use refusals::Refusals;
pub use server::{ApiConfig, Parts, serve};
pub use sources::SourceBook;
pub use webhook::{Webhooks, routes};
