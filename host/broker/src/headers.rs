//! Answers for the headers of an outbound request: rebuilt from those that a plugin may set, never passed through.
//!
//! Dropped without a word, since libraries set them by themselves: whatever frames the message or belongs to the connection,
//! whatever proves who is asking, and whatever makes a server take one method for another (the grant names methods).
//! Refused: what is no header at all.
//!
//! Invariants: a name is a token and a value printable ASCII (RFC 9110, 5.5 and 5.6.2), so that neither can end a line;
//! the only credential in a request is the one that was added here; the plugin's own never goes out beside it.

use std::borrow::Cow;

use hyper::{
    HeaderMap,
    header::{self, HeaderName, HeaderValue},
};
use portcullis_model::error::ServiceError;

use crate::connection::Connection;

/// The most headers that a plugin may set in one request.
pub const MAX_HEADERS: usize = 64;

/// The most that names and values may take together, in bytes.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;

/// Headers that every request has: `host`, `accept-encoding`, `user-agent`, `traceparent`, and `content-length` where there is a body.
const ADDED: usize = 5;

/// Who is asking, to servers outside.
pub(crate) const AGENT: &str = concat!("portcullis/", env!("CARGO_PKG_VERSION"));

/// Of the message's frame or the connection (RFC 9110, 7.6.1 and 9112): the host's own business in both directions.
const HOP: &[&str] = &[
    "connection",
    "content-length",
    "expect",
    "host",
    "http2-settings",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Not from a plugin: its place in a trace, which is the host's to say; credentials, compression (a reflected secret could not be found in it), another method.
const OWN: &[&str] = &[
    "accept-encoding",
    "authorization",
    "cookie",
    "cookie2",
    "traceparent",
    "tracestate",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
];

/// Whether it belongs to one connection and not to the message.
pub(crate) fn is_hop(name: &str) -> bool {
    HOP.contains(&name) || name.starts_with("proxy-")
}

/// Whether a stored credential may not use this header.
pub(crate) fn is_forbidden_for_credentials(name: &str) -> bool {
    is_hop(name) || (OWN.contains(&name) && name != "authorization")
}

/// Whether it is a header's name in lower case: a token of RFC 9110.
pub(crate) fn is_name(name: &str) -> bool {
    let token = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"!#$%&'*+-.^_`|~".contains(&b);
    !name.is_empty() && name.bytes().all(token)
}

/// Whether it can stand as a header's value: printable ASCII and spaces.
pub(crate) fn is_value(value: &str) -> bool {
    value.bytes().all(|b| (0x20..0x7f).contains(&b))
}

/// The headers that go out: the plugin's, as far as it may set them, and the credentials.
pub(crate) fn build(guest: &[(String, String)], credentials: &[&Connection]) -> Result<HeaderMap, ServiceError> {
    check_size(guest)?;
    let mut headers = HeaderMap::with_capacity(guest.len() + credentials.len() + ADDED);
    for (index, (name, value)) in guest.iter().enumerate() {
        let name = match name.bytes().any(|b| b.is_ascii_uppercase()) {
            true => Cow::Owned(name.to_ascii_lowercase()),
            false => Cow::Borrowed(name),
        };
        let (name, value) = one(&name, value).ok_or_else(|| unfit(index))?;
        let credential = credentials.iter().any(|connection| connection.place.header == name.as_str());
        if !credential && !is_hop(name.as_str()) && !OWN.contains(&name.as_str()) {
            headers.append(name, value);
        }
    }
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(AGENT));
    for connection in credentials {
        let (name, value) = connection.header().map_err(ServiceError::Unavailable)?;
        headers.insert(name, value);
    }
    Ok(headers)
}

fn check_size(guest: &[(String, String)]) -> Result<(), ServiceError> {
    let bytes: usize = guest.iter().map(|(name, value)| name.len() + value.len()).sum();
    if guest.len() > MAX_HEADERS || bytes > MAX_HEADER_BYTES {
        let limit = format!("headers: at most {MAX_HEADERS}, of {MAX_HEADER_BYTES} bytes together");
        return Err(ServiceError::Invalid(limit));
    }
    Ok(())
}

fn one(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    if !is_name(name) || !is_value(value) {
        return None;
    }
    Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?))
}

/// By number: the text itself may be anything.
fn unfit(index: usize) -> ServiceError {
    let number = index + 1;
    ServiceError::Invalid(format!("headers: number {number} needs a token as name and printable ASCII as value"))
}

#[cfg(test)]
mod tests {
    use portcullis_model::{secret::Secret, time::Timestamp};

    use super::*;
    use crate::{connection::Life, place::Place};

    fn guest(headers: &[(&str, &str)]) -> Vec<(String, String)> {
        headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    fn connection(header: &str) -> Connection {
        Connection {
            tenant: "acme".parse().unwrap(),
            installation: "ins_1".parse().unwrap(),
            name: "chat".into(),
            generation: 1,
            place: Place { header: header.into(), ..Place::bearer("chat.example.test") },
            secret: Secret::new(b"tok-12345678".to_vec()),
            life: Life { issued: Timestamp(0), expires: None },
            provider: None,
        }
    }

    #[test]
    fn drops_what_is_not_a_plugins_to_set() {
        for name in HOP.iter().chain(OWN).chain(&["proxy-authorization", "proxy-connection", "Authorization", "HOST"]) {
            let built = build(&guest(&[(name, "1"), ("x-kept", "2")]), &[]).unwrap();
            assert_eq!(built.len(), 3, "{name}");
            assert!(built.get(*name).is_none_or(|value| value == "identity"), "{name}");
            assert_eq!(built["x-kept"], "2");
        }
    }

    #[test]
    fn adds_the_credential_in_place_of_the_plugins_header() {
        let connection = connection("x-api-key");
        let built = build(&guest(&[("X-Api-Key", "mine"), ("x-api-key", "again")]), &[&connection]).unwrap();
        let all: Vec<_> = built.get_all("x-api-key").iter().collect();
        assert_eq!(all, ["Bearer tok-12345678"]);
        assert!(!format!("{built:?}").contains("tok-12345678"));
    }

    #[test]
    fn refuses_what_could_end_a_line() {
        for (name, value) in [
            ("x", "a\r\nhost: evil.test"),
            ("x", "a\nb"),
            ("x", "a\0b"),
            ("x", "a\tb"),
            ("x", "a\u{7f}"),
            ("x", "\u{10a}"),
            ("x", "\u{85}"),
            ("x\r\ny", "a"),
            ("x y", "a"),
            ("x:", "a"),
            ("", "a"),
            ("x\u{130}", "a"),
            (":authority", "evil.test"),
            // A name that would be dropped must still be one: its value is not looked at any later.
            ("host", "a\r\nb"),
        ] {
            assert!(
                matches!(build(&guest(&[(name, value)]), &[]), Err(ServiceError::Invalid(_))),
                "{name:?} {value:?}"
            );
        }
    }

    #[test]
    fn has_limits() {
        let many: Vec<_> = (0..65).map(|n| (format!("x-{n}"), String::new())).collect();
        assert!(build(&many[..64], &[]).is_ok());
        assert!(build(&many, &[]).is_err());
        assert!(build(&[("x".into(), "v".repeat(MAX_HEADER_BYTES - 1))], &[]).is_ok());
        assert!(build(&[("x".into(), "v".repeat(MAX_HEADER_BYTES))], &[]).is_err());
    }
}
