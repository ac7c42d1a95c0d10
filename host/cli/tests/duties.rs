//! Profiles, accepted risks and postures on a real host: what a profile narrows, what a running host notices, what of it is published.
#![expect(clippy::unwrap_used, reason = "a test")]

mod fixture;

use std::{collections::BTreeMap, path::Path, process::Command, sync::Arc, time::Duration};

use portcullis_broker::place::Place;
use portcullis_cli::{
    commands::init,
    connect::connecting,
    duties,
    home::Home,
    host::{Host, RULES, person},
    reading::LogReader,
};
use portcullis_duties::look::{Look as _, Turn};
use portcullis_model::{
    audit::Kind,
    authority::Layer,
    connection::ConnectionKey,
    duty::{DutyStore as _, Party, RiskAbout, TenantRules as _},
    egress::Destination,
    id::{Digest, TenantId},
    installation::{Installation, InstallationStore as _},
    limits::Limits,
    release::VerifiedRelease,
    risk::AcceptedRisk,
    scope::ScopeText,
    secret::Secret,
    time::Timestamp,
};

const CHAT: &str = "http:send methods=POST to=https://chat.example/*";

fn scopes() -> Vec<ScopeText> {
    vec![CHAT.parse().unwrap(), "tickets:read fields=subject,comments".parse().unwrap()]
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn installation(id: &str, tenant: &str) -> Installation {
    Installation { granted: scopes(), ..fixture::installation(id, tenant, "com.example.chat") }
}

/// A release that says that its chat is in the United States.
fn release() -> VerifiedRelease {
    VerifiedRelease {
        digest: Digest::of(b"component"),
        plugin: "com.example.chat".parse().unwrap(),
        publisher: "com.example".parse().unwrap(),
        version: "1.0.0".into(),
        number: 1,
        asked: scopes(),
        reviewed: None,
        until: Timestamp(i64::MAX),
        limits: Limits::default(),
        destinations: vec![Destination { host: "chat.example".into(), region: "US".parse().unwrap() }],
    }
}

async fn host(dir: &Path) -> Host {
    let config = "[[egress.plaintext]]\nhost = 'chat.example'\naddress = '10.1.2.3:80'\nreason = 'the old switchboard has no TLS'\n\
                  accepted-by = 'lee'\nuntil = '2099-01-01T00:00:00Z'\n";
    let host = init::create(Home::at(dir.join("home")), config).await.unwrap();
    for (id, tenant) in [("ins_1", "acme"), ("ins_2", "other")] {
        let entry = host.entry(Kind::PluginInstalled, Some(tenant.parse().unwrap()));
        assert!(host.store.put_installation(installation(id, tenant), None, entry).await.unwrap());
    }
    host
}

/// The person at the keyboard, who acts under this name.
fn at_the_keyboard(name: &str) -> portcullis_duties::desk::Who {
    portcullis_duties::desk::Who {
        actor: portcullis_cli::host::person(),
        name: name.into(),
        party: Party::Subscriber,
        factors: None,
    }
}

async fn turn_on(host: &Host, profile: &str) {
    let who = at_the_keyboard("Dana");
    let on = duties::desk(host).turn_on(&who, acme(), profile.parse().unwrap(), "data about health").await.unwrap();
    assert!(on);
}

async fn current(host: &Host, id: &str) -> Installation {
    host.store.installations().await.unwrap().into_iter().find(|one| one.id.as_str() == id).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_profile_narrows_what_is_decided_in_its_tenant_alone_from_the_next_call_on() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    // What a running host has, which another process's act must reach.
    let bounds = host.bounds();
    let standing = |of: Installation| RULES.catalogue.standing(&bounds.layers(&release(), &of), &CHAT.parse().unwrap());
    assert!(standing(current(&host, "ins_1").await).unwrap().narrowed_by.is_none());
    let before = current(&host, "ins_1").await.generation;

    let other = Host::open(Home::at(dir.path().join("home"))).await.unwrap();
    turn_on(&other, "eea-only").await;
    turn_on(&other, "payment").await;
    assert!(current(&host, "ins_1").await.generation > before, "what was made of its old authority is stale");
    bounds.refresh().await.unwrap();
    let now = standing(current(&host, "ins_1").await).unwrap();
    assert_eq!(now.narrowed_by, Some(Layer::Profile), "{now:?}");
    assert!(
        now.left.iter().all(|scope| scope.values("barred") == ["US:EEA"]),
        "what is barred allows nothing: {now:?}"
    );
    assert!(bounds.rules(&acme()).cover_cards);
    assert!(standing(current(&host, "ins_2").await).unwrap().narrowed_by.is_none(), "another tenant's");
    assert!(!bounds.rules(&"other".parse().unwrap()).cover_cards);
    let barred = bounds.barred(&acme(), &scopes(), &release().destinations);
    assert_eq!(barred[0].to_string(), "chat.example is declared to be in US");

    let who = at_the_keyboard("Dana");
    let desk = duties::desk(&other);
    assert!(desk.turn_off(&who, acme(), "eea-only".parse().unwrap(), "moved elsewhere").await.unwrap());
    bounds.refresh().await.unwrap();
    assert!(standing(current(&host, "ins_1").await).unwrap().narrowed_by.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_change_is_said_before_and_what_changed_is_noticed_once() {
    let dir = tempfile::tempdir().unwrap();
    let host = host(dir.path()).await;
    let until = host.clock.now().plus(Duration::from_secs(86_400));
    let risk = AcceptedRisk { reason: "it has no OAuth yet".into(), accepted_by: "lee".into(), until };
    let to = current(&host, "ins_1").await;
    let place = Place::bearer("crm.example");
    let key = ConnectionKey::of(&to, "crm").unwrap();
    let token = Secret::new(b"a-static-token-of-the-crm".to_vec());
    connecting(&host).keep(&key, &place, token, risk, person()).await.unwrap();

    let turn = Turn { profile: "healthcare".parse().unwrap(), on: true };
    let changes = duties::turned(&host, &acme(), &turn).await.unwrap();
    let said: Vec<&str> = changes.iter().map(|one| one.what.as_str()).collect();
    assert_eq!(
        said,
        [
            "requests with the static token 'crm' are refused until its risk is approved",
            "requests to chat.example without TLS are refused until that risk is approved"
        ]
    );

    let reader = Arc::new(LogReader::new(&host.home, host.store.clone()));
    let lookout = duties::Lookout::new(&host, &reader);
    let about = |name: &str| RiskAbout::Connection(ConnectionKey { name: name.to_owned(), ..key.clone() });
    assert_eq!(lookout.unfit(&about("crm")).await.unwrap(), None);
    assert!(lookout.unfit(&about("drm")).await.unwrap().unwrap().contains("no connection 'drm'"));
    assert_eq!(lookout.elsewhere().await.unwrap().len(), 2, "the token's own risk, and the host's");
    assert_eq!(duties::look(&host, reader.as_ref()).await.unwrap(), 0, "what is seen for the first time is no change");
    let (_, told) = lookout.turned(&acme(), &turn).await.unwrap();
    turn_on(&host, "healthcare").await;
    host.duties.refresh().await.unwrap();
    let stands = lookout.posture(&acme()).await.unwrap();
    assert_eq!(told.moves(), stands.moves(), "as it was said before");
    assert!(host.duties.static_token(&key, host.clock.now()).is_err());
    assert!(host.duties.without_tls(&acme(), "chat.example", host.clock.now()).is_err());
    duties::look(&host, reader.as_ref()).await.unwrap();

    let dana = at_the_keyboard("Dana");
    let same = at_the_keyboard("Erin");
    let erin = portcullis_duties::desk::Who {
        actor: portcullis_model::audit::Actor::Person { name: "erin".into() },
        ..same.clone()
    };
    let desk = duties::desk(&host);
    let about = RiskAbout::Connection(key.clone());
    let proposed =
        desk.propose(&dana, &"INT-3".parse().unwrap(), about, "their OAuth comes in spring", until).await.unwrap();
    assert!(desk.approve(&same, proposed.number).await.is_err(), "another name from the same account");
    desk.approve(&erin, proposed.number).await.unwrap();
    host.duties.refresh().await.unwrap();
    assert!(host.duties.static_token(&key, host.clock.now()).is_ok());
    assert!(host.duties.static_token(&key, until).is_err(), "at its very end");
    assert_eq!(duties::look(&host, reader.as_ref()).await.unwrap(), 1);
    assert_eq!(duties::look(&host, reader.as_ref()).await.unwrap(), 0);
    let posture = duties::posture(&host, reader.as_ref(), &acme()).await.unwrap();
    let states: BTreeMap<&str, &str> = posture.lines().map(|line| (line.key.as_str(), line.state.name())).collect();
    assert_eq!(states["healthcare/INT-3/oauth-only"], "accepted");
    assert_eq!(states["healthcare/DAT-5/tls-only"], "open");
    let changed = posture.lines().find(|line| line.key == "baseline/MON-7").unwrap();
    assert!(changed.evidence.iter().any(|one| one == "1 lines changed so far"), "{changed:?}");
    let on = posture.profiles.iter().find(|one| one.profile.as_str() == "healthcare").unwrap();
    assert!(on.lines[0].entries.len() == 1, "the entry that turned it on");
    assert_eq!(host.store.duty_state().await.unwrap().profiles.len(), 1);
}

/// The command, as a person gives it.
fn run(home: &Path, words: &[&str]) -> (bool, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_portcullis"))
        .arg("--home")
        .arg(home)
        .args(words)
        .env("USER", "root")
        .env_remove("PORTCULLIS_HOME")
        .output()
        .unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

#[test]
fn what_people_say_is_sealed_in_what_is_published() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("home");
    let (name, said) = ("Mara Exemplar", "Eve looked through all of it on Friday");
    for words in [
        &["init"][..],
        &["duty", "attest", "ACC-8", "--tenant", "acme", "--as", name, "--statement", said],
        &["profile", "set", "payment", "--tenant", "acme", "--as", name, "--reason", said],
    ] {
        let (fine, text) = run(&home, words);
        assert!(fine, "{words:?}: {text}");
    }
    let (fine, text) = run(&home, &["duty", "attest", "DAT-6", "--tenant", "acme", "--as", name, "--statement", said]);
    assert!(!fine && text.contains("nobody's word makes it so"), "{text}");
    let (_, posture) = run(&home, &["posture", "--tenant", "acme", "--evidence"]);
    assert!(posture.contains(&format!("{name} said so for the subscriber")), "{posture}");
    let mut files = vec![home.join("log")];
    let mut read = 0;
    while let Some(path) = files.pop() {
        if path.is_dir() {
            files.extend(std::fs::read_dir(path).unwrap().map(|one| one.unwrap().path()));
            continue;
        }
        let bytes = std::fs::read(&path).unwrap();
        read += bytes.len();
        for text in [name, said] {
            assert!(!bytes.windows(text.len()).any(|at| at == text.as_bytes()), "'{text}' is in {}", path.display());
        }
    }
    assert!(read > 500, "the log was published");
}
