//! The way back from the provider.
//!
//! Invariant: whatever comes back, its flow is over.

use std::sync::Arc;

use axum::{
    Extension,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use portcullis_access::{Known as Somebody, Started, Vouched};
use portcullis_broker::oidc::{Answer, OidcError, said};
use portcullis_model::{id::SessionId, secret::Secret};
use zeroize::Zeroizing;

use super::{
    super::{
        SignIn,
        answer::{Refused, sealed},
        cookie,
    },
    failed,
    flows::{Flow, Purpose},
    page, redirect_uri,
};
use crate::peers::{Client, Known};

/// The longest query that is read, in bytes.
const LONGEST: usize = 8 * 1024;

/// What a provider sends back (RFC 6749, 4.1.2; RFC 9207). Each at most once.
#[derive(Default)]
struct Back {
    state: Option<Zeroizing<String>>,
    code: Option<Secret>,
    iss: Option<String>,
    error: Option<String>,
}

impl Back {
    /// `None`: it cannot be read, or says a thing twice (RFC 6749, 3.1).
    fn read(query: &str) -> Option<Self> {
        if query.len() > LONGEST {
            return None;
        }
        let mut back = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let is_first = match name.as_ref() {
                "state" => back.state.replace(Zeroizing::new(value.into_owned())).is_none(),
                "code" => back.code.replace(Secret::new(value.into_owned().into_bytes())).is_none(),
                "iss" => back.iss.replace(value.into_owned()).is_none(),
                "error" => back.error.replace(value.into_owned()).is_none(),
                _ => true,
            };
            if !is_first {
                return None;
            }
        }
        Some(back)
    }
}

pub(in crate::people) async fn callback(
    State(own): State<Arc<SignIn>>,
    Extension(client): Extension<Client>,
    Path(tenant): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let came = own.came_back(&tenant, query.as_deref().unwrap_or_default(), &headers, client).await;
    let mut response = came.unwrap_or_else(|refused| {
        let (status, said) = (refused.status(), page::sorry(refused.detail()));
        let response = sealed((status, page::HEADERS, said).into_response());
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::CONFLICT => response,
            _ => Known::Refused("provider").note(response),
        }
    });
    if let Some(value) = cookie::forget_flow(own.is_secure()) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// To a page of this host.
fn to(place: &'static str) -> Response {
    let headers = [(header::LOCATION, HeaderValue::from_static(place))];
    Known::Proved.note(sealed((StatusCode::SEE_OTHER, headers).into_response()))
}

impl SignIn {
    async fn came_back(
        &self,
        tenant: &str,
        query: &str,
        headers: &HeaderMap,
        client: Client,
    ) -> Result<Response, Refused> {
        let providers = self.providers()?;
        let over = || Refused::wrong("This sign-in is over, or began in another browser. Begin anew.");
        let back = Back::read(query).ok_or_else(over)?;
        let browser = cookie::flow(headers, self.is_secure());
        let state = back.state.as_deref().map(String::as_str).unwrap_or_default();
        let flow = providers.flows.take(state, browser.as_deref().map(String::as_str), self.clock.now());
        let flow = flow.filter(|flow| flow.tenant.as_str() == tenant).ok_or_else(over)?;
        let vouched = self.vouched(&flow, &back).await?;
        let mut seen = self.seen(headers, client.0);
        seen.device = flow.device.clone();
        match &flow.purpose {
            Purpose::SignIn => {
                let unbound = |error| match error {
                    portcullis_access::AccessError::NotProved => Refused::not_bound(),
                    other => other.into(),
                };
                let started = self.access.sign_in_by_provider(&vouched, &seen).await.map_err(unbound)?;
                Ok(self.with_session(to("/console"), &started))
            }
            Purpose::Join(token) => {
                let started = self.access.join_by_provider(token, &vouched, &seen).await?;
                Ok(self.with_session(to("/console/account"), &started))
            }
            Purpose::Bind(session) => {
                let known = self.still(headers, client, session).await?;
                self.access.bind_provider(&known, &vouched).await?;
                Ok(to("/console/account"))
            }
            Purpose::StepUp(session) => {
                let known = self.still(headers, client, session).await?;
                let started = self.access.step_up_by_provider(&known, &vouched).await?;
                Ok(self.with_session(to("/console"), &started))
            }
        }
    }

    /// Whom the answer proves.
    async fn vouched(&self, flow: &Flow, back: &Back) -> Result<Vouched, Refused> {
        let (providers, tenant) = (self.providers()?, &flow.tenant);
        let provider = self.access.provider(tenant).await?;
        // It was replaced while somebody was on the way: nothing is sent to either.
        if (&provider.issuer, &provider.client_id) != (&flow.issuer, &flow.client_id) {
            return Err(Refused::wrong("Your organisation has another provider now. Begin anew."));
        }
        let party = providers.party(tenant, &provider).await?;
        let wrong = |error: OidcError| failed(tenant, &error);
        providers.oidc.sender(&party, back.iss.as_deref()).await.map_err(wrong)?;
        let Some(code) = back.code.as_ref().filter(|_| back.error.is_none()) else {
            return Err(wrong(OidcError::Refused(said(back.error.as_deref().unwrap_or("no code")))));
        };
        let redirect = redirect_uri(&self.base, tenant);
        let Flow { verifier, nonce, max_age, .. } = flow;
        let answer = Answer { iss: back.iss.as_deref(), code, redirect: &redirect, verifier, nonce, max_age: *max_age };
        let identity = providers.oidc.identify(&party, &answer).await.map_err(wrong)?;
        Ok(Vouched {
            tenant: tenant.clone(),
            issuer: party.issuer,
            client_id: party.client_id,
            subject: identity.subject,
            signed_in: identity.signed_in,
            class: identity.class,
            ways: identity.ways,
            session: identity.session,
        })
    }

    /// Who began it, in the same session.
    async fn still(&self, headers: &HeaderMap, client: Client, session: &SessionId) -> Result<Somebody, Refused> {
        let known = self.known(&Method::GET, headers, client.0).await?;
        known.filter(|known| known.session.id == *session).ok_or_else(Refused::nobody)
    }

    fn with_session(&self, mut response: Response, started: &Started) -> Response {
        for value in cookie::set(started, self.is_secure()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        response
    }
}
