//! Commands that ask the admin API about the log, incidents, rotation and connections: what they print, what they refuse, and what of it
//! is on record.
#![expect(clippy::unwrap_used, reason = "a test")]

mod fixture;

use std::{
    fs,
    io::{BufRead as _, BufReader, Write as _},
    process::{Command, Output, Stdio},
    time::Duration,
};

use portcullis_cli::{home::Home as OfHost, host::Host, system::SystemClock};
use portcullis_model::{
    audit::Kind,
    id::Digest,
    installation::InstallationStore as _,
    oauth::{Change, Decision, OAuthStore as _, Pending, Put},
    time::Clock as _,
};
use serde_json::{Value, json};

/// A host that was just made, and its command line.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.ok(&["init"]);
        home
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.arg("--home").arg(self.0.path().join("home")).args(words).current_dir(self.0.path());
        command.env("USER", "mara-of-operations").env_remove("PORTCULLIS_HOME");
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["--json"][..], words].concat())).unwrap()
    }

    /// A JSON text a line.
    fn lines(&self, words: &[&str]) -> Vec<Value> {
        let text = self.ok(&[&["--json"][..], words].concat());
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Entries of the log, the newest first.
    fn entries(&self, filter: &str) -> Vec<Value> {
        self.lines(&["audit", "search", filter, "-n", "5000"])
    }

    /// What is said where a command fails.
    fn refused(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Puts an installation there, `ins_1` of acme's.
    async fn install(&self) {
        let host = Host::open(OfHost::at(self.0.path().join("home"))).await.unwrap();
        let one = fixture::installation("ins_1", "acme", "com.example.chat");
        let entry = host.entry(Kind::PluginInstalled, Some(one.tenant.clone()));
        assert!(host.store.put_installation(one, None, entry).await.unwrap());
    }

    /// Has this client of acme's ask for an authorization, under this code.
    async fn asks(&self, client: &str, code: &str) {
        let host = Host::open(OfHost::at(self.0.path().join("home"))).await.unwrap();
        let created = SystemClock.now();
        let row = Pending {
            id: format!("req_{code}").parse().unwrap(),
            browser: Digest::of(b"browser"),
            code: code.to_owned(),
            client: client.parse().unwrap(),
            tenant: "acme".parse().unwrap(),
            redirect: "https://back.example/cb".to_owned(),
            state: None,
            challenge: "x".to_owned(),
            audience: "https://api.example".to_owned(),
            scopes: vec!["log:write".parse().unwrap(), "tickets:read fields=subject,tags".parse().unwrap()],
            jkt: None,
            created,
            expires: created.plus(Duration::from_secs(600)),
            decision: Decision::Waiting,
            version: 1,
        };
        let entries = vec![host.entry(Kind::AuthorizationAsked, Some(row.tenant.clone()))];
        let change = Change { pending: Some(Put { row, expected: None }), entries, ..Change::default() };
        assert!(host.store.change(change).await.unwrap());
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    fn freeze(&self, tenant: &str) {
        self.ok(&["freeze", "add", "--tenant", tenant, "--reason", "to have an entry"]);
    }
}

fn indices(entries: &[Value]) -> Vec<u64> {
    entries.iter().map(|one| one["index"].as_u64().unwrap()).collect()
}

#[test]
fn the_log_is_searched_from_both_ends_and_from_a_place_on() {
    let home = Home::new();
    ["acme", "globex", "initech"].into_iter().for_each(|tenant| home.freeze(tenant));
    let all = home.entries("kind=freeze.added");
    let [newest, middle, oldest] = indices(&all)[..] else { panic!("{all:?}") };
    assert!(newest > middle && middle > oldest);
    assert_eq!(all[0]["entry"]["actor"]["name"], "mara-of-operations");
    let two = home.run(&["audit", "search", "kind=freeze.added", "-n", "2"]);
    assert_eq!(String::from_utf8(two.stdout).unwrap().lines().count(), 2);
    let told = String::from_utf8(two.stderr).unwrap();
    assert_eq!(told, format!("There may be more: --at {middle}\n"));
    let rest = home.lines(&["audit", "search", "kind=freeze.added", "--at", &middle.to_string()]);
    assert_eq!(indices(&rest), [oldest]);
    let first = home.lines(&["audit", "search", "kind=freeze.added", "--oldest-first", "-n", "2"]);
    assert_eq!(indices(&first), [oldest, middle]);
    let on = home.lines(&["audit", "search", "kind=freeze.added", "--oldest-first", "--at", &newest.to_string()]);
    assert_eq!(indices(&on), [newest]);
    let before = home.entries("").len();
    let again = home.lines(&["audit", "search", "--oldest-first", "-n", "5000"]);
    assert_eq!(again.len(), before + 1, "what is read is the log as it was before it was read");
    assert!(home.refused(&["audit", "search", "nonsense=1"]).contains("this is no filter"));
    assert_eq!(home.entries("kind=audit.read nonsense").len(), 0, "what was refused read nothing");
}

#[test]
fn the_log_is_exported_up_to_its_end_and_on_from_there() {
    let home = Home::new();
    ["acme", "globex"].into_iter().for_each(|tenant| home.freeze(tenant));
    let made = home.json(&["audit", "export", "kind=freeze.added", "--out", "first.ndjson"]);
    assert_eq!((&made["entries"], &made["from"]), (&json!(2), &json!(0)));
    let text = fs::read_to_string(home.0.path().join("first.ndjson")).unwrap();
    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((lines.len(), &lines[2]["end_of_stream"], &lines[2]["cursor"]), (3, &json!(true), &made["cursor"]));
    assert!(lines[0]["body"].is_string() && lines[0]["leaf"].is_object(), "what proves it is in it: {}", lines[0]);
    let there = home.refused(&["audit", "export", "--out", "first.ndjson"]);
    assert!(there.contains("cannot make first.ndjson"), "{there}");
    home.freeze("initech");
    let cursor = made["cursor"].as_str().unwrap();
    let next = home.lines(&["audit", "export", "kind=freeze.added", "--cursor", cursor, "--out", "-"]);
    assert_eq!((next.len(), &next[1]["end_of_stream"]), (2, &json!(true)), "{next:?}");
    let other = home.refused(&["audit", "export", "kind=freeze.lifted", "--cursor", cursor, "--out", "-"]);
    assert!(other.contains("the cursor is not of this filter"), "{other}");
    assert_eq!(home.entries("kind=audit.exported").len(), 2, "each is on record");
}

#[test]
fn whoever_follows_the_log_is_told_what_comes() {
    let home = Home::new();
    ["acme", "globex"].into_iter().for_each(|tenant| home.freeze(tenant));
    let words = ["--json", "audit", "tail", "-n", "1", "--follow", "--kind", "freeze.added"];
    let mut child = home.command(&words).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = || serde_json::from_str::<Value>(&lines.next().unwrap().unwrap()).unwrap();
    let newest = next();
    home.freeze("initech");
    let come = next();
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(come["index"].as_u64() > newest["index"].as_u64(), "{newest} {come}");
    assert_eq!((&newest["entry"]["tenant"], &come["entry"]["tenant"]), (&json!("globex"), &json!("initech")));
    let twice = home.refused(&["audit", "tail", "--kind", "freeze.added", "kind=freeze.lifted"]);
    assert!(twice.contains("give the kind once"), "{twice}");
}

#[test]
fn an_incident_is_shown_with_what_the_log_has_of_it_and_announced_once() {
    let home = Home::new();
    let opened = ["incident", "open", "--plugin", "com.example.bad", "--title", "sends to a stranger"];
    let id = home.json(&opened)["id"].as_str().unwrap().to_owned();
    let shown = home.json(&["incident", "show", &id]);
    assert_eq!((&shown["state"], &shown["after"], &shown["timeline"]), (&json!("open"), &Value::Null, &Value::Null));
    assert_eq!(home.entries("kind=audit.read incident").len(), 0, "nothing of the log was read");
    let report = home.json(&["incident", "report", &id]);
    assert_eq!(report["timeline"][0]["entry"]["kind"], "incident.opened");
    assert_eq!((&report["timeline"][0]["key"], &report["more"]), (&json!(true), &json!(false)));
    assert_eq!((&report["data"]["touched"]["findings"], &report["data"]["not_asked"]), (&json!([]), &json!(0)));
    let words = home.ok(&["incident", "show", &id, "--timeline", "--data"]);
    for part in ["sends to a stranger", "* marks what happened to it:", "incident.opened", "What left for which host:"]
    {
        assert!(words.contains(part), "{words}");
    }
    let read = home.entries(&format!("kind=audit.read {id}"));
    assert!(read.iter().filter(|one| one["entry"]["detail"]["way"] == "incident").count() == 2, "{read:?}");
    let announce = ["incident", "announce", &id, "--title", "A plugin misbehaves", "--words", "It is contained."];
    let told = home.json(&announce);
    let entry = &home.entries("kind=status.announced")[0]["entry"];
    assert_eq!((&entry["detail"]["incident"], &entry["detail"]["id"]), (&json!(id), &told["status"]));
    assert!(home.ok(&["status", "list"]).contains("A plugin misbehaves"));
    assert!(home.refused(&announce).contains("it is on the status page already"));
    let nothing = home.refused(&["incident", "show", "inc_000000000000000000000000"]);
    assert!(nothing.contains("inc_000000000000000000000000"), "{nothing}");
}

#[test]
fn policies_of_rotation_are_set_replaced_and_taken_away() {
    let home = Home::new();
    let policy = |words: &[&str]| home.json(&[&["rotation", "policy"][..], words].concat());
    let set = policy(&["set", "--max-age", "90d", "--window", "sat,sun 22:00-06:00"]);
    assert_eq!((&set["scope"], &set["policy"]["max-age"]), (&json!("host"), &json!(90 * 86_400)));
    policy(&["set", "--tenant", "acme", "--max-age", "30d", "--overlap", "2h"]);
    policy(&["set", "--tenant", "acme", "--max-age", "20d"]);
    let listed = home.ok(&["rotation", "policy", "list"]);
    let lines: Vec<&str> = listed.lines().collect();
    assert!(
        lines[0].starts_with("host ") && lines[0].ends_with("at most 90d old, in sat,sun 22:00-06:00 UTC"),
        "{listed}"
    );
    assert!(lines[1].starts_with("tenant:acme ") && lines[1].ends_with(" at most 20d old"), "{listed}");
    assert_eq!(policy(&["clear", "--tenant", "acme"]), json!({ "scope": "tenant:acme" }));
    assert_eq!(home.lines(&["rotation", "policy", "list"]).len(), 1);
    let entries = home.entries("kind=rotation.policy");
    assert_eq!(entries.len(), 4, "each is on record");
    let detail = |at: usize| &entries[at]["entry"]["detail"];
    assert_eq!((&detail(0)["cleared"], &entries[0]["entry"]["tenant"]), (&json!(true), &json!("acme")));
    assert!(detail(1)["policy"].as_str().unwrap().contains(&(20 * 86_400).to_string()), "{}", detail(1));
    assert!(home.refused(&["rotation", "policy", "set", "--tenant", "acme"]).contains("say what"));
    assert!(home.refused(&["rotation", "policy", "set", "--max-age", "5m"]).contains("max-age"));
    assert!(home.lines(&["rotation", "list"]).is_empty());
    let nothing = home.refused(&["rotation", "show", "rot_000000000000000000000000"]);
    assert!(nothing.contains("'portcullis rotation list' shows them"), "{nothing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_shown_in_the_status_ended_once_and_on_record() {
    let home = Home::new();
    home.install().await;
    let until = SystemClock.now().plus(Duration::from_secs(20 * 86_400)).to_string();
    let risk = ["--accept-risk", "the chat service has no OAuth", "--until", &until];
    let add = [&["connection", "add", "ins_1", "chat", "--to", "hooks.example.com"][..], &risk[..]].concat();
    let mut adding = home.command(&add).stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    adding.stdin.take().unwrap().write_all(b"a-token-by-hand").unwrap();
    assert!(adding.wait().unwrap().success());
    let status = home.lines(&["rotation", "status", "--tenant", "acme"]);
    let shown = (&status[0]["name"], &status[0]["nature"]["renewal"]);
    assert_eq!(shown, (&json!("chat"), &json!("person")), "{status:?}");
    let anew = home.refused(&["connection", "authorize", "ins_1", "chat"]);
    assert!(anew.contains("no link can be made"), "nobody consents to a token by hand: {anew}");
    let none = home.refused(&["connection", "authorize", "ins_1", "mail"]);
    assert!(none.contains("ins_1 has no connection 'mail' yet; say of which provider"), "{none}");
    let half = home.refused(&["connection", "authorize", "ins_1", "chat", "--scope", "read"]);
    assert!(half.contains("say of which provider, with --provider"), "{half}");
    let ended = home.json(&["connection", "revoke", "ins_1", "chat"]);
    let told = json!({ "installation": "ins_1", "name": "chat", "ended": true, "upstream": "not offered" });
    assert_eq!(ended, told);
    let entries = home.entries("kind=connection.ended");
    assert_eq!(entries.iter().filter(|one| one["entry"]["detail"]["upstream"] == "is asked next").count(), 1);
    assert!(home.refused(&["connection", "revoke", "ins_1", "chat"]).contains("ended before"));
    let nothing = home.refused(&["connection", "revoke", "ins_1", "mail"]);
    assert!(nothing.contains("ins_1 has no connection 'mail' that could be ended"), "{nothing}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_registered_by_its_key_given_the_next_one_and_the_first_taken_away() {
    let home = Home::new();
    home.install().await;
    home.file(
        "first.pub",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n",
    );
    home.file("next.jwks", r#"{"kty":"OKP","crv":"Ed25519","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#);
    let register = ["client", "register", "ins_1", "--public-key", "first.pub", "--overlap", "2h"];
    let made = home.json(&register);
    let (client, keys) = (&made["client"], &made["client"]["keys"]);
    assert_eq!((&client["tenant"], &client["overlap_seconds"]), (&json!("acme"), &json!(7_200)), "{made}");
    assert!(home.refused(&register).contains("has the client"), "one each");
    let id = client["id"].as_str().unwrap();
    let rotated = home.json(&["client", "rotate", id, "--jwks", "next.jwks"]);
    assert_eq!(rotated["keys"].as_array().unwrap().len(), 2, "{rotated}");
    let first = keys[0]["thumbprint"].as_str().unwrap();
    let dropped = home.json(&["client", "drop-key", "ins_1", first]);
    assert_eq!(dropped["keys"].as_array().unwrap().len(), 1, "{dropped}");
    assert!(home.refused(&["client", "drop-key", id, first]).contains("no such key"));
    let of = |kind: &str| home.entries(&format!("kind={kind}")).len();
    assert_eq!((of("client.registered"), of("client.rotated")), (1, 2), "each is on record");
    assert!(home.refused(&["client", "rotate", "cli_9", "--jwks", "next.jwks"]).contains("there is no client 'cli_9'"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_installation_is_uninstalled_taken_back_and_erased_with_a_receipt() {
    let home = Home::new();
    home.install().await;
    let gone = home.json(&["plugin", "uninstall", "ins_1", "--reason", "not needed"]);
    assert_eq!(gone["installation"]["state"], "uninstalled", "{gone}");
    assert_eq!((&gone["stopped"]["secrets"], &gone["revoked"]), (&json!(0), &json!([])), "{gone}");
    assert!(home.refused(&["plugin", "receipt", "ins_1"]).contains("ins_1 is not erased"));
    let back = home.json(&["plugin", "restore", "ins_1"]);
    assert_eq!(back["state"], "suspended", "{back}");
    assert!(home.refused(&["plugin", "restore", "ins_1"]).contains("is not uninstalled"));
    let now = ["plugin", "uninstall", "ins_1", "--reason", "asked to", "--now", "--export", "kept"];
    let erased = home.json(&now);
    assert_eq!(erased["installation"]["state"], "erased", "{erased}");
    assert!(home.0.path().join("kept/installation.json").exists(), "{erased}");
    let receipt = home.json(&["plugin", "receipt", "ins_1"]);
    assert_eq!((&receipt["erased"]["kv-rows"], &receipt["proof"]["index"]), (&json!(0), &receipt["index"]));
    assert_eq!(home.entries("kind=plugin.erased").len(), 1);
    let read = home.entries("kind=audit.read");
    assert_eq!(read.iter().filter(|one| one["entry"]["detail"]["way"] == "receipt").count(), 1, "{read:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_authorization_is_listed_agreed_to_in_part_and_refused_by_its_code() {
    let home = Home::new();
    home.install().await;
    let back = ["--redirect", "https://back.example/cb"];
    let made = home.json(&[&["client", "register", "ins_1", "--dpop"][..], &back[..]].concat());
    let client = made["client"]["id"].as_str().unwrap();
    home.asks(client, "BCDF-GHJK").await;
    home.asks(client, "LMNP-QRST").await;
    let waiting = home.lines(&["client", "pending"]);
    assert_eq!((waiting.len(), &waiting[0]["client"]), (2, &json!(client)), "{waiting:?}");
    assert_eq!(waiting[0]["scopes"], json!(["log:write", "tickets:read fields=subject,tags"]));
    let alone = home.refused(&["client", "approve", "BCDF-GHJK"]);
    assert!(alone.contains("asks for:") && alone.contains("say --yes"), "{alone}");
    let narrow = ["client", "approve", "bcdf ghjk", "--yes", "--scope", "tickets:read fields=subject"];
    let agreed = home.json(&narrow);
    assert_eq!(agreed["scopes"], json!(["tickets:read fields=subject"]), "{agreed}");
    assert!(home.refused(&narrow).contains("its 10 minutes are over"));
    let denied = home.json(&["client", "deny", "LMNP-QRST"]);
    assert_eq!(denied, json!({ "client": client, "denied": true }));
    assert!(home.lines(&["client", "pending"]).is_empty());
    assert_eq!(home.entries("kind=authorization.decided").len(), 2, "a rehearsal is not on record");
}
