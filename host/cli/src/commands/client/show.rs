//! Clients and their tokens, as an operator sees them.

use anyhow::Result;
use portcullis_model::oauth::{Client, KeyState, OAuthStore as _};
use serde_json::{Value, json};

use super::find;
use crate::{host::Host, output::Output};

/// The most tokens that are listed.
const MOST: usize = 1_000;

fn state(client: &Client) -> String {
    client.revoked.map_or_else(|| "active".to_owned(), |at| format!("revoked {at}"))
}

pub(super) async fn list(host: &Host, output: Output) -> Result<()> {
    for client in host.store.clients().await? {
        output.item(&client, || {
            format!("{}  {}  {}  {}", client.id, client.authentication.method(), state(&client), client.name)
        })?;
    }
    Ok(())
}

fn words(client: &Client) -> String {
    let mut lines = vec![
        format!("{}  {}", client.id, client.name),
        format!("  proves itself by  {}", client.authentication.method()),
        format!("  state             {}", state(client)),
        format!("  registered        {}", client.created),
    ];
    for uri in &client.redirects {
        lines.push(format!("  leads back to     {uri}"));
    }
    for key in &client.keys {
        let stands = match key.state {
            KeyState::Pending => "pending: current with its first use".to_owned(),
            KeyState::Current => format!("current since {}", key.since),
            KeyState::Previous { until } => format!("previous, good until {until}"),
        };
        lines.push(format!("  key {}  {stands}", key.thumbprint));
    }
    lines.join("\n")
}

pub(super) fn one(client: &Client, output: Output) -> Result<()> {
    output.result(client, || words(client))
}

/// What whoever runs the back end needs to know.
pub(super) fn registered(host: &Host, client: &Client, output: Output) -> Result<()> {
    let settings = host.config.oauth.settings(host.config.listen.address);
    let issuer = settings.as_ref().map(|settings| settings.issuer.clone());
    let resources = settings.map(|settings| settings.resources).unwrap_or_default();
    let value = json!({ "client": client, "issuer": issuer, "resources": resources });
    output.result(&value, || {
        let issuer = issuer.clone().unwrap_or_else(|| "none: name it in [oauth] issuer".to_owned());
        format!("{}\n  issuer            {issuer}", words(client))
    })
}

pub(super) async fn tokens(host: &Host, client: &str, output: Output) -> Result<()> {
    let client = find(host, client).await?;
    let all = host.store.live_tokens(&client.tenant, host.clock.now(), MOST).await?;
    for token in all.iter().filter(|token| token.client == client.id && !client.has_ended(token.issued)) {
        let scopes: Vec<String> = token.scopes.iter().map(ToString::to_string).collect();
        let value: Value = json!({
            "token": token.reference(), "grant": token.grant, "audience": token.audience, "scopes": scopes,
            "actors": token.actors, "bound": token.jkt.is_some(), "issued": token.issued, "expires": token.expires,
        });
        output.item(&value, || {
            let bound = if token.jkt.is_some() { "  bound to a key" } else { "" };
            format!("{}  until {}{bound}  {}", token.reference(), token.expires, scopes.join("; "))
        })?;
    }
    Ok(())
}
