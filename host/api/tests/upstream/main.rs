//! The host as an OAuth client of authorization servers that somebody else wrote: npm's `oidc-provider` and `oauth2-mock-server`,
//! each flow from start to end, with a browser that is a script.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "../../../broker/tests/support/consents.rs"]
#[expect(dead_code, reason = "shared with the tests that have no provider")]
mod consents;
mod flows;
mod pages;
mod stage;
