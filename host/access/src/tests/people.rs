use portcullis_model::{
    audit::Kind,
    people::{PeopleStore as _, Why},
    time::Timestamp,
};

use crate::{
    AccessError,
    testing::{World, invitation, seen},
};

#[tokio::test]
async fn a_link_is_good_once_for_an_hour_and_for_the_key_that_was_registered_for_it() {
    let world = World::new();
    let operator = world.operator();
    let acme = Some("acme".parse().unwrap());
    let invited = world.access.invite(&operator, invitation("Ana@Acme.example ", Some("acme"), "owner")).await.unwrap();
    assert_eq!(invited.invitation.email, "ana@acme.example");
    assert!(!serde_json::to_string(&invited.invitation).unwrap().contains(invited.token.as_str()));
    let person = world.access.invitee(&invited.invitation).await.unwrap();
    let key = |of: &portcullis_model::id::PersonId, handle: &str| {
        let kind = portcullis_model::people::FactorKind::Passkey;
        let rng = world.access.rng.as_ref();
        crate::factors::new(kind, of, "", Some(handle.into()), serde_json::Value::Null, operator.now, rng)
    };
    let stranger = key(&"per_other".parse().unwrap(), "k0");
    assert!(matches!(world.access.join(&invited.token, stranger, &seen()).await, Err(AccessError::NotProved)));
    world.access.join(&invited.token, key(&person.id, "k1"), &seen()).await.unwrap();
    let again = world.access.join(&invited.token, key(&person.id, "k2"), &seen()).await;
    assert!(matches!(again, Err(AccessError::Unknown("link"))));
    let late = world.access.invite(&operator, invitation("bo@acme.example", Some("acme"), "admin")).await.unwrap();
    world.pass(60);
    assert!(world.access.invitation(&late.token).await.is_err());
    let back = world.access.invite(&operator, invitation("cy@acme.example", Some("acme"), "admin")).await.unwrap();
    world.access.uninvite(&operator, acme.as_ref(), &back.invitation.id).await.unwrap();
    assert!(world.access.invitation(&back.token).await.is_err());
    for (email, role) in [("ana@acme.example", "admin"), ("no-address", "admin"), ("di@acme.example", "king")] {
        assert!(world.access.invite(&operator, invitation(email, Some("acme"), role)).await.is_err(), "{email} {role}");
    }
    assert_eq!(
        world.kinds().await[..5],
        [Kind::PersonInvited, Kind::PersonJoined, Kind::MembershipGranted, Kind::FactorAdded, Kind::SessionStarted]
    );
}

#[tokio::test]
async fn nobody_gives_more_than_they_have_and_an_admin_governs_nobody() {
    let world = World::new();
    let (owner, owners) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let (_, admins) = world.joined("bo@acme.example", Some("acme"), "admin").await;
    let acme = "acme".parse().unwrap();
    let (ana, bo) = (world.known(&owners).await.unwrap().caller, world.known(&admins).await.unwrap().caller);
    let refused = |error: Option<AccessError>| match error {
        Some(AccessError::Refused(refusal)) => refusal.rule,
        other => panic!("{other:?}"),
    };
    let by_admin = world.access.invite(&bo, invitation("eve@acme.example", Some("acme"), "owner")).await;
    assert_eq!(refused(by_admin.err()), Why::NoRole);
    let own = world.access.set_role(&bo, Some(&acme), &owner, &"developer".parse().unwrap(), None).await;
    assert_eq!(refused(own.err()), Why::NoRole);
    let elsewhere = world.access.invite(&ana, invitation("eve@acme.example", Some("other"), "developer")).await;
    assert_eq!(refused(elsewhere.err()), Why::NoRole);
    let platform = world.access.invite(&ana, invitation("eve@acme.example", None, "support")).await;
    assert_eq!(refused(platform.err()), Why::NoRole);
    world.access.invite(&ana, invitation("eve@acme.example", Some("acme"), "owner")).await.unwrap();
}

#[tokio::test]
async fn what_is_taken_away_is_gone_with_the_next_request() {
    let world = World::new();
    let acme = "acme".parse().unwrap();
    let (ana, _) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let (bo, token) = world.joined("bo@acme.example", Some("acme"), "admin").await;
    let operator = world.operator();
    world.access.set_role(&operator, Some(&acme), &bo, &"developer".parse().unwrap(), None).await.unwrap();
    assert!(world.known(&token).await.is_none(), "with another role somebody signs in anew");
    world.access.suspend(&operator, Some(&acme), &bo, true).await.unwrap();
    let person = world.store.person(&bo).await.unwrap().unwrap();
    let begin = crate::Begin {
        person: &person,
        sign_in: portcullis_model::people::SignIn::Native,
        proved: &[portcullis_model::people::Proof {
            kind: portcullis_model::people::FactorKind::Passkey,
            at: world.operator().now,
        }],
        seen: &seen(),
        upstream: None,
        with: Default::default(),
    };
    assert!(world.access.begin(begin).await.is_err(), "suspended");
    assert_eq!(world.kinds().await.last(), Some(&Kind::SessionRefused));
    world.access.suspend(&operator, Some(&acme), &bo, false).await.unwrap();
    world.access.remove(&operator, Some(&acme), &bo).await.unwrap();
    let gone = world.store.person(&bo).await.unwrap().unwrap();
    assert_eq!((gone.email.as_str(), gone.name.as_str()), ("", ""), "of whom is gone nothing is kept but the id");
    assert_eq!(world.store.factors(&bo).await.unwrap(), []);
    for last in [
        world.access.remove(&operator, Some(&acme), &ana).await.map(drop),
        world.access.suspend(&operator, Some(&acme), &ana, true).await,
        world.access.set_role(&operator, Some(&acme), &ana, &"admin".parse().unwrap(), None).await.map(drop),
        world
            .access
            .set_role(&operator, Some(&acme), &ana, &"owner".parse().unwrap(), Some(Timestamp(operator.now.0 + 1)))
            .await
            .map(drop),
    ] {
        assert!(matches!(&last, Err(AccessError::Conflict(why)) if why.contains("last owner")), "{last:?}");
    }
    world.joined("cy@acme.example", Some("acme"), "owner").await;
    world.access.remove(&operator, Some(&acme), &ana).await.unwrap();
}

#[tokio::test]
async fn a_role_with_an_end_ends() {
    let world = World::new();
    world.joined("ana@acme.example", Some("acme"), "owner").await;
    let mut temporary = invitation("bo@acme.example", Some("acme"), "admin");
    temporary.until = Some(Timestamp(world.operator().now.0 + 30 * 60_000));
    let invited = world.access.invite(&world.operator(), temporary).await.unwrap();
    let person = world.access.invitee(&invited.invitation).await.unwrap();
    let rng = world.access.rng.as_ref();
    let kind = portcullis_model::people::FactorKind::Passkey;
    let now = world.operator().now;
    let factor = crate::factors::new(kind, &person.id, "", Some("k".into()), serde_json::Value::Null, now, rng);
    let started = world.access.join(&invited.token, factor, &seen()).await.unwrap();
    assert_eq!(world.known(&started.token).await.unwrap().caller.tenants().unwrap().len(), 1);
    world.pass(30);
    assert_eq!(world.known(&started.token).await.unwrap().caller.tenants().unwrap().len(), 0);
}

#[tokio::test]
async fn nobody_locks_themselves_out_by_a_list_of_networks() {
    let world = World::new();
    let (_, token) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let acme = "acme".parse().unwrap();
    let ana = world.known(&token).await.unwrap().caller;
    let mut settings = world.access.settings(&ana, Some(&acme)).await.unwrap();
    settings.limits.networks = vec![vec!["10.0.0.0/8".parse().unwrap()]];
    assert!(world.access.set_settings(&ana, Some(&acme), settings.clone()).await.is_err());
    settings.limits.networks[0].push("192.0.2.7".parse().unwrap());
    let set = world.access.set_settings(&ana, Some(&acme), settings.clone()).await.unwrap();
    assert_eq!(set.version, 1);
    assert!(world.access.set_settings(&ana, Some(&acme), settings).await.is_err(), "over what is not there any more");
}

#[tokio::test]
async fn a_link_opens_no_account_that_reaches_further_than_whoever_made_it() {
    let world = World::new();
    let (ana, token) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let (_, owners) = world.joined("eve@other.example", Some("other"), "owner").await;
    let eve = world.known(&owners).await.unwrap().caller;
    let invited = world.access.invite(&eve, invitation("ana@acme.example", Some("other"), "auditor")).await.unwrap();
    let kind = portcullis_model::people::FactorKind::Passkey;
    let (now, rng) = (world.operator().now, world.access.rng.as_ref());
    let eves = crate::factors::new(kind, &ana, "", Some("eve's".into()), serde_json::Value::Null, now, rng);
    assert!(matches!(world.access.join(&invited.token, eves, &seen()).await, Err(AccessError::Conflict(_))));
    assert_eq!(world.store.factors(&ana).await.unwrap().len(), 1);
    // Nor does an owner elsewhere get at the account by its ways back in.
    let other = Some("other".parse().unwrap());
    assert!(world.access.recover(&eve, other.as_ref(), &ana).await.is_err());
    let known = world.known(&token).await.unwrap();
    let evil = world.known(&owners).await.unwrap();
    assert!(world.access.accept(&evil, &invited.token).await.is_err(), "it is not for Eve");
    world.access.accept(&known, &invited.token).await.unwrap();
    assert_eq!(world.known(&token).await.unwrap().caller.tenants().unwrap().len(), 2);
    assert!(world.access.recover(&eve, other.as_ref(), &ana).await.is_err(), "it reaches beyond Eve's place");
    assert!(world.access.suspend(&eve, other.as_ref(), &ana, true).await.is_err());
    assert!(world.access.accept(&known, &invited.token).await.is_err(), "once");
}

#[tokio::test]
async fn a_cookie_is_nobodys_from_where_nobody_may_come() {
    let world = World::new();
    let (_, token) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let acme = "acme".parse().unwrap();
    let mut settings = world.access.settings(&world.operator(), Some(&acme)).await.unwrap();
    settings.limits.networks = vec![vec!["192.0.2.0/24".parse().unwrap()]];
    settings.limits.idle_minutes = 5;
    world.access.set_settings(&world.operator(), Some(&acme), settings).await.unwrap();
    assert!(world.access.known(&token, "203.0.113.9".parse().unwrap()).await.unwrap().is_none());
    assert!(world.known(&token).await.is_some());
    world.pass(5);
    assert!(world.known(&token).await.is_none(), "a limit that was set since then counts");
}

#[tokio::test]
async fn a_role_whose_time_is_over_still_keeps_other_places_out_of_the_account() {
    let world = World::new();
    world.joined("boss@acme.example", Some("acme"), "owner").await;
    let operator = world.operator();
    let acme = Some("acme".parse().unwrap());
    let other = Some("other".parse().unwrap());
    let (ana, token) = world.joined("ana@acme.example", Some("acme"), "admin").await;
    let soon = Some(Timestamp(operator.now.0 + 30 * 60_000));
    world.access.set_role(&operator, acme.as_ref(), &ana, &"admin".parse().unwrap(), soon).await.unwrap();
    assert!(world.known(&token).await.is_none());
    world.pass(31);
    let operator = world.operator();
    let invited = world.access.invite(&operator, invitation("ana@acme.example", Some("other"), "admin")).await.unwrap();
    let kind = portcullis_model::people::FactorKind::Passkey;
    let rng = world.access.rng.as_ref();
    let eves = crate::factors::new(kind, &ana, "", Some("eve's".into()), serde_json::Value::Null, operator.now, rng);
    assert!(matches!(world.access.join(&invited.token, eves, &seen()).await, Err(AccessError::Conflict(_))));
    let anew = world.access.set_role(&operator, acme.as_ref(), &ana, &"owner".parse().unwrap(), None).await;
    assert!(matches!(&anew, Err(AccessError::Conflict(why)) if why.contains("invite")), "{anew:?}");
    assert!(world.access.is_elsewhere(other.as_ref(), &ana).await.unwrap());
    world.access.remove(&operator, acme.as_ref(), &ana).await.unwrap();
    assert!(!world.access.is_elsewhere(other.as_ref(), &ana).await.unwrap(), "what was taken away does not count");
}

#[tokio::test]
async fn a_link_is_good_while_whoever_made_it_could_make_it() {
    let world = World::new();
    let acme = "acme".parse().unwrap();
    let operator = world.operator();
    world.joined("ana@acme.example", Some("acme"), "owner").await;
    let kind = portcullis_model::people::FactorKind::Passkey;
    let rng = world.access.rng.as_ref();
    let joins = async |invited: &crate::Invited, handle: &str| {
        let person = world.access.invitee(&invited.invitation).await.unwrap();
        let handle = Some(handle.to_owned());
        let factor = crate::factors::new(kind, &person.id, "", handle, serde_json::Value::Null, operator.now, rng);
        world.access.join(&invited.token, factor, &seen()).await.map(drop)
    };
    for how in 0..4 {
        let (bo, token) = world.joined(&format!("bo{how}@acme.example"), Some("acme"), "owner").await;
        let caller = world.known(&token).await.unwrap().caller;
        let new = invitation(&format!("eve{how}@acme.example"), Some("acme"), "owner");
        let invited = world.access.invite(&caller, new).await.unwrap();
        match how {
            0 => {
                world.access.remove(&operator, Some(&acme), &bo).await.unwrap();
            }
            1 => world.access.suspend(&operator, Some(&acme), &bo, true).await.unwrap(),
            2 => {
                let less = "admin".parse().unwrap();
                world.access.set_role(&operator, Some(&acme), &bo, &less, None).await.unwrap();
            }
            _ => {}
        }
        let outcome = joins(&invited, &format!("eve-{how}")).await;
        match how {
            3 => outcome.unwrap(),
            _ => assert!(matches!(outcome, Err(AccessError::Unknown("link"))), "{how}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn sessions_of_an_account_with_several_places_are_no_single_places_to_end() {
    let world = World::new();
    let (ana, token) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let (_, owners) = world.joined("eve@other.example", Some("other"), "owner").await;
    let eve = world.known(&owners).await.unwrap().caller;
    let other = Some("other".parse().unwrap());
    let invited = world.access.invite(&eve, invitation("ana@acme.example", Some("other"), "auditor")).await.unwrap();
    world.access.accept(&world.known(&token).await.unwrap(), &invited.token).await.unwrap();
    let seen = world.access.sessions_of(&eve, other.as_ref(), &ana).await;
    assert!(matches!(seen, Err(AccessError::Conflict(_))));
    let ended = world.access.end_sessions_of(&eve, other.as_ref(), &ana, None).await;
    assert!(matches!(ended, Err(AccessError::Conflict(_))));
    assert!(world.known(&token).await.is_some());
    let operator = world.operator();
    assert_eq!(world.access.end_sessions_of(&operator, other.as_ref(), &ana, None).await.unwrap(), 1);
    assert!(world.known(&token).await.is_none());
}
