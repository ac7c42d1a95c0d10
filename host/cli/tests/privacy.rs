//! What people are called and what they wrote is not in the log that is published, nor in the bodies that it commits to; and it can be
//! erased. By the command itself, as a person gives it.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
};

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    time::Timestamp,
};
use portcullis_store::{SqliteStore, StoredEntry, Which};

const WHO: &str = "mara-of-operations";
const WROTE: &str = "Eve Exemplar asked for it by telephone";

struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    fn try_run(&self, who: &str, words: &[&str]) -> Output {
        Command::new(env!("CARGO_BIN_EXE_portcullis"))
            .args(["--json", "--home"])
            .arg(self.home())
            .args(words)
            .env("USER", who)
            .env_remove("PORTCULLIS_HOME")
            .output()
            .unwrap()
    }

    fn run(&self, who: &str, words: &[&str]) -> serde_json::Value {
        let output = self.try_run(who, words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    async fn entries(&self) -> Vec<StoredEntry> {
        SqliteStore::open(&self.home().join("host.db")).unwrap().entries(0, 10_000).await.unwrap()
    }

    /// What a person does without any plugin.
    fn acted() -> Self {
        let host = Self { dir: tempfile::tempdir().unwrap() };
        for words in [
            &["init"][..],
            &["source", "add", "desk", "--kind", "cloudevents", "--tenant", "acme"],
            &["source", "rotate", "desk", "--overlap", "1h"],
            &["vault", "rotate-keys"],
            &["freeze", "add", "--all", "--reason", WROTE],
        ] {
            host.run(WHO, words);
        }
        host
    }
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|at| at == text.as_bytes())
}

/// Files below a directory that hold a text.
fn found(dir: &Path, text: &str) -> Vec<PathBuf> {
    let all = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    all.flat_map(|path| match path.is_dir() {
        true => found(&path, text),
        false if holds(&std::fs::read(&path).unwrap(), text) => vec![path],
        false => Vec::new(),
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_personal_is_in_what_is_published_and_all_of_it_is_read() {
    let host = Host::acted();
    let entries = host.entries().await;
    assert!(entries.len() >= 6, "{}", entries.len());
    for text in [WHO, "Eve Exemplar"] {
        assert!(entries.iter().all(|entry| !holds(&entry.body, text)), "{text}");
        assert_eq!(found(&host.home().join("log"), text), Vec::<PathBuf>::new());
    }
    let by: Vec<String> = entries.iter().map(|entry| serde_json::to_string(&entry.read().unwrap()).unwrap()).collect();
    assert!(by.iter().filter(|entry| entry.contains(WHO)).count() >= 5, "{by:?}");
    assert!(by.iter().any(|entry| entry.contains(WROTE)), "{by:?}");
    let told = String::from_utf8(host.try_run("auditor", &["audit", "tail"]).stdout).unwrap();
    assert!(told.contains(WHO) && told.contains(WROTE), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_erased_is_told_and_the_log_still_holds() {
    let host = Host::acted();
    let refused = host.try_run("dpo", &["audit", "erase", "--person", WHO, "--reason", &format!("{WHO} asked")]);
    assert!(!refused.status.success(), "the reason must not say it again");
    let looked = host.run("dpo", &["audit", "erase", "--person", WHO, "--reason", "request 4711", "--dry-run"]);
    let count = looked["erased"].as_u64().unwrap();
    assert!(count >= 5 && host.entries().await.iter().all(|entry| entry.erased.is_empty()), "{looked}");
    let erased = host.run("dpo", &["audit", "erase", "--person", WHO, "--reason", "request 4711"]);
    // And what says that somebody looked for it.
    assert_eq!((erased["erased"].as_u64(), &erased["gone-from-files"]), (Some(count + 1), &true.into()));
    let entries = host.entries().await;
    assert!(entries.iter().all(|entry| entry.openings.open.iter().all(|opening| opening.value != WHO)));
    let told = String::from_utf8(host.try_run("auditor", &["audit", "tail"]).stdout).unwrap();
    assert!(told.contains("(erased)") && told.contains("person dpo") && told.contains("request 4711"), "{told}");
    host.run("auditor", &["audit", "verify"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_value_that_is_gone_without_an_erasure_on_record_is_told() {
    let host = Host::acted();
    host.run(WHO, &["freeze", "add", "--all", "--reason", "(withheld)"]);
    host.run(WHO, &["audit", "checkpoint"]);
    host.run("auditor", &["audit", "verify"]);
    let entries = host.entries().await;
    let written = entries.iter().position(|entry| entry.openings.open.iter().any(|one| one.field == "detail.reason"));
    let index = written.unwrap() as u64;
    // The row says that it was erased, by an entry that is of something else.
    let store = SqliteStore::open(&host.home().join("host.db")).unwrap();
    let other = Entry::new(Timestamp(0), Kind::HostStarted, Actor::Host, None);
    let which = Which::Entry { index, field: Some("detail.reason".into()) };
    store.erase_openings(which, other).await.unwrap();
    let output = host.try_run("auditor", &["audit", "verify"]);
    let told: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let fault = format!("entry {index}: the value of detail.reason is gone, and no entry says that it was erased");
    assert_eq!((output.status.code(), &told["verified"]), (Some(3), &false.into()), "{told}");
    assert_eq!(told["database"]["faults"], serde_json::json!([fault]));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_kept_from_before_a_change_of_key_still_holds() {
    let host = Host::acted();
    let kept = |name: &str| host.dir.path().join(name).display().to_string();
    let (head, proof) = (kept("kept.checkpoint"), kept("proof.json"));
    host.run("auditor", &["audit", "checkpoint", "--out", &head]);
    host.run("auditor", &["audit", "proof", "1", "--out", &proof]);
    host.run(WHO, &["audit", "key", "rotate", "--overlap-days", "0"]);
    host.run(WHO, &["audit", "checkpoint"]);
    assert_eq!(host.run("auditor", &["audit", "verify", "--at-least", &head])["verified"], true);
    assert_eq!(host.run("auditor", &["audit", "check-proof", &proof])["verified"], true);
    std::fs::remove_dir_all(host.home().join("log/keys")).unwrap();
    assert!(
        !host.try_run("auditor", &["audit", "check-proof", &proof]).status.success(),
        "nothing leads to the older key"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_disposes_of_what_is_too_young() {
    let host = Host::acted();
    let before = host.entries().await.len();
    let refused = host.try_run("dpo", &["audit", "dispose", "--before", "2999-01-01", "--reason", "room"]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert!(!refused.status.success() && error.contains("audit.minimum-days"), "{error}");
    let nothing = host.run("dpo", &["audit", "dispose", "--before", "2020-01-01", "--reason", "room", "--dry-run"]);
    assert!(nothing["disposed"].as_array().unwrap().iter().all(|one| one["count"] == 0), "{nothing}");
    assert_eq!(host.entries().await.len(), before);
}

/// Who reads the log stands in it, before anything is shown: by which way, and what was looked for, which may name a person.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_or_takes_entries_along_is_on_record() {
    let host = Host::acted();
    let out = |name: &str| host.dir.path().join(name).display().to_string();
    // As a filter writes it.
    let sought = "eve exemplar";
    let ways: [(&[&str], Kind); 5] = [
        (&["audit", "search", sought], Kind::AuditRead),
        (&["audit", "tail", sought], Kind::AuditRead),
        (&["audit", "export", sought, "--out", &out("e.ndjson")], Kind::AuditExported),
        (&["audit", "bundle", sought, "--out", &out("b.tar")], Kind::AuditBundled),
        (&["audit", "copy", "--view", "-", "--out", &out("copy")], Kind::AuditExported),
    ];
    for (words, kind) in ways {
        let before = host.entries().await.len();
        assert!(host.try_run("auditor", words).status.success(), "{words:?}");
        let entries = host.entries().await;
        let new: Vec<_> = entries[before..].iter().filter(|entry| entry.read().unwrap().kind == kind).collect();
        assert_eq!(new.len(), 1, "{words:?}");
        assert!(!holds(&new[0].body, sought) && !holds(&new[0].body, "auditor"), "{words:?}");
        let read = serde_json::to_string(&new[0].read().unwrap()).unwrap();
        assert!(read.contains("auditor"), "{read}");
        if words.contains(&sought) {
            assert!(read.contains(sought), "{read}");
        }
    }
    let before = host.entries().await.len();
    assert!(!host.try_run("auditor", &["audit", "search", "nonsense=1"]).status.success());
    assert_eq!(host.entries().await.len(), before, "what was refused read nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_to_erase_leaves_nothing_and_is_certified() {
    let host = Host::acted();
    let (mail, user) = ("eve.exemplar@example.com", "4711471147");
    host.run(WHO, &["freeze", "add", "--all", "--reason", &format!("{mail} asked")]);
    let store = SqliteStore::open(&host.home().join("host.db")).unwrap();
    let by = Actor::Person { name: WHO.into() };
    let about = Entry::new(Timestamp(1), Kind::PluginGranted, by, Some("acme".parse().unwrap()));
    let about = about.about(format!("user:{user}")).with("reason", format!("{mail} wrote"));
    portcullis_model::audit::Recorder::record(&store, vec![about]).await.unwrap();
    drop(store);
    let refused = host.try_run(WHO, &["source", "add", "privacy", "--kind", "cloudevents", "--tenant", "acme"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("the name under which the host itself asks plugins"));
    let ask = |kind: &'static str, more: &[&'static str]| {
        let words = ["privacy", "request", "--tenant", "acme", "--kind", kind, "--user", "4711471147", "--email"];
        let words: Vec<&str> =
            words.into_iter().chain(["eve.exemplar@example.com"]).chain(more.iter().copied()).collect();
        host.try_run("dpo", &words)
    };
    for (kind, more, why) in [
        ("correct", &[][..], "say what is right now"),
        ("access", &["--correction", "{}"], "only a correction"),
        ("correct", &["--correction", "[1]"], "must be a JSON object"),
        ("access", &["--deadline", "2020-01-01"], "later than now"),
        ("access", &["--name", " x"], "without space around it"),
    ] {
        let output = ask(kind, more);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(why), "{told}");
    }
    let opened = ask("erase", &[]);
    assert!(opened.status.success(), "{}", String::from_utf8_lossy(&opened.stderr));
    let opened: serde_json::Value = serde_json::from_slice(&opened.stdout).unwrap();
    assert_eq!((&opened["stage"], &opened["erased"]["tenant"]["audit-values"]), (&"asking".into(), &2.into()));
    assert!(opened["who"].is_null(), "{opened}");
    let id = opened["id"].as_str().unwrap();
    let out = host.dir.path().join("certificate.json").display().to_string();
    let closed = host.run("dpo", &["privacy", "close", id, "--out", &out]);
    let key = closed["key"].as_str().unwrap();
    let verified = host.run("auditor", &["privacy", "verify", &out, "--key", key]);
    assert_eq!((&verified["verified"], &verified["digest"]), (&true.into(), &closed["digest"]));
    assert!(!host.try_run("dpo", &["privacy", "close", id]).status.success(), "once");
    host.run("auditor", &["audit", "verify"]);
    assert_eq!(found(&host.home(), user), Vec::<PathBuf>::new());
    // What the log says of no tenant is not this tenant's to erase: the reason of a freeze of the whole host.
    let left = found(&host.home(), mail);
    let database = [host.home().join("host.db"), host.home().join("host.db-wal")];
    assert!(!left.is_empty() && left.iter().all(|file| database.contains(file)), "{left:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_held_is_handed_over_in_a_directory_and_on_record() {
    let host = Host::acted();
    let open = |kind: &str| {
        let words = ["privacy", "request", "--tenant", "acme", "--kind", kind, "--user", "4711471147"];
        host.run("dpo", &words)["id"].as_str().unwrap().to_owned()
    };
    let (access, restrict) = (open("access"), open("restrict"));
    let (out, none) = (host.dir.path().join("for-eve"), host.dir.path().join("none"));
    let (to, nowhere) = (out.display().to_string(), none.display().to_string());
    let exported = host.run("dpo", &["privacy", "export", &access, "--out", &to]);
    assert_eq!(exported["dir"], to);
    let files: Vec<&str> = exported["files"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(files, ["host.ndjson", "request.json"]);
    assert!(std::fs::read_to_string(out.join("request.json")).unwrap().contains("4711471147"));
    let list = std::fs::read(out.join("SHA256SUMS")).unwrap();
    let entries = host.entries().await;
    let of: Vec<_> =
        entries.iter().map(|one| one.read().unwrap()).filter(|one| one.kind == Kind::PrivacyExported).collect();
    let [entry] = &of[..] else { panic!("one is on record: {}", of.len()) };
    assert_eq!(entry.detail["digest"], portcullis_model::id::Digest::of(&list).to_string());
    assert_eq!(entry.actor, Actor::Person { name: "dpo".into() });

    for (id, to, why) in [
        (access.as_str(), &to, "not there yet"),
        (restrict.as_str(), &nowhere, "not for access"),
        ("dsr_000000000000000000000000", &nowhere, "no request"),
    ] {
        let output = host.try_run("dpo", &["privacy", "export", id, "--out", to]);
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!output.status.success() && told.contains(why), "{told}");
        assert!(!none.exists(), "nothing is left of what was refused");
    }
}
