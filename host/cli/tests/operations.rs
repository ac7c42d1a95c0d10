//! A running host to those who watch it, by the command itself: health, readiness, metrics, the status page, security.txt, an orderly
//! end; and the doctor.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    os::unix::fs::PermissionsExt as _,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

struct Home {
    dir: tempfile::TempDir,
}

impl Home {
    fn new() -> Self {
        let home = Self { dir: tempfile::tempdir().unwrap() };
        assert!(home.run(&["init", "--seed"]).status.success());
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("home").join(name)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["--json", "--home"]).arg(self.path("")).env_remove("PORTCULLIS_HOME");
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        self.command().args(words).output().unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn set(&self, section: &str, lines: &str) {
        let text = fs::read_to_string(self.path("portcullis.toml")).unwrap();
        let head = format!("[{section}]\n");
        assert!(text.contains(&head), "no section {section}");
        fs::write(self.path("portcullis.toml"), text.replace(&head, &format!("{head}{lines}\n"))).unwrap();
    }

    fn serve(&self) -> Served {
        let mut child =
            self.command().args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        let token = fs::read_to_string(self.path("keys/operator.token")).unwrap().trim().to_owned();
        Served { child, address: said["listening"].as_str().unwrap().to_owned(), token }
    }
}

struct Served {
    child: Child,
    address: String,
    token: String,
}

impl Served {
    fn ask(&self, path: &str, token: Option<&str>) -> (u16, String) {
        get(&self.address, path, token).unwrap()
    }

    fn terminate(&self) {
        Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
    }

    fn ended(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

fn get(address: &str, path: &str, token: Option<&str>) -> std::io::Result<(u16, String)> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let bearer = token.map(|token| format!("Authorization: Bearer {token}\r\n")).unwrap_or_default();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{bearer}\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    Ok((head.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0), body.to_owned()))
}

/// Asks until it is so, for as long as that may take.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(20);
    while !is_so() {
        assert!(Instant::now() < end, "{what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[test]
fn a_host_that_runs_says_so_and_counts() {
    let home = Home::new();
    let port = free_port();
    home.set("listen", &format!("operations = \"127.0.0.1:{port}\""));
    home.set("security", "contact = [\"mailto:security@acme.example\"]\nexpires = \"2099-01-01T00:00:00Z\"");
    let host = home.serve();
    assert_eq!(host.ask("/healthz", None), (200, "ok\n".to_owned()));
    until("it is never ready", || host.ask("/readyz", None) == (200, r#"{"ready":true}"#.to_owned()));
    let told: Value = serde_json::from_str(&host.ask("/readyz", Some(&host.token)).1).unwrap();
    let names: Vec<_> =
        told["checks"].as_array().unwrap().iter().map(|check| check["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["stopping", "tasks", "log", "vault", "store"]);
    assert_eq!(host.ask("/metrics", None).0, 401);
    let operators = format!("127.0.0.1:{port}");
    let (status, metrics) = get(&operators, "/metrics", None).unwrap();
    assert_eq!(status, 200);
    for begins in [
        "portcullis_audit_entries_total{kind=\"host.started\"} 1",
        "portcullis_http_requests_total{door=\"operations\",status=\"401\"} 1",
        "portcullis_commit_changes_bucket{le=\"1.0\"}",
        "portcullis_audit_unpublished ",
        "portcullis_tasks ",
        "portcullis_freezes 0",
        "portcullis_backup_open 2",
        "portcullis_resident_memory_bytes ",
        "# EOF",
    ] {
        assert!(metrics.lines().any(|line| line.starts_with(begins)), "no '{begins}' in\n{metrics}");
    }
    assert_eq!(get(&operators, "/log/checkpoint", None).unwrap().0, 404, "nothing else is there");
    assert!(
        host.ask("/.well-known/security.txt", None)
            .1
            .starts_with("Contact: mailto:security@acme.example\nExpires: 2099")
    );
    let announced = home.json(&["status", "announce", "--kind", "incident", "--title", "Events are <late>"]);
    until("it is not announced", || host.ask("/status", None).1.contains("incident: Events are &lt;late&gt;"));
    home.json(&["status", "resolve", announced["id"].as_str().unwrap(), "--text", "A disk was full."]);
    until("it is not over", || host.ask("/status.json", None).1.contains("A disk was full."));
    let status: Value = serde_json::from_str(&host.ask("/status.json", None).1).unwrap();
    assert_eq!(status["days"].as_array().map(Vec::len), Some(90));
    assert!(status["available-percent"].as_f64().is_some_and(|up| up > 0.0), "{status}");
    assert!(status["announced"][0]["resolved"].is_string());
    host.terminate();
    assert!(host.ended().success());
}

#[test]
fn a_log_that_cannot_be_published_is_named_to_the_operator_alone() {
    let home = Home::new();
    home.set("health", "publish-within-seconds = 1");
    let host = home.serve();
    until("it is never ready", || host.ask("/readyz", None).0 == 200);
    until("it is ready without its log", || {
        // Whoever is just publishing writes it again.
        drop(fs::rename(home.path("log/checkpoint"), home.path("log/elsewhere")));
        host.ask("/readyz", None) == (503, r#"{"ready":false}"#.to_owned())
    });
    let told: Value = serde_json::from_str(&host.ask("/readyz", Some(&host.token)).1).unwrap();
    let bad: Vec<_> = told["checks"].as_array().unwrap().iter().filter(|check| check["ok"] == false).collect();
    assert!(bad.len() == 1 && bad[0]["name"] == "log", "{told}");
    assert_eq!(host.ask("/healthz", None).0, 200, "it lives");
    fs::rename(home.path("log/elsewhere"), home.path("log/checkpoint")).unwrap();
    until("it does not get ready again", || host.ask("/readyz", None).0 == 200);
    host.terminate();
    assert!(host.ended().success());
}

#[test]
fn a_host_that_is_to_end_says_so_first_serves_on_and_publishes_all() {
    let home = Home::new();
    home.set("shutdown", "notice-seconds = 4");
    let host = home.serve();
    until("it is never ready", || host.ask("/readyz", None).0 == 200);
    host.terminate();
    let told = Instant::now();
    until("it does not say that it ends", || host.ask("/readyz", None).0 == 503);
    assert_eq!(host.ask("/healthz", None).0, 200, "it lives, and serves on");
    assert_eq!(host.ask("/log/checkpoint", None).0, 200);
    let address = host.address.clone();
    assert!(host.ended().success());
    assert!(told.elapsed() >= Duration::from_secs(4));
    assert!(get(&address, "/healthz", None).is_err(), "the listener is closed");
    let verified = home.json(&["audit", "verify"]);
    assert_eq!((&verified["verified"], &verified["database"]["unpublished"]), (&Value::from(true), &Value::from(0)));
    assert_eq!(verified["database"]["kinds"]["host.stopped"], 1);
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let home = Home::new();
    let grades = |found: &Value, check: &str| -> Vec<String> {
        let all = found["findings"].as_array().unwrap().iter().filter(|one| one["check"] == check);
        all.map(|one| one["grade"].as_str().unwrap().to_owned()).collect()
    };
    let well = home.json(&["doctor"]);
    for check in ["permissions", "database", "configuration", "log", "clock", "vault", "trust"] {
        assert!(grades(&well, check).iter().all(|grade| grade == "ok"), "{check}: {well}");
        assert!(!grades(&well, check).is_empty(), "{check}: {well}");
    }
    assert_eq!(grades(&well, "backups"), ["warn", "warn"]);
    assert_eq!(grades(&well, "security.txt"), ["warn"]);
    fs::set_permissions(home.path("keys/log.key"), fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(home.path("helpdesk.db"), "no database").unwrap();
    home.set("security", "contact = [\"mailto:security@acme.example\"]\nexpires = \"2020-01-01T00:00:00Z\"");
    let output = home.run(&["doctor"]);
    assert_eq!(output.status.code(), Some(1));
    let ill: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(grades(&ill, "permissions"), ["bad"]);
    assert_eq!(grades(&ill, "database"), ["ok", "bad"]);
    assert_eq!(grades(&ill, "security.txt"), ["bad"]);
    fs::remove_file(home.path("keys/vault.key")).unwrap();
    fs::write(home.path("portcullis.toml"), "[nothing]\n").unwrap();
    let ill: Value = serde_json::from_slice(&home.run(&["doctor"]).stdout).unwrap();
    assert_eq!((grades(&ill, "configuration"), grades(&ill, "host")), (vec!["bad".to_owned()], vec!["bad".to_owned()]));
}

/// Takes one request of OTLP, and gives its body.
fn collector() -> (u16, std::sync::mpsc::Receiver<(String, Value)>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, (sender, taken)) = (listener.local_addr().unwrap().port(), std::sync::mpsc::channel());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            let (mut head, mut length) = (String::new(), 0);
            while !head.ends_with("\r\n\r\n") {
                let start = head.len();
                stream.read_line(&mut head).unwrap();
                if let Some(value) = head[start..].to_ascii_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().unwrap();
                }
            }
            let mut body = vec![0; length];
            stream.read_exact(&mut body).unwrap();
            write!(stream.get_mut(), "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{{}}").unwrap();
            if sender.send((head, serde_json::from_slice(&body).unwrap())).is_err() {
                return;
            }
        }
    });
    (port, taken)
}

#[test]
fn an_event_that_comes_in_is_a_span_at_the_collector() {
    let home = Home::new();
    let (port, taken) = collector();
    home.set("traces", &format!("endpoint = \"http://127.0.0.1:{port}/v1/traces\"\nratio = 1.0"));
    let source = home.json(&["source", "add", "desk", "--kind", "cloudevents", "--tenant", "acme"]);
    let secret = source["secret"].as_str().unwrap().to_owned();
    let host = home.serve();
    until("it is never ready", || host.ask("/readyz", None).0 == 200);
    // It begins at the log's end: what came in before it looked is not sent.
    let sent = (1..=10).find_map(|id| {
        let event = format!(
            r#"{{"specversion":"1.0","id":"{id}","source":"/made/up","type":"com.example.note","data":{{"word":"never-in-a-span"}}}}"#
        );
        let mut stream = TcpStream::connect(&host.address).unwrap();
        write!(
            stream,
            "POST /v1/events HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {secret}\r\n\
             Content-Type: application/cloudevents+json\r\nContent-Length: {}\r\n\r\n{event}",
            event.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 202"), "{answer}");
        taken.recv_timeout(Duration::from_secs(4)).ok()
    });
    let (head, body) = sent.unwrap();
    assert!(
        head.starts_with("POST /v1/traces ") && head.to_ascii_lowercase().contains("content-type: application/json")
    );
    let span = &body["resourceSpans"][0]["scopeSpans"][0]["spans"][0];
    assert_eq!((&span["name"], &span["kind"]), (&Value::from("event"), &Value::from(2)), "{body}");
    assert!(!body.to_string().contains("never-in-a-span") && !body.to_string().contains(&secret));
    host.terminate();
    assert!(host.ended().success());
}
