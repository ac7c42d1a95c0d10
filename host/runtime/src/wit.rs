//! Bindings that all capabilities share: the `types` interface, and the exported interfaces, one a trigger.
#![expect(missing_docs, reason = "generated; the WIT files carry the documentation")]

wasmtime::component::bindgen!({
    path: "../../wit",
    inline: "
        package portcullis:host;
        world shared {
            import portcullis:plugin/types@0.1.0;
            export portcullis:plugin/events@0.1.0;
            export portcullis:plugin/privacy@0.1.0;
        }
    ",
    world: "portcullis:host/shared",
    imports: { default: async | trappable },
    exports: { default: async },
});

pub use exports::portcullis::plugin::{events, privacy};
pub use portcullis::plugin::types;
use portcullis_model::{authority::Denial, error::ServiceError};

/// A denial as the guest sees it.
pub fn denied(denial: &Denial) -> types::Error {
    types::Error::Denied(types::Denial {
        id: denial.id.to_string(),
        scope: denial.needed.to_string(),
        reason: format!("{}; {} does not cover it", denial.reason, denial.layer),
        grantor: denial.layer.grantor().to_owned(),
    })
}

/// A service's refusal as the guest sees it: what is for the operator's log stays behind.
pub fn refused(error: ServiceError) -> types::Error {
    match error {
        ServiceError::Invalid(what) => types::Error::Invalid(what),
        ServiceError::NotFound => types::Error::NotFound,
        ServiceError::Limited { name, allowed, retry_after_ms } => {
            types::Error::Limited(types::Limit { name: name.to_owned(), allowed, retry_after_ms })
        }
        ServiceError::Conflict => types::Error::Conflict,
        ServiceError::Unavailable(why) | ServiceError::Frozen(why) => {
            tracing::warn!(%why, "a service behind a capability is unavailable");
            types::Error::Unavailable
        }
    }
}
