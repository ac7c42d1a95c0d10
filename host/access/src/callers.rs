//! From a cookie's token to a caller: with the roles that are held at this moment.
//!
//! Invariants: what was taken away is gone with the next request; a session that is past its limits is ended, on record; from where
//! nobody may come, nobody is known; support
//! reaches the tenants that let it in, while they do, and no other; who signed in through a tenant's provider reaches that tenant.

use std::net::IpAddr;

use portcullis_model::{
    audit::Actor,
    id::TenantId,
    people::{BuiltIn, Caller, Holding, Person, PersonState, Principal, Reach, Session, SignIn},
    time::Timestamp,
};
use zeroize::Zeroizing;

use crate::{
    Access, AccessError,
    sessions::{actor, csrf, digest, ended, is_near},
};

/// How exactly the last use of a session is known, in milliseconds: not each request writes.
const TOUCH_MS: i64 = 20_000;
/// The longest text that can be a token.
const LONGEST: usize = 64;

/// Who signed in.
pub struct Known {
    /// As whom requests of the session are decided about.
    pub caller: Caller,
    /// The account.
    pub person: Person,
    /// The session.
    pub session: Session,
    /// What a form has to send along.
    pub csrf: String,
}

impl Access {
    /// Whose token this is; `None`: nobody's, or nobody's any more.
    ///
    /// # Errors
    /// Storage.
    pub async fn known(&self, token: &str, address: IpAddr) -> Result<Option<Known>, AccessError> {
        if token.len() > LONGEST {
            return Ok(None);
        }
        let token = Zeroizing::new(token.to_owned());
        let Some(session) = self.store.session_by_token(&digest(&token)).await? else { return Ok(None) };
        let now = self.clock.now();
        if session.ended.is_some() {
            return Ok(None);
        }
        let (limits, places) = self.limits_of(&session.person, None).await?;
        // What was set since then counts, where it is shorter.
        let (idle, absolute) = (limits.idle_minutes, limits.absolute_minutes);
        let shorter = Session {
            idle_minutes: session.idle_minutes.min(idle),
            absolute_minutes: session.absolute_minutes.min(absolute),
            ..session.clone()
        };
        if !shorter.is_live(now) {
            let change = ended([session], &Actor::Host, None, now, "past its limits");
            // Whoever was faster has ended it.
            self.store.change_people(change).await?;
            return Ok(None);
        }
        let Some(person) = self.store.person(&session.person).await? else { return Ok(None) };
        if person.state == PersonState::Removed || !is_near(&limits, &places, address) {
            return Ok(None);
        }
        let holdings = self.holdings(&person, &session.sign_in, now).await?;
        let caller = Caller {
            principal: Principal::Person(person.id.clone()),
            actor: actor(&person, Some(&session.id)),
            reach: Reach::Holdings(holdings),
            session: Some(session.id.clone()),
            sign_in: Some(session.sign_in.clone()),
            factors: session.factors.clone(),
            address: Some(address.to_canonical()),
            now,
            session_times: Some((session.created, session.used)),
            suspended: person.state == PersonState::Suspended,
            scopes: Vec::new(),
            speaks_as: None,
        };
        if now.0 - session.used.0 >= TOUCH_MS || session.address != address.to_canonical() {
            self.store.touch_session(&session.id, now, address.to_canonical()).await?;
        }
        Ok(Some(Known { caller, person, session, csrf: csrf(&token) }))
    }

    pub(crate) async fn holdings(
        &self,
        person: &Person,
        sign_in: &SignIn,
        now: Timestamp,
    ) -> Result<Vec<Holding>, AccessError> {
        let mut holdings = Vec::new();
        for one in self.store.memberships(&person.id).await?.into_iter().filter(|one| one.holds(now)) {
            let reached = match sign_in {
                SignIn::Native => true,
                SignIn::Provider { tenant } => one.tenant.as_ref() == Some(tenant),
            };
            if !reached {
                continue;
            }
            let is_support = one.role.as_str() == BuiltIn::Support.name();
            if one.tenant.is_none() && is_support {
                holdings.extend(self.let_in(now).await?);
            }
            let Some(one) = Some(one).filter(|one| one.tenant.is_none() || !is_support) else { continue };
            holdings.push(Holding {
                tenant: one.tenant,
                role: one.role,
                until: one.until,
                support: None,
                break_glass: one.break_glass,
            });
        }
        Ok(holdings)
    }

    /// Where the platform's support is let in now: where several grants hold, the one that lets it do the least (ACC-9).
    async fn let_in(&self, now: Timestamp) -> Result<Vec<Holding>, AccessError> {
        let Ok(role) = BuiltIn::Support.name().parse::<portcullis_model::id::RoleName>() else { return Ok(Vec::new()) };
        let mut all = self.store.live_support(now).await?;
        all.retain(|grant| grant.holds(now));
        all.sort_by_key(|grant| (grant.tenant.clone(), grant.may_change));
        all.dedup_by_key(|grant| grant.tenant.clone());
        let holding = |tenant: TenantId, until, id, may_change| Holding {
            tenant: Some(tenant),
            role: role.clone(),
            until: Some(until),
            support: Some((id, may_change)),
            break_glass: false,
        };
        Ok(all.into_iter().map(|one| holding(one.tenant, one.until, one.id, one.may_change)).collect())
    }
}
