//! Automation as it is made and as it asks; and what is over by itself.

use std::{net::IpAddr, time::Duration};

use portcullis_model::{
    audit::Kind,
    id::{ClientId, Digest},
    oauth::{Jwk, Put},
    people::{
        ACTIONS, Automation, AutomationChange, AutomationStore as _, AutomationToken, Decide as _, FactorKind,
        Invitation, Needs, PeopleChange, PeopleStore as _, Resource, Why,
        actions::{AUDIT_LIST, INSTALLATIONS_LIST, INSTALLATIONS_SUSPEND, PEOPLE_INVITE},
    },
    time::{Clock as _, Timestamp},
};

use crate::{
    AccessError, NewAutomation, Swept,
    testing::{World, invitation},
};

const NEAR: &str = "192.0.2.7";

fn key(name: &str) -> (Jwk, String) {
    (Jwk::Okp { crv: "Ed25519".into(), x: name.into() }, format!("print of {name}"))
}

fn near() -> IpAddr {
    NEAR.parse().unwrap()
}

fn of(tenant: &str) -> Resource {
    Resource::of(tenant.parse().unwrap(), "installation")
}

impl World {
    fn new_automation(&self, role: &str) -> NewAutomation {
        NewAutomation {
            tenant: "acme".parse().unwrap(),
            name: "nightly".into(),
            role: role.parse().unwrap(),
            privileged: false,
            networks: vec!["192.0.2.0/24".parse().unwrap()],
            key: key("one"),
            until: Timestamp(self.clock.now().0 + 30 * 86_400_000),
        }
    }

    async fn automation(&self, change: impl FnOnce(&mut NewAutomation)) -> Automation {
        let mut new = self.new_automation("admin");
        change(&mut new);
        self.access.add_automation(&self.operator(), new).await.unwrap()
    }

    /// A token as the token endpoint gives it.
    async fn token(&self, client: &ClientId, key: &str) -> Digest {
        let digest = Digest::of(format!("{client} {key} {}", self.clock.now().0).as_bytes());
        let expires = Timestamp(self.clock.now().0 + 600_000);
        let token = AutomationToken { digest, client: client.clone(), key: format!("print of {key}"), expires };
        let change = AutomationChange { token: Some(token), ..Default::default() };
        assert!(self.store.change_automation(change).await.unwrap());
        digest
    }

    async fn asks(&self, token: &Digest, from: IpAddr) -> Option<portcullis_model::people::Caller> {
        self.access.automation_caller(token, from).await.unwrap()
    }
}

#[tokio::test]
async fn it_acts_in_its_role_in_its_tenant_and_is_named_in_the_log_as_itself() {
    let world = World::new();
    let one = world.automation(|_| ()).await;
    let caller = world.asks(&world.token(&one.id, "one").await, near()).await.unwrap();
    assert_eq!(caller.actor, portcullis_model::audit::Actor::Automation { client: one.id.clone() });
    let decide = async |action, place: &str| world.access.decide(&caller, action, &of(place)).await.unwrap();
    assert_eq!(decide(&INSTALLATIONS_LIST, "acme").await, Ok(()));
    assert_eq!(decide(&INSTALLATIONS_LIST, "other").await.unwrap_err().rule, Why::NoRole);
    let invites = decide(&PEOPLE_INVITE, "acme").await.unwrap_err();
    assert!(matches!(invites.rule, Why::Scope | Why::NoRole), "not an admin's either");
    let suspends = decide(&INSTALLATIONS_SUSPEND, "acme").await.unwrap_err();
    assert_eq!(suspends.rule, Why::Scope);
    assert!(matches!(&suspends.needs, Needs::Scope { scope } if scope == "installations.suspend"));
    assert!(suspends.to_string().contains("which automation cannot"), "{suspends}");
    assert!(world.kinds().await.contains(&Kind::AutomationAdded));
    // It makes no way in for anybody: none of what people do in sessions is asked by it.
    assert!(caller.session.is_none() && caller.second_factor().is_none());
}

#[tokio::test]
async fn privileged_acts_are_for_one_that_was_made_for_them_and_then_only_its_roles() {
    let world = World::new();
    let one = world.automation(|new| new.privileged = true).await;
    let caller = world.asks(&world.token(&one.id, "one").await, near()).await.unwrap();
    assert_eq!(world.access.decide(&caller, &INSTALLATIONS_SUSPEND, &of("acme")).await.unwrap(), Ok(()));
    assert_eq!(world.access.decide(&caller, &PEOPLE_INVITE, &of("acme")).await.unwrap().unwrap_err().rule, Why::NoRole);
    let auditor = world.automation(|new| (new.name, new.role) = ("eyes".into(), "auditor".parse().unwrap())).await;
    let caller = world.asks(&world.token(&auditor.id, "one").await, near()).await.unwrap();
    assert_eq!(world.access.decide(&caller, &AUDIT_LIST, &of("acme")).await.unwrap(), Ok(()));
    for action in ACTIONS.iter().filter(|action| !action.read_only) {
        assert!(world.access.decide(&caller, action, &of("acme")).await.unwrap().is_err(), "{action:?}");
    }
}

#[tokio::test]
async fn a_token_ends_with_its_time_its_key_its_automation_and_counts_only_from_its_networks() {
    let world = World::new();
    let one = world.automation(|_| ()).await;
    let acme = "acme".parse().unwrap();
    let token = world.token(&one.id, "one").await;
    assert!(world.asks(&token, near()).await.is_some());
    assert!(world.asks(&token, "::ffff:192.0.2.9".parse().unwrap()).await.is_some());
    assert!(world.asks(&token, "203.0.113.7".parse().unwrap()).await.is_none());
    assert!(world.asks(&Digest::of(b"made up"), near()).await.is_none());
    world.pass(10);
    assert!(world.asks(&token, near()).await.is_none(), "ten minutes");

    let token = world.token(&one.id, "one").await;
    let operator = world.operator();
    let hour = Duration::from_secs(3_600);
    assert!(
        world.access.rotate_automation(&operator, &acme, "nightly", key("one"), hour).await.is_err(),
        "the same key"
    );
    world.access.rotate_automation(&operator, &acme, "nightly", key("two"), hour).await.unwrap();
    assert!(world.asks(&token, near()).await.is_some(), "both for an hour");
    let rotated = world.access.rotate_automation(&operator, &acme, one.id.as_str(), key("three"), Duration::ZERO).await;
    assert_eq!(rotated.unwrap().keys.len(), 1);
    assert!(world.asks(&token, near()).await.is_none());
    let token = world.token(&one.id, "three").await;
    assert!(world.asks(&token, near()).await.is_some());
    world.access.remove_automation(&operator, &acme, "nightly").await.unwrap();
    assert!(world.asks(&token, near()).await.is_none());
    assert!(world.access.automations(&operator, &acme).await.unwrap().is_empty());
    assert!(world.access.remove_automation(&operator, &acme, "nightly").await.is_err());

    let short = world.automation(|new| new.until = Timestamp(world.clock.now().0 + 60_000)).await;
    let token = world.token(&short.id, "one").await;
    world.pass(1);
    assert!(world.asks(&token, near()).await.is_none(), "it is over");
}

#[tokio::test]
async fn nobody_makes_one_that_may_do_more_than_they_or_in_another_tenant() {
    let world = World::new();
    let (_, ana) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let (_, bo) = world.joined("bo@acme.example", Some("acme"), "admin").await;
    let owner = world.known(&ana).await.unwrap().caller;
    let admin = world.known(&bo).await.unwrap().caller;
    assert!(world.access.add_automation(&owner, world.new_automation("admin")).await.is_ok());
    let other = NewAutomation { name: "b".into(), ..world.new_automation("auditor") };
    assert!(world.access.add_automation(&admin, other.clone()).await.is_err(), "not who may do what");
    let elsewhere = NewAutomation { tenant: "other".parse().unwrap(), ..other.clone() };
    assert!(world.access.add_automation(&owner, elsewhere).await.is_err());
    world.pass(11);
    let late = world.known(&ana).await.unwrap().caller;
    let late = world.access.add_automation(&late, other).await;
    assert!(matches!(late, Err(AccessError::Refused(refusal)) if refusal.rule == Why::StepUp));
}

#[tokio::test]
async fn what_makes_no_sense_is_refused() {
    let world = World::new();
    world.automation(|_| ()).await;
    let now = world.clock.now().0;
    for (what, change) in [
        ("the name is taken", Box::new(|_: &mut NewAutomation| ()) as Box<dyn FnOnce(&mut NewAutomation)>),
        ("no name", Box::new(|new| new.name = " ".into())),
        ("a long name", Box::new(|new| new.name = "x".repeat(61))),
        ("over already", Box::new(move |new| new.until = Timestamp(now))),
        ("more than a year", Box::new(move |new| new.until = Timestamp(now + 367 * 86_400_000))),
        ("no such role", Box::new(|new| new.role = "king".parse().unwrap())),
        ("a role of the platform", Box::new(|new| new.role = "support".parse().unwrap())),
    ] {
        let mut new = world.new_automation("auditor");
        if what != "the name is taken" {
            new.name = "another".into();
        }
        change(&mut new);
        assert!(world.access.add_automation(&world.operator(), new).await.is_err(), "{what}");
    }
}

#[tokio::test]
async fn what_is_over_by_itself_is_ended_on_record_and_forgotten_a_while_after() {
    let world = World::new();
    let (ana, _) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let link =
        world.access.invite(&world.operator(), invitation("bo@acme.example", Some("acme"), "admin")).await.unwrap();
    world.pass(59);
    assert_eq!(world.access.sweep().await.unwrap(), Swept::default());
    world.pass(1);
    assert_eq!(world.access.sweep().await.unwrap(), Swept { sessions: 1, invitations: 1, forgotten: 0 });
    let session = world.access.sessions(&ana).await.unwrap().remove(0);
    assert_eq!(session.ended.unwrap().why, "past its limits");
    assert!(world.store.invitation(&link.invitation.id).await.unwrap().unwrap().ended.is_some());
    assert_eq!(world.kinds().await.iter().filter(|kind| **kind == Kind::SessionEnded).count(), 1);
    assert_eq!(world.access.sweep().await.unwrap(), Swept::default(), "once");
    world.pass(90 * 24 * 60 + 1);
    // The link that she joined by, and the one that nobody used.
    assert_eq!(world.access.sweep().await.unwrap(), Swept { sessions: 0, invitations: 0, forgotten: 3 });
    assert!(world.access.sessions(&ana).await.unwrap().is_empty());
    assert!(world.store.person(&ana).await.unwrap().is_some());
    assert_eq!(world.kinds().await.last(), Some(&Kind::PeopleSwept));
}

#[tokio::test]
async fn a_way_in_for_a_person_is_given_by_a_person() {
    let world = World::new();
    // With all that there is to be had: it is what it is that counts.
    let one = world.automation(|new| (new.role, new.privileged) = ("owner".parse().unwrap(), true)).await;
    let token = world.token(&one.id, "one").await;
    let program = world.asks(&token, near()).await.unwrap();
    let mighty = program.clone();
    let (ana, _) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let invited = world.access.invite(&mighty, invitation("bo@acme.example", Some("acme"), "auditor")).await;
    assert!(matches!(&invited, Err(AccessError::Invalid(help)) if help.contains("by a person")), "{:?}", invited.err());
    let acme = "acme".parse().unwrap();
    let recovered = world.access.recover(&mighty, Some(&acme), &ana).await;
    assert!(matches!(&recovered, Err(AccessError::Invalid(help)) if help.contains("by a person")));
    // One that was made before that was refused leads nowhere.
    let by_person =
        world.access.invite(&world.operator(), invitation("bo@acme.example", Some("acme"), "auditor")).await;
    let link = by_person.unwrap();
    let before = Invitation { by: program.actor, version: link.invitation.version + 1, ..link.invitation.clone() };
    let put = Put { row: before, expected: Some(link.invitation.version) };
    let change = PeopleChange { invitation: Some(put), ..Default::default() };
    assert!(world.store.change_people(change).await.unwrap());
    let (body, rng) = (serde_json::Value::Null, world.access.rng.as_ref());
    let person = world.access.invitee(&link.invitation).await.unwrap();
    let now = world.clock.now();
    let key = crate::factors::new(FactorKind::Passkey, &person.id, "", Some("bo".into()), body, now, rng);
    let used = world.access.join(&link.token, key, &crate::testing::seen()).await;
    assert!(matches!(used, Err(AccessError::Unknown("link"))));
}

#[tokio::test]
async fn a_program_registers_no_other_and_takes_over_none() {
    let world = World::new();
    let change = |new: &mut NewAutomation| (new.role, new.privileged) = ("owner".parse().unwrap(), true);
    let one = world.automation(change).await;
    let other = world.automation(|new| (new.name, new.key) = ("other".into(), key("of the other"))).await;
    let (acme, token) = (one.tenant.clone(), world.token(&one.id, "one").await);
    let program = world.asks(&token, near()).await.unwrap();
    let new = NewAutomation { name: "successor".into(), key: key("four"), ..world.new_automation("admin") };
    let problem = world.access.add_automation(&program, new).await.unwrap_err().to_string();
    assert!(problem.contains("registered by a person"), "{problem}");
    let taken = world.access.rotate_automation(&program, &acme, other.id.as_str(), key("five"), Duration::ZERO).await;
    let problem = taken.unwrap_err().to_string();
    assert!(problem.contains("to itself and to no other"), "{problem}");
    world.access.rotate_automation(&program, &acme, one.id.as_str(), key("six"), Duration::ZERO).await.unwrap();
}
