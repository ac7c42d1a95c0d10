//! Requests that are sent again under the same `Idempotency-Key`: done once, and answered alike.
//!
//! Invariants: what has begun under a key is not begun again before its end is known, not even after a crash; a key stands for
//! one request of one caller; what was refused changed nothing and may be asked again, corrected.

use std::future::Future;

use axum::{
    body::{Body, Bytes},
    http::{HeaderName, HeaderValue, StatusCode, header, request::Parts},
    response::Response,
};
use portcullis_broker::hmac::digest;
use portcullis_model::{
    id::{Digest, TenantId},
    idempotency::{Kept, Keyed, Known},
    people::Caller,
};

use super::{caller, frame::Frame, unavailable};
use crate::problem::{Problem, Reason};

/// The header that names the key.
pub(super) const HEADER: &str = "idempotency-key";
/// Says that an answer is that of a request before.
const REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
/// The largest answer that is kept, in bytes.
const LARGEST: usize = 256 * 1024;

/// What is answered.
pub(super) enum Done {
    /// All of it is known.
    Whole { status: u16, headers: Vec<(String, String)>, body: Option<String> },
    /// It is made while it is sent.
    Raw(Response),
}

impl Done {
    pub fn into_response(self) -> Response {
        let (status, headers, body) = match self {
            Self::Whole { status, headers, body } => (status, headers, body),
            Self::Raw(response) => return response,
        };
        let mut response = Response::new(body.map_or_else(Body::empty, Body::from));
        *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::OK);
        for (name, value) in headers {
            if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

/// The key that a request names, with what it stands for; none where it names none.
///
/// What a body says may be what is to be forgotten: nobody who has what is kept can find out by guessing, unless they have the host's
/// secret as well.
pub(super) fn keyed(
    frame: &Frame,
    caller: &Caller,
    tenant: Option<&TenantId>,
    head: &Parts,
    body: &Bytes,
) -> Result<Option<Keyed>, Problem> {
    let mut all = head.headers.get_all(HEADER).iter();
    let Some(given) = all.next() else { return Ok(None) };
    let key = given.as_bytes();
    if all.next().is_some() || !(1..=255).contains(&key.len()) || !key.iter().all(u8::is_ascii_graphic) {
        let advice = "Idempotency-Key: expected one key of 1 to 255 visible ASCII characters, such as a UUID.";
        return Err(Problem::new(Reason::WrongQuery, advice));
    }
    let version = head.headers.get(header::IF_MATCH).map_or(&b""[..], HeaderValue::as_bytes);
    let target = head.uri.path_and_query().map_or("", |target| target.as_str());
    let request = request_digest(frame, [head.method.as_str().as_bytes(), target.as_bytes(), version, body]);
    let (caller, tenant, at) = (caller::id(caller), tenant.cloned(), frame.clock.now());
    Ok(Some(Keyed { caller, tenant, key: Digest::of(key), request, at }))
}

/// What stands for a request in the storage. Bodies may hold a secret that a person chose: whoever has the storage alone cannot try which.
fn request_digest(frame: &Frame, parts: [&[u8]; 4]) -> Digest {
    let lengths = parts.map(|part| (part.len() as u64).to_be_bytes());
    let all: Vec<&[u8]> = lengths.iter().zip(parts).flat_map(|(length, part)| [&length[..], part]).collect();
    Digest::from_sha256(digest(&frame.requests, &all))
}

/// Does it, unless it was done under its key before.
pub(super) async fn at_most_once(
    frame: &Frame,
    keyed: Option<Keyed>,
    once: bool,
    work: impl Future<Output = Result<Done, Problem>>,
) -> Result<Response, Problem> {
    let Some(keyed) = keyed else { return work.await.map(Done::into_response) };
    match frame.repeats.begin(keyed.clone()).await.map_err(|error| unavailable(&error))? {
        Known::New => {}
        Known::Answered(kept) => return replayed(kept),
        Known::Begun => {
            let advice =
                "Wait for the answer. Where none came, see whether it was done before you send it under another key.";
            return Err(Problem::new(Reason::KeyInUse, advice));
        }
        Known::Other => return Err(Problem::new(Reason::KeyReused, "Use a new key for a new request.")),
    }
    let outcome = work.await;
    let end = match &outcome {
        Ok(Done::Whole { status, headers, body }) => {
            let body = body.clone().filter(|body| !once && body.len() <= LARGEST);
            Some(Some(Kept { status: *status, headers: headers.clone(), body }))
        }
        Err(problem) if problem.reason.status().is_server_error() => None,
        Ok(Done::Raw(_)) | Err(_) => Some(None),
    };
    if let Some(kept) = end
        && let Err(error) = frame.repeats.end(keyed, kept).await
    {
        // The key goes on to stand for a request of which the end is not known: nothing is done twice.
        tracing::error!(%error, "what was answered cannot be kept for a repetition");
    }
    outcome.map(Done::into_response)
}

fn replayed(kept: Kept) -> Result<Response, Problem> {
    let Kept { status, headers, body } = kept;
    if body.is_none() && status != StatusCode::NO_CONTENT.as_u16() {
        let advice = "It was done. Its answer was not kept; read what it is about instead.";
        return Err(Problem::new(Reason::KeyInUse, advice));
    }
    let mut response = Done::Whole { status, headers, body }.into_response();
    response.headers_mut().insert(REPLAYED, HeaderValue::from_static("true"));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use axum::http::Request;
    use portcullis_store::SqliteStore;

    use super::*;
    use crate::admin::testing;

    #[tokio::test]
    async fn what_is_kept_of_a_request_tells_a_guess_from_it_only_with_the_hosts_secret() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let of = |token: &[u8], body: &'static str| {
            let request = Request::post("/audit/erase").header(HEADER, "k1").body(()).unwrap();
            let (head, ()) = request.into_parts();
            let frame = testing::frame(&store, token);
            keyed(&frame, &testing::dana(), None, &head, &Bytes::from_static(body.as_bytes())).unwrap().unwrap().request
        };
        assert_eq!(of(b"token", "eve"), of(b"token", "eve"), "also after a restart");
        assert_ne!(of(b"token", "eve"), of(b"token", "adam"));
        assert_ne!(of(b"token", "eve"), of(b"other", "eve"), "a guess is confirmed without the secret");
    }

    #[test]
    fn what_stands_for_a_request_tells_nothing_of_its_body_without_the_hosts_own_secret() {
        let dir = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&dir.path().join("host.db")).unwrap();
        let [ours, same, other] = [b"one", b"one", b"two"].map(|token| testing::frame(&store, token));
        let of = |frame: &Frame, body: &[u8]| request_digest(frame, [b"POST", b"/x", b"", body]);
        assert_eq!(of(&ours, b"secret-1"), of(&same, b"secret-1"));
        assert_ne!(of(&ours, b"secret-1"), of(&other, b"secret-1"), "the storage alone does not do");
        assert_ne!(of(&ours, b"secret-1"), of(&ours, b"secret-2"));
        let moved = request_digest(&ours, [b"POST", b"/xs", b"", b"ecret-1"]);
        assert_ne!(of(&ours, b"secret-1"), moved);
    }
}
