//! An admin's part in an authorization.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Result, bail};
use portcullis_broker::authz::consent;
use portcullis_capabilities::Catalogue;
use portcullis_model::{
    audit::{Kind, plain},
    catalogue::Catalogue as _,
    oauth::{Decision, OAuthStore as _, Pending},
    scope::ScopeText,
};
use serde_json::json;

use crate::{commands::publish, host::Host, output::Output};

async fn name(host: &Host, pending: &Pending) -> Result<String> {
    let client = host.store.client(&pending.client).await?;
    Ok(client.map_or_else(|| pending.client.to_string(), |(client, _)| client.name))
}

pub(super) async fn list(host: &Host, output: Output) -> Result<()> {
    let all = host.store.pending(host.clock.now()).await?;
    for pending in all.iter().filter(|one| one.decision == Decision::Waiting) {
        let name = name(host, pending).await?;
        let scopes: Vec<String> = pending.scopes.iter().map(ToString::to_string).collect();
        let value = json!({
            "code": pending.code, "client": pending.client, "name": name, "scopes": scopes,
            "redirect": pending.redirect, "created": pending.created, "expires": pending.expires,
        });
        output
            .item(&value, || format!("{}  until {}  {name}: {}", pending.code, pending.expires, scopes.join("; ")))?;
    }
    Ok(())
}

/// A scope in an admin's words.
fn meaning(scope: &ScopeText) -> String {
    let words =
        Catalogue.describe(scope).map(|all| all.into_iter().map(|one| one.words).collect::<Vec<_>>().join("; "));
    plain(&words.map_or_else(|_| scope.to_string(), |words| format!("{words}  [{scope}]")))
}

fn agreed(pending: &Pending, name: &str) -> Result<bool> {
    eprintln!("{name} asks for:");
    pending.scopes.iter().for_each(|scope| eprintln!("  - {}", meaning(scope)));
    eprintln!("The browser goes back to {}", pending.redirect);
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: read the above, and say --yes");
    }
    eprint!("Agree only if somebody you know gave you this code and started this. Agree? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}

pub(super) async fn approve(host: &Host, code: &str, narrow: &[ScopeText], yes: bool, output: Output) -> Result<()> {
    let store = host.store.as_ref();
    let pending = consent::find(store, code, host.clock.now()).await?;
    let name = name(host, &pending).await?;
    for scope in narrow {
        Catalogue.describe(scope)?;
    }
    if !yes && !agreed(&pending, &name)? {
        bail!("nothing was decided; refuse it with 'portcullis client deny {}'", pending.code);
    }
    let entry = host.entry(Kind::AuthorizationDecided, Some(pending.tenant.clone()));
    let narrow = (!narrow.is_empty()).then_some(narrow);
    let client = pending.client.clone();
    let scopes = consent::approve(store, &Catalogue, pending, narrow, entry).await?;
    publish(host).await?;
    let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
    let value = json!({ "client": client, "name": name, "scopes": scopes });
    output.result(&value, || format!("{name} may: {}\nThe page goes on by itself.", scopes.join("; ")))
}

pub(super) async fn deny(host: &Host, code: &str, output: Output) -> Result<()> {
    let store = host.store.as_ref();
    let pending = consent::find(store, code, host.clock.now()).await?;
    let entry = host.entry(Kind::AuthorizationDecided, Some(pending.tenant.clone()));
    let client = pending.client.clone();
    consent::deny(store, pending, entry).await?;
    publish(host).await?;
    output.result(&json!({ "client": client, "denied": true }), || "Refused. The page goes back by itself.".into())
}
