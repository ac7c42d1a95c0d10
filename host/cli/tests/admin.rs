//! The admin API of a running host, asked by somebody who knows only its document: schemathesis, which tries what fits the document
//! and what does not. No answer may be a failure of the host, and none may be another than the document says.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

const MANIFEST: &str = r#"id = "com.example.quiet"
name = "Quiet"
version = "1.0.0"
release = 1
publisher = "com.example"
summary = "Does nothing"
terms = "https://example.com/terms"
privacy = "https://example.com/privacy"
support = "mailto:help@example.com"
data-classes = ["internal", "personal"]

[[scopes]]
scope = "tickets:read fields=subject"
purpose = "to look"

[[scopes]]
scope = "log:write"
purpose = "to tell"
optional = true
"#;

/// The smallest component: it imports and exports nothing.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

struct Host {
    dir: tempfile::TempDir,
}

/// A host that runs, until it is dropped.
struct Running {
    child: Child,
    url: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Host {
    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["--json", "--home"]).arg(self.path("home")).args(words).current_dir(self.dir.path());
        command.env("USER", "dana").env_remove("PORTCULLIS_HOME");
        command
    }

    fn run(&self, words: &[&str]) -> Output {
        let output = self.command(words).output().unwrap();
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    fn json(&self, words: &[&str]) -> serde_json::Value {
        serde_json::from_slice(&self.run(words).stdout).unwrap()
    }

    /// A host in which a plugin is installed, of which there is a newer release.
    fn with_a_plugin() -> Self {
        let host = Self { dir: tempfile::tempdir().unwrap() };
        host.run(&["init"]);
        host.run(&["key", "new", "publisher.key", "--no-passphrase"]);
        let key = host.json(&["key", "show", "publisher.key"]);
        let key = key["public"].as_str().or(key["key"].as_str()).unwrap().to_owned();
        for number in [1, 2] {
            let dist = host.path(&format!("dist{number}"));
            fs::create_dir(&dist).unwrap();
            fs::write(dist.join("plugin.wasm"), COMPONENT).unwrap();
            let text = MANIFEST.replace("release = 1", &format!("release = {number}"));
            fs::write(dist.join("portcullis.toml"), text).unwrap();
            host.run(&["plugin", "sign", dist.to_str().unwrap(), "--key", "publisher.key"]);
        }
        host.run(&["plugin", "install", "dist1", "--trust", &key, "--tenant", "acme", "--yes"]);
        host.run(&["plugin", "publish", "dist2"]);
        host
    }

    fn serve(&self) -> Running {
        let mut child = self.command(&["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let url = loop {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "the host did not start");
            if let Some(at) = line.find("127.0.0.1:") {
                let address: String =
                    line[at..].chars().take_while(|c| c.is_ascii_digit() || ".:".contains(*c)).collect();
                break format!("http://{address}");
            }
        };
        // Whatever else it says is read, so that it never waits for that.
        std::thread::spawn(move || std::io::copy(&mut output, &mut std::io::sink()));
        Running { child, url }
    }
}

#[test]
fn the_command_line_asks_the_api_and_says_what_it_always_said() {
    let host = Host::with_a_plugin();
    let list = |host: &Host| host.json(&["plugin", "list"]);
    let first = list(&host);
    assert_eq!((&first["state"], &first["generation"], first.get("suspensions")), (&"active".into(), &1.into(), None));
    host.run(&["plugin", "suspend", "quiet", "--reason", "for a look"]);
    assert_eq!(list(&host)["reason"], "for a look");
    host.run(&["plugin", "resume", "quiet"]);
    host.run(&["plugin", "grant", "quiet", "log:write"]);
    let last = list(&host);
    assert_eq!((&last["granted"], &last["generation"]), (&serde_json::json!(["log:write"]), &4.into()));
    let beyond = host.command(&["plugin", "grant", "quiet", "tickets:delete"]).output().unwrap();
    assert_eq!(beyond.status.code(), Some(1), "{}", String::from_utf8_lossy(&beyond.stderr));
    assert!(
        String::from_utf8_lossy(&beyond.stderr).contains("tickets:"),
        "{}",
        String::from_utf8_lossy(&beyond.stderr)
    );
}

/// The status of a request without a body, with these headers.
fn status(url: &str, method: &str, path: &str, headers: &str) -> u16 {
    let mut stream = TcpStream::connect(url.trim_start_matches("http://")).unwrap();
    let head =
        format!("{method} {path} HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.split(' ').nth(1).unwrap().parse().unwrap()
}

#[test]
fn nothing_is_answered_without_the_token_or_to_another_one() {
    let host = Host::with_a_plugin();
    let running = host.serve();
    let text = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/admin-openapi.json"))
        .unwrap();
    let document: serde_json::Value = serde_json::from_str(&text).unwrap();
    let paths = document["paths"].as_object().unwrap();
    assert!(paths.len() > 10);
    // One of the two wrong ones for each: who proves nothing may ask 600 times a minute.
    let mut wrong = ["authorization: Bearer x\r\n", "authorization: Basic eDp4\r\n"].into_iter().cycle();
    for (path, operations) in paths {
        let path = path.replace(['{', '}'], "");
        for method in operations.as_object().unwrap().keys().map(|method| method.to_uppercase()) {
            for headers in ["", wrong.next().unwrap()] {
                assert_eq!(status(&running.url, &method, &path, headers), 401, "{method} {path} {headers}");
            }
        }
    }
    assert_eq!(status(&running.url, "GET", "/admin/v1/openapi.json", ""), 200);
}

#[test]
fn every_answer_is_one_that_the_document_has() {
    let contract = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/admin");
    let schemathesis = contract.join(".venv/bin/schemathesis");
    assert!(schemathesis.is_file(), "the packages in tests/contract/admin are not installed; run .ci/third-parties");
    let host = Host::with_a_plugin();
    // Each operation is asked without the token, too, more often than an address may by default.
    let config = host.path("home/portcullis.toml");
    let text = fs::read_to_string(&config).unwrap();
    fs::write(&config, format!("{text}\n[listen.limits]\nunproved-per-minute = 100000\n")).unwrap();
    let running = host.serve();
    let token = fs::read_to_string(host.path("home/keys/operator.token")).unwrap();
    let checks = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,\
                  response_headers_conformance,unsupported_method,allow_header_conformance,missing_required_header";
    let output = Command::new(schemathesis)
        .current_dir(host.dir.path())
        .args(["--config-file", contract.join("schemathesis.toml").to_str().unwrap(), "--no-color", "run"])
        .arg(format!("{}/admin/v1/openapi.json", running.url))
        .args(["--header", &format!("authorization: Bearer {}", token.trim()), "--checks", checks])
        .args(["--phases", "examples,coverage,fuzzing", "--max-examples", "10", "--seed", "1", "--workers", "1"])
        // It does not end by itself, and what it says has tests of its own.
        .args(["--exclude-path", "/admin/v1/audit/live"])
        .args(["--suppress-health-check", "all", "--warnings", "off", "--continue-on-failure"])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}\n{}", String::from_utf8_lossy(&output.stderr));
    println!("{said}");
}
