//! Back ends that get nothing: for as long as that is so.

use anyhow::Result;
use portcullis_api::admin::v1::notices::Whose;
use portcullis_model::webhook::{BackEnd, BackEndState, BackEnds as _};

use super::{help::Help, standing::Standing, subject};
use crate::{commands::backend, host::Host};

/// One for each back end that is disabled, or that fails at the moment.
pub(super) async fn failing(host: &Host, whose: &Whose) -> Result<Vec<Standing>> {
    let all = host.store.back_ends().await?;
    Ok(all.iter().filter(|one| whose.has(Some(&one.tenant))).filter_map(told).collect())
}

/// What one needs; `None`: nothing.
pub(super) fn told(one: &BackEnd) -> Option<Standing> {
    let id = one.installation.as_str();
    let (time, kind, help) = match (&one.state, one.health.failing_since) {
        (BackEndState::Disabled { since, .. }, _) => {
            // Without an address it keeps its own, whose query may hold a secret.
            let mut again = vec!["backend".to_owned(), "set".to_owned(), id.to_owned()];
            again.extend(one.events.iter().map(|events| format!("--events={events}")));
            (*since, "backend.disabled", Help::run(again).then(["backend", "replay", id]))
        }
        (BackEndState::Active, Some(since)) => (since, "backend.failing", Help::run(["backend", "list", id])),
        (BackEndState::Active, None) => return None,
    };
    let what = format!("the back end of {id} in {} ({}) is {}", one.tenant, one.url.origin(), backend::standing(one));
    Some(Standing { time, kind, key: id.to_owned(), what, help, about: subject::of_back_end(one) })
}
