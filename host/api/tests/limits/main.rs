//! What one address may take up of a listener that listens: connections, time, requests that prove nothing; and what the audit log
//! keeps of those that were refused.
#![expect(clippy::unwrap_used, reason = "a test")]

mod connections;
#[expect(dead_code, reason = "shared with the other tests of consents")]
#[path = "../../../broker/tests/support/consents.rs"]
mod consents;
mod desks;
#[path = "../../src/admin/v1/posture/testing.rs"]
mod duties;
mod host;
mod log;
mod privacy;
mod requests;
#[expect(dead_code, reason = "shared with the tests of the server itself")]
#[path = "../../../broker/tests/authz/world.rs"]
mod world;
