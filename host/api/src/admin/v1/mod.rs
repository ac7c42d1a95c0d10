//! The operations, a folder a noun and a file a verb, and the one list of them.

pub mod access;
pub mod acts;
pub mod alerts;
pub mod attestations;
pub mod audit;
pub mod authorizations;
pub mod automation;
pub mod backends;
pub mod clients;
pub mod components;
pub mod connections;
pub mod deliveries;
pub mod denials;
pub mod duties;
pub mod endpoints;
pub mod freezes;
pub mod incidents;
pub mod installations;
pub mod log;
pub mod notices;
pub mod people;
pub mod posture;
pub mod privacy;
pub mod profiles;
pub mod releases;
pub mod reviews;
pub mod risks;
pub mod roles;
pub mod rotation;
pub mod rules;
pub mod sign_in;
mod signing;
pub mod sources;
pub mod status;
pub mod support;
pub mod tenants;
pub mod trust;
pub mod vault;
pub mod withdrawals;
pub mod within;

use std::sync::{Arc, OnceLock};

use axum::{
    Router,
    http::header,
    response::IntoResponse as _,
    routing::{MethodFilter, on},
};

use portcullis_model::{
    id::InstallationId,
    installation::{Installation, InstallationStore},
    people::Caller,
};

use super::{
    frame::Frame,
    group::Routes,
    local::Local,
    mount::sealed,
    openapi::{Described, document},
    unavailable, unknown,
};
use crate::problem::{Problem, Reason};

macro_rules! groups {
    ($($(#[$doc:meta])* $noun:ident,)*) => {
        /// What the operations are done with.
        pub struct Ports { $($(#[$doc])* pub $noun: Arc<$noun::Ports>,)* }

        /// All operations.
        pub fn described() -> Vec<Described> {
            let mut all = Vec::new();
            $(all.extend($noun::operations().described());)*
            all
        }

        /// All routes.
        pub fn routes(frame: Arc<Frame>, ports: Ports) -> Routes {
            let routes = Routes::new(frame);
            $(let routes = routes.mount($noun::operations(), ports.$noun);)*
            routes
        }
    };
}

groups! {
    /// From where and how long people sign in.
    access,
    /// What became of plugins' acts.
    acts,
    /// Alerts.
    alerts,
    /// What people said about duties.
    attestations,
    /// The audit log.
    audit,
    /// Requests for authorization that wait.
    authorizations,
    /// Programs that use this API.
    automation,
    /// Back ends of installations.
    backends,
    /// OAuth clients of installations.
    clients,
    /// Components in the registry.
    components,
    /// Credentials for upstream APIs.
    connections,
    /// Deliveries that were put aside.
    deliveries,
    /// What plugins were denied.
    denials,
    /// Duties.
    duties,
    /// Where alerts are posted to.
    endpoints,
    /// Freezes.
    freezes,
    /// Incidents.
    incidents,
    /// Installations.
    installations,
    /// The log itself: what proves it, and its upkeep.
    log,
    /// What needs somebody.
    notices,
    /// How tenants stand.
    posture,
    /// Requests of data subjects.
    privacy,
    /// Profiles.
    profiles,
    /// Releases in the registry.
    releases,
    /// Accepted risks.
    risks,
    /// People.
    people,
    /// Reviews of releases.
    reviews,
    /// Roles.
    roles,
    /// Rotation of credentials.
    rotation,
    /// What raises alerts.
    rules,
    /// Tenants' own providers, by which people sign in.
    sign_in,
    /// Sources of events.
    sources,
    /// What the status page tells.
    status,
    /// The platform's support.
    support,
    /// Tenants that leave.
    tenants,
    /// Whom this host trusts.
    trust,
    /// The stored secrets and their keys.
    vault,
    /// Withdrawals and quarantines.
    withdrawals,
}

/// The whole API, ready to answer.
#[derive(Clone, Debug)]
pub struct Api {
    router: Router,
}

impl Api {
    /// All of `/admin/v1`, with the document that describes it.
    pub fn new(frame: Arc<Frame>, ports: Ports) -> Self {
        let shown = || async {
            static TEXT: OnceLock<String> = OnceLock::new();
            let text = TEXT.get_or_init(|| document(&described()).to_string());
            sealed(([(header::CONTENT_TYPE, "application/json")], text.as_str()).into_response())
        };
        let router = routes(frame, ports).router();
        Self { router: router.route("/admin/v1/openapi.json", on(MethodFilter::GET, shown)) }
    }

    /// For the listener.
    pub(crate) fn router(self) -> Router {
        self.router
    }

    /// Within this process, in the name of this caller.
    pub fn local(&self, caller: Caller) -> Local {
        Local::new(self.router.clone(), caller)
    }
}

/// The installation with this id.
pub(super) async fn installed(
    installations: &dyn InstallationStore,
    id: &InstallationId,
) -> Result<Installation, Problem> {
    let found = installations.installation(id).await.map_err(|error| unavailable(&error))?;
    found.ok_or_else(no_installation)
}

/// There is none with the id that was given.
pub(super) fn no_installation() -> Problem {
    unknown("There is no installation with this id; see GET /admin/v1/installations.")
}

/// Why something is done, in the words of whoever does it.
pub(super) fn reason(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    match (1..=500).contains(&text.chars().count()) {
        true => Ok(text.to_owned()),
        false => Err(Problem::new(Reason::WrongBody, "reason: say why, in 1 to 500 characters.")),
    }
}
