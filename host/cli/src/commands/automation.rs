//! `portcullis automation`

use anyhow::{Context as _, Result, bail};
use clap::Subcommand;
use portcullis_api::admin::Method;
use portcullis_model::{
    audit::plain,
    id::{RoleName, TenantId},
    people::Network,
    time::Timestamp,
};
use serde_json::{Value, json};

use super::client::KeyFiles;
use crate::{
    admin::{Keyboard, asked},
    home::Home,
    host::Host,
    output::Output,
};

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
        let keyboard = Keyboard::of(&Host::open(home).await?)?;
        match self {
            Self::Add { name, tenant, role, key, until, networks, privileged } => {
                let body = json!({
                    "name": name, "role": role, "public-key": one(&key)?, "until": until.to_string(),
                    "networks": networks, "privileged": privileged,
                });
                let made = keyboard.post(&at("", &tenant), &body).await?;
                let made = &made["automation"];
                output.result(&value(made, &tenant), || {
                    let id = text(made, "client");
                    format!("{}\nIts client id, which it names as 'iss' and 'sub':\n  {id}", line(made, &tenant))
                })
            }
            Self::List { tenant } => {
                let all = keyboard.all("/automation", &[("tenant", Some(tenant.to_string()))]).await?;
                let rows: Vec<Value> = all.iter().map(|one| value(one, &tenant)).collect();
                output.result(&json!({ "automations": rows }), || match all.is_empty() {
                    true => "None.".to_owned(),
                    false => all.iter().map(|one| line(one, &tenant)).collect::<Vec<_>>().join("\n"),
                })
            }
            Self::Rotate { which, tenant, key, overlap } => {
                let body = json!({ "public-key": one(&key)?, "overlap-minutes": overlap });
                let id = find(&keyboard, &tenant, &which).await?;
                let changed = keyboard.post(&at(&format!("/{id}/key"), &tenant), &body).await?;
                let changed = &changed["automation"];
                output.result(&value(changed, &tenant), || format!("Another key. {}", line(changed, &tenant)))
            }
            Self::Remove { which, tenant } => {
                let id = find(&keyboard, &tenant, &which).await?;
                let gone = keyboard.act(Method::DELETE, &at(&format!("/{id}"), &tenant), None, None).await?;
                let name = text(&gone["automation"], "name");
                output.result(&json!({ "removed": id }), || {
                    format!("{name} is gone, and its tokens are good for nothing.")
                })
            }
        }
    }
}

fn at(then: &str, tenant: &TenantId) -> String {
    asked(&format!("/automation{then}"), &[("tenant", Some(tenant.to_string()))])
}

/// The client id of one of a tenant's by that id or its name.
async fn find(keyboard: &Keyboard, tenant: &TenantId, which: &str) -> Result<String> {
    let all = keyboard.all("/automation", &[("tenant", Some(tenant.to_string()))]).await?;
    let found = all.iter().find(|one| one["client"] == which || one["name"] == which);
    let found = found.and_then(|one| one["client"].as_str()).map(str::to_owned);
    found.with_context(|| format!("{tenant} has no automation '{which}'; see 'portcullis automation list'"))
}

/// The one key that was given, as the API takes it.
fn one(files: &KeyFiles) -> Result<String> {
    let keys = files.read()?;
    let [key] = keys.as_slice() else { bail!("give one public key: --public-key FILE, or --jwks FILE with one key") };
    Ok(serde_json::to_string(key)?)
}

fn text(one: &Value, name: &str) -> String {
    plain(one[name].as_str().unwrap_or_default())
}

fn value(one: &Value, tenant: &TenantId) -> Value {
    json!({
        "client": one["client"], "tenant": tenant, "name": one["name"], "role": one["role"], "privileged": one["privileged"],
        "networks": one["networks"], "until": one["until"], "keys": one["keys"],
    })
}

fn line(one: &Value, tenant: &TenantId) -> String {
    let networks: Vec<&str> = one["networks"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let from = match networks.is_empty() {
        true => "from anywhere that people may come from".to_owned(),
        false => format!("from {}", networks.join(" or ")),
    };
    let what = if one["privileged"] == true { ", privileged acts too" } else { ", no privileged acts" };
    let state = if one["holds"] == true { "until" } else { "over since" };
    let (id, name, role, until) = (text(one, "client"), text(one, "name"), text(one, "role"), text(one, "until"));
    format!("{id}  {name} as {role} of {tenant}{what}, {from}, {state} {until}")
}
