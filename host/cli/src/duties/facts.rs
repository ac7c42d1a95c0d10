//! The facts of one tenant, from the store, the log by its index, the vault's views and the configuration.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::Result;
use portcullis_broker::{
    authz::{ACCESS_LIFE, LONGEST_ASSERTION},
    connection::STATIC,
    consent::Keeps,
};
use portcullis_duties::posture::facts::{
    At, Facts, LastCall, Observations, On, PlainHost, SheetGaps, StaticToken, UsesAi, Vulnerable,
};
use portcullis_model::{
    audit::{
        Entry,
        query::{Field, Filter},
        reader::{AuditReader, LARGEST_PAGE, Shown, Window},
    },
    connection::Standing,
    duty::DutyStore as _,
    id::TenantId,
    installation::{Installation, InstallationStore as _},
    release::{ReleaseId, ReleaseStore as _},
    review::ReviewStore as _,
    scope::ScopeText,
    time::Timestamp,
};
use portcullis_packages::manifest::Manifest;

use super::watch::LOOKED;
use crate::host::Host;

/// An installation with what its release says.
pub(super) struct Installed {
    pub installation: Installation,
    /// Absent where its release cannot be read.
    pub manifest: Option<Arc<Manifest>>,
}

/// A tenant's installations that are there.
pub(super) async fn installed(host: &Host, tenant: &TenantId) -> Result<Vec<Installed>> {
    let (mut all, mut read) = (Vec::new(), BTreeMap::<ReleaseId, Option<Arc<Manifest>>>::new());
    for installation in host.store.installations().await? {
        if installation.tenant != *tenant || installation.is_gone() {
            continue;
        }
        let release = installation.release_id();
        let manifest = match read.get(&release) {
            Some(manifest) => manifest.clone(),
            None => {
                let stored = host.store.release(&release).await?;
                let manifest = stored.and_then(|stored| Manifest::parse(&stored.manifest).ok()).map(Arc::new);
                read.insert(release, manifest.clone());
                manifest
            }
        };
        all.push(Installed { installation, manifest });
    }
    Ok(all)
}

/// The facts of a tenant.
pub(super) async fn gather(host: &Host, reader: &dyn AuditReader, tenant: &TenantId) -> Result<Facts> {
    let state = host.store.duty_state().await?;
    let installed = installed(host, tenant).await?;
    let mut on = Vec::new();
    for turned in state.profiles.into_iter().filter(|one| one.tenant == *tenant) {
        let filter = of(tenant, "profile.changed").and(Field::Record, format!("profile:{}", turned.profile));
        let entry = last(reader, &filter).await?.map(|at| at.entry);
        on.push(On { turned, entry });
    }
    let jwt_minutes = ACCESS_LIFE.max(LONGEST_ASSERTION).as_secs().div_ceil(60);
    Ok(Facts {
        now: host.clock.now(),
        tenant: tenant.clone(),
        on,
        attestations: state
            .attestations
            .into_iter()
            .filter(|one| one.tenant.as_ref().is_none_or(|whose| whose == tenant))
            .collect(),
        risks: state.risks.into_iter().filter(|one| one.about.tenant() == tenant).collect(),
        statics: statics(host, tenant, &installed).await?,
        plain: plain(host, &installed),
        barred: barred(host, tenant, &installed),
        ai: installed.iter().filter_map(ai).collect(),
        jwt_minutes: u32::try_from(jwt_minutes).unwrap_or(u32::MAX),
        observations: observe(host, reader, tenant, &installed).await?,
    })
}

pub(super) async fn statics(host: &Host, tenant: &TenantId, installed: &[Installed]) -> Result<Vec<StaticToken>> {
    let views = Keeps::views(&*host.connections).await?;
    let is_used = |standing: &Standing| !matches!(standing, Standing::Revoked { .. });
    let now = host.clock.now();
    let used = views.into_iter().filter(|one| {
        one.key.tenant == *tenant
            && one.origin.provider.as_str() == STATIC
            && is_used(&one.standing)
            && one.expires.is_none_or(|end| now < end)
    });
    let token = |view: portcullis_model::connection::ConnectionView| {
        let of = installed.iter().find(|one| one.installation.id == view.key.installation)?;
        Some(StaticToken { plugin: of.installation.plugin.clone(), own: view.origin.risk, key: view.key })
    };
    Ok(used.filter_map(token).collect())
}

pub(super) fn plain(host: &Host, installed: &[Installed]) -> Vec<PlainHost> {
    let one = |plain: &crate::config::PlaintextHost| PlainHost {
        host: plain.host.clone(),
        risk: plain.risk(),
        granted: installed
            .iter()
            .map(|one| &one.installation)
            .filter(|one| one.granted.iter().any(|scope| sends_to(scope, &plain.host)))
            .map(|one| one.id.clone())
            .collect(),
    };
    host.config.egress.plaintext.iter().map(one).collect()
}

/// Whether a scope lets something be sent to this host, by what it says itself.
fn sends_to(scope: &ScopeText, host: &str) -> bool {
    let means = |to: &str| {
        let of = to.strip_prefix("https://").unwrap_or(to);
        let of = of.split(['/', ':']).next().unwrap_or_default();
        of == host || of.strip_prefix('*').is_some_and(|end| host.ends_with(end))
    };
    scope.capability() == "http" && scope.values("to").iter().any(|to| means(to))
}

fn barred(host: &Host, tenant: &TenantId, installed: &[Installed]) -> Vec<String> {
    let bounds = host.bounds();
    let of = |one: &Installed| {
        let destinations = one.manifest.as_ref().map(|manifest| manifest.destinations()).unwrap_or_default();
        let barred = bounds.barred(tenant, &one.installation.granted, &destinations);
        barred.into_iter().map(|barred| format!("{}: {barred}", one.installation.plugin)).collect::<Vec<_>>()
    };
    installed.iter().flat_map(of).collect()
}

fn ai(one: &Installed) -> Option<UsesAi> {
    let ai = one.manifest.as_ref()?.ai.as_ref()?;
    Some(UsesAi {
        plugin: one.installation.plugin.clone(),
        installation: one.installation.id.clone(),
        says: ai.to_string(),
        medical_advice: ai.medical_advice,
    })
}

async fn observe(
    host: &Host,
    reader: &dyn AuditReader,
    tenant: &TenantId,
    installed: &[Installed],
) -> Result<Observations> {
    let mut seen = Observations { plugins: installed.len(), ..Observations::default() };
    let ids: Vec<String> = installed.iter().map(|one| one.installation.id.to_string()).collect();
    let calls = of(tenant, "call.ended").and(Field::Kind, "visit.ended");
    let calls = reader.newest_each(&calls, Field::Installation, &ids).await?;
    let since = reader.newest_each(&of(tenant, "plugin.installed"), Field::Installation, &ids).await?;
    for (one, id) in installed.iter().zip(&ids) {
        seen.calls.push(LastCall {
            installation: one.installation.id.clone(),
            plugin: one.installation.plugin.clone(),
            since: since.get(id).map(|(_, time)| *time),
            at: calls.get(id).map(|(_, time)| *time),
        });
        if let Some(manifest) = &one.manifest {
            let gaps = super::sheet::gaps(manifest);
            let (plugin, publisher) = (manifest.id.clone(), manifest.publisher.clone());
            seen.sheets.push(SheetGaps { plugin, publisher, gaps });
        }
    }
    let exports = Filter::default().and(Field::Kind, "audit.exported");
    let of_all = last(reader, &exports).await?;
    let bundles = last(reader, &Filter::default().and(Field::Kind, "audit.bundled")).await?;
    seen.exported = of_all.into_iter().chain(bundles).max_by_key(|at| at.time);
    seen.started = last(reader, &Filter::default().and(Field::Kind, "host.started")).await?;
    seen.backed_up = last(reader, &Filter::default().and(Field::Kind, "backup.made")).await?;
    let tested = Filter::default().and(Field::Kind, "backup.tested").and(Field::Outcome, "passed");
    seen.restored = last(reader, &tested).await?;
    let found = host.store.vulnerabilities().await?;
    for one in installed {
        let count = found.iter().filter(|(id, _)| *id == one.installation.release_id()).map(|(_, all)| all.len()).sum();
        if let (Some(manifest), 1..) = (&one.manifest, count) {
            let (plugin, publisher) = (manifest.id.clone(), manifest.publisher.clone());
            seen.vulnerable.push(Vulnerable { plugin, publisher, count });
        }
    }
    seen.advisories = host.home.advisories().exists();
    seen.unknown = all(reader, &of(tenant, "act.unknown")).await?;
    seen.new_devices = new_devices(reader, tenant, host.clock.now()).await?;
    let security = &host.config.security;
    seen.security_contact = crate::ops::security_txt(security, host.clock.now()).and(security.expires);
    let lines = host.store.postures(tenant.clone()).await?;
    seen.looked = lines.iter().find(|line| line.key == LOOKED).map(|line| line.since);
    let changes = all(reader, &of(tenant, "posture.changed")).await?;
    seen.changes = (changes.len(), changes.first().copied());
    Ok(seen)
}

/// How many of the newest sign-ins of the last 30 days were from a device that was not seen before, and the last of them.
async fn new_devices(reader: &dyn AuditReader, tenant: &TenantId, now: Timestamp) -> Result<(usize, Option<At>)> {
    let since = Timestamp(now.0.saturating_sub(30 * 86_400_000));
    let filter = of(tenant, "session.started").within(Some(since), None);
    let window = Window { from: 0, to: reader.written().await?, backwards: true, most: LARGEST_PAGE };
    let found = reader.search(&filter, window).await?;
    let new = |entry: &Entry| entry.detail.get("new-device").and_then(serde_json::Value::as_bool) == Some(true);
    let at = |shown: &Shown| {
        let entry = shown.entry.as_ref().filter(|entry| new(entry))?;
        Some(At { entry: shown.index, time: entry.time })
    };
    let all: Vec<At> = found.entries.iter().filter_map(at).collect();
    Ok((all.len(), all.first().copied()))
}

fn of(tenant: &TenantId, kind: &str) -> Filter {
    Filter::default().and(Field::Tenant, tenant.as_str()).and(Field::Kind, kind)
}

/// The newest entry that is meant.
async fn last(reader: &dyn AuditReader, filter: &Filter) -> Result<Option<At>> {
    Ok(newest(reader, filter, 1).await?.first().copied())
}

/// The newest thousand that are meant, the newest first.
async fn all(reader: &dyn AuditReader, filter: &Filter) -> Result<Vec<At>> {
    newest(reader, filter, LARGEST_PAGE).await
}

async fn newest(reader: &dyn AuditReader, filter: &Filter, most: usize) -> Result<Vec<At>> {
    let window = Window { from: 0, to: reader.written().await?, backwards: true, most };
    let found = reader.search(filter, window).await?;
    let at = |shown: &Shown| Some(At { entry: shown.index, time: shown.entry.as_ref()?.time });
    Ok(found.entries.iter().filter_map(at).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_says_itself_where_it_sends() {
        let scope = |text: &str| text.parse::<ScopeText>().unwrap();
        assert!(sends_to(&scope("http:send methods=POST to=https://pbx.example/x"), "pbx.example"));
        assert!(sends_to(
            &scope("http:send methods=POST to=https://a.example/*,https://pbx.example:8443/*"),
            "pbx.example"
        ));
        assert!(sends_to(&scope("http:send methods=POST to=https://*.example/*"), "pbx.example"));
        assert!(!sends_to(&scope("http:send methods=POST to=https://pbx.example.com/*"), "pbx.example"));
        assert!(!sends_to(&scope("log:write"), "pbx.example"));
    }
}
