//! `portcullis person provider`

use std::{fs::File, io::IsTerminal as _, path::PathBuf, sync::Arc};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use portcullis_api::{logout_uri, redirect_uri};
use portcullis_broker::{
    oidc::{Oidc, Party, secret_of},
    resolve::SystemResolver,
};
use portcullis_model::{
    audit::{Kind, plain},
    id::TenantId,
    people::Provider,
    secret::{Secret, Slot},
};
use serde_json::json;
use zeroize::Zeroizing;

use super::{With, done};
use crate::{
    host::{secret_from, secret_from_stdin},
    people::base,
};

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

impl ProviderCommand {
    pub(super) async fn run(self, with: &With) -> Result<()> {
        match self {
            Self::Set { tenant, set } => set.run(with, tenant).await,
            Self::Show { tenant } => show(with, &tenant).await,
            Self::Remove { tenant } => {
                let before = slot_before(with, &tenant).await?;
                with.access.set_provider(&with.caller, &tenant, None).await?;
                if let Some(slot) = before {
                    with.host.vault().forget(&slot).await?;
                }
                let words = format!("{tenant} has no provider any more. Its people sign in with passkeys.");
                done(with, &json!({ "tenant": tenant, "provider": null }), words).await
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

    async fn run(self, with: &With, tenant: TenantId) -> Result<()> {
        let vault = with.host.vault();
        let slot = secret_of(&tenant, &self.issuer, &self.client_id);
        let before = slot_before(with, &tenant).await?.filter(|before| *before != slot);
        let stored = vault.slot(&slot).await?.and_then(|(_, opened)| opened.credential.access);
        let given = self.given(stored.is_some())?;
        let secret = if self.no_secret { None } else { given.clone().or(stored) };
        let party = Party { issuer: self.issuer.clone(), client_id: self.client_id.clone(), secret };
        let oidc =
            Oidc::new(&with.host.config.egress()?, Arc::new(SystemResolver::default()), with.host.clock.clone())?;
        oidc.check(&party).await.with_context(|| format!("{} was not set", plain(&self.issuer)))?;
        let is_public = party.secret.is_none();
        if is_public && !self.no_secret {
            bail!(
                "the host has no secret there yet: give it by --secret-file or --secret-stdin, or say --no-secret for a public client"
            );
        }
        let provider = Provider {
            issuer: self.issuer,
            client_id: self.client_id,
            only: self.only,
            mfa_acr: self.acr,
            mfa_amr: self.amr,
            needs_mfa: self.require_second_factor,
            max_age_minutes: self.max_age_minutes,
        };
        with.access.set_provider(&with.caller, &tenant, Some(provider.clone())).await?;
        match given {
            Some(secret) => {
                let entry = with
                    .host
                    .entry(Kind::AccessChanged, Some(tenant.clone()))
                    .with("single-sign-on", provider.issuer.as_str())
                    .with("client-secret", "stored");
                vault.put(tenant.clone(), None, &slot.name, "", &secret, entry).await?;
            }
            None if self.no_secret => drop(vault.forget(&slot).await?),
            None => {}
        }
        // Another provider's is of no more use.
        if let Some(before) = before {
            vault.forget(&before).await?;
        }
        let (address, logout) = addresses(with, &tenant)?;
        let value = json!({ "tenant": tenant, "provider": provider, "redirect-uri": address, "logout-uri": logout });
        let words = format!(
            "{}\nRegister this redirect URI there, exactly:\n  {address}\nand this one for back-channel logout:\n  {logout}\n\
             People connect it on their account page, or join by it.",
            words(&provider, is_public)
        );
        done(with, &value, words).await
    }
}

/// Where the secret of the provider lies that is set at the moment.
async fn slot_before(with: &With, tenant: &TenantId) -> Result<Option<Slot>> {
    let settings = with.access.settings(&with.caller, Some(tenant)).await?;
    Ok(settings.provider.map(|provider| secret_of(tenant, &provider.issuer, &provider.client_id)))
}

async fn show(with: &With, tenant: &TenantId) -> Result<()> {
    let settings = with.access.settings(&with.caller, Some(tenant)).await?;
    let is_public = match &settings.provider {
        Some(provider) => {
            with.host.vault().head(&secret_of(tenant, &provider.issuer, &provider.client_id)).await?.is_none()
        }
        None => true,
    };
    let (address, logout) = addresses(with, tenant)?;
    let value = json!({
        "tenant": tenant, "provider": settings.provider, "has-secret": !is_public, "redirect-uri": address,
        "logout-uri": logout,
    });
    with.output.result(&value, || match &settings.provider {
        None => format!("{tenant} has no provider. Its people sign in with passkeys."),
        Some(provider) => format!(
            "{}\nThe redirect URI there:\n  {address}\nand the one for back-channel logout:\n  {logout}",
            words(provider, is_public)
        ),
    })
}

/// Where the provider sends people back to, and where it says that somebody has signed out there.
fn addresses(with: &With, tenant: &TenantId) -> Result<(String, String)> {
    let address = with.host.config.listen.address;
    if address.port() == 0 && with.host.config.listen.public_url.is_none() {
        bail!("listen.public-url is missing: where should the provider send people back to?");
    }
    let base = base(&with.host, address)?;
    Ok((redirect_uri(&base, tenant), logout_uri(&base, tenant)))
}

fn words(provider: &Provider, is_public: bool) -> String {
    let how = if is_public { "a public client, by PKCE alone" } else { "with a secret" };
    let only = if provider.only { "alone; passkeys do not work here" } else { "or with passkeys" };
    let values =
        |name: &str, all: &[String]| all.iter().map(|one| format!("{name} {}", plain(one))).collect::<Vec<_>>();
    let seconds = [values("acr", &provider.mfa_acr), values("amr", &provider.mfa_amr)].concat();
    let seconds = match (seconds.is_empty(), provider.needs_mfa) {
        (true, _) => "its word is never a second factor: passkeys and codes are".to_owned(),
        (false, false) => format!("a second factor is {}", seconds.join(" or ")),
        (false, true) => format!("nobody comes in without a second factor, which is {}", seconds.join(" or ")),
    };
    let age = provider.max_age_minutes.map_or_else(String::new, |minutes| {
        format!("\n  people have signed in there within the last {minutes} minutes")
    });
    format!(
        "{} as client {} ({how})\n  people come in by it {only}\n  {seconds}{age}",
        plain(&provider.issuer),
        plain(&provider.client_id)
    )
}
