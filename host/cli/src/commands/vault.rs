//! `portcullis vault`

mod give_up;

use std::collections::BTreeMap;

use anyhow::Result;
use clap::Subcommand;
use portcullis_model::{id::TenantId, time::Timestamp};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, given},
    home::Home,
    host::Host,
    output::Output,
};

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
            Self::Status => status(&Keyboard::of(&Host::open(home).await?)?, output).await,
            Self::RotateKeys { data, wrapping, tenant } => {
                let only = match (data, wrapping) {
                    (true, _) => Some("data"),
                    (_, true) => Some("wrapping"),
                    _ => None,
                };
                let keyboard = Keyboard::of(&Host::open(home).await?)?;
                rotate(&keyboard, &json!({ "only": only, "tenant": tenant }), output).await
            }
        }
    }
}

/// How the vault stands, as the API says it.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Status {
    wrapping_keys: Vec<WrappingKey>,
    tenants: BTreeMap<String, OfTenant>,
    unopened: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct WrappingKey {
    name: String,
    at_hand: bool,
    wraps: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct OfTenant {
    data_keys: BTreeMap<u64, usize>,
    key_made: Option<Timestamp>,
    standing: BTreeMap<String, usize>,
}

async fn status(keyboard: &Keyboard, output: Output) -> Result<()> {
    let value = keyboard.read("/vault").await?;
    let status: Status = given(value.clone())?;
    output.result(&value, || told(&status))
}

async fn rotate(keyboard: &Keyboard, body: &Value, output: Output) -> Result<()> {
    let done = keyboard.post("/vault/rotate-keys", body).await?;
    let number = |name: &str| done[name].as_u64().unwrap_or_default();
    let names = ["made", "rewrapped", "resealed", "dropped"];
    let numbers: BTreeMap<&str, u64> = names.into_iter().map(|name| (name, number(name))).collect();
    output.result(&numbers, || {
        format!(
            "{} data keys made, {} wrapped anew; {} secrets sealed anew; {} keys dropped.",
            number("made"),
            number("rewrapped"),
            number("resealed"),
            number("dropped")
        )
    })
}

fn told(status: &Status) -> String {
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
