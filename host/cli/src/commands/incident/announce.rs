//! `portcullis incident announce`

use anyhow::{Context as _, Result, bail};
use portcullis_model::{
    audit::{Kind, plain},
    id::IncidentId,
    incident::IncidentStore as _,
};
use portcullis_store::StatusAnnouncement;
use serde_json::json;

use crate::{
    host::{Host, person},
    incident,
    output::Output,
};

/// Tells of it on the status page. Words that name a tenant are refused.
pub(super) async fn run(host: &Host, id: &IncidentId, title: &str, words: &str, output: Output) -> Result<()> {
    let mut one = incident::desk(host, person()).find(id).await?;
    if one.announced.is_some() {
        bail!("it is on the status page already; 'portcullis status list' shows it");
    }
    let said = format!("{title} {words}").to_lowercase();
    let has = |name: &str| said.split(|c: char| !c.is_alphanumeric() && c != '-').any(|word| word == name);
    if let Some(tenant) = crate::duties::tenants(host).await?.iter().find(|tenant| has(tenant.as_str())) {
        bail!("everybody reads the status page: leave out '{tenant}', which is a tenant's name");
    }
    let mut bytes = [0u8; 16];
    host.rng.fill(&mut bytes);
    let (told, now) = (hex::encode(bytes), host.clock.now());
    let (title, text) = (plain(title), plain(words));
    let entry = host
        .entry(Kind::StatusAnnounced, None)
        .with("id", told.as_str())
        .with("kind", "incident")
        .with("title", title.as_str())
        .with("text", text.as_str())
        .with("since", now.to_string())
        .with("over", false)
        .with("incident", id.as_str());
    let body = json!({ "title": title, "text": text }).to_string();
    let told = StatusAnnouncement { id: told, kind: "incident".into(), since: now, until: None, resolved: None, body };
    if !host.store.announce_status(told.clone(), entry).await? {
        bail!("something is told under its id already; give the command once more");
    }
    one.announced = Some(told.id.clone());
    host.store.change_incident(one, Vec::new()).await.context("it is announced, and the incident does not say so")?;
    crate::commands::publish(host).await?;
    let value = json!({ "incident": id, "status": told.id });
    output.result(&value, || {
        format!("Announced as {}. When it is over: portcullis status resolve {} --text ...", told.id, told.id)
    })
}
