//! `portcullis role list|show`

use anyhow::{Context as _, Result};
use portcullis_access::matrix;
use portcullis_model::{
    audit::plain,
    id::{RoleName, TenantId},
    people::{BuiltIn, Rule},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::{admin::given, commands::person::With};

/// A role of a tenant's own.
#[derive(Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
struct Own {
    name: RoleName,
    says: String,
    rules: Vec<Rule>,
    by: String,
    version: u64,
}

/// A tenant's own roles.
async fn own(with: &With, tenant: &TenantId) -> Result<Vec<Own>> {
    let all = with.keyboard.all("/roles", &[("tenant", Some(tenant.to_string()))]).await?;
    all.into_iter().filter(|role| role["built-in"] == false).map(given).collect()
}

pub(super) async fn list(with: &With, tenant: Option<&TenantId>) -> Result<()> {
    let own = match tenant {
        Some(tenant) => own(with, tenant).await?,
        None => Vec::new(),
    };
    let built_in: Vec<&str> = BuiltIn::ALL.iter().map(|role| role.name()).collect();
    with.output.result(&json!({ "built-in": built_in, "own": own }), || {
        let mut text = format!("Built in: {}.", built_in.join(", "));
        own.iter().for_each(|role| text += &format!("\n{}: {}", role.name, plain(&role.says)));
        text
    })
}

pub(super) async fn show(with: &With, role: Option<RoleName>, tenant: Option<&TenantId>) -> Result<()> {
    let page = matrix()?;
    let Some(role) = role else { return with.output.result(&json!({ "page": page }), || page.trim_end().to_owned()) };
    if BuiltIn::of(&role).is_some() {
        let may = column(&page, role.as_str());
        return with.output.result(&json!({ "role": role, "in-a-tenant": may }), || {
            let lines: Vec<String> = may.iter().map(|(action, how)| format!("{action}  {how}")).collect();
            format!("In a tenant ('2f': with a second factor):\n{}", lines.join("\n"))
        });
    }
    let tenant = tenant.context("--tenant: whose role?")?;
    let own = own(with, tenant).await?;
    let found =
        own.into_iter().find(|one| one.name == role).with_context(|| format!("{tenant} has no role '{role}'"))?;
    with.output.result(&found, || {
        let line = |rule: &Rule| {
            let what = if rule.forbid { "never" } else { "may" };
            let actions: Vec<&str> = rule.actions.iter().map(String::as_str).collect();
            let only: Vec<&str> = rule.only.iter().map(String::as_str).collect();
            let on = if only.is_empty() { String::new() } else { format!(" on {}", only.join(", ")) };
            format!("{what} {}{on}", actions.join(", "))
        };
        let rules: Vec<String> = found.rules.iter().map(line).collect();
        format!("{}\n{}", plain(&found.says), rules.join("\n"))
    })
}

/// What a role may do in a tenant: each action that its column permits, and how.
fn column<'a>(page: &'a str, role: &str) -> Vec<(&'a str, &'a str)> {
    let section = page.split("\n## ").nth(1).unwrap_or_default();
    let mut lines = section.lines().filter(|line| line.starts_with("| "));
    let at = lines.next().and_then(|head| head.split('|').position(|cell| cell.trim() == role));
    let cells = lines.filter_map(|line| {
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        Some((cells.get(1)?.trim_matches('`'), *cells.get(at?)?))
    });
    cells.filter(|(_, how)| *how != "-").collect()
}
