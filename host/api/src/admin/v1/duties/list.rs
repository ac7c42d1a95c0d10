//! `GET /duties`: the catalogue: whose each duty is, how it is met, and what shows that; and what lies outside of the boundary.

use portcullis_model::{
    duty::Party,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::{super::posture::value, Ports};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Reply},
    problem::Problem,
};

/// Lists duties.
pub struct List;

/// Whose.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Only those of this party: `platform`, `subscriber`, `developer`, `reviewer` or `shared`.
    #[param(value_type = Option<String>)]
    pub(super) party: Option<Party>,
}

/// The catalogue of duties.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Duties)]
pub struct Catalogued {
    /// The duties, section by section: whose, how they are met, what an admin sees, what this host lacks of it, and which risk can be
    /// accepted.
    #[schema(value_type = Vec<Object>)]
    duties: Vec<Value>,
    /// What the host claims nothing about, with whoever answers for it.
    #[schema(value_type = Vec<Object>)]
    outside: Vec<Value>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Catalogued;

    const ABOUT: About = About::get(actions::DUTIES_LIST, "/duties", "List duties")
        .text("The same for every tenant: how one stands is said by its posture.")
        .on(On::Tenants);

    async fn resource(_: &Ports, _: &Bare, _: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(Resource::of_platform("duty"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Catalogued>, Problem> {
        let catalogue = ports.look.catalogue();
        let meant = |party: Party| call.query.party.is_none_or(|wanted| wanted == party);
        let duties = catalogue.duties.iter().filter(|duty| meant(duty.party)).map(value).collect::<Result<_, _>>()?;
        let outside = catalogue.outside.iter().filter(|one| meant(one.party)).map(value).collect::<Result<_, _>>()?;
        Ok(Reply::json(Catalogued { duties, outside }))
    }
}
