//! From a request, however it was made, to the one act and through the gate.
//!
//! Invariant: whatever way a request came, it is judged as the same canonical act; only the answer's form differs.

use std::{fmt, sync::Arc};

use portcullis_model::{
    authority::Authority,
    egress::{Answer, Egress, MAX_BODY, SendRequest},
};
use portcullis_runtime::{
    gate::{Gate, HostResult, Refused},
    observe,
};

use super::scope::{HttpScope, method};

/// A call's way out.
#[derive(Clone)]
pub(crate) struct Door {
    pub gate: Gate,
    pub authority: Arc<Authority<HttpScope>>,
    pub egress: Arc<dyn Egress>,
}

/// Why a request is none that could be granted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Unfit {
    /// None of the methods.
    Method,
    /// The URL; says what is wrong.
    Url(String),
    /// The body is too large.
    Body,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Method => f.write_str("method: expected GET, POST, PUT, PATCH, DELETE or HEAD"),
            Self::Url(problem) => f.write_str(problem),
            Self::Body => f.write_str("body: expected at most 1 MiB"),
        }
    }
}

/// The act that a request asks for. What its headers may say is judged where they are sent.
fn act(name: &str, url: &str, headers: Vec<(String, String)>, body: Vec<u8>) -> Result<SendRequest, Unfit> {
    let method = method(name).map_err(|_| Unfit::Method)?;
    let target = url.parse().map_err(Unfit::Url)?;
    if body.len() > MAX_BODY {
        return Err(Unfit::Body);
    }
    Ok(SendRequest { method, target, headers, body })
}

impl Door {
    /// The act that a request asks for; of what is none, whoever looks on is told.
    pub(super) fn act(&self, name: &str, url: &str, headers: Vec<(String, String)>, body: Vec<u8>) -> Result<SendRequest, Unfit> {
        act(name, url, headers, body).inspect_err(|unfit| {
            let problem = unfit.to_string();
            self.gate.unfit(observe::Unfit { method: name, url, problem: &problem });
        })
    }

    /// Sends the guest's request, as [`Door::pass`].
    pub async fn send(&self, act: SendRequest) -> HostResult<Answer> {
        Ok(self.pass(act).await.map_err(|refusal| self.gate.refused(refusal)))
    }

    /// Sends the request where the grant covers it and there is room for it.
    pub async fn pass(&self, act: SendRequest) -> Result<Answer, Refused> {
        let egress = self.egress.clone();
        self.gate.pass(&self.authority, act, |spent| async move { egress.send(spent).await }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_unfit() {
        let unfit = |method, url, body| act(method, url, vec![], body).map(drop).unwrap_err();
        assert_eq!(unfit("get", "https://a.example/", vec![]), Unfit::Method);
        assert_eq!(unfit("CONNECT", "https://a.example/", vec![]), Unfit::Method);
        assert!(matches!(unfit("GET", "http://a.example/", vec![]), Unfit::Url(_)));
        assert_eq!(unfit("PUT", "https://a.example/", vec![0; MAX_BODY + 1]), Unfit::Body);
        assert!(act("PUT", "https://a.example/", vec![], vec![0; MAX_BODY]).is_ok());
    }
}
