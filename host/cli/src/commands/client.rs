//! `portcullis client`: what an operator and an admin do about OAuth clients.

mod ask;
mod authorize;
mod keys;
mod show;

use std::{fs, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand};
use portcullis_broker::authz::{clients::OVERLAP, jwk};
use portcullis_model::{
    oauth::Jwk,
    scope::{ScopeText, parse_seconds},
};

use crate::{home::Home, host::Host, output::Output};

/// OAuth clients: the back ends of plugins, outside of the sandbox.
#[derive(Debug, Subcommand)]
pub enum ClientCommand {
    /// List the clients, revoked ones included.
    #[command(after_help = "Example:\n  portcullis client list")]
    List,
    /// Show one client, its keys and where they stand.
    #[command(after_help = "Example:\n  portcullis client show cli_0a1b2c3d4e5f60718293a4b5")]
    Show {
        /// The client: its id, its name, or its installation's id.
        client: String,
    },
    /// Register the client of an installation: one each, with an id and a name of its own.
    #[command(after_help = "Examples:\n  portcullis client register card-guard --public-key backend.pub\n  \
        portcullis client register card-guard --jwks backend.jwks.json --redirect https://backend.example/callback\n  \
        portcullis client register card-guard --dpop --redirect https://app.example/callback")]
    Register(Register),
    /// Add the next public key. With its first use it becomes the current one, and those before it have their time.
    #[command(after_help = "Example:\n  portcullis client rotate cli_0a1b2c3d4e5f60718293a4b5 --public-key next.pub")]
    Rotate {
        /// The client: its id, its name, or its installation's id.
        client: String,
        /// The next public key.
        #[command(flatten)]
        keys: KeyFiles,
    },
    /// Take a public key away at once.
    #[command(
        after_help = "Example:\n  portcullis client drop-key cli_0a1b2c3d4e5f60718293a4b5 kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"
    )]
    DropKey {
        /// The client: its id, its name, or its installation's id.
        client: String,
        /// The key's thumbprint, as 'client show' prints it.
        thumbprint: String,
    },
    /// End every token that a client has now. It goes on by asking for new ones; what an admin agreed to is asked for anew.
    #[command(
        after_help = "Example:\n  portcullis client end-tokens cli_0a1b2c3d4e5f60718293a4b5 --reason 'tokens were in a log'"
    )]
    EndTokens {
        /// The client: its id, its name, or its installation's id.
        client: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// Revoke a client, and every token that it has.
    #[command(
        after_help = "Example:\n  portcullis client revoke cli_0a1b2c3d4e5f60718293a4b5 --reason 'back end was shut down'"
    )]
    Revoke {
        /// The client: its id, its name, or its installation's id.
        client: String,
        /// Why.
        #[arg(long)]
        reason: String,
    },
    /// List the access tokens of a client that are good now: what they are for, never what they are.
    #[command(after_help = "Example:\n  portcullis client tokens cli_0a1b2c3d4e5f60718293a4b5")]
    Tokens {
        /// The client: its id, its name, or its installation's id.
        client: String,
    },
    /// List requests for authorization that wait for an admin.
    #[command(after_help = "Example:\n  portcullis client pending")]
    Pending,
    /// Agree to a request for authorization. Do so only for a code that you were given by somebody you know started it.
    #[command(after_help = "Examples:\n  portcullis client approve BCDF-GHJK\n  \
        portcullis client approve BCDF-GHJK --scope 'tickets:read fields=subject' --yes")]
    Approve {
        /// The code that the page shows.
        code: String,
        /// Agree to no more than this. Several times for several scopes.
        #[arg(long = "scope", value_name = "SCOPE")]
        scopes: Vec<ScopeText>,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Refuse a request for authorization.
    #[command(after_help = "Example:\n  portcullis client deny BCDF-GHJK")]
    Deny {
        /// The code that the page shows.
        code: String,
    },
}

/// What a client is registered with.
#[derive(Debug, Args)]
pub struct Register {
    /// The installation: its id, or the plugin's name.
    installation: String,
    /// Its public keys.
    #[command(flatten)]
    keys: KeyFiles,
    /// It proves itself by DPoP (RFC 9449) and not by signed assertions (RFC 7523). May then be without keys.
    #[arg(long)]
    dpop: bool,
    /// Where an authorization may lead back to, character for character. Several times for several places.
    #[arg(long = "redirect", value_name = "URI")]
    redirects: Vec<String>,
    /// For how long a key that is replaced stays good: a number with s, m, h or d.
    #[arg(long, value_name = "TIME", value_parser = overlap, default_value_t = OVERLAP, hide_default_value = true)]
    overlap: u64,
}

/// Where public keys are read from.
#[derive(Debug, Args)]
pub struct KeyFiles {
    /// A file with a JSON Web Key, or a set of them (RFC 7517). Public halves alone.
    #[arg(long, value_name = "FILE", conflicts_with = "public_key")]
    jwks: Option<PathBuf>,
    /// A PEM file with an Ed25519 or P-256 public key, as 'openssl pkey -pubout' writes it.
    #[arg(long, value_name = "FILE")]
    public_key: Option<PathBuf>,
}

/// The longest key file that is read.
const LONGEST: u64 = 64 * 1024;

fn overlap(text: &str) -> Result<u64, String> {
    let most = 30 * 86_400;
    let seconds = text.parse().ok().or_else(|| parse_seconds(text)).filter(|seconds| *seconds <= most);
    seconds.ok_or_else(|| "expected a number with s, m, h or d, such as 24h, and at most 30d".into())
}

impl KeyFiles {
    pub(in crate::commands) fn read(&self) -> Result<Vec<Jwk>> {
        let Some(path) = self.jwks.as_ref().or(self.public_key.as_ref()) else { return Ok(Vec::new()) };
        let found = fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
        if !found.is_file() || found.len() > LONGEST {
            bail!("{} is no key file: expected a file of at most {LONGEST} bytes", path.display());
        }
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let keys = match &self.jwks {
            Some(_) => serde_json::from_str(&text).map_err(|e| e.to_string()).and_then(|value| jwk::read_set(&value)),
            None => jwk::read_pem(&text).map(|key| vec![key]),
        };
        keys.map_err(|why| anyhow::anyhow!("{}: {why}", path.display()))
    }
}

impl ClientCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        match self {
            Self::List => ask::list(&host, output).await?,
            Self::Show { client } => ask::one(&host, &client, output).await?,
            Self::Register(command) => command.run(&host, output).await?,
            Self::Rotate { client, keys } => keys::rotate(&host, &client, &keys, output).await?,
            Self::DropKey { client, thumbprint } => keys::drop(&host, &client, &thumbprint, output).await?,
            Self::EndTokens { client, reason } => ask::end_tokens(&host, &client, &reason, output).await?,
            Self::Revoke { client, reason } => ask::revoke(&host, &client, &reason, output).await?,
            Self::Tokens { client } => ask::tokens(&host, &client, output).await?,
            Self::Pending => authorize::list(&host, output).await?,
            Self::Approve { code, scopes, yes } => authorize::approve(&host, &code, &scopes, yes, output).await?,
            Self::Deny { code } => authorize::deny(&host, &code, output).await?,
        }
        Ok(())
    }
}
