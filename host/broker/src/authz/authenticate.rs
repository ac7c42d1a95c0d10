//! Who asks. Only a key that was registered, or the one that a token is bound to, proves anything: there is no client secret and
//! no password (INT-4).

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::{ClientId, Digest},
    installation::{Installation, InstallationState},
    oauth::{Authentication, Change, Client, ClientKey, KeyState, Put},
    time::Timestamp,
    trace::Traceparent,
};

use super::{
    AuthorizationServer, Request, assertion,
    dpop::Proof,
    error::{Code, OAuthError},
    jws::Jws,
};

/// A client that proved itself.
#[derive(Clone, Debug)]
pub struct Caller {
    pub(super) client: Client,
    pub(super) installation: Installation,
    /// The thumbprint of the key that the request's proof of possession is by.
    pub(super) jkt: Option<String>,
    /// Whether it proved itself with a key that was registered.
    pub(super) by_registered_key: bool,
    /// Where its request is in a trace that it brought along.
    pub(super) trace: Option<Traceparent>,
}

impl Caller {
    /// Whether it proved itself with a key that was registered: anybody can come with a key of their own.
    pub fn is_known(&self) -> bool {
        self.by_registered_key
    }

    pub(super) fn actor(&self) -> Actor {
        Actor::Client { client: self.client.id.clone(), installation: self.installation.id.clone() }
    }

    /// Where what it asks for is in its trace.
    pub(super) fn place(&self) -> Option<Traceparent> {
        self.trace.as_ref().map(|sender| sender.child("oauth", self.client.id.as_str()))
    }

    pub(super) fn entry(&self, now: Timestamp, kind: Kind) -> Entry {
        Entry::new(now, kind, self.actor(), Some(self.client.tenant.clone()))
            .in_trace(self.place())
            .about(format!("installation:{}", self.installation.id))
            .with("client", self.client.id.as_str())
    }

    /// An error where its installation is not active.
    fn active(&self) -> Result<(), OAuthError> {
        let one = &self.installation;
        if one.tenant == self.client.tenant && one.state == InstallationState::Active {
            Ok(())
        } else {
            Err(inactive())
        }
    }

    /// The key that this client's refresh tokens are bound to. One with registered keys is bound by proving itself with one of
    /// them, so that its grants outlive the rotation of its keys (RFC 9449, 5).
    pub(super) fn bound(&self) -> Option<String> {
        self.jkt.clone().filter(|_| !self.by_registered_key)
    }
}

fn inactive() -> OAuthError {
    OAuthError::new(Code::UnauthorizedClient, "the client's installation is not active; its admin can say why")
}

/// Nobody learns whether a client exists; the host's own count tells apart.
pub(super) fn stranger(reason: &'static str) -> OAuthError {
    OAuthError::client("the client is unknown, or did not prove itself").counted_for(reason)
}

pub(super) fn wrong_assertion(why: &impl std::fmt::Display) -> OAuthError {
    OAuthError::client(format!("the client_assertion: {why}")).counted_for("wrong-assertion")
}

pub(super) fn check_form(request: &Request) -> Result<(), OAuthError> {
    if request.authorization || request.params.get("client_secret").is_some() {
        return Err(OAuthError::client(
            "passwords and client secrets are not accepted: use private_key_jwt (RFC 7523) or DPoP (RFC 9449)",
        )
        .counted_for("password"));
    }
    match request.proofs.len() {
        0 | 1 => Ok(()),
        _ => Err(OAuthError::proof("there must be one DPoP header")),
    }
}

impl AuthorizationServer {
    /// An error where a client is to have nothing at the moment.
    pub(super) fn admit(&self, caller: &Caller) -> Result<(), OAuthError> {
        caller.active()?;
        // Before a code or a refresh token is used up: after the freeze the client goes on with what it has.
        let frozen = self.frozen(&caller.installation);
        frozen.map_or(Ok(()), |frozen| Err(OAuthError::new(Code::TemporarilyUnavailable, frozen.to_string())))
    }

    /// Who asks, whatever has become of its installation. Takes the request's proofs: none of them is good for a second request.
    pub async fn identify(&self, request: &Request) -> Result<Caller, OAuthError> {
        let now = self.now();
        self.everybody.take(&(), now).map_err(OAuthError::too_many)?;
        check_form(request)?;
        let assertion = request.params.get("client_assertion");
        let jws = assertion.map(|text| Jws::parse(text).map_err(|why| wrong_assertion(&why))).transpose()?;
        let named = request.params.get("client_id").map(str::to_owned);
        let id = match &jws {
            Some(jws) => assertion::subject(jws).ok_or_else(|| stranger("wrong-assertion"))?,
            None => named
                .clone()
                .ok_or_else(|| OAuthError::client("the request names no client").counted_for("no-client"))?,
        };
        if named.is_some_and(|named| named != id) {
            let why = OAuthError::client("client_id and the client_assertion's 'sub' are not the same");
            return Err(why.counted_for("wrong-assertion"));
        }
        let unknown = || stranger("unknown-client");
        let id: ClientId = id.parse().map_err(|_| unknown())?;
        let (client, installation) = self.store().client(&id).await?.ok_or_else(unknown)?;
        if client.revoked.is_some() {
            return Err(stranger("revoked-client"));
        }
        let proof = self.proof(request, now)?;
        let by_registered_key = match (&jws, client.authentication) {
            (Some(jws), Authentication::PrivateKeyJwt) => {
                self.assert(request, jws, &client, now).await?;
                proof.as_ref().map_or(Ok(()), |proof| self.spend(proof, now))?;
                true
            }
            (None, Authentication::Dpop) => self.possess(&client, proof.as_ref(), now).await?,
            _ => return Err(stranger("wrong-method")),
        };
        let jkt = proof.map(|proof| proof.jkt);
        let installation = installation.ok_or_else(inactive)?;
        Ok(Caller { client, installation, jkt, by_registered_key, trace: request.trace })
    }

    fn proof(&self, request: &Request, now: Timestamp) -> Result<Option<Proof>, OAuthError> {
        let url = self.settings().endpoint(request.endpoint);
        let read = |proof: &String| self.proofs.read(proof, ("POST", &url), None, now);
        let proof = request.proofs.first().map(read).transpose();
        proof.map_err(|why| OAuthError::proof(format!("the DPoP proof: {why}")))
    }

    fn spend(&self, proof: &Proof, now: Timestamp) -> Result<(), OAuthError> {
        self.proofs.take(proof, now).map_err(|why| OAuthError::proof(format!("the DPoP proof: {why}")))
    }

    /// Counts a request of a client that proved itself by a registered key.
    fn charge(&self, client: &Client, now: Timestamp) -> Result<(), OAuthError> {
        self.each.take(&client.id.to_string(), now).map_err(OAuthError::too_many)
    }

    /// By an assertion.
    async fn assert(
        &self,
        request: &Request,
        jws: &Jws<'_>,
        client: &Client,
        now: Timestamp,
    ) -> Result<(), OAuthError> {
        let params = &request.params;
        if params.get("client_assertion_type") != Some(assertion::TYPE) {
            return Err(wrong_assertion(&format!("client_assertion_type must be {}", assertion::TYPE)));
        }
        let (token, own) = (self.settings().endpoint("token"), self.settings().endpoint(request.endpoint));
        let audiences = [self.settings().issuer.as_str(), &token, &own];
        let asserted = assertion::check(jws, client.id.as_str(), client.good_keys(now), &audiences, now)
            .map_err(|why| wrong_assertion(&why))?;
        // Before anything is written.
        self.charge(client, now)?;
        let key = Digest::of(format!("{}\n{}", client.id, asserted.jti).as_bytes());
        if !self.store().first_use(&client.tenant, &format!("assertion:{}", key.hex()), asserted.until, now).await? {
            let why = OAuthError::client("the client_assertion was used before: make a new one for each request");
            return Err(why.counted_for("replayed-assertion"));
        }
        self.used(client, asserted.key, now).await
    }

    /// By a proof of possession: of a registered key, where there are any.
    async fn possess(&self, client: &Client, proof: Option<&Proof>, now: Timestamp) -> Result<bool, OAuthError> {
        let proof = proof.ok_or_else(|| {
            OAuthError::client("this client proves itself by DPoP: the proof is missing").counted_for("no-proof")
        })?;
        if client.keys.is_empty() {
            // Anybody can come with a key of their own: that is not counted against the client.
            return self.spend(proof, now).map(|()| false);
        }
        let key =
            client.good_keys(now).find(|key| key.thumbprint == proof.jkt).ok_or_else(|| stranger("unknown-key"))?;
        self.spend(proof, now)?;
        self.charge(client, now)?;
        self.used(client, key, now).await?;
        Ok(true)
    }

    /// A pending key becomes the current one with its first use, and those before it have their time.
    async fn used(&self, client: &Client, key: &ClientKey, now: Timestamp) -> Result<(), OAuthError> {
        if key.state != KeyState::Pending {
            return Ok(());
        }
        let until = now.plus(std::time::Duration::from_secs(client.overlap_seconds));
        let next = |one: &ClientKey| match one.state {
            _ if one.thumbprint == key.thumbprint => ClientKey { state: KeyState::Current, since: now, ..one.clone() },
            KeyState::Current => ClientKey { state: KeyState::Previous { until }, since: now, ..one.clone() },
            _ => one.clone(),
        };
        let keys = client.keys.iter().filter(|one| one.is_good(now)).map(next).collect();
        let row = Client { keys, version: client.version + 1, ..client.clone() };
        let actor = Actor::Client { client: client.id.clone(), installation: client.installation.clone() };
        let entry = Entry::new(now, Kind::ClientRotated, actor, Some(client.tenant.clone()))
            .about(format!("installation:{}", client.installation))
            .with("client", client.id.as_str())
            .with("change", "first use of the pending key")
            .with("key", key.thumbprint.as_str());
        let put = Put { row, expected: Some(client.version) };
        // Where somebody else was faster, the next use does it.
        self.store().change(Change { client: Some(put), entries: vec![entry], ..Change::default() }).await?;
        Ok(())
    }
}
