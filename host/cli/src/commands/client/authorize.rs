//! An admin's part in an authorization.

use std::io::{BufRead as _, IsTerminal as _};

use anyhow::{Result, bail};
use portcullis_api::admin::Method;
use portcullis_model::{audit::plain, scope::ScopeText};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, escaped, given},
    host::Host,
    output::Output,
};

/// A request that waits, or waited.
#[derive(Deserialize)]
struct Waiting {
    code: String,
    client: String,
    name: String,
    scopes: Vec<Scope>,
    redirect: String,
    created: String,
    expires: String,
}

#[derive(Deserialize)]
struct Scope {
    scope: String,
    words: Vec<String>,
}

impl Scope {
    /// In an admin's words.
    fn meaning(&self) -> String {
        let words = self.words.join("; ");
        plain(&if words.is_empty() { self.scope.clone() } else { format!("{words}  [{}]", self.scope) })
    }
}

/// What was decided, or would be.
#[derive(Deserialize)]
struct Decided {
    authorization: Waiting,
    scopes: Vec<Scope>,
}

fn texts(all: &[Scope]) -> Vec<&str> {
    all.iter().map(|one| one.scope.as_str()).collect()
}

pub(super) async fn list(host: &Host, output: Output) -> Result<()> {
    for one in Keyboard::of(host)?.all("/authorizations", &[]).await? {
        let one: Waiting = given(one)?;
        let scopes = texts(&one.scopes);
        let value = json!({
            "code": one.code, "client": one.client, "name": one.name, "scopes": scopes,
            "redirect": one.redirect, "created": one.created, "expires": one.expires,
        });
        output.item(&value, || format!("{}  until {}  {}: {}", one.code, one.expires, one.name, scopes.join("; ")))?;
    }
    Ok(())
}

fn agreed(asked: &Waiting) -> Result<bool> {
    eprintln!("{} asks for:", asked.name);
    asked.scopes.iter().for_each(|scope| eprintln!("  - {}", scope.meaning()));
    eprintln!("The browser goes back to {}", asked.redirect);
    if !std::io::stdin().is_terminal() {
        bail!("nobody can be asked here: read the above, and say --yes");
    }
    eprint!("Agree only if somebody you know gave you this code and started this. Agree? [y/N] ");
    let mut answer = String::new();
    std::io::stdin().lock().read_line(&mut answer)?;
    Ok(matches!(answer.trim(), "y" | "yes"))
}

pub(super) async fn approve(host: &Host, code: &str, narrow: &[ScopeText], yes: bool, output: Output) -> Result<()> {
    let keyboard = Keyboard::of(host)?;
    let path = format!("/authorizations/{}/approve", escaped(code));
    let body = match narrow {
        [] => json!({}),
        narrow => json!({ "scopes": narrow }),
    };
    // What would be refused is refused before anybody is asked.
    let tried: Decided = given(keyboard.post(&format!("{path}?dry_run=true"), &body).await?)?;
    if !yes && !agreed(&tried.authorization)? {
        bail!("nothing was decided; refuse it with 'portcullis client deny {}'", tried.authorization.code);
    }
    let done: Decided = given(keyboard.post(&path, &body).await?)?;
    let (asked, scopes) = (&done.authorization, texts(&done.scopes));
    let value = json!({ "client": asked.client, "name": asked.name, "scopes": scopes });
    output.result(&value, || format!("{} may: {}\nThe page goes on by itself.", asked.name, scopes.join("; ")))
}

pub(super) async fn deny(host: &Host, code: &str, output: Output) -> Result<()> {
    let path = format!("/authorizations/{}/deny", escaped(code));
    let done: Value = Keyboard::of(host)?.act(Method::POST, &path, None, None).await?;
    let client = &done["authorization"]["client"];
    output.result(&json!({ "client": client, "denied": true }), || "Refused. The page goes back by itself.".into())
}
