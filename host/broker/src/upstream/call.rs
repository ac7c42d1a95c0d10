//! Answers for one request to a provider: sent once, within limits, and what it means if there is no answer.
//!
//! Invariants: `https` to judged addresses, or where the operator placed the host; a redirect is an answer; nothing is sent twice;
//! an error says whether a byte of the request may have arrived; bodies are overwritten when they are dropped.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http_body_util::Full;
use hyper::{
    Method, Request, Uri,
    header::{
        ACCEPT_ENCODING, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HOST, HeaderName, HeaderValue, RETRY_AFTER,
        USER_AGENT,
    },
};
use portcullis_model::target::Target;
use tokio::time::timeout;
use zeroize::Zeroizing;

use crate::{
    dial::Dialer,
    egress::{Config, EgressError},
    headers::AGENT,
    resolve::Resolve,
    wire::{BodyFailed, Failed, Outgoing, chain},
};

/// The most that is read of an answer, in bytes.
const MAX_ANSWER: usize = 64 * 1024;

/// The longest that a provider may ask to be left alone for.
const LONGEST_PAUSE: u64 = 3_600;

/// A request.
pub(crate) struct Call {
    pub method: Method,
    pub target: Target,
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Its type, and what it holds.
    pub body: Option<(&'static str, Zeroizing<Vec<u8>>)>,
}

/// Its answer.
pub(crate) struct Reply {
    pub status: u16,
    pub retry_after: Option<Duration>,
    pub body: Zeroizing<Vec<u8>>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Unanswered {
    /// Nothing was sent.
    NotSent(String),
    /// It may have arrived.
    Sent(String),
}

/// Who makes requests to providers.
pub(crate) struct Caller {
    dialer: Dialer,
    patience: Duration,
}

impl Caller {
    pub fn new(config: &Config, resolver: Arc<dyn Resolve>) -> Result<Self, EgressError> {
        Ok(Self { dialer: Dialer::new(config, resolver)?, patience: config.total_timeout })
    }

    /// Sends, over a connection of its own: token requests are rare, and none shares a connection with a plugin's.
    pub async fn send(&self, call: Call) -> Result<Reply, Unanswered> {
        let (host, port) = (call.target.host().to_owned(), call.target.port());
        let request =
            outgoing(call).map_err(|what| Unanswered::NotSent(format!("{host}: the request is unfit: {what}")))?;
        let dialled = self.dialer.dial(&host, port).await;
        let mut wire = dialled.map_err(|error| Unanswered::NotSent(error.to_string()))?;
        let exchange = async {
            let response = match wire.send(request).await {
                Ok(response) => response,
                Err(Failed::Unsent(_)) => {
                    return Err(Unanswered::NotSent(format!("{host}: the connection was closed before the request")));
                }
                Err(Failed::Broken(error)) => return Err(Unanswered::Sent(format!("{host}: {}", chain(&error)))),
            };
            let (head, body) = response.into_parts();
            let sent = |problem: String| Unanswered::Sent(format!("{host}: {problem}"));
            let body = wire.collect(body, MAX_ANSWER).await.map_err(|failed| match failed {
                BodyFailed::TooLong => sent(format!("an answer of more than {MAX_ANSWER} bytes")),
                BodyFailed::Broken(error) => sent(chain(&error)),
            })?;
            let body = Zeroizing::new(body);
            if head.headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity") {
                return Err(sent("the answer is compressed, which was not asked for and is not read".to_owned()));
            }
            let retry_after = head.headers.get(RETRY_AFTER).and_then(pause);
            Ok(Reply { status: head.status.as_u16(), retry_after, body })
        };
        let answered = timeout(self.patience, exchange).await;
        answered.unwrap_or_else(|_| Err(Unanswered::Sent(format!("{host}: no answer within {:?}", self.patience))))
    }

    /// The same for what holds a secret: to a host that is reached without TLS it does not go, whatever the operator says of plugins'.
    pub async fn send_secret(&self, call: Call) -> Result<Reply, Unanswered> {
        let host = call.target.host();
        if self.dialer.is_in_the_clear(host) {
            return Err(Unanswered::NotSent(format!("{host}: it is reached without TLS, and no secret is sent there")));
        }
        self.send(call).await
    }
}

/// Seconds. The form with a date is not read: it comes to no pause of its own, and the caller's own pauses hold.
fn pause(value: &HeaderValue) -> Option<Duration> {
    let seconds: u64 = value.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds.min(LONGEST_PAUSE)))
}

fn outgoing(call: Call) -> Result<Outgoing, &'static str> {
    let (kind, body) = call.body.map_or((None, Zeroizing::new(Vec::new())), |(kind, body)| (Some(kind), body));
    let length = body.len();
    let mut request = Request::new(Full::new(Bytes::from_owner(body)));
    let (origin, whole) = (call.target.origin(), call.target.to_string());
    let path = whole.strip_prefix(origin.as_str()).unwrap_or("/");
    *request.uri_mut() = Uri::builder().path_and_query(path).build().map_err(|_| "its path")?;
    let headers = request.headers_mut();
    let authority = origin.trim_start_matches("https://");
    headers.insert(HOST, HeaderValue::from_str(authority).map_err(|_| "its host")?);
    headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
    headers.insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    if let Some(kind) = kind {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if call.method == Method::POST {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(length));
    }
    for (name, value) in call.headers {
        headers.insert(name, value);
    }
    *request.method_mut() = call.method;
    Ok(request)
}
