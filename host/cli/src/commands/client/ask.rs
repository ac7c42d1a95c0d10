//! What a client and its tokens are, and their end: asked of the admin API.

use anyhow::{Context as _, Result};
use portcullis_model::{audit::plain, oauth::Client};
use serde_json::{Value, json};

use super::show;
use crate::{
    admin::{Keyboard, given},
    host::Host,
    output::Output,
};

async fn all(keyboard: &Keyboard) -> Result<Vec<Client>> {
    keyboard.all("/clients", &[]).await?.into_iter().map(given).collect()
}

/// The live client that a text means: its id, its name, or its installation's id.
pub(super) async fn find(keyboard: &Keyboard, text: &str) -> Result<Client> {
    let means = |one: &Client| [one.id.as_str(), &one.name, one.installation.as_str()].contains(&text);
    let found = all(keyboard).await?.into_iter().find(|one| one.revoked.is_none() && means(one));
    found.with_context(|| {
        format!("there is no client '{}' that is not revoked; see 'portcullis client list'", plain(text))
    })
}

pub(super) async fn list(host: &Host, output: Output) -> Result<()> {
    all(&Keyboard::of(host)?).await?.iter().try_for_each(|client| show::line(client, output))
}

pub(super) async fn one(host: &Host, client: &str, output: Output) -> Result<()> {
    show::one(&find(&Keyboard::of(host)?, client).await?, output)
}

pub(super) async fn tokens(host: &Host, client: &str, output: Output) -> Result<()> {
    let keyboard = Keyboard::of(host)?;
    let client = find(&keyboard, client).await?;
    for token in keyboard.all(&format!("/clients/{}/tokens", client.id), &[]).await? {
        output.item(&token, || {
            let text = |name: &str| token[name].as_str().unwrap_or_default();
            let scopes: Vec<&str> =
                token["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            let bound = if token["bound"] == true { "  bound to a key" } else { "" };
            format!("{}  until {}{bound}  {}", text("token"), text("expires"), scopes.join("; "))
        })?;
    }
    Ok(())
}

/// Ends a client's tokens, or the client.
async fn end(host: &Host, client: &str, how: &str, reason: &str) -> Result<Client> {
    let keyboard = Keyboard::of(host)?;
    let client = find(&keyboard, client).await?;
    let path = format!("/clients/{}/{how}", client.id);
    given(keyboard.post(&path, &json!({ "reason": reason })).await?["client"].take())
}

pub(super) async fn end_tokens(host: &Host, client: &str, reason: &str, output: Output) -> Result<()> {
    let client = end(host, client, "end-tokens", reason).await?;
    output.result(&client, || format!("All tokens of {} have ended.", client.name))
}

pub(super) async fn revoke(host: &Host, client: &str, reason: &str, output: Output) -> Result<()> {
    let client = end(host, client, "revoke", reason).await?;
    output.result(&client, || format!("{} is revoked, and so are all of its tokens.", client.name))
}
