//! `portcullis trust`

mod change;
mod edit;
pub(crate) mod file;
mod show;

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use portcullis_model::{id::TenantId, time::Timestamp, trust::RootScope};
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    keys::handover,
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::plugin::{taking_override, taking_withdrawal};
use crate::{
    admin::{Keyboard, given},
    home::Home,
    host::Host,
    output::Output,
    receipt::{Before, Receipt},
    signing::SigningKey,
};

/// Whom this host trusts: roots, keys, roles, and who must sign a change of them.
#[derive(Debug, Subcommand)]
pub enum Trust {
    /// Show the roots: keys by owner, thresholds, reviews, floors, what is revoked, and until when they hold.
    Show(show::Show),
    /// Make the next version of a root, with any number of edits.
    Change(Box<change::Change>),
    /// Sign a change that somebody else began: a root, a withdrawal, an override.
    Sign(Sign),
    /// Take a change that enough have signed.
    Apply(Apply),
    /// Give a tenant a root of its own: then both must hold.
    Tenant(Tenant),
}

/// Sign a change that somebody else began: a root, a withdrawal, an override.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis trust sign change.json --key mine.key\n\n\
    Prints what it says, and adds the signature to the file. Needs no host.")]
pub struct Sign {
    /// The file.
    pub file: PathBuf,
    /// Yours.
    #[command(flatten)]
    pub key: SigningKey,
}

/// Take a change that enough have signed.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis trust apply change.json")]
pub struct Apply {
    /// The file.
    pub file: PathBuf,
}

/// Give a tenant a root of its own: then both must hold.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis trust tenant acme --key acme.key --owner 'ada@acme.example'\n  \
    portcullis trust tenant acme --key acme.key --out acme-root.json    where the platform's keepers sign elsewhere\n\n\
    Its first version is signed by the platform's root keys too; all later ones by the tenant's alone.")]
pub struct Tenant {
    /// Which tenant.
    pub tenant: TenantId,
    /// The key that keeps it.
    #[command(flatten)]
    pub key: SigningKey,
    /// Whose that is.
    #[arg(long, default_value = "the tenant")]
    pub owner: String,
    /// Write it to this file for the platform's keepers to sign, where more of them are needed.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

impl Trust {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        match self {
            Self::Show(command) => command.run(home, output).await,
            Self::Change(command) => command.run(home, output).await,
            Self::Sign(command) => file::sign(&command.file, command.key.open()?.as_ref(), output),
            Self::Apply(command) => {
                let host = Arc::new(Host::open(home).await?);
                let envelope = file::read(&command.file)?;
                match envelope.kind() {
                    PayloadType::Root => take(&host, &envelope, output).await,
                    PayloadType::Withdrawal => taking_withdrawal(&Keyboard::of(&host)?, &envelope, output).await,
                    PayloadType::Override => taking_override(&Keyboard::of(&host)?, &envelope, output).await,
                    PayloadType::Handover => handed_over(&host, &envelope, output).await,
                    PayloadType::Statement => bail!("a statement about a release comes with the release; install that"),
                }
            }
            Self::Tenant(command) => {
                let host = Arc::new(Host::open(home).await?);
                let key = command.key.open()?;
                let envelope = host.tenants_root(&command.tenant, key.as_ref(), &command.owner)?;
                take_or_hand_on(&host, &envelope, command.out.as_deref(), output).await
            }
        }
    }
}

/// Puts a new key in the place of the old one that handed over to it.
async fn handed_over(host: &Arc<Host>, envelope: &Envelope, output: Output) -> Result<()> {
    let handover = handover::verify(&envelope.to_json())?;
    let scope = RootScope::Platform;
    let mut known = false;
    let next = host.next_root(&scope, |root| known = root.replace(&handover.old, &handover.new)).await?;
    if !known {
        bail!("the root of '{scope}' does not know the key {}, which hands over, or has revoked it", handover.old);
    }
    take(host, &next.signed(&host.root_key()?)?, output).await
}

/// Takes a root if enough signed it; hands it on where they did not and there is a file to do that with.
async fn take_or_hand_on(
    host: &Arc<Host>,
    envelope: &Envelope,
    out: Option<&std::path::Path>,
    output: Output,
) -> Result<()> {
    let checked = host.registry.trust().await??.next(&envelope.to_json());
    match (checked, out) {
        (Err(error), Some(out)) if !file::has_enough(&error.clone().into()) => file::hand_on(out, envelope, output),
        (Err(error), None) if !file::has_enough(&error.clone().into()) => {
            Err(anyhow::Error::from(error).context("more keepers must sign it: write it to a file for them with --out"))
        }
        (Err(error), _) => Err(error.into()),
        (Ok(_), _) => take(host, envelope, output).await,
    }
}

/// What became of a root that was sent to the API.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Taken {
    scope: RootScope,
    version: u64,
    expires: Timestamp,
    withdrawals_over: Vec<Named>,
    withdrawals_back: Vec<Named>,
}

/// A withdrawal.
#[derive(Deserialize)]
struct Named {
    digest: String,
    target: String,
}

/// Takes a root, waits until it is enforced, and says what came of it.
async fn take(host: &Arc<Host>, envelope: &Envelope, output: Output) -> Result<()> {
    let keyboard = Keyboard::of(host)?;
    let before = Before::now(host).await?;
    let envelope: Value = serde_json::from_str(&envelope.to_json())?;
    let taken: Taken = given(keyboard.post("/trust/changes", &json!({ "envelope": envelope })).await?)?;
    let receipt = Receipt::of(host, before).await;
    keyboard.publish().await?;
    let receipt = receipt?;
    let digests = |all: &[Named]| all.iter().map(|one| one.digest.clone()).collect::<Vec<String>>();
    let Taken { scope, version, expires, withdrawals_over: over, withdrawals_back: back } = &taken;
    let value = json!({
        "scope": scope, "version": version, "expires": expires,
        "withdrawals-over": digests(over), "withdrawals-back": digests(back), "receipt": receipt,
    });
    output.result(&value, || {
        let mut lines = vec![format!("The root of '{scope}' is version {version} now, until {expires}.")];
        lines.extend(over.iter().map(|one| {
            format!("NO LONGER IN FORCE, for its keys are revoked; sign it again: {} ({})", one.target, one.digest)
        }));
        lines.extend(back.iter().map(|one| {
            format!(
                "IN FORCE AGAIN, for who lifted it may not any more; lift it again: {} ({})",
                one.target, one.digest
            )
        }));
        lines.extend(receipt.lines());
        lines.join("\n")
    })?;
    if !receipt.is_whole() {
        bail!("it is in force, and not everything that it stops has ended");
    }
    Ok(())
}
