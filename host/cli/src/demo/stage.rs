//! Setting the stage: a new host, four plugins from source to grant, the services at the other end, the host running, and everybody's
//! credentials.

use std::{collections::BTreeMap, path::Path, time::Duration};

use anyhow::{Context, Result};
use indicatif::ProgressBar;
use portcullis_broker::loopback::Loopback;
use portcullis_model::{
    event::EventForm,
    id::{InstallationId, SourceName, TenantId},
    secret::Secret,
    source::Source,
};
use portcullis_packages::{keys::SecretKey, publish::sign_release, release_dir};
use portcullis_store::helpdesk::SqliteHelpDesk;
use serde::Serialize;
use tempfile::TempDir;
use tokio::time::MissedTickBehavior;

use super::{
    back_end,
    chat::{CHAT, Chat, METRICS},
    child::HostProcess,
    credentials,
    issued::{Issued, random_text},
    provider::Provider,
    recorded::{REPEATED, Recorded},
};
use crate::{
    build::{Target, Toolchain, What, build},
    commands::{events, init, plugin},
    home::Home,
    host::{Host, RULES, person},
    output::Output,
    system::SystemClock,
};

/// The plugins, by directory.
pub const PLUGINS: [&str; 4] = ["card-guard", "vip-escalator", "chat-notifier", "overreacher"];

/// The time from one event to the next: all of them take several times as long as a token lasts.
const PACE: Duration = Duration::from_millis(50);

/// Where the host leaves core dumps, in the demo's directory.
pub const DUMPS: &str = "core-dumps";

/// The stage, set.
pub struct Stage {
    /// The home directory's parent; gone when this is dropped.
    pub dir: TempDir,
    /// The host, opened a second time to look at.
    pub host: Host,
    /// The host, running.
    pub child: HostProcess,
    /// The services at the other end.
    pub chat: Chat,
    /// Whose data it is.
    pub tenant: TenantId,
    /// Every secret that was issued or made.
    pub issued: Issued,
    /// A value that is planted as an event's id, so that the search for secrets has something to find.
    pub planted: String,
    /// What a back end outside of the sandbox did.
    pub back_end: back_end::Done,
    /// Installations by plugin.
    pub installed: BTreeMap<&'static str, InstallationId>,
    /// The webhook's source.
    source: SourceName,
    /// Its secret.
    secret: Secret,
}

/// What was sent, and how it was answered.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Sent {
    /// Events accepted.
    pub accepted: u64,
    /// Events that were sent a second time, and dropped.
    pub duplicates: u64,
    /// Requests with a wrong signature, an old timestamp or an unknown source, all refused.
    pub refused: u64,
    /// Anything else: must be none.
    pub unexpected: u64,
}

impl Stage {
    /// Sets it.
    pub async fn set(repo: &Path, output: Output) -> Result<Self> {
        let dir = TempDir::with_prefix("portcullis-demo-")?;
        let (issued, planted) = (Issued::default(), random_text());
        let chat = Chat::start(Provider::new(CHAT, issued.clone())).await?;
        std::fs::write(dir.path().join("chat-ca.pem"), &chat.ca)?;
        let host = init::create(Home::at(dir.path().join("home")), &configuration(dir.path(), &chat)).await?;
        let tenant: TenantId = "demo".parse()?;
        SqliteHelpDesk::open(&host.home.helpdesk(), host.clock.clone())?.seed(&tenant).await?;
        let installed = install_all(&host, repo, dir.path(), &tenant, output).await?;
        credentials::service(&host, &chat).await?;
        credentials::plant(&host, &planted).await?;
        let name: SourceName = "acme".parse()?;
        let secret = Secret::new(issued.make("secrets of webhooks", "whsec_").into_bytes());
        let from = Source { name: name.clone(), tenant: tenant.clone(), form: EventForm::Zendesk };
        crate::rotation::sources(&host, person()).add(&from, &secret).await?;
        let child = HostProcess::start(host.home.dir()).await?;
        credentials::consent(&host, &child, &chat, &issued).await?;
        let back_end = credentials::back_end(&host, &child, &issued).await?;
        Ok(Self { dir, host, child, chat, tenant, issued, planted, back_end, installed, source: name, secret })
    }

    /// Sends the recorded events, and some that must not get in.
    pub async fn send(&self, recorded: &Recorded, output: Output) -> Result<Sent> {
        let to = Loopback::new(self.child.address)?;
        let bar = output.bar(recorded.events.len() as u64, "sending events");
        let mut sent = Sent::default();
        let mut pace = tokio::time::interval(PACE);
        pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
        for event in &recorded.events {
            pace.tick().await;
            self.send_one(&to, event, &mut sent).await?;
            bar.inc(1);
        }
        for event in recorded.events.iter().step_by(REPEATED) {
            self.send_one(&to, event, &mut sent).await?;
        }
        bar.finish_and_clear();
        self.send_bad(&to, recorded, &mut sent).await?;
        Ok(sent)
    }

    async fn send_one(&self, to: &Loopback, event: &str, sent: &mut Sent) -> Result<()> {
        let (status, body) = events::send(to, &SystemClock, &self.source, &self.secret, event).await?;
        match (status, String::from_utf8_lossy(&body).contains("duplicate")) {
            (202, false) => sent.accepted += 1,
            (202, true) => sent.duplicates += 1,
            _ => sent.unexpected += 1,
        }
        Ok(())
    }

    async fn send_bad(&self, to: &Loopback, recorded: &Recorded, sent: &mut Sent) -> Result<()> {
        let event = recorded.events.first().context("no recorded events")?;
        let guess = Secret::new(b"not-the-secret".to_vec());
        let unknown: SourceName = "nobody".parse()?;
        let old = Earlier(10 * 60 * 1_000);
        let bad = [
            events::send(to, &SystemClock, &self.source, &guess, event).await?,
            events::send(to, &old, &self.source, &self.secret, event).await?,
            events::send(to, &SystemClock, &unknown, &self.secret, event).await?,
        ];
        for ((status, _), expected) in bad.iter().zip([401, 401, 404]) {
            if *status == expected { sent.refused += 1 } else { sent.unexpected += 1 }
        }
        Ok(())
    }

    /// How often the overreacher's own log says that something got through.
    pub async fn got_through(&self) -> Result<usize> {
        let of = self.installed.get("overreacher").cloned();
        let lines = self.host.store.log_lines(of, 100_000).await?;
        Ok(lines.iter().filter(|line| line.level == "error" && line.message.contains("got through")).count())
    }

    /// Stops the host in good order.
    pub async fn end(self) -> Result<()> {
        self.child.stop().await
    }
}

/// A clock that is behind by so many milliseconds.
struct Earlier(i64);

impl portcullis_model::time::Clock for Earlier {
    fn now(&self) -> portcullis_model::time::Timestamp {
        portcullis_model::time::Timestamp(SystemClock.now().0 - self.0)
    }
}

/// The demo's configuration: memory is searched and dumped after each call, retries are quick, and the two names lead to the stand-in.
fn configuration(dir: &Path, chat: &Chat) -> String {
    let ca = dir.join("chat-ca.pem");
    let private = |host: &str| {
        format!("[[egress.private]]\nhost = '{host}'\naddress = '{}'\nca-file = '{}'\n", chat.address, ca.display())
    };
    format!(
        "[listen]\naddress = '127.0.0.1:0'\n[sandbox]\nconcurrent-calls = 12\nscan-memory = true\ncore-dumps = '{}'\n\
         [delivery]\nattempts = 6\nfirst-pause-ms = 200\nlongest-pause-ms = 2000\n{}{}",
        dir.join(DUMPS).display(),
        private(CHAT),
        private(METRICS)
    )
}

async fn install_all(
    host: &Host,
    repo: &Path,
    dir: &Path,
    tenant: &TenantId,
    output: Output,
) -> Result<BTreeMap<&'static str, InstallationId>> {
    let toolchain = Toolchain::find(Target::UnknownUnknown)?;
    let key = SecretKey::generate(&crate::system::SystemRng);
    let mut installed = BTreeMap::new();
    for name in PLUGINS {
        let spinner: ProgressBar = output.spinner(format!("building {name} for {toolchain}"));
        let source = repo.join("sample-plugins").join(name);
        let out = dir.join(name);
        let what = What::Plugin(source.clone());
        let built = tokio::task::block_in_place(|| build(&what, &toolchain))?;
        let manifest = plugin::write_dist(&source, &out, built.first().context("nothing was built")?)?;
        let files = release_dir::read_unsigned(&out)?;
        release_dir::write_envelope(&out, &sign_release(&files.component, &files.manifest, &key, RULES)?)?;
        let files = release_dir::read_release(&out)?;
        // All that it asks for, the optional scopes included.
        let (grant, trusted) = (manifest.asked(), key.public());
        let installation = plugin::install_release(host, &files, tenant, Some(&grant), Some(&trusted)).await?;
        installed.insert(name, installation.id);
        spinner.finish_and_clear();
    }
    Ok(installed)
}
