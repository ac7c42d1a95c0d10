//! The schema, as steps that are applied once each, in order. A step that has been released never changes.
//!
//! What a step says lies in a file of its part under `schema/`; here is only the order. A new step is a new last line.

mod audit;
mod outlets;

pub(crate) use self::audit::IS_NOTICE;

/// Every step so far. `PRAGMA user_version` says how many a file has.
pub const MIGRATIONS: &[&str] = &[
    include_str!("schema/first.sql"),
    include_str!("schema/budgets.sql"),
    include_str!("schema/kv_expiry.sql"),
    include_str!("schema/reviews.sql"),
    include_str!("schema/trust.sql"),
    include_str!("schema/reviewing.sql"),
    include_str!("schema/listed.sql"),
    include_str!("schema/secrets.sql"),
    include_str!("schema/backends.sql"),
    include_str!("schema/consents.sql"),
    include_str!("schema/rotation.sql"),
    include_str!("schema/oauth.sql"),
    audit::OPENINGS,
    include_str!("schema/connection_endings.sql"),
    include_str!("schema/views.sql"),
    audit::NOTICES,
    include_str!("schema/operations.sql"),
    outlets::OUTLETS,
    include_str!("schema/duties.sql"),
    include_str!("schema/people.sql"),
    include_str!("schema/alerts.sql"),
    include_str!("schema/idempotency.sql"),
    audit::COMPARED_NOTICES,
    include_str!("schema/incidents.sql"),
    include_str!("schema/automation.sql"),
    include_str!("schema/privacy.sql"),
    include_str!("schema/rotation_items.sql"),
    include_str!("schema/leaving.sql"),
    include_str!("schema/delivery_lists.sql"),
    include_str!("schema/plugin_log.sql"),
];
