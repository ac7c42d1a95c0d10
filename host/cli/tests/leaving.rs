//! A tenant that leaves is deleted, by the command itself: whatever was its own is in no file of the home any more, what is another's is, and
//! there is a certificate of it. Also where the command is killed in the middle.
#![expect(clippy::unwrap_used, reason = "a test")]

mod fixture;

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
    sync::Arc,
    time::Duration,
};

use portcullis_cli::system::SystemClock;
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder as _},
    call::Call,
    event::{Event, EventForm},
    id::{Digest, TenantId},
    installation::{Installation, InstallationStore as _},
    invoke::{CallEnd, CallReport, PluginLogs as _, Usage},
    limits::Limits,
    queue::Queue as _,
    time::Timestamp,
};
use portcullis_store::{
    SqliteStore,
    helpdesk::{NewTicket, SqliteHelpDesk},
};

const WHO: &str = "mara-of-operations";

struct Host {
    dir: tempfile::TempDir,
}

fn command(home: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    command.args(["--json", "--home"]).arg(home).args(words).env("USER", WHO).env_remove("PORTCULLIS_HOME");
    command
}

impl Host {
    fn home(&self) -> PathBuf {
        self.dir.path().join("home")
    }

    fn try_run(&self, words: &[&str]) -> Output {
        command(&self.home(), words).output().unwrap()
    }

    fn run(&self, words: &[&str]) -> serde_json::Value {
        let output = self.try_run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn refused(&self, words: &[&str]) -> String {
        let output = self.try_run(words);
        assert!(!output.status.success(), "{words:?}");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    fn store(&self) -> SqliteStore {
        SqliteStore::open(&self.home().join("host.db")).unwrap()
    }
}

/// What is planted of a tenant.
fn mark(tenant: &str) -> String {
    format!("{tenant}-said-this")
}

fn installation(tenant: &str) -> Installation {
    fixture::installation(&format!("ins_of_{}", tenant.replace('-', "_")), tenant, "com.example.plugin")
}

fn event(one: &Installation, mark: &str) -> Event {
    Event {
        tenant: one.tenant.clone(),
        origin: "zen".parse().unwrap(),
        id: format!("of-{}", one.tenant),
        kind: "zen:event-type:ticket.created".into(),
        source: "/hooks/zendesk/zen".into(),
        subject: None,
        time: Timestamp(1),
        form: EventForm::Zendesk,
        trace: None,
        data: serde_json::json!({ "description": mark }),
    }
}

fn wrote(one: &Installation, mark: &str) -> CallReport {
    let (id, plugin, release) = ("call_1".parse().unwrap(), one.plugin.clone(), one.release);
    let (tenant, installation) = (one.tenant.clone(), one.id.clone());
    let call = Call::new(id, tenant, installation, plugin, release, "zen/1".into(), 1, Limits::default());
    let log = vec![("info", mark.to_owned())];
    CallReport { call: Arc::new(call), end: CallEnd::Ok, usage: Usage::default(), log, answer: None }
}

/// A host with two tenants, each with a source and its secret, an installation with an event, a file and a log, somebody who was invited, a
/// reason in the audit log and records in the help desk.
async fn filled() -> Host {
    let host = Host { dir: tempfile::tempdir().unwrap() };
    host.run(&["init", "--seed"]);
    let store = host.store();
    for tenant in ["acme", "acme-2"] {
        host.run(&["source", "add", &format!("desk-{tenant}"), "--kind", "cloudevents", "--tenant", tenant]);
        let (mark, one) = (mark(tenant), installation(tenant));
        let mut put = Entry::new(Timestamp(1), Kind::PluginInstalled, Actor::Host, Some(one.tenant.clone()));
        put = put.about(format!("installation:{}", one.id));
        assert!(store.put_installation(one.clone(), None, put).await.unwrap());
        let event = event(&one, &mark);
        let told = |kind| Entry::new(Timestamp(3), kind, Actor::Host, Some(one.tenant.clone()));
        let (new, old) = (told(Kind::EventReceived), told(Kind::EventDuplicate));
        store.ingest(event, vec![one.id.clone()], new, old).await.unwrap();
        store.keep(&wrote(&one, &mark), Timestamp(4));
        // Written in order: what nobody waits for is there when this is.
        let by = Actor::Person { name: mark.clone() };
        let said = Entry::new(Timestamp(2), Kind::PluginGranted, by, Some(one.tenant.clone()));
        store.record(vec![said.with("reason", mark.as_str())]).await.unwrap();
        let below = host.home().join("files").join(tenant).join(one.id.as_str()).join("data");
        fs::create_dir_all(&below).unwrap();
        fs::write(below.join("notes.txt"), &mark).unwrap();
        host.run(&[
            "person",
            "invite",
            &format!("{mark}@example.com"),
            "--name",
            &mark,
            "--tenant",
            tenant,
            "--role",
            "admin",
        ]);
        let desk = SqliteHelpDesk::open(&host.home().join("helpdesk.db"), Arc::new(SystemClock)).unwrap();
        desk.seed(&one.tenant).await.unwrap();
        let ticket = NewTicket {
            subject: mark.clone(),
            description: mark,
            requester_id: "9010092".into(),
            ..NewTicket::default()
        };
        desk.create_ticket(&one.tenant, ticket).await.unwrap();
    }
    host
}

fn found(dir: &Path, text: &str) -> Vec<PathBuf> {
    let all = fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path());
    all.flat_map(|path| match path.is_dir() {
        true => found(&path, text),
        // What is gone since the directory was read holds nothing.
        false if fs::read(&path).unwrap_or_default().windows(text.len()).any(|at| at == text.as_bytes()) => vec![path],
        false => Vec::new(),
    })
    .collect()
}

fn names(files: &[PathBuf]) -> BTreeSet<String> {
    files.iter().map(|file| file.file_name().unwrap().to_string_lossy().into_owned()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_a_tenants_own_is_taken_out_whole_and_on_record() {
    let host = filled().await;
    let out = host.dir.path().join("acme.tar");
    let file = out.display().to_string();
    let taken = host.run(&["tenant", "export", "--tenant", "acme", "--out", &file]);
    let tar = fs::read(&out).unwrap();
    assert_eq!(taken["digest"], Digest::of(&tar).to_string());
    let has = |text: String| tar.windows(text.len()).any(|at| at == text.as_bytes());
    assert!(has(mark("acme")) && !has(mark("acme-2")), "its own, and nothing of another's");
    let entries = host.store().entries(0, 10_000).await.unwrap();
    let of: Vec<_> =
        entries.iter().map(|one| one.read().unwrap()).filter(|one| one.kind == Kind::TenantExported).collect();
    let [entry] = &of[..] else { panic!("one is on record: {}", of.len()) };
    assert_eq!((&entry.detail["digest"], &entry.detail["files"]), (&taken["digest"], &taken["files"]));
    assert_eq!(entry.actor, Actor::Person { name: WHO.into() });

    assert!(host.refused(&["tenant", "export", "--tenant", "acme", "--out", &file]).contains("is there already"));
    let none = host.dir.path().join("nobody.tar").display().to_string();
    let refused = host.refused(&["tenant", "export", "--tenant", "nobody", "--out", &none]);
    assert!(refused.contains("there is no tenant 'nobody'") && !Path::new(&none).exists(), "{refused}");
    let left = fs::read_dir(host.home()).unwrap().map(|entry| entry.unwrap().file_name());
    assert!(!left.map(|name| name.to_string_lossy().into_owned()).any(|name| name.starts_with(".outgoing")));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_tenant_that_left_is_in_any_file_and_all_of_another_is() {
    let host = filled().await;
    let planted = names(&found(&host.home(), &mark("acme")));
    for file in ["notes.txt", "host.db", "helpdesk.db"] {
        assert!(planted.iter().any(|name| name.starts_with(file)), "{planted:?}");
    }
    let out = host.dir.path().join("certificate.json").display().to_string();
    let delete = ["tenant", "delete", "--tenant", "acme", "--confirm", "acme", "--out", &out];

    let plan = host.run(&["tenant", "delete", "--tenant", "acme", "--dry-run"]);
    assert_eq!((&plan["found"]["events"], &plan["found"]["files"]), (&1.into(), &1.into()), "{plan}");
    assert_eq!(plan["active"], serde_json::json!(["ins_of_acme"]));
    assert!(host.refused(&["tenant", "delete", "--tenant", "acme"]).contains("--confirm"));
    assert!(
        host.refused(&["tenant", "delete", "--tenant", "acme", "--confirm", "acme-2"]).contains("nothing was deleted")
    );
    assert!(
        host.refused(&["tenant", "delete", "--tenant", "nobody", "--confirm", "nobody"])
            .contains("nothing of a tenant")
    );
    assert!(host.refused(&delete).contains("are active (ins_of_acme)"));
    let config = host.home().join("portcullis.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}\n[tenants.acme]\n")).unwrap();
    let contained: Vec<&str> = delete.into_iter().chain(["--contain"]).collect();
    assert!(host.refused(&contained).contains("[tenants.acme]"));
    fs::write(&config, text).unwrap();
    assert!(!found(&host.home(), &mark("acme")).is_empty(), "what is refused deletes nothing");

    let done = host.run(&contained);
    assert_eq!(found(&host.home(), &mark("acme")), Vec::<PathBuf>::new());
    let theirs = names(&found(&host.home(), &mark("acme-2")));
    for file in ["notes.txt", "host.db", "helpdesk.db"] {
        assert!(theirs.iter().any(|name| name.starts_with(file)), "another's is where it was: {theirs:?}");
    }
    let deleted = &done["certificate"]["deleted"];
    for part in [
        "events",
        "deliveries",
        "files",
        "log-lines",
        "sources",
        "invitations",
        "audit-values",
        "vault-keys",
        "help-desk-records",
    ] {
        assert!(deleted[part].as_u64().is_some_and(|n| n > 0), "{part}: {done}");
    }
    assert!(done["certificate"]["entries"].as_array().unwrap().len() >= 4, "{done}");
    let key = done["key"].as_str().unwrap();
    let verified = host.run(&["tenant", "verify", &out, "--key", key]);
    assert_eq!((&verified["verified"], &verified["digest"]), (&true.into(), &done["digest"]));
    let forged = fs::read_to_string(&out).unwrap().replacen("payload\":\"", "payload\":\"A", 1);
    fs::write(&out, forged).unwrap();
    assert!(!host.try_run(&["tenant", "verify", &out, "--key", key]).status.success());
    host.run(&["audit", "verify"]);

    let again = host.refused(&["source", "add", "desk", "--kind", "cloudevents", "--tenant", "acme"]);
    assert!(again.contains("its id is not given again"), "{again}");
    let anew = host.dir.path().join("anew.json").display().to_string();
    let anew = host.run(&["tenant", "certificate", "--tenant", "acme", "--out", &anew]);
    assert_eq!(&anew["certificate"]["deleted"], deleted);
    assert!(host.refused(&["tenant", "certificate", "--tenant", "acme-2", "--out", "x"]).contains("no deletion"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whenever_it_is_killed_it_comes_to_the_same_end() {
    let host = filled().await;
    let (home, whose) = (host.home(), "acme".parse::<TenantId>().unwrap());
    let words = ["tenant", "delete", "--tenant", "acme", "--confirm", "acme", "--contain"];
    let (mut pause, mut kills) = (Duration::from_millis(5), 0);
    loop {
        let mut child = command(&home, &words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        std::thread::sleep(pause);
        if child.try_wait().unwrap().is_some() {
            break;
        }
        child.kill().unwrap();
        child.wait().unwrap();
        kills += 1;
        pause += pause / 2;
        if host.store().deletion(whose.clone()).await.unwrap().is_some_and(|one| one.ended.is_some()) {
            break;
        }
    }
    assert!(kills > 0, "it was too fast to be killed");
    let done = host.run(&words);
    assert_eq!(found(&home, &mark("acme")), Vec::<PathBuf>::new());
    assert_eq!(done["certificate"]["deleted"]["events"], 1, "{done}");
    let store = host.store();
    let all = store.entries(0, 10_000).await.unwrap();
    let of = |kind| all.iter().filter(|one| one.read().unwrap().kind == kind).count();
    assert_eq!((of(Kind::TenantLeaving), of(Kind::TenantDeleted)), (1, 1), "once, however often it was begun");
    host.run(&["audit", "verify"]);
}
