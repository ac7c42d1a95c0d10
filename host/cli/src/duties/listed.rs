//! Who answers for a connection, as lists show it.

use anyhow::Result;
use portcullis_broker::{connection::STATIC, consent::Keeps};
use portcullis_model::{
    connection::ConnectionView,
    duty::{DutyStore as _, RiskAbout, STATIC_TOKEN, TenantRules as _, is},
    id::InstallationId,
    time::Timestamp,
};
use serde::Serialize;

use crate::host::Host;

/// What is known of a connection's risk.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct RiskOf {
    /// Who answers for it by an accepted risk, and until when.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted: Option<(String, Timestamp)>,
    /// Why its tenant's profiles refuse it now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refused: Option<String>,
}

impl RiskOf {
    /// A line below the connection's own; none where there is nothing to say.
    pub fn words(&self) -> String {
        match (&self.refused, &self.accepted) {
            (Some(why), _) => format!("\n    REFUSED: {why}"),
            (None, Some((by, until))) => format!("\n    static, at the risk of {by} until {until}"),
            (None, None) => String::new(),
        }
    }
}

/// Who answers for this connection: for a static token alone anybody has to.
pub async fn risk_of(host: &Host, view: &ConnectionView) -> Result<RiskOf> {
    if view.origin.provider.as_str() != STATIC {
        return Ok(RiskOf::default());
    }
    let (now, about) = (host.clock.now(), RiskAbout::Connection(view.key.clone()));
    let risks = host.store.duty_state().await?.risks;
    let holds = risks.iter().find(|one| is(&one.duty, STATIC_TOKEN) && one.about == about && one.holds(now));
    let approved = holds.and_then(|risk| Some((risk.approved.as_ref()?.by.clone(), risk.until)));
    let own = view.origin.risk.as_ref().filter(|risk| risk.check(now).is_ok());
    Ok(RiskOf {
        accepted: approved.or_else(|| own.map(|risk| (risk.accepted_by.clone(), risk.until))),
        refused: host.duties.static_token(&view.key, now).err(),
    })
}

/// What is to be said of each installation's static tokens, in words.
pub async fn risks(host: &Host) -> Result<Vec<(InstallationId, String)>> {
    let mut all = Vec::new();
    for view in Keeps::views(&*host.connections).await? {
        let risk = risk_of(host, &view).await?;
        let name = &view.key.name;
        let said = match (&risk.refused, &risk.accepted) {
            (Some(_), _) => {
                format!("static token '{name}' REFUSED by the tenant's profiles; see 'portcullis connection list'")
            }
            (None, Some((by, until))) => format!("static token '{name}' at the risk of {by} until {until}"),
            (None, None) => continue,
        };
        all.push((view.key.installation, said));
    }
    Ok(all)
}
