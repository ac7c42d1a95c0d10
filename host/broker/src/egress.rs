//! The one door out: answers for every request that leaves the host on a plugin's behalf (idea 3, INT-7).
//!
//! It takes a spent permit and nothing else. Headers are rebuilt, the credential is added by destination, the name is
//! resolved and all its addresses judged, the judged addresses are connected to, and the answer comes back within limits and
//! without the secret.
//!
//! Built on hyper's HTTP/1.1 connection and tokio-rustls rather than on reqwest. What a client library does by itself
//! (redirects, proxies from the environment, decompression, cookies, a resolver and a pool of its own) is then absent rather
//! than switched off; the address that was judged is, visibly, the argument of `connect`; roots can differ from host to host;
//! and the size of an answer's head has a cap, for which reqwest has no setting in HTTP/1.
//!
//! Invariants: no request without a spent permit; no credential to a host that is not on its list; no connection to an address
//! that was not judged, unless the operator named it; a redirect is an answer and is not followed; a request of which a byte
//! was sent is never sent again, but once with a newer credential where the host refused the first (401); a failure's text
//! holds no secret.

use std::{
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use async_trait::async_trait;
use bytes::Bytes;
use hyper::{
    Method, Request, Response, Uri, Version,
    body::Incoming,
    header::{HOST, HeaderValue},
};
use portcullis_model::{
    egress::{Answer, Egress, MAX_BODY, SendRequest},
    error::ServiceError,
    id::{InstallationId, TenantId},
    permit::Spent,
    target::Target,
    time::Clock,
};
use tokio::time::timeout;

use crate::{
    answer::{self, Asked},
    connection::{Connection, Connections, Installed},
    dial::{Dialer, down},
    headers,
    pool::{Key, Pool},
    resolve::Resolve,
    wire::{Failed, MAX_ANSWER_HEADERS, Outgoing, Wire, chain},
};

/// A host that the operator, by an explicit act, lets plugins reach at an address that is not public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Private {
    /// The exact host name. Grants and credentials work by it as by any other.
    pub host: String,
    /// The one address and port that requests to it go to, whatever port the request names. Not judged.
    pub address: SocketAddr,
    /// Certificates in PEM that are trusted for this host only, in place of the public roots.
    pub ca_pem: Option<String>,
}

/// What the operator configures.
#[derive(Clone, Debug)]
pub struct Config {
    /// From the start of a connection to its end of the TLS handshake.
    pub connect_timeout: Duration,
    /// From the request to the answer's last byte. The call's own limit ends it from outside if that is shorter.
    pub total_timeout: Duration,
    /// Hosts at addresses that are not public.
    pub private: Vec<Private>,
    /// Public addresses of this host itself, which plugins may not reach.
    pub own: Vec<IpAddr>,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            connect_timeout: Duration::from_secs(5),
            total_timeout: Duration::from_secs(30),
            private: Vec::new(),
            own: Vec::new(),
        }
    }
}

/// What is wrong with the configuration.
#[derive(Clone, Debug, thiserror::Error)]
pub enum EgressError {
    /// TLS could not be set up.
    #[error("egress: {0}")]
    Tls(String),
    /// A private host is unfit.
    #[error("egress: private host '{host}': {problem}")]
    Private {
        /// Which one.
        host: String,
        /// What is wrong.
        problem: String,
    },
}

/// What a request was sent over, and with.
struct Used {
    key: Key,
    wire: Wire,
    credential: bool,
    sent: u64,
}

/// The one door out.
pub struct Outbound {
    connections: Arc<Connections>,
    clock: Arc<dyn Clock>,
    dialer: Dialer,
    pool: Pool,
    total: Duration,
}

impl Outbound {
    /// A door with these credentials.
    pub fn new(
        config: &Config,
        connections: Arc<Connections>,
        resolver: Arc<dyn Resolve>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EgressError> {
        let dialer = Dialer::new(config, resolver)?;
        Ok(Self { connections, clock, dialer, pool: Pool::new(), total: config.total_timeout })
    }

    async fn exchange(&self, act: Spent<SendRequest>) -> Result<Answer, ServiceError> {
        let owner = (act.call().tenant.clone(), act.call().installation.clone());
        let act = act.into_act();
        let installed = self.connections.current(&owner.0, &owner.1, &act.target).await?;
        let spare =
            installed.as_ref().filter(|one| self.connections.can_replace(one, &act.target)).map(|_| act.clone());
        let (response, used) = self.attempt(&owner, act, installed.as_deref()).await?;
        // Refused: once more with a newer credential, where there is one or the provider gives one.
        if let (401, Some(again), Some(refused)) = (response.status().as_u16(), spare, &installed)
            && let Some(newer) = self.connections.stale(refused, &again.target).await
        {
            drop((response, used));
            let (response, used) = self.attempt(&owner, again, Some(&newer)).await?;
            return self.answer(response, used, Some(&newer)).await;
        }
        self.answer(response, used, installed.as_deref()).await
    }

    /// Sends once, with these credentials.
    async fn attempt(
        &self,
        (tenant, installation): &(TenantId, InstallationId),
        act: SendRequest,
        installed: Option<&Installed>,
    ) -> Result<(Response<Incoming>, Used), ServiceError> {
        // Of the present table: a connection is kept only for whoever uses the same.
        let generation = self.connections.generation();
        let credentials = installed.map_or_else(Vec::new, |installed| installed.for_target(&act.target));
        let (host, port, sent) = (act.target.host().to_owned(), act.target.port(), act.body.len() as u64);
        let (tenant, installation) = (tenant.clone(), installation.clone());
        let key = Key { tenant, installation, host, port, generation };
        let request = outgoing(act, &credentials)?;
        let (response, wire) = self.answered(&key, request).await?;
        Ok((response, Used { key, wire, credential: !credentials.is_empty(), sent }))
    }

    async fn answer(
        &self,
        response: Response<Incoming>,
        used: Used,
        installed: Option<&Installed>,
    ) -> Result<Answer, ServiceError> {
        let Used { key, wire, credential, sent } = used;
        let asked = Asked { host: &key.host, credential, needles: installed.map(Installed::needles), sent };
        let answer = answer::read(response, &asked).await?;
        self.pool.put(key, wire, self.clock.now());
        Ok(answer)
    }

    /// Sends over a connection that waits, or else over a new one.
    async fn answered(&self, key: &Key, mut request: Outgoing) -> Result<(Response<Incoming>, Wire), ServiceError> {
        while let Some(mut wire) = self.pool.take(key, self.clock.now()) {
            if !wire.ready().await {
                continue;
            }
            match wire.send(request).await {
                Ok(response) => return Ok((response, wire)),
                Err(Failed::Unsent(again)) => request = *again,
                Err(Failed::Broken(error)) => return Err(broken(&key.host, &error)),
            }
        }
        let mut wire = self.dialer.dial(&key.host, key.port).await?;
        match wire.send(request).await {
            Ok(response) => Ok((response, wire)),
            Err(Failed::Unsent(_)) => Err(down(&key.host, "the connection was closed before the request")),
            Err(Failed::Broken(error)) => Err(broken(&key.host, &error)),
        }
    }
}

#[async_trait]
impl Egress for Outbound {
    async fn send(&self, act: Spent<SendRequest>) -> Result<Answer, ServiceError> {
        let host = act.act().target.host().to_owned();
        let answered = timeout(self.total, self.exchange(act)).await;
        answered.unwrap_or_else(|_| Err(down(&host, &format!("no answer within {:?}", self.total))))
    }
}

/// The request as it goes out: in origin form, with a Host of our own making.
fn outgoing(act: SendRequest, credentials: &[&Connection]) -> Result<Outgoing, ServiceError> {
    if act.body.len() > MAX_BODY {
        return Err(ServiceError::limited("http-request-bytes", MAX_BODY as u64));
    }
    let invalid = |what: &str| ServiceError::Invalid(what.to_owned());
    let mut headers = headers::build(&act.headers, credentials)?;
    let origin = act.target.origin();
    let authority = origin.trim_start_matches("https://");
    headers.insert(HOST, HeaderValue::try_from(authority).map_err(|_| invalid("url: the host is unfit"))?);
    let mut request = Request::new(Bytes::from(act.body).into());
    *request.method_mut() = Method::from_bytes(act.method.as_bytes()).map_err(|_| invalid("method: is unfit"))?;
    *request.uri_mut() = origin_form(&act.target).ok_or_else(|| invalid("url: has characters that must be escaped"))?;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers;
    Ok(request)
}

fn origin_form(target: &Target) -> Option<Uri> {
    let whole = target.to_string();
    let path = whole.strip_prefix(target.origin().as_str())?;
    Uri::builder().path_and_query(path).build().ok()
}

fn broken(host: &str, error: &hyper::Error) -> ServiceError {
    if error.is_parse_too_large() {
        return ServiceError::limited("http-response-headers", MAX_ANSWER_HEADERS as u64);
    }
    down(host, &chain(error))
}
