//! `portcullis plugin yank|quarantine|lift`

use std::{path::PathBuf, str::FromStr};

use anyhow::{Context, Result, bail, ensure};
use clap::Args;
use portcullis_model::id::{Digest, PluginId};
use portcullis_packages::{
    dsse::PayloadType,
    keys::PublicKey,
    trust::withdrawal::{Act, Target, Withdrawal},
};

use super::filing::{Request, take};
use crate::{
    admin::{Keyboard, payload},
    commands::trust::file,
    home::Home,
    host::Host,
    output::Output,
    signing::SigningKeys,
    trust::signed_by,
};

/// Take releases of a plugin back for good, as its publisher.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin yank com.example.card-guard --release 4 --key publisher.key --reason 'leaks subjects'\n  \
    portcullis plugin yank com.example.card-guard --release 2..5 --key publisher.key --reason 'broken'\n\n\
    Suspends every installation of them and ends their calls. It cannot be lifted: make a new release. Exits with 1 where a\n\
    call had not ended within 5 seconds."
)]
pub struct Yank {
    /// The plugin's id, or its last part where it is installed here.
    pub plugin: String,
    /// Release numbers: 4, 2..5, or 3.. for all that come; absent: every release.
    #[arg(long, value_name = "N[..M]")]
    pub release: Option<Range>,
    #[command(flatten)]
    pub signing: Signing,
}

/// Stop releases until that is lifted, as somebody whom a root trusts with withdrawals.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin quarantine com.example.card-guard --release 4 --reason 'under investigation'\n  \
    portcullis plugin quarantine com.example.card-guard --digest sha256:... --reason 'malware'\n  \
    portcullis plugin quarantine --publisher-key portcullis-key-v1:... --reason 'their key was stolen'\n\n\
    Suspends every installation of them and ends their calls; their events wait. Exits with 1 where a call had not ended\n\
    within 5 seconds."
)]
pub struct Quarantine {
    /// The plugin's id, or its last part where it is installed here.
    #[arg(required_unless_present = "publisher_key")]
    pub plugin: Option<String>,
    /// Release numbers: 4, 2..5, or 3.. for all that come; absent: every release.
    #[arg(long, value_name = "N[..M]", conflicts_with = "digest")]
    pub release: Option<Range>,
    /// Every release with this component.
    #[arg(long)]
    pub digest: Option<Digest>,
    /// Whatever this publisher's key signed: the key, or its id.
    #[arg(long, value_name = "KEY", conflicts_with_all = ["plugin", "release", "digest"])]
    pub publisher_key: Option<String>,
    #[command(flatten)]
    pub signing: Signing,
}

/// End a quarantine.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  portcullis plugin withdrawals\n  portcullis plugin lift sha256:... --reason 'it was a false alarm'\n\n\
    Installations stay suspended until each is resumed."
)]
pub struct Lift {
    /// The quarantine's digest, as 'portcullis plugin withdrawals' prints it.
    pub withdrawal: Digest,
    #[command(flatten)]
    pub signing: Signing,
}

/// Who signs, and why.
#[derive(Debug, Args)]
pub struct Signing {
    #[command(flatten)]
    pub keys: SigningKeys,
    /// Why; whoever runs the plugin reads it.
    #[arg(long)]
    pub reason: String,
    /// Write it to this file for others to sign, where more of them are needed.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Release numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Range {
    from: u64,
    to: Option<u64>,
}

impl FromStr for Range {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.parse::<u64>().map_err(|_| format!("'{text}' is no release number: expected 4, 2..5 or 3.."))
        };
        match text.split_once("..") {
            None => number(text).map(|n| Self { from: n, to: Some(n) }),
            Some((from, "")) => Ok(Self { from: number(from)?, to: None }),
            Some((from, to)) => match (number(from)?, number(to)?) {
                (from, to) if to < from => Err(format!("there are no releases from {from} to {to}")),
                (from, to) => Ok(Self { from, to: Some(to) }),
            },
        }
    }
}

fn releases(plugin: PluginId, range: Option<Range>) -> Target {
    let Range { from, to } = range.unwrap_or(Range { from: 0, to: None });
    Target::Releases { plugin, from, to }
}

/// The plugin that a text means: an id, or the last part of the id of one that is installed.
async fn plugin(keyboard: &Keyboard, text: &str) -> Result<PluginId> {
    match text.parse() {
        Ok(id) => Ok(id),
        Err(error) => {
            let all = keyboard.installations().await?;
            let mut found: Vec<PluginId> = all
                .into_iter()
                .map(|(one, _)| one.plugin)
                .filter(|id| id.as_str().rsplit('.').next() == Some(text))
                .collect();
            found.sort();
            found.dedup();
            match found.as_slice() {
                [one] => Ok(one.clone()),
                [] => Err(error).context("no plugin of that name is installed here; give its whole id"),
                many => bail!("'{text}' means {} plugins; give one by its whole id", many.len()),
            }
        }
    }
}

/// The id of a key that is given as a key or by its id.
pub(crate) fn key_id(text: &str) -> String {
    text.parse::<PublicKey>().map_or_else(|_| text.to_owned(), |key| key.keyid())
}

impl Yank {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let keyboard = Keyboard::of(&host)?;
        let target = releases(plugin(&keyboard, &self.plugin).await?, self.release);
        self.signing.withdraw(&host, &keyboard, Act::Yank { target }, output).await
    }
}

impl Quarantine {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let keyboard = Keyboard::of(&host)?;
        let target = match (&self.publisher_key, &self.plugin, self.digest) {
            (Some(key), ..) => Target::PublisherKey { key: key_id(key) },
            (None, Some(name), Some(digest)) => Target::Component { plugin: plugin(&keyboard, name).await?, digest },
            (None, Some(name), None) => releases(plugin(&keyboard, name).await?, self.release),
            (None, None, _) => bail!("name a plugin, or a key with --publisher-key"),
        };
        self.signing.withdraw(&host, &keyboard, Act::Quarantine { target }, output).await
    }
}

impl Lift {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let keyboard = Keyboard::of(&host)?;
        self.signing.withdraw(&host, &keyboard, Act::Lift { of: self.withdrawal }, output).await
    }
}

impl Signing {
    /// Asks what to sign, signs it here, and has it filed; or hands it on where more must sign it.
    async fn withdraw(self, host: &Host, keyboard: &Keyboard, what: Act, output: Output) -> Result<()> {
        let request = Request::of(keyboard, &what, &self.reason).await?;
        let payload = payload(&request.rehearse(keyboard, None).await?)?;
        let said: Withdrawal = serde_json::from_slice(&payload).context("what is to be signed is no withdrawal")?;
        let same = said.what == what && said.reason == self.reason;
        ensure!(same, "what the host answered to be signed is not what was asked for; nothing was signed");
        let envelope = signed_by(PayloadType::Withdrawal, payload, &host.signers(&self.keys)?)?;
        if let Some(out) = &self.out
            && request.rehearse(keyboard, Some(&envelope)).await?["lacks"].is_string()
        {
            return file::hand_on(out, &envelope, output);
        }
        take(keyboard, &envelope, output).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges() {
        assert_eq!("4".parse(), Ok(Range { from: 4, to: Some(4) }));
        assert_eq!("2..5".parse(), Ok(Range { from: 2, to: Some(5) }));
        assert_eq!("3..".parse(), Ok(Range { from: 3, to: None }));
        for bad in ["", "..", "..4", "5..2", "four", "1...3"] {
            assert!(bad.parse::<Range>().is_err(), "{bad}");
        }
    }
}
