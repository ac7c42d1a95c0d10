//! `GET /withdrawals`: what was withdrawn or put into quarantine, and by whom.

use portcullis_model::{
    audit::plain,
    id::TenantId,
    people::{Resource, actions},
    trust::RootScope,
};
use portcullis_packages::trust::{By, InForce, withdrawal::Target};
use serde::Serialize;
use utoipa::ToSchema;

use super::{Ports, name_of};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply},
    problem::Problem,
};

/// Lists withdrawals.
pub struct List;

/// A withdrawal that is in force.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Withdrawal)]
pub struct WithdrawalView {
    /// The digest of what was signed: what a lift names.
    digest: String,
    /// What it is about, in words.
    target: String,
    /// The same, part by part.
    #[schema(value_type = Object)]
    about: Target,
    /// By whom: `publisher`, `platform`, or `tenant` and its name.
    by: String,
    /// Why, in the words of whoever signed it.
    reason: String,
}

fn tenant(one: &InForce) -> Option<&TenantId> {
    match &one.by {
        By::Root(RootScope::Tenant(tenant)) => Some(tenant),
        _ => None,
    }
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Nothing;
    type Answer = Page<WithdrawalView>;

    const ABOUT: About = About::get(actions::WITHDRAWALS_LIST, "/withdrawals", "List withdrawals and quarantines")
        .text("Those of publishers and of the platform concern everybody; a tenant's own ones are seen in that tenant alone.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("withdrawal"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Self::Answer>, Problem> {
        let trust = ports.trust().await?;
        let seen = call.seen(trust.withdrawals().iter().filter_map(tenant).cloned()).await?;
        let own = |one: &&InForce| tenant(one).is_none_or(|tenant| seen.contains(tenant));
        let view = |one: &InForce| WithdrawalView {
            digest: one.digest.to_string(),
            target: one.target.to_string(),
            about: one.target.clone(),
            by: name_of(&one.by),
            reason: plain(&one.reason),
        };
        let all: Vec<WithdrawalView> = trust.withdrawals().iter().filter(own).map(view).collect();
        call.page(all.into_iter(), |one| one.digest.clone()).map(Reply::json)
    }
}
