//! `POST /installations/{id}/uninstall`: stops an installation for good. What it stored goes after a time of grace, or at once.

use std::time::Duration;

use portcullis_broker::rotation::{Endings, Fate};
use portcullis_model::{
    ending::Ending,
    erasure::Stopped,
    error::StoreError,
    installation::Installation,
    people::{Resource, actions},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{
    InstallationView, Ports, Which,
    changing::Changing,
    refused,
    view::{Change, Changed},
};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, Version, v1::connections::told},
    problem::{Problem, Reason},
};

/// How long what it stored is kept where nobody says: thirty days, in seconds.
const USUAL: u64 = 30 * 86_400;
/// The longest that it is kept: ten years, in seconds.
const LONGEST: u64 = 3_650 * 86_400;
/// How long an answer waits for providers.
const PATIENCE: Duration = Duration::from_secs(20);

/// Uninstalls a plugin.
pub struct Uninstall;

/// Why, and how long what it stored is kept.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Uninstalling {
    /// Why; stands in the audit log.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
    /// For how many seconds what it stored is kept; thirty days, where it is not there.
    #[schema(maximum = 315360000)]
    keep_for: Option<u64>,
    /// Erase it at once. Goes without `keep_for`.
    #[serde(default)]
    now: bool,
}

/// An installation that was uninstalled, or would be.
#[derive(Debug, Serialize, ToSchema)]
pub struct Uninstalled {
    /// Whether this was a rehearsal: nothing was changed then.
    dry_run: bool,
    /// What is different afterwards, field by field.
    changes: Vec<Change>,
    /// How the installation is afterwards: what it stored is erased at its `purge_at`, or soon after.
    installation: InstallationView,
    /// What was stopped with it.
    stopped: StoppedView,
    /// What became of each of its credentials at their providers; none in a rehearsal.
    credentials: Vec<LeftCredential>,
}

/// What is stopped with an installation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = StoppedWithInstallation)]
pub struct StoppedView {
    /// Credentials: no request carries them any more.
    secrets: u64,
    /// Deliveries that waited or were under way: they are closed.
    deliveries: u64,
}

impl From<Stopped> for StoppedView {
    fn from(all: Stopped) -> Self {
        Self { secrets: all.secrets, deliveries: all.deliveries }
    }
}

/// What became of a credential that an installation had.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = UninstalledCredential)]
pub struct LeftCredential {
    /// The connection's name.
    name: String,
    /// At which provider, where that is known.
    provider: Option<String>,
    /// Which of the connection's credentials.
    generation: u64,
    /// `revoked`, `not-offered`, `failed` where nobody asks again, or `later`.
    fate: &'static str,
    /// Why, where it was not revoked.
    why: Option<String>,
}

impl From<(Ending, Fate)> for LeftCredential {
    fn from((ending, fate): (Ending, Fate)) -> Self {
        let (fate, why) = told(&fate);
        let provider = ending.provider.map(|provider| provider.to_string());
        Self { name: ending.key.name, provider, generation: ending.generation, fate, why }
    }
}

impl Uninstalling {
    /// When what it stored is erased.
    fn purge_at(&self, now: Timestamp) -> Result<Timestamp, Problem> {
        let wrong = |why: String| Err(Problem::new(Reason::WrongBody, why));
        match (self.now, self.keep_for) {
            (true, Some(_)) => wrong("keep_for: what is erased now is not kept; leave one of them out.".to_owned()),
            (true, None) => Ok(now),
            (false, seconds) => match seconds.unwrap_or(USUAL) {
                seconds if seconds > LONGEST => wrong(format!("keep_for: at most {LONGEST} seconds, ten years.")),
                seconds => Ok(now.plus(Duration::from_secs(seconds))),
            },
        }
    }
}

impl Operation for Uninstall {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Uninstalling>;
    type Answer = Uninstalled;

    const ABOUT: About =
        About::post(actions::INSTALLATIONS_UNINSTALL, "/installations/{id}/uninstall", "Uninstall a plugin")
            .text(
                "Nothing of it runs from then on, its deliveries are closed, and its credentials are ended and revoked at their \
                 providers; one that cannot be asked at the moment is asked again for a day. What it stored is kept for a time, in which \
                 it can be taken back, and then erased by the running host: with 'now' as soon as no call of it goes on. GET of its \
                 receipt says when that is done.",
            )
            .on(On::Installation)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict, Reason::Refused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Uninstalling>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Uninstalled>, Problem> {
        let wanted = &call.body.0;
        let (reason, purge_at) = (crate::admin::v1::reason(&wanted.reason)?, wanted.purge_at(call.now())?);
        let changing = Changing::of(ports, &call, &call.path).await?;
        let done = changing.installer().uninstall(changing.leaving(), &call.path.id, &reason, purge_at).await;
        let (gone, stopped) = done.map_err(refused)?;
        let settled = match call.dry_run {
            true => Ok(Vec::new()),
            // What is erased now is not there to be asked for later.
            false => settled((ports.ended_by)(call.actor()), &gone, wanted.now).await,
        };
        // It is uninstalled: what cannot be said about providers yet takes nothing of that back, and they are asked on.
        let settled = settled.unwrap_or_else(|error| {
            tracing::warn!(%error, installation = %gone.id, "what became of an installation's credentials cannot be read");
            Vec::new()
        });
        let (Changed { dry_run, changes, installation }, version) = changing.changed(&gone).await?;
        let credentials = settled.into_iter().map(LeftCredential::from).collect();
        let answer = Uninstalled { dry_run, changes, installation, stopped: stopped.into(), credentials };
        Ok(Reply::json(answer).at(version))
    }
}

/// Has its credentials revoked where they were issued. Whoever is not through in time is asked on, and said to be.
async fn settled(endings: Endings, gone: &Installation, last: bool) -> Result<Vec<(Ending, Fate)>, StoreError> {
    let (id, tenant) = (gone.id.clone(), gone.tenant.clone());
    let its = move |one: &Ending| one.key.installation == id && one.key.tenant == tenant;
    let (asking, whose) = (endings.clone(), its.clone());
    let asked = tokio::spawn(async move { asking.settle(whose, last).await });
    if let Ok(Ok(Ok(all))) = tokio::time::timeout(PATIENCE, asked).await {
        return Ok(all);
    }
    // It is uninstalled: what cannot be said about providers yet takes nothing of that back.
    let mut left = endings.store.endings().await?;
    left.retain(its);
    Ok(left.into_iter().map(|one| (one, Fate::Later("it is still asked for".to_owned()))).collect())
}
