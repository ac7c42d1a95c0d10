//! `portcullis trust show`

use anyhow::{Result, bail};
use clap::Args;
use portcullis_model::{audit::plain, id::TenantId, trust::RootScope};
use portcullis_packages::trust::root::{KeyId, Role, Root};
use serde::Deserialize;
use serde_json::json;

use crate::{
    admin::{Keyboard, given},
    home::Home,
    host::Host,
    output::Output,
};

/// Show the roots: keys by owner, thresholds, reviews, floors, what is revoked, and until when they hold.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis trust show\n  portcullis trust show --tenant acme --json")]
pub struct Show {
    /// Only this tenant's.
    #[arg(long)]
    pub tenant: Option<TenantId>,
}

/// A root, as the API has it.
#[derive(Deserialize)]
struct Shown {
    root: Root,
    expired: bool,
}

impl Show {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let wanted = self.tenant.map(|tenant| RootScope::Tenant(tenant).to_string());
        let all = Keyboard::of(&Host::open(home).await?)?.all("/trust", &[("root", wanted.clone())]).await?;
        if let Some(scope) = wanted.filter(|_| all.is_empty()) {
            bail!("there is no root of '{scope}'; see 'portcullis trust show'");
        }
        for one in all {
            let Shown { root, expired } = given(one)?;
            output.item(&json!({ "root": root, "expired": expired }), || {
                let late = if expired { "  EXPIRED: nothing runs before a new version is signed" } else { "" };
                format!("{}{late}", words(&root))
            })?;
        }
        Ok(())
    }
}

/// A root, for people.
pub(super) fn words(root: &Root) -> String {
    let mut lines = vec![format!("Root of '{}', version {}, until {}", root.scope, root.version, root.expires)];
    lines.push(role(root, "change this root", &root.root));
    for publisher in root.publishers.iter().flatten() {
        lines.push(role(root, &format!("publish {}.*", publisher.prefix), &publisher.role));
    }
    if root.publishers.is_none() {
        lines.push("  publish: whoever the platform lets".to_owned());
    }
    let needed = root.reviews;
    lines.push(format!(
        "  review: {} of low risk, {} of medium, {} of high, out of {}",
        needed.low,
        needed.medium,
        needed.high,
        keys(root, &root.reviewers)
    ));
    lines.push(role(root, "withdraw releases", &root.withdrawals));
    lines.push(role(root, "let a release below the floor run", &root.overrides));
    lines.extend(root.floors.iter().map(|(plugin, floor)| format!("  floor: {plugin} runs from release {floor} on")));
    lines.extend(root.revoked.keys.iter().map(|id| format!("  revoked key: {}", plain(id))));
    lines.extend(root.revoked.digests.iter().map(|digest| format!("  revoked digest: {digest}")));
    lines.join("\n")
}

fn role(root: &Root, what: &str, role: &Role) -> String {
    match role.threshold {
        0 => format!("  {what}: nobody"),
        n => format!("  {what}: {n} of {}", keys(root, &role.keys)),
    }
}

fn keys<'a>(root: &Root, ids: impl IntoIterator<Item = &'a KeyId>) -> String {
    let named = ids.into_iter().map(|id| {
        let owner = root.keys.get(id).map_or("unknown", |known| known.owner.as_str());
        let revoked = if root.revoked.keys.contains(id) { ", REVOKED" } else { "" };
        format!("{} ({}{revoked})", plain(owner), id.chars().take(16).collect::<String>())
    });
    let named: Vec<String> = named.collect();
    if named.is_empty() { "nobody".to_owned() } else { named.join(", ") }
}
