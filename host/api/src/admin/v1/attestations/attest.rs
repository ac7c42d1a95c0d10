//! `POST /attestations`: says, by name and for a time, that a duty is met.

use axum::http::StatusCode;
use portcullis_duties::catalogue::How;
use portcullis_model::{
    duty::Party,
    id::{DutyId, TenantId},
    people::{Principal, Resource, actions},
};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{
    super::posture::{party, refused, until as end, who},
    AttestationView, Ports,
};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, v1::within::of_tenant},
    problem::{Problem, Reason},
};

/// Attests a duty.
pub struct Attest;

/// What is said.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Attesting {
    /// About which duty.
    #[schema(value_type = String)]
    duty: DutyId,
    /// Of which tenant. Absent for what the platform says for all of its tenants.
    #[schema(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// For which party: only whoever holds the host itself says for whom; everybody else speaks for the subscriber in a tenant, and for
    /// the platform elsewhere.
    #[schema(value_type = Option<String>)]
    party: Option<Party>,
    /// What is said, in a sentence.
    #[schema(min_length = 10, max_length = 500)]
    statement: String,
    /// Until when it counts: a time such as `2026-12-01T09:30:00Z`, or a day. As long as it may, where it is not there.
    until: Option<String>,
}

impl Operation for Attest {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Attesting>;
    type Answer = AttestationView;

    const ABOUT: About = About::post(actions::ATTESTATIONS_ATTEST, "/attestations", "Say that a duty is met")
        .text("It counts until its day, at most as long as the catalogue says, and lapses by itself.")
        .on(On::Tenant)
        .answers(StatusCode::CREATED, "application/json")
        .refuses(&[Reason::Refused]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, body: &Sent<Attesting>) -> Result<Resource, Problem> {
        Ok(of_tenant(body.0.tenant.as_ref(), "attestation"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<AttestationView>, Problem> {
        if matches!(call.caller.principal, Principal::Automation(_)) {
            return Err(Problem::new(Reason::Refused, "This is a person's word: sign in, and say it by name."));
        }
        let Attesting { duty, tenant, party: named, statement, until } = call.body.0.clone();
        let by = ports.look.catalogue().duty(&duty).and_then(|found| match &found.how {
            How::Attested(rule) => Some(rule.by),
            _ => None,
        });
        let usual = match (by, &tenant) {
            (None | Some(Party::Shared), Some(_)) => Party::Subscriber,
            (None | Some(Party::Shared), None) => Party::Platform,
            (Some(by), _) => by,
        };
        let speaks = party(&call.caller, tenant.as_ref(), named, usual);
        if speaks == Party::Subscriber && tenant.is_none() {
            return Err(Problem::new(Reason::WrongBody, "tenant: a subscriber speaks for one tenant; name it."));
        }
        let until = until.as_deref().map(end).transpose()?;
        let who = who(&call.caller, speaks);
        let said = ports.desk().attest(&who, &duty, tenant, &statement, until).await.map_err(refused)?;
        Ok(Reply::json(AttestationView::of(said, call.now())).found_at("/attestations".to_owned()))
    }
}
