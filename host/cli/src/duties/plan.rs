//! What turning a profile on or off would change, installation by installation, before anybody does it.

use anyhow::Result;
use portcullis_duties::look::{Change, Turn};
use portcullis_model::{
    duty::{DutyStore as _, Settings},
    id::{ProfileName, TenantId},
};

use super::facts::{Installed, installed, plain, statics};
use crate::host::Host;

/// What turning a profile on or off does to each installation, from how the tenant stands now.
pub async fn turned(host: &Host, tenant: &TenantId, turn: &Turn) -> Result<Vec<Change>> {
    let (catalogue, state) = (host.duties.catalogue(), host.store.duty_state().await?);
    let now: Vec<ProfileName> =
        state.profiles.into_iter().filter(|one| one.tenant == *tenant).map(|one| one.profile).collect();
    let rest = now.iter().filter(|one| **one != turn.profile);
    let then: Vec<ProfileName> = rest.chain(turn.on.then_some(&turn.profile)).cloned().collect();
    let settings = |names: &[ProfileName]| catalogue.settings(names).map_err(|problem| anyhow::anyhow!("{problem}"));
    changes(host, tenant, &settings(&now)?, &settings(&then)?).await
}

/// What would change from one to the other, for each installation of a tenant. Empty where nothing would.
async fn changes(host: &Host, tenant: &TenantId, before: &Settings, after: &Settings) -> Result<Vec<Change>> {
    let installed = installed(host, tenant).await?;
    let (was, is) = (effects(host, tenant, &installed, before).await?, effects(host, tenant, &installed, after).await?);
    let gone = was.iter().filter(|one| !is.contains(one));
    let gone = gone.map(|one| Change { what: format!("not any more: {}", one.what), ..one.clone() });
    Ok(is.iter().filter(|one| !was.contains(one)).cloned().chain(gone).collect())
}

/// What these settings do to each installation.
async fn effects(host: &Host, tenant: &TenantId, installed: &[Installed], settings: &Settings) -> Result<Vec<Change>> {
    let mut all = Vec::new();
    let change = |of: &Installed, what: String| Change {
        installation: of.installation.id.clone(),
        plugin: of.installation.plugin.clone(),
        what,
    };
    let (statics, plain) = (statics(host, tenant, installed).await?, plain(host, installed));
    for one in installed {
        let id = &one.installation.id;
        let destinations = one.manifest.as_ref().map(|manifest| manifest.destinations()).unwrap_or_default();
        for barred in settings.regions.iter().flat_map(|rule| rule.barred(&one.installation.granted, &destinations)) {
            all.push(change(one, format!("requests are refused: {barred}")));
        }
        if settings.oauth_only {
            let own = statics.iter().filter(|token| token.key.installation == *id);
            all.extend(own.map(|token| {
                let name = &token.key.name;
                change(one, format!("requests with the static token '{name}' are refused until its risk is approved"))
            }));
        }
        if settings.tls_only {
            let own = plain.iter().filter(|plain| plain.granted.contains(id));
            all.extend(own.map(|plain| {
                change(one, format!("requests to {} without TLS are refused until that risk is approved", plain.host))
            }));
        }
        if settings.cover_cards && one.installation.granted.iter().any(reads) {
            all.push(change(one, "card numbers are covered in what it reads".to_owned()));
        }
        let advice =
            one.manifest.as_ref().and_then(|manifest| manifest.ai.as_ref()).is_some_and(|ai| ai.medical_advice);
        if settings.ai_notice && advice {
            all.push(change(one, "is to be removed: it can give medical advice by generative AI".to_owned()));
        }
    }
    Ok(all)
}

/// Whether a scope lets texts of tickets be read.
fn reads(scope: &portcullis_model::scope::ScopeText) -> bool {
    matches!(scope.capability(), "tickets" | "attachments" | "users")
}
