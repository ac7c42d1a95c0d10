//! `portcullis role`

mod show;

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Subcommand;
use portcullis_access::check_role;
use portcullis_api::admin::Method;
use portcullis_model::{
    id::{RoleName, TenantId},
    people::{Role, Rule},
};
use serde::Deserialize;
use serde_json::{Value, json};

use super::person::With;
use crate::{
    admin::{NotDone, asked, or_unknown},
    home::Home,
    host::person,
    output::Output,
};

/// The most that a role's file may have, in bytes.
const LARGEST: u64 = 64 * 1024;

/// Roles: what each may do, and a tenant's own ones.
#[derive(Debug, Subcommand)]
pub enum RoleCommand {
    /// List the built-in roles and a tenant's own.
    #[command(after_help = "Example:\n  portcullis role list --tenant acme")]
    List {
        /// Whose own ones, too.
        #[arg(long)]
        tenant: Option<TenantId>,
    },
    /// Show what a role may do. Without a name: who may do what, as one page.
    #[command(
        after_help = "Examples:\n  portcullis role show\n  portcullis role show auditor\n  portcullis role show night-watch --tenant acme"
    )]
    Show {
        /// Which.
        role: Option<RoleName>,
        /// Whose own one.
        #[arg(long)]
        tenant: Option<TenantId>,
    },
    /// Check a file that describes a role, without storing it.
    #[command(after_help = "Example:\n  portcullis role check night-watch.json --tenant acme\n\nA file:\n  \
        { \"name\": \"night-watch\", \"says\": \"Watches at night\",\n    \
        \"rules\": [ { \"actions\": [\"installations.list\", \"installations.suspend\"] },\n               \
        { \"forbid\": true, \"actions\": [\"installations.suspend\"], \"only\": [\"installation:ins_1\"] } ] }")]
    Check {
        /// The file.
        file: PathBuf,
        /// For which tenant.
        #[arg(long)]
        tenant: TenantId,
    },
    /// Make a role out of a file, or write it anew. In force with the next request of whoever holds it.
    #[command(after_help = "Example:\n  portcullis role set night-watch.json --tenant acme")]
    Set {
        /// The file, as 'portcullis role check' checks it.
        file: PathBuf,
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
    },
    /// Remove a role that nobody holds.
    #[command(after_help = "Example:\n  portcullis role remove night-watch --tenant acme")]
    Remove {
        /// Which.
        role: RoleName,
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
    },
}

/// A role in a file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: RoleName,
    says: String,
    rules: Vec<Rule>,
}

impl RoleCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        if let Self::Check { file, tenant } = &self {
            let Written { name, says, rules } = read(file)?;
            let role = Role { tenant: tenant.clone(), name, says, rules, by: person(), removed: false, version: 1 };
            check_role(&role)?;
            return output.result(&json!({ "valid": true }), || format!("'{}' is valid.", role.name));
        }
        let with = With::open(home, output).await?;
        match self {
            Self::List { tenant } => show::list(&with, tenant.as_ref()).await,
            Self::Show { role, tenant } => show::show(&with, role, tenant.as_ref()).await,
            Self::Set { file, tenant } => {
                let Written { name, says, rules } = read(&file)?;
                set(&with, &tenant, &name, &json!({ "says": says, "rules": rules })).await?;
                with.output.result(&json!({ "role": name }), || format!("'{name}' is a role of {tenant} now."))
            }
            Self::Remove { role, tenant } => {
                let removed =
                    with.keyboard.act(Method::DELETE, &at(&format!("/roles/{role}"), &tenant), None, None).await;
                or_unknown(removed, || "there is no such role, or none any more".to_owned())?;
                with.output.result(&json!({ "removed": role }), || format!("Removed '{role}'."))
            }
            Self::Check { .. } => Ok(()),
        }
    }
}

fn read(file: &std::path::Path) -> Result<Written> {
    use std::io::Read as _;
    let mut text = String::new();
    let opened = std::fs::File::open(file).with_context(|| format!("cannot open {}", file.display()))?;
    opened.take(LARGEST).read_to_string(&mut text).with_context(|| format!("cannot read {}", file.display()))?;
    serde_json::from_str(&text).with_context(|| format!("{} describes no role", file.display()))
}

fn at(path: &str, tenant: &TenantId) -> String {
    asked(path, &[("tenant", Some(tenant.to_string()))])
}

/// Makes a role of this name, or writes the one that there is anew.
async fn set(with: &With, tenant: &TenantId, name: &RoleName, role: &Value) -> Result<()> {
    let found = with.keyboard.read_version(&at(&format!("/roles/{name}"), tenant)).await;
    match found {
        Ok((found, version)) if found["built-in"] == false => {
            with.keyboard.act(Method::PUT, &at(&format!("/roles/{name}"), tenant), version, Some(role)).await?
        }
        Err(error) if !matches!(error.downcast_ref(), Some(NotDone { unknown: true, .. })) => return Err(error),
        _ => {
            let mut role = role.clone();
            role["name"] = json!(name);
            with.keyboard.post(&at("/roles", tenant), &role).await?
        }
    };
    Ok(())
}
