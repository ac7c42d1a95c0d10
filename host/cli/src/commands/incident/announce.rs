//! `portcullis incident announce`

use anyhow::{Context as _, Result};
use portcullis_model::id::IncidentId;
use serde_json::json;

use crate::{
    admin::{Keyboard, or_unknown},
    host::Host,
    output::Output,
};

/// Tells of it on the status page. Words that name a tenant are refused.
pub(super) async fn run(host: &Host, id: &IncidentId, title: &str, words: &str, output: Output) -> Result<()> {
    let body = json!({ "title": title, "text": words });
    let told = Keyboard::of(host)?.post(&format!("/incidents/{id}/announce"), &body).await;
    let told = or_unknown(told, || super::missing(id))?;
    let status = told["status"].as_str().context("what the host answered cannot be read")?;
    output.result(&json!({ "incident": id, "status": status }), || {
        format!("Announced as {status}. When it is over: portcullis status resolve {status} --text ...")
    })
}
