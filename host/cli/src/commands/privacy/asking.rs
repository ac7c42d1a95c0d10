//! `portcullis privacy request|list|show|close|certificate`
//!
//! What the host does by itself about a request is done by the command where no host runs, and waited for where one does.

use std::{fs, path::PathBuf, time::Duration};

use anyhow::{Context as _, Result};
use portcullis_model::{
    audit::plain,
    id::{PrivacyId, TenantId},
    privacy::{Identity, PrivacyKind, PrivacyRequest, SHORTEST},
    scope::parse_seconds,
    time::Timestamp,
};
use serde_json::{Value, json};

use super::{
    Request,
    words::{headline, words},
};
use crate::{
    admin::{Keyboard, asked, given, or_unknown},
    commands::parse::day,
    host::Host,
    output::Output,
    privacy::{Certified, carry_on, certified},
};

pub(super) const REQUESTS: &str = "/privacy/requests";

pub(super) fn missing(id: &PrivacyId) -> String {
    format!("no request '{id}'; see 'portcullis privacy list'")
}

/// A request, out of what was answered.
fn request(mut shown: Value) -> Result<PrivacyRequest> {
    given(shown["request"].take())
}

async fn one(keyboard: &Keyboard, id: &PrivacyId) -> Result<PrivacyRequest> {
    request(or_unknown(keyboard.read(&format!("{REQUESTS}/{id}")).await, || missing(id))?)
}

pub(super) async fn list(host: &Host, tenant: Option<TenantId>, output: Output) -> Result<()> {
    let tenant = tenant.map(|tenant| tenant.to_string());
    for shown in Keyboard::of(host)?.all(REQUESTS, &[("tenant", tenant)]).await?.into_iter().rev() {
        let one = request(shown)?;
        output.item(&one, || headline(&one))?;
    }
    Ok(())
}

pub(super) async fn show(host: &Host, id: &PrivacyId, output: Output) -> Result<()> {
    let one = one(&Keyboard::of(host)?, id).await?;
    output.result(&one, || words(&one))
}

pub(super) async fn close(
    host: &Host,
    id: &PrivacyId,
    note: Option<String>,
    out: Option<PathBuf>,
    output: Output,
) -> Result<()> {
    let closed = Keyboard::of(host)?.post(&format!("{REQUESTS}/{id}/close"), &json!({ "note": note })).await;
    or_unknown(closed, || missing(id))?;
    carry_on(host, id).await?;
    certificate(host, id, out, output).await
}

pub(super) async fn certificate(host: &Host, id: &PrivacyId, out: Option<PathBuf>, output: Output) -> Result<()> {
    let path = format!("{REQUESTS}/{id}/certificate");
    let signed = Keyboard::of(host)?.act(portcullis_api::admin::Method::POST, &path, None, None).await;
    let signed = certified(given(or_unknown(signed, || missing(id))?)?)?;
    handed_over(&signed, out, output)
}

fn handed_over(certified: &Certified, out: Option<PathBuf>, output: Output) -> Result<()> {
    if let Some(out) = &out {
        fs::write(out, format!("{}\n", certified.envelope))
            .with_context(|| format!("cannot write {}", out.display()))?;
    }
    let Certified { digest, key, certificate, .. } = certified;
    output.result(&json!({ "digest": digest, "key": key.to_string(), "certificate": certificate, "file": out }), || {
        let proven = certificate.parts.len() - certificate.unproven;
        format!(
            "{}: {proven} parts proven, {} not; {} entries of the log.\nCertificate {digest}\nsigned by {key}",
            certificate.request,
            certificate.unproven,
            certificate.entries.len()
        )
    })
}

impl Request {
    fn due(&self, now: Timestamp) -> Result<Timestamp> {
        match parse_seconds(&self.deadline) {
            Some(seconds) => Ok(now.plus(Duration::from_secs(seconds))),
            None => day(&self.deadline)
                .map_err(|why| anyhow::anyhow!("--deadline: {why}, or a number with d or h such as 30d")),
        }
    }

    pub(super) async fn run(self, host: &Host, output: Output) -> Result<()> {
        let deadline = self.due(host.clock.now())?.to_string();
        let correction = self.correction.map(|text| serde_json::from_str::<Value>(&text)).transpose();
        let correction = correction.context("--correction: that is no JSON")?;
        let who = Identity { user: self.user, names: self.name, emails: self.email, phones: self.phone };
        let short: Vec<String> =
            who.all().into_iter().filter(|one| one.chars().count() < SHORTEST).map(plain).collect();
        let kind: PrivacyKind = self.kind.into();
        let body = json!({
            "kind": kind.name(), "user": who.user, "names": who.names, "emails": who.emails,
            "phones": who.phones, "correction": correction, "deadline": deadline,
        });
        let (keyboard, path) = (Keyboard::of(host)?, asked(REQUESTS, &[("tenant", Some(self.tenant.to_string()))]));
        let opened = request(keyboard.post(&path, &body).await?)?;
        carry_on(host, &opened.id).await?;
        crate::commands::publish(host).await?;
        let request = one(&keyboard, &opened.id).await?;
        output.result(&request, || {
            let mut text = words(&request);
            if !short.is_empty() {
                text += &format!(
                    "\nShorter than {SHORTEST} characters, and so looked for only in whole fields that name a person: {}",
                    short.join(", ")
                );
            }
            text
        })
    }
}
