//! The one door out: the act of sending a request, its answer, and the port.

use async_trait::async_trait;

use crate::{
    budget::{Cost, Resource},
    error::ServiceError,
    permit::{Act, Effect, Spent},
    region::Region,
    scope::ScopeText,
    target::Target,
};

/// The most that a request's or an answer's body may hold, in bytes.
pub const MAX_BODY: usize = 1024 * 1024;

/// What is said of a request that was refused because a name leads to an address that is not public.
pub const NOT_PUBLIC: &str = "the host's address is not public";

/// A host that a release says it sends to, and where it says that host is (DAT-7).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// An exact name, or `*.` for any one label and then a domain.
    pub host: String,
    /// Where it is.
    pub region: Region,
}

impl Destination {
    /// Whether it speaks of this host, which may be a pattern of the same form.
    pub fn covers(&self, host: &str) -> bool {
        let under = |domain: &str| host.split_once('.').is_some_and(|(_, rest)| rest == domain);
        self.host == host || self.host.strip_prefix("*.").is_some_and(under)
    }
}

/// Send one request.
#[derive(Clone, Debug)]
pub struct SendRequest {
    /// Upper case: `GET`, `POST`, `PUT`, `PATCH`, `DELETE` or `HEAD`.
    pub method: &'static str,
    /// Where to.
    pub target: Target,
    /// Lower-case names and values, as the guest gave them.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_BODY`].
    pub body: Vec<u8>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status code.
    pub status: u16,
    /// Lower-case names and values.
    pub headers: Vec<(String, String)>,
    /// At most [`MAX_BODY`].
    pub body: Vec<u8>,
    /// How many bytes were sent as body.
    pub sent: u64,
    /// Whether it went over a connection without TLS, by a risk that the operator accepted (DAT-5).
    pub plaintext: bool,
}

impl Act for SendRequest {
    const NAME: &'static str = "http.send";

    /// Method, origin and the path's template; never the query, which may hold data, nor what in the path may be an id or a
    /// secret.
    fn resource(&self) -> String {
        format!("{} {}{}", self.method, self.target.origin(), self.target.template())
    }

    /// With the path's template in place of the path. Where that differs no grant can be read from it.
    fn loggable(&self, scope: &ScopeText) -> ScopeText {
        let template = self.target.template();
        match template == self.target.path() || scope.values("to").is_empty() {
            true => scope.clone(),
            false => scope.clone().with("to", [format!("{}{template}", self.target.origin())]),
        }
    }

    fn cost(&self) -> Cost {
        Cost::of(Resource::HttpRequests, 1)
            .and(Resource::HttpOut, self.body.len() as u64)
            .and(Resource::HttpIn, MAX_BODY as u64)
    }

    /// How much leaves: a receiver that takes it all and then hangs up has it.
    fn facts(&self) -> Vec<(&'static str, u64)> {
        vec![("bytes-out", self.body.len() as u64)]
    }
}

impl Effect for Answer {
    fn facts(&self) -> Vec<(&'static str, u64)> {
        let mut facts =
            vec![("status", self.status.into()), ("bytes-out", self.sent), ("bytes-in", self.body.len() as u64)];
        facts.extend(self.plaintext.then_some(("plaintext", 1)));
        facts
    }
}

/// Sends requests out, adding credentials by destination.
#[async_trait]
pub trait Egress: Send + Sync {
    /// Sends. The call's own wall-clock limit ends it from outside; redirects are answers.
    async fn send(&self, act: Spent<SendRequest>) -> Result<Answer, ServiceError>;
}
