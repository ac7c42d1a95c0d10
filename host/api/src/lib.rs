//! The host's HTTP face: events in, the platform API and the authorization server for back ends, a person's consent to a
//! connection, health and metrics, the published audit log, and explanations for the operator.
//!
//! What is ABSENT: storage, the sandbox, a client. Handlers check, translate and hand on.
//!
//! Invariants:
//! - nothing is read into memory past the size limit, and nothing is parsed before its signature held;
//! - every error is `application/problem+json` (RFC 9457), or the JSON of RFC 6749 where OAuth asks for that or Zendesk's on the
//!   platform API; it says what to do, and repeats nothing of the request;
//! - a refused request stores nothing but its count;
//! - no address takes up more than its share of connections, and of requests that prove nothing.
#![forbid(unsafe_code)]

pub mod admin;
mod connect;
mod log;
mod oauth;
pub mod ops;
mod peers;
mod people;
pub mod platform;
mod problem;
mod refusals;
mod server;
mod sources;
mod trace;
mod webhook;

pub use admin::v1::audit;
pub use axum::Router;
pub use connect::{Connect, routes as connect_routes};
pub use log::{Asked, LogFiles, Part, PublicLog};
pub use oauth::routes as oauth_routes;
pub use peers::{ForwardedBy, Network, NetworkError, PeerConfig};
pub use people::{Providers, SignIn, logout_uri, redirect_uri, routes as people_routes};
pub use platform::PlatformApi;
pub use problem::{Problem, Reason};
pub use refusals::{Refusals, Whose};
pub use server::{ApiConfig, Listener, Served, flush, serve, serve_operations};
pub use sources::SourceBook;
pub use webhook::{Webhooks, routes};
