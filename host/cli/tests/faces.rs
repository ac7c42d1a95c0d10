//! The command line is a face of the admin API: docs/developers/admin-api.md says of every command whether it asks the API, works on
//! files, or opens the home; and the source of those that ask reaches for nothing else.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
    process::{Command, Output},
    time::Duration,
};

use clap::CommandFactory as _;
use portcullis_cli::{commands::Args, system::SystemClock};
use portcullis_model::time::Clock as _;
use serde_json::{Value, json};

/// Where the commands that ask the API lie, below `src/commands`: nothing else of a file there is done in another way.
const ASKING: &[(&str, &str)] = &[
    ("alert ack", "alert.rs"),
    ("alert close", "alert.rs"),
    ("alert list", "alert/show.rs"),
    ("alert mute", "alert.rs"),
    ("alert send-to", "alert/send.rs"),
    ("alert show", "alert/show.rs"),
    ("alert unmute", "alert.rs"),
    ("audit ask granted", "audit/reading/ask.rs"),
    ("audit ask left", "audit/reading/ask.rs"),
    ("audit ask since-review", "audit/reading/ask.rs"),
    ("audit ask token", "audit/reading/ask.rs"),
    ("audit ask touched", "audit/reading/ask.rs"),
    ("audit bundle", "audit/reading/bundle.rs"),
    ("audit checkpoint", "audit/heads.rs"),
    ("audit consistency", "audit/heads.rs"),
    ("audit dispose", "audit/dispose.rs"),
    ("audit erase", "audit/erase.rs"),
    ("audit export", "audit/reading/export.rs"),
    ("audit key show", "audit/key/show.rs"),
    ("audit outlets", "audit/outlets.rs"),
    ("audit proof", "audit/proof.rs"),
    ("audit search", "audit/reading/search.rs"),
    ("audit tail", "audit/reading/search.rs"),
    ("audit views", "audit/heads.rs"),
    ("audit witness add", "audit/witness.rs"),
    ("audit witness ask", "audit/witness.rs"),
    ("audit witness list", "audit/witness.rs"),
    ("audit witness remove", "audit/witness.rs"),
    ("automation add", "automation.rs"),
    ("automation list", "automation.rs"),
    ("automation remove", "automation.rs"),
    ("automation rotate", "automation.rs"),
    ("backend list", "backend/messages.rs"),
    ("backend remove", "backend/set.rs"),
    ("backend replay", "backend/messages.rs"),
    ("backend rotate", "backend/keys.rs"),
    ("backend secret", "backend/keys.rs"),
    ("backend set", "backend/set.rs"),
    ("backend test", "backend/messages.rs"),
    ("client approve", "client/authorize.rs"),
    ("client deny", "client/authorize.rs"),
    ("client drop-key", "client/keys.rs"),
    ("client end-tokens", "client/ask.rs"),
    ("client list", "client/ask.rs"),
    ("client pending", "client/authorize.rs"),
    ("client register", "client/keys.rs"),
    ("client revoke", "client/ask.rs"),
    ("client rotate", "client/keys.rs"),
    ("client show", "client/ask.rs"),
    ("client tokens", "client/ask.rs"),
    ("connection add", "connection/add.rs"),
    ("connection authorize", "connection/authorize.rs"),
    ("connection list", "connection/list.rs"),
    ("connection revoke", "connection/revoke.rs"),
    ("duty attest", "duty.rs"),
    ("duty open", "duty.rs"),
    ("duty said", "duty.rs"),
    ("duty withdraw", "duty.rs"),
    ("events list", "events/deliveries.rs"),
    ("events retry", "events/deliveries.rs"),
    ("freeze add", "freeze.rs"),
    ("freeze lift", "freeze.rs"),
    ("freeze list", "freeze.rs"),
    ("incident announce", "incident/announce.rs"),
    ("incident close", "incident/mod.rs"),
    ("incident contain", "incident/containing.rs"),
    ("incident lift", "incident/mod.rs"),
    ("incident list", "incident/mod.rs"),
    ("incident note", "incident/mod.rs"),
    ("incident open", "incident/open.rs"),
    ("incident report", "incident/show.rs"),
    ("incident show", "incident/show.rs"),
    ("incident told", "incident/mod.rs"),
    ("notices", "notices.rs"),
    ("person access set", "person/access.rs"),
    ("person access show", "person/access.rs"),
    ("person end-session", "person/mod.rs"),
    ("person invite", "person/mod.rs"),
    ("person list", "person/show.rs"),
    ("person provider remove", "person/provider.rs"),
    ("person provider set", "person/provider.rs"),
    ("person provider show", "person/provider.rs"),
    ("person recover", "person/mod.rs"),
    ("person remove", "person/mod.rs"),
    ("person resume", "person/mod.rs"),
    ("person role", "person/mod.rs"),
    ("person sessions", "person/sessions.rs"),
    ("person support allow", "person/support.rs"),
    ("person support end", "person/support.rs"),
    ("person support list", "person/support.rs"),
    ("person suspend", "person/mod.rs"),
    ("plugin diff", "plugin/diff.rs"),
    ("plugin explain", "plugin/explain.rs"),
    ("plugin grant", "plugin/govern.rs"),
    ("plugin install", "plugin/install.rs"),
    ("plugin lift", "plugin/withdraw.rs"),
    ("plugin limit", "plugin/limit.rs"),
    ("plugin list", "plugin/govern.rs"),
    ("plugin log", "plugin/log.rs"),
    ("plugin override", "plugin/overriding.rs"),
    ("plugin policy", "plugin/policy.rs"),
    ("plugin publish", "plugin/publish.rs"),
    ("plugin quarantine", "plugin/withdraw.rs"),
    ("plugin receipt", "plugin/receipt.rs"),
    ("plugin releases", "plugin/releases.rs"),
    ("plugin report", "plugin/report.rs"),
    ("plugin rescan", "plugin/rescan.rs"),
    ("plugin restore", "plugin/uninstall.rs"),
    ("plugin resume", "plugin/govern.rs"),
    ("plugin review", "plugin/review.rs"),
    ("plugin rollback", "plugin/rollback.rs"),
    ("plugin sheet", "plugin/sheet.rs"),
    ("plugin submit", "plugin/submit.rs"),
    ("plugin suspend", "plugin/govern.rs"),
    ("plugin uninstall", "plugin/uninstall.rs"),
    ("plugin upgrade", "plugin/upgrade.rs"),
    ("plugin withdrawals", "plugin/withdrawals.rs"),
    ("plugin yank", "plugin/withdraw.rs"),
    ("posture", "posture.rs"),
    ("privacy certificate", "privacy/asking.rs"),
    ("privacy close", "privacy/asking.rs"),
    ("privacy export", "privacy/export.rs"),
    ("privacy list", "privacy/asking.rs"),
    ("privacy request", "privacy/asking.rs"),
    ("privacy show", "privacy/asking.rs"),
    ("profile list", "profile.rs"),
    ("profile set", "profile.rs"),
    ("profile unset", "profile.rs"),
    ("review approve", "review/decide.rs"),
    ("review assign", "review/work.rs"),
    ("review attach", "review/work.rs"),
    ("review comment", "review/work.rs"),
    ("review list", "review/list.rs"),
    ("review reject", "review/decide.rs"),
    ("review request-changes", "review/decide.rs"),
    ("review resolve", "review/resolve.rs"),
    ("review show", "review/show.rs"),
    ("review withdraw", "review/work.rs"),
    ("risk approve", "risk.rs"),
    ("risk list", "risk.rs"),
    ("risk propose", "risk.rs"),
    ("risk withdraw", "risk.rs"),
    ("role list", "role/show.rs"),
    ("role remove", "role.rs"),
    ("role set", "role.rs"),
    ("role show", "role/show.rs"),
    ("rotate", "rotate.rs"),
    ("rotation list", "rotation.rs"),
    ("rotation policy clear", "rotation/policy.rs"),
    ("rotation policy list", "rotation/policy.rs"),
    ("rotation policy set", "rotation/policy.rs"),
    ("rotation show", "rotation.rs"),
    ("rotation status", "rotation.rs"),
    ("rule list", "rule/show.rs"),
    ("rule show", "rule/show.rs"),
    ("rule test", "rule/try_out.rs"),
    ("source add", "source.rs"),
    ("source list", "source.rs"),
    ("source remove", "source.rs"),
    ("source rotate", "source.rs"),
    ("status announce", "status.rs"),
    ("status list", "status.rs"),
    ("status resolve", "status.rs"),
    ("tenant certificate", "tenant.rs"),
    ("tenant delete", "tenant.rs"),
    ("tenant export", "tenant/export.rs"),
    ("trust show", "trust/show.rs"),
    ("vault rotate-keys", "vault.rs"),
    ("vault status", "vault.rs"),
    ("why", "why.rs"),
];

/// What a command that asks has no use for: the store, and what acts on it.
const ELSEWHERE: &[&str] = &[
    ".store",
    ".vault()",
    ".connections",
    ".registry",
    ".installer()",
    ".keeper()",
    ".explainer()",
    ".access.",
    "desk(",
    "host.entry(",
    "Kind::",
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// All commands that do something, by their words.
fn commands() -> BTreeSet<String> {
    fn walk(command: &clap::Command, words: &str, all: &mut BTreeSet<String>) {
        let below: Vec<_> = command.get_subcommands().filter(|one| one.get_name() != "help").collect();
        if !words.is_empty() && !command.is_subcommand_required_set() {
            all.insert(words.to_owned());
        }
        for one in below {
            walk(one, format!("{words} {}", one.get_name()).trim(), all);
        }
    }
    let mut all = BTreeSet::new();
    walk(&Args::command(), "", &mut all);
    all
}

/// The table of the page: of each command, the column that it stands in.
fn table() -> BTreeMap<String, usize> {
    let page = fs::read_to_string(root().join("docs/developers/admin-api.md")).unwrap();
    let section = page.split("\n## The command line\n").nth(1).unwrap().split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let mut all = BTreeMap::new();
    for row in rows {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let [_, noun, columns @ .., _] = cells.as_slice() else { panic!("{row}") };
        let noun = noun.trim_matches('`');
        for (column, cell) in columns.iter().enumerate() {
            for verb in cell.split(',').map(|verb| verb.trim().trim_matches('`')).filter(|verb| !verb.is_empty()) {
                let words = if verb == "itself" { noun.to_owned() } else { format!("{noun} {verb}") };
                assert!(all.insert(words.clone(), column).is_none(), "'{words}' stands there twice");
            }
        }
    }
    all
}

#[test]
fn every_command_has_its_place_in_the_table() {
    let (commands, table) = (commands(), table());
    let lacking: Vec<_> = commands.iter().filter(|one| !table.contains_key(*one)).collect();
    assert!(lacking.is_empty(), "docs/developers/admin-api.md says nothing of: {lacking:?}");
    let gone: Vec<_> = table.keys().filter(|one| !commands.contains(*one)).collect();
    assert!(gone.is_empty(), "docs/developers/admin-api.md has commands that there are not: {gone:?}");
    let asks: Vec<&str> = table.iter().filter(|(_, column)| **column == 0).map(|(words, _)| words.as_str()).collect();
    let known: Vec<&str> = ASKING.iter().map(|(words, _)| *words).collect();
    assert_eq!(asks, known, "those that ask the API, in the table and here");
}

#[test]
fn what_asks_the_api_reaches_for_nothing_else() {
    for file in ASKING.iter().map(|(_, file)| *file).collect::<BTreeSet<_>>() {
        let path = root().join("host/cli/src/commands").join(file);
        let source = fs::read_to_string(path).unwrap();
        let source = source.split("#[cfg(test)]").next().unwrap();
        assert!(source.contains("Keyboard") || source.contains(".keyboard"), "{file} does not ask the API");
        for name in ELSEWHERE {
            assert!(!source.contains(name), "{file} asks the API, and reaches for '{name}' as well");
        }
    }
}

/// A host that was just made, and its command line.
struct Home(tempfile::TempDir);

impl Home {
    fn new() -> Self {
        let home = Self(tempfile::tempdir().unwrap());
        assert!(home.run(&["init"]).status.success());
        home
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.arg("--home").arg(self.0.path().join("home")).args(words).current_dir(self.0.path());
        command.env("USER", "mara-of-operations").env_remove("PORTCULLIS_HOME").output().unwrap()
    }

    fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[&["--json"][..], words].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }

    fn text(&self, words: &[&str]) -> String {
        String::from_utf8(self.run(words).stdout).unwrap()
    }

    /// What is said where a command fails.
    fn refused(&self, words: &[&str]) -> String {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }

    fn file(&self, name: &str, text: &str) {
        fs::write(self.0.path().join(name), text).unwrap();
    }
}

#[test]
fn a_program_is_registered_found_by_its_name_given_another_key_and_taken_away() {
    let home = Home::new();
    home.file(
        "first.pub",
        "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n",
    );
    home.file("next.jwks", r#"{"kty":"OKP","crv":"Ed25519","x":"PUAXw-hDiVqStwqnTRt-vJyYLM8uxJaMwM1V8Sr0Zgw"}"#);
    let until = SystemClock.now().plus(Duration::from_secs(20 * 86_400)).to_string();
    let at = ["--tenant", "acme"];
    let new = ["--role", "auditor", "--public-key", "first.pub", "--until", &until, "--network", "192.0.2.0/24"];
    let made = home.json(&[&["automation", "add", "nightly"][..], &at[..], &new[..]].concat());
    assert_eq!(
        (&made["tenant"], &made["role"], &made["privileged"]),
        (&json!("acme"), &json!("auditor"), &json!(false))
    );
    let list = home.json(&[&["automation", "list"][..], &at[..]].concat());
    assert_eq!(list["automations"], json!([made]));
    let told = home.text(&[&["automation", "list"][..], &at[..]].concat());
    assert!(told.contains("nightly as auditor of acme, no privileged acts, from 192.0.2.0/24, until "), "{told}");
    let ghost = [&["automation", "rotate", "ghost", "--jwks", "next.jwks"][..], &at[..]].concat();
    assert!(home.refused(&ghost).contains("acme has no automation 'ghost'"));
    let next = ["automation", "rotate", "nightly", "--jwks", "next.jwks", "--overlap", "0"];
    let changed = home.json(&[&next[..], &at[..]].concat());
    assert_eq!(changed["keys"].as_array().unwrap().len(), 1, "the one before ended at once: {changed}");
    assert_ne!(changed["keys"][0]["thumbprint"], made["keys"][0]["thumbprint"]);
    let gone = home.json(&[&["automation", "remove", "nightly"][..], &at[..]].concat());
    assert_eq!(gone["removed"], made["client"]);
    assert_eq!(home.text(&[&["automation", "list"][..], &at[..]].concat()), "None.\n");
}

#[test]
fn roles_are_listed_and_shown_with_who_wrote_them() {
    let home = Home::new();
    let rules = json!([{ "actions": ["installations.list"] }]);
    home.file("night.json", &json!({ "name": "night-watch", "says": "Watches at night", "rules": rules }).to_string());
    home.json(&["role", "set", "night.json", "--tenant", "acme"]);
    let list = home.json(&["role", "list", "--tenant", "acme"]);
    assert_eq!(list["built-in"][0], "owner");
    assert_eq!((&list["own"][0]["name"], &list["own"][0]["by"]), (&json!("night-watch"), &json!("mara-of-operations")));
    let shown = home.text(&["role", "show", "night-watch", "--tenant", "acme"]);
    assert_eq!(shown, "Watches at night\nmay installations.list\n");
    assert!(home.refused(&["role", "show", "day-watch", "--tenant", "acme"]).contains("acme has no role 'day-watch'"));
}

#[test]
fn deliveries_are_listed_and_the_log_is_asked() {
    let home = Home::new();
    assert_eq!(home.text(&["events", "list"]), "\n");
    let missing = home.refused(&["events", "retry", "7"]);
    assert!(missing.contains("there is no delivery 7; see 'portcullis events list'"), "{missing}");
    let answer = home.json(&["audit", "ask", "touched", "--plugin", "com.example.none"]);
    assert_eq!((&answer["findings"], &answer["complete"]), (&json!([]), &json!(true)));
    let words = home.text(&["audit", "ask", "token", "--client", "cli_1"]);
    assert!(words.starts_with("The log has nothing of that."), "{words}");
    let asked = home.text(&["audit", "search", "kind=audit.read"]);
    assert!(asked.contains("touched") && asked.contains("com.example.none"), "what was asked is on record: {asked}");
}

#[test]
fn the_log_is_proved_and_its_witnesses_are_kept() {
    let home = Home::new();
    let head = home.json(&["audit", "checkpoint", "--out", &home.path("kept")]);
    assert_eq!(fs::read_to_string(home.path("kept")).unwrap(), head["checkpoint"].as_str().unwrap());
    let own = home.text(&["audit", "checkpoint", "--view", "-"]);
    assert!(own.contains("\n\n\u{2014} "), "a signed note: {own}");
    assert_eq!(home.text(&["audit", "key", "show"]).trim_end(), head["key"].as_str().unwrap());
    assert!(home.text(&["audit", "views"]).contains("- (the host's own)"));
    let nobody = home.refused(&["audit", "checkpoint", "--view", "nobody"]);
    assert!(nobody.contains("there is no entry of 'nobody' in the published log yet"), "{nobody}");
    let proof = home.path("proof.json");
    home.json(&["audit", "proof", "0", "--out", &proof]);
    assert_eq!(home.json(&["audit", "check-proof", &proof])["verified"], true);
    let missing = home.refused(&["audit", "proof", "9999"]);
    assert!(missing.contains("the index of an entry"), "{missing}");
    assert!(home.text(&["audit", "consistency", "--from", "1"]).starts_with("old 1\n"));

    let vkey = "w.example/1+711f387f+BNdamAGCsQq31Uv+08lkBzoO4XLz2qYjJa8CGmj3B1Ea";
    assert!(home.refused(&["audit", "witness", "ask"]).contains("there is no witness"));
    let add = ["audit", "witness", "add", "harbour", "--url", "https://w.example/w1", "--vkey"];
    let added = home.json(&[&add[..], &[vkey]].concat());
    let expected = json!({ "added": "harbour", "witness": "w.example/1+711f387f", "log-key": head["key"] });
    assert_eq!(added, expected);
    assert!(home.refused(&[&add[..], &["w.example/1+711f387f+AA=="]].concat()).contains("witness"));
    assert_eq!(home.json(&["audit", "witness", "list"])["asked"], Value::Null);
    assert!(home.text(&["audit", "witness", "list"]).starts_with("harbour                  0 entries, never asked\n"));
    assert_eq!(home.json(&["audit", "witness", "remove", "harbour"]), json!({ "removed": "harbour" }));
    let gone = home.refused(&["audit", "witness", "remove", "harbour"]);
    assert!(gone.contains("there is no witness 'harbour'; 'portcullis audit witness list' names them"), "{gone}");
    assert_eq!(home.text(&["audit", "outlets"]), "");
}

#[test]
fn rules_roots_keys_and_what_needs_somebody_are_asked() {
    let home = Home::new();
    let rule = home.json(&["rule", "show", "new-destination"]);
    assert_eq!((&rule["severity"], &rule["file"]), (&json!("high"), &Value::Null), "{rule}");
    assert!(home.text(&["rule", "list"]).contains("new-destination          high      A plugin sends to a host"));
    assert!(home.refused(&["rule", "show", "none"]).contains("there is no rule 'none'"));
    let changed = home.json(&["trust", "change", "--expires-in-days", "90"]);
    assert_eq!((&changed["version"], &changed["withdrawals-over"]), (&json!(2), &json!([])), "{changed}");
    let root = home.json(&["trust", "show"]);
    assert_eq!((&root["root"]["version"], &root["expired"]), (&json!(2), &json!(false)), "{root}");
    assert!(home.refused(&["trust", "show", "--tenant", "acme"]).contains("there is no root of 'tenant:acme'"));
    home.json(&["source", "add", "desk", "--kind", "cloudevents", "--tenant", "acme"]);
    assert_eq!(home.json(&["vault", "status"])["tenants"]["acme"]["data-keys"], json!({ "1": 1 }));
    let rotated = home.json(&["vault", "rotate-keys", "--tenant", "acme"]);
    assert_eq!((&rotated["made"], &rotated["resealed"], &rotated["rewrapped"]), (&json!(1), &json!(1), &json!(0)));
    assert!(home.text(&["vault", "status"]).contains("acme  data key 2 seals 1"));
    for words in [&["notices"][..], &["notices", "--since", "7d", "--tenant", "acme"]] {
        let told = home.run(words);
        assert!(told.status.success(), "{words:?}: {}", String::from_utf8_lossy(&told.stderr));
    }
}
