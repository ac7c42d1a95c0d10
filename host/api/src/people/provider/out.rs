//! `POST /signin/provider/{tenant}/logout`: a tenant's provider says that somebody has signed out there (OpenID Connect Back-Channel Logout
//! 1.0), and what began by it ends here.
//!
//! Invariants: whoever brings it, the provider's own signature is what counts; a word is acted on once; a refusal does not say whether there is
//! such a tenant.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use portcullis_access::{AccessError, SignedOut};
use portcullis_broker::oidc::{OLDEST, OidcError};
use portcullis_model::{
    id::{Digest, TenantId},
    time::Timestamp,
};

use super::{
    super::{
        SignIn,
        answer::{Refused, sealed},
    },
    failed,
};
use crate::peers::Known;

/// The most words that are remembered.
const MOST: usize = 10_000;
/// How long one is remembered, in milliseconds: longer than it is good.
const KEPT_MS: i64 = 3 * OLDEST * 1_000;

/// What was said already.
#[derive(Default)]
pub(super) struct Said(Mutex<BTreeMap<Digest, Timestamp>>);

impl Said {
    fn has(&self, word: &Digest, now: Timestamp) -> bool {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, at| now.0.saturating_sub(at.0) < KEPT_MS);
        all.contains_key(word)
    }

    /// Of more than fit, others are forgotten: what is said again ends nothing that began since.
    fn note(&self, word: Digest, now: Timestamp) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            all.pop_first();
        }
        all.insert(word, now);
    }
}

pub(in crate::people) async fn logged_out(
    State(own): State<Arc<SignIn>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    match own.over(&tenant, &headers, &body).await {
        Ok(()) => Known::Proved.note(sealed(StatusCode::OK.into_response())),
        // Nothing is proved by it, and somebody was asked for its sake: it counts as any other that proves nothing.
        Err(refused) if refused.status() == StatusCode::SERVICE_UNAVAILABLE => {
            Known::Refused("logout").note(refused.response())
        }
        // 2.8: what is not understood and what is not believed are answered alike.
        Err(_) => {
            Known::Refused("logout").note(Refused::wrong("This logout token counts for nothing here.").response())
        }
    }
}

/// The one token of a form (2.5).
fn token(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let media = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    if !media.split(';').next()?.trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return None;
    }
    let mut all = url::form_urlencoded::parse(body).filter(|(name, _)| name == "logout_token");
    let first = all.next()?.1.into_owned();
    all.next().is_none().then_some(first)
}

impl SignIn {
    async fn over(&self, tenant: &str, headers: &HeaderMap, body: &[u8]) -> Result<(), Refused> {
        let providers = self.providers()?;
        let wrong = || Refused::wrong("");
        let tenant: TenantId = tenant.parse().map_err(|_| wrong())?;
        let token = token(headers, body).ok_or_else(wrong)?;
        let provider = self.access.provider(&tenant).await?;
        let party = providers.party(&tenant, &provider).await?;
        // Anybody can bring a word that proves nothing: it is no line in a log.
        let out = providers.oidc.logged_out(&party, &token).await.map_err(|error| match error {
            OidcError::Unproved(_) | OidcError::Refused(_) => wrong(),
            other => failed(&tenant, &other),
        })?;
        let now = self.clock.now();
        let word = Digest::of(format!("{tenant}\n{}\n{}", party.issuer, out.id).as_bytes());
        if providers.said.has(&word, now) {
            return Err(AccessError::NotProved.into());
        }
        let (issuer, client_id) = (party.issuer, party.client_id);
        let meant = SignedOut { tenant, issuer, client_id, subject: out.subject, session: out.session, at: out.at };
        self.access.signed_out_by_provider(&meant).await?;
        // Not before: where storage failed, the provider says it again.
        providers.said.note(word, now);
        Ok(())
    }
}
