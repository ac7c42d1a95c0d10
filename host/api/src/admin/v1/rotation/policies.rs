//! `GET /rotation/policies`: how old credentials may get, where anybody has said so.

use portcullis_model::people::{Resource, actions};

use super::{Ports, policy::PolicyView};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable},
    problem::Problem,
};

/// Lists policies.
pub struct List;

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<PolicyView>;

    const ABOUT: About = About::get(actions::ROTATION_PLAN, "/rotation/policies", "List policies of rotation")
        .id("rotation.policies")
        .text("The host's, those of tenants and of installations. Of several the shortest age and overlap hold, and the windows of the narrowest that has any.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("rotation"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let mut all = Vec::new();
        for (scope, policy) in ports.store.policies().await.map_err(|error| unavailable(&error))? {
            all.push((ports.owner(&scope).await?, PolicyView::of(&scope, Some(policy))));
        }
        let (seen, platform) =
            (call.seen(all.iter().filter_map(|(owner, _)| owner.clone())).await?, call.on_platform().await?);
        all.retain(|(owner, _)| owner.as_ref().map_or(platform, |owner| seen.contains(owner)));
        all.sort_by(|(_, one), (_, other)| one.scope.cmp(&other.scope));
        call.page(all.into_iter().map(|(_, view)| view), |one| one.scope.clone()).map(Reply::json)
    }
}
