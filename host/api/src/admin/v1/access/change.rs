//! `PUT /access`: how long people stay signed in, and from where they may come.

use portcullis_model::people::{AccessSettings, Limits, Network, Resource, actions};

use super::{At, LimitsView, Ports, Rules, refused};
use crate::{
    admin::{About, Bare, Call, On, Operation, Reply, Sent, Version, unavailable, v1::people::pinned},
    problem::{Problem, Reason},
};

/// Changes the limits of access.
pub struct Change;

impl Operation for Change {
    type Ports = Ports;
    type Path = Bare;
    type Query = At;
    type Body = Sent<LimitsView>;
    type Answer = Rules;

    const ABOUT: About =
        About::put(actions::ACCESS_CHANGE, "/access", "Change from where and how long people sign in")
            .text(
                "The body takes the place of what this tenant, or the platform, has set. Looser than what another layer says has no \
                 effect. Networks in which whoever asks is not are refused.",
            )
            .on(On::Tenant)
            .dry_run()
            .version(Version::Needed)
            .refuses(&[Reason::Conflict]);

    async fn resource(_: &Ports, _: &Bare, query: &At, _: &Sent<LimitsView>) -> Result<Resource, Problem> {
        Ok(query.resource("access"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Rules>, Problem> {
        let (access, place) = (ports.acting(call.dry_run)?, call.query.tenant.as_ref());
        let before = access.settings(&call.caller, place).await.map_err(refused)?;
        pinned(call.expected, before.version)?;
        let limits = read(&call.body.0)?;
        let new = AccessSettings { limits: limits.clone(), ..before.clone() };
        let holds = access.limits_with(place, &limits).await.map_err(|error| unavailable(&error))?;
        let after = access.set_settings(&call.caller, place, new).await.map_err(refused)?;
        let rules = Reply::json(Rules::of(&after, &holds));
        Ok(if call.dry_run { rules.at(before.version).tried() } else { rules.at(after.version) })
    }
}

fn read(view: &LimitsView) -> Result<Limits, Problem> {
    let network = |text: &String| {
        let read = text.trim().parse::<Network>();
        read.map_err(|error| {
            let text: String = portcullis_model::audit::plain(text).chars().take(60).collect();
            Problem::new(Reason::WrongBody, format!("networks: '{text}' is none: {error}."))
        })
    };
    let lists = view.networks.iter().map(|list| list.iter().map(network).collect::<Result<Vec<_>, _>>());
    Ok(Limits {
        idle_minutes: view.idle_minutes,
        absolute_minutes: view.absolute_minutes,
        step_up_minutes: view.step_up_minutes,
        networks: lists.collect::<Result<_, _>>()?,
    })
}
