//! `GET /installations/{id}/upgrade`: what a newer release would change.
//! `POST /installations/{id}/upgrade`: lets an installation run it.

use portcullis_model::{
    installation::Installation,
    people::{Resource, actions},
    release::{ReleaseError, ReleaseId},
};
use portcullis_packages::install::{
    InstallError, Installer,
    upgrade::{Agreed, Next, UpgradePlan},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{Changed, InstallationView, Ports, Which, changing::Changing, listed_scopes, refused, scopes, words};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply, Sent, Version, unavailable},
    problem::{Problem, Reason},
};

/// Plans an upgrade.
pub struct Plan;

/// Upgrades an installation.
pub struct Upgrade;

/// To which release, and what would be agreed to.
#[derive(Deserialize, IntoParams)]
pub struct To {
    /// To the release of this number, instead of the newest that may run.
    to: Option<u64>,
    /// As if everything were agreed to that the newer release needs and the one before did not.
    #[serde(default)]
    accept: bool,
    /// As if these scopes were granted too, which it can do without: one a line.
    grant: Option<String>,
}

impl To {
    fn agreed(&self) -> Result<Agreed, Problem> {
        let grant = listed_scopes(self.grant.as_deref().unwrap_or_default())?;
        Ok(Agreed { everything: self.accept, grant })
    }
}

/// To which release, and what is agreed to.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Upgrading {
    /// To the release of this number, instead of the newest that may run.
    #[serde(default)]
    to: Option<u64>,
    /// Agree to everything that the newer release needs and the one before did not.
    #[serde(default)]
    accept: bool,
    /// Grant these scopes too, which it can do without.
    #[serde(default)]
    #[schema(max_items = 500)]
    grant: Vec<String>,
}

/// What a newer release would change.
#[derive(Serialize, ToSchema)]
pub struct Planned {
    /// What it would change; null where there is no newer release that may run.
    #[schema(value_type = Option<Object>)]
    plan: Value,
    /// The same in words.
    words: Option<String>,
    /// Newer releases that may not run in its tenant, and why.
    refused: Vec<String>,
    /// How the installation is.
    installation: InstallationView,
}

/// The newest release that may run, with the plan for it; and those that may not run, with why.
async fn planned(
    installer: &Installer<'_>,
    installation: &Installation,
    to: Option<u64>,
    agreed: &Agreed,
) -> Result<(Option<(ReleaseId, UpgradePlan)>, Vec<String>), Problem> {
    let mut barred = Vec::new();
    let newer = installer.newer(installation).await.map_err(refused)?;
    for listed in newer.into_iter().filter(|listed| to.is_none_or(|number| number == listed.number)) {
        match installer.plan_upgrade(installation, &listed.id, agreed).await {
            Ok(plan) => return Ok((Some((listed.id, plan)), barred)),
            Err(InstallError::Release(error @ ReleaseError::Refused { .. })) => {
                barred.push(format!("Release {} may not run here: {error}", listed.number));
            }
            Err(error) => return Err(refused(error)),
        }
    }
    Ok((None, barred))
}

impl Operation for Plan {
    type Ports = Ports;
    type Path = Which;
    type Query = To;
    type Body = Nothing;
    type Answer = Planned;

    const ABOUT: About = About::get(
        actions::INSTALLATIONS_PLAN,
        "/installations/{id}/upgrade",
        "Show what a newer release would change",
    )
    .on(On::Installation)
    .version(Version::Shown)
    .refuses(&[Reason::Refused, Reason::ReleaseRefused, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &To, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Planned>, Problem> {
        let installation = ports.find(&call.path.id).await?;
        let installer = ports.installer(ports.installations.as_ref(), ports.recorder.as_ref(), call.actor(), false);
        let (plan, refused) = planned(&installer, &installation, call.query.to, &call.query.agreed()?).await?;
        let plan = plan.map(|(_, plan)| plan);
        let said = plan.as_ref().map(|plan| format!("{}\n\n{plan}", plan.diff));
        let plan = serde_json::to_value(&plan).map_err(|error| unavailable(&error))?;
        let shown = ports.shown(&installation).await?;
        Ok(Reply::json(Planned { plan, words: said, refused, installation: shown }).at(installation.generation))
    }
}

impl Operation for Upgrade {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<Upgrading>;
    type Answer = Changed;

    const ABOUT: About =
        About::post(actions::INSTALLATIONS_UPGRADE, "/installations/{id}/upgrade", "Let an installation run a newer release")
            .text(
                "Nothing is granted that was not granted before, unless the body agrees to it. One that asks for more is refused \
                 with what it waits for, and waits for that from then on: that is a change of it, and whoever agrees then names its \
                 new version.",
            )
            .on(On::Installation)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict, Reason::Refused, Reason::ReleaseRefused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<Upgrading>) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let wanted = &call.body.0;
        let agreed = Agreed { everything: wanted.accept, grant: scopes(&wanted.grant)? };
        let changing = Changing::of(ports, &call, &call.path).await?;
        let (plan, barred) = planned(&changing.installer(), &changing.before, wanted.to, &agreed).await?;
        let Some((to, plan)) = plan else {
            let none = "There is no newer release that may run; GET of this path says more.".to_owned();
            return Err(Problem::new(Reason::Conflict, barred.first().map_or(none, |why| words(why))));
        };
        if plan.next == Next::Wait {
            // Whoever may agree is told what for.
            changing.installer().wait(&call.path.id, &plan).await.map_err(refused)?;
            let waits_for = plan.waits_for.clone().into();
            let error = InstallError::Waits { plugin: plan.plugin, release: plan.to.release, why: plan.waits_for };
            return Err(refused(error).with("waits-for", waits_for));
        }
        let after = changing.installer().upgrade(&call.path.id, &to, &agreed, false).await;
        changing.answer(after).await
    }
}
