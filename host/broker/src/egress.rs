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
//! 6. Connections are kept by installation and generation of its credentials: `pool`.
//!    `a_connection_is_used_again_only_by_the_same_installation_and_generation`, `anothers_renewal_closes_no_connection`,
//!    `no_session_is_ever_resumed`.
//! 7. Caps on heads, bodies, time; and for each installation and host on requests and bytes a minute, requests at a time, and a
//!    circuit: `wire`, `answer`, `lanes`. `bodies_and_heads_have_limits`, `time_is_limited`, `traffic`. Nothing is decompressed:
//!    `what_is_compressed_is_refused_beside_a_credential_and_never_unpacked`.
//! 8. The request is made anew from allowed headers, in origin form, with one `Content-Length`; no trailers: `headers`, `sending`.
//!    `a_plugins_own_credentials_and_framing_are_dropped`, `a_header_cannot_end_its_line`; guests `sends_absolute_targets_by_wasi`.
//! 9. No proxy, since nothing here reads the environment; each credential has its own hosts: [`crate::place`]; reflected secrets
//!    are taken out: `answer`. `no_other_host_port_installation_or_tenant_gets_the_token`, `a_reflected_token_is_taken_out`,
//!    `a_token_in_pieces_is_taken_out_too_and_trailers_and_reasons_do_not_arrive`.
//!
//! Invariants: no request without a spent permit; no credential to a host that is not on its list; no connection to an address
//! that was not judged, unless the operator named it; nothing without TLS but by an accepted risk (DAT-5); a redirect is an answer and is not followed; a request of which a byte
//! was sent is never sent again, but once with a newer credential where the host refused the first (401); a failure's text
//! holds no secret; nothing that is frozen leaves, whenever the freeze came, and what is under way then is cut off.

use std::{pin::pin, sync::Arc};

use async_trait::async_trait;
use hyper::{Response, body::Incoming};
use portcullis_model::{
    connection::ConnectionKey,
    duty::TenantRules,
    egress::{Answer, Egress, SendRequest},
    error::ServiceError,
    freeze::Carried,
    meter::METER,
    permit::Spent,
    time::Clock,
};

pub use crate::settings::{Config, EgressError, Plaintext, Private, Traffic};
use crate::{
    answer::{self, Asked},
    connection::{Connection, Connections, Installed},
    dial::{Dialer, down},
    lanes::{Lanes, Passage},
    patience::Patience,
    pool::{Key, Pool},
    resolve::Resolve,
    rotation::FreezeBook,
    sending::Sending,
    wire::{Failed, MAX_ANSWER_HEADERS, Wire, chain},
};

type Answered = Result<Answer, ServiceError>;

/// What a request was sent over, and with.
struct Used {
    key: Key,
    generation: u64,
    wire: Wire,
    credential: bool,
}

/// The one door out.
pub struct Outbound {
    connections: Arc<Connections>,
    clock: Arc<dyn Clock>,
    dialer: Dialer,
    pool: Pool,
    lanes: Lanes,
    patience: Patience,
    freezes: Option<Arc<FreezeBook>>,
    rules: Option<Arc<dyn TenantRules>>,
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
        let patience = Patience::of(config.total_timeout);
        let pool = Pool::new(clock.clone());
        Ok(Self { connections, clock, dialer, pool, lanes, patience, freezes: None, rules: None })
    }

    /// The same door, held to these freezes (INT-6).
    #[must_use]
    pub fn under(mut self, freezes: Arc<FreezeBook>) -> Self {
        self.freezes = Some(freezes);
        self
    }

    /// The same door, held to what tenants' profiles ask for and to the risks that were accepted against that (INT-3, DAT-5).
    #[must_use]
    pub fn ruled_by(mut self, rules: Arc<dyn TenantRules>) -> Self {
        self.rules = Some(rules);
        self
    }

    /// Whether a request with these credentials may leave by its tenant's profiles and accepted risks, at this moment.
    fn is_allowed(&self, sending: &Sending, credentials: &[&Connection]) -> Result<(), ServiceError> {
        let Some(rules) = &self.rules else { return Ok(()) };
        let (now, tenant) = (self.clock.now(), &sending.subject.tenant);
        if self.dialer.is_in_the_clear(sending.host()) {
            rules.without_tls(tenant, sending.host(), now).map_err(|problem| down(sending.host(), &problem))?;
        }
        for one in credentials.iter().filter(|one| one.is_static()) {
            let key = ConnectionKey {
                tenant: tenant.clone(),
                installation: one.installation.clone(),
                name: one.name.clone(),
            };
            rules.static_token(&key, now).map_err(|problem| down(sending.host(), &problem))?;
        }
        Ok(())
    }

    /// Does the work, unless a freeze covers the request or comes to cover it.
    async fn unless_frozen(&self, sending: &Sending, work: impl Future<Output = Answered>) -> Answered {
        let Some(freezes) = &self.freezes else { return work.await };
        let subject = &sending.subject;
        let would_carry = || {
            let installed = self.connections.of(&subject.tenant, &subject.installation);
            installed.map_or_else(Vec::new, |installed| carried(&installed.for_target(&sending.target)))
        };
        freezes.enter(subject.clone(), would_carry)?.unless_frozen(work).await
    }

    async fn exchange(&self, sending: &Sending, passage: &Passage<'_>) -> Answered {
        let (subject, target) = (&sending.subject, &sending.target);
        if !self.dialer.trusts(sending.host(), self.clock.now())? {
            let (known, bare) = (self.connections.of(&subject.tenant, &subject.installation), None);
            let (response, used) = self.attempt(sending, bare, passage).await?;
            return self.answer(response, used, sending, known.as_deref()).await;
        }
        let installed = self.connections.current(&subject.tenant, &subject.installation, target).await?;
        let (response, used) = self.attempt(sending, installed.as_deref(), passage).await?;
        // Refused: once more with a newer credential, where there is one or the provider gives one.
        if let (401, Some(refused)) = (response.status().as_u16(), &installed)
            && let Some(newer) = self.connections.stale(refused, target).await
        {
            drop((response, used));
            let (response, used) = self.attempt(sending, Some(&newer), passage).await?;
            return self.answer(response, used, sending, Some(&newer)).await;
        }
        self.answer(response, used, sending, installed.as_deref()).await
    }

    /// Sends once, with these credentials.
    async fn attempt(
        &self,
        sending: &Sending,
        carries: Option<&Installed>,
        passage: &Passage<'_>,
    ) -> Result<(Response<Incoming>, Used), ServiceError> {
        let credentials = carries.map_or_else(Vec::new, |installed| installed.for_target(&sending.target));
        // A connection is kept only for whoever carries the same.
        let (key, generation) = (Key::of(sending), carries.map_or(0, Installed::generation));
        let (response, wire) = self.answered(&key, generation, sending, &credentials, passage).await?;
        Ok((response, Used { key, generation, wire, credential: !credentials.is_empty() }))
    }

    async fn answer(
        &self,
        response: Response<Incoming>,
        used: Used,
        sending: &Sending,
        known: Option<&Installed>,
    ) -> Answered {
        let Used { key, generation, mut wire, credential } = used;
        let (needles, sent) = (known.map(Installed::needles), sending.bytes());
        let asked = Asked { host: sending.host(), credential, needles, sent };
        let answer = answer::read(response, &mut wire, &asked).await?;
        self.pool.put(key, generation, wire);
        Ok(answer)
    }

    /// Sends over a connection that waits, or else over a new one.
    async fn answered(
        &self,
        key: &Key,
        generation: u64,
        sending: &Sending,
        credentials: &[&Connection],
        passage: &Passage<'_>,
    ) -> Result<(Response<Incoming>, Wire), ServiceError> {
        let (host, port) = (sending.host(), sending.target.port());
        self.is_allowed(sending, credentials)?;
        let mut request = sending.with(credentials)?;
        passage.begins();
        loop {
            let waiting = self.pool.take(key, generation);
            let is_new = waiting.is_none();
            let mut wire = match waiting {
                Some(wire) => wire,
                // In a box of its own: a handshake's state is large, and most requests need none.
                None => Box::pin(self.dialer.dial(host, port)).await?,
            };
            if !is_new && !wire.is_ready() {
                continue;
            }
            self.leaves(sending, credentials)?;
            sending.begun.mark();
            match wire.send(request).await {
                Ok(response) => return Ok((response, wire)),
                Err(Failed::Unsent(again)) if !is_new => request = *again,
                Err(Failed::Unsent(_)) => return Err(down(host, "the connection was closed before the request")),
                Err(Failed::Broken(error)) => return Err(broken(host, &error)),
            }
        }
    }

    /// The last look at the freezes. What follows it is written with no pause in between: no freeze that a request was not held
    /// against counts as enforced before that is done (see [`FreezeBook`]).
    fn leaves(&self, sending: &Sending, credentials: &[&Connection]) -> Result<(), ServiceError> {
        // Connecting takes its time, and a risk may have lapsed meanwhile.
        self.is_allowed(sending, credentials)?;
        let Some(freezes) = &self.freezes else { return Ok(()) };
        Ok(freezes.leaves(&sending.subject, || carried(credentials))?)
    }
}

#[async_trait]
impl Egress for Outbound {
    async fn send(&self, act: Spent<SendRequest>) -> Result<Answer, ServiceError> {
        let _timed = METER.egress_time.time();
        let sending = Sending::new(act);
        let owner = (sending.subject.tenant.clone(), sending.subject.installation.clone());
        let passage = self.lanes.enter(owner, sending.host(), sending.bytes())?;
        let answered = {
            // Stays where it is: what waits around it only points to it.
            let work = pin!(self.exchange(&sending, &passage));
            self.patience.with(self.unless_frozen(&sending, work)).await
        };
        let late = || Err(down(sending.host(), &format!("no answer within {:?}", self.patience.time())));
        let result = answered.unwrap_or_else(late);
        passage.leave(&result);
        result
    }
}

/// Credentials as freezes know them.
fn carried(connections: &[&Connection]) -> Vec<Carried> {
    let one =
        |connection: &&Connection| Carried { name: connection.name.clone(), provider: connection.provider.clone() };
    connections.iter().map(one).collect()
}

fn broken(host: &str, error: &hyper::Error) -> ServiceError {
    if error.is_parse_too_large() {
        return ServiceError::limited("http-response-headers", MAX_ANSWER_HEADERS as u64);
    }
    down(host, &chain(error))
}
