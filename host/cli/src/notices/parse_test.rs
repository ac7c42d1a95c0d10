//! Every hint that is printed is a command that this program takes, as a shell reads it from the line.

use std::process::Command;

use clap::Parser as _;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    budget::Resource,
    id::Digest,
    installation::{Installation, InstallationState},
    limits::Limits,
    rotation::Family,
    webhook::{BackEnd, BackEndState, Health},
};

use super::*;
use crate::commands::Args;

/// What `portcullis` would be started with by this line.
fn read_by_a_shell(line: &str) -> Vec<Vec<String>> {
    let script = format!("portcullis() {{ printf '%s\\0' \"$@\"; printf '\\n\\0'; }}\n{line}\n");
    let done = Command::new("sh").args(["-c", &script]).output().unwrap();
    assert!(done.status.success() && done.stderr.is_empty(), "{line}: {}", String::from_utf8_lossy(&done.stderr));
    let text = String::from_utf8(done.stdout).unwrap();
    let arguments: Vec<&str> = text.split_terminator('\0').collect();
    let commands = arguments.split(|one| *one == "\n").filter(|command| !command.is_empty());
    commands.map(|command| command.iter().map(|one| (*one).to_owned()).collect()).collect()
}

fn parses(help: &Help) {
    let line = help.to_string();
    if help.commands().is_empty() {
        assert!(!line.is_empty() && !line.contains("portcullis "), "a command within words: {line}");
        return;
    }
    let read = read_by_a_shell(&line);
    assert_eq!(read, help.commands(), "{line}");
    for command in read {
        let arguments = std::iter::once("portcullis".to_owned()).chain(command);
        assert!(Args::try_parse_from(arguments).map_err(|error| panic!("{line}\n{error}")).is_ok());
    }
}

fn installed() -> Installation {
    Installation {
        id: "ins_1".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        release: Digest::of(b"component"),
        manifest: Digest::of(b"manifest"),
        version: "1.0.0".into(),
        number: 1,
        state: InstallationState::Active,
        granted: vec!["tickets:read fields=subject".parse().unwrap()],
        limits: Limits::default(),
        upgrades: Default::default(),
        previous: None,
        waiting: None,
        rolled_back: None,
        generation: 1,
    }
}

fn known() -> Known {
    let suspension = |capability: &str, whose| Suspension {
        tenant: "acme".parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        capability: capability.into(),
        resource: Resource::RecordsRead,
        whose,
        since: Timestamp(5),
        until: Timestamp(9),
        reason: "used up".into(),
    };
    let held = connections::tests::held;
    Known {
        now: Timestamp(0),
        suspended: vec![
            suspension("tickets", Budgeted::Installation),
            suspension(EVENTS, Budgeted::Installation),
            suspension("users", Budgeted::Tenant),
        ],
        installed: vec![installed()],
        connections: vec![
            held("desk", "zendesk", None),
            held("api", "client-credentials", None),
            held("old", "static", Some(5)),
        ],
    }
}

/// Entries with all that any of these kinds has.
fn entries(kind: Kind) -> Vec<Entry> {
    let about = match kind {
        Kind::SourceRevoked => "source:billing",
        Kind::RotationEnded => "rotation:rot_0123456789abcdef01234567",
        _ => "installation:ins_1",
    };
    let entry = Entry::new(Timestamp(5), kind, Actor::Host, Some("acme".parse().unwrap()));
    let mut full = entry.about(about).with("client", "cli_1").with("of", "cli_1");
    for (name, value) in [
        ("reason", "it's used up; $(id) `id`"),
        ("plugin", "com.example.plugin"),
        ("capability", "tickets"),
        ("why", "because"),
        ("name", "desk"),
        ("installation", "ins_1"),
        ("extent", "tenant acme"),
        ("version", "1.0.0"),
        ("purge-at", "tomorrow"),
        ("oauth-key", "made anew"),
    ] {
        full = full.with(name, value);
    }
    full = full.with("could-grant", vec!["http:send to=a.test methods=POST".to_owned()]).with("attempts", 3);
    let with = |name: &str, value: &str| full.clone().with(name, value);
    let mut all = vec![full.clone(), full.clone().with("unknown-acts", 2), full.clone().with("failed", 1)];
    all.extend(["person-needed", "revocation-failed"].map(|name| full.clone().with(name, 1)));
    all.extend([EVENTS, "users", "kv"].map(|capability| with("capability", capability)));
    all.extend(["upgrade", "install", "submit"].map(|at| with("at", at)));
    for family in Family::ALL {
        all.extend(["desk", "api", "old", "gone"].map(|name| with("family", family.name()).with("name", name)));
    }
    all
}

const KINDS: [Kind; 16] = [
    Kind::AuditDisposalAnnounced,
    Kind::CapabilitySuspended,
    Kind::PluginSuspended,
    Kind::DeliveryDead,
    Kind::ReleaseRefused,
    Kind::HostStarted,
    Kind::PluginUpgraded,
    Kind::PluginUpgradeWaits,
    Kind::PluginUninstalled,
    Kind::ConnectionConsentNeeded,
    Kind::FreezeAdded,
    Kind::RotationEnded,
    Kind::RotationNeeded,
    Kind::SourceRevoked,
    Kind::RefreshReused,
    Kind::CodeMisused,
];

#[test]
fn every_hint_about_the_log_is_a_command_that_parses() {
    let known = known();
    for kind in KINDS {
        let mut count = 0;
        for entry in entries(kind) {
            if let Some((_, help)) = told(&entry, &known) {
                parses(&help);
                count += 1;
            }
        }
        assert!(count > 0, "{kind:?} is never told of");
    }
}

#[test]
fn every_hint_about_what_stands_is_a_command_that_parses() {
    let back_end = |state, failing_since| BackEnd {
        tenant: "acme".parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        url: "https://hooks.example.test/in?a=b&c".parse().unwrap(),
        events: vec!["zen:event-type:ticket.*".into()],
        state,
        health: Health { failing_since, ..Health::default() },
        generation: 1,
    };
    let disabled = BackEndState::Disabled { since: Timestamp(1), why: "410".into() };
    for one in [back_end(disabled, None), back_end(BackEndState::Active, Some(Timestamp(1)))] {
        let help = backends::told(&one).unwrap().help;
        assert!(!help.to_string().contains("a=b"), "what could be a secret in an address is told: {help}");
        parses(&help);
    }
    for help in standing::tests::helps(&[installed()]) {
        parses(&help);
    }
}

#[test]
fn the_grant_of_an_upgraded_plugin_is_the_whole_grant() {
    let help = known().grant("ins_1", vec!["http:send to=a.test methods=POST".into()]);
    let grant = "portcullis plugin grant ins_1 'http:send to=a.test methods=POST' 'tickets:read fields=subject'";
    assert!(help.to_string().starts_with(grant), "{help}");
}
