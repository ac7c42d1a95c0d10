use std::collections::BTreeSet;

use portcullis_model::{
    audit::{Actor, Kind},
    oauth::Put,
    people::{Device, FactorKind, PersonState, SignIn},
    secret::{SecretChange, SecretStore as _, Slot},
};

use super::*;
use crate::{
    secrets::tests::first_of,
    testing::{entry, store},
};

fn person(id: &str, email: &str) -> Person {
    Person {
        id: id.parse().unwrap(),
        email: email.into(),
        name: "Ana".into(),
        state: PersonState::Active,
        subject: None,
        created: Timestamp(1),
        devices: BTreeSet::new(),
        version: 1,
    }
}

fn owner(id: &str) -> Membership {
    Membership {
        person: id.parse().unwrap(),
        tenant: Some("acme".parse().unwrap()),
        role: "owner".parse().unwrap(),
        by: Actor::Host,
        since: Timestamp(1),
        until: None,
        break_glass: false,
        ended: None,
        version: 1,
    }
}

fn new<T>(row: T) -> Option<Put<T>> {
    Some(Put { row, expected: None })
}

fn joins(id: &str, email: &str) -> PeopleChange {
    PeopleChange {
        person: new(person(id, email)),
        membership: new(owner(id)),
        entries: vec![entry(Kind::PersonJoined)],
        ..Default::default()
    }
}

fn session(token: &[u8]) -> Session {
    Session {
        id: "ses_1".parse().unwrap(),
        person: "per_1".parse().unwrap(),
        token: Digest::of(token),
        sign_in: SignIn::Native,
        device: Device { label: "Firefox".into(), id: Digest::of(b"device"), new: true, acknowledged: None },
        address: "192.0.2.1".parse().unwrap(),
        created: Timestamp(1),
        used: Timestamp(1),
        idle_minutes: 60,
        absolute_minutes: 600,
        factors: Vec::new(),
        ended: None,
        upstream: None,
        version: 1,
    }
}

async fn kinds(store: &SqliteStore) -> Vec<Kind> {
    store.entries(0, 50).await.unwrap().into_iter().map(|entry| entry.read().unwrap().kind).collect()
}

#[tokio::test]
async fn an_address_leads_to_one_person_and_what_is_lost_writes_nothing() {
    let (_dir, store) = store();
    assert!(store.change_people(joins("per_1", "ana@acme.example")).await.unwrap());
    assert!(!store.change_people(joins("per_2", "ana@acme.example")).await.unwrap(), "the address is taken");
    assert_eq!(store.person(&"per_2".parse().unwrap()).await.unwrap(), None);
    assert_eq!(store.memberships(&"per_2".parse().unwrap()).await.unwrap(), []);
    assert_eq!(kinds(&store).await, [Kind::PersonJoined]);
    let gone = Person { state: PersonState::Removed, version: 2, ..person("per_1", "ana@acme.example") };
    let stale = PeopleChange { person: Some(Put { row: gone.clone(), expected: Some(7) }), ..Default::default() };
    assert!(!store.change_people(stale).await.unwrap());
    let change = PeopleChange { person: Some(Put { row: gone, expected: Some(1) }), ..Default::default() };
    assert!(store.change_people(change).await.unwrap());
    assert_eq!(store.person_by_email("ana@acme.example").await.unwrap(), None);
    assert!(store.change_people(joins("per_3", "ana@acme.example")).await.unwrap(), "free again");
}

#[tokio::test]
async fn the_last_owner_stays() {
    let (_dir, store) = store();
    assert!(store.change_people(joins("per_1", "ana@acme.example")).await.unwrap());
    let acme = || Some("acme".parse().unwrap());
    let leave = || PeopleChange {
        membership: Some(Put {
            row: Membership { ended: Some(Timestamp(2)), version: 2, ..owner("per_1") },
            expected: Some(1),
        }),
        needs_other_owner: Some((acme(), "per_1".parse().unwrap())),
        ..Default::default()
    };
    assert!(!store.change_people(leave()).await.unwrap());
    // One whose role ends by itself is not enough.
    let mut second = joins("per_2", "bo@acme.example");
    second.membership.as_mut().unwrap().row.until = Some(Timestamp(9));
    assert!(store.change_people(second).await.unwrap());
    assert!(!store.change_people(leave()).await.unwrap());
    assert!(store.change_people(joins("per_3", "cy@acme.example")).await.unwrap());
    assert!(store.change_people(leave()).await.unwrap());
    let people = store.people_of(acme().as_ref(), None, 10).await.unwrap();
    assert_eq!(
        people.iter().map(|(p, m)| (p.id.as_str(), m.ended.is_some())).collect::<Vec<_>>(),
        [("per_1", true), ("per_2", false), ("per_3", false)]
    );
    assert_eq!(store.people_of(None, None, 10).await.unwrap(), [], "the platform is another place");
}

#[tokio::test]
async fn a_session_is_found_by_its_newest_token_alone_and_its_use_is_noted() {
    let (_dir, store) = store();
    store.change_people(joins("per_1", "ana@acme.example")).await.unwrap();
    let put = |row, expected| PeopleChange { sessions: vec![Put { row, expected }], ..Default::default() };
    assert!(store.change_people(put(session(b"one"), None)).await.unwrap());
    let address = "192.0.2.9".parse().unwrap();
    store.touch_session(&"ses_1".parse().unwrap(), Timestamp(70), address).await.unwrap();
    let found = store.session_by_token(&Digest::of(b"one")).await.unwrap().unwrap();
    assert_eq!((found.used, found.address), (Timestamp(70), address));
    let rotated = Session { token: Digest::of(b"two"), version: 2, ..found };
    assert!(store.change_people(put(rotated.clone(), Some(1))).await.unwrap());
    assert_eq!(store.session_by_token(&Digest::of(b"one")).await.unwrap(), None);
    assert_eq!(store.session_by_token(&Digest::of(b"two")).await.unwrap(), Some(rotated.clone()));
    assert_eq!(store.sessions(&"per_1".parse().unwrap(), 10).await.unwrap(), [rotated]);
}

#[tokio::test]
async fn a_handle_leads_to_one_factor() {
    let (_dir, store) = store();
    store.change_people(joins("per_1", "ana@acme.example")).await.unwrap();
    let factor = |id: &str| Factor {
        id: id.parse().unwrap(),
        person: "per_1".parse().unwrap(),
        kind: FactorKind::Passkey,
        label: "laptop".into(),
        handle: Some("abc".into()),
        body: serde_json::Value::Null,
        created: Timestamp(1),
        used: None,
        ended: None,
        version: 1,
    };
    let put = |row, expected| PeopleChange { factors: vec![Put { row, expected }], ..Default::default() };
    assert!(store.change_people(put(factor("fac_1"), None)).await.unwrap());
    assert!(!store.change_people(put(factor("fac_2"), None)).await.unwrap());
    let gone = Factor { ended: Some(Timestamp(2)), version: 2, ..factor("fac_1") };
    assert!(store.change_people(put(gone, Some(1))).await.unwrap());
    assert_eq!(store.factor_by_handle("abc").await.unwrap(), None);
    assert_eq!(store.factors(&"per_1".parse().unwrap()).await.unwrap(), []);
}

#[tokio::test]
async fn settings_and_the_secret_that_goes_with_them_are_one_write() {
    let (_dir, store) = store();
    let tenant: TenantId = "acme".parse().unwrap();
    let slot = Slot { tenant: tenant.clone(), installation: None, name: "sign-in/provider/x".into() };
    let secret = first_of(&store, &slot, 7).await;
    let change = |version, secrets| PeopleChange {
        settings: Some((
            Some(tenant.clone()),
            Put { row: AccessSettings { version, ..Default::default() }, expected: (version > 1).then(|| version - 1) },
        )),
        secrets,
        ..Default::default()
    };
    let put = || vec![SecretChange::Put(Box::new(secret.clone()))];
    // Settings that somebody else has changed leave the secret as it was.
    assert!(!store.change_people(change(5, put())).await.unwrap());
    assert_eq!(store.slot(&slot).await.unwrap(), None);
    assert!(store.change_people(change(1, put())).await.unwrap());
    assert!(store.slot(&slot).await.unwrap().is_some());
    // And a secret that is another one by now leaves the settings.
    assert!(!store.change_people(change(2, put())).await.unwrap());
    assert_eq!(store.access_settings(Some(&tenant)).await.unwrap().version, 1);
    assert!(store.change_people(change(2, vec![SecretChange::Forget(slot.clone())])).await.unwrap());
    assert_eq!(store.slot(&slot).await.unwrap(), None);
}
