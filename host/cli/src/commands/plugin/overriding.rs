//! `portcullis plugin override`

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use portcullis_model::release::ReleaseId;
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    release_dir::{ReleaseFiles, read_release},
    trust::withdrawal,
};
use serde_json::{Value, json};

use crate::{
    admin::{Keyboard, asked, payload},
    commands::trust::file,
    home::Home,
    host::Host,
    output::Output,
    signing::SigningKeys,
    trust::signed_by,
};

/// Milliseconds of a day.
const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// Let a release run although it is older than it may be: the second factor of a downgrade.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin override old-release/dist --days 7 --reason 'release 5 loses tickets'\n  \
    portcullis plugin override card-guard --days 7 --reason 'until release 6' --key a.key --key b.key\n\n\
    It is signed by whom a root trusts with overrides. It lets this one release run below the floor, and a tenant go back to\n\
    it, until it expires; what it lets run is suspended then."
)]
pub struct Override {
    /// The release's directory, or an installation of it.
    pub release: String,
    /// Why.
    #[arg(long)]
    pub reason: String,
    /// For how many days.
    #[arg(long, value_parser = clap::value_parser!(u64).range(1..=365))]
    pub days: u64,
    #[command(flatten)]
    pub keys: SigningKeys,
    /// Write it to this file for others to sign, where more of them are needed.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

async fn release(host: &Host, text: &str) -> Result<ReleaseId> {
    match Path::new(text) {
        path if path.exists() => {
            let ReleaseFiles { stored, .. } = read_release(path)?;
            Ok(stored.id())
        }
        _ => Ok(host.installation(text).await?.release_id()),
    }
}

impl Override {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let (keyboard, id) = (Keyboard::of(&host)?, release(&host, &self.release).await?);
        let body = json!({ "reason": self.reason, "days": self.days });
        let payload = payload(&keyboard.post(&at(&id, true), &body).await?)?;
        self.is_said_by(&serde_json::from_slice(&payload).context("what is to be signed is no override")?, &id)?;
        let envelope = signed_by(PayloadType::Override, payload, &host.signers(&self.keys)?)?;
        if let Some(out) = &self.out
            && keyboard.post(&at(&id, true), &with(body, &envelope)?).await?["lacks"].is_string()
        {
            return file::hand_on(out, &envelope, output);
        }
        take(&keyboard, &envelope, output).await
    }

    /// Whether this is what was asked for: nothing else is signed.
    fn is_said_by(&self, said: &withdrawal::Override, id: &ReleaseId) -> Result<()> {
        let until = said.issued.plus(Duration::from_millis(self.days.saturating_mul(DAY_MS)));
        let same = said.release() == *id && said.reason == self.reason && said.expires <= until;
        ensure!(same, "what the host answered to be signed is not what was asked for; nothing was signed");
        Ok(())
    }
}

/// Where an override of a release is asked for.
fn at(id: &ReleaseId, rehearsal: bool) -> String {
    let path = format!("/releases/{}/{}/override", id.component, id.manifest);
    asked(&path, &[("dry_run", rehearsal.then(|| "true".to_owned()))])
}

/// The request with what was signed.
fn with(mut body: Value, envelope: &Envelope) -> Result<Value> {
    body["envelope"] = serde_json::from_str(&envelope.to_json())?;
    Ok(body)
}

/// Has a signed override filed.
pub(crate) async fn take(keyboard: &Keyboard, envelope: &Envelope, output: Output) -> Result<()> {
    let given = withdrawal::Override::read(envelope)?;
    given.check_span()?;
    let span = u64::try_from(given.expires.0.saturating_sub(given.issued.0)).unwrap_or_default();
    let body = json!({ "reason": given.reason, "days": span.div_ceil(DAY_MS).max(1) });
    keyboard.post(&at(&given.release(), false), &with(body, envelope)?).await?;
    output.result(&json!({ "release": given.component, "manifest": given.manifest, "expires": given.expires }), || {
        format!("The release {} may run below the floor until {}.", given.component.short(), given.expires)
    })
}

#[cfg(test)]
mod tests {
    use portcullis_model::{id::Digest, time::Timestamp};

    use super::*;

    #[test]
    fn only_what_was_asked_for_is_signed() {
        let asked = Override {
            release: "dist".into(),
            reason: "x".into(),
            days: 1,
            keys: SigningKeys { keys: Vec::new(), unlocking: Default::default() },
            out: None,
        };
        let id = ReleaseId { component: Digest::of(b"c"), manifest: Digest::of(b"m") };
        let said = |reason: &str, component: Digest, days: i64| withdrawal::Override {
            component,
            manifest: id.manifest,
            reason: reason.into(),
            issued: Timestamp(5),
            expires: Timestamp(5 + days * 86_400_000),
        };
        assert!(asked.is_said_by(&said("x", id.component, 1), &id).is_ok());
        assert!(asked.is_said_by(&said("y", id.component, 1), &id).is_err());
        assert!(asked.is_said_by(&said("x", id.manifest, 1), &id).is_err());
        assert!(asked.is_said_by(&said("x", id.component, 2), &id).is_err());
    }
}
