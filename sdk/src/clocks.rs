//! The capability `clocks`: what time it is, and how long the call has lasted, in steps of a millisecond.
//!
//! Scope: `clocks:read`. Nothing here fails. What an event says about itself, when it happened above all, needs no capability.
//!
//! ```
//! use std::time::Duration;
//! use portcullis_sdk::{clocks, testing::Host};
//!
//! let host = Host::new().grant("clocks:read").at(1_793_611_800_000);
//! host.pass(Duration::from_secs(2));
//! assert_eq!(host.run(clocks::now), 1_793_611_802_000);
//! ```

use std::time::Duration;

#[cfg(not(target_family = "wasm"))]
mod fake;

#[cfg(not(target_family = "wasm"))]
use fake as host;
#[cfg(target_family = "wasm")]
use wit::portcullis::plugin::clocks as host;

mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world clocks { import portcullis:plugin/clocks@0.1.0; }",
        generate_all,
    });
}

/// Milliseconds since 1970-01-01T00:00:00Z by the host's clock.
pub fn now() -> u64 {
    host::now()
}

/// How long ago this call began. It never goes back.
pub fn elapsed() -> Duration {
    Duration::from_millis(host::elapsed())
}
