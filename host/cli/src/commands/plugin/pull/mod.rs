//! `portcullis plugin pull`

mod choose;

use std::path::PathBuf;

use anyhow::{Result, bail};
use choose::{Chosen, Wanted, choose};
use clap::Args;
use portcullis_broker::oci::{Access, Registry, pull::pull, reference::Reference};
use portcullis_model::{audit::plain, id::Digest};
use portcullis_packages::release_dir::write_new;
use serde_json::json;

use super::registry::RegistryArgs;
use crate::output::Output;

/// Pull a release from an OCI registry into a new directory. Believes nothing: check what came before you use it.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin pull oci://registry.example.com/acme/my-plugin:1.2.0 my-plugin\n  \
    portcullis plugin pull oci://registry.example.com/acme/my-plugin@sha256:... my-plugin --docker-config ~/.docker/config.json\n\n\
    Where several releases are attached to one component, the highest number is taken, or the one that --release names."
)]
pub struct Pull {
    /// What: oci://host[:port]/repository and :tag or @sha256:digest.
    pub from: String,
    /// Where to: a directory that is not there yet.
    pub dir: PathBuf,
    /// The release's number, or its version.
    #[arg(long, value_name = "NUMBER|VERSION")]
    pub release: Option<String>,
    /// Of several documents that would do, take this one, by its digest; may be given twice.
    #[arg(long, value_name = "DIGEST")]
    pub take: Vec<Digest>,
    #[command(flatten)]
    registry: RegistryArgs,
}

impl Pull {
    pub(super) async fn run(self, output: Output) -> Result<()> {
        let from = self.registry.reference(&self.from)?;
        if self.dir.exists() {
            bail!("{} is there already; name a directory that is not", self.dir.display());
        }
        let registry = self.registry.registry(&from, Access::Pull)?;
        if from.tag().is_none() && from.digest().is_none() {
            bail!("{from}: name what is meant, by :tag or @sha256:digest{}", tags(&registry).await);
        }
        let bar = output.spinner(format!("pulling {from}"));
        let pulled = pull(&registry, &from).await;
        bar.finish_and_clear();
        let pulled = pulled?;
        let image = pulled.image;
        let chosen = choose(pulled, &Wanted { release: self.release.as_deref(), take: &self.take })?;
        write_new(&self.dir, &chosen.files)?;
        let (manifest, files) = (&chosen.manifest, &chosen.files);
        let value = json!({
            "plugin": manifest.id, "version": manifest.version, "release": manifest.release, "dir": self.dir,
            "reference": from.at(image).to_string(), "image": image, "component": files.stored.digest,
            "manifest": manifest.digest, "statements": files.statements.len(), "reports": files.reports.len(),
            "notes": chosen.notes, "checked": false,
        });
        output.result(&value, || words(&chosen, &from, image, &self.dir.display().to_string()))
    }
}

fn words(chosen: &Chosen, from: &Reference, image: Digest, dir: &str) -> String {
    let Chosen { files, manifest, notes } = chosen;
    let mut lines = vec![
        format!("Pulled {} {} (release {}) into {dir}", manifest.id, manifest.version, manifest.release),
        format!("  from       {}", from.at(image)),
        format!("  component  {}", files.stored.digest),
        format!("  manifest   {}", manifest.digest),
        format!("  {} statements of others, {} reports", files.statements.len(), files.reports.len()),
    ];
    lines.extend(notes.iter().map(|note| format!("Note: {}", plain(note))));
    lines.push(
        "Every byte is the one that the registry names. Who signed it has not been checked: that is for".to_owned(),
    );
    lines.push(format!("  portcullis plugin verify {dir} --trust KEY"));
    lines.push(
        "and for 'portcullis plugin install', with a key that you have by another way than the release.".to_owned(),
    );
    lines.join("\n")
}

/// The tags that there are, for an error.
async fn tags(registry: &Registry) -> String {
    match registry.tags().await {
        Ok(tags) if !tags.is_empty() => {
            let some: Vec<&str> = tags.iter().rev().take(10).map(String::as_str).collect();
            format!("; there are tags such as {}", some.join(", "))
        }
        _ => String::new(),
    }
}
