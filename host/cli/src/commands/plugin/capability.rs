//! Capabilities of an installation that a budget suspended: shown, and let go on by an admin.

use anyhow::{Result, bail};
use portcullis_model::{
    audit::Kind,
    budget::{BudgetStore as _, EVENTS, Suspension, Whose},
    installation::Installation,
};
use serde::Serialize;

use crate::{host::Host, output::Output};

/// An installation, and what of it a budget suspended.
#[derive(Debug, Serialize)]
pub(super) struct Listed<'a> {
    #[serde(flatten)]
    pub installation: &'a Installation,
    /// Absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suspensions: Vec<&'a Suspension>,
    /// Who answers for which of its connections, and which are refused by its tenant's profiles; absent where there is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub risks: Vec<String>,
}

impl<'a> Listed<'a> {
    pub(super) fn new(installation: &'a Installation, all: &'a [Suspension]) -> Self {
        Self { installation, suspensions: of(installation, all).collect(), risks: Vec::new() }
    }

    /// A line each.
    pub(super) fn lines(&self) -> String {
        let suspended = self.suspensions.iter().map(|s| format!("\n      {} suspended: {}", s.capability, s.reason));
        suspended.chain(self.risks.iter().map(|risk| format!("\n      {risk}"))).collect()
    }
}

fn of<'a>(installation: &Installation, all: &'a [Suspension]) -> impl Iterator<Item = &'a Suspension> {
    let (tenant, id) = (installation.tenant.clone(), installation.id.clone());
    all.iter().filter(move |suspension| suspension.tenant == tenant && suspension.installation == id)
}

/// Lets a capability go on before its time, and forgives what was used of the budget that ran out.
pub(super) async fn resume(host: &Host, installation: &Installation, capability: &str, output: Output) -> Result<()> {
    let all = host.store.suspensions(host.clock.now()).await?;
    let Some(suspension) = of(installation, &all).find(|s| s.capability == capability) else {
        let others: Vec<&str> = of(installation, &all).map(|s| s.capability.as_str()).collect();
        match others.is_empty() {
            true => bail!("no budget has suspended anything of {}; it may have ended by itself", installation.id),
            false => bail!("'{capability}' of {} is not suspended; suspended: {}", installation.id, others.join(", ")),
        }
    };
    let entry = host
        .entry(Kind::CapabilityResumed, Some(installation.tenant.clone()))
        .about(format!("installation:{}", installation.id))
        .with("plugin", installation.plugin.as_str())
        .with("capability", capability)
        .with("budget", suspension.resource.hourly())
        .with("whose", suspension.whose.name());
    let lifted = host.store.lift_suspension(suspension, entry).await;
    crate::commands::publish(host).await?;
    if !lifted? {
        bail!("'{capability}' of {} was resumed by somebody else, or its time was over", installation.id);
    }
    output.result(suspension, || {
        let budget = suspension.resource.hourly();
        let after = match suspension.whose {
            Whose::Installation => format!("Its hour of {budget} begins anew."),
            Whose::Tenant => format!(
                "The tenant's {budget} is still used up, so it will be suspended again unless the operator raises it in \
                 [tenants.{}.limits].",
                suspension.tenant
            ),
        };
        let soon = if capability == EVENTS { "within half a minute" } else { "within two seconds" };
        format!("'{capability}' of {} goes on {soon}. {after}", installation.id)
    })
}
