//! Clients, as an operator sees them.

use anyhow::Result;
use portcullis_model::oauth::{Client, KeyState};
use serde_json::json;

use crate::{host::Host, output::Output};

fn state(client: &Client) -> String {
    client.revoked.map_or_else(|| "active".to_owned(), |at| format!("revoked {at}"))
}

pub(super) fn line(client: &Client, output: Output) -> Result<()> {
    output.item(client, || {
        format!("{}  {}  {}  {}", client.id, client.authentication.method(), state(client), client.name)
    })
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
