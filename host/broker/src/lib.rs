//! Stored credentials, and the one door out of the host.
//!
//! - [`vault`] seals secrets and keeps them; [`key`] is what they are sealed with, and who keeps that.
//! - [`connection`] is the table of those in use; [`place`] says where each may go.
//! - [`connecting`] stores those that no person consents to.
//! - [`renew`] gets new ones in place of old ones, from whoever [`issue`] stands for.
//! - [`egress`] sends a plugin's requests, with [`judge`] over the addresses behind a name ([`resolve`]).
//! - [`standard_webhooks`] signs what is posted to back ends, and keeps and rotates the keys for it.
//! - [`rotation`] replaces credentials, by policy or after a breach, and holds requests to freezes.
//! - [`bucket`] is a rate, for whoever is held to one.
//! - [`authz`] is the host's own authorization server, less its HTTP.
//! - [`leaks`] finds secrets where they must not be; [`hmac`] checks what webhooks are signed with.
//! - [`providers`] are definitions of those that issue credentials, [`upstream`] is the host as their OAuth client, [`consent`] a
//!   person's consent; [`issue`] is what the vault asks of them.
//! - [`loopback`] is the command line's client of the host's own listener; [`oci`] its client of registries.
//! - [`oidc`] signs people in through their organisation's provider.
//! - [`outlet`] sends the audit log to receivers outside, by syslog and by OTLP.
//! - [`post`] posts in the host's own name; [`witness`] asks witnesses of the audit log for cosignatures that way.
//!
//! What is ABSENT here: a decision about what a plugin may do (that is a spent permit), a database, a second HTTP client, and
//! a way to read a stored secret from outside the host.
//!
//! Invariants:
//! - a plugin never holds a secret: it goes into a request after the request has left the sandbox, and is taken out of the
//!   answer (INT-7);
//! - nothing is connected to but judged addresses, and those that the operator, or whoever gives a command, named;
//! - no error's text, log line or `Debug` form holds a secret.
#![forbid(unsafe_code)]

mod answer;
pub mod authz;
mod bell;
pub mod bucket;
mod circuit;
pub mod connecting;
pub mod connection;
pub mod consent;
mod dial;
pub mod egress;
mod headers;
pub mod hmac;
pub mod issue;
pub mod judge;
pub mod key;
mod lanes;
pub mod leaks;
pub mod loopback;
pub mod oci;
pub mod oidc;
pub mod outlet;
mod patience;
pub mod place;
mod pool;
pub mod post;
pub mod providers;
pub mod pseudonym;
pub mod renew;
pub mod resolve;
pub mod rotation;
mod seal;
mod sending;
mod settings;
mod sieve;
pub mod standard_webhooks;
#[cfg(test)]
mod testing;
mod tls;
pub mod upstream;
pub mod vault;
mod wire;
pub mod witness;
