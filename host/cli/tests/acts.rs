//! Every command that changes something says which entries it writes, and every kind of entry is explained (MON-1). A command without
//! a line here, and a kind without one in docs/security/audit-entries.md, fails. `AUDIT_ENTRIES_DOC=1` writes the page anew.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::{collections::BTreeMap, fs, path::PathBuf};

use clap::CommandFactory as _;
use portcullis_cli::commands::Args;

/// It only reads, or asks the running host, which writes its own entries.
const READS: &str = "";
/// It works on files that are no host's: nothing of a home changes.
const FILES: &str = "-";

/// What each command writes, by the command's words.
const ACTS: &[(&str, &str)] = &[
    ("init", "host.created source.added connection.added trust.changed"),
    (
        "serve",
        "host.started host.stopped risk.lapsed attestation.lapsed posture.changed outlet.started outlet.stopped outlet.failing \
         outlet.recovered outlet.missed alert.raised alert.rules-changed alert.delivery alert.endpoint-disabled incident.enforced \
         privacy.erased privacy.answered privacy.failed privacy.overdue privacy.forgotten tenant.deleted",
    ),
    ("demo", FILES),
    ("plugin new", FILES),
    ("plugin schema", FILES),
    ("plugin build", FILES),
    ("plugin inspect", READS),
    ("plugin vet", FILES),
    ("plugin sign", FILES),
    ("plugin bundle", FILES),
    ("plugin unbundle", FILES),
    ("plugin verify", READS),
    ("plugin push", FILES),
    ("plugin pull", FILES),
    ("plugin diff", READS),
    ("plugin publish", "release.published release.refused"),
    ("plugin releases", READS),
    ("plugin install", "release.published plugin.installed release.refused"),
    ("plugin list", READS),
    ("plugin grant", "plugin.granted"),
    ("plugin limit", "plugin.granted"),
    ("plugin explain", READS),
    ("plugin sheet", READS),
    ("plugin submit", "review.submitted release.refused"),
    ("plugin report", "plugin.reported plugin.suspended release.withdrawn"),
    ("plugin rescan", "release.vulnerable release.withdrawn"),
    ("plugin review", "release.reviewed"),
    ("plugin suspend", "plugin.suspended"),
    ("plugin resume", "plugin.resumed capability.resumed"),
    ("plugin yank", "release.withdrawn plugin.suspended"),
    ("plugin quarantine", "release.withdrawn plugin.suspended"),
    ("plugin lift", "release.reinstated"),
    ("plugin override", "release.overridden"),
    ("plugin withdrawals", READS),
    ("plugin upgrade", "plugin.upgraded plugin.upgrade-waits"),
    ("plugin policy", "plugin.upgrade-policy"),
    ("plugin rollback", "plugin.rolled-back"),
    ("plugin uninstall", "plugin.suspended plugin.uninstalled plugin.erased connection.ended"),
    ("plugin restore", "plugin.restored"),
    ("plugin receipt", "audit.read"),
    ("plugin log", READS),
    ("review list", READS),
    ("review show", READS),
    ("review assign", "review.assigned"),
    ("review comment", "review.commented"),
    ("review attach", "review.attached"),
    ("review request-changes", "release.reviewed"),
    ("review approve", "release.reviewed review.waived"),
    ("review reject", "release.reviewed"),
    ("review withdraw", "review.withdrawn"),
    ("review export", READS),
    ("review import", "release.reviewed review.attached review.submitted"),
    ("review resolve", "report.resolved"),
    ("key new", FILES),
    ("key show", FILES),
    ("key rotate", FILES),
    ("key passphrase", FILES),
    ("key handover", FILES),
    ("source add", "source.added connection.added"),
    ("source rotate", "source.rotated connection.added"),
    ("source remove", "source.removed"),
    ("source list", READS),
    ("person invite", "person.invited"),
    ("person recover", "person.invited"),
    ("person list", READS),
    ("person remove", "membership.ended person.removed session.ended factor.removed"),
    ("person role", "membership.granted session.ended"),
    ("person suspend", "person.changed session.ended"),
    ("person resume", "person.changed"),
    ("person sessions", READS),
    ("person end-session", "session.ended"),
    ("person support allow", "support.granted"),
    ("person support end", "support.ended"),
    ("person support list", READS),
    ("automation add", "automation.added"),
    ("automation list", READS),
    ("automation rotate", "automation.changed"),
    ("automation remove", "automation.removed"),
    ("person access show", READS),
    ("person access set", "access.changed"),
    ("person provider set", "access.changed session.ended"),
    ("person provider show", READS),
    ("person provider remove", "access.changed session.ended"),
    ("role list", READS),
    ("role show", READS),
    ("role check", FILES),
    ("role set", "role.changed"),
    ("role remove", "role.changed"),
    ("connection add", "connection.added connection.refused"),
    ("connection authorize", "consent.asked"),
    ("connection list", READS),
    ("connection revoke", "connection.ended"),
    ("provider list", READS),
    ("provider show", READS),
    ("backend set", "backend.set backend.rotated"),
    ("backend remove", "backend.removed"),
    ("backend list", READS),
    ("backend secret", READS),
    ("backend rotate", "backend.prepared backend.rotated"),
    ("backend replay", "backend.replayed"),
    ("backend test", "backend.tested"),
    ("freeze add", "freeze.added"),
    ("freeze lift", "freeze.lifted"),
    ("freeze list", READS),
    (
        "incident open",
        "incident.opened incident.contained plugin.suspended freeze.added incident.enforced rotation.started credential.rotated \
         rotation.ended rotation.reported freeze.lifted",
    ),
    ("incident list", READS),
    ("incident show", "audit.read"),
    (
        "incident contain",
        "incident.contained plugin.suspended freeze.added incident.enforced rotation.started credential.rotated rotation.ended \
         rotation.reported freeze.lifted",
    ),
    ("incident note", "incident.noted"),
    ("incident told", "incident.told"),
    ("incident lift", "incident.lifted freeze.lifted"),
    ("incident close", "incident.closed"),
    ("incident report", "audit.read"),
    ("incident announce", "status.announced"),
    ("rotate", "rotation.started freeze.added credential.rotated rotation.ended freeze.lifted rotation.reported"),
    ("rotate verify", READS),
    ("rotation policy set", "rotation.policy"),
    ("rotation policy clear", "rotation.policy"),
    ("rotation policy list", READS),
    ("rotation status", READS),
    ("rotation list", READS),
    ("rotation show", "rotation.reported"),
    ("vault status", READS),
    ("vault give-up", "vault.given-up"),
    ("vault rotate-keys", "vault.key-rotated vault.key-dropped vault.data-key-made vault.data-key-dropped"),
    ("client list", READS),
    ("client show", READS),
    ("client register", "client.registered"),
    ("client rotate", "client.rotated"),
    ("client drop-key", "client.rotated"),
    ("client end-tokens", "token.revoked"),
    ("client revoke", "client.revoked"),
    ("client tokens", READS),
    ("client pending", READS),
    ("client approve", "authorization.decided"),
    ("client deny", "authorization.decided"),
    ("advisories update", "advisories.updated release.vulnerable release.withdrawn"),
    ("advisories show", READS),
    ("alert list", READS),
    ("alert show", READS),
    ("alert ack", "alert.acknowledged"),
    ("alert close", "alert.closed"),
    ("alert mute", "alert.muted"),
    ("alert unmute", "alert.unmuted"),
    ("alert send-to", "alert.endpoint"),
    ("privacy request", "privacy.requested privacy.erased audit.erased"),
    ("privacy list", READS),
    ("privacy show", READS),
    ("privacy export", "privacy.exported"),
    ("privacy close", "privacy.closed privacy.erased audit.erased privacy.forgotten privacy.certified"),
    ("privacy certificate", "privacy.certified"),
    ("privacy verify", READS),
    ("tenant export", "tenant.exported"),
    (
        "tenant delete",
        "tenant.leaving plugin.uninstalled connection.ended plugin.erased audit.erased tenant.deleted tenant.certified",
    ),
    ("tenant certificate", "tenant.certified"),
    ("tenant verify", READS),
    ("rule list", READS),
    ("rule show", READS),
    ("rule check", FILES),
    ("rule test", "audit.read"),
    ("audit search", "audit.read"),
    ("audit tail", "audit.read"),
    ("audit export", "audit.exported"),
    ("audit bundle", "audit.bundled"),
    ("audit ask touched", "audit.read"),
    ("audit ask left", "audit.read"),
    ("audit ask granted", "audit.read"),
    ("audit ask token", "audit.read"),
    ("audit ask since-review", "audit.read"),
    ("audit reindex", READS),
    ("audit verify", READS),
    ("audit proof", "audit.read"),
    ("audit check-proof", FILES),
    ("audit checkpoint", READS),
    ("audit consistency", READS),
    ("audit views", READS),
    ("audit copy", "audit.exported"),
    ("audit rebuild", READS),
    ("audit key show", READS),
    ("audit key rotate", "log.key-rotated"),
    ("audit witness add", "log.witness-added"),
    ("audit outlets", READS),
    ("audit witness remove", "log.witness-removed"),
    ("audit witness list", READS),
    ("audit witness ask", READS),
    ("audit erase", "audit.erased audit.read"),
    ("audit dispose", "audit.disposed"),
    ("duty list", READS),
    ("duty show", READS),
    ("duty attest", "duty.attested"),
    ("duty said", READS),
    ("duty withdraw", "attestation.withdrawn"),
    ("duty open", READS),
    ("profile list", READS),
    ("profile show", READS),
    ("profile set", "profile.changed"),
    ("profile unset", "profile.changed"),
    ("posture", READS),
    ("risk list", READS),
    ("risk propose", "risk.proposed"),
    ("risk approve", "risk.approved"),
    ("risk withdraw", "risk.withdrawn"),
    ("trust show", READS),
    ("trust change", "trust.changed"),
    ("trust sign", FILES),
    ("trust apply", "trust.changed release.withdrawn release.reinstated release.overridden release.reviewed"),
    ("trust tenant", "trust.changed"),
    ("why", READS),
    ("events send", READS),
    ("events list", READS),
    ("events retry", "delivery.retried"),
    ("notices", "audit.read"),
    ("backup", "backup.made backup.failed"),
    ("restore", "host.restored log.restored backup.tested"),
    ("doctor", READS),
    ("status announce", "status.announced"),
    ("status resolve", "status.announced"),
    ("status list", READS),
    ("completions", FILES),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Each kind by its name, with what its documentation says of it.
fn kinds() -> BTreeMap<String, String> {
    let source = fs::read_to_string(root().join("host/model/src/audit/kind.rs")).unwrap();
    let (mut kinds, mut said) = (BTreeMap::new(), String::new());
    for line in source.lines().map(str::trim) {
        if let Some(words) = line.strip_prefix("/// ") {
            said = format!("{said} {words}").trim().to_owned();
        } else if let Some((_, name)) = line.split_once(" = \"").filter(|_| line.ends_with("\",")) {
            kinds.insert(name.trim_end_matches("\",").to_owned(), std::mem::take(&mut said));
        } else {
            said.clear();
        }
    }
    assert!(kinds.len() > 90 && kinds.values().all(|said| !said.is_empty()), "{kinds:?}");
    kinds
}

/// All commands that can be given: those that have others below them only where they do something by themselves.
fn commands(of: &clap::Command, words: &str, into: &mut Vec<String>) {
    let below: Vec<_> = of.get_subcommands().filter(|one| one.get_name() != "help").collect();
    if !words.is_empty() && (below.is_empty() || !of.is_subcommand_required_set()) {
        into.push(words.to_owned());
    }
    for one in below {
        commands(one, format!("{words} {}", one.get_name()).trim(), into);
    }
}

#[test]
fn every_command_says_which_entries_it_writes() {
    let (mut all, kinds) = (Vec::new(), kinds());
    commands(&Args::command(), "", &mut all);
    assert!(all.len() > 90, "{all:?}");
    let known: BTreeMap<&str, &str> = ACTS.iter().copied().collect();
    assert_eq!(known.len(), ACTS.len(), "a command is here twice");
    let missing: Vec<_> = all.iter().filter(|one| !known.contains_key(one.as_str())).collect();
    assert!(missing.is_empty(), "which entries do these commands write? {missing:?}");
    let gone: Vec<_> = known.keys().filter(|one| !all.iter().any(|there| there == *one)).collect();
    assert!(gone.is_empty(), "there are no such commands: {gone:?}");
    for (command, written) in ACTS {
        for kind in written.split(' ').filter(|kind| !["", FILES].contains(kind)) {
            assert!(kinds.contains_key(kind), "'{command}' writes '{kind}', which is no kind");
        }
    }
}

#[test]
fn every_kind_is_explained() {
    let kinds = kinds();
    let by: BTreeMap<&String, Vec<&str>> = kinds
        .keys()
        .map(|kind| {
            (kind, ACTS.iter().filter(|(_, all)| all.split(' ').any(|one| one == kind)).map(|(by, _)| *by).collect())
        })
        .collect();
    let mut page = "# What stands in the audit log\n\nEach kind of entry, what it says, and which commands write it. What no command \
        writes is written by the running host, for a plugin, a back end, a sender of events or itself. `host/cli/tests/acts.rs` makes this \
        page, and fails for a command that is not in it.\n\nAn act is refused where its entry cannot be written. Personal values \
        (accounts' names, `user:...`, what a person wrote as a reason) are not in the log itself; it holds commitments to them, and they lie \
        beside it until they are erased.\n\n| kind | what it says | written by |\n|---|---|---|\n"
        .to_owned();
    for (kind, said) in &kinds {
        let commands: Vec<String> = by[kind].iter().map(|one| format!("`{one}`")).collect();
        page.push_str(&format!("| `{kind}` | {said} | {} |\n", commands.join(", ")));
    }
    let file = root().join("docs/security/audit-entries.md");
    if std::env::var_os("AUDIT_ENTRIES_DOC").is_some() {
        fs::write(&file, &page).unwrap();
        println!("wrote {}", file.display());
    }
    assert!(
        fs::read_to_string(&file).is_ok_and(|there| there == page),
        "docs/security/audit-entries.md is not up to date; AUDIT_ENTRIES_DOC=1 cargo test -p portcullis --test acts writes it"
    );
}
