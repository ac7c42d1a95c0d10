//! From a fuzzer's bytes to a request that has a chance.
//!
//! The first line is `zendesk`, `github`, `cloudevents`, or a method and a path; lines `name: value` follow; after a blank line
//! comes the body. A header that a sender always sends and the input lacks is added, signatures included, so that the fuzzer
//! gets behind the door; a header that the input has is sent as it is.

use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use portcullis_broker::hmac::{github_signature, zendesk_signature};
use portcullis_model::secret::Secret;

use super::world::{NOW, SECRET};

/// Who a request says it is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// The Zendesk source.
    Zendesk,
    /// The GitHub source.
    Github,
    /// The CloudEvents source.
    CloudEvents,
    /// A path of the input's own.
    Nobody,
}

impl Sender {
    /// The source's name.
    pub fn source(self) -> &'static str {
        match self {
            Self::Zendesk => "zen",
            Self::Github => "hub",
            Self::CloudEvents => "bus",
            Self::Nobody => "nobody",
        }
    }
}

/// A request.
#[derive(Debug)]
pub struct Request<'a> {
    /// From whom.
    pub sender: Sender,
    /// The method.
    pub method: Method,
    /// Where to.
    pub uri: Uri,
    /// With the ones that were added.
    pub headers: HeaderMap,
    /// The body.
    pub body: &'a [u8],
}

impl<'a> Request<'a> {
    /// Reads one; nothing where no HTTP library would send it.
    pub fn read(data: &'a [u8]) -> Option<Self> {
        let cut = data.windows(2).position(|window| window == b"\n\n");
        let (head, body) = cut.map_or((data, &[][..]), |at| (&data[..at], &data[at + 2..]));
        let mut lines = head.split(|byte| *byte == b'\n');
        let (sender, method, uri) = place(std::str::from_utf8(lines.next()?).ok()?)?;
        let mut headers = HeaderMap::new();
        for line in lines {
            let at = line.iter().position(|byte| *byte == b':')?;
            let name = HeaderName::from_bytes(&line[..at]).ok()?;
            headers.append(name, HeaderValue::from_bytes(line[at + 1..].trim_ascii()).ok()?);
        }
        add(&mut headers, sender, body);
        Some(Self { sender, method, uri, headers, body })
    }
}

fn place(line: &str) -> Option<(Sender, Method, Uri)> {
    let (sender, path) = match line {
        "zendesk" => (Sender::Zendesk, "/v1/hooks/zendesk/zen"),
        "github" => (Sender::Github, "/v1/hooks/github/hub"),
        "cloudevents" => (Sender::CloudEvents, "/v1/events"),
        other => {
            let (method, path) = other.split_once(' ')?;
            let uri: Uri = path.parse().ok()?;
            let sender = match uri.path() {
                "/v1/hooks/zendesk/zen" => Sender::Zendesk,
                "/v1/hooks/github/hub" => Sender::Github,
                "/v1/events" => Sender::CloudEvents,
                _ => Sender::Nobody,
            };
            return Some((sender, method.parse().ok()?, uri));
        }
    };
    Some((sender, Method::POST, Uri::from_static(path)))
}

fn add(headers: &mut HeaderMap, sender: Sender, body: &[u8]) {
    let secret = Secret::new(SECRET.as_bytes().to_vec());
    let mut unless_there = |name: &'static str, value: &dyn Fn(&HeaderMap) -> String| {
        if !headers.contains_key(name)
            && let Ok(value) = HeaderValue::from_str(&value(headers))
        {
            headers.insert(name, value);
        }
    };
    match sender {
        Sender::Zendesk => {
            unless_there("x-zendesk-webhook-signature-timestamp", &|_| NOW.to_string());
            unless_there("x-zendesk-webhook-signature", &|headers| {
                let at = headers.get("x-zendesk-webhook-signature-timestamp").and_then(|value| value.to_str().ok());
                zendesk_signature(&secret, at.unwrap_or_default(), body)
            });
        }
        Sender::Github => {
            unless_there("x-hub-signature-256", &|_| github_signature(&secret, body));
            unless_there("x-github-event", &|_| "push".to_owned());
            unless_there("x-github-delivery", &|_| "72d3162e-cc78-11e3-81ab-4c9367dc0958".to_owned());
        }
        Sender::CloudEvents => {
            unless_there("authorization", &|_| format!("Bearer {SECRET}"));
            unless_there("content-type", &|_| "application/cloudevents+json".to_owned());
        }
        Sender::Nobody => {}
    }
}
