//! `GET /audit/bundle`: entries and their proofs, for somebody who has no access to this host.

use std::sync::Arc;

use async_trait::async_trait;
use axum::http::StatusCode;
use portcullis_model::{
    alert::AlertId,
    audit::{Actor, query::Filter, reader::AuditReader},
    id::{IncidentId, TenantId},
    people::{Resource, actions},
};
use serde::Deserialize;
use utoipa::IntoParams;

use super::{LogError, Ports, log};
use crate::{
    admin::{
        About, Bare, Call, Nothing, On, Operation, Parcel, Reply, Streamed,
        given::wrong,
        parcel::TAR,
        unknown,
        v1::audit::{InSight, Sight},
    },
    problem::{Problem, Reason},
};

/// What it is saved as.
const NAME: &str = "audit-bundle";
/// How many hours are meant where nobody says, and the most.
const HOURS: u64 = 24;
const MOST_HOURS: u64 = 10 * 366 * 24;

/// What is put into a bundle.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chosen {
    /// What a filter means.
    Filter(Filter),
    /// What is about an incident, from so many hours before it was opened.
    Incident(IncidentId, u64),
    /// What is about an alert, and what its subject did so many hours around it.
    Alert(AlertId, u64),
}

/// Which bundle, and for whom.
pub struct Order {
    /// What is put into it.
    pub chosen: Chosen,
    /// With personal values, as far as they were not erased.
    pub personal: bool,
    /// How much of the log whoever asks sees.
    pub sight: Sight,
    /// The log, as far as they see it.
    pub reader: Arc<dyn AuditReader>,
    /// Who takes it.
    pub by: Actor,
    /// In whose logs it is written that it was taken.
    pub tenants: Vec<Option<TenantId>>,
}

/// Puts bundles together.
#[async_trait]
pub trait Bundles: Send + Sync {
    /// One as a tar. That it was taken is on record before it is given.
    ///
    /// # Errors
    /// [`LogError::Unknown`] where there is no such incident or alert, or none in sight; [`LogError::Refused`] where it would be too large;
    /// [`LogError::Conflict`] where another one of the same log is being put together or handed over; it cannot be read or written.
    async fn bundle(&self, order: Order) -> Result<Parcel, LogError>;
}

/// Takes a bundle.
pub struct Take;

/// Of what: a filter, an incident or an alert.
#[derive(Clone, Debug, Deserialize, IntoParams)]
pub struct Wanted {
    /// What is put into it, such as `kind=act.denied since=2026-11-01`; everything, where nothing is said.
    filter: Option<String>,
    /// What is about this incident. For those who read the platform's log.
    #[param(value_type = Option<String>)]
    incident: Option<IncidentId>,
    /// What is about this alert. For those who read the platform's log.
    #[param(value_type = Option<String>)]
    alert: Option<AlertId>,
    /// From so many hours before an incident was opened; so many hours before and after an alert.
    #[param(maximum = 87840, default = 24)]
    hours: Option<u64>,
    /// With personal values, as far as they were not erased. Without, what commits to them stands for them.
    personal: Option<bool>,
}

impl Operation for Take {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Streamed;

    const ABOUT: About =
        About::get(actions::AUDIT_BUNDLE, "/audit/bundle", "Take entries of the log along, with their proofs")
            .text(
                "A tar with all that somebody without access to this host needs to check it, at most 100,000 entries of what is \
                 published. That it was taken is recorded, with the digest of its manifest.",
            )
            .answers(StatusCode::OK, TAR)
            .on(On::Tenants)
            .refuses(&[Reason::Unknown, Reason::Conflict, Reason::Refused]);

    async fn resource(_: &Ports, _: &Bare, _: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Streamed>, Problem> {
        let sight = Sight::of(&call).await?;
        let chosen = call.query.chosen(&sight)?;
        if !matches!(chosen, Chosen::Filter(_)) && !call.on_platform().await? {
            return Err(unknown("There is nothing of this name that you may see; say with a filter what is meant."));
        }
        let order = Order {
            chosen,
            personal: call.query.personal.unwrap_or_default(),
            tenants: sight.tenants(),
            reader: Arc::new(InSight { reader: ports.reader.clone(), sight: sight.clone() }),
            sight,
            by: call.actor(),
        };
        Ok(Reply::raw(ports.bundles.bundle(order).await?.answer(NAME)))
    }
}

impl Wanted {
    fn chosen(&self, sight: &Sight) -> Result<Chosen, Problem> {
        let hours = self.hours.unwrap_or(HOURS);
        if hours > MOST_HOURS {
            return Err(wrong(format!("hours: expected at most {MOST_HOURS}.")));
        }
        match (&self.filter, &self.incident, self.alert) {
            (filter, None, None) => {
                let filter: Result<Filter, _> = filter.as_deref().unwrap_or_default().parse();
                sight.met(&filter.map_err(|error| wrong(format!("filter: {error}.")))?).map(Chosen::Filter)
            }
            (None, Some(id), None) => Ok(Chosen::Incident(id.clone(), hours)),
            (None, None, Some(id)) => Ok(Chosen::Alert(id, hours)),
            _ => Err(wrong("Give one of filter, incident and alert.")),
        }
    }
}
