//! `portcullis connection authorize`

use anyhow::Result;
use clap::Args;
use portcullis_broker::{consent::Wanted, providers::definition::Proof};
use portcullis_model::id::ProviderId;
use serde_json::json;

use super::{From, key};
use crate::{
    connect::{desk, providers},
    host::{Host, person, secret_from_stdin},
    output::Output,
};

pub(super) const EXAMPLES: &str = "Example:
  portcullis connection authorize desk-sync desk --provider zendesk --set subdomain=acme --set client-id=portcullis \\
    --scope tickets:read < client-secret

The link is good once, for an hour, in a browser that reaches the running host. The same command asks for consent again; what is
stored stays in use until the new consent is given.";

/// Make a link by which a person lets a provider issue a token.
#[derive(Debug, Args)]
pub struct Authorize {
    /// The installation: its id, or the plugin's name.
    installation: String,
    /// What to call the credential.
    name: String,
    /// The provider; see 'portcullis provider list'.
    #[arg(long)]
    provider: ProviderId,
    #[command(flatten)]
    from: From,
    /// Use the client's secret that the connection has already, instead of reading one.
    #[arg(long)]
    same_client: bool,
}

/// How browsers reach the host: as the running one says, which may listen elsewhere than the configuration has it.
fn base(host: &Host) -> Result<String> {
    let mut listen = host.config.listen.clone();
    if let Some(address) = host.home.address()? {
        listen.address = address;
    }
    listen.base()
}

impl Authorize {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let installation = host.installation(&self.installation).await?;
        let origin = self.from.origin(self.provider.clone(), None)?;
        let resolved = providers(&host.home)?.resolve(&origin)?;
        let place = resolved.place(&self.from.hosts, self.from.header.as_deref(), self.from.prefix.as_deref())?;
        let (key, base) = (key(&installation, &self.name)?, base(host)?);
        let client = match resolved.proof {
            Proof::None => None,
            _ if self.same_client => None,
            _ => Some(secret_from_stdin()?),
        };
        let wanted = Wanted { key, origin, place, asked_by: person(), base };
        let asked = desk(host).ask(wanted, client).await?;
        crate::commands::publish(host).await?;
        let (consent, link) = (&asked.consent, asked.link.as_str());
        let value = json!({
            "consent": consent.id, "link": link, "redirect-uri": consent.redirect, "expires": consent.expires,
        });
        output.result(&value, || {
            format!(
                "Open this link once, until {}, while the host is running:\n  {link}\nThe client at the provider must have this \
                 redirect URI, exactly:\n  {}",
                consent.expires, consent.redirect
            )
        })
    }
}
