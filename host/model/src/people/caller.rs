//! Who asks, by what right, and who decides.

use std::net::IpAddr;

use async_trait::async_trait;

use super::{Action, Proof, Refusal, SignIn};
use crate::{
    audit::Actor,
    error::StoreError,
    id::{ClientId, PersonId, RoleName, SessionId, SupportId, TenantId},
    time::Timestamp,
};

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Principal {
    /// Whoever holds the home: at its terminal, or with the operator's token.
    Operator,
    /// A person with an account.
    Person(PersonId),
    /// An OAuth client of a tenant's with scopes for the admin API.
    Automation(ClientId),
}

/// A role that the caller holds, as of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    /// Where; `None`: in the platform itself.
    pub tenant: Option<TenantId>,
    /// Which role.
    pub role: RoleName,
    /// Until when; `None`: until it is taken away.
    pub until: Option<Timestamp>,
    /// The platform's support, let in by the tenant: by which grant, and whether it may change anything.
    pub support: Option<(SupportId, bool)>,
    /// Signs in natively even where the tenant has single sign-on (ACC-2).
    pub break_glass: bool,
}

/// Where a caller may reach at all, before any role is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The platform and every tenant.
    Everything,
    /// Where it holds a role.
    Holdings(Vec<Holding>),
}

/// Who asks, and all about them that a decision needs. One is made for each request, in one place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// Who.
    pub principal: Principal,
    /// The same, as it is written to the log.
    pub actor: Actor,
    /// Where to.
    pub reach: Reach,
    /// In which session; `None`: an operator or automation.
    pub session: Option<SessionId>,
    /// How the session began; `None`: an operator or automation.
    pub sign_in: Option<SignIn>,
    /// What was proved in this session, and when.
    pub factors: Vec<Proof>,
    /// From where; `None`: from within the machine, without a connection.
    pub address: Option<IpAddr>,
    /// When the request began, by the host's clock.
    pub now: Timestamp,
    /// When the session began, and when it was used before this request; `None`: an operator or automation.
    pub session_times: Option<(Timestamp, Timestamp)>,
    /// Whether the account is suspended.
    pub suspended: bool,
    /// What automation's token may do: names of actions. Empty for everybody else.
    pub scopes: Vec<String>,
    /// By which name the person at the terminal speaks, as they say: nobody proves who they are there. None for everybody else.
    pub speaks_as: Option<String>,
}

impl Caller {
    /// Whoever holds the home, at its terminal: no connection, no session.
    pub fn at_the_terminal(actor: Actor, now: Timestamp) -> Self {
        Self {
            principal: Principal::Operator,
            actor,
            reach: Reach::Everything,
            session: None,
            sign_in: None,
            factors: Vec::new(),
            address: None,
            now,
            session_times: None,
            suspended: false,
            scopes: Vec::new(),
            speaks_as: None,
        }
    }

    /// The same, who speaks by this name. Whoever proved who they are keeps the name that they proved.
    #[must_use]
    pub fn known_as(mut self, name: Option<String>) -> Self {
        self.speaks_as = name.filter(|_| self.principal == Principal::Operator && self.address.is_none());
        self
    }

    /// Whoever has the operator's token, over a connection from this address.
    pub fn with_operator_token(actor: Actor, address: IpAddr, now: Timestamp) -> Self {
        Self { address: Some(address), ..Self::at_the_terminal(actor, now) }
    }

    /// The tenants that it reaches by a role, each once; `None`: all of them.
    pub fn tenants(&self) -> Option<Vec<TenantId>> {
        let Reach::Holdings(holdings) = &self.reach else { return None };
        let mut tenants: Vec<TenantId> = holdings.iter().filter_map(|holding| holding.tenant.clone()).collect();
        tenants.sort();
        tenants.dedup();
        Some(tenants)
    }

    /// When a factor that counts as the second was last proved.
    pub fn second_factor(&self) -> Option<Timestamp> {
        self.factors.iter().filter(|proof| proof.kind.is_second()).map(|proof| proof.at).max()
    }
}

/// What something is done to.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Resource {
    /// Whose it is; `None`: the platform's, or nobody's own, such as a release.
    pub tenant: Option<TenantId>,
    /// What it is, in one word, such as `installation`.
    pub kind: &'static str,
    /// Which; `None`: all of that kind.
    pub id: Option<String>,
}

impl Resource {
    /// All of a kind that a tenant has.
    pub fn of(tenant: TenantId, kind: &'static str) -> Self {
        Self { tenant: Some(tenant), kind, id: None }
    }

    /// All of a kind that is the platform's.
    pub fn of_platform(kind: &'static str) -> Self {
        Self { tenant: None, kind, id: None }
    }

    /// One of them.
    #[must_use]
    pub fn named(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }
}

/// Decides who may do what.
#[async_trait]
pub trait Decide: Send + Sync {
    /// Yes, or why not and what would be needed.
    ///
    /// # Errors
    /// What the decision rests on cannot be read: then nothing is permitted.
    async fn decide(
        &self,
        caller: &Caller,
        action: &Action,
        resource: &Resource,
    ) -> Result<Result<(), Refusal>, StoreError>;
}
