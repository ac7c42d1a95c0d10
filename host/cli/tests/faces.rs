//! The command line is a face of the admin API: docs/developers/admin-api.md says of every command whether it asks the API, works on
//! files, or opens the home; and the source of those that ask reaches for nothing else.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use clap::CommandFactory as _;
use portcullis_cli::commands::Args;

/// Where the commands that ask the API lie, below `src/commands`: nothing else of a file there is done in another way.
const ASKING: &[(&str, &str)] = &[
    ("alert ack", "alert.rs"),
    ("alert close", "alert.rs"),
    ("alert list", "alert/show.rs"),
    ("alert mute", "alert.rs"),
    ("alert show", "alert/show.rs"),
    ("alert unmute", "alert.rs"),
    ("backend list", "backend/messages.rs"),
    ("backend remove", "backend/set.rs"),
    ("backend replay", "backend/messages.rs"),
    ("backend rotate", "backend/keys.rs"),
    ("backend secret", "backend/keys.rs"),
    ("backend set", "backend/set.rs"),
    ("backend test", "backend/messages.rs"),
    ("client end-tokens", "client/ask.rs"),
    ("client list", "client/ask.rs"),
    ("client revoke", "client/ask.rs"),
    ("client show", "client/ask.rs"),
    ("client tokens", "client/ask.rs"),
    ("connection list", "connection/list.rs"),
    ("duty attest", "duty.rs"),
    ("duty open", "duty.rs"),
    ("duty said", "duty.rs"),
    ("duty withdraw", "duty.rs"),
    ("freeze add", "freeze.rs"),
    ("freeze lift", "freeze.rs"),
    ("freeze list", "freeze.rs"),
    ("incident close", "incident/mod.rs"),
    ("incident lift", "incident/mod.rs"),
    ("incident list", "incident/mod.rs"),
    ("incident note", "incident/mod.rs"),
    ("incident told", "incident/mod.rs"),
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
    ("person support allow", "person/support.rs"),
    ("person support end", "person/support.rs"),
    ("person suspend", "person/mod.rs"),
    ("plugin grant", "plugin/govern.rs"),
    ("plugin limit", "plugin/limit.rs"),
    ("plugin list", "plugin/govern.rs"),
    ("plugin policy", "plugin/policy.rs"),
    ("plugin releases", "plugin/releases.rs"),
    ("plugin resume", "plugin/govern.rs"),
    ("plugin rollback", "plugin/rollback.rs"),
    ("plugin sheet", "plugin/sheet.rs"),
    ("plugin suspend", "plugin/govern.rs"),
    ("plugin withdrawals", "plugin/withdrawals.rs"),
    ("posture", "posture.rs"),
    ("profile list", "profile.rs"),
    ("profile set", "profile.rs"),
    ("profile unset", "profile.rs"),
    ("risk approve", "risk.rs"),
    ("risk list", "risk.rs"),
    ("risk propose", "risk.rs"),
    ("risk withdraw", "risk.rs"),
    ("role remove", "role.rs"),
    ("role set", "role.rs"),
    ("source add", "source.rs"),
    ("source list", "source.rs"),
    ("source remove", "source.rs"),
    ("source rotate", "source.rs"),
    ("status announce", "status.rs"),
    ("status list", "status.rs"),
    ("status resolve", "status.rs"),
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
