//! Who asks. One place turns a request into a [`Caller`].
//!
//! Invariants: a request from the network is whose its credential says, or nobody's; a caller that is handed in within the
//! process cannot come from the network.

use std::{net::IpAddr, sync::Arc};

use async_trait::async_trait;
use axum::http::request::Parts;
use portcullis_model::{
    audit::Actor,
    error::StoreError,
    people::{Action, Caller, Decide, Needs, Principal, Refusal, Resource, Why},
    time::Clock,
};

use super::is_operator;
use crate::{
    peers::{Client, From},
    problem::Problem,
};

/// Knows callers by what their requests carry: sessions of people, tokens of automation.
#[async_trait]
pub trait Recognise: Send + Sync {
    /// Who makes this request, from this address; `None` where it carries nothing that this one knows.
    async fn recognise(&self, head: &Parts, address: Option<IpAddr>) -> Result<Option<Caller>, Problem>;
}

/// Who makes a request.
pub(super) struct Callers {
    pub token: portcullis_model::secret::Secret,
    pub others: Vec<Arc<dyn Recognise>>,
    pub clock: Arc<dyn Clock>,
}

impl Callers {
    /// Who makes this one.
    pub async fn of(&self, head: &Parts) -> Result<Caller, Problem> {
        // Extensions are set within this process alone.
        if let Some(caller) = head.extensions.get::<Caller>() {
            return Ok(caller.clone());
        }
        // Behind the gate the client is known, whatever proxies stand between; in front of it only who is connected.
        let connected = || head.extensions.get::<From>().map(|from| from.0);
        let address = head.extensions.get::<Client>().map(|client| client.0).or_else(connected);
        for other in &self.others {
            if let Some(caller) = other.recognise(head, address).await? {
                return Ok(caller);
            }
        }
        is_operator(&self.token, &head.headers)?;
        // The token is all that is known of who holds it.
        let actor = Actor::Person { name: "operator".into() };
        let at = Caller::at_the_terminal(actor, self.clock.now());
        Ok(Caller { address, ..at })
    }
}

/// What tells callers apart, in one line.
pub(super) fn id(caller: &Caller) -> String {
    match &caller.principal {
        Principal::Operator => "operator".to_owned(),
        Principal::Person(person) => format!("person:{person}"),
        Principal::Automation(client) => format!("client:{client}"),
    }
}

/// Nobody but the operator may do anything: what holds where there are no people.
#[derive(Clone, Copy, Debug)]
pub struct OperatorOnly;

#[async_trait]
impl Decide for OperatorOnly {
    async fn decide(&self, caller: &Caller, _: &Action, _: &Resource) -> Result<Result<(), Refusal>, StoreError> {
        Ok(match caller.principal {
            Principal::Operator => Ok(()),
            _ => Err(Refusal {
                rule: Why::NoRole,
                needs: Needs::Role { one_of: Vec::new() },
                who: "Ask the operator of this host.".to_owned(),
            }),
        })
    }
}
