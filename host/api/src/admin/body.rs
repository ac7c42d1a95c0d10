//! Bodies of requests.
//!
//! Invariants: no more is read than the operation takes; a field that nobody knows is refused, with the name that comes
//! nearest.

use std::time::Duration;

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, header},
};
use portcullis_model::{audit::plain, scope::nearest};
use portcullis_packages::{bundle, release_dir::ReleaseFiles};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::given::short;
use crate::problem::{Problem, Reason};

/// How long a body may take to arrive, in seconds; and how many bytes have another second.
const BODY_TIME: usize = 10;
const A_SECOND: usize = 1024 * 1024;

/// What an operation takes in its body.
pub trait Taken: Sized + Send + Sync + 'static {
    /// Its media type.
    const MEDIA: &'static str = "application/json";

    /// Reads it.
    fn read(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem>;

    /// Whether there must be one, where one is taken.
    const REQUIRED: bool = true;

    /// Its schema, and those that it refers to; none where no body is taken.
    fn schema(into: &mut Vec<(String, Value)>) -> Option<Value>;
}

/// No body.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Taken for Nothing {
    fn read(_: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        match bytes.is_empty() {
            true => Ok(Self),
            false => Err(Problem::new(Reason::WrongBody, "Send no body: this operation takes none.")),
        }
    }

    fn schema(_: &mut Vec<(String, Value)>) -> Option<Value> {
        None
    }
}

/// A release in one file, as `portcullis plugin bundle` makes it.
#[derive(Clone, Debug)]
pub struct Packed(pub ReleaseFiles);

impl Taken for Packed {
    const MEDIA: &'static str = "application/octet-stream";

    fn read(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        if !is(headers, Self::MEDIA) {
            let advice = "Send a release's bundle, with 'Content-Type: application/octet-stream'.";
            return Err(Problem::new(Reason::WrongType, advice));
        }
        bundle::read(bytes).map(Self).map_err(|error| {
            let advice = format!("This is no bundle of a release: {}.", plain(&error.to_string()));
            Problem::new(Reason::WrongBody, advice)
        })
    }

    fn schema(_: &mut Vec<(String, Value)>) -> Option<Value> {
        Some(json!({ "type": "string", "format": "binary" }))
    }
}

/// Whether a request says that its body is of this type.
fn is(headers: &HeaderMap, expected: &str) -> bool {
    let media = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    media.split(';').next().is_some_and(|media| media.trim().eq_ignore_ascii_case(expected))
}

/// JSON.
#[derive(Clone, Debug)]
pub struct Sent<T>(pub T);

impl<T: DeserializeOwned + ToSchema + Send + Sync + 'static> Taken for Sent<T> {
    fn read(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        if !is(headers, Self::MEDIA) {
            return Err(Problem::new(Reason::WrongType, "Send JSON, with 'Content-Type: application/json'."));
        }
        let value: Value = serde_json::from_slice(bytes).map_err(|error| {
            let advice = format!("Expected JSON; line {}, column {} is wrong.", error.line(), error.column());
            Problem::new(Reason::NotJson, advice)
        })?;
        known_fields(&value, &fields::<T>())?;
        // From the bytes once more: a value would hide what is there twice.
        let reader = &mut serde_json::Deserializer::from_slice(bytes);
        serde_path_to_error::deserialize(reader).map(Self).map_err(|error| {
            let path = error.path().to_string();
            let inner = error.into_inner().to_string();
            let what = inner.split(" at line ").next().unwrap_or_default();
            let at = if path == "." { String::new() } else { format!("{}: ", short(&path)) };
            let what: String = plain(what).chars().take(400).collect();
            Problem::new(Reason::WrongBody, format!("{at}{what}."))
        })
    }

    fn schema(into: &mut Vec<(String, Value)>) -> Option<Value> {
        Some(super::openapi::reference::<T>(into))
    }
}

/// JSON, or no body at all.
#[derive(Clone, Debug)]
pub struct Maybe<T>(pub Option<T>);

impl<T: DeserializeOwned + ToSchema + Send + Sync + 'static> Taken for Maybe<T> {
    const REQUIRED: bool = false;

    fn read(headers: &HeaderMap, bytes: &Bytes) -> Result<Self, Problem> {
        match bytes.is_empty() {
            true => Ok(Self(None)),
            false => Sent::<T>::read(headers, bytes).map(|sent| Self(Some(sent.0))),
        }
    }

    fn schema(into: &mut Vec<(String, Value)>) -> Option<Value> {
        Sent::<T>::schema(into)
    }
}

/// The fields that a type has at its top.
fn fields<T: ToSchema>() -> Vec<String> {
    let schema = serde_json::to_value(T::schema()).unwrap_or_default();
    schema["properties"].as_object().map(|all| all.keys().cloned().collect()).unwrap_or_default()
}

fn known_fields(value: &Value, known: &[String]) -> Result<(), Problem> {
    let Value::Object(given) = value else {
        return Err(Problem::new(Reason::WrongBody, "Expected a JSON object."));
    };
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    match given.keys().find(|name| !known.is_empty() && !known.contains(&name.as_str())) {
        Some(name) => {
            let advice = format!("There is no field '{}'; {}", short(name), nearest(name, &known));
            Err(Problem::new(Reason::WrongBody, advice))
        }
        None => Ok(()),
    }
}

/// Reads a body within its size.
pub(super) async fn within(body: Body, most: usize) -> Result<Bytes, Problem> {
    let seconds = BODY_TIME + most / A_SECOND;
    let time = Duration::from_secs(u64::try_from(seconds).unwrap_or(u64::MAX));
    match tokio::time::timeout(time, axum::body::to_bytes(body, most)).await {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(_)) => Err(Problem::new(Reason::TooLarge, format!("Send at most {most} bytes."))),
        Err(_) => Err(Problem::new(Reason::Slow, format!("Send the body within {seconds} seconds."))),
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{id::Digest, release::StoredRelease};
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize, ToSchema)]
    #[serde(deny_unknown_fields)]
    struct Why {
        reason: String,
        #[serde(default)]
        inner: Vec<u8>,
    }

    fn read(media: &str, text: &str) -> Result<Why, (Reason, String)> {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, media.parse().unwrap());
        let read = Sent::<Why>::read(&headers, &Bytes::from(text.to_owned()));
        read.map(|sent| sent.0).map_err(|problem| (problem.reason, problem.advice))
    }

    #[test]
    fn a_body_says_just_what_is_asked_for() {
        let whole = read("application/json; charset=utf-8", r#"{"reason":"x"}"#).unwrap();
        assert_eq!((whole.reason.as_str(), whole.inner.len()), ("x", 0));
        for (text, reason, says) in [
            ("{", Reason::NotJson, "line 1"),
            ("[]", Reason::WrongBody, "object"),
            (r#"{"raeson":"x"}"#, Reason::WrongBody, "'reason'"),
            (r#"{}"#, Reason::WrongBody, "missing field `reason`"),
            (r#"{"reason":"x","reason":"y"}"#, Reason::WrongBody, "duplicate field"),
            (r#"{"reason":"x","inner":[1,"a"]}"#, Reason::WrongBody, "inner[1]"),
        ] {
            let (found, advice) = read("application/json", text).unwrap_err();
            assert!(found == reason && advice.contains(says), "{text}: {advice}");
        }
        assert_eq!(read("text/plain", "{}").unwrap_err().0, Reason::WrongType);
    }

    #[test]
    fn what_need_not_be_sent_is_read_as_strictly_where_it_is() {
        let mut headers = HeaderMap::new();
        assert!(Maybe::<Why>::read(&headers, &Bytes::new()).unwrap().0.is_none());
        let given =
            |headers: &HeaderMap, text: &'static str| Maybe::<Why>::read(headers, &Bytes::from_static(text.as_bytes()));
        assert_eq!(given(&headers, r#"{"reason":"x"}"#).unwrap_err().reason, Reason::WrongType);
        headers.insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        assert_eq!(given(&headers, r#"{"reason":"x"}"#).unwrap().0.unwrap().reason, "x");
        assert_eq!(given(&headers, r#"{"raeson":"x"}"#).unwrap_err().reason, Reason::WrongBody);
    }

    #[test]
    fn a_release_is_sent_as_a_bundle_or_not_at_all() {
        let stored = StoredRelease { digest: Digest::of(b"x"), manifest: "m".to_owned(), envelope: "{}".to_owned() };
        let files = ReleaseFiles::new(stored, b"x".to_vec().into());
        let whole = Bytes::from(bundle::to_bytes(&files).unwrap());
        let read = |media: &str, bytes: &Bytes| {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, media.parse().unwrap());
            Packed::read(&headers, bytes).map(|packed| packed.0).map_err(|problem| problem.reason)
        };
        assert_eq!(read(Packed::MEDIA, &whole), Ok(files));
        assert_eq!(read("application/json", &whole), Err(Reason::WrongType));
        assert_eq!(read(Packed::MEDIA, &whole.slice(1..)), Err(Reason::WrongBody));
        assert_eq!(read(Packed::MEDIA, &Bytes::new()), Err(Reason::WrongBody));
    }

    #[tokio::test]
    async fn no_more_is_read_than_an_operation_takes() {
        let body = |bytes: usize| Body::from(vec![0; bytes]);
        assert_eq!(within(body(8), 8).await.unwrap().len(), 8);
        assert_eq!(within(body(9), 8).await.unwrap_err().reason, Reason::TooLarge);
    }
}
