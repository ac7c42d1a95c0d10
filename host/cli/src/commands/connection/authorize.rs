//! `portcullis connection authorize`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_api::admin::Method;
use portcullis_model::{connection::ConnectionKey, id::ProviderId};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{From, anew, key, secret};
use crate::{
    admin::{Keyboard, given},
    host::Host,
    output::Output,
};

pub(super) const EXAMPLES: &str = "Example:
  portcullis connection authorize desk-sync desk --provider zendesk --set subdomain=acme --set client-id=portcullis \\
    --scope tickets:read < client-secret

The link is good once, for an hour, in a browser that reaches the running host. Without --provider it asks for consent again, for the same
provider, scopes, hosts and client as before; what is stored stays in use until the new consent is given.";

/// Make a link by which a person lets a provider issue a token.
#[derive(Debug, Args)]
pub struct Authorize {
    /// The installation: its id, or the plugin's name.
    installation: String,
    /// What to call the credential.
    name: String,
    /// The provider; see 'portcullis provider list'. Without it, all is as it was before.
    #[arg(long)]
    provider: Option<ProviderId>,
    #[command(flatten)]
    from: From,
    /// Use the client's secret that the connection has already, instead of reading one.
    #[arg(long)]
    same_client: bool,
}

/// A link by which a person consents.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(super) struct Link {
    consent: String,
    link: String,
    redirect_uri: String,
    expires: String,
}

impl Authorize {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let installation = host.installation(&self.installation).await?;
        let key = key(&installation, &self.name)?;
        let made = match &self.provider {
            Some(provider) => self.link(host, &key, provider).await?,
            None if !self.from.is_empty() => bail!("say of which provider, with --provider"),
            None => anew::link(host, &key).await?,
        };
        output.result(&made, || {
            format!(
                "Open this link once, until {}, while the host is running:\n  {}\nThe client at the provider must have this \
                 redirect URI, exactly:\n  {}",
                made.expires, made.link, made.redirect_uri
            )
        })
    }

    /// Makes one for this provider, with a client's secret of its own.
    async fn link(&self, host: &Host, key: &ConnectionKey, provider: &ProviderId) -> Result<Link> {
        let path = format!("/connections/{}/{}/authorize", key.installation, key.name);
        let mut body = self.from.body()?;
        body["provider"] = json!(provider);
        body["same-client"] = json!(self.same_client);
        let keyboard = Keyboard::of(host)?;
        // Before the secret is asked for: what is wrong with all the rest, and whether there is to be one.
        let tried = keyboard.act(Method::POST, &format!("{path}?dry_run=true"), None, Some(&body)).await?;
        if tried["needs-secret"] == json!(true) {
            body["client-secret"] = secret()?;
        }
        given(keyboard.post(&path, &body).await?)
    }
}
