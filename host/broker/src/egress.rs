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
//! The nine rules, where each is kept, and a test that fails without it:
//!
//! 1. One canonical target; `https` only; no user, no address: `model::target`. `ssrf`, `refuses_what_could_be_two_things`.
//! 2. A host is granted exactly or by one leading `*.`: the scope `http:send`. `means_what_it_says`, fuzz target `target`.
//! 3. A name is resolved once, every address judged, those connected to, the name in SNI and `Host`: [`crate::resolve`], `dial`.
//!    `ssrf`, `only_the_named_ca_is_believed_and_only_for_its_host`.
//! 4. What is not global is refused, and IPv4 inside IPv6; an address by NAT64 is judged by the IPv4 address that it stands for,
//!    since hosts with IPv6 alone reach the rest that way: [`crate::judge`]. `every_class_of_address`, `ssrf`.
//! 5. No redirect is followed. The plugin sees it, and may send again under its grant, where 1 to 4 hold anew and credentials
//!    are chosen for the new host. `a_redirect_is_an_answer`.
//! 6. Connections are kept by installation and generation of credentials: `pool`.
//!    `a_connection_is_used_again_only_by_the_same_installation_and_generation`, `no_session_is_ever_resumed`.
//! 7. Caps on heads, bodies, time; and for each installation and host on requests and bytes a minute, requests at a time, and a
//!    circuit: `wire`, `answer`, `lanes`. `bodies_and_heads_have_limits`, `time_is_limited`, `traffic`. Nothing is decompressed:
//!    `what_is_compressed_is_refused_beside_a_credential_and_never_unpacked`.
//! 8. The request is made anew from allowed headers, in origin form, with one `Content-Length`; no trailers: `headers`.
//!    `a_plugins_own_credentials_and_framing_are_dropped`, `a_header_cannot_end_its_line`; guests `sends_absolute_targets_by_wasi`.
//! 9. No proxy, since nothing here reads the environment; each credential has its own hosts: [`crate::place`]; reflected secrets
//!    are taken out: `answer`. `no_other_host_port_installation_or_tenant_gets_the_token`, `a_reflected_token_is_taken_out`,
//!    `a_token_in_pieces_is_taken_out_too_and_trailers_and_reasons_do_not_arrive`.
//!
//! Invariants: no request without a spent permit; no credential to a host that is not on its list; no connection to an address
//! that was not judged, unless the operator named it; nothing without TLS but by an accepted risk (DAT-5); a redirect is an answer and is not followed; a request of which a byte
//! was sent is never sent again, but once with a newer credential where the host refused the first (401); a failure's text
//! holds no secret; nothing that is frozen leaves, and what is under way when a freeze comes is cut off.

use std::{sync::Arc, time::Duration};

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
    freeze::{Carried, Subject},
    id::{InstallationId, TenantId},
    permit::Spent,
    target::Target,
    time::Clock,
};
use tokio::time::timeout;

pub use crate::settings::{Config, EgressError, Plaintext, Private, Traffic};
use crate::{
    answer::{self, Asked},
    connection::{Connection, Connections, Installed},
    dial::{Dialer, down},
    headers,
    lanes::{Lanes, Passage},
    pool::{Key, Pool},
    resolve::Resolve,
    rotation::FreezeBook,
    wire::{Failed, MAX_ANSWER_HEADERS, Outgoing, Wire, chain},
};

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
    lanes: Lanes,
    total: Duration,
    freezes: Option<Arc<FreezeBook>>,
}

impl Outbound {
    /// A door with these credentials.
    pub fn new(
        config: &Config,
        connections: Arc<Connections>,
        resolver: Arc<dyn Resolve>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, EgressError> {
        config.traffic.check()?;
        let dialer = Dialer::new(config, resolver)?;
        let lanes = Lanes::new(config.traffic.clone(), clock.clone());
        let total = config.total_timeout;
        Ok(Self { connections, clock, dialer, pool: Pool::new(), lanes, total, freezes: None })
    }

    /// The same door, held to these freezes (INT-6).
    #[must_use]
    pub fn under(mut self, freezes: Arc<FreezeBook>) -> Self {
        self.freezes = Some(freezes);
        self
    }

    /// Carries it out, unless a freeze covers it or comes to cover it.
    async fn unless_frozen(&self, act: Spent<SendRequest>, passage: &Passage<'_>) -> Result<Answer, ServiceError> {
        let Some(freezes) = &self.freezes else { return self.exchange(act, passage).await };
        let call = act.call();
        let subject = Subject {
            tenant: call.tenant.clone(),
            installation: call.installation.clone(),
            plugin: call.plugin.clone(),
        };
        let (connections, target) = (self.connections.clone(), act.act().target.clone());
        let (tenant, installation) = (subject.tenant.clone(), subject.installation.clone());
        let carried = move || {
            let installed = connections.of(&tenant, &installation);
            installed
                .map_or_else(Vec::new, |installed| installed.for_target(&target).into_iter().map(carried).collect())
        };
        freezes.enter(subject, carried)?.unless_frozen(self.exchange(act, passage)).await
    }

    async fn exchange(&self, act: Spent<SendRequest>, passage: &Passage<'_>) -> Result<Answer, ServiceError> {
        let owner = (act.call().tenant.clone(), act.call().installation.clone());
        let act = act.into_act();
        if !self.dialer.trusts(act.target.host(), self.clock.now())? {
            let (known, bare) = (self.connections.of(&owner.0, &owner.1), None);
            let (response, used) = self.attempt(&owner, act, bare, passage).await?;
            return self.answer(response, used, known.as_deref()).await;
        }
        let installed = self.connections.current(&owner.0, &owner.1, &act.target).await?;
        let spare =
            installed.as_ref().filter(|one| self.connections.can_replace(one, &act.target)).map(|_| act.clone());
        let (response, used) = self.attempt(&owner, act, installed.as_deref(), passage).await?;
        // Refused: once more with a newer credential, where there is one or the provider gives one.
        if let (401, Some(again), Some(refused)) = (response.status().as_u16(), spare, &installed)
            && let Some(newer) = self.connections.stale(refused, &again.target).await
        {
            drop((response, used));
            let (response, used) = self.attempt(&owner, again, Some(&newer), passage).await?;
            return self.answer(response, used, Some(&newer)).await;
        }
        self.answer(response, used, installed.as_deref()).await
    }

    /// Sends once, with these credentials.
    async fn attempt(
        &self,
        (tenant, installation): &(TenantId, InstallationId),
        act: SendRequest,
        carries: Option<&Installed>,
        passage: &Passage<'_>,
    ) -> Result<(Response<Incoming>, Used), ServiceError> {
        // Of the present table: a connection is kept only for whoever uses the same.
        let generation = self.connections.generation();
        let credentials = carries.map_or_else(Vec::new, |installed| installed.for_target(&act.target));
        let (host, port, sent) = (act.target.host().to_owned(), act.target.port(), act.body.len() as u64);
        let (tenant, installation) = (tenant.clone(), installation.clone());
        let key = Key { tenant, installation, host, port, generation };
        let request = outgoing(act, &credentials)?;
        passage.begins();
        let (response, wire) = self.answered(&key, request).await?;
        Ok((response, Used { key, wire, credential: !credentials.is_empty(), sent }))
    }

    async fn answer(
        &self,
        response: Response<Incoming>,
        used: Used,
        known: Option<&Installed>,
    ) -> Result<Answer, ServiceError> {
        let Used { key, wire, credential, sent } = used;
        let (needles, plaintext) = (known.map(Installed::needles), wire.is_plaintext());
        let asked = Asked { host: &key.host, credential, needles, sent, plaintext };
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
        // In a box of its own: a handshake's state is large, and most requests need none.
        let mut wire = Box::pin(self.dialer.dial(&key.host, key.port)).await?;
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
        let owner = (act.call().tenant.clone(), act.call().installation.clone());
        let passage = self.lanes.enter(owner, &host, act.act().body.len() as u64)?;
        let answered = timeout(self.total, self.unless_frozen(act, &passage)).await;
        let result = answered.unwrap_or_else(|_| Err(down(&host, &format!("no answer within {:?}", self.total))));
        passage.leave(&result);
        result
    }
}

/// A credential as freezes know it.
fn carried(connection: &Connection) -> Carried {
    Carried { name: connection.name.clone(), provider: connection.provider.clone() }
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
