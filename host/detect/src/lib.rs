//! What of the audit log is unusual enough that a person should look (MON-4): rules, which are data, and what they find.
//!
//! - [`rule`] is one rule, read from TOML; [`library`] all of them, those that come with the host and the operator's own;
//! - [`condition`] are the kinds of condition that a rule can have, each with what it remembers;
//! - [`facts`] is what of an entry conditions look at;
//! - [`engine`] applies rules to entries: memory and entry in, memory and hits out.
//!
//! What is ABSENT here: a database, an async runtime, HTTP, a clock.
//!
//! Invariants: the same rules, memory and entries give the same hits, however the entries are cut into parts; what is remembered
//! holds no personal value, but its keyed digest; what a subject can fill of the memory is bounded; the alerts' own entries raise
//! none.
#![forbid(unsafe_code)]

pub mod condition;
pub mod engine;
pub mod facts;
pub mod library;
#[cfg(test)]
mod library_tests;
pub mod rule;

pub use engine::{Cell, Engine, Found, Key, Memory, State};
pub use facts::Facts;
pub use library::{Library, RuleError};
pub use rule::Rule;
