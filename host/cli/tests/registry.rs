//! The registry at the command line: a release is published, reported and looked at again; it is withdrawn, let go on and let run below
//! the floor by several people, each with a key of their own.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

const MANIFEST: &str = r#"id = "com.example.quiet"
name = "Quiet"
version = "1.0.0"
release = 1
publisher = "com.example"
summary = "Does nothing at all"
terms = "https://example.com/terms"
privacy = "https://example.com/privacy"
support = "mailto:help@example.com"
"#;

/// The smallest component that there is.
const COMPONENT: &[u8] = b"\0asm\x0d\x00\x01\x00";

/// A host where any two of Ann, Bob and the host itself withdraw releases and give overrides, and a signed release beside it.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.json(&["init"]);
        let [publisher, ann, bob] = ["publisher.key", "ann.key", "bob.key"].map(|file| {
            let made = home.json(&["key", "new", file, "--no-passphrase"]);
            made["public"].as_str().unwrap().to_owned()
        });
        let (publisher, ann, bob) = (format!("com.example={publisher}"), format!("{ann}=Ann"), format!("{bob}=Bob"));
        home.json(&[
            "trust",
            "change",
            "--publisher",
            &publisher,
            "--withdrawer",
            &ann,
            "--withdrawer",
            &bob,
            "--withdrawal-threshold",
            "2",
            "--overrider",
            &ann,
            "--overrider",
            &bob,
            "--override-threshold",
            "2",
        ]);
        fs::create_dir(home.0.path().join("quiet")).unwrap();
        fs::write(home.0.path().join("quiet/plugin.wasm"), COMPONENT).unwrap();
        fs::write(home.0.path().join("quiet/portcullis.toml"), MANIFEST).unwrap();
        home.json(&["plugin", "sign", "quiet", "--key", "publisher.key"]);
        home
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["--json", "--home"]).arg(self.0.path().join("home")).args(words).current_dir(self.0.path());
        command.env("USER", "mara-of-operations").env_remove("PORTCULLIS_HOME").output().unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or(Value::Null)
    }

    /// What is said where a command fails in this way.
    fn refused(&self, words: &[&str], code: i32) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    /// What Ann began in this way is signed by Bob and applied.
    fn signed_by_both(&self, words: &[&str], file: &str) -> Value {
        let begun = self.json(&[words, &["--key", "ann.key", "--out", file][..]].concat());
        assert_eq!(begun, json!({ "file": file, "applied": false }));
        let alone = self.refused(&["trust", "apply", file], 1);
        assert!(alone.contains("as many keys of a root's"), "{alone}");
        self.json(&["trust", "sign", file, "--key", "bob.key"]);
        self.json(&["trust", "apply", file])
    }
}

#[test]
fn a_release_is_published_once_and_reported_and_looked_at_again() {
    let home = Home::new();
    for new in [true, false] {
        let published = home.json(&["plugin", "publish", "quiet"]);
        let said = (&published["new"], &published["plugin"], &published["release"], &published["lacks"]);
        assert_eq!(said, (&json!(new), &json!("com.example.quiet"), &json!(1), &Value::Null), "{published}");
    }
    let installed = home.json(&["plugin", "install", "quiet", "--tenant", "acme", "--yes"]);
    let evidence = ["plugin", "report", "quiet", "--reason", "reads too much", "--evidence", "call_1.1"];
    assert!(home.refused(&evidence, 1).contains("call_1.1 is no act of this installation"));
    let reported = home.json(&["plugin", "report", "quiet", "--reason", "reads too much", "--suspend"]);
    assert_eq!((&reported["suspended"], &reported["stopped"]), (&json!(true), &Value::Null), "{reported}");
    assert_eq!(reported["report"]["installation"], installed["id"]);
    assert!(home.run(&["plugin", "log", "quiet"]).stdout.is_empty(), "it logs nothing");
    assert!(home.refused(&["plugin", "rescan"], 1).contains("there is no file of advisories"));
}

#[test]
fn an_installation_is_shown_and_agreed_to_before_anything_is_trusted_or_published() {
    let home = Home::new();
    let made = home.json(&["key", "new", "other.key", "--no-passphrase"]);
    let key = made["public"].as_str().unwrap();
    fs::create_dir(home.0.path().join("other")).unwrap();
    fs::write(home.0.path().join("other/plugin.wasm"), COMPONENT).unwrap();
    fs::write(home.0.path().join("other/portcullis.toml"), MANIFEST.replace("com.example", "com.other")).unwrap();
    home.json(&["plugin", "sign", "other", "--key", "other.key"]);
    let install = |more: &[&'static str]| [&["plugin", "install", "other", "--tenant", "acme"][..], more].concat();
    let trusting = |more: &[&'static str]| [&install(more)[..], &["--trust", key][..]].concat();
    let plan = home.json(&install(&["--dry-run"]));
    assert!(plan["missing"][0].as_str().unwrap().contains("lets nobody publish 'com.other.quiet'"), "{plan}");
    let plan = home.json(&trusting(&["--dry-run"]));
    assert_eq!((&plan["plugin"], &plan["missing"]), (&json!("com.other.quiet"), &json!([])), "{plan}");
    let mut asking = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    asking.arg("--home").arg(home.0.path().join("home")).args(trusting(&[])).current_dir(home.0.path());
    let asked = asking.env_remove("PORTCULLIS_HOME").stdin(Stdio::null()).output().unwrap();
    assert_eq!(asked.status.code(), Some(1));
    assert!(String::from_utf8(asked.stdout).unwrap().starts_with("Quiet 1.0.0 (release 1) by com.other\n"));
    assert!(String::from_utf8(asked.stderr).unwrap().contains("nobody is there to agree"));
    let refused = home.refused(&install(&["--yes"]), 3);
    assert!(refused.contains("lets nobody publish 'com.other.quiet'"), "nothing was trusted by then: {refused}");
    let listed = || home.run(&["plugin", "releases", "com.other.quiet"]).stdout;
    assert!(listed().is_empty(), "nothing was published");
    let installed = home.json(&trusting(&["--yes"]));
    assert_eq!((&installed["plugin"], &installed["state"]), (&json!("com.other.quiet"), &json!("active")));
    let entry: Value = serde_json::from_slice(&listed()).unwrap();
    assert_eq!((&entry["release"], &entry["digest"]), (&json!(1), &installed["release"]));
    let again = home.json(&install(&["--yes"]));
    assert_ne!(again["id"], installed["id"], "a release that is there already is installed once more");
    let beyond = home.refused(&install(&["--yes", "--grant", "tickets:delete"]), 1);
    assert!(beyond.contains("tickets:delete"), "{beyond}");
}

#[test]
fn a_release_is_quarantined_lifted_and_yanked_by_those_who_may() {
    let home = Home::new();
    home.json(&["plugin", "publish", "quiet"]);
    home.json(&["plugin", "install", "quiet", "--tenant", "acme", "--yes"]);
    let why = ["--reason", "under investigation"];
    let quarantine = [&["plugin", "quarantine", "quiet", "--release", "1"][..], &why[..]].concat();
    let alone = home.refused(&[&quarantine[..], &["--key", "ann.key"][..]].concat(), 1);
    assert!(alone.contains("as many keys of a root's role 'withdrawals'"), "{alone}");
    let done = home.signed_by_both(&quarantine, "quarantine.json");
    assert_eq!(
        (&done["what"], &done["by"]),
        (&json!("Quarantined com.example.quiet, release 1"), &json!("'platform'"))
    );
    assert_eq!(done["receipt"]["suspended"][0]["tenant"], "acme", "{done}");
    let digest = done["withdrawal"].as_str().unwrap();
    let lift = ["plugin", "lift", digest, "--reason", "a false alarm", "--key", "ann.key", "--key", "bob.key"];
    assert_eq!(home.json(&lift)["what"], json!(format!("Lifted the quarantine {digest}")));
    assert!(home.refused(&lift, 1).contains(&format!("no quarantine {digest} is in force")));
    let yank = ["plugin", "yank", "quiet", "--release", "1", "--reason", "broken", "--key"];
    home.refused(&[&yank[..], &["ann.key"][..]].concat(), 1);
    let yanked = home.json(&[&yank[..], &["publisher.key"][..]].concat());
    assert_eq!((&yanked["by"], &yanked["reason"]), (&json!("its publisher"), &json!("broken")), "{yanked}");
    assert!(home.refused(&["plugin", "publish", "quiet"], 3).contains("it was withdrawn"));
}

#[test]
fn an_override_is_given_by_two() {
    let home = Home::new();
    let give = ["plugin", "override", "quiet", "--days", "7", "--reason", "release 2 loses tickets"];
    let given = home.signed_by_both(&give, "override.json");
    assert!(given["expires"].is_string() && given["release"].as_str().unwrap().starts_with("sha256:"), "{given}");
}
