//! A release that somebody names: a directory, a bundle, one in the registry.
//!
//! Invariant: it is read to be looked at; nothing here trusts it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use portcullis_model::{
    behaviour::Report,
    id::{Digest, PluginId},
    installation::InstallationStore as _,
    release::{ListedRelease, ReleaseId, ReleaseStore as _},
};
use portcullis_packages::{
    diff::Side,
    inspect::Inspection,
    manifest::Manifest,
    release_dir::{ENVELOPE_NAME, read_release, read_unsigned},
};

use crate::host::Host;

/// What a text names.
pub(super) enum Named {
    /// A directory or a bundle, read.
    File(Box<Release>),
    /// `PLUGIN@NUMBER` or a component's digest, to look up in a registry.
    Registry(String),
}

impl Named {
    /// Reads it where it is a path.
    pub(super) fn of(text: &str) -> Result<Self> {
        let path = Path::new(text);
        if !path.exists() {
            return Ok(Self::Registry(text.to_owned()));
        }
        let read = Release::at(path).with_context(|| format!("cannot read the release in {text}"))?;
        Ok(Self::File(Box::new(read)))
    }
}

/// The release that a text names in the registry of this home.
pub(super) async fn look_up(host: &Host, text: &str) -> Result<ReleaseId> {
    one(text, &find(host, text).await?)
}

/// A release, read.
pub(super) struct Release {
    manifest: Manifest,
    inspection: Inspection,
    behaviour: Option<Report>,
}

impl Release {
    /// Reads one out of the registry of this home, with the newest behaviour report that reviewers have of it.
    pub(super) async fn listed(host: &Host, text: &str) -> Result<Self> {
        let id = look_up(host, text).await?;
        let described = host.installer().described(&id).await?;
        let behaviour = host.desk().behaviour(&id, &described.manifest).await?;
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

fn one(text: &str, found: &[ListedRelease]) -> Result<ReleaseId> {
    match found {
        [one] => Ok(one.id),
        [] => bail!("there is no release '{text}' in the registry; 'portcullis plugin releases' lists them"),
        many => {
            let ids: Vec<String> = many.iter().map(|one| one.id.component.to_string()).collect();
            bail!("'{text}' means {} releases; name one by its digest: {}", many.len(), ids.join(", "))
        }
    }
}
