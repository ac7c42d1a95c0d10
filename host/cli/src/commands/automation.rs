//! `portcullis automation`

use std::time::Duration;

use anyhow::{Result, bail};
use clap::Subcommand;
use portcullis_access::NewAutomation;
use portcullis_broker::authz::jwk;
use portcullis_model::{
    audit::plain,
    id::{RoleName, TenantId},
    oauth::Jwk,
    people::{Automation, Network},
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    client::KeyFiles,
    person::{With, done},
};
use crate::{home::Home, output::Output};

/// Programs of a tenant's own that use the admin API: OAuth clients with a role, by keys of their own and never by a password.
#[derive(Debug, Subcommand)]
pub enum AutomationCommand {
    /// Register one by its public key. The private key stays where it was made.
    #[command(
        after_help = "Examples:\n  openssl genpkey -algorithm ed25519 -out nightly.key && openssl pkey -in nightly.key -pubout -out nightly.pub\n  \
        portcullis automation add nightly --tenant acme --role auditor --public-key nightly.pub --until 2027-06-30 \\\n    \
        --network 192.0.2.0/24\n\n\
        It asks for a token of ten minutes at /oauth/token, by client_credentials and private_key_jwt."
    )]
    Add {
        /// What to call it.
        name: String,
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
        /// As what it acts.
        #[arg(long)]
        role: RoleName,
        /// Its public key.
        #[command(flatten)]
        key: KeyFiles,
        /// Until when it can be used, at most a year: a day, or an RFC 3339 time.
        #[arg(long, value_name = "DATE", value_parser = super::parse::day)]
        until: Timestamp,
        /// From where it may come; more, each with an option of its own. Absent: from wherever the tenant's people may.
        #[arg(long = "network", value_name = "NETWORK")]
        networks: Vec<Network>,
        /// Let it do what people need a second factor for, too, as far as the role goes.
        #[arg(long)]
        privileged: bool,
    },
    /// List them.
    #[command(after_help = "Example:\n  portcullis automation list --tenant acme")]
    List {
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
    },
    /// Give one another public key.
    #[command(after_help = "Examples:\n  portcullis automation rotate nightly --tenant acme --public-key next.pub\n  \
        portcullis automation rotate nightly --tenant acme --public-key next.pub --overlap 0")]
    Rotate {
        /// Its name, or its id.
        which: String,
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
        /// The next public key.
        #[command(flatten)]
        key: KeyFiles,
        /// For how long the key before stays good, in minutes; 0: it ends at once, with its tokens.
        #[arg(long, value_name = "MINUTES", default_value_t = 1_440)]
        overlap: u32,
    },
    /// Take one away. Its tokens end at once.
    #[command(after_help = "Example:\n  portcullis automation remove nightly --tenant acme")]
    Remove {
        /// Its name, or its id.
        which: String,
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
    },
}

impl AutomationCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let with = With::open(home, output).await?;
        let now = with.host.clock.now();
        match self {
            Self::Add { name, tenant, role, key, until, networks, privileged } => {
                let key = one(&key)?;
                let new = NewAutomation { tenant, name, role, privileged, networks, key, until };
                let made = with.access.add_automation(&with.caller, new).await?;
                let words =
                    format!("{}\nIts client id, which it names as 'iss' and 'sub':\n  {}", line(&made, now), made.id);
                done(&with, &value(&made), words).await
            }
            Self::List { tenant } => {
                let all = with.access.automations(&with.caller, &tenant).await?;
                let rows: Vec<Value> = all.iter().map(value).collect();
                with.output.result(&json!({ "automations": rows }), || match all.is_empty() {
                    true => "None.".to_owned(),
                    false => all.iter().map(|one| line(one, now)).collect::<Vec<_>>().join("\n"),
                })
            }
            Self::Rotate { which, tenant, key, overlap } => {
                let (key, overlap) = (one(&key)?, Duration::from_secs(u64::from(overlap) * 60));
                let changed = with.access.rotate_automation(&with.caller, &tenant, &which, key, overlap).await?;
                done(&with, &value(&changed), format!("Another key. {}", line(&changed, now))).await
            }
            Self::Remove { which, tenant } => {
                let gone = with.access.remove_automation(&with.caller, &tenant, &which).await?;
                let words = format!("{} is gone, and its tokens are good for nothing.", plain(&gone.name));
                done(&with, &json!({ "removed": gone.id }), words).await
            }
        }
    }
}

/// The one key that was given, and its thumbprint.
fn one(files: &KeyFiles) -> Result<(Jwk, String)> {
    let keys = files.read()?;
    let [key] = keys.as_slice() else { bail!("give one public key: --public-key FILE, or --jwks FILE with one key") };
    Ok((key.clone(), jwk::thumbprint(key)))
}

fn value(one: &Automation) -> Value {
    let keys: Vec<Value> =
        one.keys.iter().map(|key| json!({ "thumbprint": key.thumbprint, "since": key.since })).collect();
    json!({
        "client": one.id, "tenant": one.tenant, "name": one.name, "role": one.role, "privileged": one.privileged,
        "networks": one.networks, "until": one.until, "keys": keys,
    })
}

fn line(one: &Automation, now: Timestamp) -> String {
    let from = match one.networks.is_empty() {
        true => "from anywhere that people may come from".to_owned(),
        false => format!("from {}", one.networks.iter().map(ToString::to_string).collect::<Vec<_>>().join(" or ")),
    };
    let what = if one.privileged { ", privileged acts too" } else { ", no privileged acts" };
    let state = if one.holds(now) { "until" } else { "over since" };
    format!("{}  {} as {} of {}{what}, {from}, {state} {}", one.id, plain(&one.name), one.role, one.tenant, one.until)
}
