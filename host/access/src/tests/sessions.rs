use portcullis_model::{
    audit::Kind,
    people::{FactorKind, PeopleChange, PeopleStore as _, Proof},
    time::Clock as _,
};

use crate::{
    Which,
    testing::{World, seen},
};

#[tokio::test]
async fn a_session_ends_by_idleness_by_age_and_by_hand_and_each_is_on_record() {
    let world = World::new();
    let (person, token) = world.joined("ana@acme.example", Some("acme"), "admin").await;
    world.pass(59);
    assert!(world.known(&token).await.is_some());
    world.pass(59);
    assert!(world.known(&token).await.is_some(), "its use was noted");
    world.pass(60);
    assert!(world.known(&token).await.is_none(), "an hour unused");
    let ended = world.access.sessions(&person).await.unwrap()[0].ended.clone().unwrap();
    assert_eq!(ended.why, "past its limits");
    assert!(world.known(&token).await.is_none(), "and for good");

    let (bo, token) = world.joined("bo@acme.example", Some("acme"), "admin").await;
    for _ in 0..23 {
        world.pass(30);
        assert!(world.known(&token).await.is_some());
    }
    world.pass(30);
    assert!(world.known(&token).await.is_none(), "twelve hours old, used or not");

    let (cy, token) = world.joined("cy@acme.example", Some("acme"), "admin").await;
    let known = world.known(&token).await.unwrap();
    let one = known.session.id.clone();
    assert_eq!(world.access.end_sessions_of(&known.caller, None, &cy, Some(&one)).await.unwrap(), 1);
    assert!(world.known(&token).await.is_none());
    assert!(
        world.access.end_sessions_of(&known.caller, None, &bo, None).await.is_err(),
        "not somebody else's elsewhere"
    );
    let ended = world.kinds().await.into_iter().filter(|kind| *kind == Kind::SessionEnded).count();
    assert_eq!(ended, 3);
}

#[tokio::test]
async fn the_healthcare_profile_ends_a_session_after_a_quarter_of_an_hour() {
    let world = World::new();
    let (_, token) = world.joined("ana@clinic.example", Some("clinic"), "admin").await;
    world.pass(14);
    assert!(world.known(&token).await.is_some());
    world.pass(15);
    assert!(world.known(&token).await.is_none());
}

#[tokio::test]
async fn a_step_up_changes_the_token_and_the_old_one_is_nobodys() {
    let world = World::new();
    let (_, token) = world.joined("ana@acme.example", Some("acme"), "admin").await;
    world.pass(20);
    let known = world.known(&token).await.unwrap();
    let change = PeopleChange::default();
    let started = world.access.step_up(&known.person, &known.session, FactorKind::Totp, change).await.unwrap();
    assert!(world.known(&token).await.is_none());
    let after = world.known(&started.token).await.unwrap();
    assert_eq!(after.caller.second_factor(), Some(after.caller.now));
    assert_ne!(after.csrf, known.csrf);
    assert_eq!(after.session.created, known.session.created, "it does not live longer by that");
    let again = world.access.step_up(&known.person, &known.session, FactorKind::Totp, PeopleChange::default()).await;
    assert!(again.is_err(), "nor twice from the same state");
}

#[tokio::test]
async fn a_device_is_new_once() {
    let world = World::new();
    let (person, _) = world.joined("ana@acme.example", Some("acme"), "admin").await;
    let begin = |device: Option<String>| {
        let world = &world;
        let person = person.clone();
        async move {
            let person = portcullis_model::people::PeopleStore::person(&world.store, &person).await.unwrap().unwrap();
            let seen = crate::Seen { device, ..seen() };
            let begin = crate::Begin {
                person: &person,
                sign_in: portcullis_model::people::SignIn::Native,
                proved: &[Proof { kind: FactorKind::Passkey, at: world.clock.now() }],
                seen: &seen,
                upstream: None,
                with: PeopleChange::default(),
            };
            world.access.begin(begin).await.unwrap()
        }
    };
    let first = begin(None).await;
    assert!(first.session.device.new);
    let second = begin(Some(first.device.to_string())).await;
    assert!(!second.session.device.new);
    assert_eq!(*second.device, *first.device);
    let third = begin(Some("made-up".into())).await;
    assert!(third.session.device.new, "nobody names a device into being");
    assert_ne!(*third.device, "made-up");
    assert_eq!(
        world
            .access
            .end_sessions(&world.operator().actor, &person, Which::AllBut(Some(&third.session.id)), "x")
            .await
            .unwrap(),
        3
    );
    assert!(world.known(&third.token).await.is_some());
    let entries = world.store.entries(0, 100).await.unwrap();
    let started: Vec<_> = entries
        .into_iter()
        .map(|entry| entry.read().unwrap())
        .filter(|entry| entry.kind == Kind::SessionStarted)
        .map(|entry| entry.detail["new-device"].as_bool().unwrap())
        .collect();
    assert_eq!(started, [true, true, false, true]);
}

#[tokio::test]
async fn what_is_stored_opens_nothing() {
    let world = World::new();
    let (person, token) = world.joined("ana@acme.example", Some("acme"), "admin").await;
    let session = world.access.sessions(&person).await.unwrap().remove(0);
    assert!(!serde_json::to_string(&session).unwrap().contains(&token));
    assert!(world.known(&session.token.hex()).await.is_none());
    assert!(world.known("").await.is_none());
    assert!(world.known(&"x".repeat(100_000)).await.is_none());
}

impl World {
    async fn begins(&self, person: &portcullis_model::id::PersonId) -> crate::Started {
        let person = portcullis_model::people::PeopleStore::person(&self.store, person).await.unwrap().unwrap();
        self.clock.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let begin = crate::Begin {
            person: &person,
            sign_in: portcullis_model::people::SignIn::Native,
            proved: &[Proof { kind: FactorKind::Passkey, at: self.clock.now() }],
            seen: &seen(),
            upstream: None,
            with: PeopleChange::default(),
        };
        self.access.begin(begin).await.unwrap()
    }
}

#[tokio::test]
async fn who_ends_all_ends_the_oldest_too_however_many_came_after_it() {
    let world = World::new();
    let (ana, oldest) = world.joined("ana@acme.example", Some("acme"), "admin").await;
    let operator = world.operator().actor;
    for _ in 0..201 {
        let one = world.begins(&ana).await.session.id;
        world.access.end_sessions(&operator, &ana, Which::One(&one), "x").await.unwrap();
    }
    assert!(world.known(&oldest).await.is_some());
    assert_eq!(world.access.end_sessions(&operator, &ana, Which::AllBut(None), "x").await.unwrap(), 1);
    assert!(world.known(&oldest).await.is_none());
}

#[tokio::test]
async fn of_too_many_sessions_the_oldest_ends() {
    let world = World::new();
    let (ana, oldest) = world.joined("ana@acme.example", Some("acme"), "admin").await;
    let second = world.begins(&ana).await;
    for _ in 0..48 {
        world.begins(&ana).await;
    }
    assert!(world.known(&oldest).await.is_some(), "fifty");
    let latest = world.begins(&ana).await;
    assert!(world.known(&oldest).await.is_none());
    assert!(world.known(&second.token).await.is_some());
    assert!(world.known(&latest.token).await.is_some());
}

#[tokio::test]
async fn who_did_not_begin_a_session_ends_them_all_and_its_device_is_new_again() {
    let world = World::new();
    let (_, own) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let (_, others) = world.joined("bo@acme.example", Some("acme"), "owner").await;
    let known = world.known(&own).await.unwrap();
    let stranger = world.begins(&known.person.id).await;
    let known = world.known(&own).await.unwrap();
    assert!(known.person.devices.contains(&stranger.session.device.id));
    assert!(matches!(world.access.disown(&known, &known.session.id).await, Err(crate::AccessError::Invalid(_))));
    let bo = world.known(&others).await.unwrap();
    let foreign = world.access.disown(&bo, &stranger.session.id).await;
    assert!(matches!(foreign, Err(crate::AccessError::Unknown("session"))), "another's");
    assert_eq!(world.access.disown(&known, &stranger.session.id).await.unwrap(), 2);
    assert!(world.known(&stranger.token).await.is_none() && world.known(&own).await.is_none());
    assert!(world.known(&others).await.is_some());
    let person = world.store.person(&known.person.id).await.unwrap().unwrap();
    assert!(!person.devices.contains(&stranger.session.device.id) && person.devices.len() == 1);
}

#[tokio::test]
async fn a_stranger_does_not_make_the_owners_device_a_new_one() {
    let world = World::new();
    let (ana, own) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let known = world.known(&own).await.unwrap();
    let stranger = world.begins(&ana).await;
    let theirs = world.known(&stranger.token).await.unwrap();
    assert_eq!(world.access.disown(&theirs, &known.session.id).await.unwrap(), 2, "all end, the stranger's too");
    let person = world.store.person(&ana).await.unwrap().unwrap();
    assert!(person.devices.contains(&known.session.device.id));
}

#[tokio::test]
async fn a_sign_in_from_a_new_device_is_told_to_the_old_ones_until_their_person_says_a_word() {
    let world = World::new();
    let (ana, own) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let told = async |token: &str| {
        let known = world.known(token).await.unwrap();
        let told = world.access.untold(&known).await.unwrap();
        (known, told.into_iter().map(|one| one.id).collect::<Vec<_>>())
    };
    assert!(told(&own).await.1.is_empty(), "nobody was there before");
    let first = world.begins(&ana).await;
    let second = world.begins(&ana).await;
    let (firsts, seconds) = (first.session.id.clone(), second.session.id.clone());
    let (known, both) = told(&own).await;
    assert_eq!(both, [seconds.clone(), firsts.clone()]);
    // A stranger with two devices hides neither of them by the other.
    let (by_second, of_second) = told(&second.token).await;
    assert!(of_second.is_empty());
    let hidden = world.access.acknowledge(&by_second, &firsts).await;
    assert!(matches!(hidden, Err(crate::AccessError::Unknown("session"))), "{hidden:?}");
    let itself = world.access.acknowledge(&by_second, &seconds).await;
    assert!(matches!(itself, Err(crate::AccessError::Unknown("session"))), "{itself:?}");
    let by_first = told(&first.token).await;
    assert_eq!(by_first.1, std::slice::from_ref(&seconds), "that one came later");
    // A session that has ended is told of all the same.
    world.access.end_sessions(&world.operator().actor, &ana, Which::One(&firsts), "x").await.unwrap();
    assert_eq!(told(&own).await.1.len(), 2);
    world.access.acknowledge(&known, &firsts).await.unwrap();
    assert_eq!(world.kinds().await.last(), Some(&Kind::SessionAcknowledged));
    assert_eq!(told(&own).await.1, std::slice::from_ref(&seconds));
    let again = world.access.acknowledge(&known, &firsts).await;
    assert!(matches!(again, Err(crate::AccessError::Unknown("session"))), "once: {again:?}");
    // That it was somebody else is a word, too.
    world.access.disown(&known, &seconds).await.unwrap();
    assert!(world.access.untold(&known).await.unwrap().is_empty());
}

#[tokio::test]
async fn whoever_signs_in_over_and_over_hides_neither_their_first_sign_in_nor_the_owners_device() {
    let world = World::new();
    let (ana, own) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let first = world.begins(&ana).await.session.id;
    // As many as are listed end, and the owner signs in no more meanwhile.
    let owner = world.known(&own).await.unwrap();
    for _ in 0..201 {
        let next = world.begins(&ana).await;
        let one = Which::One(&next.session.id);
        world.access.end_sessions(&world.operator().actor, &ana, one, "x").await.unwrap();
    }
    let told = world.access.untold(&owner).await.unwrap();
    assert_eq!(told.last().map(|one| &one.id), Some(&first));
    world.access.acknowledge(&owner, &first).await.unwrap();
    let told = world.access.untold(&owner).await.unwrap();
    assert!(told.iter().all(|one| one.id != first) && told.len() == 200, "{}", told.len());
    let owner = world.known(&own).await.unwrap();
    assert_eq!(world.access.disown(&owner, &told[199].id).await.unwrap(), 2, "the owner's, and the stranger's first");
}
