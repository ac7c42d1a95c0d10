//! `portcullis plugin push`

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_broker::oci::{
    Access, Artifact, Signed,
    push::{Pushed, push},
    reference::Reference,
};
use portcullis_model::audit::plain;
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    inspect::{Extern, Inspection},
    manifest::Manifest,
    release_dir::{ReleaseFiles, read_release},
    statement::{Release, Statement},
};
use serde_json::{Value, json};

use super::registry::RegistryArgs;
use crate::output::Output;

/// The world that plugins with an event handler are made for.
const WORLD: (&str, &str) = ("portcullis:plugin/events@", "portcullis:plugin/integration@");

/// Push a release to an OCI registry.
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  portcullis plugin push my-plugin/dist oci://registry.example.com/acme/my-plugin\n  \
    portcullis plugin push my-plugin/dist oci://registry.example.com/acme/my-plugin:1.2.0 --username ann < token\n  \
    portcullis plugin push my-plugin/dist oci://127.0.0.1:5000/my-plugin --plain-http\n\n\
    Without a tag the release's version is the tag. Component, manifest, envelope, statements and reports are pushed as\n\
    they are; the statement must be about that component and that manifest. To push again changes nothing."
)]
pub struct Push {
    /// The release: its directory, or a bundle.
    pub path: PathBuf,
    /// Where to: oci://host[:port]/repository[:tag].
    pub to: String,
    #[command(flatten)]
    registry: RegistryArgs,
}

impl Push {
    pub(super) async fn run(self, output: Output) -> Result<()> {
        let to = self.registry.reference(&self.to)?;
        if to.digest().is_some() {
            bail!("{}: a digest follows from what is pushed; name a tag or none", plain(&self.to));
        }
        let files = read_release(&self.path)?;
        let manifest = Manifest::parse(&files.stored.manifest)?;
        let artifact = artifact(&files, &manifest)?;
        let tag = to.tag().map_or_else(|| tag_of(&manifest.version), str::to_owned);
        if tag.starts_with("sha256-") {
            bail!("the tag '{tag}' is kept for lists of what is attached; choose another");
        }
        let to = to.tagged(&tag)?;
        let registry = self.registry.registry(&to, Access::Push)?;
        let bar = output.spinner(format!("pushing to {to}"));
        let pushed = push(&registry, &artifact, Some(&tag)).await;
        bar.finish_and_clear();
        let pushed = pushed?;
        let value = json!({
            "plugin": manifest.id, "version": manifest.version, "release": manifest.release, "reference": to.to_string(),
            "image": pushed.image, "component": pushed.component, "referrers-api": pushed.by_api,
            "attached": pushed.attached.iter().map(|one| json!({
                "kind": one.kind.name(), "document": one.document, "manifest": one.manifest,
            })).collect::<Vec<_>>(),
        });
        output.result(&value, || words(&to, &manifest, &pushed))
    }
}

fn words(to: &Reference, manifest: &Manifest, pushed: &Pushed) -> String {
    let mut lines = vec![
        format!("Pushed {} {} (release {}) to {to}", manifest.id, manifest.version, manifest.release),
        format!("  image      {}", pushed.image),
        format!("  component  {}", pushed.component),
    ];
    let attached = pushed.attached.iter();
    lines
        .extend(attached.map(|one| format!("  {:9}  {}  attached by {}", one.kind.name(), one.document, one.manifest)));
    let exactly = format!("{} DIR --take {}", to.at(pushed.image), manifest.digest);
    lines.push(format!("Others get exactly this with: portcullis plugin pull {exactly}"));
    lines.push(
        "Whoever may push can let a tag point elsewhere, and attach another release to this component.".to_owned(),
    );
    lines.join("\n")
}

/// A version as a tag: `+` cannot stand in one.
fn tag_of(version: &str) -> String {
    version.replace('+', "_")
}

/// What goes to the registry. Refused where a pull could not put it together again.
fn artifact(files: &ReleaseFiles, manifest: &Manifest) -> Result<Artifact> {
    let inspection = Inspection::of(&files.component)?;
    let envelope = Envelope::parse(PayloadType::Statement, &files.stored.envelope)?;
    Statement::<Release>::parse(envelope.unverified())?
        .check(manifest, &files.stored.digest)
        .context("the envelope is not this release's; sign it again")?;
    let names = |externs: &[Extern]| externs.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    let exports = names(&inspection.exports);
    let version = exports.iter().find_map(|name| name.strip_prefix(WORLD.0));
    let statements = files.statements.iter().map(|text| signed(text)).collect::<Result<_>>()?;
    Ok(Artifact {
        component: files.component.clone(),
        imports: names(&inspection.imports),
        target: version.map(|version| format!("{}{version}", WORLD.1)),
        exports,
        manifest: files.stored.manifest.clone(),
        envelope: signed(&files.stored.envelope)?,
        statements,
        reports: files.reports.clone(),
        annotations: annotations(manifest),
    })
}

/// What readers of the registry see. Nothing that a new release of the same version could change: such a release is attached to
/// the same component, under the same tag.
fn annotations(manifest: &Manifest) -> BTreeMap<String, String> {
    let pairs = [
        ("org.opencontainers.image.title", plain(&manifest.name)),
        ("org.opencontainers.image.version", manifest.version.clone()),
        ("org.opencontainers.image.vendor", manifest.publisher.to_string()),
        ("dev.portcullis.plugin", manifest.id.to_string()),
    ];
    pairs.into_iter().map(|(key, value)| (key.to_owned(), value)).collect()
}

fn signed(text: &str) -> Result<Signed> {
    let envelope = Envelope::parse(PayloadType::Statement, text)?;
    let payload: Value = serde_json::from_slice(envelope.unverified()).context("a statement's payload is not JSON")?;
    let predicate = payload["predicateType"].as_str().context("a statement has no predicateType")?;
    Ok(Signed { predicate: plain(predicate), text: text.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_becomes_a_tag() {
        assert_eq!(tag_of("1.2.0"), "1.2.0");
        assert_eq!(tag_of("1.2.0-rc.1+build.5"), "1.2.0-rc.1_build.5");
    }
}
