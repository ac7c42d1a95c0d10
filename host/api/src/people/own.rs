//! What somebody does within a session: who they are, step-up, their own sessions and factors.

use std::sync::Arc;

use axum::{
    Extension,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, header},
    response::Response,
};
use portcullis_access::{Beginner, Known, recovery as codes};
use portcullis_model::{
    id::{FactorId, SessionId},
    people::{FactorKind, Reach, Session},
};
use serde::Deserialize;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::{
    SignIn,
    answer::{Refused, answer, proved, started},
    cookie,
    entry::{Empty, Proof},
};
use crate::peers::Client;

type Shared = State<Arc<SignIn>>;
type Asker = Extension<Client>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Link {
    token: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Code {
    code: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Which {
    /// Absent: all but the one that asks.
    session: Option<SessionId>,
    /// Whether somebody else began it: all of them end then, the one that asks too.
    #[serde(default, rename = "not-me")]
    not_me: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Own {
    session: SessionId,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Registering {
    ceremony: String,
    credential: Value,
    #[serde(default)]
    label: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Labelled {
    #[serde(default)]
    label: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Factor {
    factor: FactorId,
}

impl SignIn {
    async fn signed_in(&self, method: Method, headers: &HeaderMap, client: Client) -> Result<Known, Refused> {
        self.known(&method, headers, client.0).await?.ok_or_else(Refused::nobody)
    }
}

pub(super) async fn session(State(own): Shared, Extension(client): Asker, headers: HeaderMap) -> Response {
    let work = async {
        let known = own.signed_in(Method::GET, &headers, client).await?;
        let roles: Vec<Value> = match &known.caller.reach {
            Reach::Everything => Vec::new(),
            Reach::Holdings(all) => all
                .iter()
                .map(|one| json!({ "tenant": one.tenant, "role": one.role, "until": one.until, "support": one.support.is_some() }))
                .collect(),
        };
        Ok::<_, Refused>(proved(&json!({
            "person": known.person.id,
            "name": known.person.name,
            "email": known.person.email,
            "roles": roles,
            "csrf": known.csrf,
            "second-factor": known.caller.second_factor(),
            "session": shown(&known.session, &known, false),
        })))
    };
    answer(work.await)
}

/// `notice`: whether the person is told that it began on a new device, until they say a word about it.
fn shown(session: &Session, known: &Known, notice: bool) -> Value {
    json!({
        "id": session.id,
        "device": session.device.label,
        "new-device": session.device.new,
        "address": session.address,
        "created": session.created,
        "used": session.used,
        "idle-minutes": session.idle_minutes,
        "absolute-minutes": session.absolute_minutes,
        "factors": session.factors,
        "ended": session.ended,
        "this": session.id == known.session.id,
        "notice": notice,
    })
}

pub(super) async fn end(State(own): Shared, Extension(client): Asker, headers: HeaderMap, body: Bytes) -> Response {
    let work = async {
        let Empty {} = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        let (person, this) = (&known.person.id, &known.session.id);
        own.access.end_sessions_of(&known.caller, None, person, Some(this)).await?;
        let mut response = proved(&json!({ "ended": 1 }));
        if let Some(value) = cookie::forget(own.is_secure()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        Ok::<_, Refused>(response)
    };
    answer(work.await)
}

pub(super) async fn accept(State(own): Shared, Extension(client): Asker, headers: HeaderMap, body: Bytes) -> Response {
    let work = async {
        let Link { token } = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        own.access.accept(&known, &token).await?;
        Ok::<_, Refused>(proved(&json!({ "accepted": true })))
    };
    answer(work.await)
}

pub(super) async fn step_up_begin(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Empty {} = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        let by = Beginner::Person(known.person.id);
        let (ceremony, options) = own.passkeys.prove(&by, own.clock.now(), own.rng.as_ref())?;
        Ok::<_, Refused>(proved(&json!({ "ceremony": ceremony, "options": options })))
    };
    answer(work.await)
}

pub(super) async fn step_up_passkey(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Proof { ceremony, credential } = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        let stepped = own.access.step_up_by_passkey(&known, &own.passkeys, &ceremony, credential).await?;
        Ok::<_, Refused>(started(&stepped, own.is_secure()))
    };
    answer(work.await)
}

pub(super) async fn step_up_code(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Code { code } = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        let stepped = own.access.step_up_by_code(&known, &Zeroizing::new(code)).await?;
        Ok::<_, Refused>(started(&stepped, own.is_secure()))
    };
    answer(work.await)
}

pub(super) async fn sessions(State(own): Shared, Extension(client): Asker, headers: HeaderMap) -> Response {
    let work = async {
        let known = own.signed_in(Method::GET, &headers, client).await?;
        let all = own.access.sessions(&known.person.id).await?;
        let told = own.access.untold(&known).await?;
        let rest = all.iter().filter(|session| told.iter().all(|one| one.id != session.id));
        // What the person is told of comes first, however long ago it was.
        let first = told.iter().map(|session| shown(session, &known, true));
        let all = first.chain(rest.map(|session| shown(session, &known, false)));
        Ok::<_, Refused>(proved(&json!({ "sessions": all.collect::<Vec<Value>>() })))
    };
    answer(work.await)
}

pub(super) async fn acknowledge(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Own { session } = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        own.access.acknowledge(&known, &session).await?;
        Ok::<_, Refused>(proved(&json!({ "acknowledged": session })))
    };
    answer(work.await)
}

pub(super) async fn end_sessions(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Which { session, not_me } = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        if let Some(stranger) = session.as_ref().filter(|_| not_me) {
            let ended = own.access.disown(&known, stranger).await?;
            let mut response = proved(&json!({ "ended": ended }));
            if let Some(value) = cookie::forget(own.is_secure()) {
                response.headers_mut().append(header::SET_COOKIE, value);
            }
            return Ok::<_, Refused>(response);
        }
        let (actor, person) = (&known.caller.actor, &known.person.id);
        let which = match &session {
            Some(one) => portcullis_access::Which::One(one),
            None => portcullis_access::Which::AllBut(Some(&known.session.id)),
        };
        let ended = own.access.end_sessions(actor, person, which, "ended by its owner").await?;
        Ok::<_, Refused>(proved(&json!({ "ended": ended })))
    };
    answer(work.await)
}

pub(super) async fn factors(State(own): Shared, Extension(client): Asker, headers: HeaderMap) -> Response {
    let work = async {
        let known = own.signed_in(Method::GET, &headers, client).await?;
        let all = own.access.own_factors(&known).await?;
        let all: Vec<Value> = all
            .iter()
            .map(|one| {
                let left = (one.kind == FactorKind::Recovery).then(|| codes::left(one));
                json!({
                    "id": one.id, "kind": one.kind, "label": one.label, "created": one.created, "used": one.used, "left": left,
                })
            })
            .collect();
        Ok::<_, Refused>(proved(&json!({ "factors": all })))
    };
    answer(work.await)
}

pub(super) async fn passkey_begin(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Empty {} = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        let has = own.access.own_factors(&known).await?;
        let by = Beginner::Person(known.person.id.clone());
        let (ceremony, options) = own.passkeys.register(&by, &known.person, &has, own.clock.now(), own.rng.as_ref())?;
        Ok::<_, Refused>(proved(&json!({ "ceremony": ceremony, "options": options })))
    };
    answer(work.await)
}

pub(super) async fn passkey_finish(
    State(own): Shared,
    Extension(client): Asker,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let work = async {
        let Registering { ceremony, credential, label } = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        let now = own.clock.now();
        let factor = own.passkeys.registered(&ceremony, credential, &label, now, own.rng.as_ref())?;
        let id = factor.id.clone();
        let is_over = own.access.add_passkey(&known, factor).await?;
        let mut response = proved(&json!({ "factor": id, "signed-out": is_over }));
        if is_over && let Some(value) = cookie::forget(own.is_secure()) {
            response.headers_mut().append(header::SET_COOKIE, value);
        }
        Ok::<_, Refused>(response)
    };
    answer(work.await)
}

pub(super) async fn totp(State(own): Shared, Extension(client): Asker, headers: HeaderMap, body: Bytes) -> Response {
    let work = async {
        let Labelled { label } = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        let secret = own.access.add_totp(&known, &label).await?;
        Ok::<_, Refused>(proved(&json!({ "secret": secret.as_str(), "digits": 6, "seconds": 30 })))
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
        let Empty {} = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        let codes = own.access.add_recovery(&known).await?;
        let codes: Vec<&str> = codes.iter().map(|code| code.as_str()).collect();
        Ok::<_, Refused>(proved(&json!({ "codes": codes })))
    };
    answer(work.await)
}

pub(super) async fn remove(State(own): Shared, Extension(client): Asker, headers: HeaderMap, body: Bytes) -> Response {
    let work = async {
        let Factor { factor } = own.read(&headers, &body)?;
        let known = own.signed_in(Method::POST, &headers, client).await?;
        own.access.remove_factor(&known, &factor).await?;
        Ok::<_, Refused>(proved(&json!({ "removed": factor })))
    };
    answer(work.await)
}
