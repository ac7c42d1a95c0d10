//! The outside world of plain tests: canned answers by URL.

use std::collections::{BTreeMap, VecDeque};

use super::raw::{Request, Response};
use crate::testing::{Host, Need, with_host};
use crate::types::WitError;

const METHODS: [&str; 6] = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD"];
const URL_BYTES: usize = 8 * 1024;
const BODY_BYTES: usize = 1024 * 1024;

/// A request as the destination would get it, without the credential that the real host adds.
#[derive(Clone, Debug, PartialEq)]
pub struct SentRequest {
    /// `GET`, `POST` and so on.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// What is left of the headers that the plugin set.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl SentRequest {
    /// The first value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

#[derive(Default)]
struct Outside {
    answers: BTreeMap<String, VecDeque<(u16, Vec<u8>)>>,
    sent: Vec<SentRequest>,
}

impl Host {
    /// Answers requests to exactly this URL. Several answers for one URL are given in turn, the last one again
    /// and again. A URL without any is `unavailable`.
    pub fn with_answer(self, url: &str, status: u16, body: impl AsRef<[u8]>) -> Self {
        let answer = (status, body.as_ref().to_vec());
        self.part(|outside: &mut Outside| outside.answers.entry(url.to_owned()).or_default().push_back(answer));
        self
    }

    /// What was sent so far, oldest first. A request that was refused is not among it.
    pub fn requests(&self) -> Vec<SentRequest> {
        self.part(|outside: &mut Outside| outside.sent.clone())
    }
}

pub(super) fn send(request: &Request) -> Result<Response, WitError> {
    check(request)?;
    with_host(|host| {
        // The scope must name destination and method together: two that cover one each do not add up.
        let need = [("to", request.url.as_str()), ("methods", request.method.as_str())];
        host.require_together("http:send", &need.map(|(key, value)| Need { key, value }))?;
        host.part(|outside: &mut Outside| {
            outside.sent.push(SentRequest {
                method: request.method.clone(),
                url: request.url.clone(),
                headers: request.headers.iter().filter(|(name, _)| !dropped(name)).cloned().collect(),
                body: request.body.clone(),
            });
            let answers = outside.answers.get_mut(&request.url).ok_or(WitError::Unavailable)?;
            let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
            let (status, body) = next.ok_or(WitError::Unavailable)?;
            Ok(Response { status, headers: Vec::new(), body })
        })
    })
}

/// Headers that the real host sets itself or lets nobody set.
fn dropped(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    matches!(name.as_str(), "host" | "content-length" | "connection" | "transfer-encoding" | "upgrade")
        || matches!(name.as_str(), "authorization" | "cookie")
        || name.starts_with("proxy-")
}

fn check(request: &Request) -> Result<(), WitError> {
    let invalid = |what: &str| Err(WitError::Invalid(what.to_owned()));
    if !METHODS.contains(&request.method.as_str()) {
        return invalid("method: GET, POST, PUT, PATCH, DELETE or HEAD");
    }
    let Some(rest) = request.url.strip_prefix("https://") else {
        return invalid("url: an absolute https URL");
    };
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.split(':').next().unwrap_or_default();
    let named = host.chars().any(|c| c.is_ascii_alphabetic()) && !authority.contains(['@', '[']);
    if !named || request.url.len() > URL_BYTES || rest.contains('#') {
        return invalid("url: a host name, no address, no user, no fragment, at most 8 KiB");
    }
    if rest.split(['/', '?']).any(|part| part == "..") {
        return invalid("url: no `..` in the path");
    }
    if request.headers.len() > 64 || request.body.len() > BODY_BYTES {
        return invalid("at most 64 headers and 1 MiB of body");
    }
    Ok(())
}
