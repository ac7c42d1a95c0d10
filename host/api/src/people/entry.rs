//! The ways in: an invitation's link, a passkey, a recovery code.

use std::sync::Arc;

use axum::{Extension, body::Bytes, extract::State, http::HeaderMap, response::Response};
use portcullis_access::{AccessError, Beginner};
use portcullis_model::people::Person;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    SignIn,
    answer::{Refused, answer, open, started},
};
use crate::peers::Client;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Joining {
    token: String,
    ceremony: String,
    credential: Value,
    #[serde(default)]
    label: String,
}

/// A proof by a passkey.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proof {
    pub ceremony: String,
    pub credential: Value,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Recovery {
    email: String,
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Empty {}

type Shared = State<Arc<SignIn>>;
type Asker = Extension<Client>;

pub(super) async fn join_begin(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Link { token } = own.read(&headers, &body)?;
        let invitation = own.access.invitation(&token).await?;
        let person = own.access.invitee(&invitation).await?;
        // What the link's maker said, and nothing of an account that may be there: it can be of another organisation.
        let (email, name) = (invitation.email.clone(), invitation.name.clone());
        let shown = Person { email, name, ..person };
        let by = Beginner::Client(client.0);
        let (ceremony, options) = own.passkeys.register(&by, &shown, &[], own.clock.now(), own.rng.as_ref())?;
        Ok::<_, Refused>(open(&json!({
            "email": shown.email,
            "name": shown.name,
            "tenant": invitation.tenant,
            "role": invitation.role,
            "expires": invitation.expires,
            "ceremony": ceremony,
            "options": options,
        })))
    };
    answer(work.await)
}

pub(super) async fn join_finish(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Joining { token, ceremony, credential, label } = own.read(&headers, &body)?;
        let (now, seen) = (own.clock.now(), own.seen(&headers, client.0));
        let factor = own.passkeys.registered(&ceremony, credential, &label, now, own.rng.as_ref())?;
        let begun = own.access.join(&token, factor, &seen).await?;
        Ok::<_, Refused>(started(&begun, own.is_secure()))
    };
    answer(work.await)
}

pub(super) async fn passkey_begin(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let begin = || {
        let Empty {} = own.read(&headers, &body)?;
        let (ceremony, options) = own.passkeys.prove(&Beginner::Client(client.0), own.clock.now(), own.rng.as_ref())?;
        Ok::<_, Refused>(open(&json!({ "ceremony": ceremony, "options": options })))
    };
    answer(begin())
}

pub(super) async fn passkey_finish(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Proof { ceremony, credential } = own.read(&headers, &body)?;
        let seen = own.seen(&headers, client.0);
        let begun = own.access.sign_in(&own.passkeys, &ceremony, credential, &seen).await?;
        Ok::<_, Refused>(started(&begun, own.is_secure()))
    };
    answer(work.await)
}

pub(super) async fn recovery(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Recovery { email, code } = own.read(&headers, &body)?;
        let code = zeroize::Zeroizing::new(code);
        let seen = own.seen(&headers, client.0);
        let outcome = own.access.sign_in_by_recovery(&email, &code, &seen).await;
        match outcome {
            Ok(begun) => Ok::<_, Refused>(started(&begun, own.is_secure())),
            Err(error) => {
                if matches!(error, AccessError::NotProved) {
                    // Beside the answer: how long that takes says nothing about who has an account.
                    let access = own.access.clone();
                    tokio::spawn(async move {
                        if let Err(error) = access.recovery_refused(&email, &seen).await {
                            tracing::error!(%error, "a refused recovery code is not on record");
                        }
                    });
                }
                Err(Refused::from(error))
            }
        }
    };
    answer(work.await)
}
