//! Capabilities of an installation that a budget suspended: shown, and let go on by an admin.

use anyhow::Result;
use portcullis_api::admin::Method;
use portcullis_model::{
    budget::{EVENTS, Suspension, Whose},
    installation::Installation,
};
use serde::Serialize;

use crate::{
    admin::{Keyboard, escaped, given},
    host::Host,
    output::Output,
};

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
    let path = format!("/installations/{}/capabilities/{}/resume", installation.id, escaped(capability));
    let mut done = Keyboard::of(host)?.act(Method::POST, &path, None, None).await?;
    let suspension: Suspension = given(done["suspension"].take())?;
    output.result(&suspension, || {
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
