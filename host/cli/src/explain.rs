//! Explaining what was decided: the act's own entry in the log, beside what is granted today.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_api::admin::v1::backends::MaySend;
use portcullis_capabilities::{Catalogue, scopes::http::HttpScope};
use portcullis_model::{
    audit::{
        Actor, Entry, Kind,
        query::{Field, Filter},
        reader::{AuditReader as _, LARGEST_PAGE, Window},
    },
    authority::{Layer, Opinion, Standing},
    bounds::Bounds,
    catalogue::Catalogue as _,
    egress::SendRequest,
    error::StoreError,
    explain::{Explain, Explained, Refused, Today},
    id::{ActId, InstallationId},
    installation::{Installation, InstallationStore as _},
    release::Releases as _,
    scope::{Allows as _, ScopeText},
    target::Target,
};
use portcullis_packages::check::Registry;
use portcullis_store::SqliteStore;
use serde_json::Value;

use crate::reading::LogReader;

/// Explains acts of one host.
pub struct Explainer {
    /// Where installations are.
    pub store: Arc<SqliteStore>,
    /// Where the log is searched.
    pub reader: LogReader,
    /// Where releases are checked.
    pub registry: Arc<Registry>,
    /// What holds for every installation.
    pub bounds: Bounds,
}

fn unreadable(what: &str) -> StoreError {
    StoreError(format!("the act's entry in the log has no readable {what}"))
}

fn opinions(entry: &Entry) -> Vec<Opinion> {
    let one = |value: &Value| {
        let says = value.get("says")?.as_str()?;
        let refuses = says.strip_prefix("denies: ").map(str::to_owned);
        Some(Opinion { layer: serde_json::from_value(value.get("layer")?.clone()).ok()?, refuses })
    };
    entry
        .detail
        .get("layers")
        .and_then(Value::as_array)
        .map(|all| all.iter().filter_map(one).collect())
        .unwrap_or_default()
}

fn refused(entry: &Entry) -> Option<Refused> {
    Some(Refused {
        layer: serde_json::from_value(entry.detail.get("layer")?.clone()).ok()?,
        reason: entry.text("reason")?.to_owned(),
        grantor: entry.text("grantor")?.to_owned(),
    })
}

impl Explainer {
    /// The entry that permitted or denied an act, and its number. Looks through the act's call alone, which the log's index finds.
    pub async fn entry_of(&self, id: &ActId) -> Result<Option<(u64, Entry)>, StoreError> {
        let Some(call) = id.call() else { return Ok(None) };
        let filter =
            Filter::default().and(Field::Call, call).and(Field::Kind, "act.permitted").and(Field::Kind, "act.denied");
        let mut from = 0;
        loop {
            let window = Window { from, to: u64::MAX, backwards: false, most: LARGEST_PAGE };
            let found = self.reader.search(&filter, window).await?;
            let mut read = found.entries.into_iter().filter_map(|shown| Some((shown.index, shown.entry?)));
            if let Some(entry) = read.find(|(_, entry)| entry.text("id") == Some(id.as_str())) {
                return Ok(Some(entry));
            }
            match found.next {
                Some(next) => from = next,
                None => return Ok(None),
            }
        }
    }

    /// What becomes of a scope in an installation today.
    pub async fn standing(&self, installation: &Installation, scope: &ScopeText) -> anyhow::Result<Standing> {
        let release = self.registry.verified(&installation.release_id(), &installation.tenant).await?;
        self.bounds.refresh().await?;
        Ok(Catalogue.standing(&self.bounds.layers(&release, installation), scope)?)
    }

    /// As [`Explainer::standing`], or why that cannot be said.
    async fn today(&self, id: &InstallationId, scope: &ScopeText) -> Result<Today, StoreError> {
        let all = self.store.installations().await?;
        let Some(installation) = all.iter().find(|one| one.id == *id) else {
            return Ok(Today::Unsaid("the installation is gone".into()));
        };
        if Catalogue.describe(scope).is_err() {
            return Ok(Today::Unsaid(format!(
                "no single scope stands for the act; see '{}' in the grant",
                scope.capability()
            )));
        }
        let standing = self.standing(installation, scope).await;
        Ok(standing.map_or_else(|error| Today::Unsaid(error.to_string()), Today::Stands))
    }
}

/// The installation's own authority must cover the address now; each message is judged again when it is sent.
#[async_trait]
impl MaySend for Explainer {
    async fn refusal(&self, installation: &Installation, url: &Target) -> Result<Option<String>, StoreError> {
        // What follows the '?' can be a secret, and decides nothing.
        let url = &url.without_query();
        let act = SendRequest { method: "POST", target: url.clone(), headers: Vec::new(), body: Vec::new() };
        let needed = HttpScope::needed(&act);
        let standing = match self.standing(installation, &needed).await {
            Ok(standing) if !standing.left.is_empty() => return Ok(None),
            Ok(standing) => standing,
            Err(error) => return Ok(Some(format!("{} may not run now: {error:#}", installation.id))),
        };
        let by = |layer: &Layer| format!(" (by {layer}; ask the {})", layer.grantor());
        let by = standing.narrowed_by.as_ref().map_or_else(String::new, by);
        Ok(Some(format!("{} may not send to {url}{by}; it needs: {needed}", installation.id)))
    }
}

#[async_trait]
impl Explain for Explainer {
    async fn entry(&self, id: &ActId) -> Result<Option<Entry>, StoreError> {
        Ok(self.entry_of(id).await?.map(|(_, entry)| entry))
    }

    async fn explain(&self, id: &ActId) -> Result<Option<Explained>, StoreError> {
        let Some((index, entry)) = self.entry_of(id).await? else { return Ok(None) };
        let Actor::Plugin { installation, plugin, .. } = entry.actor.clone() else { return Err(unreadable("actor")) };
        let text = |name: &str| entry.text(name).map(str::to_owned).ok_or_else(|| unreadable(name));
        let scope: ScopeText = text("scope")?.parse().map_err(|_| unreadable("scope"))?;
        Ok(Some(Explained {
            id: id.clone(),
            permitted: entry.kind == Kind::ActPermitted,
            act: text("act")?,
            resource: entry.resource.clone().unwrap_or_default(),
            tenant: entry.tenant.clone(),
            plugin,
            today: self.today(&installation, &scope).await?,
            installation,
            scope,
            layers: opinions(&entry),
            refused: refused(&entry),
            index,
            entry,
        }))
    }
}
