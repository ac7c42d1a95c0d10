//! Answers for what the host itself posts to an address that a person gave: to witnesses, and to who wants to be told of alerts.
//!
//! Invariants: `https` to judged addresses, or where the operator placed the host; plain HTTP to loopback addresses alone; a redirect
//! is an answer; an answer has at most 64 KiB, from this machine 16 MiB; nothing is sent twice.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use hyper::{
    Method,
    header::{HeaderName, HeaderValue},
};
use portcullis_model::{
    alert::{AlertPost, Posted},
    target::Target,
};
use zeroize::Zeroizing;

use crate::{
    egress::{Config, EgressError},
    loopback::Loopback,
    resolve::Resolve,
    upstream::call::{Call, Caller, Unanswered},
};

/// The longest that an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Where to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PostUrl {
    /// To another machine.
    Remote(Target),
    /// To this one, with the path.
    Local(SocketAddr, String),
}

impl PostUrl {
    /// Reads a URL.
    ///
    /// # Errors
    /// In words, what is wrong with it.
    pub fn parse(url: &str) -> Result<Self, String> {
        let Some(rest) = url.strip_prefix("http://") else {
            return url.parse().map(Self::Remote).map_err(|error| format!("'{}': {error}", url.escape_debug()));
        };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let address: Option<SocketAddr> =
            authority.parse().ok().filter(|address: &SocketAddr| address.ip().is_loopback());
        let address = address.ok_or_else(|| {
            format!(
                "'{}': expected 'https://', or 'http://' and a loopback address with its port such as 127.0.0.1:7380",
                url.escape_debug()
            )
        })?;
        let plain = path.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~/".contains(&b));
        match plain {
            true => Ok(Self::Local(address, format!("/{path}"))),
            false => Err(format!("'{}': its path is unfit", url.escape_debug())),
        }
    }
}

/// An answer.
pub(crate) struct Answered {
    pub status: u16,
    pub wait: Option<Duration>,
    pub body: Vec<u8>,
}

/// Who posts.
pub struct Poster(Caller);

impl Poster {
    /// One that reaches hosts as egress does.
    ///
    /// # Errors
    /// The operator's settings are unfit.
    pub fn new(config: &Config, resolver: Arc<dyn Resolve>) -> Result<Self, EgressError> {
        Ok(Self(Caller::new(config, resolver)?))
    }

    /// Posts.
    ///
    /// # Errors
    /// In words, why there is no answer.
    pub(crate) async fn send(
        &self,
        url: &PostUrl,
        kind: &'static str,
        headers: Vec<(&'static str, String)>,
        body: Vec<u8>,
    ) -> Result<Answered, String> {
        match url {
            PostUrl::Local(address, path) => {
                let client = Loopback::new(*address).map_err(|error| error.to_string())?;
                let mut all = vec![("content-type", kind)];
                all.extend(headers.iter().map(|(name, value)| (*name, value.as_str())));
                let (status, body) = client.post(path, &all, body).await.map_err(|error| error.to_string())?;
                Ok(Answered { status, wait: None, body })
            }
            PostUrl::Remote(target) => {
                let header = |(name, value): (&'static str, String)| {
                    let value = HeaderValue::from_str(&value).map_err(|_| format!("the header {name} is unfit"))?;
                    Ok((HeaderName::from_static(name), value))
                };
                let headers = headers.into_iter().map(header).collect::<Result<Vec<_>, String>>()?;
                let body = Some((kind, Zeroizing::new(body)));
                let call = Call { method: Method::POST, target: target.clone(), headers, body };
                match self.0.send(call).await {
                    Ok(reply) => {
                        Ok(Answered { status: reply.status, wait: reply.retry_after, body: reply.body.to_vec() })
                    }
                    Err(Unanswered::NotSent(problem) | Unanswered::Sent(problem)) => Err(problem),
                }
            }
        }
    }
}

#[async_trait]
impl AlertPost for Poster {
    async fn post(&self, url: &str, headers: Vec<(&'static str, String)>, body: Vec<u8>) -> Result<Posted, String> {
        let url = PostUrl::parse(url)?;
        let sent = tokio::time::timeout(PATIENCE, self.send(&url, "application/json", headers, body)).await;
        let answered = sent.map_err(|_| format!("no answer within {} s", PATIENCE.as_secs()))??;
        Ok(Posted { status: answered.status, wait: answered.wait })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_the_machine() {
        let remote = PostUrl::parse("https://alerts.example/in?x=1").unwrap();
        assert!(matches!(&remote, PostUrl::Remote(target) if target.to_string() == "https://alerts.example/in?x=1"));
        let local = PostUrl::parse("http://127.0.0.1:7380/a-b").unwrap();
        assert_eq!(local, PostUrl::Local("127.0.0.1:7380".parse().unwrap(), "/a-b".into()));
        for wrong in [
            "http://alerts.example",
            "http://10.0.0.1:80",
            "http://127.0.0.1",
            "ftp://x",
            "",
            "http://127.0.0.1:80/a b",
            "http://127.0.0.1:80/a\r\nx: y",
            "https://u:p@alerts.example/",
        ] {
            assert!(PostUrl::parse(wrong).is_err(), "{wrong}");
        }
    }
}
