//! Reviews on this host: which submission a text means, and who hands in, exchanges and reports.

use anyhow::{Context as _, Result, bail};
use portcullis_model::{
    audit::{Actor, plain},
    id::Digest,
    installation::{Installation, InstallationStore as _},
    release::ReleaseId,
    review::{ReviewStore as _, Submission},
    trust::RootScope,
};
use portcullis_packages::{
    manifest::Manifest,
    review::{Desk, misbehaviour::Reports, rescan::Scan},
};

use crate::host::{Host, person};

/// The fewest hexadecimal digits that mean a release.
const FEWEST: usize = 8;

impl Host {
    /// The desk, for the person at the keyboard, by the platform's root.
    pub fn desk(&self) -> Desk<'_> {
        Desk {
            registry: &self.registry,
            reviews: self.store.as_ref(),
            clock: self.clock.as_ref(),
            actor: person(),
            scope: RootScope::Platform,
            trial: false,
        }
    }

    /// What takes and resolves reports of misbehaviour, for the person at the keyboard.
    pub fn reports(&self) -> Reports<'_> {
        let (clock, rng) = (self.clock.as_ref(), self.rng.as_ref());
        Reports { reviews: self.store.as_ref(), clock, rng, actor: person() }
    }

    /// What looks at releases again.
    pub fn scan(&self, actor: Actor) -> Scan<'_> {
        let (reviews, clock) = (self.store.as_ref(), self.clock.as_ref());
        Scan { registry: &self.registry, reviews, clock, actor, trial: false }
    }

    /// The submission that a text means: the beginning of its component's or manifest's digest, or plugin and number.
    pub async fn submission(&self, text: &str) -> Result<Submission> {
        let all = self.store.submissions().await?;
        let digits = text.strip_prefix("sha256:").unwrap_or(text);
        let hex = digits.len() >= FEWEST && digits.bytes().all(|b| b.is_ascii_hexdigit() && !b.is_ascii_uppercase());
        let means = |one: &&Submission| match text.rsplit_once('@') {
            Some((plugin, number)) => {
                let id = one.plugin.as_str();
                number.parse::<u64>().ok() == Some(one.number)
                    && (id == plugin || id.rsplit('.').next() == Some(plugin))
            }
            None => hex && [one.component, one.manifest].iter().any(|digest| digest.hex().starts_with(digits)),
        };
        let found: Vec<&Submission> = all.iter().filter(means).collect();
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => bail!(
                "no submission '{}': give at least {FEWEST} digits of its digest, or PLUGIN@NUMBER; see 'portcullis review list'",
                plain(text)
            ),
            many => {
                let names: Vec<String> = many.iter().map(|one| name(one)).collect();
                bail!("'{}' means {} submissions: {}", plain(text), many.len(), names.join(", "))
            }
        }
    }

    /// Every release that is installed or was handed in, each once, with what it is called.
    pub async fn watched(&self) -> Result<Vec<ReleaseId>> {
        let mut all: Vec<ReleaseId> = self
            .store
            .installations()
            .await?
            .iter()
            .filter(|one| !one.is_gone())
            .map(Installation::release_id)
            .collect();
        all.extend(self.store.submissions().await?.iter().map(Submission::release));
        all.sort_unstable();
        all.dedup();
        Ok(all)
    }

    /// A release as a submission, whether or not it was handed in.
    pub async fn release(&self, id: &ReleaseId) -> Result<Submission> {
        let stored = self.registry.store().release(id).await?.context("it is not in the registry")?;
        let manifest = Manifest::parse(&stored.manifest)?;
        Ok(Submission {
            component: id.component,
            manifest: id.manifest,
            plugin: manifest.id,
            publisher: manifest.publisher,
            version: manifest.version,
            number: manifest.release,
        })
    }
}

/// A release in a few words.
pub fn name(of: &Submission) -> String {
    format!("{}@{} ({}, {})", of.plugin, of.number, plain(&of.version), of.component.short())
}

/// A digest as it is given on the command line.
pub fn digest(text: &str) -> Result<Digest, String> {
    text.parse().map_err(|error: portcullis_model::id::IdError| error.to_string())
}
