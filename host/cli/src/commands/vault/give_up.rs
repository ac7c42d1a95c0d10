//! `portcullis vault give-up`: a host whose key is lost.
//!
//! Invariants: no host runs meanwhile, for it may have the keys in memory still; no key is made before a person has agreed to what is
//! given up; a command that was cut off can be given again.

use std::sync::Arc;

use anyhow::{Result, bail};
use portcullis_broker::vault::{Vault, lost::GivenUp};
use portcullis_model::{
    audit::{Entry, Kind, Recorder as _},
    time::{Clock, Rng},
};
use portcullis_store::SqliteStore;
use serde_json::json;

use crate::{
    commands::{plugin::ask::agree, publish},
    config::Config,
    home::Home,
    host::{Host, person},
    output::Output,
    system::{SystemClock, SystemRng},
    vault::{keys_anew, keys_at_hand},
};

pub(super) async fn run(home: Home, reason: &str, yes: bool, output: Output) -> Result<()> {
    if reason.trim().is_empty() {
        bail!("say why, with --reason");
    }
    home.check()?;
    let lock = home.lock()?;
    let config = Config::load(&home)?;
    let store = Arc::new(SqliteStore::open(&home.database())?);
    let (clock, rng): (SystemClock, Arc<dyn Rng>) = (SystemClock, Arc::new(SystemRng));
    let looking = Vault::new(store.clone(), keys_at_hand(&home, &config.vault, &rng)?, rng.clone());
    let lost = looking.lost().await?;
    if lost.is_empty() {
        bail!("every stored secret opens, or its key program does not answer; nothing is given up");
    }
    if !yes {
        if !output.json {
            crate::output::line(&told(&lost))?;
        }
        agree("Give all of this up?")?;
    }
    let entry = |kind, tenant| Entry::new(clock.now(), kind, person(), tenant);
    let given_up = entry(Kind::VaultGivenUp, None)
        .with("reason", reason)
        .with("connections", lost.connections.len())
        .with("back-ends", lost.back_ends.len())
        .with("others", lost.others.len());
    store.record(vec![given_up]).await?;
    let keys = keys_anew(&home, &config.vault, &rng)?;
    let done = Vault::new(store, keys.ring, rng).give_up(entry).await?;
    publish(&Host::open(home).await?).await?;
    drop(lock);
    output.result(&json!(done), || told(&done))
}

/// What it is, and what brings it back, a line each.
fn told(lost: &GivenUp) -> String {
    let mut lines = Vec::new();
    for key in &lost.connections {
        lines.push(format!(
            "connection {key}: revoke it at its provider by hand; then: portcullis connection authorize|add {} {}",
            key.installation, key.name
        ));
    }
    for installation in &lost.back_ends {
        lines.push(format!("signatures to the back end of {installation}: portcullis backend set {installation}"));
    }
    for (tenant, name) in &lost.others {
        lines.push(match name.strip_prefix("source/") {
            Some(source) => format!("source {source} of {tenant}: portcullis source rotate {source}"),
            None => format!("{name} of {tenant}: begin again what it was for"),
        });
    }
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_names_the_command_that_brings_it_back() {
        let key = portcullis_model::connection::ConnectionKey {
            tenant: "acme".parse().unwrap(),
            installation: "ins_1".parse().unwrap(),
            name: "desk".into(),
        };
        let lost = GivenUp {
            connections: vec![key],
            back_ends: vec!["ins_2".parse().unwrap()],
            others: vec![
                ("acme".parse().unwrap(), "source/zen".into()),
                ("acme".parse().unwrap(), "consent/con_1".into()),
            ],
            keys_made: 0,
        };
        let told = told(&lost);
        for command in ["connection authorize|add ins_1 desk", "backend set ins_2", "source rotate zen", "begin again"]
        {
            assert!(told.contains(command), "{told}");
        }
    }
}
