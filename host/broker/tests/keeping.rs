//! From a provider's answer to the stored credential: who comes in between, what dies on the way, and what is left then.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "support/consents.rs"]
#[expect(dead_code, reason = "shared with the other tests of consents")]
mod consents;
#[path = "support/server.rs"]
#[expect(dead_code, reason = "shared with the tests of the one door out")]
mod server;

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use consents::{Gate, Hand, Office, key, origin, secret, wanted};
use portcullis_broker::{
    consent::{Answered, ConsentError, KEEP_MS, Keeps as _, Session},
    egress::{Config, Plaintext, Private},
    issue::{Credential, Issuer as _},
    place::Place,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::Origin,
    consent::{Consent, ConsentStore as _, Stage},
    installation::InstallationState,
    risk::AcceptedRisk,
    time::Timestamp,
};
use server::Server;

const BASE: &str = "https://host.example";

async fn both() -> (Server, Office) {
    let server = Server::start().await;
    let host = "chat.example.test".to_owned();
    let private = vec![Private { host, address: server.address, ca_pem: Some(server.ca_pem.clone()) }];
    let office = Office::new(&Config { private, ..Config::default() }, Hand(AtomicI64::new(1_000_000)));
    (server, office)
}

/// A provider that issues, and revokes where `revokes`.
fn provider(revokes: bool) -> Origin {
    let mut settings = vec![
        ("authorize-url", "https://chat.example.test/authorize"),
        ("token-url", "https://chat.example.test/token"),
        ("client-id", "portcullis"),
    ];
    settings.extend(revokes.then_some(("revoke-url", "https://chat.example.test/revoke")));
    origin("oauth2", &settings, &["read"])
}

#[tokio::test]
async fn no_secret_is_sent_to_a_provider_without_tls_whatever_is_configured_for_plugins() {
    let risk = AcceptedRisk {
        reason: "the old switchboard has no TLS".into(),
        accepted_by: "dana".into(),
        until: Timestamp(i64::MAX),
    };
    let (host, address) = ("chat.example.test".to_owned(), "127.0.0.1:9".parse().unwrap());
    let plaintext = vec![Plaintext { host, address, credentials: true, risk }];
    let office = Office::new(&Config { plaintext, ..Config::default() }, Hand(AtomicI64::new(1_000_000)));
    let credential = Credential { refresh: Some(secret("refresh-of-ours")), ..Credential::default() };
    let credential = Credential { client: Some(secret("client-secret-of-ours")), ..credential };
    let error = office.upstream.renew(&provider(false), &credential).await.unwrap_err().to_string();
    assert!(error.contains("without TLS"), "{error}");
}

fn revocations(server: &Server) -> usize {
    server.arrived().iter().filter(|one| one.text.starts_with("POST /revoke ")).count()
}

async fn link(office: &Office, origin: Origin) -> String {
    let wanted = wanted("api", origin, "api.example.test", BASE);
    let asked = office.desk.ask(wanted, Some(secret("client-secret-of-ours"))).await.unwrap();
    asked.link.strip_prefix("https://host.example/connect/").unwrap().to_owned()
}

/// Goes to the provider, and comes back with a code.
async fn begun(office: &Office, link: &str) -> (Consent, Session, Answered) {
    let (consent, _) = office.desk.open(link).await.unwrap();
    let session = office.desk.session();
    let url = office.desk.begin(link, &session, &session.form_token(&consent.id)).await.unwrap();
    let query = url.split_once('?').unwrap().1;
    let state = query.split('&').find_map(|pair| pair.strip_prefix("state=")).unwrap();
    let answered = Answered { state: Some(secret(state)), code: Some(secret("code")), ..Answered::default() };
    (consent, session, answered)
}

fn ended(stage: &Stage) -> &str {
    match stage {
        Stage::Ended { why, .. } => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_is_issued_for_a_superseded_consent_is_revoked_and_not_stored() {
    let (server, office) = both().await;
    let (_, session, answered) = begun(&office, &link(&office, provider(true)).await).await;
    let gate = Arc::new(Gate::default());
    *office.safe.gate.lock().unwrap() = Some(gate.clone());
    let finished = office.desk.finish(answered, |_| Some(session.clone()));
    let anew = async {
        gate.there.notified().await;
        let anew = link(&office, provider(true)).await;
        gate.go.notify_one();
        anew
    };
    let (finished, anew) = tokio::join!(finished, anew);
    assert!(office.safe.kept.lock().unwrap().is_empty(), "nothing of the old consent is in use");
    let finished = finished.unwrap();
    let why = ended(&finished.stage);
    assert!(why.contains("asked for anew") && why.contains("it was revoked"), "{why}");
    assert!(revocations(&server) > 0);
    assert_eq!(office.desk.outcome(&finished.id, &session).await.unwrap(), finished, "its browser is told so");
    // The new one is not disturbed.
    let (_, session, answered) = begun(&office, &anew).await;
    let given = office.desk.finish(answered, |_| Some(session.clone())).await.unwrap();
    assert!(matches!(given.stage, Stage::Given { .. }), "{:?}", given.stage);
    assert_eq!(office.safe.kept.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_is_stored_counts_as_given_even_where_that_cannot_be_written_at_once() {
    let (server, office) = both().await;
    let (consent, session, answered) = begun(&office, &link(&office, provider(true)).await).await;
    office.store.full.store(true, Ordering::SeqCst);
    let finished = office.desk.finish(answered, |_| Some(session.clone())).await;
    assert!(matches!(finished, Err(ConsentError::Store(_))), "{finished:?}");
    office.store.full.store(false, Ordering::SeqCst);
    assert_eq!((office.safe.kept.lock().unwrap().len(), revocations(&server)), (1, 0));
    // A new link does not end it, and the sweep leaves it alone while somebody may be at it.
    link(&office, provider(true)).await;
    assert_eq!(office.desk.sweep().await.unwrap(), 0);
    office.clock.pass(KEEP_MS);
    assert_eq!(office.desk.sweep().await.unwrap(), 1);
    let given = office.desk.outcome(&consent.id, &session).await.unwrap();
    assert!(matches!(given.stage, Stage::Given { .. }), "{:?}", given.stage);
    assert_eq!(office.safe.held.lock().unwrap().len(), 1, "the new link's alone");
}

#[tokio::test]
async fn a_process_that_died_before_it_stored_has_given_nothing() {
    let (_server, office) = both().await;
    let (consent, session, _) = begun(&office, &link(&office, provider(true)).await).await;
    let asked = office.store.consent(&consent.id).await.unwrap().unwrap();
    let since = Timestamp(1_000_000);
    let stage = Stage::Keeping { session: session.digest(), since, missing: Vec::new() };
    let entry = |time, kind| Entry::new(Timestamp(time), kind, Actor::Host, None);
    let claimed = Consent { stage, revision: asked.revision + 1, ..asked.clone() };
    assert!(office.store.put_consent(claimed, Some(asked.revision), entry(0, Kind::ConsentBegun)).await.unwrap());
    // The credential of before was renewed meanwhile: that is none of this consent.
    let credential = Credential { access: Some(secret("renewed-since-then")), ..Credential::default() };
    let place = Place::bearer("api.example.test");
    let renewed = entry(since.0 + 1, Kind::ConnectionRenewed);
    office.safe.put(&key("api"), &place, &provider(true), credential, None, renewed).await.unwrap();
    office.clock.pass(KEEP_MS);
    assert_eq!(office.desk.sweep().await.unwrap(), 1);
    let over = office.desk.outcome(&consent.id, &session).await.unwrap();
    assert!(ended(&over.stage).contains("end it at the provider"), "{:?}", over.stage);
    assert!(office.safe.held.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_secret_that_was_held_for_a_consent_does_not_outlive_it() {
    let (_server, office) = both().await;
    let (consent, ..) = begun(&office, &link(&office, provider(true)).await).await;
    let open = office.store.consent(&consent.id).await.unwrap().unwrap();
    office.desk.sweep().await.unwrap();
    assert_eq!(office.safe.held.lock().unwrap().len(), 1, "it is open");
    // The process died between the consent's end and the next step.
    let stage = Stage::Ended { session: None, denied: true, why: "no".into() };
    let over = Consent { stage, revision: open.revision + 1, ..open.clone() };
    let entry = Entry::new(Timestamp(0), Kind::ConsentEnded, Actor::Host, None);
    assert!(office.store.put_consent(over, Some(open.revision), entry).await.unwrap());
    assert_eq!(office.desk.sweep().await.unwrap(), 0, "it has ended already");
    assert!(office.safe.held.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_provider_that_revokes_nothing_is_not_said_to_have_revoked() {
    for (revokes, says) in [(true, "it was revoked"), (false, "the provider offers no way to revoke it: end it there")]
    {
        let (_server, office) = both().await;
        let (_, session, answered) = begun(&office, &link(&office, provider(revokes)).await).await;
        office.safe.broken.store(true, Ordering::SeqCst);
        let over = office.desk.finish(answered, |_| Some(session.clone())).await.unwrap();
        assert!(ended(&over.stage).contains(&format!("(the disk is full); {says}")), "{:?}", over.stage);
    }
}

#[tokio::test]
async fn nothing_is_connected_for_a_plugin_that_does_not_run() {
    let suspended = InstallationState::Suspended { reason: "x".into(), by_platform: false };
    let gone =
        InstallationState::Uninstalled { since: Timestamp(1), purge_at: Timestamp(2), reason: "x".into(), held: None };
    let erased = InstallationState::Erased { at: Timestamp(3), held: None };
    for (state, says) in [(suspended, "is suspended"), (gone, "was uninstalled"), (erased, "was uninstalled")] {
        let (server, office) = both().await;
        let (_, session, answered) = begun(&office, &link(&office, provider(true)).await).await;
        let other = wanted("other", provider(true), "api.example.test", BASE);
        let ask = || office.desk.ask(other.clone(), Some(secret("client-secret-of-ours")));
        let waiting = ask().await.unwrap();
        let waiting = waiting.link.strip_prefix("https://host.example/connect/").unwrap();
        *office.installed.0.lock().unwrap() = state;
        let unfit = |error: ConsentError| assert!(error.to_string().contains(says), "{error}");
        unfit(ask().await.unwrap_err());
        unfit(office.desk.open(waiting).await.unwrap_err());
        unfit(office.desk.begin(waiting, &session, "any").await.unwrap_err());
        let over = office.desk.finish(answered, |_| Some(session.clone())).await.unwrap();
        assert!(ended(&over.stage).contains(says), "{:?}", over.stage);
        assert!(server.arrived().is_empty(), "the provider was not asked");
        assert!(office.safe.kept.lock().unwrap().is_empty());
    }
}
