//! `portcullis person provider`

use std::{fs::File, io::IsTerminal as _, path::PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use portcullis_api::admin::Method;
use portcullis_model::{audit::plain, id::TenantId, secret::Secret};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use super::With;
use crate::host::{secret_from, secret_from_stdin};

/// A tenant's own OpenID provider: its people sign in there, and nobody gets an account by that alone.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// Set it. What is not named is as if it had never been set; the secret stays with its issuer and client.
    #[command(
        after_help = "Examples:\n  portcullis person provider set --tenant acme --issuer https://login.acme.example \\\n    \
        --client-id portcullis --secret-stdin < client-secret\n  \
        portcullis person provider set --tenant acme --issuer https://login.acme.example --client-id portcullis \\\n    \
        --second-factor-amr mfa --only --secret-file client-secret\n\n\
        The provider is asked for what it publishes first; what cannot work is not set."
    )]
    Set {
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
        /// What.
        #[command(flatten)]
        set: Box<New>,
    },
    /// Show it, and the address that has to be registered there.
    #[command(after_help = "Example:\n  portcullis person provider show --tenant acme")]
    Show {
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
    },
    /// Take it away, with its secret. Sessions that began by it end at once.
    #[command(after_help = "Example:\n  portcullis person provider remove --tenant acme")]
    Remove {
        /// Whose.
        #[arg(long)]
        tenant: TenantId,
    },
}

/// What a provider is set to.
#[derive(Debug, Args)]
pub struct New {
    /// Its issuer, exactly as it says it itself.
    #[arg(long)]
    issuer: String,
    /// The host's client id there.
    #[arg(long)]
    client_id: String,
    /// Read the client's secret from standard input.
    #[arg(long)]
    secret_stdin: bool,
    /// Read the client's secret from a file. At a terminal it is asked for where it is in none and none is stored.
    #[arg(long, value_name = "FILE", conflicts_with = "secret_stdin")]
    secret_file: Option<PathBuf>,
    /// The host is a public client there: it has no secret, and what was stored is forgotten.
    #[arg(long, conflicts_with_all = ["secret_stdin", "secret_file"])]
    no_secret: bool,
    /// People come in by it alone; passkeys do not work in this tenant any more, but for owners behind the glass.
    #[arg(long)]
    only: bool,
    /// A value of 'acr' that says that it saw a second factor; more, each with an option of its own.
    #[arg(long = "second-factor-acr", value_name = "ACR")]
    acr: Vec<String>,
    /// A value of 'amr' that says so, such as 'mfa' (RFC 8176); more, each with an option of its own.
    #[arg(long = "second-factor-amr", value_name = "AMR")]
    amr: Vec<String>,
    /// Let nobody in for whom it saw no second factor.
    #[arg(long)]
    require_second_factor: bool,
    /// How long ago people may have signed in there.
    #[arg(long, value_name = "MINUTES")]
    max_age_minutes: Option<u32>,
}

fn at(tenant: &TenantId) -> String {
    format!("/sign-in/providers/{tenant}")
}

impl ProviderCommand {
    pub(super) async fn run(self, with: &With) -> Result<()> {
        match self {
            Self::Set { tenant, set } => set.run(with, &tenant).await,
            Self::Show { tenant } => {
                let shown = with.keyboard.read(&at(&tenant)).await?;
                with.output.result(&shown, || match &shown["provider"] {
                    Value::Null => format!("{tenant} has no provider. Its people sign in with passkeys."),
                    _ => format!(
                        "{}\nThe redirect URI there:\n  {}\nand the one for back-channel logout:\n  {}",
                        words(&shown),
                        address(&shown, "redirect-uri"),
                        address(&shown, "logout-uri")
                    ),
                })
            }
            Self::Remove { tenant } => {
                let (shown, version) = with.keyboard.read_version(&at(&tenant)).await?;
                // Where there is none there is nothing to be done.
                if !shown["provider"].is_null() {
                    with.keyboard.act(Method::DELETE, &at(&tenant), version, None).await?;
                }
                let words = format!("{tenant} has no provider any more. Its people sign in with passkeys.");
                with.output.result(&json!({ "tenant": tenant, "provider": null }), || words)
            }
        }
    }
}

impl New {
    /// The secret that is given now. It is never an argument: those stand in the list of processes and in the shell's history.
    fn given(&self, is_stored: bool) -> Result<Option<Secret>> {
        let secret = if self.secret_stdin {
            secret_from_stdin()?
        } else if let Some(file) = &self.secret_file {
            let opened = File::open(file).with_context(|| format!("cannot read {}", file.display()))?;
            secret_from(opened).with_context(|| format!("cannot read {}", file.display()))?
        } else if !self.no_secret && !is_stored && std::io::stdin().is_terminal() {
            let typed = Zeroizing::new(rpassword::prompt_password("The client's secret at the provider: ")?);
            Secret::new(typed.trim().as_bytes().to_vec())
        } else {
            return Ok(None);
        };
        if secret.expose().is_empty() {
            bail!("the client's secret is empty; a public client has none: say --no-secret");
        }
        Ok(Some(secret))
    }

    async fn run(self, with: &With, tenant: &TenantId) -> Result<()> {
        let (before, version) = with.keyboard.read_version(&at(tenant)).await?;
        let is = |name: &str, now: &str| before["provider"][name] == now;
        let is_same = is("issuer", &self.issuer) && is("client-id", &self.client_id);
        let secret = self.given(is_same && before["has-secret"] == true)?;
        let secret = secret.map(|secret| String::from_utf8(secret.expose().to_vec())).transpose();
        let secret = secret.ok().context("the client's secret is no text")?;
        let body = json!({
            "issuer": self.issuer,
            "client-id": self.client_id,
            "client-secret": secret,
            "public-client": self.no_secret,
            "only": self.only,
            "second-factor-acr": self.acr,
            "second-factor-amr": self.amr,
            "require-second-factor": self.require_second_factor,
            "max-age-minutes": self.max_age_minutes,
        });
        let mut set = with.keyboard.act(Method::PUT, &at(tenant), version, Some(&body)).await?;
        let shown = set["sign_in"].take();
        let words = format!(
            "{}\nRegister this redirect URI there, exactly:\n  {}\nand this one for back-channel logout:\n  {}\n\
             People connect it on their account page, or join by it.",
            words(&shown),
            address(&shown, "redirect-uri"),
            address(&shown, "logout-uri")
        );
        with.output.result(&shown, || words)
    }
}

/// Where the provider sends people back to, or says that somebody has signed out there.
fn address(shown: &Value, name: &str) -> String {
    shown[name].as_str().unwrap_or("unknown as long as listen.public-url is not set").to_owned()
}

fn words(shown: &Value) -> String {
    let provider = &shown["provider"];
    let text = |name: &str| plain(provider[name].as_str().unwrap_or_default());
    let is = |name: &str| provider[name] == true;
    let how = if shown["has-secret"] == true { "with a secret" } else { "a public client, by PKCE alone" };
    let only = if is("only") { "alone; passkeys do not work here" } else { "or with passkeys" };
    let values = |name: &str| {
        let all = provider[&format!("second-factor-{name}")].as_array().cloned().unwrap_or_default();
        all.iter().map(|one| format!("{name} {}", plain(one.as_str().unwrap_or_default()))).collect::<Vec<_>>()
    };
    let seconds = [values("acr"), values("amr")].concat();
    let seconds = match (seconds.is_empty(), is("require-second-factor")) {
        (true, _) => "its word is never a second factor: passkeys and codes are".to_owned(),
        (false, false) => format!("a second factor is {}", seconds.join(" or ")),
        (false, true) => format!("nobody comes in without a second factor, which is {}", seconds.join(" or ")),
    };
    let age = provider["max-age-minutes"].as_u64().map_or_else(String::new, |minutes| {
        format!("\n  people have signed in there within the last {minutes} minutes")
    });
    format!(
        "{} as client {} ({how})\n  people come in by it {only}\n  {seconds}{age}",
        text("issuer"),
        text("client-id")
    )
}
