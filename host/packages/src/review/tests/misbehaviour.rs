//! Reports of misbehaviour.

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::ActId,
    installation::{Installation, InstallationState},
    limits::Limits,
    review::ReviewStore as _,
    time::Timestamp,
};

use super::world::{Hand, Rows, World};
use crate::{
    review::misbehaviour::{MAX_EVIDENCE, Reports, reporters, told},
    testing::Fixed,
};

fn installation(world: &World, tenant: &str) -> Installation {
    let id = world.files.stored.id();
    Installation {
        id: format!("ins_{tenant}").parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        plugin: "com.example.card-guard".parse().unwrap(),
        release: id.component,
        manifest: id.manifest,
        version: "1.2.0".into(),
        number: 3,
        state: InstallationState::Active,
        granted: Vec::new(),
        limits: Limits::default(),
        upgrades: portcullis_model::upgrade::UpgradePolicy::default(),
        previous: None,
        waiting: None,
        rolled_back: None,
        generation: 1,
    }
}

fn reports<'a>(rows: &'a Rows, clock: &'a Hand, rng: &'a Fixed) -> Reports<'a> {
    Reports { reviews: rows, clock, rng, actor: Actor::Person { name: "mallory".into() } }
}

fn act(of: &Installation) -> (ActId, Option<Entry>) {
    let actor = Actor::Plugin {
        installation: of.id.clone(),
        plugin: of.plugin.clone(),
        release: of.release,
        call: "call_1".parse().unwrap(),
    };
    let entry = Entry::new(Timestamp(0), Kind::ActPermitted, actor, Some(of.tenant.clone()));
    ("call_1.1".parse().unwrap(), Some(entry))
}

#[tokio::test]
async fn others_hear_that_and_not_who() {
    let (world, rng) = (World::needing(0), Fixed::new());
    let reports = reports(&world.rows, &world.clock, &rng);
    let (acme, zeta) = (installation(&world, "acme"), installation(&world, "zeta"));
    let one = reports.report(&acme, "sends names to evil.example", vec![act(&acme)]).await.unwrap();
    let entry = world.rows.entries.lock().unwrap().last().unwrap().clone();
    assert_eq!((entry.kind, entry.tenant), (Kind::PluginReported, Some(acme.tenant.clone())));
    let other = told(&one, &zeta.tenant);
    assert_eq!(other, "com.example.card-guard 1.2.0 (release 3) was reported for misbehaviour, under review");
    assert!(told(&one, &acme.tenant).starts_with("you reported com.example.card-guard"));

    for (note, public) in
        [("x", "as acme says"), ("x", "see ins_acme"), ("x", "Mallory was right"), ("", "x"), ("x", "")]
    {
        assert!(reports.resolve(&one.id, note, public).await.is_err(), "{note} | {public}");
    }
    let done = reports.resolve(&one.id, "acme is right", "release 4 mends that").await.unwrap();
    let words = "com.example.card-guard 1.2.0 (release 3) was reported for misbehaviour; the reviewer says: release 4 mends that";
    assert_eq!((told(&done, &zeta.tenant), told(&done, &acme.tenant)), (words.to_owned(), words.to_owned()));
    let again = reports.resolve(&one.id, "x", "y").await.unwrap_err().to_string();
    assert!(again.contains("is resolved already"), "{again}");
    assert!(reports.resolve(&"rep_none".parse().unwrap(), "x", "y").await.is_err());
}

#[tokio::test]
async fn tenants_are_counted_not_reports() {
    let (world, rng) = (World::needing(0), Fixed::new());
    let reports = reports(&world.rows, &world.clock, &rng);
    let (acme, zeta) = (installation(&world, "acme"), installation(&world, "zeta"));
    let release = acme.release_id();
    let count = async || reporters(&world.rows.misbehaviours().await.unwrap(), &release);
    let first = reports.report(&acme, "a", Vec::new()).await.unwrap();
    let second = reports.report(&acme, "b", Vec::new()).await.unwrap();
    assert_eq!(count().await, 1);
    reports.report(&zeta, "c", Vec::new()).await.unwrap();
    assert_eq!(count().await, 2);
    for one in [first, second] {
        reports.resolve(&one.id, "no", "nothing was found").await.unwrap();
    }
    assert_eq!(count().await, 1, "what was looked into counts no more");
    let other = Installation { manifest: portcullis_model::id::Digest::of(b"x"), ..acme };
    reports.report(&other, "d", Vec::new()).await.unwrap();
    assert_eq!(count().await, 1, "another release's");
}

#[tokio::test]
async fn evidence_is_of_this_installation_and_reports_have_an_end() {
    let (world, rng) = (World::needing(0), Fixed::new());
    let reports = reports(&world.rows, &world.clock, &rng);
    let (acme, zeta) = (installation(&world, "acme"), installation(&world, "zeta"));
    let (id, _) = act(&acme);
    for evidence in [vec![act(&zeta)], vec![(id, None)], vec![act(&acme), act(&zeta)]] {
        let error = reports.report(&acme, "x", evidence).await.unwrap_err().to_string();
        assert!(error.contains("is no act of this installation"), "{error}");
    }
    let many = vec![act(&acme); MAX_EVIDENCE + 1];
    assert!(reports.report(&acme, "x", many).await.unwrap_err().to_string().contains("20 at most"));
    for _ in 0..portcullis_model::review::MOST_OPEN {
        reports.report(&acme, "x", Vec::new()).await.unwrap();
    }
    let error = reports.report(&acme, "x", Vec::new()).await.unwrap_err().to_string();
    assert!(error.contains("nobody looked into yet: 10 at most"), "{error}");
    assert!(reports.report(&zeta, "x", Vec::new()).await.is_ok());
    assert!(reports.report(&zeta, "a\nb", Vec::new()).await.is_err());
}
