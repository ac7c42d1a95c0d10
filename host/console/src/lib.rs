//! The web pages for admins, reviewers and developers, rendered on the host, out of what the admin API answers.
//!
//! What is ABSENT here: storage, decisions, anything that the admin API does not offer.
//!
//! Invariants: a page shows what the API answered to its reader, and a form asks the API in its reader's name, so that nobody can do
//! here what they cannot do there; nothing inline, nothing from another host.
#![forbid(unsafe_code)]

use std::sync::Arc;

pub use axum::Router;
use axum::routing::{get, post};

mod assets;
pub mod host;
pub mod kit;
mod pages;
pub mod shell;
pub mod strings;
mod visit;

use host::Host;

/// Who answers for what.
fn responsibility() -> Router<Arc<dyn Host>> {
    use pages::{duties, posture, posture_profile, risks, risks_propose, sheet};
    Router::new()
        .route("/console/posture", get(posture::show))
        .route("/console/posture/{tenant}/{profile}", get(posture_profile::show))
        .route("/console/posture/{tenant}/{profile}/turn", post(posture_profile::turn))
        .route("/console/duties", get(duties::list))
        .route("/console/duties/{number}", post(duties::takes_back))
        .route("/console/duties/{tenant}/{duty}", get(duties::attest))
        .route("/console/duties/{tenant}/{duty}/attest", post(duties::attests))
        .route("/console/risks", get(risks::list).post(risks_propose::propose))
        .route("/console/risks/propose", get(risks_propose::ask))
        .route("/console/risks/{number}", get(risks::one))
        .route("/console/risks/{number}/approve", post(risks::approve))
        .route("/console/risks/{number}/withdraw", post(risks::withdraw))
        .route("/console/installations/{id}/sheet", get(sheet::show))
        .route("/console/releases/{component}/{manifest}/sheet", get(sheet::before))
}

/// What people asked about their own data.
fn privacy() -> Router<Arc<dyn Host>> {
    use pages::privacy;
    Router::new()
        .route("/console/privacy", get(privacy::list).post(privacy::open))
        .route("/console/privacy/{id}", get(privacy::one))
        .route("/console/privacy/{id}/close", post(privacy::close))
        .route("/console/privacy/{id}/certificate", post(privacy::certificate))
}

/// The routes under `/console`.
pub fn routes(host: Arc<dyn Host>) -> Router {
    use pages::{
        account, alerts, audit, backend, clients, connections, deliveries, denials, endpoints, entry, incidents,
        install, installation, installations, leaving, marketplace, notices, overview, own_log, people, proof, release,
        report, reviews, rightsize, rules, sources, trust, vault,
    };
    let one = "/console/installations/{id}";
    let under = |rest: &str| format!("{one}/{rest}");
    Router::new()
        .route("/console", get(overview::show))
        .route("/console/sign-in", get(entry::sign_in))
        .route("/console/join", get(entry::join))
        .route("/console/step-up", get(entry::step_up))
        .route("/console/account", get(account::show))
        .route("/console/marketplace", get(marketplace::list))
        .route("/console/releases/{component}/{manifest}", get(release::show))
        .route("/console/releases/{component}/{manifest}/diff/{old}/{old_manifest}", get(release::compare))
        .route("/console/install", get(install::ask).post(install::install))
        .route("/console/installations", get(installations::list))
        .route(one, get(installation::show))
        .route(&under("grant"), get(installation::grant).post(installation::grants))
        .route(&under("right-size"), get(rightsize::show))
        .route(&under("suspend"), post(installation::suspends))
        .route(&under("resume"), post(installation::resumes))
        .route(&under("uninstall"), post(leaving::uninstalls))
        .route(&under("restore"), post(leaving::restores))
        .route(&under("receipt"), get(leaving::receipt))
        .route(&under("log"), get(own_log::show))
        .route(&under("report"), get(report::show))
        .route(&under("report/send"), post(report::sends))
        .route(&under("upgrade"), get(installation::upgrade).post(installation::upgrades))
        .route(notices::HOME, get(notices::list))
        .route("/console/denials", get(denials::list))
        .route("/console/alerts", get(alerts::list))
        .route(rules::HOME, get(rules::list))
        .route("/console/alerts/rules/{id}", get(rules::one))
        .route("/console/alerts/{id}", get(alerts::one))
        .route("/console/alerts/{id}/{change}", post(alerts::change))
        .route("/console/incidents", get(incidents::list).post(incidents::open))
        .route("/console/incidents/{id}", get(incidents::one))
        .route("/console/incidents/{id}/{change}", post(incidents::change))
        .route("/console/audit", get(audit::list))
        .route("/console/audit/proof", get(proof::show))
        .route("/console/audit/{index}", get(audit::one))
        .route("/console/audit/{index}/proof", get(proof::entry))
        .route("/console/reviews", get(reviews::list))
        .route("/console/reviews/{component}/{manifest}", get(reviews::one))
        .route("/console/reviews/{component}/{manifest}/{change}", post(reviews::change))
        .merge(people::routes())
        .merge(connections::routes())
        .merge(deliveries::routes())
        .merge(endpoints::routes())
        .merge(sources::routes())
        .merge(backend::routes())
        .merge(clients::routes())
        .merge(vault::routes())
        .route("/console/trust", get(trust::list))
        .route("/console/assets/{name}", get(assets::serve))
        .merge(responsibility())
        .merge(privacy())
        .with_state(host)
}
