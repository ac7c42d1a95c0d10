//! The capability `random`: bytes that are fit for secrets.
//!
//! ```
//! use portcullis_sdk::{random, testing::Host, Error};
//!
//! let host = Host::new().grant("random:read");
//! let nonce: [u8; 16] = host.run(random::array)?;
//! assert_ne!(nonce, [0; 16]);
//! # Ok::<(), Error>(())
//! ```

#[cfg(not(target_family = "wasm"))]
mod fake;

#[cfg(not(target_family = "wasm"))]
use fake as host;
#[cfg(target_family = "wasm")]
use wit::portcullis::plugin::random as host;

use crate::Error;

mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world random { import portcullis:plugin/random@0.1.0; }",
        with: { "portcullis:plugin/types@0.1.0": crate::types::wit::portcullis::plugin::types },
        generate_all,
    });
}

/// So many bytes, at most 4,096 a call.
///
/// Scope: `random:read`. Errors: `invalid` (too many).
pub fn bytes(count: u32) -> Result<Vec<u8>, Error> {
    Ok(host::bytes(count)?)
}

/// An array of bytes, at most 4,096.
///
/// Scope: `random:read`. Errors: `invalid` (too many).
pub fn array<const N: usize>() -> Result<[u8; N], Error> {
    let bytes = bytes(u32::try_from(N).unwrap_or(u32::MAX))?;
    bytes.try_into().map_err(|_| Error::Unavailable)
}
