//! A decision: everything about the caller, the place and the request is put before Cedar; what Cedar names as its reason becomes the
//! refusal.
//!
//! Invariants: the limits are the meet of the platform's, each profile's and the tenant's (ACC-9); a policy that cannot be evaluated is
//! a no, never skipped; a refusal for the lack of a second factor is given only where the second factor would change the answer.

use std::{
    collections::{BTreeMap, HashSet},
    net::{IpAddr, Ipv4Addr},
    str::FromStr as _,
    sync::OnceLock,
};

use async_trait::async_trait;
use cedar_policy::{
    Authorizer, Context, Decision, Entities, Entity, EntityId, EntityTypeName, EntityUid, PolicySet, Request,
    RestrictedExpression,
};
use portcullis_model::{
    audit::Actor,
    error::StoreError,
    id::{RoleName, TenantId},
    people::{
        ACTIONS, Action, BuiltIn, Caller, Decide, FactorKind, Holding, Limits, Needs, Principal, Proof, Reach, Refusal,
        Resource, Role, SignIn, Why,
    },
    time::Timestamp,
};

use crate::{
    Access, AccessError,
    policy::{Place, Policies, PolicyError, of_place},
};

/// What holds at a place.
pub(crate) struct Standing {
    pub limits: Limits,
    pub single_sign_on: bool,
    pub roles: Vec<Role>,
    pub policies: PolicySet,
}

impl Access {
    /// What the layers allow at a place, met.
    ///
    /// # Errors
    /// Storage.
    pub async fn limits_at(&self, place: Option<&TenantId>) -> Result<Limits, StoreError> {
        let own = self.store.access_settings(place).await?.limits;
        self.limits_with(place, &own).await
    }

    /// The same, if the place had set these.
    ///
    /// # Errors
    /// Storage.
    pub async fn limits_with(&self, place: Option<&TenantId>, own: &Limits) -> Result<Limits, StoreError> {
        let mut limits = Limits::baseline().meet(own);
        if let Some(tenant) = place {
            limits = limits.meet(&self.store.access_settings(None).await?.limits);
            for profile in self.profiles.limits_of(tenant).await? {
                limits = limits.meet(&profile);
            }
        }
        Ok(limits)
    }

    pub(crate) async fn standing(&self, place: Option<&TenantId>) -> Result<Standing, StoreError> {
        let limits = self.limits_at(place).await?;
        let (mut single_sign_on, mut roles) = (false, Vec::new());
        if let Some(tenant) = place {
            single_sign_on = self.store.access_settings(Some(tenant)).await?.provider.is_some_and(|one| one.only);
            roles = self.store.roles(tenant).await?;
        }
        let policies = self.policies.with(of_place(place, &roles, &limits)).map_err(broken)?;
        Ok(Standing { limits, single_sign_on, roles, policies })
    }

    /// Whether a role permits everything that another one permits, at a place: nobody gives away more than they have.
    ///
    /// # Errors
    /// What the caller lacks, or storage.
    pub(crate) async fn covers(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        given: &Given<'_>,
    ) -> Result<(), AccessError> {
        let standing = self.standing(place).await?;
        for (action, resource) in given.acts(&standing, place)? {
            if let Err(refusal) = asked(&self.policies, &standing, caller, action, &resource)? {
                return Err(AccessError::Refused(refusal));
            }
        }
        Ok(())
    }
}

impl Access {
    /// Whether somebody with these roles may do one of these acts at a place, and all that a role may: as fresh and as near as can be,
    /// since they are not here to be asked.
    pub(crate) async fn holders_give(
        &self,
        holdings: Vec<Holding>,
        one_of: &[&Action],
        place: Option<&TenantId>,
        role: &RoleName,
    ) -> Result<bool, StoreError> {
        let standing = self.standing(place).await?;
        let near = nearby(&self.policies, &standing, place)?;
        let now = self.clock.now();
        let holder = Caller {
            reach: Reach::Holdings(holdings),
            factors: vec![Proof { kind: FactorKind::Passkey, at: now }],
            session_times: Some((now, now)),
            now,
            ..ideal(place, role)
        };
        let may = |action: &Action, resource: &Resource| {
            reason(&self.policies, &near, &holder, action, resource).map(|why| why.is_none())
        };
        let people = Resource { tenant: place.cloned(), kind: "person", id: None };
        let mut makes = false;
        for action in one_of {
            makes = makes || may(action, &people)?;
        }
        for (action, resource) in Given::Role(role).acts(&near, place)? {
            makes = makes && may(action, &resource)?;
        }
        Ok(makes)
    }
}

/// What is to be given away.
pub(crate) enum Given<'a> {
    /// A role that is there already.
    Role(&'a RoleName),
    /// A role that is about to be written.
    New(&'a Role),
}

impl Given<'_> {
    /// Each act that it permits.
    fn acts(
        &self,
        standing: &Standing,
        place: Option<&TenantId>,
    ) -> Result<Vec<(&'static Action, Resource)>, StoreError> {
        let of = |kind| Resource { tenant: place.cloned(), kind, id: None };
        let mut acts = Vec::new();
        let own = match self {
            Self::New(role) => Some(*role),
            Self::Role(name) => standing.roles.iter().find(|role| role.name == **name),
        };
        if let Some(role) = own {
            for rule in role.rules.iter().filter(|rule| !rule.forbid) {
                // Even where the line names resources: whoever gives it may do it everywhere there.
                acts.extend(rule.actions.iter().filter_map(|name| Action::named(name)).map(|act| (act, of("all"))));
            }
        } else if let Self::Role(name) = self
            && BuiltIn::of(name).is_some()
        {
            acts.extend(built_in_acts(place.is_some(), name)?.iter().map(|action| (*action, of("all"))));
        }
        Ok(acts)
    }
}

type ActsByRole = BTreeMap<RoleName, Vec<&'static Action>>;

/// What a built-in role permits, in any tenant or on the platform. It follows from the policies that come with the host alone, so it is
/// asked once.
pub(crate) fn built_in_acts(in_tenant: bool, role: &RoleName) -> Result<&'static [&'static Action], StoreError> {
    static ASKED: OnceLock<Result<[ActsByRole; 2], StoreError>> = OnceLock::new();
    let asked = ASKED.get_or_init(|| {
        let policies = Policies::built_in().map_err(broken)?;
        Ok([acts_of_all(&policies, false)?, acts_of_all(&policies, true)?])
    });
    let all = asked.as_ref().map_err(Clone::clone)?;
    Ok(all[usize::from(in_tenant)].get(role).map(Vec::as_slice).unwrap_or_default())
}

fn acts_of_all(policies: &Policies, in_tenant: bool) -> Result<ActsByRole, StoreError> {
    // Built-in policies know of no tenant by its name.
    let place: Option<TenantId> = in_tenant.then(|| "any".parse().ok()).flatten();
    let limits = Limits::baseline();
    let standing = Standing {
        policies: policies.with(of_place(place.as_ref(), &[], &limits)).map_err(broken)?,
        limits,
        single_sign_on: false,
        roles: Vec::new(),
    };
    let resource = Resource { tenant: place.clone(), kind: "all", id: None };
    let mut all = BTreeMap::new();
    for role in BuiltIn::ALL.into_iter().filter_map(|role| role.name().parse::<RoleName>().ok()) {
        let (holder, mut acts) = (ideal(place.as_ref(), &role), Vec::new());
        for action in ACTIONS {
            if reason(policies, &standing, &holder, action, &resource)?.is_none() {
                acts.push(action);
            }
        }
        all.insert(role, acts);
    }
    Ok(all)
}

#[async_trait]
impl Decide for Access {
    async fn decide(
        &self,
        caller: &Caller,
        action: &Action,
        resource: &Resource,
    ) -> Result<Result<(), Refusal>, StoreError> {
        let standing = self.standing(resource.tenant.as_ref()).await?;
        asked(&self.policies, &standing, caller, action, resource)
    }
}

/// Somebody with this role there and nothing against them: as fresh, as near and as trusted as can be.
pub(crate) fn ideal(place: Option<&TenantId>, role: &RoleName) -> Caller {
    let now = Timestamp(0);
    let actor = Actor::Host;
    let support = role.as_str() == BuiltIn::Support.name();
    let holding = Holding {
        tenant: place.cloned(),
        role: role.clone(),
        until: None,
        support: support.then(|| "sup_0".parse().ok()).flatten().map(|id| (id, true)),
        break_glass: true,
    };
    Caller {
        principal: "per_0".parse().map_or(Principal::Operator, Principal::Person),
        reach: Reach::Holdings(vec![holding]),
        sign_in: Some(SignIn::Native),
        factors: vec![Proof { kind: FactorKind::Passkey, at: now }],
        session_times: Some((now, now)),
        address: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)),
        ..Caller::at_the_terminal(actor, now)
    }
}

/// Asks Cedar.
pub(crate) fn asked(
    policies: &Policies,
    standing: &Standing,
    caller: &Caller,
    action: &Action,
    resource: &Resource,
) -> Result<Result<(), Refusal>, StoreError> {
    let Some(why) = reason(policies, standing, caller, action, resource)? else { return Ok(Ok(())) };
    // A second factor is asked for only where it would help.
    if why == Why::StepUp {
        let proof = Proof { kind: FactorKind::Passkey, at: caller.now };
        let fresh = Caller { factors: vec![proof], ..caller.clone() };
        if let Some(still) = reason(policies, standing, &fresh, action, resource)? {
            return refusal(policies, standing, still, action, resource).map(Err);
        }
    }
    refusal(policies, standing, why, action, resource).map(Err)
}

/// Which rule says no; `None`: none does.
fn reason(
    policies: &Policies,
    standing: &Standing,
    caller: &Caller,
    action: &Action,
    resource: &Resource,
) -> Result<Option<Why>, StoreError> {
    let (request, entities) = put(policies, standing, caller, action, resource).map_err(broken)?;
    let response = Authorizer::new().is_authorized(&request, &standing.policies, &entities);
    if let Some(error) = response.diagnostics().errors().next() {
        return Err(broken(PolicyError::new("a decision", error)));
    }
    if response.decision() == Decision::Allow {
        return Ok(None);
    }
    let rules: HashSet<String> = response
        .diagnostics()
        .reason()
        .filter_map(|id| id.to_string().split_once(':').map(|(rule, _)| rule.to_owned()))
        .collect();
    let order = [
        Why::Suspended,
        Why::SessionOver,
        Why::Address,
        Why::SingleSignOn,
        Why::Scope,
        Why::SupportNotGranted,
        Why::SupportReadsOnly,
        Why::NoRole,
        Why::StepUp,
    ];
    Ok(Some(order.into_iter().find(|why| rules.contains(why.name())).unwrap_or(Why::NoRole)))
}

fn refusal(
    policies: &Policies,
    standing: &Standing,
    why: Why,
    action: &Action,
    resource: &Resource,
) -> Result<Refusal, StoreError> {
    let place = resource.tenant.as_ref();
    let owners = place.map_or_else(|| "The operator".to_owned(), |tenant| format!("An owner of {tenant}"));
    let (needs, who) = match why {
        Why::NoRole => {
            let one_of = roles_for(policies, standing, action, resource)?;
            let who = if one_of.is_empty() { String::new() } else { format!("{owners} can give it.") };
            (Needs::Role { one_of }, who)
        }
        Why::StepUp => (Needs::StepUp { within_minutes: standing.limits.step_up_minutes }, String::new()),
        Why::Address => (Needs::Address, format!("{owners} can change the networks that people may come from.")),
        Why::SupportNotGranted | Why::SupportReadsOnly => (Needs::Support, format!("{owners} can.")),
        Why::Suspended => (Needs::SignIn, format!("The account is suspended. {owners} can let it back in.")),
        Why::SessionOver => (Needs::SignIn, String::new()),
        Why::SingleSignOn => (Needs::Provider, String::new()),
        Why::Scope => {
            let who = format!(
                "It is privileged: people prove a second factor for it, which automation cannot. {owners} can make automation that may do \
                 this all the same."
            );
            (Needs::Scope { scope: action.name.to_owned() }, who)
        }
    };
    Ok(Refusal { rule: why, needs, who })
}

/// The roles that cover an action at a place.
fn roles_for(
    policies: &Policies,
    standing: &Standing,
    action: &Action,
    resource: &Resource,
) -> Result<Vec<RoleName>, StoreError> {
    let place = resource.tenant.as_ref();
    let mut one_of: Vec<RoleName> = Vec::new();
    for role in BuiltIn::ALL.into_iter().filter_map(|role| role.name().parse().ok()) {
        if built_in_acts(place.is_some(), &role)?.contains(&action) {
            one_of.push(role);
        }
    }
    if standing.roles.is_empty() {
        return Ok(one_of);
    }
    // The question is about the role alone, wherever its holder comes from.
    let near = nearby(policies, standing, place)?;
    for role in standing.roles.iter().map(|role| role.name.clone()) {
        let holder = ideal(place, &role);
        if reason(policies, &near, &holder, action, resource)?.is_none() {
            one_of.push(role);
        }
    }
    Ok(one_of)
}

/// What holds at a place for whom neither their network nor their way of signing in matters.
fn nearby(policies: &Policies, standing: &Standing, place: Option<&TenantId>) -> Result<Standing, StoreError> {
    let (limits, roles) = (Limits::baseline(), standing.roles.clone());
    let text = of_place(place, &roles, &limits);
    Ok(Standing { policies: policies.with(text).map_err(broken)?, limits, roles, single_sign_on: false })
}

fn broken(error: PolicyError) -> StoreError {
    StoreError(format!("who may do what cannot be decided: {error}"))
}

fn seconds(minutes: u32) -> i64 {
    i64::from(minutes) * 60
}

/// Whole seconds since then. A moment in the future is no more than now, and a clock that went back ends nothing early.
fn since(now: Timestamp, then: Timestamp) -> i64 {
    (now.0 - then.0).max(0) / 1_000
}

fn uid(kind: &str, id: &str) -> Result<EntityUid, PolicyError> {
    let kind = EntityTypeName::from_str(kind).map_err(|error| PolicyError::new("an entity", error))?;
    Ok(EntityUid::from_type_name_and_id(kind, EntityId::new(id)))
}

fn text(value: &str) -> RestrictedExpression {
    RestrictedExpression::new_string(value.to_owned())
}

/// A request and all that it speaks of, in Cedar's form.
fn put(
    policies: &Policies,
    standing: &Standing,
    caller: &Caller,
    action: &Action,
    resource: &Resource,
) -> Result<(Request, Entities), PolicyError> {
    let wrong = |error: &dyn std::fmt::Display| PolicyError::new("a question", error);
    let place = uid("Place", &Place::of(resource.tenant.as_ref()).0)?;
    let named = format!("{}:{}", resource.kind, resource.id.as_deref().unwrap_or_default());
    let about = uid("Resource", &named)?;
    let what = Entity::new(
        about.clone(),
        [("place".to_owned(), RestrictedExpression::new_entity_uid(place.clone())), ("named".to_owned(), text(&named))]
            .into(),
        HashSet::new(),
    )
    .map_err(|error| wrong(&error))?;
    let who = principal(caller)?;
    let id = who.uid();
    let entities = Entities::from_entities([who, what], Some(&policies.schema)).map_err(|error| wrong(&error))?;
    let acts = uid("Action", action.name)?;
    let context = Context::from_pairs(context(standing, caller, action, resource)?).map_err(|error| wrong(&error))?;
    let request = Request::new(id, acts, about, context, Some(&policies.schema)).map_err(|error| wrong(&error))?;
    Ok((request, entities))
}

/// The holdings that hold now.
fn live(caller: &Caller) -> Vec<&Holding> {
    let Reach::Holdings(holdings) = &caller.reach else { return Vec::new() };
    holdings.iter().filter(|holding| holding.until.is_none_or(|until| caller.now < until)).collect()
}

fn principal(caller: &Caller) -> Result<Entity, PolicyError> {
    let wrong = |error: &dyn std::fmt::Display| PolicyError::new("a caller", error);
    let mut holdings = Vec::new();
    for holding in live(caller) {
        let place = uid("Place", &Place::of(holding.tenant.as_ref()).0)?;
        let record = RestrictedExpression::new_record([
            ("place".to_owned(), RestrictedExpression::new_entity_uid(place)),
            ("role".to_owned(), text(holding.role.as_str())),
        ]);
        holdings.push(record.map_err(|error| wrong(&error))?);
    }
    let holdings = ("holdings".to_owned(), RestrictedExpression::new_set(holdings));
    let (id, attributes) = match &caller.principal {
        Principal::Operator => (uid("Operator", "operator")?, Vec::new()),
        Principal::Person(person) => {
            let suspended = ("suspended".to_owned(), RestrictedExpression::new_bool(caller.suspended));
            (uid("Person", person.as_str())?, vec![holdings, suspended])
        }
        Principal::Automation(client) => {
            let scopes = RestrictedExpression::new_set(caller.scopes.iter().map(|scope| text(scope)));
            (uid("Automation", client.as_str())?, vec![holdings, ("scopes".to_owned(), scopes)])
        }
    };
    Entity::new(id, attributes.into_iter().collect(), HashSet::new()).map_err(|error| wrong(&error))
}

fn context(
    standing: &Standing,
    caller: &Caller,
    action: &Action,
    resource: &Resource,
) -> Result<Vec<(String, RestrictedExpression)>, PolicyError> {
    let wrong = |error: &dyn std::fmt::Display| PolicyError::new("a question", error);
    let (long, yes) = (RestrictedExpression::new_long, RestrictedExpression::new_bool);
    let limits = &standing.limits;
    let record = RestrictedExpression::new_record([
        ("age".to_owned(), long(seconds(limits.absolute_minutes))),
        ("idle".to_owned(), long(seconds(limits.idle_minutes))),
        ("step_up".to_owned(), long(seconds(limits.step_up_minutes))),
    ]);
    let here: Vec<&Holding> = live(caller).into_iter().filter(|one| one.tenant == resource.tenant).collect();
    let is_member = here.iter().any(|holding| holding.support.is_none());
    let support = here.iter().find_map(|holding| holding.support.as_ref());
    let mut pairs = vec![
        ("action".to_owned(), text(action.name)),
        ("privileged".to_owned(), yes(action.privileged)),
        ("read_only".to_owned(), yes(action.read_only)),
        ("limits".to_owned(), record.map_err(|error| wrong(&error))?),
        // Support that is let in has no account at the tenant's provider; a member has, let in as support or not.
        ("single_sign_on".to_owned(), yes(standing.single_sign_on && (support.is_none() || is_member))),
        ("break_glass".to_owned(), yes(here.iter().any(|holding| holding.break_glass))),
        ("support_live".to_owned(), yes(support.is_some())),
        ("support_may_change".to_owned(), yes(support.is_some_and(|(_, may_change)| *may_change))),
    ];
    if let Some(address) = caller.address {
        pairs.push(("address".to_owned(), RestrictedExpression::new_ip(address.to_canonical().to_string())));
    }
    if let Some((began, used)) = caller.session_times {
        let mut session = vec![
            ("age".to_owned(), long(since(caller.now, began))),
            ("idle".to_owned(), long(since(caller.now, used))),
            ("native".to_owned(), yes(!matches!(caller.sign_in, Some(SignIn::Provider { .. })))),
        ];
        if let Some(SignIn::Provider { tenant }) = &caller.sign_in {
            let place = uid("Place", &Place::of(Some(tenant)).0)?;
            session.push(("provider_of".to_owned(), RestrictedExpression::new_entity_uid(place)));
        }
        pairs.push(("session".to_owned(), RestrictedExpression::new_record(session).map_err(|error| wrong(&error))?));
    }
    if let Some(at) = caller.second_factor() {
        pairs.push(("second_factor_age".to_owned(), long(since(caller.now, at))));
    }
    Ok(pairs)
}
