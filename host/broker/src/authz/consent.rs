//! What an admin does about a request for authorization, on the host.
//!
//! Invariant: an admin can agree to less than what was asked, never to more.

use portcullis_model::{
    audit::{Entry, Kind},
    catalogue::Catalogue,
    error::StoreError,
    oauth::{Change, Decision, OAuthStore, Pending, Put},
    scope::{ScopeError, ScopeText},
    time::Timestamp,
};

use super::scopes;

/// Why an admin's decision was not taken.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConsentError {
    /// No request with this code waits.
    #[error("no request with the code '{0}' waits: it was decided about, or its 10 minutes are over")]
    NoSuchRequest(String),
    /// A scope cannot be read.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// Nothing would be left.
    #[error("of what is asked for, these scopes leave nothing; refuse it with 'portcullis client deny'")]
    Nothing,
    /// Somebody else was faster.
    #[error("somebody else has just decided about it")]
    Decided,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The request that waits under this code, however it is typed.
pub async fn find(store: &dyn OAuthStore, code: &str, now: Timestamp) -> Result<Pending, ConsentError> {
    let letters =
        |text: &str| text.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase();
    let wanted = letters(code);
    let waits = |one: &Pending| one.decision == Decision::Waiting && letters(&one.code) == wanted;
    let found = store.pending(now).await?.into_iter().find(waits);
    found.ok_or_else(|| ConsentError::NoSuchRequest(portcullis_model::audit::plain(code)))
}

/// What would be agreed to: all of it, or what it has in common with these scopes.
///
/// # Errors
/// A scope that cannot be read, or nothing would be left.
pub fn agreed(
    catalogue: &dyn Catalogue,
    pending: &Pending,
    narrow: Option<&[ScopeText]>,
) -> Result<Vec<ScopeText>, ConsentError> {
    let scopes = match narrow {
        None => pending.scopes.clone(),
        Some(narrow) => catalogue.meet(&pending.scopes, narrow)?,
    };
    if scopes.is_empty() { Err(ConsentError::Nothing) } else { Ok(scopes) }
}

/// Agrees: to all of it, or to what it has in common with these scopes. `entry` is the admin's, of the kind
/// [`Kind::AuthorizationDecided`].
pub async fn approve(
    store: &dyn OAuthStore,
    catalogue: &dyn Catalogue,
    pending: Pending,
    narrow: Option<&[ScopeText]>,
    entry: Entry,
) -> Result<Vec<ScopeText>, ConsentError> {
    let scopes = agreed(catalogue, &pending, narrow)?;
    let entry = entry.with("decision", "approved").with("scope", scopes::words(&scopes));
    decide(store, pending, Decision::Approved { scopes: scopes.clone() }, entry).await?;
    Ok(scopes)
}

/// Refuses.
pub async fn deny(store: &dyn OAuthStore, pending: Pending, entry: Entry) -> Result<(), ConsentError> {
    decide(store, pending, Decision::Denied, entry.with("decision", "denied")).await
}

async fn decide(
    store: &dyn OAuthStore,
    pending: Pending,
    decision: Decision,
    entry: Entry,
) -> Result<(), ConsentError> {
    debug_assert_eq!(entry.kind, Kind::AuthorizationDecided);
    let entry = entry.with("request", pending.id.as_str()).with("client", pending.client.as_str());
    let expected = Some(pending.version);
    let row = Pending { decision, version: pending.version + 1, ..pending };
    let change = Change { pending: Some(Put { row, expected }), entries: vec![entry], ..Change::default() };
    if store.change(change).await? { Ok(()) } else { Err(ConsentError::Decided) }
}
