//! From a request to an operation and back: the same way for all of them.
//!
//! The order: who asks; what is asked for, in path, query and body; what it is about, and whether whoever asks may do that to it;
//! which version it was made for; then the operation. A change goes on where its client hangs up.

use std::sync::Arc;

use axum::{
    body::{Body, Bytes},
    extract::{FromRequestParts as _, RawPathParams},
    http::{HeaderMap, HeaderValue, Request, StatusCode, header, request::Parts},
    response::Response,
};

use portcullis_model::{
    json::sorted,
    people::{Principal, Resource},
};

use super::{
    answer,
    body::{self, Taken as _},
    frame::{Frame, unseen},
    given,
    operation::{About, Call, Effect, On, Operation, Reply, Version, What},
    page::{self, Turn},
    repeat::{self, Done},
};
use crate::{
    problem::{Problem, Reason},
    trace::traceparent,
};

/// How long a body may be, in bytes, that is read before it is known whether whoever sends it may do what they ask for.
pub(super) const UNASKED: usize = 4 * 1024 * 1024;

/// Answers a request for this operation.
pub(super) async fn run<O: Operation>(frame: Arc<Frame>, ports: Arc<O::Ports>, request: Request<Body>) -> Response {
    sealed(answer(answered::<O>(frame, ports, request).await))
}

/// What every answer has: it is for nobody else, and what it says it is.
pub(super) fn sealed(mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    response
}

async fn answered<O: Operation>(
    frame: Arc<Frame>,
    ports: Arc<O::Ports>,
    request: Request<Body>,
) -> Result<Response, Problem> {
    let (mut head, body) = request.into_parts();
    let caller = frame.callers.of(&head).await?;
    let (call, bytes) = read::<O>(frame.clone(), &ports, caller, &mut head, body).await?;
    let keyed = match O::ABOUT.takes_key() && !call.dry_run {
        true => repeat::keyed(&frame, &call.caller, call.resource.tenant.as_ref(), &head, &bytes)?,
        false => None,
    };
    let work = async move { O::handle(&ports, call).await.and_then(|reply| done::<O>(&O::ABOUT, reply)) };
    match O::ABOUT.effect {
        Effect::Read => work.await.map(Done::into_response),
        // Who hangs up does not leave a change half done.
        Effect::Write => {
            let once = O::ABOUT.once;
            let task = tokio::spawn(async move { repeat::at_most_once(&frame, keyed, once, work).await });
            task.await.unwrap_or_else(|error| {
                tracing::error!(%error, "an operation of the admin API broke");
                Err(Problem::new(Reason::Unavailable, "See whether it was done, and the host's log for why."))
            })
        }
    }
}

/// All that a request says, once it is known that whoever asks may ask for it.
async fn read<O: Operation>(
    frame: Arc<Frame>,
    ports: &O::Ports,
    caller: portcullis_model::people::Caller,
    head: &mut Parts,
    body: Body,
) -> Result<(Call<O>, Bytes), Problem> {
    let about = O::ABOUT;
    let unknown = || Problem::new(Reason::Unknown, "Nothing has this name; see the list that it would stand in.");
    let path = RawPathParams::from_request_parts(head, &()).await.map_err(|_| unknown())?;
    let at = page::filled(about.path, path.iter());
    let path: O::Path = given::read(path.iter()).map_err(|_| unknown())?;
    // Whether it is there does not depend on what the request is about.
    let expected = expected(&about, &head.headers)?;
    let Asked { own, dry_run, turn } = asked::<O>(&frame, &about, at, head.uri.query().unwrap_or_default())?;
    let query: O::Query = given::read(own.iter().map(|(name, value)| (name.as_str(), value.as_str())))?;
    if about.max_body > UNASKED && about.on == On::Host {
        // Nobody has the host hold that much who may not do this anyway.
        frame.allows(&caller, &about, &Resource::of_platform("body")).await?;
    }
    let bytes: Bytes = body::within(body, about.max_body).await?;
    let body = O::Body::read(&head.headers, &bytes)?;
    let resource = O::resource(ports, &path, &query, &body).await.map_err(|problem| match caller.principal {
        Principal::Operator => problem,
        // The words of an operation would tell those apart from what is another's.
        _ if problem.reason == Reason::Unknown => unseen(),
        _ => problem,
    })?;
    frame.allows(&caller, &about, &resource).await?;
    let trace = traceparent(&head.headers);
    let last_event = head.headers.get("last-event-id").cloned();
    Ok((Call { caller, resource, path, query, body, dry_run, expected, turn, trace, last_event, frame }, bytes))
}

struct Asked {
    own: Vec<(String, String)>,
    dry_run: bool,
    turn: Turn,
}

/// The query: what the frame reads of it, and what is the operation's own.
fn asked<O: Operation>(frame: &Frame, about: &About, path: String, query: &str) -> Result<Asked, Problem> {
    let own = given::names::<O::Query>();
    let mut known: Vec<&str> = own.iter().map(String::as_str).collect();
    if about.paged {
        known.extend(page::NAMES);
    }
    if about.dry_run {
        known.push(DRY_RUN);
    }
    let mut pairs = given::pairs(query, &known)?;
    let mut take = |name: &str| {
        let at = pairs.iter().position(|(given, _)| given == name && !own.iter().any(|one| one == name))?;
        Some(pairs.remove(at).1)
    };
    let (limit, cursor, dry_run) = (take("limit"), take("cursor"), take(DRY_RUN));
    let dry_run = match dry_run.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(given::wrong(format!("{DRY_RUN}: expected true or false."))),
    };
    let turn = Turn::read(frame, about.id, path, limit.as_deref(), cursor.as_deref(), pairs.clone())?;
    Ok(Asked { own: pairs, dry_run, turn })
}

/// The parameter that tries out.
pub(super) const DRY_RUN: &str = "dry_run";

/// The version that a request was made for (RFC 9110, section 13.1.1).
fn expected(about: &About, headers: &HeaderMap) -> Result<Option<u64>, Problem> {
    if about.version != Version::Needed {
        return Ok(None);
    }
    let mut all = headers.get_all(header::IF_MATCH).iter();
    let advice = "Read the thing, and send the ETag of that answer as 'If-Match: \"...\"'.";
    let Some(given) = all.next() else { return Err(Problem::new(Reason::NoVersion, advice)) };
    // One strong tag, and no '*': who changes something says which state of it was looked at.
    let version = given.to_str().ok().and_then(|text| text.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok());
    match (version, all.next()) {
        (Some(version), None) => Ok(Some(version)),
        _ => Err(Problem::new(Reason::OtherVersion, advice)),
    }
}

/// What is answered, before it is sent.
fn done<O: Operation>(about: &About, reply: Reply<O::Answer>) -> Result<Done, Problem> {
    let Reply { what, version, location, tried } = reply;
    let mut headers = Vec::new();
    if let Some(version) = version {
        headers.push((header::ETAG.to_string(), format!("\"{version}\"")));
    }
    if let Some(path) = location {
        headers.push((header::LOCATION.to_string(), format!("/admin/v1{path}")));
    }
    let answer = match what {
        What::Raw(response) => return Ok(Done::Raw(response)),
        What::Json(_) if about.status == StatusCode::NO_CONTENT => None,
        What::Json(answer) => Some(answer),
    };
    let broken = |error: serde_json::Error| {
        tracing::error!(%error, "an answer of the admin API cannot be written");
        Problem::new(Reason::Unavailable, "See the host's log.")
    };
    let value = answer.map(|answer| sorted(&answer)).transpose().map_err(broken)?;
    if let Some(next) = value.as_ref().and_then(|value| value.get("next")?.as_str()).filter(|_| about.paged) {
        headers.push((header::LINK.to_string(), format!("<{next}>; rel=\"next\"")));
    }
    if value.is_some() {
        headers.push((header::CONTENT_TYPE.to_string(), about.media.to_owned()));
    }
    let status = if tried { StatusCode::OK } else { about.status };
    Ok(Done::Whole { status: status.as_u16(), headers, body: value.map(|value| value.to_string()) })
}
