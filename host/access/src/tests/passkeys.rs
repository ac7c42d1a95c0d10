//! Against an authenticator that others wrote.

use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData},
    crypto::rust_crypto::RustCryptoBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
        webauthn::{CredentialCreationOptions, CredentialRequestOptions},
    },
};
use portcullis_model::{
    audit::Kind,
    people::{FactorKind, PeopleStore as _},
};
use serde_json::Value;
use webauthn_rs::prelude::Url;

use crate::{
    AccessError, Beginner, Passkeys,
    testing::{World, invitation, seen},
};

const BASE: &str = "https://host.example.com";

struct Person {
    verified: bool,
}

#[async_trait::async_trait]
impl UserValidationMethod for Person {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(&self, _: UiHint<'a, Passkey>, _: bool, _: bool) -> Result<UserCheck, Ctap2Error> {
        Ok(UserCheck { presence: true, verification: self.verified })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

/// A browser with an authenticator that holds one passkey.
struct Browser {
    passkey: Option<Passkey>,
    verified: bool,
    origin: &'static str,
}

impl Browser {
    fn new() -> Self {
        Self { passkey: None, verified: true, origin: BASE }
    }

    async fn create(&mut self, options: Value) -> Value {
        let options: CredentialCreationOptions = serde_json::from_value(options).unwrap();
        let person = Person { verified: self.verified };
        let device = Authenticator::new(Aaguid::new_empty(), self.passkey.clone(), person, RustCryptoBackend);
        let mut client = Client::new(device);
        let origin = Url::parse(self.origin).unwrap();
        let made = client.register(&origin, options, DefaultClientData).await.unwrap();
        self.passkey = client.authenticator().store().clone();
        serde_json::to_value(made).unwrap()
    }

    async fn get(&self, options: Value) -> Value {
        let options: CredentialRequestOptions = serde_json::from_value(options).unwrap();
        let person = Person { verified: self.verified };
        let device = Authenticator::new(Aaguid::new_empty(), self.passkey.clone(), person, RustCryptoBackend);
        let mut client = Client::new(device);
        let origin = Url::parse(self.origin).unwrap();
        let proof = client.authenticate(&origin, options, DefaultClientData).await.unwrap();
        serde_json::to_value(proof).unwrap()
    }
}

fn here() -> Beginner {
    Beginner::Client(seen().address)
}

impl World {
    /// From the invitation to the first session.
    async fn registers(&self, passkeys: &Passkeys, browser: &mut Browser, email: &str) -> crate::Started {
        let invited = self.access.invite(&self.operator(), invitation(email, Some("acme"), "owner")).await.unwrap();
        let (now, rng) = (self.operator().now, self.access.rng.as_ref());
        let person = self.access.invitee(&invited.invitation).await.unwrap();
        let (ceremony, options) = passkeys.register(&here(), &person, &[], now, rng).unwrap();
        let answer = browser.create(options).await;
        let factor = passkeys.registered(&ceremony, answer, "laptop", now, rng).unwrap();
        self.access.join(&invited.token, factor, &seen()).await.unwrap()
    }

    async fn signs_in(&self, passkeys: &Passkeys, browser: &Browser) -> Result<crate::Started, AccessError> {
        let (ceremony, options) = passkeys.prove(&here(), self.operator().now, self.access.rng.as_ref()).unwrap();
        let answer = browser.get(options).await;
        self.access.sign_in(passkeys, &ceremony, answer, &seen()).await
    }
}

#[tokio::test]
async fn from_an_invitation_to_a_session_and_back_in_with_the_passkey_alone() {
    let (world, passkeys, mut browser) = (World::new(), Passkeys::new(BASE).unwrap(), Browser::new());
    let first = world.registers(&passkeys, &mut browser, "ana@acme.example").await;
    let person = world.known(&first.token).await.unwrap().person;
    assert_eq!(person.email, "ana@acme.example");
    let again = world.signs_in(&passkeys, &browser).await.unwrap();
    let known = world.known(&again.token).await.unwrap();
    assert_eq!((known.person.id, known.caller.second_factor()), (person.id.clone(), Some(known.caller.now)));
    let factors = world.store.factors(&person.id).await.unwrap();
    assert_eq!((factors.len(), factors[0].label.as_str(), factors[0].used.is_some()), (1, "laptop", true));
}

#[tokio::test]
async fn a_proof_is_good_once_in_time_and_for_its_own_ceremony() {
    let (world, passkeys, mut browser) = (World::new(), Passkeys::new(BASE).unwrap(), Browser::new());
    world.registers(&passkeys, &mut browser, "ana@acme.example").await;
    let begin = || passkeys.prove(&here(), world.operator().now, world.access.rng.as_ref()).unwrap();
    let (ceremony, options) = begin();
    let answer = browser.get(options).await;
    let (other, _) = begin();
    let crossed = world.access.sign_in(&passkeys, &other, answer.clone(), &seen()).await;
    assert!(matches!(crossed, Err(AccessError::NotProved)), "another challenge");
    assert_eq!(world.kinds().await.last(), Some(&Kind::SessionRefused));
    assert!(world.access.sign_in(&passkeys, &ceremony, answer.clone(), &seen()).await.is_ok());
    let replayed = world.access.sign_in(&passkeys, &ceremony, answer, &seen()).await;
    assert!(matches!(replayed, Err(AccessError::Unknown("ceremony"))));
    let (ceremony, options) = begin();
    let answer = browser.get(options).await;
    world.pass(5);
    assert!(world.access.sign_in(&passkeys, &ceremony, answer, &seen()).await.is_err(), "five minutes later");
}

#[tokio::test]
async fn another_site_an_unverified_user_and_a_key_that_was_taken_away_get_nowhere() {
    let (world, passkeys, mut browser) = (World::new(), Passkeys::new(BASE).unwrap(), Browser::new());
    let started = world.registers(&passkeys, &mut browser, "ana@acme.example").await;
    browser.origin = "https://other.example.com";
    let (ceremony, mut options) = passkeys.prove(&here(), world.operator().now, world.access.rng.as_ref()).unwrap();
    // What a look-alike page would ask the browser for, in its own name.
    options["publicKey"]["rpId"] = "other.example.com".into();
    if let Some(passkey) = &mut browser.passkey {
        passkey.rp_id = "other.example.com".into();
    }
    let answer = browser.get(options).await;
    assert!(world.access.sign_in(&passkeys, &ceremony, answer, &seen()).await.is_err());
    browser.origin = BASE;
    if let Some(passkey) = &mut browser.passkey {
        passkey.rp_id = "host.example.com".into();
    }
    browser.verified = false;
    let (ceremony, mut options) = passkeys.prove(&here(), world.operator().now, world.access.rng.as_ref()).unwrap();
    options["publicKey"]["userVerification"] = "discouraged".into();
    let answer = browser.get(options).await;
    let unverified = world.access.sign_in(&passkeys, &ceremony, answer, &seen()).await;
    assert!(matches!(unverified, Err(AccessError::NotProved)), "a key in somebody else's hand");
    browser.verified = true;
    // The last one stays. With a second one the first can go, and is good for nothing then.
    let known = world.known(&started.token).await.unwrap();
    let first = world.store.factors(&known.person.id).await.unwrap().remove(0);
    assert!(world.access.remove_factor(&known, &first.id).await.is_err());
    let (now, rng) = (world.operator().now, world.access.rng.as_ref());
    let mut phone = Browser::new();
    let (ceremony, options) = passkeys.register(&here(), &known.person, &[], now, rng).unwrap();
    let answer = phone.create(options).await;
    let second = passkeys.registered(&ceremony, answer, "phone", now, rng).unwrap();
    world.access.add_passkey(&known, second).await.unwrap();
    let known = world.known(&started.token).await.unwrap();
    world.access.remove_factor(&known, &first.id).await.unwrap();
    assert!(matches!(world.signs_in(&passkeys, &browser).await, Err(AccessError::NotProved)));
    assert!(world.signs_in(&passkeys, &phone).await.is_ok());
}

#[tokio::test]
async fn codes_step_up_and_recovery_lets_in_to_a_new_key_only() {
    let (world, passkeys, mut browser) = (World::new(), Passkeys::new(BASE).unwrap(), Browser::new());
    let started = world.registers(&passkeys, &mut browser, "ana@acme.example").await;
    let known = world.known(&started.token).await.unwrap();
    let secret = world.access.add_totp(&known, "phone").await.unwrap();
    assert_eq!(secret.len(), 32);
    let codes = world.access.add_recovery(&known).await.unwrap();
    assert!(world.access.step_up_by_code(&known, "000000").await.is_err());
    let totp = totp_rs::Builder::new()
        .with_secret(totp_rs::Secret::try_from_base32(secret.as_str()).unwrap())
        .build()
        .unwrap();
    let code = |world: &World| totp.generate(u64::try_from(world.operator().now.0 / 1_000).unwrap()).to_string();
    let stepped = world.access.step_up_by_code(&known, &code(&world)).await.unwrap();
    world.pass(30);
    let known = world.known(&stepped.token).await.unwrap();
    assert!(world.access.add_recovery(&known).await.is_err(), "half an hour later the second factor is asked for anew");
    let stepped = world.access.step_up_by_code(&known, &code(&world)).await.unwrap();
    let known = world.known(&stepped.token).await.unwrap();
    assert_eq!(known.caller.second_factor(), Some(known.caller.now));
    assert!(world.access.step_up_by_code(&known, &code(&world)).await.is_err(), "a code is good once");

    let lost = world.access.sign_in_by_recovery("ANA@acme.example", &codes[0], &seen()).await.unwrap();
    let known = world.known(&lost.token).await.unwrap();
    assert_eq!(known.caller.second_factor(), None);
    assert_eq!(known.session.factors[0].kind, FactorKind::Recovery);
    let again = world.access.sign_in_by_recovery("ana@acme.example", &codes[0], &seen()).await;
    assert!(matches!(again, Err(AccessError::NotProved)));
    let nobody = world.access.sign_in_by_recovery("eve@acme.example", &codes[1], &seen()).await;
    assert!(matches!(nobody, Err(AccessError::NotProved)), "as for a wrong code");
    // A code is good for a new key, and for no other way in.
    assert!(matches!(world.access.add_totp(&known, "thief's").await, Err(AccessError::Refused(_))));
    assert!(matches!(world.access.add_recovery(&known).await, Err(AccessError::Refused(_))));
    let old = world.store.factors(&known.person.id).await.unwrap();
    for factor in &old {
        let removed = world.access.remove_factor(&known, &factor.id).await;
        assert!(matches!(removed, Err(AccessError::Refused(_))), "{:?}", factor.kind);
    }
    assert_eq!(world.store.factors(&known.person.id).await.unwrap(), old);
    let (now, rng) = (world.operator().now, world.access.rng.as_ref());
    let mut new = Browser::new();
    let (ceremony, options) = passkeys.register(&here(), &known.person, &[], now, rng).unwrap();
    let answer = new.create(options).await;
    let factor = passkeys.registered(&ceremony, answer, "new", now, rng).unwrap();
    assert!(world.access.add_passkey(&known, factor).await.unwrap());
    assert!(world.known(&lost.token).await.is_none(), "the session of the code is over");
    assert_eq!(world.kinds().await.last(), Some(&Kind::SessionEnded));
    assert!(world.signs_in(&passkeys, &new).await.is_ok());
}

#[tokio::test]
async fn whoever_begins_many_ceremonies_loses_their_own_and_nobody_elses() {
    let (world, passkeys, mut browser) = (World::new(), Passkeys::new(BASE).unwrap(), Browser::new());
    let started = world.registers(&passkeys, &mut browser, "ana@acme.example").await;
    let ana = Beginner::Person(world.known(&started.token).await.unwrap().person.id);
    let rng = world.access.rng.as_ref();
    let begin = |by: &Beginner| {
        world.clock.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        passkeys.prove(by, world.operator().now, rng)
    };
    let flood = |n: usize| Beginner::Client(format!("2001:db8::{n:x}").parse().unwrap());
    let (strangers, near) = (begin(&here()).unwrap(), begin(&ana).unwrap());
    let first = begin(&flood(1)).unwrap();
    let kept = begin(&flood(2)).unwrap();
    (0..31).for_each(|n| drop(begin(&flood(n)).unwrap()));
    let dropped = world.access.sign_in(&passkeys, &first.0, browser.get(first.1).await, &seen()).await;
    assert!(matches!(dropped, Err(AccessError::Unknown("ceremony"))), "the oldest of one /64");
    for (ceremony, options) in [kept, strangers, near] {
        let answer = browser.get(options).await;
        assert!(world.access.sign_in(&passkeys, &ceremony, answer, &seen()).await.is_ok());
    }
    let theirs: Vec<_> = (0..9).map(|_| begin(&ana).unwrap()).collect();
    let mut outcomes = Vec::new();
    for (ceremony, options) in theirs {
        let answer = browser.get(options).await;
        outcomes.push(world.access.sign_in(&passkeys, &ceremony, answer, &seen()).await.is_ok());
    }
    assert_eq!(outcomes.iter().position(|ok| *ok), Some(1), "eight of one person: {outcomes:?}");
}

#[tokio::test]
async fn a_refused_code_is_noted_once_a_minute_and_for_people_alone() {
    let world = World::new();
    world.joined("ana@acme.example", Some("acme"), "owner").await;
    let noted = async || world.kinds().await.into_iter().filter(|kind| *kind == Kind::SessionRefused).count();
    for _ in 0..5 {
        world.access.recovery_refused("ana@acme.example", &seen()).await.unwrap();
        world.access.recovery_refused("eve@acme.example", &seen()).await.unwrap();
    }
    assert_eq!(noted().await, 1);
    world.pass(1);
    world.access.recovery_refused("ana@acme.example", &seen()).await.unwrap();
    assert_eq!(noted().await, 2);
}

#[test]
fn passkeys_need_a_name_and_https() {
    for wrong in ["http://host.example.com", "https://192.0.2.1", "host.example.com"] {
        assert!(Passkeys::new(wrong).is_err(), "{wrong}");
    }
    assert!(Passkeys::new("http://localhost:8300").is_ok());
}
