//! Answers for what a plugin gets back: status, headers and body, within limits, and without the secrets that went out.
//!
//! Nothing is decompressed here: a compressed answer that no credential was sent for is passed on as it came, within the same cap.
//!
//! Invariants: what belongs to the connection, and cookies, are dropped; every form of every secret of the installation is
//! replaced by `[redacted]` in headers and body; an answer that cannot be searched, because it came compressed though it was
//! asked not to, is refused where a credential was sent.

use std::borrow::Cow;

use hyper::{HeaderMap, Response, StatusCode, body::Incoming, header};
use portcullis_model::{
    egress::{Answer, MAX_BODY},
    error::ServiceError,
};

use crate::{
    dial::down,
    headers,
    leaks::Needles,
    wire::{BodyFailed, Wire, chain},
};

/// What is to be known about the request, to judge its answer.
pub(crate) struct Asked<'a> {
    pub(crate) host: &'a str,
    /// Whether a credential was sent.
    pub(crate) credential: bool,
    /// What may not be in the answer.
    pub(crate) needles: Option<&'a Needles>,
    /// Bytes of the request's body.
    pub(crate) sent: u64,
}

/// Reads the answer to its end from this connection, which can be used again afterwards.
pub(crate) async fn read(
    response: Response<Incoming>,
    wire: &mut Wire,
    asked: &Asked<'_>,
) -> Result<Answer, ServiceError> {
    let (head, body) = response.into_parts();
    if head.status == StatusCode::SWITCHING_PROTOCOLS {
        return Err(down(asked.host, "the host switched protocols unasked"));
    }
    if asked.credential && is_compressed(&head.headers) {
        return Err(down(asked.host, "the answer is compressed though it was asked not to be"));
    }
    let body = wire.collect(body, MAX_BODY).await.map_err(|failed| match failed {
        BodyFailed::TooLong => too_long(),
        BodyFailed::Broken(error) => down(asked.host, &chain(&error)),
    })?;
    let mut headers = passed_on(&head.headers, asked.needles);
    let body = match asked.needles.and_then(|needles| needles.redact(&body)) {
        None => body,
        Some(clean) => {
            tracing::warn!(host = asked.host, "a secret was in an answer's body and was taken out");
            headers.retain(|(name, _)| name != "content-length");
            clean
        }
    };
    if body.len() > MAX_BODY {
        return Err(too_long());
    }
    Ok(Answer { status: head.status.as_u16(), headers, body, sent: asked.sent, plaintext: wire.is_plaintext() })
}

fn too_long() -> ServiceError {
    ServiceError::limited("http-response-bytes", MAX_BODY as u64)
}

/// By an encoding of the content, or of its transfer other than in chunks.
fn is_compressed(headers: &HeaderMap) -> bool {
    let other =
        |name, than: &[u8]| headers.get_all(name).iter().any(|value| !value.as_bytes().eq_ignore_ascii_case(than));
    other(header::CONTENT_ENCODING, b"identity") || other(header::TRANSFER_ENCODING, b"chunked")
}

fn passed_on(headers: &HeaderMap, needles: Option<&Needles>) -> Vec<(String, String)> {
    let listed = listed_as_hop(headers);
    let mut passed = Vec::with_capacity(headers.len());
    for (name, value) in headers {
        let name = name.as_str();
        let kept = name == "content-length" || !headers::is_hop(name) && !listed.iter().any(|one| one == name);
        if !kept || name.starts_with("set-cookie") || needles.is_some_and(|needles| needles.find_in(name.as_bytes())) {
            continue;
        }
        let clean = needles.and_then(|needles| needles.redact(value.as_bytes()));
        let value = clean.as_deref().unwrap_or(value.as_bytes());
        passed.push((name.to_owned(), String::from_utf8_lossy(value).into_owned()));
    }
    passed
}

/// What the answer itself says belongs to the connection, in lower case (RFC 9110, 7.6.1).
fn listed_as_hop(headers: &HeaderMap) -> Vec<String> {
    let values = headers.get_all(header::CONNECTION).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    let names = |value: Cow<'_, str>| value.split(',').map(|name| name.trim().to_ascii_lowercase()).collect::<Vec<_>>();
    values.flat_map(names).collect()
}

#[cfg(test)]
mod tests {
    use hyper::header::{HeaderName, HeaderValue};
    use portcullis_model::secret::Secret;

    use super::*;

    fn head(lines: &[(&'static str, &'static str)]) -> HeaderMap {
        let one = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        lines.iter().map(one).collect()
    }

    #[test]
    fn drops_cookies_and_what_belongs_to_the_connection() {
        let head = head(&[
            ("content-type", "text/plain"),
            ("content-length", "4"),
            ("connection", "close, X-Hop"),
            ("x-hop", "1"),
            ("keep-alive", "timeout=5"),
            ("transfer-encoding", "chunked"),
            ("proxy-authenticate", "Basic"),
            ("www-authenticate", "Bearer"),
            ("set-cookie", "a=b"),
            ("set-cookie2", "a=b"),
        ]);
        let mut names: Vec<_> = passed_on(&head, None).into_iter().map(|(name, _)| name).collect();
        names.sort();
        assert_eq!(names, ["content-length", "content-type", "www-authenticate"]);
    }

    #[test]
    fn takes_secrets_out_of_values_and_names() {
        let needles = Needles::new(&[Secret::new(b"tok-12345678".to_vec())]).unwrap();
        let head = head(&[("location", "https://a.example.test/?t=tok-12345678&x"), ("x-tok-12345678", "1")]);
        let expected = ("location".to_owned(), "https://a.example.test/?t=[redacted]&x".to_owned());
        assert_eq!(passed_on(&head, Some(&needles)), [expected]);
    }

    #[test]
    fn knows_a_compressed_answer() {
        assert!(!is_compressed(&head(&[])));
        assert!(!is_compressed(&head(&[("content-encoding", "Identity")])));
        for encoding in ["gzip", "identity, br", ""] {
            assert!(is_compressed(&head(&[("content-encoding", encoding)])), "{encoding}");
        }
        assert!(!is_compressed(&head(&[("transfer-encoding", "Chunked")])));
        assert!(is_compressed(&head(&[("transfer-encoding", "gzip, chunked")])));
    }
}
