//! `POST /attestations/{number}/withdraw`: takes back what was said.

use portcullis_model::{
    duty::{Attestation, Party},
    people::{Principal, Resource, actions},
};
use serde::Deserialize;
use utoipa::{IntoParams, ToSchema};

use super::{
    super::posture::{party, refused, who},
    AttestationView, Ports,
};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, unavailable, unknown, v1::within::of_tenant},
    problem::{Problem, Reason},
};

/// Takes an attestation back.
pub struct Withdraw;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Which {
    /// Its number.
    number: u64,
}

/// Why.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TakingBack {
    /// Stands in the audit log.
    #[schema(min_length = 10, max_length = 500)]
    reason: String,
    /// For which party: only whoever holds the host itself says for whom; the one that said it, where it is not there.
    #[schema(value_type = Option<String>)]
    party: Option<Party>,
}

impl Ports {
    async fn said(&self, number: u64) -> Result<Attestation, Problem> {
        let all = self.duties.duty_state().await.map_err(|error| unavailable(&error))?.attestations;
        let found = all.into_iter().find(|one| one.number == number);
        found.ok_or_else(|| unknown("There is no attestation with this number; see GET /admin/v1/attestations."))
    }
}

impl Operation for Withdraw {
    type Ports = Ports;
    type Path = Which;
    type Query = Bare;
    type Body = Sent<TakingBack>;
    type Answer = AttestationView;

    const ABOUT: About =
        About::post(actions::ATTESTATIONS_ATTEST, "/attestations/{number}/withdraw", "Take back what was attested")
            .id("attestations.withdraw")
            .text("For the party that said it. The duty is open from then on.")
            .on(On::Tenant)
            .refuses(&[Reason::Refused]);

    async fn resource(ports: &Ports, path: &Which, _: &Bare, _: &Sent<TakingBack>) -> Result<Resource, Problem> {
        let said = ports.said(path.number).await?;
        Ok(of_tenant(said.tenant.as_ref(), "attestation").named(path.number.to_string()))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<AttestationView>, Problem> {
        if matches!(call.caller.principal, Principal::Automation(_)) {
            return Err(Problem::new(Reason::Refused, "This is a person's word: sign in, and say it by name."));
        }
        let said = ports.said(call.path.number).await?;
        let speaks = party(&call.caller, said.tenant.as_ref(), call.body.0.party.or(Some(said.party)), said.party);
        let who = who(&call.caller, speaks);
        let said = ports.desk().unsay(&who, call.path.number, &call.body.0.reason).await.map_err(refused)?;
        Ok(Reply::json(AttestationView { counts: false, attestation: said }))
    }
}
