//! `portcullis person access`

use anyhow::Result;
use clap::{Args, Subcommand};
use portcullis_api::admin::Method;
use portcullis_model::people::{Limits, Network};
use serde_json::{Value, json};

use super::{At, With};
use crate::admin::{asked, given};

/// What holds for people's access. Of platform, profiles and tenant the most restrictive holds.
#[derive(Debug, Subcommand)]
pub enum AccessCommand {
    /// Show what is set, and what holds with all layers.
    #[command(after_help = "Example:\n  portcullis person access show --tenant acme")]
    Show {
        /// Where.
        #[command(flatten)]
        at: At,
    },
    /// Change what is set. What is not named stays.
    #[command(after_help = "Examples:\n  portcullis person access set --tenant acme --idle-minutes 30\n  \
        portcullis person access set --tenant acme --network 192.0.2.0/24 --network 2001:db8::/32\n  \
        portcullis person access set --tenant acme --any-network")]
    Set {
        /// Where.
        #[command(flatten)]
        at: At,
        /// What.
        #[command(flatten)]
        set: Box<NewLimits>,
    },
}

/// What is changed.
#[derive(Debug, Args)]
pub struct NewLimits {
    /// How long a session may lie unused.
    #[arg(long)]
    idle_minutes: Option<u32>,
    /// How long a session may last.
    #[arg(long)]
    absolute_minutes: Option<u32>,
    /// How long ago a second factor may have been proved for a privileged act.
    #[arg(long)]
    step_up_minutes: Option<u32>,
    /// From where people, tokens and clients may come: all that may, each with an option of its own.
    #[arg(long = "network", conflicts_with = "any_network")]
    networks: Vec<Network>,
    /// They may come from anywhere, as far as this layer says.
    #[arg(long)]
    any_network: bool,
}

impl AccessCommand {
    pub(super) async fn run(self, with: &With) -> Result<()> {
        match self {
            Self::Show { at } => {
                let (own, holds) = rules(with.keyboard.read(&asked("/access", &at.query()?)).await?)?;
                with.output.result(&json!({ "set": own, "holds": holds }), || {
                    format!("Set here:\n{}\nWhat holds with all layers:\n{}", words(&own), words(&holds))
                })
            }
            Self::Set { at, set } => {
                let path = asked("/access", &at.query()?);
                let (found, version) = with.keyboard.read_version(&path).await?;
                let (mut limits, _) = rules(found)?;
                limits.idle_minutes = set.idle_minutes.unwrap_or(limits.idle_minutes);
                limits.absolute_minutes = set.absolute_minutes.unwrap_or(limits.absolute_minutes);
                limits.step_up_minutes = set.step_up_minutes.unwrap_or(limits.step_up_minutes);
                if set.any_network || !set.networks.is_empty() {
                    limits.networks = if set.any_network { Vec::new() } else { vec![set.networks] };
                }
                let changed = with.keyboard.act(Method::PUT, &path, version, Some(&json!(limits))).await?;
                let (_, holds) = rules(changed)?;
                with.output
                    .result(&json!({ "holds": holds }), || format!("What holds with all layers:\n{}", words(&holds)))
            }
        }
    }
}

/// What is set, and what holds.
fn rules(mut shown: Value) -> Result<(Limits, Limits)> {
    Ok((given(shown["set"].take())?, given(shown["holds"].take())?))
}

fn words(limits: &Limits) -> String {
    let from = match limits.networks.as_slice() {
        [] => "anywhere".to_owned(),
        lists => {
            let list = |list: &Vec<Network>| list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ");
            lists.iter().map(list).collect::<Vec<_>>().join("; and ")
        }
    };
    format!(
        "  sessions end after {} minutes unused, {} minutes in all; a second factor is fresh for {} minutes\n  people come from {from}",
        limits.idle_minutes, limits.absolute_minutes, limits.step_up_minutes
    )
}
