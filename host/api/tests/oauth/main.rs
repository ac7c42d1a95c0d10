//! The authorization server's endpoints on the wire: as others' clients see them, and as those who cheat do.
#![expect(clippy::unwrap_used, reason = "a test")]

mod served;
mod third_parties;
mod wire;
#[expect(dead_code, reason = "shared with the tests of the server itself")]
#[path = "../../../broker/tests/authz/world.rs"]
mod world;
