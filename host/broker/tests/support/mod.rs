//! A host on the other side: TLS by a CA of its own, answers by path, and a record of what arrived.

#[expect(clippy::unwrap_used, reason = "test support")]
pub mod server;
#[expect(clippy::unwrap_used, reason = "test support")]
pub mod world;
