//! Incidents, wired: what they reach on this host, how a containment is carried out, and what the log has of them (INC-1 to INC-4).
//!
//! Invariant: a containment that was cut off anywhere goes on where it was, and does nothing twice.

mod contain;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use anyhow::Result;
use async_trait::async_trait;
use portcullis_api::admin::v1::incidents::Ports;
use portcullis_broker::rotation::Families;
use portcullis_duties::incident::{Concerned, Incidents, Plan, Survey};
use portcullis_model::{
    audit::Actor,
    duty::DutyStore as _,
    error::StoreError,
    id::{IncidentId, TenantId},
    incident::{IncidentStore as _, Subject},
    installation::InstallationStore as _,
};
use tokio::sync::watch;

pub use contain::{Rotated, carry_on};

use crate::{each::Each, host::Host, host::person, reading::LogReader, rotation};

/// How long whoever ordered a containment at the keyboard goes on with it alone, before a running host does.
const OWN: Duration = Duration::from_secs(60);
/// How many containments a running host goes on with at the same time.
const AT_ONCE: usize = 32;
/// How often a running host looks for containments to go on with.
const TICK: Duration = Duration::from_secs(1);

/// Where people act on incidents of this host, in this name.
pub fn desk(host: &Host, actor: Actor) -> Incidents<'_> {
    let name = match &actor {
        Actor::Person { name } | Actor::Account { name, .. } => name.clone(),
        Actor::Automation { client } => client.to_string(),
        _ => "the host".to_owned(),
    };
    let platform = matches!(actor, Actor::Person { .. } | Actor::Host);
    Incidents { store: host.store.as_ref(), clock: host.clock.as_ref(), rng: host.rng.as_ref(), actor, name, platform }
}

/// What is known of what incidents reach, for the admin API.
pub struct Surveyor {
    host: Host,
    families: Families,
}

impl Surveyor {
    /// Of this host.
    pub fn of(host: &Host) -> Self {
        Self { host: host.clone(), families: rotation::families(host, &person()) }
    }
}

#[async_trait]
impl Survey for Surveyor {
    async fn plan(&self, subject: &Subject) -> Result<Plan, StoreError> {
        let held = self.families.list().await.map_err(|error| StoreError(error.to_string()))?;
        Ok(Plan::new(subject, &self.host.store.installations().await?, &held))
    }

    async fn concerned(&self, subject: &Subject) -> Result<Vec<Concerned>, StoreError> {
        let plan = self.plan(subject).await?;
        let tenants: BTreeSet<TenantId> = plan.tenants.into_iter().chain(subject.tenant.clone()).collect();
        let mut profiles: BTreeMap<TenantId, Vec<_>> = BTreeMap::new();
        for on in self.host.store.duty_state().await?.profiles {
            profiles.entry(on.tenant).or_default().push(on.profile);
        }
        let of = |tenant: TenantId| Concerned { profiles: profiles.get(&tenant).cloned().unwrap_or_default(), tenant };
        Ok(tenants.into_iter().map(of).collect())
    }

    async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        crate::duties::tenants(&self.host).await.map_err(|error| StoreError(format!("{error:#}")))
    }
}

/// What the admin API does incidents with.
pub fn ports(host: &Host, reader: &Arc<LogReader>) -> Ports {
    Ports {
        reader: reader.clone(),
        recorder: host.store.clone(),
        board: crate::ops::board::board(host),
        incidents: host.store.clone(),
        survey: Arc::new(Surveyor::of(host)),
        alerts: host.store.clone(),
        reports: host.store.clone(),
        installations: host.store.clone(),
        clock: host.clock.clone(),
        rng: host.rng.clone(),
    }
}

/// What containing this would do now.
pub async fn plan(host: &Host, subject: &Subject) -> Result<Plan> {
    Ok(Surveyor::of(host).plan(subject).await?)
}

/// The tenants that a subject reaches, with the profiles that are on in each.
pub async fn concerned(host: &Host, subject: &Subject) -> Result<Vec<Concerned>> {
    Ok(Surveyor::of(host).concerned(subject).await?)
}

/// What a running host does by itself: it goes on with containments that nobody waits for, or that were cut off; none of them waits
/// for another.
pub async fn run(host: Arc<Host>, mut stop: watch::Receiver<bool>) {
    let mut under_way = Each::new(AT_ONCE);
    while !*stop.borrow() {
        if let Err(error) = look(&host, &mut under_way).await {
            tracing::error!(%error, "a containment is not through; it is tried again");
        }
        tokio::select! {
            () = tokio::time::sleep(TICK) => {}
            _ = stop.changed() => {}
        }
    }
    under_way.all().await;
}

/// One look: begins to go on with what is left to the host.
async fn look(host: &Arc<Host>, under_way: &mut Each<IncidentId>) -> Result<()> {
    under_way.look();
    for id in host.store.holding().await? {
        if !under_way.may_begin(&id) {
            continue;
        }
        let Some(one) = host.store.incident(&id).await? else { continue };
        let Some(containment) =
            one.containment.filter(|held| held.holds() && held.through.is_none() && held.given_up.is_none())
        else {
            continue;
        };
        let alone = host.clock.now().distance(containment.at) >= OWN;
        if !(containment.left_to_host || alone) {
            continue;
        }
        // Whoever rotates there now is waited for; the platform's turn closes the gate while it waits.
        let whose = rotation::whose(host, &containment.rotates).await?;
        if whose.is_none() || rotation::try_take(&host.home, whose.as_ref())?.is_some() {
            let host = host.clone();
            under_way.begin(id.clone(), async move {
                if let Err(error) = gone_on(&host, &id).await {
                    tracing::error!(incident = %id, %error, "a containment is not through; it is tried again");
                }
            });
        }
    }
    Ok(())
}

async fn gone_on(host: &Arc<Host>, id: &IncidentId) -> Result<()> {
    let (_, rotated) = carry_on(host, id, &Actor::Host, |_| Ok(())).await?;
    if !rotated.iter().all(|one| one.whole) {
        // What its providers could not be asked for: somebody must look, and the act's own lines say at what.
        tracing::error!(incident = %id, "credentials of a containment could not all be rotated; 'portcullis incident contain --resume' goes on");
        desk(host, Actor::Host).give_up(id).await?;
    }
    Ok(())
}
