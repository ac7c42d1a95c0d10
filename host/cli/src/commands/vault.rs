//! `portcullis vault`

mod give_up;

use anyhow::Result;
use clap::Subcommand;
use portcullis_broker::vault::rotate::{Rotated, VaultStatus};
use portcullis_model::{id::TenantId, secret::SecretStore as _};
use serde_json::json;

use crate::{home::Home, host::Host, output::Output};

/// The stored secrets: how they stand, and the keys that they are under.
#[derive(Debug, Subcommand)]
pub enum VaultCommand {
    /// Show keys and secrets by number and state, never what they are.
    #[command(after_help = "Example:\n  portcullis vault status --json")]
    Status,
    /// Seal everything under new keys, while the host runs.
    #[command(
        after_help = "Examples:\n  portcullis vault rotate-keys\n  portcullis vault rotate-keys --data --tenant acme\n\n\
        A data key a tenant seals its secrets; the key-encryption key wraps the data keys. One that was cut off goes on when\n\
        the command is given again. A key-encryption key in an environment variable or with a program is not made here: name\n\
        the new one first, keep the old one beside it, restart the host, then give this command."
    )]
    RotateKeys {
        /// Only the data keys.
        #[arg(long, conflicts_with = "wrapping")]
        data: bool,
        /// Only the key-encryption key.
        #[arg(long)]
        wrapping: bool,
        /// Only this tenant's data key.
        #[arg(long, conflicts_with = "wrapping")]
        tenant: Option<TenantId>,
    },
    /// Give up what does not open because its key is lost for good, so that everything else goes on. The host must be stopped.
    #[command(after_help = "Example:\n  portcullis vault give-up --reason 'the disk with the key file died'\n\n\
        A key-encryption key that is not there is made anew (one in an environment variable or with a program: name a new one\n\
        first). Each connection that does not open needs consent, or another credential; back ends are set and sources rotated\n\
        again. What was given up is good at its provider still: revoke it there by hand. A key that turns up again opens what\n\
        was not replaced by then.")]
    GiveUp {
        /// Why; stands in the audit log.
        #[arg(long)]
        reason: String,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
}

impl VaultCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        match self {
            // With nothing but what is to be put right: the host does not open without its key.
            Self::GiveUp { reason, yes } => give_up::run(home, &reason, yes, output).await,
            Self::Status => {
                let host = Host::open(home).await?;
                let status = host.vault().status().await?;
                output.result(&json!(status), || told(&status))
            }
            Self::RotateKeys { data, wrapping, tenant } => {
                let host = Host::open(home).await?;
                let (mut done, mut ends) = (Rotated::default(), Vec::new());
                if !data && tenant.is_none() {
                    ends.push(rotate_wrapping_key(&host).await);
                }
                if !wrapping {
                    let entry = |kind, tenant| host.entry(kind, tenant);
                    ends.push(host.vault().rotate_data_keys(tenant.as_ref(), entry).await.map_err(Into::into));
                }
                super::publish(&host).await?;
                // What one layer could not do is no reason to leave the other as it is.
                for end in ends {
                    add(&mut done, &end?);
                }
                output.result(&json!(done), || {
                    format!(
                        "{} data keys made, {} wrapped anew; {} secrets sealed anew; {} keys dropped.",
                        done.made, done.rewrapped, done.resealed, done.dropped
                    )
                })
            }
        }
    }
}

fn add(sum: &mut Rotated, one: &Rotated) {
    sum.made += one.made;
    sum.rewrapped += one.rewrapped;
    sum.resealed += one.resealed;
    sum.dropped += one.dropped;
}

async fn rotate_wrapping_key(host: &Host) -> Result<Rotated> {
    // Held to the end: of two at once, one would take the other's new key for one that nobody needs.
    let file = host.key_file.as_ref().map(|file| file.rotation()).transpose()?;
    let current = host.store.wrapping_keys().await?;
    if let Some(file) = &file {
        file.add(current.first().map(String::as_str))?;
    }
    let done = host.vault().rotate_wrapping_key(|kind, tenant| host.entry(kind, tenant)).await;
    if let Some(file) = &file {
        // What wraps nothing is of no use to anybody but a thief of an old copy.
        file.keep(&host.store.wrapping_keys().await?)?;
    }
    Ok(done?)
}

fn told(status: &VaultStatus) -> String {
    let mut lines = Vec::new();
    for (place, key) in status.wrapping_keys.iter().enumerate() {
        let state = if place == 0 { "current" } else { "on its way out" };
        let at_hand = if key.at_hand { "" } else { ", NOT AT HAND" };
        lines.push(format!("key-encryption key {}  {state}, wraps {} data keys{at_hand}", key.name, key.wraps));
    }
    for (tenant, one) in &status.tenants {
        let keys: Vec<_> = one.data_keys.iter().map(|(number, seals)| format!("{number} seals {seals}")).collect();
        let states: Vec<_> = one.standing.iter().map(|(state, many)| format!("{many} {state}")).collect();
        let made = one.key_made.map_or_else(String::new, |at| format!(", made {at}"));
        lines.push(format!("{tenant}  data key {}{made}; secrets: {}", keys.join(", "), states.join(", ")));
    }
    lines.extend(status.unopened.iter().map(|error| format!("NOT OPENED  {error}")));
    if lines.is_empty() {
        lines.push("Nothing is stored yet.".to_owned());
    }
    lines.join("\n")
}
