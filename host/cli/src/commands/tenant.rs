//! `portcullis tenant`

mod export;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use portcullis_api::admin::Method;
use portcullis_model::id::TenantId;
use portcullis_packages::keys::PublicKey;
use serde::Deserialize;
use serde_json::json;

use crate::{
    admin::{Keyboard, asked, given},
    home::Home,
    host::Host,
    output::Output,
    tenant::{self, Backups, Certificate, Plan},
};

/// A tenant that leaves.
#[derive(Debug, Subcommand)]
pub enum TenantCommand {
    /// Write all that is a tenant's own into one tar: configuration, installations with what they stored, records, people, and its part
    /// of the audit log with proofs. No secret is in it; personal values are.
    #[command(after_help = "Example:\n  portcullis tenant export --tenant acme --out acme.tar\n  \
        tar -xf acme.tar && sha256sum -c SHA256SUMS")]
    Export {
        /// Which.
        #[arg(long)]
        tenant: TenantId,
        /// The file, which must not be there yet.
        #[arg(long, value_name = "FILE.tar")]
        out: PathBuf,
    },
    /// Delete all that is a tenant's own, for good, and sign a certificate of it. Its id is not given again.
    #[command(after_help = "Examples:\n  portcullis tenant delete --tenant acme --dry-run\n  \
        portcullis tenant delete --tenant acme --confirm acme --out certificate.json\n  \
        portcullis tenant delete --tenant acme --confirm acme --contain --out certificate.json\n\n\
        Export it first. What was cut off goes on when the command is given again, or by itself where a host runs.")]
    Delete(Delete),
    /// Sign the certificate of a tenant's deletion anew.
    #[command(after_help = "Example:\n  portcullis tenant certificate --tenant acme --out certificate.json")]
    Certificate {
        /// Which.
        #[arg(long)]
        tenant: TenantId,
        /// Write it into this file.
        #[arg(long)]
        out: PathBuf,
    },
    /// Check a certificate: its signature, and that it does not contradict itself. Needs no host.
    #[command(after_help = "Example:\n  portcullis tenant verify certificate.json --key portcullis-key-v1:...")]
    Verify {
        /// The file.
        file: PathBuf,
        /// The key that the host signs reports with, as its log names it.
        #[arg(long)]
        key: PublicKey,
    },
}

/// What is deleted.
#[derive(Debug, Args)]
pub struct Delete {
    /// Which.
    #[arg(long)]
    tenant: TenantId,
    /// The same once more: nothing of it can be had back.
    #[arg(long, value_name = "TENANT", required_unless_present = "dry_run")]
    confirm: Option<TenantId>,
    /// End installations that are active, in the same act.
    #[arg(long)]
    contain: bool,
    /// Only say what there is of it.
    #[arg(long)]
    dry_run: bool,
    /// Write the certificate into this file.
    #[arg(long)]
    out: Option<PathBuf>,
}

impl TenantCommand {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        match self {
            Self::Export { tenant, out } => export::run(&Host::open(home).await?, &tenant, &out, output).await,
            Self::Delete(delete) => delete.run(&Host::open(home).await?, output).await,
            Self::Certificate { tenant, out } => {
                let keyboard = Keyboard::of(&Host::open(home).await?)?;
                handed_over(&Signed::of(&keyboard, &tenant).await?, Some(&out), output)
            }
            Self::Verify { file, key } => {
                let (certificate, digest) = tenant::verify(&file, &key)?;
                let value = json!({ "verified": true, "digest": digest, "certificate": certificate });
                output.result(&value, || format!("Verified: {digest}\n{}", words(&certificate)))
            }
        }
    }
}

impl Delete {
    async fn run(self, host: &Host, output: Output) -> Result<()> {
        let keyboard = Keyboard::of(host)?;
        let path = format!("/tenants/{}", self.tenant);
        let mut tried = keyboard.act(Method::DELETE, &format!("{path}?dry_run=true"), None, None).await?;
        if self.dry_run {
            let plan: Plan = given(tried["plan"].take())?;
            return output.result(&plan, || planned(&plan));
        }
        if self.confirm.as_ref() != Some(&self.tenant) {
            bail!("--confirm does not name '{}'; nothing was deleted", self.tenant);
        }
        if self.out.as_ref().is_some_and(|out| out.exists()) {
            bail!("the file for the certificate is there already; nothing was deleted, give another name");
        }
        let meant = [
            ("confirm", self.confirm.as_ref().map(ToString::to_string)),
            ("contain", self.contain.then(|| "true".to_owned())),
        ];
        keyboard.act(Method::DELETE, &asked(&path, &meant), None, None).await?;
        let deletion = tenant::carry_on(host, &self.tenant).await?;
        keyboard.publish().await?;
        if deletion.ended.is_none() {
            bail!(
                "calls of its plugins still go on; the running host goes on with it: say it again for the certificate"
            );
        }
        handed_over(&Signed::of(&keyboard, &self.tenant).await?, self.out.as_deref(), output)
    }
}

/// A certificate, as the admin API hands it over.
#[derive(Deserialize)]
struct Signed {
    envelope: String,
    digest: String,
    key: String,
}

impl Signed {
    async fn of(keyboard: &Keyboard, tenant: &TenantId) -> Result<Self> {
        let signed = keyboard.read_as(&format!("/tenants/{tenant}/certificate")).await?;
        keyboard.publish().await?;
        Ok(signed)
    }

    /// What it says.
    fn certificate(&self) -> Result<Certificate> {
        Ok(tenant::read(&self.envelope, &self.key.parse()?)?.0)
    }
}

fn counts(all: &BTreeMap<String, u64>) -> String {
    let lines: Vec<String> = all.iter().map(|(part, n)| format!("  {part}: {n}")).collect();
    lines.join("\n")
}

fn backups(all: &Backups) -> String {
    let Some(newest) = all.newest else {
        return "No backup is known to this host. One that was made has what there was then.".to_owned();
    };
    let keys = match all.with_keys {
        true => "its credentials too, which can be opened by whoever decrypts the backup",
        false => "its credentials sealed, under keys that are not in the backup",
    };
    let until = match all.gone_by {
        Some(until) => format!("the host's own are gone by {until}, if they go on as they do"),
        None => "until somebody removes them".to_owned(),
    };
    format!("Backups up to {newest} hold what there was then, {keys}; {until}.")
}

fn planned(plan: &Plan) -> String {
    let mut lines = vec![format!("Of '{}' there would go:", plan.tenant), counts(&plan.found)];
    if let Some(under_way) = &plan.under_way {
        lines.push(format!("Its deletion is on record since {}.", under_way.begun));
    }
    if !plan.active.is_empty() {
        lines.push(format!("{} installations are active: uninstall them, or give --contain.", plan.active.len()));
    }
    if plan.configured {
        lines.push(format!("The configuration has a section [tenants.{}]: take it out first.", plan.tenant));
    }
    lines.push(backups(&plan.backups));
    lines.push("Nothing was deleted.".to_owned());
    lines.join("\n")
}

fn words(certificate: &Certificate) -> String {
    format!(
        "{} was deleted: begun {}, nothing left at {}; {} entries of the log.\n{}\n{}",
        certificate.tenant,
        certificate.begun,
        certificate.ended,
        certificate.entries.len(),
        counts(&certificate.deleted),
        backups(&certificate.backups)
    )
}

fn handed_over(signed: &Signed, out: Option<&Path>, output: Output) -> Result<()> {
    if let Some(out) = out {
        fs::write(out, format!("{}\n", signed.envelope)).with_context(|| format!("cannot write {}", out.display()))?;
    }
    let certificate = signed.certificate()?;
    let value = json!({ "digest": signed.digest, "key": signed.key, "certificate": certificate, "file": out });
    output
        .result(&value, || format!("{}\nCertificate {}\nsigned by {}", words(&certificate), signed.digest, signed.key))
}
