//! Passkeys: the two ceremonies of WebAuthn (level 3), by `webauthn-rs`.
//!
//! What a ceremony was begun with is kept in memory until it ends: five minutes, once, and at most so many at a time. Whoever begins
//! more than their share loses their own oldest; those who are signed in have a pool that nobody else fills.
//!
//! Invariants: user verification is required in both; a challenge is good once; the counter of a key goes up, and one that went back is
//! refused; what a browser says is checked against the one origin that the operator named.

use std::{
    collections::BTreeMap,
    net::{IpAddr, Ipv6Addr},
    sync::{Mutex, PoisonError},
};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portcullis_model::{
    id::PersonId,
    people::{Factor, FactorKind, Person},
    time::{Rng, Timestamp},
};
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use webauthn_rs::prelude::{
    DiscoverableAuthentication, DiscoverableKey, Passkey, PasskeyRegistration, PublicKeyCredential,
    RegisterPublicKeyCredential, Url, Uuid, Webauthn, WebauthnBuilder,
};

use crate::AccessError;

/// How long a ceremony may take, in milliseconds.
const CEREMONY_MS: i64 = 5 * 60 * 1_000;
/// The most ceremonies of those who are signed in, and of those who are not, that are under way at a time.
const MOST: (usize, usize) = (4_096, 16_384);
/// The most of one person, and of one address: an office shares one, and each open sign-in page has begun a ceremony.
const EACH: (usize, usize) = (8, 32);

/// Passkeys cannot be used under this address.
#[derive(Clone, Debug, thiserror::Error)]
#[error("passkeys cannot be used at {origin}: {why}")]
pub struct PasskeysError {
    origin: String,
    why: String,
}

enum Begun {
    Registration(Box<PasskeyRegistration>, PersonId),
    Proof(Box<DiscoverableAuthentication>),
}

/// Who begins a ceremony, as far as the server knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginner {
    /// Somebody at this address.
    Client(IpAddr),
    /// A person within a session of theirs.
    Person(PersonId),
}

impl Beginner {
    /// As ceremonies are counted: of IPv6 the /64, which is the least that one customer of a provider gets.
    fn counted(&self) -> Self {
        match self {
            Self::Client(address) => Self::Client(match address.to_canonical() {
                IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() >> 64 << 64).into(),
                address => address,
            }),
            Self::Person(person) => Self::Person(person.clone()),
        }
    }
}

struct Ceremony {
    what: Begun,
    by: Beginner,
    since: Timestamp,
}

/// Ceremonies that are under way, by name.
type Pool = BTreeMap<String, Ceremony>;

/// The ceremonies of one origin.
pub struct Passkeys {
    webauthn: Webauthn,
    of_people: Mutex<Pool>,
    of_strangers: Mutex<Pool>,
}

impl Passkeys {
    /// For pages under this address: `https`, or `http` on `localhost`.
    ///
    /// # Errors
    /// Browsers know no passkeys there.
    pub fn new(base: &str) -> Result<Self, PasskeysError> {
        let wrong = |why: String| PasskeysError { origin: base.to_owned(), why };
        let origin = Url::parse(base).map_err(|error| wrong(error.to_string()))?;
        let domain = origin.domain().ok_or_else(|| {
            wrong("it has no host name: name one in listen.public-url, or use http://localhost".to_owned())
        })?;
        if origin.scheme() != "https" && domain != "localhost" {
            return Err(wrong("browsers want https, or http on localhost".to_owned()));
        }
        let built = WebauthnBuilder::new(domain, &origin).and_then(|builder| builder.rp_name("Portcullis").build());
        let webauthn = built.map_err(|error| wrong(error.to_string()))?;
        Ok(Self { webauthn, of_people: Mutex::default(), of_strangers: Mutex::default() })
    }

    /// Begins to register a passkey. Gives the ceremony's name and the options for `navigator.credentials.create`.
    ///
    /// # Errors
    /// Too many at a time.
    pub fn register(
        &self,
        by: &Beginner,
        person: &Person,
        has: &[Factor],
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<(String, Value), AccessError> {
        let theirs = has.iter().filter(|factor| factor.kind == FactorKind::Passkey).filter_map(|f| key(f).ok());
        let exclude = theirs.map(|key| key.cred_id().clone()).collect();
        let begun =
            self.webauthn.start_passkey_registration(handle(&person.id), &person.email, &person.name, Some(exclude));
        let (options, state) = begun.map_err(|error| refused(&error))?;
        let mut options = serde_json::to_value(options).map_err(|error| AccessError::Invalid(error.to_string()))?;
        // One that the browser finds by itself: so nobody has to say who they are, and nobody learns who has an account.
        options["publicKey"]["authenticatorSelection"]["residentKey"] = "required".into();
        options["publicKey"]["authenticatorSelection"]["requireResidentKey"] = true.into();
        Ok((self.keep(by, Begun::Registration(Box::new(state), person.id.clone()), now, rng)?, options))
    }

    /// Ends it: the factor that is to be stored.
    ///
    /// # Errors
    /// What came back is not what was asked for, or comes too late.
    pub fn registered(
        &self,
        ceremony: &str,
        answer: Value,
        label: &str,
        now: Timestamp,
        rng: &dyn Rng,
    ) -> Result<Factor, AccessError> {
        let Some(Begun::Registration(state, person)) = self.take(ceremony, now) else {
            return Err(AccessError::Unknown("ceremony"));
        };
        let answer: RegisterPublicKeyCredential =
            serde_json::from_value(answer).map_err(|_| AccessError::Invalid("expected a new credential".to_owned()))?;
        let passkey = self.webauthn.finish_passkey_registration(&answer, &state).map_err(|error| refused(&error))?;
        let found_by = BASE64_URL_SAFE_NO_PAD.encode(passkey.cred_id());
        let body = serde_json::to_value(&passkey).map_err(|error| AccessError::Invalid(error.to_string()))?;
        Ok(super::new(FactorKind::Passkey, &person, label, Some(found_by), body, now, rng))
    }

    /// Begins to prove a passkey, whosever it is. Gives the ceremony's name and the options for `navigator.credentials.get`.
    ///
    /// # Errors
    /// Too many at a time.
    pub fn prove(&self, by: &Beginner, now: Timestamp, rng: &dyn Rng) -> Result<(String, Value), AccessError> {
        let (options, state) = self.webauthn.start_discoverable_authentication().map_err(|error| refused(&error))?;
        let mut options = serde_json::to_value(options).map_err(|error| AccessError::Invalid(error.to_string()))?;
        // Whether the browser offers it in a field or in a window is for the page to say.
        if let Some(options) = options.as_object_mut() {
            options.remove("mediation");
        }
        Ok((self.keep(by, Begun::Proof(Box::new(state)), now, rng)?, options))
    }

    /// By which handle the factor is found that an answer is about.
    ///
    /// # Errors
    /// It is no answer.
    pub fn handle_of(answer: &Value) -> Result<String, AccessError> {
        let answer: PublicKeyCredential = serde_json::from_value(answer.clone())
            .map_err(|_| AccessError::Invalid("expected the proof of a credential".to_owned()))?;
        Ok(BASE64_URL_SAFE_NO_PAD.encode(answer.get_credential_id()))
    }

    /// Ends a proof by this factor: the factor as it is to be stored from now on.
    ///
    /// # Errors
    /// It does not prove it, or comes too late.
    pub fn proved(
        &self,
        ceremony: &str,
        answer: Value,
        factor: &Factor,
        now: Timestamp,
    ) -> Result<Factor, AccessError> {
        let Some(Begun::Proof(state)) = self.take(ceremony, now) else { return Err(AccessError::Unknown("ceremony")) };
        let answer: PublicKeyCredential = serde_json::from_value(answer)
            .map_err(|_| AccessError::Invalid("expected the proof of a credential".to_owned()))?;
        // The key says whose it is: that must be whose we have it for.
        let (whose, _) = self.webauthn.identify_discoverable_authentication(&answer).map_err(|e| refused(&e))?;
        if whose != handle(&factor.person) {
            return Err(AccessError::NotProved);
        }
        let mut passkey = key(factor)?;
        let key = DiscoverableKey::from(&passkey);
        let result = self.webauthn.finish_discoverable_authentication_v2(&answer, *state, &key);
        let result = result.map_err(|error| refused(&error))?;
        if !result.user_verified() || passkey.update_credential(&result).is_none() {
            return Err(AccessError::NotProved);
        }
        let body = serde_json::to_value(&passkey).map_err(|error| AccessError::Invalid(error.to_string()))?;
        Ok(Factor { body, used: Some(now), version: factor.version + 1, ..factor.clone() })
    }

    fn keep(&self, by: &Beginner, what: Begun, now: Timestamp, rng: &dyn Rng) -> Result<String, AccessError> {
        let mut name = [0u8; 16];
        rng.fill(&mut name);
        let name = BASE64_URL_SAFE_NO_PAD.encode(name);
        let (pool, most, each) = match by {
            Beginner::Person(_) => (&self.of_people, MOST.0, EACH.0),
            Beginner::Client(_) => (&self.of_strangers, MOST.1, EACH.1),
        };
        let by = by.counted();
        let mut begun = pool.lock().unwrap_or_else(PoisonError::into_inner);
        begun.retain(|_, one| is_in_time(one, now));
        let theirs = || begun.iter().filter(|(_, one)| one.by == by);
        if theirs().count() >= each
            && let Some(oldest) = theirs().min_by_key(|(_, one)| one.since).map(|(name, _)| name.clone())
        {
            begun.remove(&oldest);
        }
        if begun.len() >= most {
            return Err(AccessError::Conflict("too many are signing in at once: try again in a minute".to_owned()));
        }
        begun.insert(name.clone(), Ceremony { what, by, since: now });
        Ok(name)
    }

    fn take(&self, ceremony: &str, now: Timestamp) -> Option<Begun> {
        let of = |pool: &Mutex<Pool>| pool.lock().unwrap_or_else(PoisonError::into_inner).remove(ceremony);
        let one = of(&self.of_people).or_else(|| of(&self.of_strangers))?;
        is_in_time(&one, now).then_some(one.what)
    }
}

fn is_in_time(ceremony: &Ceremony, now: Timestamp) -> bool {
    now.0 - ceremony.since.0 < CEREMONY_MS
}

/// What an authenticator knows a person by: 16 bytes that follow from the id and say nothing of it.
fn handle(person: &PersonId) -> Uuid {
    let digest = Sha256::new_with_prefix("portcullis passkey handle\n").chain_update(person.as_str()).finalize();
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&digest[..16]);
    Uuid::from_bytes(bytes)
}

fn key(factor: &Factor) -> Result<Passkey, AccessError> {
    serde_json::from_value(factor.body.clone()).map_err(|_| AccessError::NotProved)
}

/// What went wrong is for the host's log alone.
fn refused(error: &dyn std::fmt::Display) -> AccessError {
    tracing::debug!(%error, "a ceremony failed");
    AccessError::NotProved
}
