//! `POST /audit/witnesses`: has the log cosigned by one more.

use axum::http::StatusCode;
use portcullis_broker::witness::WitnessUrl;
use portcullis_model::{
    audit::plain,
    people::{Principal, Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{NewWitness, Ports, ask_witnesses::ASK, log};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// The longest name, in characters.
const NAME: usize = 100;

/// Adds a witness.
pub struct Add;

/// Which.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = NewLogWitness)]
pub struct Adding {
    /// What to call it here.
    #[schema(min_length = 1, max_length = 100)]
    name: String,
    /// Where it answers, without `add-checkpoint`.
    url: String,
    /// Its public key, for cosignatures.
    vkey: String,
}

/// A witness that is asked from now on, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
#[schema(as = LogWitnessAdded)]
pub struct Added {
    /// Whether this was a rehearsal: nothing was added then.
    #[serde(rename = "dry_run")]
    dry_run: bool,
    /// What it is called here.
    name: String,
    /// What it is called in signatures.
    witness: String,
    /// This log's public key, which it must know.
    log_key: String,
}

impl Operation for Add {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Adding>;
    type Answer = Added;

    const ABOUT: About =
        About::post(actions::AUDIT_WITNESSES_CHANGE, "/audit/witnesses", "Have the log cosigned by a witness")
            .id("audit.witnesses.add")
            .text(
                "By C2SP tlog-witness. It must know this log's key, and is asked by the running host from then on. One on this machine is \
                 added by the operator alone.",
            )
            .on(On::Host)
            .dry_run()
            .answers(StatusCode::CREATED, "application/json")
            .refuses(&[Reason::Conflict, Reason::Refused]);

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Sent<Adding>) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Added>, Problem> {
        let Adding { name, url, vkey } = call.body.0.clone();
        named(&name)?;
        let new = NewWitness { name, url, vkey: vkey.trim().to_owned() };
        let witness = ports.upkeep.known_as(&new)?;
        // Its answers are told: whoever else could name any port would learn what listens here.
        if call.caller.principal != Principal::Operator && WitnessUrl::parse(&new.url).is_ok_and(|url| url.is_local()) {
            let advice = "url: only the operator has a witness on this machine asked; expected 'https://'.";
            return Err(Problem::new(Reason::WrongBody, advice));
        }
        if ports.upkeep.witnesses().await?.iter().any(|one| one.name == new.name) {
            return Err(there_already());
        }
        let log_key = ports.proofs.keys().await?.key;
        let added = Added { dry_run: call.dry_run, name: new.name.clone(), witness, log_key };
        if call.dry_run {
            return Ok(Reply::json(added).tried());
        }
        match ports.upkeep.add_witness(&new, call.actor()).await? {
            true => Ok(Reply::json(added).found_at("/audit/witnesses".to_owned())),
            false => Err(there_already()),
        }
    }
}

/// It is a part of a path, beside what asks them all.
fn named(name: &str) -> Result<(), Problem> {
    let fits = (1..=NAME).contains(&name.chars().count()) && name == plain(name);
    match (fits, name == ASK) {
        (true, false) => Ok(()),
        (true, true) => Err(Problem::new(Reason::WrongBody, "name: another one; this is what asks them all.")),
        (false, _) => {
            let advice = "name: expected 1 to 100 characters without control characters, such as 'harbour'.";
            Err(Problem::new(Reason::WrongBody, advice))
        }
    }
}

fn there_already() -> Problem {
    Problem::new(Reason::Conflict, "There is a witness of this name already; remove it first.")
}
