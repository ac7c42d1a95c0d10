//! Outlets of the audit log, from the store to receivers that others wrote: `tests/contract/siem`.
#![expect(clippy::unwrap_used, reason = "tests")]

mod otlp;
mod receiver;
mod syslog;
mod world;
