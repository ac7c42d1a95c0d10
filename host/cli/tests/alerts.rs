//! From an entry of the log to somebody who is told: by the command itself, with a running host and a receiver that is not ours (MON-4,
//! DAT-13).
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Output, Stdio},
    time::Duration,
};

use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    id::Digest,
    time::Timestamp,
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

const HOUR: i64 = 3_600_000;

struct Host {
    dir: tempfile::TempDir,
}

impl Host {
    fn new() -> Self {
        let host = Self { dir: tempfile::tempdir().unwrap() };
        host.run(&["init"]);
        let config = host.home().join("portcullis.toml");
        let text = std::fs::read_to_string(&config).unwrap();
        let less = text.replace("# learn-hours = 72 ", "learn-hours = 1 ");
        assert_ne!(less, text);
        std::fs::write(config, less).unwrap();
        host
    }

    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command
            .args(["--json", "--home"])
            .arg(self.home())
            .args(words)
            .env("USER", "mara")
            .env_remove("PORTCULLIS_HOME");
        command
    }

    fn try_run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn run(&self, words: &[&str]) -> Value {
        let output = self.try_run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn serve(&self) -> Running {
        let child = self.command(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::null()).spawn().unwrap();
        Running(child)
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.home().join("host.db")).unwrap()
    }

    /// The entries of a kind, with their indices.
    async fn entries(&self, kind: Kind) -> Vec<(u64, Entry)> {
        let all = self.store().entries(0, 10_000).await.unwrap();
        let read = all.iter().map(|stored| (stored.index, stored.read().unwrap()));
        read.filter(|(_, entry)| entry.kind == kind).collect()
    }

    /// Waits until there are so many entries of a kind.
    async fn wait_for(&self, kind: Kind, count: usize) -> Vec<(u64, Entry)> {
        for _ in 0..600 {
            let found = self.entries(kind).await;
            if found.len() >= count {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("not {count} entries of {kind:?}: {:?}", self.entries(kind).await);
    }

    /// Waits until the running host has looked at all that there is.
    async fn looked_at_all(&self) -> Value {
        for _ in 0..600 {
            let list = self.run(&["alert", "list"]);
            if list["looked-at"] == list["written"] {
                return list;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("it does not come to an end: {}", self.run(&["alert", "list"]));
    }
}

/// A host that runs. It is killed with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// PyPI `standardwebhooks` behind a listener: 200 where the library accepts a message, 400 where it does not.
struct Receiver {
    child: Child,
    port: u16,
    _stdin: ChildStdin,
}

impl Receiver {
    fn start(keys: &Value) -> Self {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/webhooks");
        let python = dir.join(".venv/bin/python");
        assert!(python.is_file(), "{} is missing: run 'make setup-tests'", python.display());
        let mut command = Command::new(python);
        command.arg(dir.join("receiver.py")).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{keys}").unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        Self { child, port: port.trim().parse().unwrap(), _stdin: stdin }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// A permit to send, as the gate records it.
fn sends(at: Timestamp, host: &str) -> Entry {
    let actor = Actor::Plugin {
        installation: "ins_1".parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        release: Digest::of(b"release"),
        call: "call_1".parse().unwrap(),
    };
    Entry::new(at, Kind::ActPermitted, actor, Some("acme".parse().unwrap()))
        .about(format!("POST https://{host}/in"))
        .with("act", "http.send")
        .with("id", format!("call_1.{}", at.0))
        .with("scope", format!("http:send to=https://{host}/* methods=POST"))
}

fn rules(list: &Value) -> Vec<&str> {
    list["alerts"].as_array().unwrap().iter().map(|alert| alert["rule"].as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_destination_is_one_alert_whose_message_a_stranger_verifies() {
    let host = Host::new();
    // The key is shown when the endpoint is set, and what checks it must know it before it listens.
    let set = host.run(&["alert", "send-to", "http://127.0.0.1:9/alerts"]);
    let receiver = Receiver::start(&json!({ "alerts": set["key"] }));
    let url = format!("http://127.0.0.1:{}/alerts", receiver.port);
    let again = host.run(&["alert", "send-to", &url, "--least", "high"]);
    assert_eq!(again["key"], Value::Null, "the key is the one that it was");
    let now = host.entries(Kind::HostCreated).await[0].1.time;
    let before = Timestamp(now.0 - 30 * HOUR);
    host.store().record(vec![sends(before, "known.example"), sends(now, "new.example")]).await.unwrap();
    let act = host.entries(Kind::ActPermitted).await[1].0;

    let running = host.serve();
    let told = host.wait_for(Kind::AlertDelivery, 1).await;
    assert_eq!((told[0].1.text("outcome"), told[0].1.detail["status"].as_u64()), (Some("accepted"), Some(200)));
    let list = host.looked_at_all().await;
    // What is new about the scope and the act is not: the destination alone is.
    assert_eq!(rules(&list), ["new-destination"], "{list}");
    let alert = &list["alerts"][0];
    assert_eq!((&alert["entries"], &alert["count"]), (&json!([act]), &json!(1)));
    assert_eq!((&alert["installation"], &alert["tenant"]), (&json!("ins_1"), &json!("acme")));
    let raised = host.entries(Kind::AlertRaised).await;
    assert_eq!(raised.len(), 1);
    assert_eq!(raised[0].1.detail["entries"], json!([act]));

    // Killed, and started again: nothing is found a second time, and what comes within the cool-down is the same alert.
    drop(running);
    host.store().record(vec![sends(Timestamp(now.0 + 1), "third.example")]).await.unwrap();
    let _running = host.serve();
    for _ in 0..600 {
        if host.run(&["alert", "show", "alr_1"])["alert"]["count"] == 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let list = host.looked_at_all().await;
    assert_eq!((rules(&list), &list["alerts"][0]["count"]), (vec!["new-destination"], &json!(2)));
    // Another destination is told as well.
    assert_eq!(host.entries(Kind::AlertRaised).await.len(), 2);
    host.wait_for(Kind::AlertDelivery, 2).await;
    assert_eq!(host.entries(Kind::AlertDelivery).await.len(), 2);

    // Another key: what checks by the old one refuses it. So the one before was checked.
    host.run(&["alert", "send-to", "--remove"]);
    host.run(&["alert", "send-to", &url]);
    host.run(&["alert", "send-to", "--test"]);
    let told = host.wait_for(Kind::AlertDelivery, 3).await;
    assert_eq!((told[2].1.text("outcome"), told[2].1.detail["status"].as_u64()), (Some("failed"), Some(400)));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_erased_from_the_log_is_forgotten_by_the_rules() {
    let host = Host::new();
    host.run(&["alert", "mute", "--rule", "first-act", "--tenant", "acme", "--until", "2999-01-01", "--reason", "x"]);
    let running = host.serve();
    host.looked_at_all().await;
    drop(running);
    let known = async || {
        let of = vec![("admin-from-new-account".to_owned(), "host".to_owned())];
        let cells = host.store().detect_memories(of).await.unwrap();
        cells.into_iter().map(|cell| cell.item).filter(|item| !item.is_empty()).collect::<Vec<_>>()
    };
    let [mara] = &known().await[..] else { panic!("{:?}", known().await) };
    assert!(mara.len() == 32 && !mara.contains("mara"), "{mara}");
    let words = ["audit", "erase", "--person", "mara", "--reason", "request 4711"];
    assert!(host.command(&words).env("USER", "eve").output().unwrap().status.success());
    assert_eq!(known().await, Vec::<String>::new());
}

#[test]
fn what_people_do_about_an_alert_is_refused_where_it_makes_no_sense() {
    let host = Host::new();
    for (words, says) in [
        (&["alert", "ack", "alr_1"][..], "there is no alert alr_1"),
        (&["alert", "ack", "1"], "expected one such as alr_12"),
        (&["alert", "mute", "--rule", "first-act", "--until", "2020-01-01", "--reason", "x"], "is over"),
        (
            &["alert", "mute", "--rule", "nothing", "--until", "2999-01-01", "--reason", "x"],
            "there is no rule 'nothing'",
        ),
        (&["alert", "mute", "--rule", "first-act", "--until", "2999-01-01", "--reason", " "], "--reason: say why"),
        (&["alert", "unmute", "--rule", "first-act", "--tenant", "acme"], "nothing of exactly that is muted"),
        (&["alert", "send-to", "http://10.0.0.1/x"], "loopback address"),
        (&["alert", "send-to", "http://127.0.0.1:9/x", "--tenant", "acme"], "a tenant's endpoint"),
        (&["alert", "send-to", "--test"], "there is no active endpoint"),
    ] {
        let output = host.try_run(words);
        let error = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && error.contains(says), "{words:?}: {error}");
    }
    host.run(&[
        "alert",
        "mute",
        "--rule",
        "first-act",
        "--tenant",
        "acme",
        "--until",
        "2999-01-01",
        "--reason",
        "they try",
    ]);
    let list = host.run(&["alert", "list"]);
    assert_eq!((&list["mutes"][0]["by"], &list["mutes"][0]["reason"]), (&json!("mara"), &json!("they try")));
    host.run(&["alert", "unmute", "--rule", "first-act", "--tenant", "acme"]);
    assert_eq!(host.run(&["alert", "list"])["mutes"], json!([]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rule_is_tried_on_the_log_before_it_is_one() {
    let host = Host::new();
    let now = host.entries(Kind::HostCreated).await[0].1.time;
    let day = Timestamp(now.0 - 30 * HOUR);
    host.store().record(vec![sends(day, "known.example"), sends(now, "new.example")]).await.unwrap();
    let found = host.run(&["rule", "test", "new-destination"]);
    assert_eq!((&found["hits"], &found["about"]), (&json!(1), &json!(2)));
    let until = Timestamp(now.0 - HOUR).to_string();
    assert_eq!(host.run(&["rule", "test", "new-destination", "--to", &until])["hits"], 0);
    assert_eq!(host.run(&["alert", "list"])["looked-at"], 0, "nothing was stored");

    let file = host.dir.path().join("mine.toml");
    let text = host.run(&["rule", "show", "new-destination"]);
    assert_eq!(text["raises"], "host never seen before, by installation");
    std::fs::write(&file, "id = \"mine\"\ntitle = 1").unwrap();
    assert!(!host.try_run(&["rule", "check", file.to_str().unwrap()]).status.success());
    // A host does not start with a rule that it cannot read.
    std::fs::create_dir_all(host.home().join("rules")).unwrap();
    std::fs::copy(&file, host.home().join("rules/mine.toml")).unwrap();
    let output = host.try_run(&["serve", "--listen", "127.0.0.1:0"]);
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success() && error.contains("mine.toml"), "{error}");
}

/// `rotate --all` reaches the keys that alerts are signed with, the operator's and tenants' (INT-6, INT-8); one tenant's extent has its own.
#[tokio::test(flavor = "multi_thread")]
async fn an_emergency_ends_the_keys_of_endpoints_and_good_order_does_not() {
    let host = Host::new();
    host.run(&["alert", "send-to", "http://127.0.0.1:9/alerts"]);
    host.run(&["alert", "send-to", "https://siem.acme.example/in", "--tenant", "acme"]);
    let report = |name: &str| host.dir.path().join(name).display().to_string();
    let revoked = async || -> Vec<Option<String>> {
        let all = host.entries(Kind::AlertEndpoint).await.into_iter().map(|(_, entry)| entry);
        let ended = all.filter(|entry| entry.text("step") == Some("keys revoked"));
        ended.map(|entry| entry.tenant.map(|tenant| tenant.to_string())).collect()
    };
    let rotate = |extent: &[&str], name: &str| {
        let report = report(name);
        let words: Vec<&str> = ["rotate"]
            .into_iter()
            .chain(extent.iter().copied())
            .chain(["--reason", "a breach", "--report", &report])
            .collect();
        let output = host.try_run(&words);
        assert!(matches!(output.status.code(), Some(0 | 1)), "{output:?}");
    };
    rotate(&["--all", "--planned"], "planned.json");
    assert!(revoked().await.is_empty(), "in good order a person hands the next key over");
    let rehearsed = host.try_run(&["rotate", "--all", "--reason", "an exercise", "--rehearse"]);
    assert!(rehearsed.status.success() && revoked().await.is_empty(), "{rehearsed:?}");
    let said = String::from_utf8_lossy(&rehearsed.stdout).into_owned();
    assert!(said.contains("person-needed") && !said.contains("nobody keeps"), "{said}");
    rotate(&["--tenant", "portcullis"], "nobody.json");
    assert!(revoked().await.is_empty(), "no tenant's extent has the operator's");
    rotate(&["--tenant", "acme"], "acme.json");
    assert_eq!(revoked().await, [Some("acme".to_owned())]);
    assert!(host.run(&["alert", "send-to", "--rotate", "--tenant", "acme"])["key"].is_string());
    rotate(&["--all"], "all.json");
    let all = revoked().await;
    assert!(all.len() == 3 && all.contains(&None), "{all:?}");
    let signed = std::fs::read_to_string(report("all.json")).unwrap();
    assert!(signed.contains("dsse") || signed.contains("payload"), "{signed}");
    assert!(host.run(&["alert", "send-to", "--rotate"])["key"].is_string());
}
