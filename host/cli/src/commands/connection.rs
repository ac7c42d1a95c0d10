//! `portcullis connection`

mod add;
mod anew;
mod authorize;
mod list;
mod revoke;

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use portcullis_model::{connection::ConnectionKey, installation::Installation};
use serde_json::{Value, json};

use crate::{
    home::Home,
    host::{Host, secret_from_stdin},
    output::Output,
};

/// Credentials that the host adds to plugins' requests.
#[derive(Debug, Subcommand)]
pub enum ConnectionCommand {
    /// Store a credential for one installation: a client's secret or key, from standard input, that the host gets tokens with by
    /// itself; or, at somebody's risk, a token. The plugin never sees it.
    #[command(after_help = add::EXAMPLES)]
    Add(add::Add),
    /// Make a link by which a person lets a provider issue a token. The client's secret is read from standard input.
    #[command(after_help = authorize::EXAMPLES)]
    Authorize(authorize::Authorize),
    /// List the credentials: from whom, where they go and how they stand, never what they are.
    #[command(after_help = "Example:\n  portcullis connection list")]
    List,
    /// End a connection: its token is revoked at the provider, where that is offered, and no request carries it any more.
    #[command(after_help = "Example:\n  portcullis connection revoke desk-sync desk")]
    Revoke(revoke::Revoke),
}

/// From which provider, and what for.
#[derive(Debug, Args)]
pub struct From {
    /// Fills in what the provider's definition leaves open; see 'portcullis provider show'.
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
    settings: Vec<(String, String)>,
    /// What to ask for, in the provider's words. As little as will do.
    #[arg(long = "scope", value_name = "SCOPE")]
    scopes: Vec<String>,
    /// Where the token goes, and nowhere else: host names, with ':port' where that is not 443. The provider's own where it has
    /// some.
    #[arg(long = "to", value_name = "HOST")]
    hosts: Vec<String>,
    /// The header that carries it, where that is not the provider's.
    #[arg(long)]
    header: Option<String>,
    /// What stands before it in the header, where that is not the provider's.
    #[arg(long)]
    prefix: Option<String>,
}

impl From {
    /// Whether nothing of it is given.
    fn is_empty(&self) -> bool {
        let Self { settings, scopes, hosts, header, prefix } = self;
        settings.is_empty() && scopes.is_empty() && hosts.is_empty() && header.is_none() && prefix.is_none()
    }

    /// As a request says it.
    fn body(&self) -> Result<Value> {
        let mut settings = BTreeMap::new();
        for (name, value) in &self.settings {
            if settings.insert(name, value).is_some() {
                bail!("--set {name}= is given twice");
            }
        }
        Ok(json!({
            "settings": settings, "scopes": self.scopes, "hosts": self.hosts, "header": self.header, "prefix": self.prefix,
        }))
    }
}

impl ConnectionCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        match self {
            Self::Add(command) => command.run(&host, output).await,
            Self::Authorize(command) => command.run(&host, output).await,
            Self::List => list::run(&host, output).await,
            Self::Revoke(command) => command.run(&host, output).await,
        }
    }
}

/// The secret on standard input, as a request says it.
fn secret() -> Result<Value> {
    let secret = secret_from_stdin()?;
    let text = String::from_utf8(secret.expose().to_vec()).ok().context("the secret on standard input is no text")?;
    Ok(text.into())
}

fn pair(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// The key of an installation's connection. Says what is wrong with the name.
pub fn key(installation: &Installation, name: &str) -> Result<ConnectionKey> {
    ConnectionKey::of(installation, name).map_err(anyhow::Error::msg)
}
