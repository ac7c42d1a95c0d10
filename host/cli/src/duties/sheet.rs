//! A plugin's responsibility sheet, from its manifest and its installation.

use anyhow::{Context as _, Result};
use portcullis_duties::{
    posture::{Answered, Posture, State},
    sheet::{Sheet, SheetAi, SheetDestination, SheetScope},
};
use portcullis_model::{
    class::Class,
    id::TenantId,
    installation::Installation,
    release::{ReleaseId, ReleaseStore as _, StoredRelease},
    review::ReviewStore as _,
    scope::ScopeText,
};
use portcullis_packages::manifest::Manifest;

use crate::host::{Host, RULES};

/// What a manifest leaves out of a sheet.
pub(super) fn gaps(manifest: &Manifest) -> Vec<String> {
    let gaps = [
        (manifest.retention.is_none(), "how long it keeps data"),
        (manifest.maintenance.is_none(), "until when it is maintained, and how soon holes are closed"),
    ];
    gaps.into_iter().filter(|(missing, _)| *missing).map(|(_, what)| what.to_owned()).collect()
}

/// The sheet of one installation.
pub async fn sheet(host: &Host, posture: &Posture, of: &Installation) -> Result<Sheet> {
    let stored = host.store.release(&of.release_id()).await?.context("its release is not in the registry")?;
    let sheet = made(host, &stored, &of.tenant, Some(of)).await?;
    Ok(Sheet { risks: risks(posture, of), ..sheet })
}

/// The sheet of a release for a tenant that does not have it: with what would be refused if all of it were granted. `None` where it is
/// not in the registry.
pub async fn sheet_before(host: &Host, release: &ReleaseId, tenant: &TenantId) -> Result<Option<Sheet>> {
    match host.store.release(release).await? {
        Some(stored) => made(host, &stored, tenant, None).await.map(Some),
        None => Ok(None),
    }
}

/// What a release's manifest says, beside what is granted of it. Knows of no accepted risks.
async fn made(
    host: &Host,
    stored: &StoredRelease,
    tenant: &TenantId,
    installation: Option<&Installation>,
) -> Result<Sheet> {
    let manifest = Manifest::parse(&stored.manifest)?;
    let asked = manifest.asked();
    let all: &[ScopeText] = installation.map(|one| one.granted.as_slice()).unwrap_or_default();
    let barred =
        host.bounds().barred(tenant, installation.map_or(&asked, |one| &one.granted), &manifest.destinations());
    let granted: Vec<String> = all.iter().map(ToString::to_string).collect();
    let mut scopes = Vec::new();
    for asked in &manifest.scopes {
        let described = RULES.catalogue.describe(&asked.scope)?;
        // An admin may have granted less of it under the same name.
        let means =
            |one: &&ScopeText| one.capability() == asked.scope.capability() && one.action() == asked.scope.action();
        scopes.push(SheetScope {
            scope: asked.scope.to_string(),
            words: described.iter().map(|one| one.words.clone()).collect(),
            classes: names(described.iter().flat_map(|one| &one.classes)),
            purpose: asked.purpose.clone(),
            granted: granted.contains(&asked.scope.to_string()) || all.iter().any(|one| means(&one)),
        });
    }
    let destination = |entry: &portcullis_packages::manifest::Egress| SheetDestination {
        host: entry.host.to_string(),
        region: entry.region.to_string(),
        operator: entry.operator.clone(),
        sub_processor: entry.sub_processor,
        purpose: entry.purpose.clone(),
        data: names(&entry.data),
        refused: barred.iter().any(|one| one.host == entry.host.to_string()),
    };
    let ai = manifest.ai.as_ref().map(|ai| SheetAi {
        provider: ai.provider.clone(),
        purpose: ai.purpose.clone(),
        data: names(&ai.data),
        trains: ai.trains,
        medical_advice: ai.medical_advice,
    });
    let found = host.store.vulnerabilities().await?;
    let count = || found.iter().filter(|(id, _)| *id == stored.id()).map(|(_, all)| all.len()).sum();
    Ok(Sheet {
        at: host.clock.now(),
        tenant: tenant.clone(),
        installation: installation.map(|one| one.id.clone()),
        plugin: manifest.id.clone(),
        name: manifest.name.clone(),
        version: manifest.version.clone(),
        publisher: manifest.publisher.clone(),
        summary: manifest.summary.clone(),
        terms: manifest.terms.clone(),
        privacy: manifest.privacy.clone(),
        support: manifest.support.clone(),
        scopes,
        classes: names(&manifest.data_classes),
        destinations: manifest.egress.iter().map(destination).collect(),
        ai,
        retention: manifest.retention.as_ref().map(ToString::to_string),
        maintenance: manifest.maintenance.as_ref().map(ToString::to_string),
        risks: Vec::new(),
        vulnerabilities: host.home.advisories().exists().then(count),
    })
}

/// Those accepted risks that are about this installation, or about everybody.
fn risks(posture: &Posture, of: &Installation) -> Vec<Answered> {
    let mut all: Vec<Answered> = Vec::new();
    for line in posture.lines() {
        let State::Accepted { risks } = &line.state else { continue };
        for risk in risks.iter().filter(|one| one.about.contains(of.id.as_str())) {
            if !all.contains(risk) {
                all.push(risk.clone());
            }
        }
    }
    all
}

fn names<'a>(classes: impl IntoIterator<Item = &'a Class>) -> Vec<String> {
    classes
        .into_iter()
        .map(|class| class.name().to_owned())
        .collect::<std::collections::BTreeSet<_>>()
        .into_iter()
        .collect()
}
