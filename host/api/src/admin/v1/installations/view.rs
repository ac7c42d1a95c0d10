//! An installation, as the API shows it.

use std::collections::BTreeMap;

use portcullis_model::{
    budget::Suspension,
    installation::{Installation, InstallationState},
    limits::Limits,
    scope::ScopeText,
    upgrade::{Previous, Waiting},
};
use serde::Serialize;
use utoipa::ToSchema;

/// An installation: a plugin in a tenant, with what its admin granted.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Installation)]
pub struct InstallationView {
    /// Its id.
    pub id: String,
    /// In which tenant.
    pub tenant: String,
    /// Which plugin.
    pub plugin: String,
    /// The digest of the component that it runs.
    pub release: String,
    /// The digest of the manifest that was released with it.
    pub manifest: String,
    /// The release's version, for people.
    pub version: String,
    /// The release's number.
    pub number: u64,
    /// `active`, `suspended`, `uninstalled` or `erased`.
    pub state: State,
    /// Why it is suspended or uninstalled, in the words of whoever did that.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was uninstalled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub since: Option<String>,
    /// When what it stored is erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub purge_at: Option<String>,
    /// When what it stored was erased.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub at: Option<String>,
    /// What the admin granted: scopes, as text.
    pub granted: Vec<String>,
    /// What the admin lets one call and one hour use, by the limit's name.
    pub limits: BTreeMap<String, u64>,
    /// Which newer releases it takes by itself: `manual`, `patch` or `all`.
    pub upgrades: String,
    /// What it ran before its last upgrade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<PreviousView>,
    /// A newer release that waits for an admin.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting: Option<WaitingView>,
    /// The highest release number that it was rolled back from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rolled_back: Option<u64>,
    /// Goes up with each change; its `ETag`.
    pub generation: u64,
    /// Capabilities that a budget has suspended at the moment.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suspensions: Vec<SuspensionView>,
}

/// Whether it may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, serde::Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// It runs.
    Active,
    /// It does not run; its deliveries wait.
    Suspended,
    /// It does not run; what it stored is there until it is purged.
    Uninstalled,
    /// What it stored is gone.
    Erased,
}

/// What an installation ran before its last upgrade.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Previous)]
pub struct PreviousView {
    release: String,
    manifest: String,
    version: String,
    number: u64,
    granted: Vec<String>,
    dropped: Vec<String>,
    limits: BTreeMap<String, u64>,
}

/// A newer release that waits for an admin.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Waiting)]
pub struct WaitingView {
    release: String,
    manifest: String,
    version: String,
    number: u64,
    /// What an admin has to agree to.
    why: Vec<String>,
}

/// A capability that a budget has suspended.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[schema(as = Suspension)]
pub struct SuspensionView {
    tenant: String,
    installation: String,
    /// Which capability; `events` for calls.
    capability: String,
    /// What ran out.
    resource: String,
    /// Whose: the `installation`'s or the `tenant`'s.
    whose: String,
    #[schema(format = DateTime)]
    since: String,
    /// When it ends by itself.
    #[schema(format = DateTime)]
    until: String,
    reason: String,
}

/// What a change does, or would do.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Changed {
    /// Whether this was a rehearsal: nothing was changed then.
    pub dry_run: bool,
    /// What is different afterwards, field by field.
    pub changes: Vec<Change>,
    /// How the installation is afterwards.
    pub installation: InstallationView,
}

/// One field that is different.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct Change {
    /// Which.
    pub field: String,
    /// What it was; null where there was nothing.
    pub before: serde_json::Value,
    /// What it is; null where there is nothing.
    pub after: serde_json::Value,
}

fn scopes(all: &[ScopeText]) -> Vec<String> {
    all.iter().map(ToString::to_string).collect()
}

fn limits(limits: &Limits) -> BTreeMap<String, u64> {
    limits.entries().into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

impl InstallationView {
    /// This installation, with what of these suspensions is its own.
    pub fn of(one: &Installation, suspensions: &[Suspension]) -> Self {
        let (state, reason, since, purge_at, at) = match &one.state {
            InstallationState::Active => (State::Active, None, None, None, None),
            InstallationState::Suspended { reason, .. } => (State::Suspended, Some(reason.clone()), None, None, None),
            InstallationState::Uninstalled { since, purge_at, reason, .. } => {
                let (since, purge_at) = (since.to_string(), purge_at.to_string());
                (State::Uninstalled, Some(reason.clone()), Some(since), Some(purge_at), None)
            }
            InstallationState::Erased { at, .. } => (State::Erased, None, None, None, Some(at.to_string())),
        };
        let its = suspensions.iter().filter(|s| s.tenant == one.tenant && s.installation == one.id);
        Self {
            id: one.id.to_string(),
            tenant: one.tenant.to_string(),
            plugin: one.plugin.to_string(),
            release: one.release.to_string(),
            manifest: one.manifest.to_string(),
            version: one.version.clone(),
            number: one.number,
            state,
            reason,
            since,
            purge_at,
            at,
            granted: scopes(&one.granted),
            limits: limits(&one.limits),
            upgrades: one.upgrades.to_string(),
            previous: one.previous.as_ref().map(previous),
            waiting: one.waiting.as_ref().map(waiting),
            rolled_back: one.rolled_back,
            generation: one.generation,
            suspensions: its.map(SuspensionView::of).collect(),
        }
    }
}

fn previous(one: &Previous) -> PreviousView {
    PreviousView {
        release: one.release.to_string(),
        manifest: one.manifest.to_string(),
        version: one.version.clone(),
        number: one.number,
        granted: scopes(&one.granted),
        dropped: scopes(&one.dropped),
        limits: limits(&one.limits),
    }
}

fn waiting(one: &Waiting) -> WaitingView {
    WaitingView {
        release: one.release.to_string(),
        manifest: one.manifest.to_string(),
        version: one.version.clone(),
        number: one.number,
        why: one.why.clone(),
    }
}

impl SuspensionView {
    pub(super) fn of(one: &Suspension) -> Self {
        Self {
            tenant: one.tenant.to_string(),
            installation: one.installation.to_string(),
            capability: one.capability.clone(),
            resource: one.resource.name().to_owned(),
            whose: one.whose.name().to_owned(),
            since: one.since.to_string(),
            until: one.until.to_string(),
            reason: one.reason.clone(),
        }
    }
}

impl Changed {
    /// What is different between these. What every change raises is no difference.
    pub fn between(before: &InstallationView, after: InstallationView, dry_run: bool) -> Self {
        let fields = |view: &InstallationView| match serde_json::to_value(view) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => serde_json::Map::new(),
        };
        let (old, new) = (fields(before), fields(&after));
        let names: std::collections::BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let value =
            |of: &serde_json::Map<String, serde_json::Value>, name: &str| of.get(name).cloned().unwrap_or_default();
        let changes = names
            .into_iter()
            .filter(|name| *name != "generation" && old.get(*name) != new.get(*name))
            .map(|name| Change { field: name.clone(), before: value(&old, name), after: value(&new, name) })
            .collect();
        Self { dry_run, changes, installation: after }
    }
}
