//! The trigger `privacy`: a person asks what is held about them, or to have it put right, erased or left alone.

use std::marker::PhantomData;

use crate::types::WitError;
use crate::{Error, panic_log};

#[doc(hidden)]
pub mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world privacy { export portcullis:plugin/privacy@0.1.0; }",
        with: { "portcullis:plugin/types@0.1.0": crate::types::wit::portcullis::plugin::types },
        additional_derives: [PartialEq],
        pub_export_macro: true,
        generate_all,
    });
}

pub use wit::exports::portcullis::plugin::privacy::{Answer, Kind, Outcome, Request};

/// A plugin that keeps anything about people, wherever that is.
///
/// No scope is needed: to answer is a duty. What the host itself keeps for the plugin, in `kv`, `files` and its log, the host
/// erases by itself; left is what the plugin has sent elsewhere.
pub trait Privacy {
    /// Answers one request, in a fresh instance.
    ///
    /// The host delivers at least once, and tries errors again until the deadline: do what is asked in a way that bears being
    /// repeated. [`Answer::Later`] has it asked again.
    fn handle(request: Request) -> Result<Answer, Error>;
}

impl Answer {
    /// It was done to so many records.
    pub fn done(records: u32) -> Self {
        Self::Done(Outcome { records, data: None, note: None })
    }

    /// This is what is held, as JSON text, in so many records.
    pub fn held(records: u32, data: impl Into<String>) -> Self {
        Self::Done(Outcome { records, data: Some(data.into()), note: None })
    }
}

impl Request {
    /// A request as the host makes it, for tests: about this person, first delivery.
    #[cfg(not(target_family = "wasm"))]
    pub fn of(kind: Kind, user: impl Into<String>) -> Self {
        Self {
            id: "dsr_test".into(),
            kind,
            user: user.into(),
            identifiers: Vec::new(),
            deadline: "2026-12-22T00:00:00Z".into(),
            correction: None,
            attempt: 1,
        }
    }
}

/// Stands between the generated export and the plugin's trait.
#[doc(hidden)]
pub struct Exported<P, const LOG_PANICS: bool>(PhantomData<P>);

impl<P: Privacy, const LOG_PANICS: bool> wit::exports::portcullis::plugin::privacy::Guest for Exported<P, LOG_PANICS> {
    fn handle(request: Request) -> Result<Answer, WitError> {
        // A constant, so that a plugin without it does not even import `log`.
        if LOG_PANICS {
            panic_log::install();
        }
        P::handle(request).map_err(WitError::from)
    }
}
