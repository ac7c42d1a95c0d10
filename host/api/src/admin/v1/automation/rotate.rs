//! `POST /automation/{id}/key`: gives a program another public key.

use std::time::Duration;

use portcullis_model::people::{Resource, actions};
use serde::Deserialize;
use utoipa::ToSchema;

use super::{AutomationView, Changed, Ports, Which, Whose, key, refused};
use crate::{
    admin::{About, Call, On, Operation, Reply, Sent},
    problem::{Problem, Reason},
};

/// The longest time for which the key before stays good, in minutes: thirty days.
const LONGEST: u32 = 30 * 24 * 60;
/// How long it does where nobody says: a day.
const USUAL: u32 = 24 * 60;

/// Gives one another key.
pub struct Rotate;

/// The next key.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[schema(as = NextAutomationKey)]
pub struct Next {
    /// The next public key, as for a new one.
    #[schema(max_length = 4096)]
    public_key: String,
    /// For how long the key before stays good; 0: it ends at once, with its tokens. A day, where it is not there.
    #[schema(maximum = 43200)]
    overlap_minutes: Option<u32>,
}

impl Operation for Rotate {
    type Ports = Ports;
    type Path = Which;
    type Query = Whose;
    type Body = Sent<Next>;
    type Answer = Changed;

    const ABOUT: About = About::post(actions::PEOPLE_CHANGE, "/automation/{id}/key", "Give a program another key")
        .id("automation.rotate")
        .on(On::Tenant)
        .dry_run()
        .refuses(&[Reason::Conflict, Reason::Unknown]);

    async fn resource(_: &Ports, path: &Which, query: &Whose, _: &Sent<Next>) -> Result<Resource, Problem> {
        Ok(query.resource(Some(path.id.as_str())))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Changed>, Problem> {
        let Next { public_key, overlap_minutes } = &call.body.0;
        let minutes = overlap_minutes.unwrap_or(USUAL);
        if minutes > LONGEST {
            let why = format!("overlap-minutes: at most {LONGEST}, which is thirty days.");
            return Err(Problem::new(Reason::WrongBody, why));
        }
        let (key, overlap) = (key(public_key)?, Duration::from_secs(u64::from(minutes) * 60));
        let (access, tenant) = (ports.acting(call.dry_run)?, &call.query.tenant);
        let changed = access.rotate_automation(&call.caller, tenant, call.path.id.as_str(), key, overlap).await;
        let view = AutomationView::of(&changed.map_err(refused)?, call.now());
        let reply = Reply::json(Changed { dry_run: call.dry_run, automation: view });
        Ok(if call.dry_run { reply.tried() } else { reply })
    }
}
