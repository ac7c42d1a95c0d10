//! The vocabulary of Portcullis: ids, events, scopes, grants, permits, audit entries, and the ports behind which
//! I/O lives.
//!
//! What is ABSENT here: input and output, an async runtime, a database, an HTTP library, wasmtime. Every other crate
//! of the host speaks through these types, and no two domain crates know each other.
//!
//! Invariants:
//! - authority only shrinks: [`scope::Grant::meet`] is commutative, associative, idempotent and below both sides;
//! - an effect needs a [`permit::Spent`], which needs a recorded permit, which needs a decision by an
//!   [`authority::Authority`]: no other crate can make one;
//! - time and randomness come in through [`time::Clock`] and [`time::Rng`].
#![forbid(unsafe_code)]

pub mod alert;
pub mod audit;
pub mod authority;
pub mod behaviour;
pub mod bounds;
pub mod budget;
pub mod call;
pub mod catalogue;
pub mod class;
pub mod connection;
pub mod consent;
pub mod door;
pub mod duty;
pub mod egress;
pub mod ending;
pub mod erasure;
pub mod error;
pub mod event;
pub mod explain;
pub mod files;
pub mod freeze;
pub mod helpdesk;
pub mod id;
pub mod idempotency;
pub mod incident;
pub mod inspect;
pub mod installation;
pub mod invoke;
pub mod json;
pub mod kv;
pub mod limits;
pub mod meter;
pub mod oauth;
pub mod outlet;
pub mod payer;
pub mod people;
pub mod permit;
pub mod platform;
pub mod privacy;
pub mod pseudonym;
pub mod queue;
pub mod redact;
pub mod region;
pub mod regional;
pub mod release;
pub mod review;
pub mod risk;
pub mod rotation;
pub mod scope;
pub mod secret;
pub mod source;
pub mod target;
mod template;
pub mod time;
pub mod trace;
pub mod trust;
pub mod upgrade;
pub mod veil;
pub mod webhook;
