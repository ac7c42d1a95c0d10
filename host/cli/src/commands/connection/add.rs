//! `portcullis connection add`

use anyhow::Result;
use clap::Args;
use portcullis_api::admin::Method;
use portcullis_model::{id::ProviderId, time::Timestamp};
use serde::Deserialize;
use serde_json::json;

use super::{From, key, secret};
use crate::{
    admin::{Keyboard, given},
    host::Host,
    output::Output,
};

pub(super) const EXAMPLES: &str = "Examples:
  portcullis connection add desk-sync api --provider client-credentials --set token-url=https://id.acme.example/token \\
    --set client-id=portcullis --scope read --to api.acme.example < client-secret
  portcullis connection add code-bot code --provider github-app --set client-id=Iv23 --set installation-id=42 \\
    --scope issues:write < private-key.pem
  portcullis connection add chat-notifier chat --to hooks.chat.example \\
    --accept-risk 'the chat service has no OAuth' --until 2027-01-31 < token";

/// Store a credential for one installation.
#[derive(Debug, Args)]
pub struct Add {
    /// The installation: its id, or the plugin's name.
    installation: String,
    /// What to call the credential.
    name: String,
    /// Where it comes from; 'static' is a token that somebody stores by hand.
    #[arg(long, default_value = "static")]
    provider: ProviderId,
    #[command(flatten)]
    from: From,
    /// For a static token: why there is no other way (INT-3).
    #[arg(long, value_name = "REASON", requires = "until")]
    accept_risk: Option<String>,
    /// Until when that risk is accepted: a day, or an RFC 3339 time. The token is not used after it.
    #[arg(long, value_name = "DATE", requires = "accept_risk", value_parser = crate::commands::parse::day)]
    until: Option<Timestamp>,
}

/// What was stored.
#[derive(Deserialize)]
struct Added {
    hosts: Vec<String>,
    generation: u64,
    until: Option<String>,
}

impl Add {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let installation = host.installation(&self.installation).await?;
        let key = key(&installation, &self.name)?;
        let path = format!("/connections/{}/{}", key.installation, key.name);
        let mut body = self.from.body()?;
        body["provider"] = json!(self.provider);
        if let (Some(reason), Some(until)) = (&self.accept_risk, self.until) {
            body["risk"] = json!({ "reason": reason, "until": until.to_string() });
        }
        let keyboard = Keyboard::of(host)?;
        // Before the secret is asked for: what is wrong with all the rest.
        keyboard.act(Method::POST, &format!("{path}?dry_run=true"), None, Some(&body)).await?;
        body["secret"] = secret()?;
        let added: Added = given(keyboard.post(&path, &body).await?)?;
        let value = json!({
            "installation": installation.id, "name": self.name, "provider": self.provider, "generation": added.generation,
        });
        output.result(&value, || {
            let words = match &added.until {
                Some(until) => format!("Stored, at your risk until {until}."),
                None => "Issued and stored.".to_owned(),
            };
            format!("{words} The host adds it to requests of {} to: {}", installation.plugin, added.hosts.join(", "))
        })
    }
}
