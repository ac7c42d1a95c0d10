//! Evidence bundles as the command makes them: for a time range, a plugin, a person, a record, an incident and an alert. Each has just the
//! entries that are asked for, and is verified by the command itself on a machine without a host, by Debian's Go with
//! golang.org/x/mod/sumdb, and by aics-tlog with openssl, sed and jq (INC-2). `make setup-tests` installs them.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::Arc,
};

use portcullis_cli::{
    commands::init,
    detect::Follower,
    home::Home,
    host::{Host, person},
    incident,
};
use portcullis_duties::incident::Opening;
use portcullis_model::{
    alert::{Alert, AlertQuery, AlertSeverity, Alerts as _},
    audit::{Actor, Entry, Kind, Recorder as _},
    id::Digest,
    incident::{Origin, Subject},
    time::Timestamp,
};

const MINUTE: i64 = 60_000;
const HOUR: i64 = 60 * MINUTE;
/// By other names than those that stand in filters.
const ANA: &str = "Ana Diaz";

struct World {
    dir: tempfile::TempDir,
    host: Arc<Host>,
    now: i64,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let host = init::create(Home::at(dir.path().join("home")), "[detect]\nlearn-hours = 0\n").await.unwrap();
        let world = Self { now: host.clock.now().0, host: Arc::new(host), dir };
        world.fill().await;
        world
    }

    /// Two plugins in two tenants, some people, a ticket; what is older than a day, and what is new.
    async fn fill(&self) {
        let mut all = Vec::new();
        for (installation, tenant) in [("ins_a", "acme"), ("ins_b", "globex")] {
            let act = |ago: i64, number: u64| self.act(ago, Kind::ActPermitted, installation, tenant, number);
            all.push(act(50 * HOUR, 1));
            all.push(act(2 * HOUR, 2).about("ticket:1042"));
            all.push(act(3 * HOUR, 3).about("ticket:7"));
        }
        // Enough for an alert, of which the first is older than the last by a few minutes.
        all.extend((0..20).map(|n| {
            let denied = self.act(90 * MINUTE - n * 10_000, Kind::ActDenied, "ins_a", "acme", 10 + n.unsigned_abs());
            denied.with("reason", "not granted")
        }));
        let by = |ago: i64, name: &str| {
            Entry::new(Timestamp(self.now - ago), Kind::PluginGranted, Actor::Person { name: name.into() }, None)
        };
        all.push(by(4 * HOUR, ANA).with("reason", "the team asked"));
        all.push(by(5 * HOUR, "Bo Chen").with_personal("asked-by", ANA));
        all.push(by(6 * HOUR, "Bo Chen"));
        // Nobody's in particular, and somebody who does not get in.
        all.extend((0..6).map(|n| {
            let actor = Actor::Account { person: "per_eve".parse().unwrap(), name: "Eve".into(), session: None };
            let at = Timestamp(self.now - 40 * MINUTE + n * MINUTE);
            Entry::new(at, Kind::SessionRefused, actor, None).about("person:per_eve").with("why", "passkey")
        }));
        all.sort_by_key(|entry| entry.time);
        self.host.store.record(all).await.unwrap();
        Follower::new(self.host.clone()).unwrap().catch_up().await.unwrap();
    }

    fn act(&self, ago: i64, kind: Kind, installation: &str, tenant: &str, number: u64) -> Entry {
        let actor = Actor::Plugin {
            installation: installation.parse().unwrap(),
            plugin: format!("com.example.{tenant}").parse().unwrap(),
            release: Digest::of(b"release"),
            call: format!("call_{tenant}-{number}").parse().unwrap(),
        };
        Entry::new(Timestamp(self.now - ago), kind, actor, Some(tenant.parse().unwrap()))
            .about("tickets")
            .with("id", format!("call_{tenant}-{number}.1"))
            .with("act", "tickets.get")
            .with("scope", "tickets:read")
    }

    fn command(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["--json", "--home"]).arg(self.host.home.dir()).args(words);
        command.env("USER", "auditor").env_remove("PORTCULLIS_HOME").output().unwrap()
    }

    async fn entries(&self) -> Vec<(u64, Entry)> {
        let all = self.host.store.entries(0, 10_000).await.unwrap();
        all.iter().map(|stored| (stored.index, stored.read().unwrap())).collect()
    }

    /// The indices of the entries of which this is so.
    async fn all(&self, is: impl Fn(&Entry) -> bool) -> BTreeSet<u64> {
        self.entries().await.into_iter().filter(|(_, entry)| is(entry)).map(|(index, _)| index).collect()
    }

    async fn alert(&self, rule: &str) -> Alert {
        let query = AlertQuery { rule: Some(rule.into()), most: 10, ..AlertQuery::default() };
        let mut alerts = self.host.store.alerts(query, self.host.clock.now()).await.unwrap().alerts;
        assert_eq!(alerts.len(), 1, "{rule}: {alerts:?}");
        alerts.remove(0)
    }

    /// Makes a bundle, has everybody verify it, and gives the indices of its entries.
    fn bundle(&self, name: &str, words: &[&str]) -> BTreeSet<u64> {
        let out = self.dir.path().join(name);
        let words: Vec<&str> = ["audit", "bundle"]
            .into_iter()
            .chain(words.iter().copied())
            .chain(["--out", out.to_str().unwrap()])
            .collect();
        let made = self.command(&words);
        assert!(made.status.success(), "{words:?}: {}", String::from_utf8_lossy(&made.stderr));
        let key = fs::read_to_string(self.host.home.log_vkey()).unwrap().trim().to_owned();
        for (whose, verify) in verifiers() {
            let said = verify(&out, &key);
            assert!(said.status.success(), "{whose} of {name}: {}", words_of(&said));
        }
        let text = fs::read_to_string(out.join("entries.ndjson")).unwrap();
        let index = |line: &str| serde_json::from_str::<serde_json::Value>(line).unwrap()["index"].as_u64().unwrap();
        text.lines().map(index).collect()
    }
}

fn words_of(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

type Verify = fn(&Path, &str) -> Output;

fn contract() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/audit")
}

/// The command on a machine without a host.
fn ours(bundle: &Path, key: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(["--home", "/nonexistent", "audit", "verify", "--bundle"]).arg(bundle).args(["--key", key]);
    command.output().unwrap()
}

fn go(bundle: &Path, key: &str) -> Output {
    let mut go = Command::new("go");
    go.args(["run", "."]).current_dir(contract().join("gocheck"));
    go.envs([("GO111MODULE", "off"), ("GOPATH", "/usr/share/gocode"), ("GOFLAGS", "")]);
    go.env("GOCACHE", Path::new(env!("CARGO_TARGET_TMPDIR")).join("go-cache"));
    go.args([Path::new("bundle"), bundle]).arg(key).output().unwrap()
}

fn aics(bundle: &Path, key: &str) -> Output {
    let mut script = Command::new(contract().join("bundle_check.sh"));
    script.env("AICS_TLOG", contract().join(".venv/bin/aics-tlog")).arg(bundle).arg(key).output().unwrap()
}

/// Those that are on this machine: aics-tlog needs Python 3.12.
fn verifiers() -> Vec<(&'static str, Verify)> {
    let mut all: Vec<(&str, Verify)> = vec![("the command", ours), ("Go", go)];
    match contract().join(".venv/bin/aics-tlog").exists() {
        true => all.push(("aics-tlog", aics)),
        false => println!("left out: there is no Python 3.12 with the packages of tests/contract/audit/aics.txt"),
    }
    all
}

fn plugin(entry: &Entry) -> Option<&str> {
    match &entry.actor {
        Actor::Plugin { plugin, .. } => Some(plugin.as_str()),
        _ => None,
    }
}

fn set(all: impl IntoIterator<Item = u64>) -> BTreeSet<u64> {
    all.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_has_what_is_of_a_time_range_a_plugin_a_person_or_a_record_and_nothing_else() {
    let world = World::new().await;
    let (since, until) = (Timestamp(world.now - 4 * HOUR), Timestamp(world.now - 100 * MINUTE));
    let within = world.all(|entry| entry.time >= since && entry.time < until).await;
    assert_eq!(within.len(), 5, "the tickets of two plugins, and Ana's");
    assert_eq!(world.bundle("time", &[&format!("since={since}"), &format!("until={until}")]), within);

    let of_plugin = world.all(|entry| plugin(entry) == Some("com.example.acme")).await;
    assert_eq!(of_plugin.len(), 23);
    let alerts = world.all(|entry| entry.kind == Kind::AlertRaised && entry.tenant.is_some()).await;
    let found = world.bundle("plugin", &["plugin=com.example.acme"]);
    assert!(found.is_superset(&of_plugin) && found.is_subset(&(&of_plugin | &alerts)), "{found:?}");

    let of_ana = world
        .all(|entry| {
            matches!(&entry.actor, Actor::Person { name } if name == ANA) || entry.text("asked-by") == Some(ANA)
        })
        .await;
    assert_eq!(of_ana.len(), 2);
    assert_eq!(world.bundle("person", &[&format!("person=\"{ANA}\"")]), of_ana);
    let text = fs::read_to_string(world.dir.path().join("person/entries.ndjson")).unwrap();
    assert!(!text.contains(ANA), "without --personal the commitments alone: {text}");

    let of_record = world.all(|entry| entry.resource.as_deref() == Some("ticket:1042")).await;
    assert_eq!(of_record.len(), 2);
    assert_eq!(world.bundle("record", &["record=ticket:1042"]), of_record);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_an_incident_has_what_it_is_about_and_its_own_entries() {
    let world = World::new().await;
    let host = &world.host;
    let subject = Subject { about: "plugin:com.example.acme".parse().unwrap(), tenant: None };
    let concerned = incident::concerned(host, &subject).await.unwrap();
    let (title, severity, origin) = ("it reads too much".into(), AlertSeverity::High, Origin::Hand);
    let opening = Opening { title, severity, subject, origin, personal_data: true, concerned };
    let id = incident::desk(host, person()).open(opening).await.unwrap().id.to_string();
    let since = Timestamp(world.now - 24 * HOUR);
    let about = world.all(|entry| plugin(entry) == Some("com.example.acme") && entry.time >= since).await;
    let own = world.all(|entry| entry.kind == Kind::IncidentOpened).await;
    assert_eq!((about.len(), own.len()), (22, 1));
    let alerts = world.all(|entry| entry.kind == Kind::AlertRaised).await;
    let found = world.bundle("incident", &["--incident", &id]);
    assert!(found.is_superset(&(&about | &own)) && found.is_subset(&(&(&about | &own) | &alerts)), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bundle_of_an_alert_has_its_entries_what_its_subject_did_around_them_and_what_became_of_it() {
    let world = World::new().await;
    let alert = world.alert("repeated-denials").await;
    assert_eq!(alert.entries.len(), 20);
    let id = alert.id.to_string();
    assert!(world.command(&["alert", "ack", &id]).status.success());
    let own = world.all(|entry| entry.resource.as_deref() == Some(&format!("alert:{id}"))).await;
    assert_eq!(own.len(), 2, "raised, acknowledged");
    let behind = set(alert.entries.iter().copied());
    let of_ana =
        |entry: &Entry| matches!(&entry.actor, Actor::Plugin { installation, .. } if installation.as_str() == "ins_a");

    // Within an hour of the first and the last denial: the act of two hours ago, not that of three.
    let around = world.all(|entry| of_ana(entry) && entry.time.0 >= world.now - 150 * MINUTE).await;
    assert_eq!(around.len(), 21);
    let found = world.bundle("alert-1", &["--alert", &id, "--hours", "1"]);
    let others = world.all(|entry| plugin(entry) == Some("com.example.globex")).await;
    assert!(found.is_superset(&(&(&behind | &own) | &around)) && found.is_disjoint(&others), "{found:?}");
    let older = world.all(|entry| of_ana(entry) && entry.time.0 < world.now - 150 * MINUTE).await;
    assert!(older.len() == 2 && found.is_disjoint(&older), "{found:?}");

    // A day, where nothing else is said; what is older than that is not in it.
    let found = world.bundle("alert-24", &["--alert", &id]);
    let since = world.now - 25 * HOUR;
    let day = world.all(|entry| of_ana(entry) && entry.time.0 >= since).await;
    assert!(found.is_superset(&(&(&behind | &own) | &day)) && day.len() == 22, "{found:?}");
    assert!(found.is_disjoint(&world.all(|entry| entry.time.0 < since).await), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_alert_about_nobodys_data_has_its_entries_and_that_persons() {
    let world = World::new().await;
    let alert = world.alert("refused-sign-ins").await;
    assert_eq!((alert.tenant.as_ref(), alert.entries.len(), alert.subject.as_str()), (None, 5, "person:per_eve"));
    let own = world.all(|entry| entry.resource.as_deref() == Some(&format!("alert:{}", alert.id))).await;
    let refused = world.all(|entry| entry.kind == Kind::SessionRefused).await;
    let found = world.bundle("person-alert", &["--alert", &alert.id.to_string(), "--hours", "0"]);
    // The first five raised it; the sixth came after the last of these.
    let behind = set(alert.entries.iter().copied());
    assert!(behind.len() == 5 && refused.len() == 6, "{behind:?} {refused:?}");
    assert!(found.is_superset(&(&behind | &own)) && found.is_subset(&(&refused | &own)), "{found:?}");
    let unknown = world.command(&["audit", "bundle", "--alert", "alr_99", "--out", "/tmp/nowhere"]);
    assert!(words_of(&unknown).contains("there is no alert alr_99"), "{unknown:?}");
    let both = world.command(&[
        "audit",
        "bundle",
        "--alert",
        "alr_1",
        "--incident",
        "inc_94d78c29b0191a8042d922c6",
        "--out",
        "/tmp/nowhere",
    ]);
    assert!(!both.status.success() && words_of(&both).contains("cannot be used with"), "{both:?}");
}
