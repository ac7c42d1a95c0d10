//! Answers for OTLP over HTTP: a batch is a request, its answer says what was taken.
//!
//! Source: OTLP specification 1.x, "OTLP/HTTP Response". 429, 502, 503 and 504 are tried again, not before `Retry-After`. It also has
//! clients throw away what is answered by any other error. Here that is done only for single records that are answered as unfit (400, 413,
//! 422) while others are taken: a receiver that takes nothing is one that is set up wrongly, and an audit log waits for that to be put right.
//!
//! Invariants: what a partial success refuses is counted and not sent again; the headers' file is read anew for each request and its
//! content is in no error, nor is what the receiver says in its own words; it refuses no more than it was sent; nothing counts as arrived that was not answered with success.

use std::{net::SocketAddr, path::PathBuf, str::FromStr, sync::Arc, time::Duration};

use hyper::{
    Method,
    header::{HeaderName, HeaderValue, RETRY_AFTER},
};
use portcullis_model::{audit::plain, target::Target};
use serde::Deserialize;
use zeroize::Zeroizing;

use super::{Refused, Trouble};
use crate::{
    egress::{Config, EgressError},
    headers::{is_forbidden_for_credentials, is_name, is_value},
    loopback::Loopback,
    resolve::Resolve,
    upstream::call::{Call, Caller, Unanswered},
};

/// The most that the file of headers may hold, in bytes.
const MAX_HEADERS: u64 = 16 * 1024;

/// Where a collector answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Endpoint {
    /// Over TLS.
    Remote(Target),
    /// On this machine, without, with the path.
    Local(SocketAddr, String),
}

impl FromStr for Endpoint {
    type Err = String;

    /// The whole URL, such as `https://collector.example:4318/v1/logs`, or `http://127.0.0.1:4318/v1/logs`.
    fn from_str(url: &str) -> Result<Self, String> {
        let Some(rest) = url.strip_prefix("http://") else { return url.parse().map(Self::Remote) };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address: Option<SocketAddr> = authority.parse().ok().filter(|one: &SocketAddr| one.ip().is_loopback());
        let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
        match address {
            Some(address) if plain => Ok(Self::Local(address, format!("/{path}"))),
            _ => {
                Err("url: expected 'https://', or 'http://' with a loopback address and a port such as 127.0.0.1:4318"
                    .to_owned())
            }
        }
    }
}

impl Endpoint {
    /// What a log may keep of it: without a query, and with no path that may be a secret.
    pub fn template(&self) -> String {
        match self {
            Self::Remote(target) => format!("{}{}", target.origin(), target.template()),
            Self::Local(address, path) => format!("http://{address}{path}"),
        }
    }
}

/// A client of a collector.
pub struct Collector {
    endpoint: Endpoint,
    headers: Option<PathBuf>,
    around: (String, String),
    caller: Caller,
    local: Option<Loopback>,
    arrived: Option<u64>,
}

/// What an answer came to.
enum Answered {
    Taken(Refused),
    /// The request itself is unfit, as all of it would be the next time.
    Unfit(String),
}

/// `ExportLogsServiceResponse`, as far as it matters.
#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Response {
    partial_success: Partial,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
struct Partial {
    /// A 64-bit integer, which is a text in JSON; a number is read as well, as the encoding says. Of log records or of spans.
    #[serde(alias = "rejectedSpans")]
    rejected_log_records: serde_json::Value,
    error_message: String,
}

impl Partial {
    fn count(&self) -> u64 {
        let text = self.rejected_log_records.as_str().and_then(|text| text.parse().ok());
        text.or_else(|| self.rejected_log_records.as_u64()).unwrap_or(0)
    }
}

impl Collector {
    /// Of the collector at this endpoint. `headers`: a file with more headers, `Name: value` in each line. `around`: what stands before and
    /// after the records of a request.
    ///
    /// # Errors
    /// The door's settings are unfit.
    pub fn new(
        endpoint: Endpoint,
        headers: Option<PathBuf>,
        around: (String, String),
        config: &Config,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, EgressError> {
        let local = match &endpoint {
            Endpoint::Local(address, _) => Loopback::new(*address).ok(),
            Endpoint::Remote(_) => None,
        };
        Ok(Self { endpoint, headers, around, caller: Caller::new(config, resolver)?, local, arrived: None })
    }

    pub(super) fn arrived(&mut self) -> Option<u64> {
        self.arrived.take()
    }

    /// Sends a batch, and where it is unfit as a whole its halves: what is unfit by itself is refused, if anything else is taken.
    pub async fn send(&mut self, upto: u64, batch: &[Vec<u8>]) -> Result<Refused, Trouble> {
        let (mut refused, mut unfit, mut taken) = (Refused::default(), Refused::default(), batch.is_empty());
        let mut parts = vec![batch];
        while let Some(part) = parts.pop().filter(|part| !part.is_empty()) {
            match self.post(part).await? {
                Answered::Taken(some) => {
                    taken = true;
                    // It is the receiver that says how many.
                    refused.add(Refused { count: some.count.min(part.len() as u64), ..some });
                }
                Answered::Unfit(why) if part.len() == 1 => unfit.add(Refused { count: 1, why }),
                Answered::Unfit(_) => {
                    let (first, second) = part.split_at(part.len() / 2);
                    parts.extend([second, first]);
                }
            }
        }
        if !taken {
            return Err(Trouble::new(format!("nothing is taken: {}", unfit.why)));
        }
        refused.add(unfit);
        self.arrived = Some(upto);
        Ok(refused)
    }

    async fn post(&self, records: &[Vec<u8>]) -> Result<Answered, Trouble> {
        let mut body = Zeroizing::new(self.around.0.clone().into_bytes());
        for (number, record) in records.iter().enumerate() {
            if number > 0 {
                body.push(b',');
            }
            body.extend_from_slice(record);
        }
        body.extend_from_slice(self.around.1.as_bytes());
        let headers = self.headers()?;
        match (&self.endpoint, &self.local) {
            (Endpoint::Local(_, path), Some(client)) => {
                let mut named: Vec<(&str, &str)> = vec![("content-type", "application/json")];
                named.extend(headers.iter().map(|(name, value)| (name.as_str(), value.as_str())));
                let answer = client.request(Method::POST, path, &named, body.to_vec()).await;
                let answer = answer.map_err(|error| Trouble::new(error.to_string()))?;
                let pause = answer.header(&RETRY_AFTER).and_then(|text| text.trim().parse().ok());
                judge(answer.status, pause.map(Duration::from_secs), &answer.body)
            }
            (Endpoint::Local(address, _), None) => Err(Trouble::new(format!("{address} is not a loopback address"))),
            (Endpoint::Remote(target), _) => {
                let mut made = Vec::with_capacity(headers.len());
                for (name, value) in &headers {
                    let value = HeaderValue::from_str(value).map(|mut value| {
                        value.set_sensitive(true);
                        value
                    });
                    made.extend(HeaderName::from_bytes(name.as_bytes()).ok().zip(value.ok()));
                }
                let body = Some(("application/json", body));
                let call = Call { method: Method::POST, target: target.clone(), headers: made, body };
                match self.caller.send(call).await {
                    Ok(reply) => judge(reply.status, reply.retry_after, &reply.body),
                    Err(Unanswered::NotSent(problem) | Unanswered::Sent(problem)) => Err(Trouble::new(problem)),
                }
            }
        }
    }

    /// What the file of headers says now.
    fn headers(&self) -> Result<Vec<(String, Zeroizing<String>)>, Trouble> {
        let Some(path) = &self.headers else { return Ok(Vec::new()) };
        let fail = |why: &str| Trouble::new(format!("the file of headers {}: {why}", path.display()));
        let length = std::fs::metadata(path).map_err(|error| fail(&error.to_string()))?.len();
        if length > MAX_HEADERS {
            return Err(fail("it has more than 16 KiB"));
        }
        let text = Zeroizing::new(std::fs::read_to_string(path).map_err(|error| fail(&error.to_string()))?);
        let mut headers = Vec::new();
        for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
            let split = line.split_once(':').map(|(name, value)| (name.trim().to_ascii_lowercase(), value.trim()));
            match split {
                Some((name, value)) if is_name(&name) && is_value(value) && !is_forbidden_for_credentials(&name) => {
                    headers.push((name, Zeroizing::new(value.to_owned())));
                }
                _ => {
                    return Err(fail(&format!(
                        "line {} is not 'Name: value' with a header that can be set",
                        number + 1
                    )));
                }
            }
        }
        Ok(headers)
    }
}

fn judge(status: u16, pause: Option<Duration>, body: &[u8]) -> Result<Answered, Trouble> {
    if status / 100 != 2 {
        said(status, body);
    }
    match status {
        200..=299 => {
            // An answer without a body, or one that is no JSON, refuses nothing.
            let partial = serde_json::from_slice::<Response>(body).unwrap_or_default().partial_success;
            let count = partial.count();
            if count > 0 {
                said(status, partial.error_message.as_bytes());
            }
            Ok(Answered::Taken(Refused { count, why: format!("it answered {status}") }))
        }
        400 | 413 | 422 => Ok(Answered::Unfit(format!("it answered {status}"))),
        401 | 403 => Err(Trouble::new(format!("it answered {status}: are the headers that it wants in headers-file?"))),
        _ => Err(Trouble { problem: format!("it answered {status}"), pause }),
    }
}

/// What a receiver says for itself may hold what it was sent: it is for whoever looks on with `debug`, and nothing keeps it.
fn said(status: u16, text: &[u8]) {
    let text = plain(&String::from_utf8_lossy(&text[..text.len().min(300)]));
    tracing::debug!(status, text, "what a receiver of the log said");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_https_or_this_machine() {
        for fine in [
            "https://collector.example/v1/logs",
            "https://collector.example:4318/v1/logs",
            "http://127.0.0.1:4318/v1/logs",
        ] {
            assert!(fine.parse::<Endpoint>().is_ok(), "{fine}");
        }
        for wrong in [
            "http://collector.example/v1/logs",
            "http://10.0.0.1:4318/",
            "http://127.0.0.1/v1/logs",
            "grpc://x",
            "",
            "http://127.0.0.1:1/a?b",
        ] {
            assert!(wrong.parse::<Endpoint>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_partial_success_is_read_in_both_forms_and_nothing_else_refuses() {
        let refused = |body: &str| match judge(200, None, body.as_bytes()) {
            Ok(Answered::Taken(refused)) => refused.count,
            _ => panic!("{body}"),
        };
        assert_eq!(refused(r#"{"partialSuccess":{"rejectedLogRecords":"3","errorMessage":"no"}}"#), 3);
        assert_eq!(refused(r#"{"partialSuccess":{"rejectedLogRecords":2}}"#), 2);
        assert_eq!(refused(r#"{"partialSuccess":{"rejectedSpans":"1"}}"#), 1);
        for none in
            ["", "{}", r#"{"partialSuccess":{}}"#, r#"{"partialSuccess":{"rejectedLogRecords":"-1"}}"#, "<html>"]
        {
            assert_eq!(refused(none), 0, "{none}");
        }
        let busy = judge(503, Some(Duration::from_secs(7)), b"").err().unwrap();
        assert_eq!(busy.pause, Some(Duration::from_secs(7)));
        // What it says in its own words may be what it was sent.
        assert_eq!(judge(404, None, b"not here: dana@example").err().unwrap().problem, "it answered 404");
        let partial = br#"{"partialSuccess":{"rejectedLogRecords":1,"errorMessage":"dana@example"}}"#;
        assert!(matches!(judge(200, None, partial), Ok(Answered::Taken(one)) if one.why == "it answered 200"));
        assert!(matches!(judge(400, None, b"dana@example"), Ok(Answered::Unfit(why)) if why == "it answered 400"));
    }
}
