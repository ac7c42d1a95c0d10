//! The home: made by what the host itself stores things with, and kept.

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use portcullis_cli::{
    commands::{connection, init, plugin},
    connect::connecting,
    home::Home,
    host::{Host, RULES, person},
    publish::LogPublisher,
    reading::LogReader,
};
use portcullis_model::{
    audit::{Kind, Recorder as _},
    id::InstallationId,
    installation::{Installation, InstallationStore as _},
    risk::AcceptedRisk,
    secret::Secret,
};
use portcullis_packages::{keys::SecretKey, publish::sign_release, release_dir};

use super::made;

/// The tenant with most of the installations.
pub const TENANT: &str = "acme";
/// How many plugins there are, and of how many a second release is out.
const PLUGINS: usize = 20;
const UPGRADED: usize = 3;
/// How many installations have a credential that somebody answers for.
const CREDENTIALS: usize = 40;
/// Entries that are handed in at once.
const AT_ONCE: u64 = 2_000;
/// The smallest component: it imports and exports nothing.
const COMPONENT: &[u8] = b"\0asm\x0d\0\x01\0";

const MANIFEST: &str = r#"id = "ID"
name = "NAME"
version = "1.0.0"
release = 1
publisher = "com.example"
summary = "Sorts new tickets by how urgent they are"
terms = "https://example.com/terms"
privacy = "https://example.com/privacy"
support = "mailto:help@example.com"
data-classes = ["internal", "personal"]

[[scopes]]
scope = "tickets:read fields=subject,status,priority"
purpose = "to see what a ticket is about"

[[scopes]]
scope = "tickets:write fields=priority"
purpose = "to say how urgent it is"

[[scopes]]
scope = "http:send to=https://clock.example.eu/v1/* methods=POST"
purpose = "to have the time of an answer told to the people on duty"

[[egress]]
host = "clock.example.eu"
region = "DE"
operator = "Example Clock GmbH"
sub-processor = true
purpose = "The number of a ticket, and when it is to be answered"
data = ["internal"]

[retention]
storage = "none"
outside = "none"
"#;

const MORE: &str = r#"
[[scopes]]
scope = "users:read fields=name,email"
purpose = "to greet people by their name"
"#;

/// The kept home; makes it where there is none yet.
pub async fn at(installations: usize, entries: u64) -> Result<Home> {
    let program = std::env::current_exe()?;
    let target = program.parent().and_then(|dir| dir.parent()).context("the program lies in no build")?;
    let dir = target.join("pages").join(format!("{installations}-{entries}"));
    let home = Home::at(dir.join("home"));
    if dir.join("complete").exists() {
        return Ok(home);
    }
    if dir.exists() {
        // One that was cut off.
        std::fs::remove_dir_all(&dir)?;
    }
    std::fs::create_dir_all(&dir)?;
    eprintln!("Making a home with {installations} installations and {entries} entries in {} ...", dir.display());
    let host = init::create(Home::at(dir.join("home")), "").await?;
    let all = installed(&host, &dir, installations).await?;
    credentials(&host, &all).await?;
    for start in (0..entries).step_by(usize::try_from(AT_ONCE)?) {
        let batch = (start..entries.min(start + AT_ONCE)).map(|n| made::entry(&all, n, entries, host.clock.now()));
        host.store.record(batch.collect::<Result<_>>()?).await?;
    }
    eprintln!("Publishing and indexing its log ...");
    LogPublisher::new(&host.home, host.store.clone()).catch_up().await?;
    LogReader::new(&host.home, host.store.clone()).catch_up().await?;
    std::fs::write(dir.join("complete"), b"")?;
    Ok(home)
}

/// One installation of each plugin as an admin makes it, and the others like it.
async fn installed(host: &Host, dir: &std::path::Path, count: usize) -> Result<Vec<Installation>> {
    let key = SecretKey::generate(host.rng.as_ref());
    let mut first = Vec::new();
    for number in 0..PLUGINS {
        let text = MANIFEST
            .replace("ID", &format!("com.example.plugin-{number}"))
            .replace("NAME", &format!("Triage helper {number}"));
        let files = signed(dir.join(format!("plugin-{number}")), &text, &key)?;
        let installed = plugin::install_release(host, &files, &TENANT.parse()?, None, Some(&key.public())).await?;
        first.push(installed);
        if number < UPGRADED {
            let more = text.replace("release = 1", "release = 2").replace("\"1.0.0\"", "\"1.1.0\"") + MORE;
            host.installer().publish(&signed(dir.join(format!("plugin-{number}-2")), &more, &key)?).await?;
        }
    }
    let mut all = first.clone();
    for number in PLUGINS..count + count / 10 {
        let base = first.get(number % PLUGINS).context("a plugin")?;
        // Some have them elsewhere.
        let tenant = if number < count { TENANT.parse()? } else { format!("tenant-{}", number % 10).parse()? };
        let one = Installation { id: InstallationId::random(host.rng.as_ref()), tenant, ..base.clone() };
        let entry = host
            .entry(Kind::PluginInstalled, Some(one.tenant.clone()))
            .about(format!("installation:{}", one.id))
            .with("installation", one.id.as_str())
            .with("plugin", one.plugin.as_str());
        anyhow::ensure!(host.store.put_installation(one.clone(), None, entry).await?, "an installation was not put");
        all.push(one);
    }
    Ok(all)
}

fn signed(dir: PathBuf, manifest: &str, key: &SecretKey) -> Result<release_dir::ReleaseFiles> {
    std::fs::create_dir_all(&dir)?;
    std::fs::write(dir.join("plugin.wasm"), COMPONENT)?;
    std::fs::write(dir.join("portcullis.toml"), manifest)?;
    let files = release_dir::read_unsigned(&dir)?;
    release_dir::write_envelope(&dir, &sign_release(&files.component, &files.manifest, key, RULES)?)?;
    Ok(release_dir::read_release(&dir)?)
}

async fn credentials(host: &Host, all: &[Installation]) -> Result<()> {
    for one in all.iter().take(CREDENTIALS) {
        let risk = AcceptedRisk {
            reason: "the clock has no OAuth".to_owned(),
            accepted_by: "Dana Reyes".to_owned(),
            until: host.clock.now().plus(std::time::Duration::from_secs(90 * 86_400)),
        };
        let place = portcullis_broker::place::Place::bearer("clock.example.eu");
        let (key, token) = (connection::key(one, "clock")?, Secret::new(b"a-token-of-the-clock".to_vec()));
        connecting(host).keep(&key, &place, token, risk, person()).await?;
    }
    Ok(())
}
