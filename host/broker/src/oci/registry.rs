//! Answers for the calls of the OCI distribution specification (1.1) that a push and a pull need.
//!
//! Invariants: what is fetched by digest has that digest, and the size that its descriptor says; only what a registry stores
//! elsewhere (a blob) is fetched along a redirect, and from the first step that leaves the registry no credential goes along;
//! an upload goes to the registry itself.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use bytes::Bytes;
use hyper::{Method, StatusCode, header::HeaderValue};
use portcullis_model::{audit::plain, id::Digest};
use serde::Deserialize;
use tokio::time::timeout;
use url::Url;

use super::{
    Config, OciError, Origin,
    credentials::Credentials,
    exchange::{Call, Exchange, Reply},
    layout::Descriptor,
    reference::Reference,
    token,
};
use crate::resolve::Resolve;

/// How often a blob's place may change while it is fetched.
const MAX_STEPS: usize = 3;
/// The most that an answer about something may have, in bytes.
const MAX_ANSWER: usize = 64 * 1024;
const BINARY: &str = "application/octet-stream";

/// What is to be done: a token is asked for with no more than that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Reading.
    Pull,
    /// Reading and writing.
    Push,
}

/// How a manifest is named.
#[derive(Clone, Copy, Debug)]
pub(super) enum Which<'a> {
    /// By what can point elsewhere at any time.
    Tag(&'a str),
    /// By what it is.
    Digest(&'a Digest),
}

/// A repository in a registry.
pub struct Registry {
    exchange: Exchange,
    repository: String,
    scope: String,
    credentials: Option<Credentials>,
    authorization: Mutex<Option<HeaderValue>>,
    total: Duration,
}

impl Registry {
    /// The registry and repository of this reference. Nothing is connected to yet.
    pub fn new(
        reference: &Reference,
        access: Access,
        credentials: Option<Credentials>,
        config: &Config,
        resolver: Arc<dyn Resolve>,
    ) -> Result<Self, OciError> {
        let actions = match access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        Ok(Self {
            exchange: Exchange::new(reference.origin(), config, resolver)?,
            repository: reference.repository().to_owned(),
            scope: format!("repository:{}:{actions}", reference.repository()),
            credentials,
            authorization: Mutex::new(None),
            total: config.total_timeout,
        })
    }

    pub(super) fn host(&self) -> String {
        self.exchange.registry().authority()
    }

    /// Ends what takes too long altogether.
    pub(super) async fn within<T>(&self, work: impl Future<Output = Result<T, OciError>>) -> Result<T, OciError> {
        let slow = || OciError::Slow { host: self.host(), seconds: self.total.as_secs() };
        timeout(self.total, work).await.unwrap_or_else(|_| Err(slow()))
    }

    /// The tags that releases were pushed under, as far as one answer names them.
    pub async fn tags(&self) -> Result<Vec<String>, OciError> {
        #[derive(Deserialize)]
        struct Answer {
            tags: Option<Vec<String>>,
        }
        let what = "the list of tags";
        let url = self.url("tags/list?n=100")?;
        let reply =
            self.call(&Call { what, method: Method::GET, url, accept: None, content: None, most: MAX_ANSWER }).await?;
        let reply = self.found(what, reply)?;
        let answer: Answer =
            serde_json::from_slice(&reply.body).map_err(|error| OciError::form(what, error.to_string()))?;
        let tags = answer.tags.unwrap_or_default().into_iter();
        Ok(tags.filter(|tag| !tag.starts_with("sha256-")).map(|tag| plain(&tag)).collect())
    }

    /// A manifest or an index, and its digest. `None` where there is none.
    pub(super) async fn manifest(
        &self,
        which: Which<'_>,
        accept: &str,
        most: usize,
        what: &str,
    ) -> Result<Option<(Vec<u8>, Digest)>, OciError> {
        let url = self.manifest_url(which)?;
        let call = Call { what, method: Method::GET, url, accept: Some(accept), content: None, most };
        let reply = self.call(&call).await?;
        if reply.status == StatusCode::NOT_FOUND {
            return Ok(None);
        }
        let body = self.accepted(what, reply)?.body;
        let found = Digest::of(&body);
        match which {
            Which::Digest(expected) if *expected != found => {
                Err(OciError::OtherBytes { what: what.to_owned(), found, expected: *expected })
            }
            _ => Ok(Some((body, found))),
        }
    }

    /// The bytes that a descriptor names, at most `most`.
    pub(super) async fn blob(&self, descriptor: &Descriptor, most: usize, what: &str) -> Result<Vec<u8>, OciError> {
        let size = usize::try_from(descriptor.size).ok().filter(|size| *size <= most);
        let size = size.ok_or_else(|| OciError::TooLarge { what: what.to_owned(), most })?;
        let url = self.url(&format!("blobs/{}", descriptor.digest))?;
        let call = Call { what, method: Method::GET, url, accept: None, content: None, most: size };
        let reply = self.found(what, self.follow(call).await?)?;
        if reply.body.len() != size {
            return Err(OciError::form(what, format!("{} bytes came, {size} were announced", reply.body.len())));
        }
        match Digest::of(&reply.body) {
            found if found == descriptor.digest => Ok(reply.body),
            found => Err(OciError::OtherBytes { what: what.to_owned(), found, expected: descriptor.digest }),
        }
    }

    /// Stores some bytes, unless they are there.
    pub(super) async fn put_blob(&self, bytes: &Bytes, what: &str) -> Result<(), OciError> {
        let digest = Digest::of(bytes);
        let url = self.url(&format!("blobs/{digest}"))?;
        let look = Call { what, method: Method::HEAD, url, accept: None, content: None, most: 0 };
        if self.call(&look).await?.status == StatusCode::OK {
            return Ok(());
        }
        let url = self.url("blobs/uploads/")?;
        let begin = Call { what, method: Method::POST, url, accept: None, content: None, most: MAX_ANSWER };
        let begun = self.accepted(what, self.call(&begin).await?)?;
        let mut url = self.location(&begin.url, &begun, what)?;
        if Origin::of(&url).ok().as_ref() != Some(self.exchange.registry()) {
            let problem = format!("to {}", plain(url.as_str()));
            return Err(OciError::Elsewhere { host: self.host(), what: format!("the upload of {what}"), problem });
        }
        url.query_pairs_mut().append_pair("digest", &digest.to_string());
        let content = Some((BINARY, bytes.clone()));
        let put = Call { what, method: Method::PUT, url, accept: None, content, most: MAX_ANSWER };
        self.accepted(what, self.call(&put).await?)?;
        Ok(())
    }

    /// Stores a manifest. Says whether the registry has taken note of the subject that the manifest names.
    pub(super) async fn put_manifest(
        &self,
        which: Which<'_>,
        media_type: &str,
        bytes: Vec<u8>,
        what: &str,
    ) -> Result<bool, OciError> {
        let url = self.manifest_url(which)?;
        let expected = Digest::of(&bytes);
        let content = Some((media_type, Bytes::from(bytes)));
        let call = Call { what, method: Method::PUT, url, accept: None, content, most: MAX_ANSWER };
        let reply = self.accepted(what, self.call(&call).await?)?;
        match reply.header("docker-content-digest").and_then(|text| text.parse::<Digest>().ok()) {
            Some(found) if found != expected => {
                Err(OciError::OtherBytes { what: format!("{what}, once it was stored,"), found, expected })
            }
            _ => Ok(reply.header("oci-subject").is_some()),
        }
    }

    /// A call to the registry; once more, where it wants to know first who is asking.
    pub(super) async fn call(&self, call: &Call<'_>) -> Result<Reply, OciError> {
        let current = self.authorization.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reply = self.exchange.send(call, current.as_ref()).await?;
        if reply.status != StatusCode::UNAUTHORIZED {
            return Ok(reply);
        }
        let fresh = token::answer(&self.exchange, &reply, self.credentials.as_ref(), &self.scope).await?;
        let reply = self.exchange.send(call, Some(&fresh)).await?;
        if reply.status == StatusCode::UNAUTHORIZED {
            let problem = match &self.credentials {
                Some(_) => format!("they are not good for {}", call.what),
                None => format!("{} is not for everybody; give --username", call.what),
            };
            return Err(OciError::Credentials { host: self.host(), problem });
        }
        *self.authorization.lock().unwrap_or_else(PoisonError::into_inner) = Some(fresh);
        Ok(reply)
    }

    /// A call whose answer may lie elsewhere.
    async fn follow(&self, mut call: Call<'_>) -> Result<Reply, OciError> {
        let mut reply = self.call(&call).await?;
        let mut left = false;
        for _ in 0..MAX_STEPS {
            if !reply.status.is_redirection() {
                return Ok(reply);
            }
            call.url = self.location(&call.url, &reply, call.what)?;
            left |= Origin::of(&call.url).ok().as_ref() != Some(self.exchange.registry());
            reply = if left { self.exchange.send(&call, None).await? } else { self.call(&call).await? };
        }
        let problem = format!("more than {MAX_STEPS} times");
        match reply.status.is_redirection() {
            true => Err(OciError::Elsewhere { host: self.host(), what: call.what.to_owned(), problem }),
            false => Ok(reply),
        }
    }

    /// The URL that an answer names, which can be relative to the request's own.
    fn location(&self, base: &Url, reply: &Reply, what: &str) -> Result<Url, OciError> {
        let elsewhere = |problem: String| OciError::Elsewhere { host: self.host(), what: what.to_owned(), problem };
        let text = reply.header("location").ok_or_else(|| elsewhere("it does not say where to".to_owned()))?;
        let url = base.join(text).map_err(|error| elsewhere(error.to_string()))?;
        match Origin::of(&url) {
            Ok(_) => Ok(url),
            Err(problem) => Err(elsewhere(format!("to {}: {problem}", plain(url.as_str())))),
        }
    }

    /// The answer, if what was asked for is there.
    fn found(&self, what: &str, reply: Reply) -> Result<Reply, OciError> {
        match reply.status {
            StatusCode::NOT_FOUND => Err(OciError::Missing { host: self.host(), what: what.to_owned() }),
            _ => self.accepted(what, reply),
        }
    }

    /// The answer, if it says yes.
    pub(super) fn accepted(&self, what: &str, reply: Reply) -> Result<Reply, OciError> {
        match reply.status {
            status if status.is_success() => Ok(reply),
            status => Err(OciError::Refused {
                host: self.host(),
                status: status.as_u16(),
                what: what.to_owned(),
                reason: reason(&reply.body),
            }),
        }
    }

    pub(super) fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    pub(super) fn url(&self, rest: &str) -> Result<Url, OciError> {
        self.exchange.registry().url(&format!("/v2/{}/{rest}", self.repository))
    }

    fn manifest_url(&self, which: Which<'_>) -> Result<Url, OciError> {
        match which {
            Which::Tag(tag) => self.url(&format!("manifests/{tag}")),
            Which::Digest(digest) => self.url(&format!("manifests/{digest}")),
        }
    }
}

/// What a registry says of its refusal, in its own words.
fn reason(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Answer {
        errors: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(answer) = serde_json::from_slice::<Answer>(body) else { return String::new() };
    let words = answer.errors.iter().take(3).map(|one| format!("{} {}", one.code, one.message));
    let words = plain(words.collect::<Vec<_>>().join("; ").trim());
    if words.is_empty() { words } else { format!(": {words}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_made_plain() {
        let body = br#"{"errors":[{"code":"DENIED","message":"no \u001b[31m\nway","detail":{}},{"message":"b"}]}"#;
        assert_eq!(reason(body), ": DENIED no \\u{1b}[31m\\u{a}way;  b");
        for nothing in [&b""[..], b"<html>", b"{}", br#"{"errors":[]}"#] {
            assert_eq!(reason(nothing), "");
        }
    }
}
