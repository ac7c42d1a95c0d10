//! What people write and what plugins say stands in the log as a salted commitment and nothing else (DAT-4).
//!
//! Every detail of an entry that the sources write in the clear is on a list here: as an id, a number, a time or a fixed word, or as a
//! text, each place of it with the reason why it may stand there. A new one fails until somebody has decided. The second test gives
//! the commands that take a person's words, and looks for these words in what is hashed and published.
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod fixture;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::Duration,
};

use portcullis_cli::{commands::init, home::Home, host::Host, system::SystemClock};
use portcullis_model::{audit::Kind, installation::InstallationStore as _, time::Clock as _};

/// Ids, names of things, digests, numbers, times, addresses of places, and words of a fixed list.
const CLOSED: &str = "
    absolute-minutes act actors acts added agreed-to allowed answer asked at attempt attempts attestation audience authentication back-end
    back-ends because before both-until bound break-glass budget by-platform bytes call calls calls-ended calls-left capability change checkpoint cleared client
    client-secret config connections consent contained could-grant count counts cpu-us credentials data-key deadline decision deliveries delivery
    denials-unlisted denied digest dropped emptied-by end ended entries error events evidence expires extent factor factors failures fallen family
    fields file file-bytes files form freeze freezes from from-digest from-release from-version generation given-up goes-on gone grant
    grantor hidden hidden-before hits holds host-calls host-runs hosts id idle-minutes incident installation installations invitation
    invitations is issuer judged kept key key-given keys kind kv-bytes kv-rows lapsed late layer layers least left limit limits limits-before
    line list log-key log-lines log-root log-size lost made manifest-digest manifest-sha256 may-change memory message messages mode name
    networks new new-device new-generation next not-before not-granted notifications oauth-key of old old-generation old-signs-until
    older-than on others outcome outlet over overlap-seconds party permits person personal personal-data plaintext plugin policy
    previous-until privileged proven provider public publisher purge-at queued-events recipients records recovered-leases redirects refresh
    release release-number removed reopened report request requests-ended requests-left retried revision revocation risk role root rotates
    rule rules scheme scope scopes secret-in-memory secrets sender-span sessions settings severity sha256 since single-sign-on
    single-sign-on-only size status step step-up-minutes still-frozen suspended suspended-before switches taken-back tell tenants to-digest
    to-release to-version token tokens took-ms total type uninstalled-at unknown-acts unknown-before unopened unproven unrotated until
    untold upstream url version view vkey waiting wall-us was way where who whose withdrawal worst wrapped-by";

/// Whoever is signed in, gives a command or has automation do it writes it: `reason`, `comment` and `public-note` of such an actor are
/// sealed by `Entry::seal`, whatever the place says.
const WRITTEN: &str = "sealed for whoever wrote it";
const OF_THE_HOST: &str = "the host's own words, of limits, scopes, releases and keys";
const OF_A_PEER: &str = "the host's words for how a request to a receiver or provider ended";
const PUBLIC: &str = "made to be read by everybody";

/// Texts that are written in the clear: the detail, the file, and why.
const TEXTS: &[(&str, &str, &str)] = &[
    ("reason", "access/src/people/places.rs", WRITTEN),
    ("reason", "api/src/admin/v1/freezes/add.rs", WRITTEN),
    ("reason", "api/src/admin/v1/freezes/lift.rs", WRITTEN),
    ("reason", "api/src/admin/v1/reviews/submit.rs", OF_THE_HOST),
    ("reason", "api/src/refusals.rs", OF_THE_HOST),
    ("reason", "broker/src/authz/authorize.rs", OF_THE_HOST),
    ("reason", "broker/src/authz/clients.rs", WRITTEN),
    ("reason", "broker/src/authz/token.rs", OF_THE_HOST),
    ("reason", "broker/src/connecting.rs", WRITTEN),
    ("reason", "cli/src/backup/restore.rs", WRITTEN),
    ("reason", "cli/src/logbook/kept.rs", WRITTEN),
    ("reason", "cli/src/commands/vault/give_up.rs", WRITTEN),
    ("reason", "cli/src/privacy.rs", "the id of a request"),
    ("reason", "cli/src/retention.rs", WRITTEN),
    ("reason", "cli/src/tenant/delete.rs", OF_THE_HOST),
    ("reason", "delivery/src/outbound/alerts.rs", OF_A_PEER),
    ("reason", "delivery/src/outbound/worker.rs", OF_A_PEER),
    ("reason", "delivery/src/worker.rs", OF_THE_HOST),
    ("reason", "duties/src/desk.rs", WRITTEN),
    ("reason", "duties/src/incident/mod.rs", WRITTEN),
    ("reason", "model/src/invoke.rs", OF_THE_HOST),
    ("reason", "model/src/permit.rs", OF_THE_HOST),
    ("reason", "packages/src/install/change.rs", WRITTEN),
    ("reason", "packages/src/install/mod.rs", OF_THE_HOST),
    ("reason", "packages/src/install/rollback.rs", WRITTEN),
    ("reason", "packages/src/install/uninstall.rs", WRITTEN),
    ("reason", "packages/src/review/misbehaviour.rs", WRITTEN),
    ("public-note", "packages/src/review/misbehaviour.rs", WRITTEN),
    ("reason", "packages/src/trust/keeper.rs", "of a signed statement, which is published with its reason"),
    ("reason", "runtime/src/ledger/state.rs", OF_THE_HOST),
    ("reason", "runtime/src/visit.rs", OF_THE_HOST),
    ("reason", "store/src/alerts/outbox.rs", OF_A_PEER),
    ("reason", "store/src/incidents.rs", WRITTEN),
    ("reason", "store/src/oauth/mod.rs", OF_THE_HOST),
    ("reason", "store/src/webhooks/outbox.rs", OF_A_PEER),
    ("why", "access/src/people/accounts.rs", OF_THE_HOST),
    ("why", "access/src/sessions.rs", OF_THE_HOST),
    ("why", "broker/src/consent/answer.rs", OF_A_PEER),
    ("why", "broker/src/consent/mod.rs", OF_A_PEER),
    ("why", "broker/src/renew/mod.rs", OF_A_PEER),
    ("why", "broker/src/rotation/connections.rs", OF_A_PEER),
    ("why", "broker/src/rotation/line.rs", OF_A_PEER),
    ("why", "broker/src/vault/lost.rs", OF_THE_HOST),
    ("why", "packages/src/install/upgrade/apply.rs", OF_THE_HOST),
    ("why", "store/src/consents.rs", OF_THE_HOST),
    ("why", "store/src/tenants/deletion.rs", OF_THE_HOST),
    ("problem", "broker/src/outlet/follow.rs", OF_A_PEER),
    ("problem", "cli/src/backup/make.rs", OF_THE_HOST),
    ("problem", "cli/src/backup/state.rs", OF_THE_HOST),
    ("found", "packages/src/review/rescan.rs", "a number"),
    ("found", "store/src/tenants/deletion.rs", "numbers of rows, by part"),
    ("found", "store/src/alerts/mod.rs", "a rule's finding, which holds no personal value (`Facts`)"),
    ("subject", "store/src/alerts/mod.rs", "ids, or a digest that only this host can make (`Facts`)"),
    ("subject", "duties/src/incident/mod.rs", "a plugin, publisher, provider or installation, by its id"),
    ("title", "cli/src/ops/board.rs", PUBLIC),
    ("text", "cli/src/ops/board.rs", PUBLIC),
    ("by", "broker/src/authz/issue.rs", "by which kind of grant"),
    ("by", "packages/src/install/upgrade/apply.rs", "'admin', or a policy"),
    ("by", "packages/src/trust/keeper.rs", "'publisher', or the scope of a root"),
    ("about", "delivery/src/ingest.rs", "a record, where it is no person"),
    ("about", "duties/src/desk.rs", "a connection or a host"),
    ("to", "broker/src/outlet/follow.rs", "an index"),
    ("to", "broker/src/vault/lost.rs", "a key's id"),
    ("to", "broker/src/vault/rotate.rs", "a key's id"),
    ("to", "cli/src/backup/make.rs", "a path"),
    ("to", "cli/src/commands/audit/view.rs", "a number"),
    ("to", "cli/src/outlet.rs", "a receiver's address"),
    ("to", "store/src/audit/dispose.rs", "an index"),
];

fn sources(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && name != "tests" {
            sources(&path, into);
        } else if name.ends_with(".rs") && !name.ends_with("tests.rs") && !name.ends_with("_test.rs") {
            into.push(path);
        }
    }
}

/// The names that stand first among the arguments of calls of this method.
fn named(text: &str, method: &str) -> BTreeSet<String> {
    let calls = text.match_indices(method).map(|(at, _)| text[at + method.len()..].trim_start());
    calls.filter_map(|rest| rest.strip_prefix('"')?.split_once('"').map(|(name, _)| name.to_owned())).collect()
}

/// Which files of the product write which details: in the clear, and sealed.
fn written() -> (BTreeMap<String, BTreeSet<String>>, BTreeSet<String>) {
    let host = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let (mut files, mut clear, mut sealed) = (Vec::new(), BTreeMap::<_, BTreeSet<_>>::new(), BTreeSet::new());
    for part in fs::read_dir(host).unwrap() {
        let src = part.unwrap().path().join("src");
        if src.is_dir() {
            sources(&src, &mut files);
        }
    }
    assert!(files.len() > 500, "{}", files.len());
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let text = text.split_once("#[cfg(test)]\nmod tests {").map_or(text.as_str(), |(before, _)| before);
        // Scopes have details as well, in files that know of no entry.
        let words = |word: &str| text.split(|c: char| !c.is_alphanumeric() && c != '_').any(|one| one == word);
        if !words("Entry") && !words("entry") {
            continue;
        }
        let name = file.strip_prefix(host).unwrap().to_str().unwrap().to_owned();
        for detail in named(text, ".with(") {
            clear.entry(detail).or_default().insert(name.clone());
        }
        sealed.extend(named(text, ".with_personal("));
    }
    (clear, sealed)
}

#[test]
fn whatever_stands_in_the_clear_is_no_text_or_says_why_it_may() {
    let (clear, sealed) = written();
    let closed: BTreeSet<&str> = CLOSED.split_whitespace().collect();
    let texts: BTreeSet<(&str, &str)> = TEXTS.iter().map(|(name, file, _)| (*name, *file)).collect();
    let mut undecided = Vec::new();
    let mut used = BTreeSet::new();
    for (name, files) in &clear {
        assert!(
            !(closed.contains(name.as_str()) && sealed.contains(name)),
            "'{name}' is sealed elsewhere: decide each place"
        );
        for file in files.iter().filter(|_| !closed.contains(name.as_str())) {
            match texts.contains(&(name.as_str(), file.as_str())) {
                true => drop(used.insert((name.as_str(), file.as_str()))),
                false => undecided.push(format!("'{name}' in {file}")),
            }
        }
    }
    assert!(
        undecided.is_empty(),
        "in the clear, and on no list: {undecided:#?}\nuse with_personal, or say in this test what it is and why it may stand there"
    );
    let unused: Vec<_> = texts.difference(&used).collect();
    assert!(unused.is_empty(), "not there any more: {unused:?}");
    assert!(sealed.len() >= 15 && clear.len() >= 200, "{} {}", sealed.len(), clear.len());
    // What a person writes into these is sealed by its name, so it is on no list of what is not.
    assert!(["reason", "comment", "public-note"].iter().all(|name| !closed.contains(name)));
}

/// Words that stand nowhere else.
const WROTE: &str = "Eve Exemplar of Tulip Street telephoned";

struct World {
    dir: tempfile::TempDir,
    home: PathBuf,
    /// A moment that is not far away.
    soon: String,
}

impl World {
    async fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let home = dir.path().join("home");
        let soon = SystemClock.now().plus(Duration::from_secs(20 * 24 * 3_600)).to_string();
        let config = format!(
            "[[egress.plaintext]]\nhost = \"pbx.example\"\naddress = \"10.1.2.9:80\"\nreason = \"it has no TLS\"\n\
             accepted-by = \"Dana\"\nuntil = \"{soon}\"\n"
        );
        let host = init::create(Home::at(home.clone()), &config).await.unwrap();
        for id in ["ins_1", "ins_2"] {
            let one = fixture::installation(id, "acme", &format!("com.example.{}", id.replace('_', "-")));
            let entry = host.entry(Kind::PluginInstalled, Some(one.tenant.clone()));
            assert!(host.store.put_installation(one, None, entry).await.unwrap());
        }
        Self { dir, home, soon }
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_portcullis"));
        command.args(["--json", "--home"]).arg(&self.home).args(words).current_dir(self.dir.path());
        command.env("USER", "mara-of-operations").env_remove("PORTCULLIS_HOME").output().unwrap()
    }

    fn json(&self, words: &[&str]) -> serde_json::Value {
        let output = self.run(words);
        // An act of rotation that needs a person ends with 1, and is done.
        assert!(matches!(output.status.code(), Some(0 | 1)), "{words:?}: {output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let value =
            serde_json::from_str(&text).or_else(|_| serde_json::from_str(text.lines().last().unwrap_or("null")));
        value.unwrap_or_else(|error| panic!("{words:?}: {error}: {text} {}", String::from_utf8_lossy(&output.stderr)))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_is_read_by_whoever_may_and_is_in_nothing_that_is_hashed_or_published() {
    let world = World::new().await;
    world.json(&["source", "add", "desk", "--kind", "cloudevents", "--tenant", "acme"]);
    let soon = world.soon.as_str();
    let acts: &[&[&str]] = &[
        &["plugin", "report", "ins_1", "--reason", WROTE],
        &["plugin", "suspend", "ins_1", "--reason", WROTE],
        &["plugin", "uninstall", "ins_1", "--reason", WROTE, "--yes"],
        &["freeze", "add", "--tenant", "acme", "--reason", WROTE],
        &["freeze", "lift", "1", "--reason", WROTE],
        &["rotate", "--tenant", "acme", "--reason", WROTE, "--report", "rotation.json"],
        &[
            "risk",
            "propose",
            "DAT-5",
            "--host",
            "pbx.example",
            "--tenant",
            "acme",
            "--as",
            "Mo Lee",
            "--reason",
            WROTE,
            "--until",
            soon,
        ],
        &["risk", "withdraw", "1", "--as", "Mo Lee", "--reason", WROTE],
        &["profile", "set", "healthcare", "--tenant", "acme", "--as", "Mo Lee", "--reason", WROTE],
        &["duty", "attest", "MON-6", "--tenant", "acme", "--as", "Mo Lee", "--statement", WROTE],
        &["alert", "mute", "--rule", "first-act", "--tenant", "acme", "--until", soon, "--reason", WROTE],
    ];
    let mut kinds = BTreeSet::new();
    for words in acts {
        let output = world.run(words);
        println!("{words:?}: {:?} {}", output.status.code(), String::from_utf8_lossy(&output.stderr));
    }
    let opened = world.json(&["incident", "open", "--plugin", "com.example.ins-2", "--title", WROTE]);
    let id = opened["incident"]["id"].as_str().or(opened["id"].as_str()).unwrap().to_owned();
    world.json(&["incident", "note", &id, WROTE]);
    world.json(&["incident", "contain", &id]);
    world.json(&["incident", "told", &id, "subscriber", "--to", WROTE]);
    world.json(&["incident", "lift", &id, "--reason", WROTE]);
    world.json(&["incident", "close", &id, "--cause", WROTE, "--prevention", WROTE, "--untold", WROTE]);

    let host = Host::open(Home::at(world.home.clone())).await.unwrap();
    for stored in host.store.entries(0, 10_000).await.unwrap() {
        let body = String::from_utf8(stored.body.clone()).unwrap();
        for text in ["Exemplar", "mara-of-operations", "Mo Lee"] {
            assert!(!body.contains(text), "{text} in {body}");
        }
        if serde_json::to_string(&stored.read().unwrap()).unwrap().contains(WROTE) {
            kinds.insert(stored.kind.clone());
        }
    }
    let expected: BTreeSet<String> = [
        "alert.muted",
        "duty.attested",
        "freeze.added",
        "freeze.lifted",
        "incident.closed",
        "incident.lifted",
        "incident.noted",
        "incident.opened",
        "incident.told",
        "plugin.reported",
        "plugin.suspended",
        "plugin.uninstalled",
        "profile.changed",
        "risk.proposed",
        "risk.withdrawn",
        "rotation.started",
    ]
    .map(str::to_owned)
    .into();
    assert!(kinds.is_superset(&expected), "missing: {:?}; there: {kinds:?}", expected.difference(&kinds));
    assert!(world.run(&["audit", "checkpoint"]).status.success());
    let mut all = vec![world.home.join("log")];
    while let Some(path) = all.pop() {
        match path.is_dir() {
            true => all.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path())),
            false => {
                let bytes = fs::read(&path).unwrap();
                assert!(!bytes.windows(8).any(|at| at == b"Exemplar"), "{}", path.display());
            }
        }
    }
    assert!(world.run(&["audit", "verify"]).status.success());
}
