//! Roots of trust that expire soon: when one has, nothing that it speaks for runs.

use std::time::Duration;

use anyhow::Result;
use portcullis_api::admin::v1::notices::{Subject, Whose};
use portcullis_model::trust::RootScope;

use super::{help::Help, standing::Standing};
use crate::host::Host;

/// How long before its end a root is told of.
const SOON: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The platform's, and those of tenants; for one tenant the platform's and its own.
pub(super) async fn expiring(host: &Host, whose: &Whose) -> Result<Vec<Standing>> {
    let soon = host.clock.now().plus(SOON);
    // Where roots cannot be believed, releases are refused for it, and that is told of.
    let Ok(trust) = host.registry.trust().await? else { return Ok(Vec::new()) };
    let concerns = |scope: &RootScope| *scope == RootScope::Platform || whose.has(scope.tenant());
    let roots = trust.scopes().into_iter().filter(concerns).filter_map(|scope| trust.root(&scope).cloned());
    let told = roots.filter(|root| root.expires <= soon).map(|root| Standing {
        time: root.expires,
        kind: "root.expires",
        key: root.scope.to_string(),
        what: format!("the root of '{}' expires at {}: then nothing that it speaks for runs", root.scope, root.expires),
        help: Help::run(["trust", "show"]).but(format!("have its keepers sign version {}", root.version + 1)),
        about: Subject { tenant: root.scope.tenant().map(ToString::to_string), ..Subject::default() },
    });
    Ok(told.collect())
}
