//! The capability `log`: lines that the plugin's developer and the admins read.
//!
//! Scope: `log:write`. Nothing here fails: past the call's log limit lines are dropped and counted, and a message
//! longer than 4 KiB is cut. Never log personal data; nobody redacts it for you.
//!
//! ```
//! use portcullis_sdk::{log, testing::Host};
//!
//! let host = Host::new().grant("log:write");
//! host.run(|| log::info!("{} numbers redacted", 2));
//! assert_eq!(host.log_lines(), [(log::Level::Info, "2 numbers redacted".to_owned())]);
//! ```

#[cfg(not(target_family = "wasm"))]
mod fake;

#[cfg(not(target_family = "wasm"))]
use fake as host;
#[cfg(target_family = "wasm")]
use wit::portcullis::plugin::log as host;

#[expect(missing_docs, reason = "the names of the levels say it all")]
mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world log { import portcullis:plugin/log@0.1.0; }",
        generate_all,
    });
}

pub use wit::portcullis::plugin::log::Level;

#[doc(inline)]
pub use crate::{__log_debug as debug, __log_error as error, __log_info as info, __log_warn as warn};

/// Writes one line.
pub fn write(level: Level, message: &str) {
    host::write(level, message);
}

/// Writes one line at level `debug`, formatted like `println!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_debug {
    ($($arg:tt)+) => { $crate::log::write($crate::log::Level::Debug, &::std::format!($($arg)+)) };
}

/// Writes one line at level `info`, formatted like `println!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_info {
    ($($arg:tt)+) => { $crate::log::write($crate::log::Level::Info, &::std::format!($($arg)+)) };
}

/// Writes one line at level `warn`, formatted like `println!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_warn {
    ($($arg:tt)+) => { $crate::log::write($crate::log::Level::Warn, &::std::format!($($arg)+)) };
}

/// Writes one line at level `error`, formatted like `println!`.
#[doc(hidden)]
#[macro_export]
macro_rules! __log_error {
    ($($arg:tt)+) => { $crate::log::write($crate::log::Level::Error, &::std::format!($($arg)+)) };
}
