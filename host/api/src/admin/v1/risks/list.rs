//! `GET /risks`: risks that were proposed, the newest first, and what became of them; and those that are kept elsewhere.

use portcullis_duties::look::Elsewhere;
use portcullis_model::{
    duty::{Risk, RiskAbout},
    id::{Digest, InstallationId, TenantId},
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{Ports, RiskView, days};
use crate::{
    admin::{About, Bare, Call, Nothing, On, Operation, Page, Reply, unavailable, v1::within::of_tenant},
    problem::Problem,
};

/// Lists risks.
pub struct List;

/// Which.
#[derive(Deserialize, IntoParams)]
pub struct Wanted {
    /// Only those of this tenant.
    #[param(value_type = Option<String>)]
    tenant: Option<TenantId>,
    /// Only those about a connection of this installation.
    #[param(value_type = Option<String>)]
    installation: Option<InstallationId>,
}

/// Risks.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RiskPage)]
pub struct Risks {
    /// Those that were proposed, the newest first; those that are over, too.
    items: Vec<RiskView>,
    /// Where the next page is: a path and query, as in the `Link` header. Absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
    /// Those that somebody answers for with a static token, or in the configuration of the host: they come after those that were
    /// proposed, on the pages where those end.
    elsewhere: Vec<ElsewhereView>,
}

/// What stands on one page.
enum Row {
    Proposed(Box<Risk>),
    Elsewhere(Elsewhere),
}

impl Row {
    /// What the cursor names. Two that are alike in all of this cannot be told apart by anybody.
    fn key(&self) -> String {
        match self {
            Self::Proposed(risk) => risk.number.to_string(),
            Self::Elsewhere(one) => {
                let tenant = one.tenant.as_ref().map_or("", |tenant| tenant.as_str());
                let risk = &one.risk;
                let all = [
                    tenant,
                    &one.about,
                    &one.duty.to_string(),
                    &risk.accepted_by,
                    &risk.reason,
                    &risk.until.to_string(),
                ];
                Digest::of(json!(all).to_string().as_bytes()).to_string()
            }
        }
    }
}

/// A risk that is kept with a connection or in the configuration.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = RiskElsewhere)]
pub struct ElsewhereView {
    /// How it stands: `accepted` or `lapsed`.
    standing: &'static str,
    /// Against which duty.
    duty: String,
    /// Whose it is; absent where it is every tenant's.
    tenant: Option<String>,
    /// What it lets pass.
    about: String,
    /// Who answers for it.
    by: String,
    /// Why.
    reason: String,
    /// Until when.
    #[schema(format = DateTime)]
    until: String,
    /// How many whole days are left until it lapses; absent where it is over.
    #[serde(skip_serializing_if = "Option::is_none")]
    days_left: Option<i64>,
}

impl Operation for List {
    type Ports = Ports;
    type Path = Bare;
    type Query = Wanted;
    type Body = Nothing;
    type Answer = Risks;

    const ABOUT: About = About::get(actions::RISKS_LIST, "/risks", "List accepted risks")
        .text("Those that were proposed and are over, too: the newest first.")
        .on(On::Tenants)
        .paged();

    async fn resource(_: &Ports, _: &Bare, query: &Wanted, _: &Nothing) -> Result<Resource, Problem> {
        Ok(of_tenant(query.tenant.as_ref(), "risk"))
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Risks>, Problem> {
        let query = &call.query;
        let mut risks = ports.duties.duty_state().await.map_err(|error| unavailable(&error))?.risks;
        risks.retain(|risk| match (&query.installation, &risk.about) {
            (None, _) => true,
            (Some(id), RiskAbout::Connection(key)) => key.installation == *id,
            (Some(_), RiskAbout::Host { .. }) => false,
        });
        let mut elsewhere = ports.look.elsewhere().await.map_err(|error| unavailable(&error))?;
        // A connection is named by its tenant, its installation and its own name.
        elsewhere.retain(|one| query.installation.as_ref().is_none_or(|id| one.about.contains(&format!("/{id}/"))));
        let is_meant = |tenant: &TenantId| query.tenant.as_ref().is_none_or(|wanted| wanted == tenant);
        risks.retain(|risk| is_meant(risk.about.tenant()));
        elsewhere.retain(|one| one.tenant.as_ref().is_none_or(is_meant));
        let named = risks.iter().map(|risk| risk.about.tenant().clone());
        let seen = call.seen(named.chain(elsewhere.iter().filter_map(|one| one.tenant.clone()))).await?;
        risks.retain(|risk| seen.contains(risk.about.tenant()));
        elsewhere.retain(|one| one.tenant.as_ref().is_none_or(|tenant| seen.contains(tenant)));
        risks.sort_by_key(|risk| std::cmp::Reverse(risk.number));
        let now = call.now();
        let mut rows: Vec<Row> = elsewhere.into_iter().map(Row::Elsewhere).collect();
        rows.sort_by_cached_key(Row::key);
        rows.dedup_by(|one, other| one.key() == other.key());
        let all = risks.into_iter().map(|risk| Row::Proposed(Box::new(risk))).chain(rows);
        let Page { items: rows, next } = call.page(all, Row::key)?;
        let (mut items, mut elsewhere) = (Vec::new(), Vec::new());
        for row in rows {
            match row {
                Row::Proposed(risk) => items.push(ports.shown_risk(*risk, now)),
                Row::Elsewhere(one) => elsewhere.push(one),
            }
        }
        let elsewhere = elsewhere.into_iter().map(|one| ElsewhereView {
            standing: if one.risk.check(now).is_ok() { "accepted" } else { "lapsed" },
            days_left: one.risk.check(now).is_ok().then(|| days(now, one.risk.until)),
            duty: one.duty.to_string(),
            tenant: one.tenant.map(|tenant| tenant.to_string()),
            about: one.about,
            by: one.risk.accepted_by,
            reason: one.risk.reason,
            until: one.risk.until.to_string(),
        });
        Ok(Reply::json(Risks { items, next, elsewhere: elsewhere.collect() }))
    }
}
