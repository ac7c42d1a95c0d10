//! Sending the browser to the provider.

use std::{net::IpAddr, sync::Arc};

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, header},
    response::Response,
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portcullis_access::AccessError;
use portcullis_broker::oidc::Ask;
use portcullis_model::{
    id::TenantId,
    people::{Provider, SignIn as How},
    secret::Secret,
};
use serde::Deserialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use super::{
    super::{
        SignIn,
        answer::{Refused, answer, open},
        cookie,
        entry::Empty,
    },
    Providers, failed,
    flows::{New, Purpose, random},
    redirect_uri,
};
use crate::peers::Client;

type Shared = State<Arc<SignIn>>;
type Asker = Extension<Client>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Of {
    tenant: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    token: String,
}

pub(in crate::people) async fn sign_in(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let tenant = tenant(own.read(&headers, &body)?)?;
        let provider = own.access.provider(&tenant).await?;
        let max_age = provider.max_age_seconds();
        own.send(&headers, client.0, tenant, &provider, Purpose::SignIn, max_age).await
    };
    answer(work.await)
}

pub(in crate::people) async fn join(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Link { token } = own.read(&headers, &body)?;
        let token = Zeroizing::new(token);
        let invitation = own.access.invitation(&token).await?;
        let tenant = invitation.tenant.ok_or_else(nowhere)?;
        let provider = own.access.provider(&tenant).await?;
        let max_age = provider.max_age_seconds();
        own.send(&headers, client.0, tenant, &provider, Purpose::Join(token), max_age).await
    };
    answer(work.await)
}

pub(in crate::people) async fn bind(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let tenant = tenant(own.read(&headers, &body)?)?;
        let known = own.known(&Method::POST, &headers, client.0).await?.ok_or_else(Refused::nobody)?;
        own.access.check_binding(&known, &tenant).await?;
        let provider = own.access.provider(&tenant).await?;
        let max_age = provider.max_age_seconds();
        own.send(&headers, client.0, tenant, &provider, Purpose::Bind(known.session.id), max_age).await
    };
    answer(work.await)
}

pub(in crate::people) async fn step_up(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Empty {} = own.read(&headers, &body)?;
        let known = own.known(&Method::POST, &headers, client.0).await?.ok_or_else(Refused::nobody)?;
        let How::Provider { tenant } = known.session.sign_in else { return Err(nowhere().into()) };
        let provider = own.access.provider(&tenant).await?;
        // Anew, whatever session there is at the provider.
        own.send(&headers, client.0, tenant, &provider, Purpose::StepUp(known.session.id), Some(0)).await
    };
    answer(work.await)
}

fn nowhere() -> AccessError {
    AccessError::Unknown("provider of that organisation")
}

/// A tenant of that name may or may not be there: which of them is not said.
fn tenant(of: Of) -> Result<TenantId, AccessError> {
    of.tenant.trim().parse().map_err(|_| nowhere())
}

impl SignIn {
    pub(super) fn providers(&self) -> Result<&Providers, Refused> {
        self.providers.as_deref().ok_or_else(|| nowhere().into())
    }

    async fn send(
        &self,
        headers: &HeaderMap,
        by: IpAddr,
        tenant: TenantId,
        provider: &Provider,
        purpose: Purpose,
        max_age: Option<u32>,
    ) -> Result<Response, Refused> {
        let providers = self.providers()?;
        let party = providers.party(&tenant, provider).await?;
        let (verifier, nonce) = (random(self.rng.as_ref()), random(self.rng.as_ref()));
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let new = New {
            tenant: tenant.clone(),
            issuer: party.issuer.clone(),
            client_id: party.client_id.clone(),
            purpose,
            nonce: nonce.to_string(),
            verifier: Secret::new(verifier.as_bytes().to_vec()),
            max_age,
            device: cookie::device(headers, self.is_secure()),
            by,
        };
        let sent = providers.flows.begin(new, self.clock.now(), self.rng.as_ref());
        let sent = sent.ok_or_else(Refused::unavailable)?;
        let redirect = redirect_uri(&self.base, &tenant);
        let (state, nonce) = (sent.state.as_str(), nonce.as_str());
        let ask = Ask { redirect: &redirect, state, nonce, challenge: &challenge, max_age, acr: &provider.mfa_acr };
        let url = providers.oidc.authorization(&party, &ask).await.map_err(|error| failed(&tenant, &error))?;
        let mut response = open(&json!({ "url": url }));
        if let Some(value) = cookie::set_flow(&sent.browser, self.is_secure()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        Ok(response)
    }
}
