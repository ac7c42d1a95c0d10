//! JSON Web Tokens (RFC 7519): a header that is JSON with an `alg`, a payload that is JSON, a signature.
//!
//! Invariant: linear: a dot is looked at once, at most [`MAX_HEADER`] bytes before it and to the next dot after it.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

/// Both parts begin like this: `{"` in base64url. It is looked for where the payload begins.
pub(super) const MARK: &str = ".eyJ";

const MAX_HEADER: usize = 1024;
const MAX_PAYLOAD: usize = 16 * 1024;
const MIN_SIGNATURE: usize = 20;

/// How many beginnings before a dot are tried: text that lies before a token may look like one.
const TRIES: usize = 8;

/// The token whose first dot is at `dot`: its beginning and its end.
pub(super) fn around(bytes: &[u8], dot: usize) -> Option<(usize, usize)> {
    let payload = &bytes[dot + 1..];
    let length = run(payload, MAX_PAYLOAD);
    if payload.get(length) != Some(&b'.') || !is_object(&payload[..length], |_| true) {
        return None;
    }
    let signature = dot + 1 + length + 1;
    let signed = run(&bytes[signature..], MAX_PAYLOAD);
    let start = (signed >= MIN_SIGNATURE).then(|| header(bytes, dot)).flatten()?;
    Some((start, signature + signed))
}

fn header(bytes: &[u8], dot: usize) -> Option<usize> {
    let from = dot.saturating_sub(MAX_HEADER);
    let before = bytes[from..dot].iter().rev().take_while(|byte| is_base64url(**byte)).count();
    let region = &bytes[dot - before..dot];
    let starts = (0..region.len().saturating_sub(2)).rev().filter(|at| region[*at..].starts_with(b"eyJ"));
    let has_alg = |value: &Value| value.get("alg").is_some_and(Value::is_string);
    starts.take(TRIES).find(|at| is_object(&region[*at..], has_alg)).map(|at| dot - before + at)
}

fn is_object(text: &[u8], and: impl Fn(&Value) -> bool) -> bool {
    let decoded = URL_SAFE_NO_PAD.decode(text).ok();
    let value = decoded.and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    value.is_some_and(|value| value.is_object() && and(&value))
}

fn run(bytes: &[u8], most: usize) -> usize {
    bytes.iter().take(most).take_while(|byte| is_base64url(**byte)).count()
}

fn is_base64url(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}
