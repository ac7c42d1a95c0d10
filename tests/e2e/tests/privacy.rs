//! Requests of data subjects, from the command's own functions to plugins and back (DAT-4, DAT-9).
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::{Duration, Instant},
};

use portcullis_cli::{
    admin::Keyboard,
    host::Host,
    parcel::{fetch, unpack},
    privacy::{Asked, carry_on, certify, close, one, open, verify},
};
use portcullis_e2e::{Lab, Package, TENANT, event};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    event::{Event, EventForm},
    id::PrivacyId,
    installation::Installation,
    privacy::{Identity, PartState, PrivacyKind, PrivacyRequest, PrivacyStore as _, Stage},
    queue::Queue as _,
    time::Timestamp,
};
use serde_json::json;

const SCOPES: [&str; 4] =
    ["log:write", "kv:read", "kv:write bytes=10KiB", "users:read fields=name,email,phone token=email"];
const USER: &str = "90100927777";
const MAIL: &str = "ada.of.privacy@example.com";
const NAME: &str = "Ada Of Privacy";

fn me() -> Actor {
    Actor::Host
}

fn asked(lab: &Lab, kind: PrivacyKind, within: Duration) -> Asked {
    let who = Identity { user: USER.into(), names: vec![NAME.into()], emails: vec![MAIL.into()], phones: vec![] };
    let correction = (kind == PrivacyKind::Correct).then(|| json!({ "name": "Ada P." }));
    Asked { tenant: TENANT.parse().unwrap(), kind, who, correction, deadline: lab.host.clock.now().plus(within) }
}

async fn until(host: &Host, id: &PrivacyId, is_so: impl Fn(&PrivacyRequest) -> bool) -> PrivacyRequest {
    let patience = Instant::now() + Duration::from_secs(60);
    loop {
        let request = one(host, id).await.unwrap();
        if is_so(&request) {
            return request;
        }
        assert!(Instant::now() < patience, "{request:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn found(dir: &Path, mark: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    all.flat_map(|path| {
        let is_named = path.file_name().unwrap().to_str().unwrap().contains(mark);
        let below = match path.is_dir() {
            true => found(&path, mark),
            false if fs::read(&path).unwrap().windows(mark.len()).any(|at| at == mark.as_bytes()) => vec![path.clone()],
            false => Vec::new(),
        };
        below.into_iter().chain(is_named.then_some(path)).collect::<Vec<_>>()
    })
    .collect()
}

/// Puts the person wherever an installation keeps anything.
async fn plant(lab: &Lab, guest: &Installation, mail: &str) {
    lab.call(guest, json!({ "user": USER })).await;
    let data = lab.host.home.files().join(guest.tenant.as_str()).join(guest.id.as_str()).join("data");
    fs::create_dir_all(data.join(mail)).unwrap();
    fs::write(data.join(mail).join("note.txt"), "x").unwrap();
    fs::write(data.join("list.csv"), format!("id;mail\n1;{mail}\n")).unwrap();
    fs::write(data.join("other.csv"), "id;mail\n1;bob@example.com\n").unwrap();
    let about = event(json!({ "user": USER, "requester_id": USER, "text": format!("please write to {mail}") }));
    let about = Event { tenant: guest.tenant.clone(), id: format!("planted-{}", guest.id), ..about };
    let entry = |kind| {
        let name = if mail == MAIL { NAME } else { "Eve Neighbour" };
        let by = Actor::Person { name: name.into() };
        Entry::new(Timestamp(0), kind, by, Some(guest.tenant.clone())).with("reason", format!("{mail} wrote"))
    };
    let targets = vec![guest.id.clone()];
    lab.host.store.ingest(about, targets, entry(Kind::EventReceived), entry(Kind::EventDuplicate)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_gets_what_is_held_and_then_nothing_of_it_is_left() {
    let lab = Lab::new().await;
    let package = Package::guest("answers_privacy", &SCOPES, "");
    let guest = lab.install(&package).await;
    let mute = lab.install(&Package::guest("echo", &["log:write"], "")).await;
    let neighbour = lab.install_in("globex", &package, None).await;
    plant(&lab, &guest, MAIL).await;
    plant(&lab, &neighbour, "eve@example.org").await;
    let running = lab.run().await;
    lab.settled(2).await;

    let access = open(&lab.host, asked(&lab, PrivacyKind::Access, Duration::from_secs(600)), me()).await.unwrap();
    let access = until(&lab.host, &access.id, PrivacyRequest::is_through).await;
    let part = |request: &PrivacyRequest, of: &Installation| {
        request.parts.iter().find(|part| part.installation == of.id).unwrap().state.clone()
    };
    assert!(matches!(part(&access, &guest), PartState::Done { records: 1, .. }), "{access:?}");
    assert_eq!(part(&access, &mute), PartState::NoHandler { contact: "mailto:help@example.test".into() });
    assert_eq!(access.parts.len(), 2, "the neighbour's tenant is not asked");
    let dir = lab.dir().join("for-ada");
    let path = format!("/privacy/requests/{}/export.tar", access.id);
    let (mut file, exported) = fetch(&Keyboard::of(&lab.host).unwrap(), &path, &dir).await.unwrap();
    fs::create_dir(&dir).unwrap();
    unpack(file.as_file_mut(), &dir).unwrap();
    let answer = fs::read_to_string(dir.join("answers").join(format!("{}.json", guest.id))).unwrap();
    assert!(answer.contains("likes tea"), "{answer}");
    let held = fs::read_to_string(dir.join("host.ndjson")).unwrap();
    for of in ["\"values\"", "\"events\"", "\"audit-values\"", "\"log-lines\""] {
        assert!(held.contains(of), "{of}: {held}");
    }
    assert!(!held.contains("eve@example.org") && !held.contains(neighbour.id.as_str()), "{held}");
    assert_eq!(exported.files.keys().filter(|path| path.starts_with("files/")).count(), 2, "{exported:?}");
    let refused = close(&lab.host, &access.id, None, me()).await.unwrap_err().to_string();
    assert!(refused.contains("not proven") && refused.contains(mute.id.as_str()), "{refused}");
    assert_eq!(close(&lab.host, &access.id, Some("asked by mail"), me()).await.unwrap().stage, Stage::Closed);

    let erase = open(&lab.host, asked(&lab, PrivacyKind::Erase, Duration::from_secs(600)), me()).await.unwrap();
    assert_eq!(erase.stage, Stage::Begun);
    let begun = carry_on(&lab.host, &erase.id).await.unwrap();
    assert_eq!(begun.stage, Stage::Asking);
    let held = begun.erased.unwrap();
    let of_guest = &held.installations[guest.id.as_str()];
    assert_eq!((of_guest["values"], of_guest["files"]), (1, 2), "{held:?}");
    assert!(held.tenant["requests"] == 1 && held.tenant["events"] >= 1 && held.tenant["audit-values"] >= 2, "{held:?}");
    let through = until(&lab.host, &erase.id, PrivacyRequest::is_through).await;
    assert_eq!(part(&through, &guest), PartState::NothingHeld, "the host was there first");
    let closed = close(&lab.host, &erase.id, Some("asked by mail"), me()).await.unwrap();
    assert_eq!((closed.stage, &closed.who), (Stage::Forgotten, &None));

    let certified = certify(&lab.host, &closed).await.unwrap();
    let file = lab.dir().join("certificate.json");
    fs::write(&file, &certified.envelope).unwrap();
    let (certificate, digest) = verify(&file, &certified.key).unwrap();
    assert_eq!((digest, certificate.unproven, certificate.parts.len()), (certified.digest, 1, 2));
    let entries = lab.host.store.entries(0, 100_000).await.unwrap();
    let kinds: Vec<Kind> = certificate.entries.iter().map(|at| entries[*at as usize].read().unwrap().kind).collect();
    for kind in [
        Kind::PrivacyRequested,
        Kind::PrivacyErased,
        Kind::PrivacyAnswered,
        Kind::PrivacyClosed,
        Kind::PrivacyForgotten,
    ] {
        assert!(kinds.contains(&kind), "{kind:?} of {kinds:?}");
    }
    fs::write(&file, certified.envelope.replace("\"payload\":\"", "\"payload\":\"AAAA")).unwrap();
    assert!(verify(&file, &certified.key).is_err());
    running.stop().await;

    let home = lab.host.home.dir().to_owned();
    let kept = lab.host.store.values_of(&neighbour, None, 10).await.unwrap();
    assert_eq!(
        kept.iter().map(|value| value.key.as_str()).collect::<Vec<_>>(),
        [USER],
        "another tenant's of the same id"
    );
    assert!(!found(&home, "eve@example.org").is_empty(), "what is another's is there to be found");
    assert_eq!(found(&home, "bob@example.com").len(), 2, "what is about others stays");
    for mark in [MAIL, NAME] {
        assert_eq!(found(&home, mark), Vec::<PathBuf>::new(), "{mark}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_puts_off_or_fails_is_asked_until_the_deadline_and_shown() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::guest("answers_privacy", &SCOPES, "")).await;
    lab.call(&guest, json!({ "user": USER })).await;
    let running = lab.run().await;
    let correct = open(&lab.host, asked(&lab, PrivacyKind::Correct, Duration::from_secs(4)), me()).await.unwrap();
    let restrict = open(&lab.host, asked(&lab, PrivacyKind::Restrict, Duration::from_secs(4)), me()).await.unwrap();
    let waits = until(&lab.host, &restrict.id, |request| request.parts[0].tries > 0).await;
    assert_eq!(
        (waits.parts[0].state == PartState::Waiting, &waits.parts[0].problem),
        (true, &None),
        "later is no failure"
    );
    let refused = close(&lab.host, &restrict.id, None, me()).await.unwrap_err().to_string();
    assert!(refused.contains("1 of its parts wait"), "{refused}");
    for (request, why) in [(&correct, "failed: invalid"), (&restrict, "put the request off")] {
        let through = until(&lab.host, &request.id, PrivacyRequest::is_through).await;
        assert!(matches!(&through.parts[0].state, PartState::Failed { error } if error.contains(why)), "{through:?}");
        assert!(through.parts[0].tries >= 2, "{through:?}");
    }
    assert_eq!(lab.entries_of(Kind::PrivacyFailed).await.len(), 2);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_begun_is_carried_on_after_a_crash_and_suspended_ones_hold_it_up() {
    let lab = Lab::new().await;
    let guest = lab.install(&Package::guest("answers_privacy", &SCOPES, "")).await;
    let guest = lab.host.installer().suspend(&guest.id, "test").await.unwrap();
    let erase = open(&lab.host, asked(&lab, PrivacyKind::Erase, Duration::from_secs(3)), me()).await.unwrap();
    // Whoever opened it is dead; a host starts.
    let running = lab.run().await;
    let asking = until(&lab.host, &erase.id, |request| request.stage == Stage::Asking).await;
    assert!(asking.parts[0].suspended && asking.parts[0].installation == guest.id);
    let overdue = until(&lab.host, &erase.id, |request| request.overdue).await;
    assert_eq!(overdue.parts[0].state, PartState::Waiting);
    assert_eq!(lab.entries_of(Kind::PrivacyOverdue).await.len(), 1);
    let closed = close(&lab.host, &erase.id, Some("its developer says that nothing is held"), me()).await.unwrap();
    assert!(matches!(&closed.parts[0].state, PartState::Failed { .. }), "{closed:?}");
    assert_eq!(lab.host.store.unfinished().await.unwrap(), []);
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tenant_takes_all_that_is_its_own_with_it_and_nothing_else() {
    let lab = Lab::new().await;
    lab.source("zen", EventForm::Zendesk).await;
    let package = Package::guest("answers_privacy", &SCOPES, "");
    let guest = lab.install(&package).await;
    let neighbour = lab.install_in("globex", &package, None).await;
    plant(&lab, &guest, MAIL).await;
    plant(&lab, &neighbour, "eve@example.org").await;
    let (out, into) = (lab.dir().join("acme.tar"), lab.dir().join("taken"));
    let keyboard = Keyboard::of(&lab.host).unwrap();
    let (file, left) = fetch(&keyboard, &format!("/tenants/{TENANT}/export"), &out).await.unwrap();
    file.persist(&out).unwrap();
    let nobody = fetch(&keyboard, "/tenants/nobody/export", &out).await.unwrap_err().to_string();
    assert!(nobody.contains("there is no tenant 'nobody'"), "{nobody}");
    fs::create_dir(&into).unwrap();
    let run = |program: &str, words: &[&str]| {
        let output = Command::new(program).args(words).current_dir(&into).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    run("tar", &["-xf", out.to_str().unwrap()]);
    run("sha256sum", &["--quiet", "-c", "SHA256SUMS"]);
    assert!(left.files.len() > 20 && into.join("records/events.ndjson").is_file(), "{left:?}");
    let of_guest = into.join("installations").join(format!("of-{}", guest.id));
    assert!(fs::read_to_string(of_guest.join("values.ndjson")).unwrap().contains("likes tea"));
    assert!(of_guest.join("files/list.csv").is_file() && into.join("audit").is_dir());
    assert!(fs::read_to_string(into.join("records/sources.ndjson")).unwrap().contains("zen"));
    assert!(found(&into, MAIL).len() >= 3, "{:?}", found(&into, MAIL));
    for mark in ["eve@example.org", neighbour.id.as_str(), Lab::SECRET] {
        assert_eq!(found(&into, mark), Vec::<PathBuf>::new(), "{mark}");
    }
    assert_eq!(lab.entries_of(Kind::TenantExported).await.len(), 1);
}
