//! The console of a running host in a browser, with a passkey of the browser's own: the first owner signs in by a link, installs a plugin
//! with less than it asks for, narrows, upgrades and suspends it, and follows the log. On every page: nothing against the page's policy,
//! nothing from another host, at most 200 kB, no serious finding of axe, no page wider than its screen.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "console/credential.rs"]
mod credential;
#[path = "console/things.rs"]
mod things;

use std::{
    fs,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use portcullis_access::NewInvitation;
use portcullis_cli::{home::Home, host::Host, people, system::SystemClock};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    budget::{BudgetStore as _, Flush, Resource, Use},
    id::Digest,
    time::{Clock as _, Timestamp},
};
use portcullis_store::SqliteStore;
use serde_json::{Value, json};

/// What an owner installs; and, under another name, what they find installed.
const MANIFEST: &str = r#"id = "com.example.triage"
name = "Triage helper"
version = "1.0.0"
release = 1
publisher = "com.example"
summary = "Sorts new tickets by how urgent they are"
terms = "https://example.com/terms"
privacy = "https://example.com/privacy"
support = "mailto:help@example.com"
data-classes = ["internal", "personal"]

[[scopes]]
scope = "tickets:read fields=subject,status,priority"
purpose = "to see what a ticket is about"

[[scopes]]
scope = "events:receive types=zen:*"
purpose = "to see a ticket as soon as it is there"

[[scopes]]
scope = "tickets:write fields=priority"
purpose = "to say how urgent it is"

[[scopes]]
scope = "log:write"
purpose = "to tell what it did"
optional = true
"#;

/// What the second release of it asks for beside the first.
const MORE: &str = r#"
[[scopes]]
scope = "users:read fields=name,email"
purpose = "to greet people by their name"
"#;

/// Where what they find installed sends data to.
const REACH: &str = r#"
[[scopes]]
scope = "http:send to=https://clock.example.eu/v1/* methods=POST"
purpose = "to have the time of an answer told to the people on duty"

[[egress]]
host = "clock.example.eu"
region = "DE"
operator = "Example Clock GmbH"
sub-processor = true
purpose = "The number of a ticket, and when it is to be answered"
data = ["internal"]

[retention]
storage = "none"
outside = "none"
"#;

const FOUND: &str = "com.example.sla-watch";
const TENANT: &str = "acme";

/// What the plugins can do by their imports: that of the first, and that of what is found installed.
const TRIAGE: &str = r#"(component
    (import "portcullis:plugin/types@0.1.0" (instance))
    (import "portcullis:plugin/tickets@0.1.0" (instance (export "get" (func)) (export "update" (func))))
    (import "portcullis:plugin/log@0.1.0" (instance (export "write" (func))))
    (instance $handler)
    (export "portcullis:plugin/events@0.1.0" (instance $handler)))"#;
const WATCH: &str = r#"(component
    (import "portcullis:plugin/types@0.1.0" (instance))
    (import "portcullis:plugin/tickets@0.1.0" (instance (export "get" (func)) (export "update" (func))))
    (import "portcullis:plugin/http@0.1.0" (instance (export "send" (func))))
    (import "portcullis:plugin/log@0.1.0" (instance (export "write" (func))))
    (instance $handler)
    (export "portcullis:plugin/events@0.1.0" (instance $handler)))"#;

/// Where Debian and others put it.
const BROWSERS: [&str; 4] =
    ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome", "/usr/bin/google-chrome-stable"];

struct Place(tempfile::TempDir);

impl Place {
    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["--json", "--home"]).arg(self.path("home")).args(words).current_dir(self.0.path());
        command.env("USER", "dana").env_remove("PORTCULLIS_HOME");
        command
    }

    fn run(&self, words: &[&str]) -> Value {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    /// A host with one plugin in its registry, and another one that is installed: which one that is.
    fn with_a_release() -> (Self, String) {
        let place = Self(tempfile::tempdir().unwrap());
        place.run(&["init"]);
        place.run(&["key", "new", "publisher.key", "--no-passphrase"]);
        let key = place.run(&["key", "show", "publisher.key"]);
        let key = key["public"].as_str().or(key["key"].as_str()).unwrap().to_owned();
        let first = MANIFEST.replace("com.example.triage", FOUND).replace("Triage helper", "Watch the clock") + REACH;
        let second = first.replace("release = 1", "release = 2").replace("\"1.0.0\"", "\"1.1.0\"") + MORE;
        let releases = [("first", first, WATCH), ("second", second, WATCH), ("other", MANIFEST.to_owned(), TRIAGE)];
        for (name, text, component) in releases {
            place.signed(name, &text, component);
        }
        let installed = place.run(&["plugin", "install", "first", "--trust", &key, "--tenant", TENANT, "--yes"]);
        place.run(&["plugin", "publish", "other"]);
        let id = installed["id"].as_str().or(installed["installation"]["id"].as_str()).unwrap().to_owned();
        (place, id)
    }

    /// A directory of this name with a release of this manifest.
    fn signed(&self, name: &str, manifest: &str, component: &str) {
        let dist = self.path(name);
        fs::create_dir(&dist).unwrap();
        fs::write(dist.join("plugin.wasm"), wat::parse_str(component).unwrap()).unwrap();
        fs::write(dist.join("portcullis.toml"), manifest).unwrap();
        self.run(&["plugin", "sign", dist.to_str().unwrap(), "--key", "publisher.key"]);
    }

    /// Two weeks of use, as the gate records it, so that there is something to look at.
    async fn used(&self, id: &str) {
        let store = SqliteStore::open(&self.path("home/host.db")).unwrap();
        let now = SystemClock.now();
        let mut entries = Vec::new();
        for hour in (1..14 * 24).rev() {
            let at = Timestamp(now.0 - hour * 3_600_000);
            entries.extend((0..hour % 3).map(|nth| {
                act(id, Timestamp(at.0 + nth), Kind::ActPermitted, "tickets:read fields=subject", "tickets.get")
            }));
            if hour % 3 != 0 {
                let calls = act(id, at, Kind::CallEnded, "", "call").with("end", "ok");
                entries.extend((0..hour % 3).map(|_| calls.clone()));
            }
            if hour % 5 == 0 {
                let sending = "http:send to=https://clock.example.eu/v1/* methods=POST";
                entries.push(act(id, at, Kind::ActPermitted, sending, "http.send"));
                let sent = act(id, at, Kind::ActOutcome, sending, "http.send").with("outcome", "ok");
                let sent = sent.about("POST https://clock.example.eu/v1/due").with("bytes-out", 700 + hour * 3);
                entries.push(sent.with("bytes-in", 90));
            }
            if hour % 29 == 0 {
                let denied = act(id, at, Kind::ActDenied, "users:read fields=email", "users.get");
                let denied = denied.with("layer", "grant").with("reason", "not-granted");
                entries.push(denied.with("grantor", "the tenant's admin"));
            }
        }
        store.record(entries).await.unwrap();
        let minute = now.0.div_euclid(60_000);
        let used = |(resource, amount)| Use {
            tenant: TENANT.parse().unwrap(),
            installation: id.parse().unwrap(),
            resource,
            minute,
            amount,
            forgiven: 0,
        };
        let amounts = [
            (Resource::Calls, 412),
            (Resource::RecordsRead, 6_180),
            (Resource::HttpRequests, 61),
            (Resource::HttpOut, 48 * 1_024),
        ];
        let uses = amounts.into_iter().map(used).collect();
        store.flush_budgets(Flush { uses, ..Flush::default() }, minute - 59, now).await.unwrap();
    }

    fn serve(&self) -> Running {
        let mut child = self.command(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let port = loop {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the host did not start");
            if let Some(at) = line.find("127.0.0.1:") {
                break line[at + 10..].chars().take_while(char::is_ascii_digit).collect::<String>();
            }
        };
        // Whatever else it says is read, so that it never waits for that.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        // Passkeys are known under a name, never under an address.
        Running { child, base: format!("http://localhost:{port}") }
    }

    /// The token of a link for the first owner of the tenant, or of the platform.
    async fn invitation(&self, tenant: Option<&str>) -> String {
        let host = Host::open(Home::at(self.path("home"))).await.unwrap();
        let access = people::access(&host).unwrap();
        let (email, name) = if tenant.is_some() { ("dana", "Dana Reyes") } else { ("lee", "Lee Ops") };
        let new = NewInvitation {
            email: format!("{email}@example.com"),
            name: name.to_owned(),
            tenant: tenant.map(|tenant| tenant.parse().unwrap()),
            role: "owner".parse().unwrap(),
            until: None,
            break_glass: false,
        };
        access.invite(&people::at_the_terminal(&host), new).await.unwrap().token.to_string()
    }
}

fn act(id: &str, at: Timestamp, kind: Kind, scope: &str, name: &str) -> Entry {
    let actor = Actor::Plugin {
        installation: id.parse().unwrap(),
        plugin: FOUND.parse().unwrap(),
        release: Digest::of(b"release"),
        call: "call_1".parse().unwrap(),
    };
    Entry::new(at, kind, actor, Some(TENANT.parse().unwrap()))
        .about("ticket:7")
        .with("act", name)
        .with("id", format!("call_1.{}-{name}", at.0))
        .with("scope", scope)
}

/// A host that runs, until it is dropped.
struct Running {
    child: Child,
    base: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn walk(options: &Value) -> Output {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/browser");
    let installed = contract.join("node_modules/playwright-core");
    assert!(installed.is_dir(), "the packages in tests/contract/browser are not installed; run .ci/third-parties");
    Command::new("node").arg(contract.join("walk.mjs")).arg(options.to_string()).output().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_owner_does_it_all_in_a_browser() {
    let named = std::env::var("PORTCULLIS_BROWSER").ok();
    let found = named.or_else(|| BROWSERS.iter().find(|path| Path::new(path).exists()).map(|path| (*path).to_owned()));
    let Some(browser) = found else {
        println!(
            "LEFT OUT: there is no browser. Install one (on Debian: apt-get install chromium), or name one in PORTCULLIS_BROWSER."
        );
        return;
    };
    let (place, id) = Place::with_a_release();
    place.used(&id).await;
    place.with_a_log(&id).await;
    let (token, operator) = (place.invitation(Some(TENANT)).await, place.invitation(None).await);
    let credential = place.with_a_credential(&id);
    let (delivery, client) = (place.with_a_delivery(&id).await, place.with_a_client(&id));
    place.with_a_review();
    let running = place.serve();
    let options = json!({
        "base": running.base,
        "link": format!("{}/console/join#{token}", running.base),
        "operator": format!("{}/console/join#{operator}", running.base),
        "plugin": "com.example.triage",
        "tenant": TENANT,
        "used": id,
        "credential": credential,
        "delivery": delivery,
        "client": client,
        "reviewed": things::REVIEWED,
        "wrote": things::WROTE,
        "browser": browser,
        "pictures": std::env::var("CONSOLE_PICTURES").ok(),
        "publish": [env!("CARGO_BIN_EXE_portcullis"), "--home", place.path("home"), "plugin", "publish", place.path("second")],
    });
    let output = tokio::task::spawn_blocking(move || walk(&options)).await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let seen: Value = serde_json::from_str(&said).unwrap_or_else(|_| {
        panic!("{said}\n{}", String::from_utf8_lossy(&output.stderr));
    });
    println!("{said}");
    let broken = |list: &Value, good: &dyn Fn(&Value) -> bool| {
        list.as_array().unwrap().iter().filter(|one| !good(one)).cloned().collect::<Vec<_>>()
    };
    let steps = broken(&seen["steps"], &|step| step["held"] == true);
    let pages = broken(&seen["pages"], &|page| page["faults"] == json!([]));
    assert!(
        steps.is_empty() && pages.is_empty() && seen["faults"] == json!([]),
        "{steps:#?}\n{pages:#?}\n{}",
        seen["faults"]
    );
    assert!(seen["pages"].as_array().unwrap().len() > 15, "{seen}");
}
