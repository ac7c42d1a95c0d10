//! What all operations share: time, keys, and the question whether somebody may do what they ask for.

use std::{collections::BTreeSet, sync::Arc};

use portcullis_broker::hmac::digest;
use portcullis_model::{
    id::TenantId,
    idempotency::Repeats,
    people::{Caller, Decide, Principal, Refusal, Resource, Why},
    secret::Secret,
    time::Clock,
};

use super::{
    caller::{Callers, Recognise},
    operation::{About, Effect, On},
    unavailable, unknown,
};
use crate::problem::{Problem, Reason};

/// What all operations share.
pub struct Frame {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who may do what.
    pub decide: Arc<dyn Decide>,
    /// What was asked for under which key.
    pub repeats: Arc<dyn Repeats>,
    pub(super) callers: Callers,
    /// What cursors are bound with.
    pub(super) cursors: Secret,
    /// What is kept of requests under a key is made with this.
    pub(super) requests: Secret,
}

impl Frame {
    /// A frame in which whoever has this token is the operator.
    pub fn new(clock: Arc<dyn Clock>, token: Secret, decide: Arc<dyn Decide>, repeats: Arc<dyn Repeats>) -> Self {
        // Cursors stay good when the host starts anew, and end with the token.
        let of = |purpose: &[u8]| Secret::new(digest(&token, &[purpose]).to_vec());
        let (cursors, requests) = (of(b"portcullis admin cursors 1"), of(b"portcullis admin requests 1"));
        let callers = Callers { token, others: Vec::new(), clock: clock.clone() };
        Self { clock, decide, repeats, callers, cursors, requests }
    }

    /// And these callers are known, too.
    #[must_use]
    pub fn knowing(mut self, others: Arc<dyn Recognise>) -> Self {
        self.callers.others.push(others);
        self
    }

    /// Whether this caller may do this, to that; why not, where not.
    ///
    /// Of a list over tenants that names none it is enough that the caller may see one's: it leaves out what is another's.
    pub(super) async fn allows(&self, caller: &Caller, about: &About, resource: &Resource) -> Result<(), Problem> {
        let asked = self.decide.decide(caller, &about.action, resource).await.map_err(|error| unavailable(&error))?;
        let Err(mut refusal) = asked else { return Ok(()) };
        let everywhere = about.on == On::Tenants && about.effect == Effect::Read && resource.tenant.is_none();
        if everywhere {
            match self.nearest(caller, about, resource.kind, refusal).await? {
                Some(nearest) => refusal = nearest,
                None => return Ok(()),
            }
        }
        // Whoever has nothing to do with a tenant does not learn what is there, whichever rule says no.
        let reaches = |tenant: &TenantId| caller.tenants().is_none_or(|all| all.contains(tenant));
        if resource.tenant.as_ref().is_some_and(|tenant| !reaches(tenant)) {
            return Err(unseen());
        }
        let reason = match refusal.rule {
            Why::StepUp => Reason::StepUp,
            Why::SessionOver | Why::SingleSignOn => Reason::SignIn,
            _ => Reason::Forbidden,
        };
        let needs = serde_json::to_value(&refusal).unwrap_or_default();
        Err(Problem::new(reason, refusal.to_string()).with("refusal", needs))
    }

    /// None where there is a tenant in which the caller may do this; else what comes nearest to it: that a role is lacking is said
    /// only where nothing else is.
    async fn nearest(
        &self,
        caller: &Caller,
        about: &About,
        kind: &'static str,
        mut refusal: Refusal,
    ) -> Result<Option<Refusal>, Problem> {
        for tenant in caller.tenants().unwrap_or_default() {
            let asked = self.decide.decide(caller, &about.action, &Resource::of(tenant, kind)).await;
            match asked.map_err(|error| unavailable(&error))? {
                Ok(()) => return Ok(None),
                Err(other) if refusal.rule == Why::NoRole => refusal = other,
                Err(_) => {}
            }
        }
        Ok(Some(refusal))
    }

    /// Those of these tenants in which the caller may do this.
    pub(super) async fn tenants(
        &self,
        caller: &Caller,
        about: &About,
        of: impl IntoIterator<Item = TenantId>,
        kind: &'static str,
    ) -> Result<BTreeSet<TenantId>, Problem> {
        let mut may = BTreeSet::new();
        // The operator may do everything everywhere: asked once, and not a tenant at a time.
        if caller.principal == Principal::Operator {
            may.extend(of);
            return Ok(may);
        }
        for tenant in of {
            let resource = Resource::of(tenant.clone(), kind);
            let asked = self.decide.decide(caller, &about.action, &resource).await;
            if asked.map_err(|error| unavailable(&error))?.is_ok() {
                may.insert(tenant);
            }
        }
        Ok(may)
    }
}

/// The one answer for what is not there and for what somebody may not know of.
pub(super) fn unseen() -> Problem {
    unknown("Nothing that you may see has this name.")
}
