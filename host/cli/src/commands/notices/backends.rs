//! Back ends that get nothing: for as long as that is so.

use anyhow::Result;
use portcullis_model::{
    id::TenantId,
    webhook::{BackEnd, BackEndState, BackEnds as _},
};

use super::standing::Standing;
use crate::{commands::backend, host::Host};

/// One for each back end that is disabled, or that fails at the moment.
pub(super) async fn failing(host: &Host, tenant: Option<&TenantId>) -> Result<Vec<Standing>> {
    let all = host.store.back_ends().await?;
    Ok(all.iter().filter(|one| tenant.is_none_or(|tenant| one.tenant == *tenant)).filter_map(told).collect())
}

fn told(one: &BackEnd) -> Option<Standing> {
    let (time, kind, help) = match (&one.state, one.health.failing_since) {
        (BackEndState::Disabled { since, .. }, _) => {
            let id = &one.installation;
            let again = format!("portcullis backend set {id} --url <its URL>, then: portcullis backend replay {id}");
            (*since, "backend.disabled", again)
        }
        (BackEndState::Active, Some(since)) => {
            (since, "backend.failing", format!("portcullis backend list {}", one.installation))
        }
        (BackEndState::Active, None) => return None,
    };
    let what = format!(
        "the back end of {} in {} ({}) is {}",
        one.installation,
        one.tenant,
        one.url.origin(),
        backend::standing(one)
    );
    Some(Standing { time, kind, what, help })
}
