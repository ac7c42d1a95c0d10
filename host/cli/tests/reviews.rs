//! A release from being handed in to its verdict, and a report of what it does: what the commands print, what they refuse, and what of it
//! is on record.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::BTreeMap,
    fs,
    process::{Command, Output},
};

use portcullis_model::{
    behaviour::{Corpus, Determinism, FORMAT, Report, Subject},
    id::Digest,
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

/// A host that asks for one reviewer, Ann, and a release that was handed in there.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        home.ok(&["init"]);
        let [publisher, ann] = ["publisher.key", "ann.key"].map(|file| {
            let made = home.json(&["key", "new", file, "--no-passphrase"]);
            made["public"].as_str().unwrap().to_owned()
        });
        let (publisher, ann) = (format!("com.example={publisher}"), format!("{ann}=Ann"));
        home.ok(&["trust", "change", "--publisher", &publisher, "--reviewer", &ann, "--reviews", "1,1,1"]);
        fs::create_dir(home.0.path().join("quiet")).unwrap();
        home.file("quiet/plugin.wasm", COMPONENT);
        home.file("quiet/portcullis.toml", MANIFEST.as_bytes());
        home.ok(&["plugin", "sign", "quiet", "--key", "publisher.key"]);
        home.ok(&["plugin", "submit", "quiet"]);
        home
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.arg("--home").arg(self.0.path().join("home")).args(words).current_dir(self.0.path());
        command.env("USER", "mara-of-operations").env_remove("PORTCULLIS_HOME").output().unwrap()
    }

    fn ok(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[&["--json"][..], words].concat())).unwrap()
    }

    /// What is said where a command fails.
    fn refused(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {}", String::from_utf8_lossy(&output.stdout));
        String::from_utf8(output.stderr).unwrap()
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        fs::write(self.0.path().join(name), bytes).unwrap();
    }

    /// A behaviour report of a release with this manifest.
    fn report(manifest: Digest) -> Report {
        Report {
            format: FORMAT.into(),
            release: Subject {
                plugin: "com.example.quiet".parse().unwrap(),
                version: "1.0.0".into(),
                release: 1,
                component: Digest::of(COMPONENT),
                manifest,
            },
            tool: "test".into(),
            seed: 1,
            corpus: Corpus {
                digest: Digest::of(b""),
                inputs: BTreeMap::new(),
                kinds: Vec::new(),
                statuses: Vec::new(),
            },
            passes: Vec::new(),
            determinism: Determinism::default(),
        }
    }
}

#[test]
fn a_release_is_given_to_a_reviewer_who_approves_it_with_a_key_of_their_own() {
    let home = Home::new();
    let list = home.json(&["review", "list"]);
    assert_eq!((&list["state"], &list["submission"]["plugin"]), (&json!("submitted"), &json!("com.example.quiet")));
    assert_eq!(list["missing"], json!(["1 more of 1 reviewers must approve it"]));
    assert!(home.ok(&["review", "list", "--state", "approved"]).starts_with("Nothing is under review"));
    let assigned = home.ok(&["review", "assign", "quiet@1", "Ann"]);
    assert!(assigned.ends_with("is in-review (0 of 1 approved)\n"), "{assigned}");
    let nobody = home.refused(&["review", "assign", "quiet@1", "Carl"]);
    assert!(
        nobody.contains("is no reviewer by the root of 'platform'; its reviewers: ") && nobody.contains("Ann"),
        "{nobody}"
    );
    let said = home.json(&["review", "comment", "quiet@1", "what is it for?"]);
    assert_eq!(said["notes"][2]["text"], "what is it for?", "{said}");
    let why = ["--reason", "it does nothing"];
    let approve = ["review", "approve", "quiet@1", "--as-asked"];
    let own = home.refused(&[&approve[..], &why[..], &["--key", "publisher.key"][..]].concat());
    assert!(own.contains("is the publisher's own"), "{own}");
    let approved = home.json(&[&approve[..], &why[..], &["--key", "ann.key"][..]].concat());
    assert_eq!((&approved["state"], &approved["left-without"]), (&json!("approved"), &json!([])), "{approved}");
    assert_eq!(approved["verdict"]["decision"], "approve", "{approved}");
    let shown = home.json(&["review", "show", "quiet@1"]);
    assert_eq!((&shown["verdicts"][0]["owner"], &shown["misbehaviour"]), (&json!("Ann"), &json!([])), "{shown}");
    assert_eq!((&shown["diff"], &shown["plan"]["name"]), (&Value::Null, &json!("Quiet")), "{shown}");
    let words = home.ok(&["review", "show", "quiet@1"]);
    for there in ["approved (1 of 1 approved)", "said: what is it for?", "Missing: nothing: it may be installed"] {
        assert!(words.contains(there), "{there}: {words}");
    }
    let rejected = home.ok(&[&["review", "reject", "quiet@1", "--key", "ann.key"][..], &why[..]].concat());
    assert!(rejected.contains("is rejected (0 of 1 approved)"), "{rejected}");
    let log = home.ok(&["audit", "tail", "--kind", "release.reviewed"]);
    assert_eq!(log.matches("release.reviewed").count(), 2, "a rehearsal is not on record: {log}");
}

#[test]
fn a_report_is_attached_to_its_release_alone_and_named_in_the_verdict() {
    let home = Home::new();
    let report = Home::report(Digest::of(MANIFEST.as_bytes()));
    home.file("right.json", &report.encode().unwrap());
    home.file("other.json", &Home::report(Digest::of(b"other")).encode().unwrap());
    home.file("spaced.json", &serde_json::to_vec_pretty(&report).unwrap());
    let attach = |file: &'static str| ["review", "attach", "quiet@1", file];
    let other = home.refused(&attach("other.json"));
    assert!(other.contains("the behaviour report is about"), "{other}");
    assert!(
        home.refused(&attach("spaced.json")).contains("canonical form"),
        "its digest would be another than the file's"
    );
    let digest = report.digest().unwrap().to_string();
    assert_eq!(home.json(&attach("right.json"))["report"], json!(digest));
    let decide = ["review", "approve", "quiet@1", "--as-asked", "--reason", "it does nothing", "--key", "ann.key"];
    let approved = home.json(&[&decide[..], &["--report", &digest][..]].concat());
    assert_eq!(approved["verdict"]["report"], json!(digest), "{approved}");
    let shown = home.json(&["review", "show", "quiet@1"]);
    assert_eq!(shown["reports"][0]["digest"], json!(digest), "{shown}");
}

#[test]
fn what_was_handed_in_is_taken_back_and_what_is_not_there_is_said() {
    let home = Home::new();
    let taken = home.ok(&["review", "withdraw", "quiet@1", "--reason", "a wrong build"]);
    assert!(taken.contains("is withdrawn"), "{taken}");
    let again = home.refused(&["review", "comment", "quiet@1", "really?"]);
    assert!(again.contains("the submission is withdrawn: hand it in again first"), "{again}");
    let missing = home.refused(&["review", "resolve", "rep_1", "--note", "x", "--public-note", "y"]);
    assert!(missing.contains("there is no report rep_1; see 'portcullis review list'"), "{missing}");
}

#[test]
fn what_is_installed_is_approved_the_short_way_by_a_reviewers_key_and_beyond_what_it_asks_for() {
    let home = Home::new();
    let approve = ["review", "approve", "quiet@1", "--as-asked", "--reason", "it does nothing", "--key", "ann.key"];
    home.ok(&approve);
    let review = ["plugin", "review", "quiet"];
    let nowhere = home.refused(&[&review[..], &["--nothing"][..]].concat());
    assert!(nowhere.contains("no installation 'quiet'"), "{nowhere}");
    home.ok(&["plugin", "install", "quiet", "--tenant", "acme", "--yes"]);
    assert!(home.refused(&review).contains("--nothing"));
    for (words, says) in [
        (&["tickets:raed fields=subject", "--key", "ann.key"][..], "did you mean 'read'?"),
        (&["--nothing", "--days", "366", "--key", "ann.key"][..], "1 to 365 days"),
        (&["--nothing", "--reason", "two\nlines", "--key", "ann.key"][..], "the reason must be one line"),
        (&["--nothing", "--key", "publisher.key"][..], "signed by a key of a root's 'reviewers'"),
    ] {
        let refused = home.refused(&[&review[..], words].concat());
        assert!(refused.contains(says), "{words:?}: {refused}");
    }
    let done = home.json(&[&review[..], &["log:write", "--key", "ann.key"][..]].concat());
    let expected = json!({ "plugin": "com.example.quiet", "release": Digest::of(COMPONENT), "at-most": ["log:write"] });
    assert_eq!(done, expected);
    let words = home.ok(&[&review[..], &["--nothing", "--key", "ann.key"][..]].concat());
    assert!(
        words.starts_with("com.example.quiet 1.0.0 (") && words.ends_with(") may at most:\n  nothing\n"),
        "{words}"
    );
    let shown = home.json(&["review", "show", "quiet@1"]);
    assert_eq!(shown["verdicts"][0]["verdict"]["reason"], "reviewed", "her last one: {shown}");
    let log = home.ok(&["audit", "tail", "--kind", "release.reviewed"]);
    assert_eq!(log.matches("release.reviewed").count(), 3, "what was refused is not on record: {log}");
}

#[test]
fn two_files_are_compared_without_a_home_and_all_else_says_the_same() {
    let home = Home::new();
    fs::create_dir(home.0.path().join("newer")).unwrap();
    home.file("newer/plugin.wasm", COMPONENT);
    let manifest = MANIFEST.replace("release = 1", "release = 2").replace("at all", "new");
    home.file("newer/portcullis.toml", manifest.as_bytes());
    let mut alone = Command::new(env!("CARGO_BIN_EXE_portcullis"));
    alone.args(["--home", "nowhere", "plugin", "diff", "quiet", "newer"]).current_dir(home.0.path());
    let alone = alone.env_remove("PORTCULLIS_HOME").output().unwrap();
    let words = String::from_utf8(alone.stdout).unwrap();
    assert!(words.starts_with("com.example.quiet: 1.0.0 (release 1) -> 1.0.0 (release 2)\n"), "{words}");
    assert!(words.contains("documents: summary: Does nothing at all -> Does nothing new"), "{words}");
    assert!(!home.0.path().join("nowhere").exists());

    let approve = ["review", "approve", "quiet@1", "--as-asked", "--reason", "it does nothing", "--key", "ann.key"];
    home.ok(&approve);
    home.ok(&["plugin", "sign", "newer", "--key", "publisher.key"]);
    home.ok(&["plugin", "publish", "newer"]);
    let (old, new) = ("com.example.quiet@1", "com.example.quiet@2");
    let diff = |old: &'static str, new: &'static str| ["plugin", "diff", old, new];
    let value = home.json(&diff("quiet", "newer"));
    for (old, new) in [(old, new), ("quiet", new), (old, "newer")] {
        assert_eq!(home.ok(&diff(old, new)), words, "{old} {new}");
        assert_eq!(home.json(&diff(old, new)), value, "{old} {new}");
    }
    let missing = home.refused(&diff(old, "com.example.quiet@7"));
    assert!(missing.contains("there is no release 'com.example.quiet@7' in the registry"), "{missing}");
    let neither = home.refused(&diff("quiet", "elsewhere"));
    assert!(neither.contains("'elsewhere' is no directory, no bundle, no PLUGIN@NUMBER and no digest"), "{neither}");
}
