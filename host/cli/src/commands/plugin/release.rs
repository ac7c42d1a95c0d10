//! A release that somebody names: a directory, a bundle, one in the registry.
//!
//! Invariant: it is read to be looked at; nothing here trusts it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use portcullis_model::{
    behaviour::Report,
    id::{Digest, PluginId},
    installation::InstallationStore as _,
    release::{ListedRelease, ReleaseStore as _},
};
use portcullis_packages::{
    diff::Side,
    inspect::Inspection,
    manifest::Manifest,
    release_dir::{ENVELOPE_NAME, read_release, read_unsigned},
};

use crate::{home::Home, host::Host};

/// A release, read.
pub(super) struct Release {
    manifest: Manifest,
    inspection: Inspection,
    behaviour: Option<Report>,
}

impl Release {
    /// Reads what a text names: a path, or `PLUGIN@NUMBER` or a component's digest in the registry of this home.
    pub(super) async fn named(home: &Home, text: &str) -> Result<Self> {
        let path = Path::new(text);
        if path.exists() {
            return Self::at(path).with_context(|| format!("cannot read the release in {text}"));
        }
        let host = Host::open(home.clone()).await.with_context(|| {
            format!("'{text}' is no directory and no bundle, and there is no registry to look it up in")
        })?;
        let listed = one(text, &find(&host, text).await?)?;
        let described = host.installer().described(&listed.id).await?;
        let behaviour = attached(&host, &listed).await?;
        Ok(Self { manifest: described.manifest, inspection: described.inspection, behaviour })
    }

    fn at(path: &Path) -> Result<Self> {
        let (component, manifest, reports) = match path.is_file() || path.join(ENVELOPE_NAME).is_file() {
            true => {
                let files = read_release(path)?;
                (files.component, files.stored.manifest, files.reports)
            }
            false => {
                let unsigned = read_unsigned(path)?;
                (unsigned.component, unsigned.manifest, Vec::new())
            }
        };
        let digest = Digest::of(&component);
        // Reports of other kinds are nobody's mistake.
        let reports = reports.iter().filter_map(|bytes| Report::read(bytes).ok());
        let behaviour = reports.into_iter().find(|report| report.release.component == digest);
        Ok(Self { manifest: Manifest::parse(&manifest)?, inspection: Inspection::of(&component)?, behaviour })
    }

    /// As one side of a comparison.
    pub(super) fn side(&self) -> Side<'_> {
        Side { behaviour: self.behaviour.as_ref(), ..Side::new(&self.manifest, &self.inspection) }
    }
}

/// The newest behaviour report that reviewers have of it, where there is one.
async fn attached(host: &Host, listed: &ListedRelease) -> Result<Option<Report>> {
    // One that was never handed in, or that nobody may publish any more, has no case.
    let Ok(case) = host.desk().case(&host.release(&listed.id).await?).await else { return Ok(None) };
    match case.reports().last() {
        Some(digest) => Ok(Some(host.desk().report(digest).await?)),
        None => Ok(None),
    }
}

async fn find(host: &Host, text: &str) -> Result<Vec<ListedRelease>> {
    if let Ok(digest) = text.parse::<Digest>() {
        return Ok(host.store.listed_as(digest).await?);
    }
    let Some((plugin, number)) = text.rsplit_once('@') else {
        bail!("'{text}' is no directory, no bundle, no PLUGIN@NUMBER and no digest");
    };
    let number: u64 = number.parse().with_context(|| format!("'{number}' is no release number"))?;
    let plugin = plugin_named(host, plugin).await?;
    let all = host.store.releases_of(&plugin).await?;
    Ok(all.into_iter().filter(|one| one.number == number).collect())
}

/// A plugin's id, or the last part of an installed one's.
async fn plugin_named(host: &Host, text: &str) -> Result<PluginId> {
    let installed = host.store.installations().await?;
    let short = installed.iter().find(|one| one.plugin.as_str().rsplit('.').next() == Some(text));
    match short {
        Some(one) => Ok(one.plugin.clone()),
        None => text.parse().with_context(|| format!("'{text}' is no plugin's id")),
    }
}

fn one(text: &str, found: &[ListedRelease]) -> Result<ListedRelease> {
    match found {
        [one] => Ok(one.clone()),
        [] => bail!("there is no release '{text}' in the registry; 'portcullis plugin releases' lists them"),
        many => {
            let ids: Vec<String> = many.iter().map(|one| one.id.component.to_string()).collect();
            bail!("'{text}' means {} releases; name one by its digest: {}", many.len(), ids.join(", "))
        }
    }
}
