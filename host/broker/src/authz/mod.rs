//! The host's own authorization server: tokens for plugins' back ends outside of the sandbox (INT-1, INT-2, INT-4).
//!
//! It speaks no HTTP: it is handed the parameters of a request and gives an answer or a refusal. [`AuthorizationServer`] is all of
//! it; [`clients`] and [`consent`] are what an operator and an admin do.
//!
//! | file | answers for |
//! |---|---|
//! | `metadata` | RFC 8414 |
//! | `authenticate`, `assertion`, `dpop` | who asks: RFC 7523, RFC 9449 |
//! | `authorize`, `consent` | the browser's part, and the admin's: RFC 6749 4.1, RFC 7636, RFC 9207 |
//! | `automation` | tokens for a tenant's own programs: RFC 6749 4.4 |
//! | `token`, `code`, `credentials`, `refresh`, `exchange` | the grants: RFC 6749, RFC 8693 |
//! | `scopes` | what is asked for, and how it is narrowed: RFC 9396 |
//! | `check`, `introspect`, `revoke` | what a token is good for, and its end: RFC 7662, RFC 7009 |
//! | `family` | tokens and keys in an act of rotation |
//!
//! What is ABSENT: passwords, client secrets, implicit grants, any `plain` code challenge; a clock, a random source, a database.
//!
//! Invariants:
//! - no token is for more than the client's installation may do at the time when it is issued, nor for more than an admin agreed to
//!   where one was asked, nor for more than the token that it was narrowed from;
//! - a code works once; a refresh token works once, but for one retry of the immediate predecessor, by the same client, within
//!   10 seconds, which gives the same successor; any other second use ends the whole grant;
//! - every decision that changes something is made again where somebody else was faster, and is written with its audit entry;
//! - what is stored is digests; a refresh token's successor is derived from that token and the server's key, and from nothing else.

mod answer;
pub mod assertion;
mod authenticate;
mod authorize;
pub mod automation;
mod check;
pub mod clients;
mod code;
pub mod consent;
mod credentials;
mod dpop;
mod error;
mod exchange;
pub mod family;
mod format;
mod introspect;
mod issue;
pub mod jwk;
pub(crate) mod jws;
mod limit;
mod metadata;
mod params;
mod refresh;
mod revoke;
mod scopes;
mod token;

use std::{fmt, sync::Arc, time::Duration};

use portcullis_model::{
    catalogue::Catalogue,
    freeze::{Freezes, Frozen, Subject},
    id::ClientId,
    installation::Installation,
    oauth::{InstallationAuthority, OAuthStore},
    people::AutomationStore,
    time::{Clock, Rng, Timestamp},
};

pub use answer::{TokenAnswer, TokenSort};
pub use authenticate::Caller;
pub use authorize::{Begun, Refused, View, Watched};
pub use error::{Code, OAuthError};
pub use params::{MAX_FORM, Params, Request};

use crate::key::Key;
use dpop::Proofs;
use limit::{Limiter, Rate};

/// How long an access token lasts.
pub const ACCESS_LIFE: Duration = Duration::from_secs(300);
/// The longest that a client's signed assertion may last (INT-8).
pub const LONGEST_ASSERTION: Duration = Duration::from_secs(assertion::LIFE.unsigned_abs());
/// How long an authorization code lasts.
pub const CODE_LIFE: Duration = Duration::from_secs(60);
/// How long an admin may take to decide.
pub const PENDING_LIFE: Duration = Duration::from_secs(600);
/// How long a grant with refresh tokens lasts at most.
pub const GRANT_LIFE: Duration = Duration::from_secs(30 * 86_400);
/// Within what time the immediate predecessor of a refresh token may be retried.
pub const RETRY: Duration = Duration::from_secs(10);

/// What the operator decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The issuer (RFC 8414, 2): where the host is reached from outside, without a slash at its end.
    pub issuer: String,
    /// The resource servers that tokens are issued for (RFC 8707); the first one where a client names none.
    pub resources: Vec<String>,
}

impl Settings {
    /// With the platform API as the only resource server: `<issuer>/api`.
    pub fn new(issuer: impl Into<String>) -> Self {
        let issuer = issuer.into();
        Self { resources: vec![format!("{issuer}/api")], issuer }
    }

    /// The address of an endpoint.
    pub fn endpoint(&self, name: &str) -> String {
        format!("{}/oauth/{name}", self.issuer)
    }
}

/// What the server stands on.
pub struct Parts {
    /// Where clients, grants and digests are kept.
    pub store: Arc<dyn OAuthStore>,
    /// What installations may do.
    pub authority: Arc<dyn InstallationAuthority>,
    /// What scopes mean.
    pub catalogue: Arc<dyn Catalogue>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// What successors of refresh tokens are derived with.
    pub key: Key,
    /// What may not be done at the moment (INT-6); `None` where nothing is ever frozen.
    pub freezes: Option<Arc<dyn Freezes>>,
    /// What the operator decided.
    pub settings: Settings,
}

/// The server.
pub struct AuthorizationServer {
    parts: Parts,
    automation: Option<Arc<dyn AutomationStore>>,
    proofs: Proofs,
    everybody: Limiter<()>,
    each: Limiter<String>,
    refusals: token::Refusals,
    asking: Limiter<ClientId>,
}

impl fmt::Debug for AuthorizationServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthorizationServer").field("settings", &self.parts.settings).finish_non_exhaustive()
    }
}

impl AuthorizationServer {
    /// A server that starts now.
    pub fn new(parts: Parts) -> Self {
        let proofs = Proofs::new(parts.clock.now());
        Self {
            parts,
            automation: None,
            proofs,
            // So high that it stops what would be a load, and not what others do.
            everybody: Limiter::new(Rate { burst: 2_000, per_second: 1_000 }),
            each: Limiter::new(Rate { burst: 60, per_second: 20 }),
            refusals: token::Refusals::default(),
            asking: Limiter::new(Rate { burst: 20, per_second: 1 }),
        }
    }

    /// The same, which has tokens for automation, too.
    #[must_use]
    pub fn with_automation(self, store: Arc<dyn AutomationStore>) -> Self {
        Self { automation: Some(store), ..self }
    }

    /// Says which freeze holds over this installation, if one does.
    fn frozen(&self, installation: &Installation) -> Option<Frozen> {
        self.parts.freezes.as_ref()?.check(&Subject::from(installation), &[]).err()
    }

    /// What the operator decided.
    pub fn settings(&self) -> &Settings {
        &self.parts.settings
    }

    fn now(&self) -> Timestamp {
        self.parts.clock.now()
    }

    fn store(&self) -> &dyn OAuthStore {
        self.parts.store.as_ref()
    }
}

/// How often a decision is made anew where somebody else was faster each time.
const TRIES: usize = 8;
