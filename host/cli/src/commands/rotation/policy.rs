//! `portcullis rotation policy`

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use portcullis_api::admin::Method;
use portcullis_model::{
    id::TenantId,
    rotation::{Policy, Scope, Window},
    scope::{parse_seconds, print_seconds},
};
use serde::Deserialize;
use serde_json::json;

use crate::{
    admin::{Keyboard, given},
    host::Host,
    output::Output,
};

/// Policies of the host, a tenant and an installation: the shortest age and overlap hold, and the narrowest windows.
#[derive(Debug, Subcommand)]
pub enum PolicyCommand {
    /// Set a policy. It takes the place of the one before.
    #[command(
        after_help = "Examples:\n  portcullis rotation policy set --max-age 90d --window 'sat,sun 22:00-06:00'\n  \
        portcullis rotation policy set --tenant acme --max-age 30d --overlap 2h\n\n\
        Windows are in UTC, or at a fixed offset such as '01:00-04:00 +01:00'. A credential is rotated in the last window before\n\
        it is too old. What has reached its age is rotated at once, window or not."
    )]
    Set {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
        /// How old a credential may get: a number with s, m, h or d.
        #[arg(long, value_parser = seconds)]
        max_age: Option<u64>,
        /// How long an old signing key or secret is good beside the new one.
        #[arg(long, value_parser = seconds)]
        overlap: Option<u64>,
        /// When credentials may be rotated; several where there are several.
        #[arg(long = "window", value_name = "WINDOW")]
        windows: Vec<Window>,
    },
    /// Take a policy away.
    #[command(after_help = "Example:\n  portcullis rotation policy clear --tenant acme")]
    Clear {
        /// Whose.
        #[command(flatten)]
        whose: Whose,
    },
    /// List policies.
    #[command(after_help = "Example:\n  portcullis rotation policy list")]
    List,
}

/// Whose policy: the host's where neither is given.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct Whose {
    /// A tenant's.
    #[arg(long)]
    tenant: Option<TenantId>,
    /// An installation's: its id, or the plugin's where it is the only one.
    #[arg(long)]
    installation: Option<String>,
}

impl Whose {
    async fn scope(self, host: &Host) -> Result<Scope> {
        if let Some(text) = &self.installation {
            return Ok(Scope::Installation(host.installation(text).await?.id));
        }
        Ok(self.tenant.map_or(Scope::Host, Scope::Tenant))
    }
}

fn seconds(text: &str) -> Result<u64, String> {
    parse_seconds(text).ok_or_else(|| "expected a number with s, m, h or d, such as 90d".to_owned())
}

/// A policy, as it is answered.
#[derive(Deserialize)]
struct Listed {
    scope: String,
    policy: Policy,
}

impl PolicyCommand {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(host)?;
        match self {
            Self::Set { whose, max_age, overlap, windows } => {
                let policy = Policy { max_age, overlap, windows };
                if policy == Policy::default() {
                    bail!("say what: --max-age, --overlap or --window; 'policy clear' takes a policy away");
                }
                if let Err(problem) = policy.check() {
                    bail!("{problem}");
                }
                let scope = whose.scope(host).await?;
                let windows: Vec<String> = policy.windows.iter().map(ToString::to_string).collect();
                let body = json!({ "max-age": policy.max_age, "overlap": policy.overlap, "windows": windows });
                change(&keyboard, Method::PUT, &scope, Some(&body)).await?;
                output.result(&json!({ "scope": scope.to_string(), "policy": policy }), || {
                    format!("{scope}: {}", words(&policy))
                })
            }
            Self::Clear { whose } => {
                let scope = whose.scope(host).await?;
                change(&keyboard, Method::DELETE, &scope, None).await?;
                output.result(&json!({ "scope": scope.to_string() }), || format!("{scope}: no policy of its own."))
            }
            Self::List => {
                for item in keyboard.all("/rotation/policies", &[]).await? {
                    let Listed { scope, policy } = given(item)?;
                    let value = json!({ "scope": scope, "policy": policy });
                    output.item(&value, || format!("{scope:40} {}", words(&policy)))?;
                }
                Ok(())
            }
        }
    }
}

/// Changes a policy as it is known here.
async fn change(keyboard: &Keyboard, method: Method, scope: &Scope, body: Option<&serde_json::Value>) -> Result<()> {
    let path = format!("/rotation/policies/{scope}");
    let (_, version) = keyboard.read_version(&path).await?;
    keyboard.act(method, &path, version, body).await.map(drop)
}

fn words(policy: &Policy) -> String {
    let windows: Vec<String> = policy.windows.iter().map(ToString::to_string).collect();
    let parts = [
        policy.max_age.map(|age| format!("at most {} old", print_seconds(age))),
        policy.overlap.map(|overlap| format!("overlap {}", print_seconds(overlap))),
        (!windows.is_empty()).then(|| format!("in {}", windows.join("; "))),
    ];
    parts.into_iter().flatten().collect::<Vec<_>>().join(", ")
}
