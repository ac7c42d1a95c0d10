//! `GET`, `PUT` and `DELETE /rotation/policies/{scope}`: how old credentials may get, of the host, a tenant or an installation.

use portcullis_model::{
    audit::{Entry, Kind, plain},
    id::{Digest, InstallationId, TenantId},
    installation::Installation,
    people::{Resource, actions},
    rotation::{Policy, Scope, Window},
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::Ports;
use crate::{
    admin::{
        About, Bare, Call, Nothing, On, Operation, Reply, Sent, Version, unavailable, unknown,
        v1::{no_installation, people::pinned},
    },
    problem::{Problem, Reason},
};

/// Shows a policy.
pub struct Get;

/// Sets a policy.
pub struct Set;

/// Takes a policy away.
pub struct Clear;

/// Whose policy.
#[derive(Deserialize, IntoParams)]
pub struct Whose {
    /// `host`, `tenant:` and a tenant's id, or `installation:` and an installation's.
    scope: String,
}

/// What credentials may be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = RotationPolicyTerms)]
pub struct Setting {
    /// How old one may get, in seconds.
    #[schema(minimum = 3600)]
    max_age: Option<u64>,
    /// How long an old signing key or secret is good beside the new one, in seconds.
    overlap: Option<u64>,
    /// When they may be rotated, such as `sat,sun 22:00-06:00`, in UTC or with a fixed offset behind it. Empty: at any time.
    #[serde(default)]
    #[schema(max_items = 16)]
    windows: Vec<String>,
}

/// A policy of rotation.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RotationPolicy)]
pub struct PolicyView {
    /// Whose: `host`, or a tenant or an installation by its id.
    pub(super) scope: String,
    /// What it says; null where there is none.
    #[schema(value_type = Option<Object>)]
    policy: Option<Policy>,
}

/// What a policy is now, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RotationPolicyChanged)]
pub struct Changed {
    /// Whether this was a rehearsal: nothing was changed then.
    dry_run: bool,
    /// What it was; null where there was none.
    #[schema(value_type = Option<Object>)]
    before: Option<Policy>,
    /// What it is.
    #[schema(inline)]
    after: PolicyView,
}

impl PolicyView {
    pub(super) fn of(scope: &Scope, policy: Option<Policy>) -> Self {
        Self { scope: scope.to_string(), policy }
    }
}

impl Whose {
    fn read(&self) -> Result<Scope, Problem> {
        self.scope.parse().map_err(|_| unknown("Expected 'host', or 'tenant:' or 'installation:' and an id."))
    }
}

impl Setting {
    fn read(&self) -> Result<Policy, Problem> {
        let wrong = |why: String| Problem::new(Reason::WrongBody, format!("{}.", plain(&why)));
        let window = |text: &String| text.parse::<Window>().map_err(|why| wrong(format!("windows: {why}")));
        let windows = self.windows.iter().map(window);
        let policy =
            Policy { max_age: self.max_age, overlap: self.overlap, windows: windows.collect::<Result<_, _>>()? };
        if policy == Policy::default() {
            let advice = "Say what: max-age, overlap or windows. DELETE takes a policy away.";
            return Err(Problem::new(Reason::WrongBody, advice));
        }
        policy.check().map_err(|why| wrong(why.to_string()))?;
        Ok(policy)
    }
}

/// The version of a policy: another for each; 0 where there is none.
fn version(policy: Option<&Policy>) -> u64 {
    let Some(policy) = policy else { return 0 };
    let digest = Digest::of(&serde_json::to_vec(policy).unwrap_or_default()).hex();
    u64::from_str_radix(&digest[..16], 16).unwrap_or_default().max(1)
}

impl Ports {
    async fn installation(&self, id: &InstallationId) -> Result<Option<Installation>, Problem> {
        self.installations.installation(id).await.map_err(|error| unavailable(&error))
    }

    /// Whose a policy is; none: the platform's, as one of an installation that nothing is known of any more.
    pub(super) async fn owner(&self, scope: &Scope) -> Result<Option<TenantId>, Problem> {
        match scope {
            Scope::Host => Ok(None),
            Scope::Tenant(tenant) => Ok(Some(tenant.clone())),
            Scope::Installation(id) => Ok(self.installation(id).await?.map(|one| one.tenant)),
        }
    }

    async fn whose(&self, whose: &Whose) -> Result<Resource, Problem> {
        let scope = whose.read()?;
        let resource = match self.owner(&scope).await? {
            Some(tenant) => Resource::of(tenant, "rotation"),
            None => Resource::of_platform("rotation"),
        };
        Ok(resource.named(scope.to_string()))
    }

    async fn policy(&self, scope: &Scope) -> Result<Option<Policy>, Problem> {
        let all = self.store.policies().await.map_err(|error| unavailable(&error))?;
        Ok(all.into_iter().find(|(known, _)| known == scope).map(|(_, policy)| policy))
    }

    /// Puts this in the place of what whoever asks has seen.
    async fn put<O: Operation<Path = Whose>>(
        &self,
        call: &Call<O>,
        policy: Option<Policy>,
    ) -> Result<Reply<Changed>, Problem> {
        let scope = call.path.read()?;
        let before = self.policy(&scope).await?;
        pinned(call.expected, version(before.as_ref()))?;
        let new = version(policy.as_ref());
        let after = PolicyView::of(&scope, policy.clone());
        let changed = Changed { dry_run: call.dry_run, before: before.clone(), after };
        if call.dry_run {
            return Ok(Reply::json(changed).at(version(before.as_ref())).tried());
        }
        let entry = Entry::new(call.now(), Kind::RotationPolicy, call.actor(), call.resource.tenant.clone())
            .about(scope.to_string());
        let entry = match &policy {
            Some(policy) => entry.with("policy", serde_json::to_string(policy).map_err(|error| unavailable(&error))?),
            None => entry.with("cleared", true),
        };
        match self.store.put_policy(scope, before, policy, entry).await.map_err(|error| unavailable(&error))? {
            true => Ok(Reply::json(changed).at(new)),
            false => {
                Err(Problem::new(Reason::OtherVersion, "It was changed in between: look again, and send it once more."))
            }
        }
    }
}

impl Operation for Get {
    type Ports = Ports;
    type Path = Whose;
    type Query = Bare;
    type Body = Nothing;
    type Answer = PolicyView;

    const ABOUT: About = About::get(actions::ROTATION_PLAN, "/rotation/policies/{scope}", "See a policy of rotation")
        .id("rotation.policy")
        .text("Null, and its version `0`, where there is none.")
        .on(On::Tenant)
        .version(Version::Shown);

    async fn resource(ports: &Ports, path: &Whose, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.whose(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<PolicyView>, Problem> {
        let scope = call.path.read()?;
        let policy = ports.policy(&scope).await?;
        let version = version(policy.as_ref());
        Ok(Reply::json(PolicyView::of(&scope, policy)).at(version))
    }
}

impl Operation for Set {
    type Ports = Ports;
    type Path = Whose;
    type Query = Bare;
    type Body = Sent<Setting>;
    type Answer = Changed;

    const ABOUT: About =
        About::put(actions::ROTATION_POLICY_CHANGE, "/rotation/policies/{scope}", "Say how old credentials may get")
            .id("rotation.policy.set")
            .text(
                "It takes the place of the one before. Of the host's, a tenant's and an installation's the shortest age and overlap \
                 hold, and the windows of the narrowest that has any: an installation's before its tenant's before the host's.",
            )
            .on(On::Tenant)
            .dry_run()
            .version(Version::Needed);

    async fn resource(ports: &Ports, path: &Whose, _: &Bare, _: &Sent<Setting>) -> Result<Resource, Problem> {
        ports.whose(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let policy = call.body.0.read()?;
        if let Scope::Installation(id) = call.path.read()? {
            let found = ports.installation(&id).await?;
            found.ok_or_else(no_installation)?;
        }
        ports.put(&call, Some(policy)).await
    }
}

impl Operation for Clear {
    type Ports = Ports;
    type Path = Whose;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Changed;

    const ABOUT: About =
        About::delete(actions::ROTATION_POLICY_CHANGE, "/rotation/policies/{scope}", "Take a policy of rotation away")
            .id("rotation.policy.clear")
            .text("What other policies say still holds.")
            .on(On::Tenant)
            .dry_run()
            .version(Version::Needed);

    async fn resource(ports: &Ports, path: &Whose, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        ports.whose(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        ports.put(&call, None).await
    }
}
