use portcullis_model::{
    people::{
        AccessSettings, Caller, Decide as _, FactorKind, Limits, Needs, Proof, Provider, Refusal, Resource, Rule, Why,
        actions::{
            AUDIT_EXPORT, CONNECTIONS_REVOKE, DELIVERIES_RETRY, INSTALLATIONS_GET, INSTALLATIONS_INSTALL,
            INSTALLATIONS_LIST, INSTALLATIONS_SUSPEND, PEOPLE_INVITE, RELEASES_PUBLISH,
        },
    },
    time::{Clock as _, Timestamp},
};

use crate::testing::World;

const ACME: &str = "acme";

fn of(tenant: &str) -> Resource {
    Resource::of(tenant.parse().unwrap(), "installation")
}

impl World {
    async fn ask(
        &self,
        caller: &Caller,
        action: &portcullis_model::people::Action,
        on: &Resource,
    ) -> Result<(), Refusal> {
        self.access.decide(caller, action, on).await.unwrap()
    }

    async fn set(&self, tenant: Option<&str>, change: impl FnOnce(&mut AccessSettings)) {
        let tenant = tenant.map(|tenant| tenant.parse().unwrap());
        let mut settings = self.access.settings(&self.operator(), tenant.as_ref()).await.unwrap();
        change(&mut settings);
        self.access.set_settings(&self.operator(), tenant.as_ref(), settings).await.unwrap();
    }
}

fn why(outcome: Result<(), Refusal>) -> Why {
    outcome.unwrap_err().rule
}

#[tokio::test]
async fn a_role_is_good_at_its_place_and_nowhere_else() {
    let world = World::new();
    let (_, token) = world.joined("ana@acme.example", Some(ACME), "admin").await;
    let ana = world.known(&token).await.unwrap().caller;
    assert_eq!(world.ask(&ana, &INSTALLATIONS_INSTALL, &of(ACME)).await, Ok(()));
    let other = world.ask(&ana, &INSTALLATIONS_LIST, &of("other")).await.unwrap_err();
    assert_eq!(other.rule, Why::NoRole);
    assert_eq!(why(world.ask(&ana, &RELEASES_PUBLISH, &Resource::of_platform("release")).await), Why::NoRole);
    let refusal = world.ask(&ana, &PEOPLE_INVITE, &of(ACME)).await.unwrap_err();
    assert_eq!(refusal.needs, Needs::Role { one_of: vec!["owner".parse().unwrap()] });
    assert!(refusal.to_string().contains("An owner of acme can give it."), "{refusal}");
    assert_eq!(world.ask(&world.operator(), &PEOPLE_INVITE, &of(ACME)).await, Ok(()));
}

#[tokio::test]
async fn what_is_privileged_needs_a_second_factor_of_a_short_time_ago() {
    let world = World::new();
    let (_, token) = world.joined("ana@acme.example", Some(ACME), "admin").await;
    world.pass(9);
    let fresh = world.known(&token).await.unwrap().caller;
    assert_eq!(world.ask(&fresh, &AUDIT_EXPORT, &of(ACME)).await, Ok(()));
    world.pass(1);
    let stale = world.known(&token).await.unwrap().caller;
    let refusal = world.ask(&stale, &AUDIT_EXPORT, &of(ACME)).await.unwrap_err();
    assert_eq!((refusal.rule, refusal.needs), (Why::StepUp, Needs::StepUp { within_minutes: 10 }));
    assert_eq!(world.ask(&stale, &INSTALLATIONS_LIST, &of(ACME)).await, Ok(()), "what is not privileged goes on");
    // Nobody is asked for a second factor where it would not help.
    assert_eq!(why(world.ask(&stale, &PEOPLE_INVITE, &of(ACME)).await), Why::NoRole);
    let mut by_code = stale.clone();
    by_code.factors = vec![Proof { kind: FactorKind::Recovery, at: stale.now }];
    assert_eq!(
        why(world.ask(&by_code, &AUDIT_EXPORT, &of(ACME)).await),
        Why::StepUp,
        "a recovery code is no second factor"
    );
}

#[tokio::test]
async fn of_platform_tenant_and_profile_the_most_restrictive_holds() {
    let world = World::new();
    let (_, token) = world.joined("ana@clinic.example", Some("clinic"), "owner").await;
    world.pass(5);
    let ana = world.known(&token).await.unwrap().caller;
    let refusal = world.ask(&ana, &PEOPLE_INVITE, &of("clinic")).await.unwrap_err();
    assert_eq!(
        refusal.needs,
        Needs::StepUp { within_minutes: 5 },
        "the profile's five minutes, not the baseline's ten"
    );
    // A tenant that sets more than the profile gets the profile's; one that sets less gets its own.
    world.set(Some("clinic"), |settings| settings.limits.idle_minutes = 59).await;
    let met = |limits: Limits| (limits.idle_minutes, limits.step_up_minutes);
    let clinic = "clinic".parse().unwrap();
    assert_eq!(met(world.access.limits_at(Some(&clinic)).await.unwrap()), (15, 5));
    world.set(Some("clinic"), |settings| settings.limits.idle_minutes = 10).await;
    assert_eq!(met(world.access.limits_at(Some(&clinic)).await.unwrap()), (10, 5));
    world.set(None, |settings| settings.limits.idle_minutes = 7).await;
    assert_eq!(met(world.access.limits_at(Some(&clinic)).await.unwrap()), (7, 5));
    world.pass(7);
    let idle = Caller { now: Timestamp(ana.now.0 + 7 * 60_000), ..ana };
    assert_eq!(why(world.ask(&idle, &INSTALLATIONS_LIST, &of("clinic")).await), Why::SessionOver);
}

#[tokio::test]
async fn an_address_must_be_in_a_network_of_every_layer() {
    let world = World::new();
    let (_, token) = world.joined("ana@acme.example", Some(ACME), "owner").await;
    let list = |texts: &[&str]| texts.iter().map(|text| text.parse().unwrap()).collect::<Vec<_>>();
    world.set(None, |s| s.limits.networks = vec![list(&["192.0.2.0/24", "2001:db8::/32"])]).await;
    world.set(Some(ACME), |s| s.limits.networks = vec![list(&["192.0.2.0/28", "198.51.100.0/24"])]).await;
    let ana = world.known(&token).await.unwrap().caller;
    for (address, inside) in [
        ("192.0.2.7", true),
        ("::ffff:192.0.2.7", true),
        ("192.0.2.100", false),
        ("198.51.100.1", false),
        ("2001:db8::1", false),
        ("203.0.113.1", false),
    ] {
        let from = Caller { address: Some(address.parse().unwrap()), ..ana.clone() };
        let outcome = world.ask(&from, &INSTALLATIONS_LIST, &of(ACME)).await;
        assert_eq!(outcome.err().map(|refusal| refusal.rule), (!inside).then_some(Why::Address), "{address}");
        // The operator's token is an interface like any other.
        let operator = Caller::with_operator_token(ana.actor.clone(), address.parse().unwrap(), ana.now);
        assert_eq!(world.ask(&operator, &INSTALLATIONS_LIST, &of(ACME)).await.is_ok(), inside, "{address}");
    }
    assert_eq!(world.ask(&world.operator(), &INSTALLATIONS_LIST, &of(ACME)).await, Ok(()), "at the terminal");
    let nowhere = Caller { address: None, ..ana.clone() };
    assert_eq!(why(world.ask(&nowhere, &INSTALLATIONS_LIST, &of(ACME)).await), Why::Address);
    let elsewhere = Caller { address: Some("203.0.113.1".parse().unwrap()), ..ana };
    let role = world.ask(&elsewhere, &RELEASES_PUBLISH, &of(ACME)).await.unwrap_err();
    assert_eq!(role.rule, Why::Address, "the place refuses before it says anything about roles");
}

#[tokio::test]
async fn support_is_in_while_the_tenant_lets_it_in_and_looks_unless_it_may_change() {
    let world = World::new();
    let (_, token) = world.joined("sam@platform.example", None, "support").await;
    let sam = |world: &World| {
        let token = token.clone();
        let access = world.access.clone();
        async move { access.known(&token, "192.0.2.7".parse().unwrap()).await.unwrap().unwrap().caller }
    };
    let before = sam(&world).await;
    assert_eq!(why(world.ask(&before, &INSTALLATIONS_LIST, &of(ACME)).await), Why::NoRole);
    let (acme, operator) = (ACME.parse().unwrap(), world.operator());
    let until = |minutes: i64| Timestamp(operator.now.0 + minutes * 60_000);
    let looks = world.access.grant_support(&operator, &acme, until(10), false, "case 12").await.unwrap();
    let inside = sam(&world).await;
    assert_eq!(world.ask(&inside, &INSTALLATIONS_LIST, &of(ACME)).await, Ok(()));
    assert_eq!(why(world.ask(&inside, &INSTALLATIONS_LIST, &of("other")).await), Why::NoRole);
    assert_eq!(why(world.ask(&inside, &DELIVERIES_RETRY, &of(ACME)).await), Why::SupportReadsOnly);
    assert_eq!(why(world.ask(&inside, &AUDIT_EXPORT, &of(ACME)).await), Why::NoRole);
    // A second grant that lets more happen does not widen the first (ACC-9).
    let more = world.access.grant_support(&operator, &acme, until(60), true, "case 12").await.unwrap();
    assert_eq!(why(world.ask(&sam(&world).await, &DELIVERIES_RETRY, &of(ACME)).await), Why::SupportReadsOnly);
    world.access.end_support(&operator, &acme, &looks.id).await.unwrap();
    let changes = sam(&world).await;
    assert_eq!(world.ask(&changes, &DELIVERIES_RETRY, &of(ACME)).await, Ok(()));
    assert_eq!(world.ask(&changes, &INSTALLATIONS_SUSPEND, &of(ACME)).await, Ok(()));
    assert_eq!(why(world.ask(&changes, &CONNECTIONS_REVOKE, &of(ACME)).await), Why::NoRole);
    // Ended: with the next request. A caller that was made before does not outlive the grant's own time either.
    world.access.end_support(&operator, &acme, &more.id).await.unwrap();
    assert_eq!(why(world.ask(&sam(&world).await, &INSTALLATIONS_LIST, &of(ACME)).await), Why::NoRole);
    let late = Caller { now: until(60), session_times: Some((until(60), until(60))), ..changes };
    assert_eq!(why(world.ask(&late, &INSTALLATIONS_LIST, &of(ACME)).await), Why::NoRole);
    // Nobody is made support of a tenant by a role of that tenant.
    let inside = crate::testing::invitation("eve@acme.example", Some(ACME), "support");
    assert!(world.access.invite(&operator, inside).await.is_err());
}

#[tokio::test]
async fn single_sign_on_shuts_native_sign_in_out_but_for_the_owner_behind_the_glass() {
    let world = World::new();
    let (_, ana) = world.joined("ana@acme.example", Some(ACME), "owner").await;
    let mut glass = crate::testing::invitation("gil@acme.example", Some(ACME), "owner");
    glass.break_glass = true;
    let invited = world.access.invite(&world.operator(), glass).await.unwrap();
    assert!(invited.invitation.break_glass);
    let person = world.access.invitee(&invited.invitation).await.unwrap();
    let (body, now, rng) = (serde_json::Value::Null, world.clock.now(), world.access.rng.as_ref());
    let key = crate::factors::new(FactorKind::Passkey, &person.id, "", Some("gils".into()), body, now, rng);
    let gil = world.access.join(&invited.token, key, &crate::testing::seen()).await.unwrap().token.to_string();
    let provider = Provider {
        issuer: "https://login.acme.example".into(),
        client_id: "portcullis".into(),
        only: true,
        mfa_acr: Vec::new(),
        mfa_amr: Vec::new(),
        needs_mfa: false,
        max_age_minutes: None,
    };
    world.set(Some(ACME), |settings| settings.provider = Some(Provider { only: false, ..provider.clone() })).await;
    let beside = world.known(&ana).await.unwrap().caller;
    assert_eq!(world.ask(&beside, &INSTALLATIONS_LIST, &of(ACME)).await, Ok(()), "passkeys work beside it");
    world.set(Some(ACME), |settings| settings.provider = Some(provider)).await;
    let native = world.known(&ana).await.unwrap().caller;
    assert_eq!(why(world.ask(&native, &INSTALLATIONS_LIST, &of(ACME)).await), Why::SingleSignOn);
    // Nor does a member go around it by being let in as support too.
    let mut both = native.clone();
    let portcullis_model::people::Reach::Holdings(holdings) = &mut both.reach else { panic!() };
    let mut support = holdings[0].clone();
    (support.role, support.support) = ("support".parse().unwrap(), Some(("sup_1".parse().unwrap(), true)));
    holdings.insert(0, support);
    assert_eq!(why(world.ask(&both, &INSTALLATIONS_LIST, &of(ACME)).await), Why::SingleSignOn);
    let behind = world.known(&gil).await.unwrap().caller;
    assert_eq!(world.ask(&behind, &INSTALLATIONS_LIST, &of(ACME)).await, Ok(()));
    // A provider speaks for its own tenant: a role elsewhere is out of its reach, even where the caller says to hold one.
    let other = portcullis_model::people::SignIn::Provider { tenant: "other".parse().unwrap() };
    let foreign = Caller { sign_in: Some(other), ..behind };
    assert_eq!(why(world.ask(&foreign, &INSTALLATIONS_LIST, &of(ACME)).await), Why::SingleSignOn);
}

#[tokio::test]
async fn a_tenants_own_role_permits_what_it_says_on_what_it_names() {
    let world = World::new();
    let acme = ACME.parse().unwrap();
    let rule = |forbid, actions: &[&str], only: &[&str]| Rule {
        forbid,
        actions: actions.iter().map(|name| (*name).to_owned()).collect(),
        only: only.iter().map(|name| (*name).to_owned()).collect(),
    };
    let rules = vec![
        rule(false, &["installations.get", "installations.list", "installations.suspend"], &[]),
        rule(true, &["installations.suspend"], &["installation:ins_crown"]),
        rule(false, &["audit.export"], &["log:acme"]),
    ];
    let role = "night-watch".parse().unwrap();
    world.access.put_role(&world.operator(), &acme, &role, "Watches at night", rules).await.unwrap();
    let (_, token) = world.joined("nia@acme.example", Some(ACME), "night-watch").await;
    let nia = world.known(&token).await.unwrap().caller;
    assert_eq!(world.ask(&nia, &INSTALLATIONS_GET, &of(ACME).named("ins_1")).await, Ok(()));
    assert_eq!(world.ask(&nia, &INSTALLATIONS_SUSPEND, &of(ACME).named("ins_1")).await, Ok(()));
    let crown = of(ACME).named("ins_crown");
    assert_eq!(why(world.ask(&nia, &INSTALLATIONS_SUSPEND, &crown).await), Why::NoRole, "what is forbidden stays so");
    let log = |id: &str| Resource::of(ACME.parse().unwrap(), "log").named(id);
    assert_eq!(world.ask(&nia, &AUDIT_EXPORT, &log("acme")).await, Ok(()));
    assert_eq!(why(world.ask(&nia, &AUDIT_EXPORT, &log("other")).await), Why::NoRole);
    assert_eq!(why(world.ask(&nia, &INSTALLATIONS_LIST, &of("other")).await), Why::NoRole);
    let refusal = world.ask(&nia, &INSTALLATIONS_INSTALL, &of(ACME)).await.unwrap_err();
    let Needs::Role { one_of } = refusal.needs else { panic!("{refusal:?}") };
    assert_eq!(one_of.iter().map(|role| role.as_str()).collect::<Vec<_>>(), ["owner", "admin"]);
    let nobody = Caller { reach: portcullis_model::people::Reach::Holdings(Vec::new()), ..nia };
    let refusal = world.ask(&nobody, &INSTALLATIONS_GET, &of(ACME)).await.unwrap_err();
    let Needs::Role { one_of } = refusal.needs else { panic!() };
    assert!(one_of.contains(&role));
}

#[tokio::test]
async fn a_role_that_is_not_valid_or_would_govern_is_not_stored() {
    let world = World::new();
    let acme = ACME.parse().unwrap();
    let rules = |actions: &[&str], only: &[&str]| {
        vec![Rule {
            forbid: false,
            actions: actions.iter().map(|name| (*name).to_owned()).collect(),
            only: only.iter().map(|name| (*name).to_owned()).collect(),
        }]
    };
    let evil = "x\"] || true].contains(\"";
    for (name, rules) in [
        ("owner", rules(&["audit.list"], &[])),
        ("watch", rules(&["audit.destroy"], &[])),
        ("watch", rules(&["people.role.change"], &[])),
        ("watch", rules(&["roles.change"], &[])),
        ("watch", rules(&["audit.list"], &[evil])),
        ("watch", rules(&["audit.list"], &["installation"])),
        ("watch", rules(&[], &[])),
        ("watch", Vec::new()),
    ] {
        let put =
            world.access.put_role(&world.operator(), &acme, &name.parse().unwrap(), "A test", rules.clone()).await;
        assert!(put.is_err(), "{name}: {rules:?}");
    }
    // Nor by somebody who may do less. An admin makes no roles at all; automation has what its scopes say.
    let (_, token) = world.joined("ana@acme.example", Some(ACME), "owner").await;
    let mut ana = world.known(&token).await.unwrap().caller;
    let put =
        world.access.put_role(&ana, &acme, &"watch".parse().unwrap(), "A test", rules(&["tenants.create"], &[])).await;
    assert!(put.is_err(), "what an owner of a tenant may not do is not theirs to give");
    ana.principal = portcullis_model::people::Principal::Automation("cli_1".parse().unwrap());
    ana.scopes = vec!["roles.change".into(), "audit.list".into()];
    let put = |actions: &'static [&'static str]| {
        let (access, ana, acme) = (world.access.clone(), ana.clone(), acme.clone());
        async move { access.put_role(&ana, &acme, &"watch".parse().unwrap(), "A test", rules(actions, &[])).await }
    };
    assert!(put(&["audit.list", "audit.get"]).await.is_err());
    assert!(put(&["audit.list"]).await.is_ok());
}
