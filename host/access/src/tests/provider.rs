//! What follows from a provider's word.

use portcullis_model::{
    audit::Kind,
    id::TenantId,
    people::{
        BuiltIn, Decide as _, FactorKind, PeopleStore as _, Provider, Resource, SignIn, actions::INSTALLATIONS_LIST,
    },
    time::{Clock as _, Timestamp},
};

use crate::{
    AccessError, Seen, SignedOut, Started, Vouched, factors,
    testing::{World, invitation, seen},
};

const ISSUER: &str = "https://login.acme.example";

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn provider() -> Provider {
    Provider {
        issuer: ISSUER.into(),
        client_id: "host".into(),
        only: false,
        mfa_acr: vec!["urn:two".into()],
        mfa_amr: vec!["mfa".into()],
        needs_mfa: false,
        max_age_minutes: None,
    }
}

impl World {
    async fn with_provider(&self, provider: Provider) {
        self.access.set_provider(&self.operator(), &acme(), Some(provider)).await.unwrap();
    }

    fn vouched(&self, subject: &str) -> Vouched {
        Vouched {
            tenant: acme(),
            issuer: ISSUER.into(),
            client_id: "host".into(),
            subject: subject.into(),
            signed_in: Some(self.clock.now()),
            class: None,
            ways: vec!["pwd".into()],
            session: None,
        }
    }

    /// Somebody who joined by the provider.
    async fn joined_by_provider(&self, email: &str, role: &str, subject: &str) -> Result<Started, AccessError> {
        let invited = self.access.invite(&self.operator(), invitation(email, Some("acme"), role)).await.unwrap();
        self.access.join_by_provider(&invited.token, &self.vouched(subject), &seen()).await
    }

    fn passkey(&self, known: &crate::Known, handle: &str) -> portcullis_model::people::Factor {
        let (body, now, rng) = (serde_json::Value::Null, self.clock.now(), self.access.rng.as_ref());
        factors::new(FactorKind::Passkey, &known.person.id, "", Some(handle.into()), body, now, rng)
    }
}

#[tokio::test]
async fn nobody_gets_an_account_by_signing_in_and_no_address_leads_to_one() {
    let world = World::new();
    let (ana, _) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    world.with_provider(provider()).await;
    // The provider says whatever it likes: the owner's address as its name for somebody else, too.
    for subject in ["eve", "ana@acme.example", ana.as_str()] {
        let refused = world.access.sign_in_by_provider(&world.vouched(subject), &seen()).await;
        assert!(matches!(refused, Err(AccessError::NotProved)), "{subject}");
    }
    let people = world.store.people_of(Some(&acme()), None, 10).await.unwrap();
    assert_eq!(people.len(), 1);
}

#[tokio::test]
async fn an_identity_is_bound_by_a_link_and_is_of_that_tenant_and_issuer_alone() {
    let world = World::new();
    world.joined("ana@acme.example", Some("acme"), "owner").await;
    world.with_provider(provider()).await;
    let started = world.joined_by_provider("bo@acme.example", "auditor", "bo").await.unwrap();
    assert_eq!(started.session.sign_in, SignIn::Provider { tenant: acme() });
    let again = world.access.sign_in_by_provider(&world.vouched("bo"), &seen()).await.unwrap();
    assert_eq!(again.session.person, started.session.person);
    let known = world.known(&again.token).await.unwrap();
    assert!(known.caller.second_factor().is_none(), "a password there is one factor");
    // The same subject elsewhere is somebody else.
    let other = Vouched { issuer: "https://evil.example".into(), ..world.vouched("bo") };
    assert!(world.access.sign_in_by_provider(&other, &seen()).await.is_err());
    let tenant: TenantId = "other".parse().unwrap();
    let theirs = provider();
    world.access.set_provider(&world.operator(), &tenant, Some(theirs)).await.unwrap();
    let other = Vouched { tenant, ..world.vouched("bo") };
    assert!(world.access.sign_in_by_provider(&other, &seen()).await.is_err());
    // One identity is one account's.
    let taken = world.joined_by_provider("cy@acme.example", "auditor", "bo").await;
    assert!(matches!(taken, Err(AccessError::Conflict(_))));
    // A link to another tenant is not used by this one's word, and none twice.
    let there =
        world.access.invite(&world.operator(), invitation("di@x.example", Some("other"), "owner")).await.unwrap();
    let used = world.access.join_by_provider(&there.token, &world.vouched("di"), &seen()).await;
    assert!(matches!(used, Err(AccessError::NotProved)));
    let link = world.access.invite(&world.operator(), invitation("ed@acme.example", Some("acme"), "auditor")).await;
    let link = link.unwrap();
    world.access.join_by_provider(&link.token, &world.vouched("ed"), &seen()).await.unwrap();
    assert!(world.access.join_by_provider(&link.token, &world.vouched("ed2"), &seen()).await.is_err());
}

#[tokio::test]
async fn a_link_for_an_account_that_is_there_is_not_used_by_the_provider() {
    let world = World::new();
    world.joined("ana@other.example", Some("other"), "owner").await;
    world.with_provider(provider()).await;
    let invited =
        world.access.invite(&world.operator(), invitation("ana@other.example", Some("acme"), "auditor")).await;
    let taken = world.access.join_by_provider(&invited.unwrap().token, &world.vouched("ana"), &seen()).await;
    assert!(matches!(taken, Err(AccessError::Conflict(_))));
}

#[tokio::test]
async fn an_account_that_came_from_a_provider_stays_its_tenants() {
    let world = World::new();
    world.joined("ana@acme.example", Some("acme"), "owner").await;
    world.with_provider(provider()).await;
    world.joined_by_provider("bo@acme.example", "auditor", "bo").await.unwrap();
    for place in [Some("other"), None] {
        let elsewhere = world.access.invite(&world.operator(), invitation("bo@acme.example", place, "auditor")).await;
        assert!(matches!(elsewhere, Err(AccessError::Conflict(_))), "{place:?}");
    }
}

#[tokio::test]
async fn the_providers_word_adds_no_way_into_an_account_that_it_did_not_make() {
    let world = World::new();
    let (ana, native) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    world.with_provider(provider()).await;
    let known = world.known(&native).await.unwrap();
    world.access.bind_provider(&known, &world.vouched("ana")).await.unwrap();
    let strong = Vouched { class: Some("urn:two".into()), ..world.vouched("ana") };
    let started = world.access.sign_in_by_provider(&strong, &seen()).await.unwrap();
    let by_it = world.known(&started.token).await.unwrap();
    assert_eq!(by_it.person.id, ana);
    assert!(by_it.caller.second_factor().is_some(), "good for what is privileged in its tenant");
    let added = world.access.add_passkey(&by_it, world.passkey(&by_it, "theirs")).await;
    assert!(matches!(added, Err(AccessError::Refused(_))));
    assert!(world.access.add_totp(&by_it, "").await.is_err());
    assert!(world.access.add_recovery(&by_it).await.is_err());
    for factor in world.access.own_factors(&by_it).await.unwrap() {
        assert!(world.access.remove_factor(&by_it, &factor.id).await.is_err());
    }
    assert!(world.access.bind_provider(&by_it, &world.vouched("eve")).await.is_err());
    // A passkey that is proved in that session does.
    let change = Default::default();
    let stepped = world.access.step_up(&by_it.person, &by_it.session, FactorKind::Passkey, change).await.unwrap();
    let stepped = world.known(&stepped.token).await.unwrap();
    assert!(world.access.add_recovery(&stepped).await.is_ok());
}

#[tokio::test]
async fn an_account_of_the_providers_gets_its_first_factor_by_it_and_the_next_by_that() {
    let world = World::new();
    world.joined("ana@acme.example", Some("acme"), "owner").await;
    world.with_provider(provider()).await;
    let started = world.joined_by_provider("bo@acme.example", "auditor", "bo").await.unwrap();
    let known = world.known(&started.token).await.unwrap();
    let way = world.access.own_factors(&known).await.unwrap().remove(0);
    assert!(
        matches!(world.access.remove_factor(&known, &way.id).await, Err(AccessError::Conflict(_))),
        "the only way in"
    );
    assert!(!world.access.add_passkey(&known, world.passkey(&known, "first")).await.unwrap(), "the session goes on");
    let second = world.access.add_passkey(&known, world.passkey(&known, "second")).await;
    assert!(matches!(second, Err(AccessError::Refused(_))), "from now on the passkey is asked for");
    // Too late, where it was long ago.
    let late = world.joined_by_provider("cy@acme.example", "auditor", "cy").await.unwrap();
    world.pass(11);
    let late = world.known(&late.token).await.unwrap();
    assert!(world.access.add_passkey(&late, world.passkey(&late, "late")).await.is_err());
}

#[tokio::test]
async fn a_second_factor_is_as_old_as_the_sign_in_there_and_counts_only_where_the_tenant_says_so() {
    let world = World::new();
    world.joined("ana@acme.example", Some("acme"), "owner").await;
    world.with_provider(provider()).await;
    world.joined_by_provider("bo@acme.example", "auditor", "bo").await.unwrap();
    let ago = |minutes: i64| Some(Timestamp(world.clock.now().0 - minutes * 60_000));
    for (signed_in, class, ways, expected) in [
        (ago(0), Some("urn:two"), vec![], ago(0)),
        (ago(7), None, vec!["pwd", "mfa"], ago(7)),
        (ago(0), Some("urn:one"), vec!["otp"], None),
        // Nobody knows how old it is.
        (None, Some("urn:two"), vec!["mfa"], None),
        // A provider whose clock is ahead.
        (ago(-5), Some("urn:two"), vec![], ago(0)),
    ] {
        let ways = ways.into_iter().map(str::to_owned).collect();
        let vouched = Vouched { signed_in, class: class.map(str::to_owned), ways, ..world.vouched("bo") };
        let started = world.access.sign_in_by_provider(&vouched, &seen()).await.unwrap();
        assert_eq!(world.known(&started.token).await.unwrap().caller.second_factor(), expected, "{vouched:?}");
    }
    world.with_provider(Provider { needs_mfa: true, ..provider() }).await;
    let weak = world.access.sign_in_by_provider(&world.vouched("bo"), &seen()).await;
    assert!(matches!(weak, Err(AccessError::Invalid(_))));
    let strong = Vouched { ways: vec!["mfa".into()], ..world.vouched("bo") };
    assert!(world.access.sign_in_by_provider(&strong, &seen()).await.is_ok());
}

#[tokio::test]
async fn a_step_up_is_by_the_same_identity_and_in_a_session_that_began_by_it() {
    let world = World::new();
    let (_, native) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    world.with_provider(provider()).await;
    let strong = |subject: &str| Vouched { class: Some("urn:two".into()), ..world.vouched(subject) };
    let bo = world.joined_by_provider("bo@acme.example", "auditor", "bo").await.unwrap();
    world.joined_by_provider("cy@acme.example", "auditor", "cy").await.unwrap();
    let known = world.known(&bo.token).await.unwrap();
    assert!(matches!(world.access.step_up_by_provider(&known, &strong("cy")).await, Err(AccessError::NotProved)));
    assert!(matches!(
        world.access.step_up_by_provider(&known, &world.vouched("bo")).await,
        Err(AccessError::Invalid(_))
    ));
    let native = world.known(&native).await.unwrap();
    world.access.bind_provider(&native, &world.vouched("ana")).await.unwrap();
    let across = world.access.step_up_by_provider(&native, &strong("ana")).await;
    assert!(matches!(across, Err(AccessError::NotProved)), "a session of the host's own reaches other tenants too");
    let stepped = world.access.step_up_by_provider(&known, &strong("bo")).await.unwrap();
    assert!(world.known(&stepped.token).await.unwrap().caller.second_factor().is_some());
    assert!(world.known(&bo.token).await.is_none(), "the token before is nobody's");
}

#[tokio::test]
async fn whoever_has_no_role_in_its_tenant_any_more_is_not_let_in_and_that_is_on_record() {
    let world = World::new();
    world.joined("ana@acme.example", Some("acme"), "owner").await;
    let (bo, _) = world.joined("bo@acme.example", Some("acme"), "auditor").await;
    world.with_provider(provider()).await;
    let invited = world.access.invite(&world.operator(), invitation("bo@acme.example", Some("other"), "admin")).await;
    let token = world.joined_again("bo", &bo).await;
    let known = world.known(&token).await.unwrap();
    world.access.accept(&known, &invited.unwrap().token).await.unwrap();
    world.access.bind_provider(&known, &world.vouched("bo")).await.unwrap();
    let started = world.access.sign_in_by_provider(&world.vouched("bo"), &seen()).await.unwrap();
    let caller = world.known(&started.token).await.unwrap().caller;
    assert_eq!(caller.tenants().unwrap(), [acme()], "no further than the provider's own tenant");
    let other = Resource::of("other".parse().unwrap(), "installation");
    assert!(world.access.decide(&caller, &INSTALLATIONS_LIST, &other).await.unwrap().is_err());
    world.access.remove(&world.operator(), Some(&acme()), &bo).await.unwrap();
    assert!(world.access.sign_in_by_provider(&world.vouched("bo"), &seen()).await.is_err());
    assert!(world.kinds().await.contains(&Kind::SessionRefused));
}

#[tokio::test]
async fn who_somebody_was_at_a_provider_is_forgotten_with_the_account() {
    let world = World::new();
    world.joined("ana@acme.example", Some("acme"), "owner").await;
    world.with_provider(provider()).await;
    let started = world.joined_by_provider("bo@acme.example", "auditor", "bo-at-the-provider").await.unwrap();
    let known = world.known(&started.token).await.unwrap();
    let handle = world.access.own_factors(&known).await.unwrap().remove(0).handle.unwrap();
    world.access.remove(&world.operator(), Some(&acme()), &known.person.id).await.unwrap();
    assert!(world.store.factor_by_handle(&handle).await.unwrap().is_none());
    let person = world.store.person(&known.person.id).await.unwrap().unwrap();
    assert_eq!((person.subject, person.email.as_str()), (None, ""));
    // Somebody else may come by that name later.
    assert!(world.joined_by_provider("cy@acme.example", "auditor", "bo-at-the-provider").await.is_ok());
}

impl World {
    /// A session of the host's own for somebody who is there.
    async fn joined_again(&self, _: &str, person: &portcullis_model::id::PersonId) -> String {
        let person = self.store.person(person).await.unwrap().unwrap();
        let proof = portcullis_model::people::Proof { kind: FactorKind::Passkey, at: self.clock.now() };
        let seen: Seen = seen();
        let begin = crate::Begin {
            person: &person,
            sign_in: SignIn::Native,
            proved: &[proof],
            seen: &seen,
            upstream: None,
            with: Default::default(),
        };
        self.access.begin(begin).await.unwrap().token.to_string()
    }
}

#[tokio::test]
async fn nobody_locks_the_owners_out_and_another_provider_ends_the_sessions_of_the_one_before() {
    let world = World::new();
    let (_, ana) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let only = || Provider { only: true, ..provider() };
    let operator = world.operator();
    let early = world.access.set_provider(&operator, &acme(), Some(only())).await;
    assert!(matches!(early, Err(AccessError::Invalid(help)) if help.contains("no owner could sign in")));
    world.with_provider(provider()).await;
    world.access.bind_provider(&world.known(&ana).await.unwrap(), &world.vouched("ana")).await.unwrap();
    world.with_provider(only()).await;
    // Bound there, it is not at another provider.
    let elsewhere = Provider { issuer: "https://other.example".into(), ..only() };
    assert!(world.access.set_provider(&operator, &acme(), Some(elsewhere)).await.is_err());
    let started = world.access.sign_in_by_provider(&world.vouched("ana"), &seen()).await.unwrap();
    world.with_provider(Provider { mfa_acr: Vec::new(), ..only() }).await;
    assert!(world.known(&started.token).await.is_some());
    world.access.set_provider(&operator, &acme(), None).await.unwrap();
    assert!(world.known(&started.token).await.is_none());
    assert!(world.known(&ana).await.is_some(), "a session of the host's own goes on");
    assert!(world.access.sign_in_by_provider(&world.vouched("ana"), &seen()).await.is_err());
}

#[tokio::test]
async fn settings_that_cannot_work_are_refused() {
    let world = World::new();
    world.joined("ana@acme.example", Some("acme"), BuiltIn::Owner.name()).await;
    for wrong in [
        Provider { issuer: String::new(), ..provider() },
        Provider { client_id: "a\nb".into(), ..provider() },
        Provider { mfa_acr: vec!["a b".into()], ..provider() },
        Provider { mfa_amr: vec!["x".into(); 17], ..provider() },
        Provider { needs_mfa: true, mfa_acr: Vec::new(), mfa_amr: Vec::new(), ..provider() },
        Provider { max_age_minutes: Some(0), ..provider() },
    ] {
        let refused = world.access.set_provider(&world.operator(), &acme(), Some(wrong.clone())).await;
        assert!(matches!(refused, Err(AccessError::Invalid(_))), "{wrong:?}");
    }
}

#[tokio::test]
async fn the_last_way_in_of_an_owner_stays_where_the_provider_is_the_only_one() {
    let world = World::new();
    let (ana_id, ana) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    let (_, bo) = world.joined("bo@acme.example", Some("acme"), "owner").await;
    world.with_provider(provider()).await;
    let known = |token: String| {
        let world = &world;
        async move { world.known(&token).await.unwrap() }
    };
    world.access.bind_provider(&known(ana.clone()).await, &world.vouched("ana")).await.unwrap();
    world.with_provider(Provider { only: true, ..provider() }).await;
    let way = |all: Vec<portcullis_model::people::Factor>| {
        all.into_iter().find(|one| one.kind == FactorKind::Provider).map(|one| one.id)
    };
    let of_ana = way(world.access.own_factors(&known(ana.clone()).await).await.unwrap()).unwrap();
    let locked_out = |done: Result<(), AccessError>| {
        assert!(matches!(&done, Err(AccessError::Conflict(help)) if help.contains("connect it")), "{done:?}");
    };
    // Another owner is there, and could not sign in.
    locked_out(world.access.remove_factor(&known(ana.clone()).await, &of_ana).await);
    let (operator, auditor) = (world.operator(), "auditor".parse().unwrap());
    for access in [&world.access, &world.access.rehearsing()] {
        locked_out(access.suspend(&operator, Some(&acme()), &ana_id, true).await);
        locked_out(access.remove(&operator, Some(&acme()), &ana_id).await.map(|_| ()));
        locked_out(access.set_role(&operator, Some(&acme()), &ana_id, &auditor, None).await.map(|_| ()));
    }
    world.access.bind_provider(&known(bo.clone()).await, &world.vouched("bo")).await.unwrap();
    let version = world.store.access_settings(Some(&acme())).await.unwrap().version;
    world.access.remove_factor(&known(ana).await, &of_ana).await.unwrap();
    // Whoever looked before would be too late.
    assert!(world.store.access_settings(Some(&acme())).await.unwrap().version > version);
    let of_bo = way(world.access.own_factors(&known(bo.clone()).await).await.unwrap()).unwrap();
    locked_out(world.access.remove_factor(&known(bo).await, &of_bo).await);
}

#[tokio::test]
async fn who_loses_a_role_keeps_what_they_are_elsewhere() {
    let world = World::new();
    world.joined("ana@acme.example", Some("acme"), "owner").await;
    let (bo, native) = world.joined("bo@acme.example", Some("acme"), "admin").await;
    world.with_provider(provider()).await;
    let known = world.known(&native).await.unwrap();
    world.access.bind_provider(&known, &world.vouched("bo")).await.unwrap();
    let invited = world.access.invite(&world.operator(), invitation("bo@acme.example", Some("other"), "auditor")).await;
    world.access.accept(&world.known(&native).await.unwrap(), &invited.unwrap().token).await.unwrap();
    let by_it = world.access.sign_in_by_provider(&world.vouched("bo"), &seen()).await.unwrap();
    let operator = world.operator();
    let tried = world.access.rehearsing().remove(&operator, Some(&acme()), &bo).await.unwrap();
    assert_eq!(tried, 1, "what stands on the tenant's provider, and nothing of elsewhere");
    assert_eq!(world.access.remove(&operator, Some(&acme()), &bo).await.unwrap(), tried);
    assert!(world.known(&by_it.token).await.is_none());
    let left = world.known(&native).await.unwrap();
    assert_eq!(left.caller.tenants().unwrap().into_iter().collect::<Vec<_>>(), ["other".parse().unwrap()]);
    let auditor = "auditor".parse().unwrap();
    let ended = world.access.set_role(&operator, Some(&"other".parse().unwrap()), &bo, &auditor, None).await.unwrap();
    assert_eq!(ended, 1, "the one place that is left");
}

#[tokio::test]
async fn a_provider_ends_what_began_by_it_before_it_said_so_and_nothing_else() {
    let world = World::new();
    let (_, ana) = world.joined("ana@acme.example", Some("acme"), "owner").await;
    world.with_provider(provider()).await;
    world.access.bind_provider(&world.known(&ana).await.unwrap(), &world.vouched("ana")).await.unwrap();
    world.joined_by_provider("bo@acme.example", "auditor", "bo").await.unwrap();
    let begins = async |subject: &str, sid: Option<&str>| {
        let vouched = Vouched { session: sid.map(str::to_owned), ..world.vouched(subject) };
        world.access.sign_in_by_provider(&vouched, &seen()).await.unwrap().token.to_string()
    };
    let out = |subject: Option<&str>, session: Option<&str>| SignedOut {
        tenant: acme(),
        issuer: ISSUER.into(),
        client_id: "host".into(),
        subject: subject.map(str::to_owned),
        session: session.map(str::to_owned),
        at: world.clock.now(),
    };
    let ends = async |out: &SignedOut| world.access.signed_out_by_provider(out).await.unwrap();
    let (one, two, other) =
        (begins("ana", Some("s1")).await, begins("ana", Some("s2")).await, begins("bo", Some("s3")).await);
    assert_eq!(ends(&out(Some("ana"), Some("s1"))).await, 1);
    assert!(world.known(&one).await.is_none() && world.known(&two).await.is_some(), "the one that it names");
    assert_eq!(ends(&out(None, Some("s2"))).await, 1, "found by its own name alone");
    assert_eq!(ends(&out(None, Some("s2"))).await, 0, "once");
    assert_eq!(ends(&out(Some("bo"), Some("s1"))).await, 1, "the one of bo's that the provider gave no name");
    assert_eq!(ends(&out(Some("bo"), Some("s1"))).await, 0, "another's session");
    assert_eq!(ends(&out(None, None)).await, 0, "whom it does not say it does not mean");
    assert!(world.known(&other).await.is_some() && world.known(&ana).await.is_some());
    let foreign = SignedOut { issuer: "https://evil.example".into(), ..out(Some("bo"), None) };
    assert!(matches!(world.access.signed_out_by_provider(&foreign).await, Err(AccessError::NotProved)));
    let elsewhere = SignedOut { tenant: "other".parse().unwrap(), ..out(Some("bo"), None) };
    assert!(world.access.signed_out_by_provider(&elsewhere).await.is_err());
    let before = out(Some("ana"), None);
    world.pass(5);
    let later = begins("ana", None).await;
    assert_eq!(ends(&before).await, 0, "it began after that was said");
    assert_eq!(ends(&out(Some("ana"), Some("s9"))).await, 1, "the provider gave it no name");
    assert!(
        world.known(&later).await.is_none() && world.known(&ana).await.is_some(),
        "a session of the host's own goes on"
    );
    let last = world.store.entries(0, 500).await.unwrap().pop().unwrap().read().unwrap();
    assert_eq!(
        (last.kind, last.tenant.clone(), last.text("why")),
        (Kind::SessionEnded, Some(acme()), Some("signed out at the provider"))
    );
}
