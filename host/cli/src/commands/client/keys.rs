//! A client's registration and its keys: asked of the admin API.

use anyhow::{Result, bail};
use portcullis_api::admin::Method;
use portcullis_model::oauth::{Client, Jwk};
use serde_json::{Value, json};

use super::{KeyFiles, Register, ask::find, show};
use crate::{
    admin::{Keyboard, escaped, given},
    host::Host,
    output::Output,
};

/// A public key, as the API takes it.
fn text(key: &Jwk) -> String {
    json!(key).to_string()
}

impl Register {
    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let installation = host.installation(&self.installation).await?;
        let keys: Vec<String> = self.keys.read()?.iter().map(text).collect();
        let body = json!({
            "installation": installation.id, "public-keys": keys, "dpop": self.dpop, "redirects": self.redirects,
            "overlap-seconds": self.overlap,
        });
        let mut made = Keyboard::of(host)?.post("/clients", &body).await?;
        show::registered(host, &given(made["client"].take())?, output)
    }
}

pub(super) async fn rotate(host: &Host, client: &str, files: &KeyFiles, output: Output) -> Result<()> {
    let keyboard = Keyboard::of(host)?;
    let client = find(&keyboard, client).await?;
    let mut keys = files.read()?;
    let (Some(next), true) = (keys.pop(), keys.is_empty()) else {
        bail!("name one file with one public key, with --public-key or --jwks");
    };
    let body = json!({ "public-key": text(&next) });
    change(&keyboard, Method::POST, &client, "keys", Some(&body), output).await
}

pub(super) async fn drop(host: &Host, client: &str, thumbprint: &str, output: Output) -> Result<()> {
    let keyboard = Keyboard::of(host)?;
    let client = find(&keyboard, client).await?;
    change(&keyboard, Method::DELETE, &client, &format!("keys/{}", escaped(thumbprint)), None, output).await
}

/// Changes a client as it is known here, and shows how it is then.
async fn change(
    keyboard: &Keyboard,
    method: Method,
    client: &Client,
    what: &str,
    body: Option<&Value>,
    output: Output,
) -> Result<()> {
    let path = format!("/clients/{}/{what}", client.id);
    let mut changed = keyboard.act(method, &path, Some(client.version), body).await?;
    show::one(&given(changed["client"].take())?, output)
}
