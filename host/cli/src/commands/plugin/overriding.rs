//! `portcullis plugin override`

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use clap::Args;
use portcullis_model::release::ReleaseId;
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    release_dir::read_release,
    trust::{keeper::Kept, withdrawal},
};
use serde_json::json;

use crate::{commands::trust::file, home::Home, host::Host, output::Output, signing::SigningKeys, trust::signed_by};

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
        path if path.exists() => Ok(read_release(path)?.stored.id()),
        _ => Ok(host.installation(text).await?.release_id()),
    }
}

impl Override {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Arc::new(Host::open(home).await?);
        let id = release(&host, &self.release).await?;
        let now = host.clock.now();
        let given = withdrawal::Override {
            component: id.component,
            manifest: id.manifest,
            reason: self.reason,
            issued: now,
            expires: now.plus(Duration::from_secs(self.days * 24 * 60 * 60)),
        };
        let payload = json!(given).to_string().into_bytes();
        let envelope = signed_by(PayloadType::Override, payload, &host.signers(&self.keys)?)?;
        withdrawal::Override::read(&envelope)?;
        match (take(&host, &envelope, output).await, &self.out) {
            (Ok(()), _) => Ok(()),
            (Err(error), Some(out)) if !file::has_enough(&error) => file::hand_on(out, &envelope, output),
            (Err(error), _) => Err(error),
        }
    }
}

/// Takes a signed override.
pub(crate) async fn take(host: &Host, envelope: &Envelope, output: Output) -> Result<()> {
    let given = withdrawal::Override::read(envelope)?;
    let kept = host.keeper().state(&given.release(), &envelope.to_json()).await?;
    crate::commands::publish(host).await?;
    let Kept::Override(given) = kept else { anyhow::bail!("this is no override") };
    output.result(&json!({ "release": given.component, "manifest": given.manifest, "expires": given.expires }), || {
        format!("The release {} may run below the floor until {}.", given.component.short(), given.expires)
    })
}
