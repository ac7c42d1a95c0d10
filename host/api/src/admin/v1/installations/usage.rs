//! `GET /installations/{id}/use`: what of a grant was used, beside what is asked for, imported and granted: what right-sizing
//! needs.

use std::{
    collections::{BTreeMap, btree_map},
    time::Duration,
};

use portcullis_model::{
    audit::{
        Kind,
        query::{Field, Filter, LONGEST_TERM},
        reader::Tally,
    },
    catalogue::Catalogue,
    installation::Installation,
    people::{Resource, actions},
    scope::ScopeText,
    time::Timestamp,
};
use portcullis_packages::{coverage::Coverage, install::upgrade::Described};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::{Ports, Which, refused, words};
use crate::{
    admin::{About, Call, Nothing, On, Operation, Reply, Version, given::wrong, unavailable},
    problem::{Problem, Reason},
};

/// How many days are looked at where nobody says, and at most.
const USUAL: u32 = 30;
const MOST: u32 = 400;
/// Capabilities of which no use is recorded one by one.
const UNRECORDED: [&str; 3] = ["log", "clocks", "random"];
/// What is used by being called.
const EVENTS: &str = "events";

/// Says what was used.
pub struct Usage;

/// How far back.
#[derive(Deserialize, IntoParams)]
pub struct Span {
    /// How many days are looked at: 1 to 400.
    #[param(minimum = 1, maximum = 400, default = 30)]
    days: Option<u32>,
}

/// What of a grant was used.
#[derive(Debug, Serialize, ToSchema)]
pub struct Used {
    /// Of which installation.
    installation: String,
    /// From when on it was looked.
    #[schema(format = DateTime)]
    since: String,
    /// A row for each scope that is granted, and for each that is asked for and not granted.
    scopes: Vec<ScopeUse>,
    /// The grant, less what was not used: what a right-sized one would be. Scopes of which no use is recorded stay.
    suggested: Vec<String>,
}

/// What of one scope was used.
#[derive(Debug, Serialize, ToSchema)]
pub struct ScopeUse {
    /// The scope.
    scope: String,
    /// Whether it is granted, wholly or in part, or only asked for.
    granted: bool,
    /// Whether the manifest asks for it as it stands here.
    asked: bool,
    /// What the publisher wants it for.
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<String>,
    /// Whether the plugin works without it, as its publisher says.
    #[serde(skip_serializing_if = "Option::is_none")]
    optional: Option<bool>,
    /// Whether the component imports anything that it would be needed for: where not, it can be taken away without a loss.
    imported: bool,
    /// Whether its use is recorded act by act.
    recorded: bool,
    /// How often it was used: permitted acts, or calls for events.
    uses: u64,
    /// When it was last used.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    last_used: Option<String>,
    /// The least scopes that would have covered these acts, the most used first, at most 50.
    used_as: Vec<LeastUse>,
}

/// One way in which a scope was used.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LeastUse {
    /// The least scope that would have covered the acts.
    scope: String,
    /// How many there were.
    uses: u64,
}

impl Operation for Usage {
    type Ports = Ports;
    type Path = Which;
    type Query = Span;
    type Body = Nothing;
    type Answer = Used;

    const ABOUT: About =
        About::get(actions::INSTALLATIONS_USE_GET, "/installations/{id}/use", "Show what of a grant was used")
            .text("Counted from the index of the audit log.")
            .on(On::Installation)
            .version(Version::Shown)
            .refuses(&[Reason::Refused, Reason::ReleaseRefused, Reason::Conflict]);

    async fn resource(ports: &Ports, path: &Which, _: &Span, _: &Nothing) -> Result<Resource, Problem> {
        ports.resource(path).await
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Used>, Problem> {
        let days = call.query.days.unwrap_or(USUAL);
        if !(1..=MOST).contains(&days) {
            return Err(wrong(format!("days: expected 1 to {MOST}.")));
        }
        let installation = ports.find(&call.path.id).await?;
        let span = Duration::from_secs(u64::from(days) * 24 * 60 * 60);
        let since = Timestamp(call.now().0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)));
        let installer = ports.installer(ports.installations.as_ref(), ports.recorder.as_ref(), call.actor(), false);
        let described = installer.described(&installation.release_id()).await.map_err(refused)?;
        let used = Looking { ports, installation: &installation, since, described: &described }.all().await?;
        Ok(Reply::json(used).at(installation.generation))
    }
}

/// One look at an installation's use.
struct Looking<'a> {
    ports: &'a Ports,
    installation: &'a Installation,
    since: Timestamp,
    described: &'a Described,
}

/// Acts under one name: the least scope of each kind of act, how many, and when last.
type Acts = BTreeMap<String, Tally>;

impl Looking<'_> {
    async fn all(&self) -> Result<Used, Problem> {
        let catalogue = self.ports.registry.rules().catalogue;
        let granted = &self.installation.granted;
        let mut scopes = granted.clone();
        for asked in self.described.manifest.asked() {
            if !covered(catalogue, &asked, granted)? {
                scopes.push(asked);
            }
        }
        let mut by_name: BTreeMap<String, Acts> = BTreeMap::new();
        for scope in &scopes {
            let name = name(scope);
            if let btree_map::Entry::Vacant(place) = by_name.entry(name) {
                place.insert(self.acts(scope).await?);
            }
        }
        let mut rows = Vec::new();
        for (number, scope) in scopes.iter().enumerate() {
            let acts = by_name.entry(name(scope)).or_default();
            rows.push(self.row(catalogue, scope, number < granted.len(), acts)?);
        }
        let stays = |row: &&ScopeUse| row.granted && (!row.recorded || row.uses > 0);
        Ok(Used {
            installation: self.installation.id.to_string(),
            since: self.since.to_string(),
            suggested: rows.iter().filter(stays).map(|row| row.scope.clone()).collect(),
            scopes: rows,
        })
    }

    /// The acts under this scope's name, by the least scope of each.
    async fn acts(&self, scope: &ScopeText) -> Result<Acts, Problem> {
        let id = self.installation.id.as_str();
        let of = |kind: Kind| {
            let filter = Filter::default().and(Field::Kind, kind.name()).and(Field::Installation, id);
            filter.within(Some(self.since), None)
        };
        if scope.capability() == EVENTS {
            let kind = Kind::CallEnded.name();
            let calls = self.tally(&of(Kind::CallEnded), Field::Kind, &kind).await?;
            return Ok(calls.get(&kind).map(|calls| (String::new(), *calls)).into_iter().collect());
        }
        let name = name(scope);
        let filter = of(Kind::ActPermitted).and(Field::Scope, name.as_str());
        let mut found = self.tally(&filter, Field::Scope, &name).await?;
        // Each act is found by the name of its scope and by its whole text.
        let all = found.remove(&name);
        found.retain(|text, _| text.strip_prefix(name.as_str()).is_some_and(|rest| rest.starts_with(' ')));
        let narrower: u64 = found.values().map(|one| one.count).sum();
        let bare = all.and_then(|all| Some(Tally { count: all.count.checked_sub(narrower)?, ..all }));
        found.extend(bare.filter(|one| one.count > 0).map(|one| (name, one)));
        self.whole(found).await
    }

    /// With the whole text of scopes that are longer than what entries are found by.
    async fn whole(&self, found: Acts) -> Result<Acts, Problem> {
        let mut all = Acts::new();
        for (text, tally) in found {
            let mut whole = text;
            if whole.chars().count() >= LONGEST_TERM {
                let newest = self.ports.reader.follow(tally.newest, 1).await.map_err(|error| unavailable(&error))?;
                let entry = newest.first().and_then(|shown| shown.entry.as_ref());
                whole = entry.and_then(|entry| entry.text("scope")).unwrap_or_default().to_owned();
            }
            all.insert(whole, tally);
        }
        Ok(all)
    }

    async fn tally(&self, filter: &Filter, field: Field, begins: &str) -> Result<Acts, Problem> {
        self.ports.reader.tally(filter, field, begins).await.map_err(|error| unavailable(&error))
    }

    fn row(
        &self,
        catalogue: &dyn Catalogue,
        scope: &ScopeText,
        granted: bool,
        acts: &Acts,
    ) -> Result<ScopeUse, Problem> {
        let (mut uses, mut last, mut used_as) = (0, None, Vec::new());
        for (least, Tally { count, last: at, .. }) in acts {
            // A call is for whatever events are granted.
            let its = match least.parse::<ScopeText>() {
                _ if scope.capability() == EVENTS => true,
                Ok(least) => meets(catalogue, scope, &least)?,
                Err(_) => false,
            };
            if its && granted {
                uses += count;
                last = last.max(Some(*at));
                used_as.push(LeastUse { scope: least.clone(), uses: *count });
            }
        }
        used_as.retain(|one| !one.scope.is_empty());
        used_as.sort_by(|a, b| b.uses.cmp(&a.uses).then_with(|| a.scope.cmp(&b.scope)));
        used_as.truncate(50);
        let asked = self.described.manifest.scopes.iter().find(|asked| asked.scope == *scope);
        let authority = self.described.inspection.authority(catalogue);
        Ok(ScopeUse {
            scope: scope.to_string(),
            granted,
            asked: asked.is_some(),
            purpose: asked.map(|asked| asked.purpose.clone()),
            optional: asked.map(|asked| asked.optional),
            imported: scope.capability() == EVENTS || authority.needs(scope.capability(), scope.action()),
            recorded: !UNRECORDED.contains(&scope.capability()),
            uses,
            last_used: last.map(|at| at.to_string()),
            used_as,
        })
    }
}

/// A scope's name, as entries are found by it.
fn name(scope: &ScopeText) -> String {
    format!("{}:{}", scope.capability(), scope.action())
}

fn meets(catalogue: &dyn Catalogue, scope: &ScopeText, least: &ScopeText) -> Result<bool, Problem> {
    let common = catalogue.meet(std::slice::from_ref(scope), std::slice::from_ref(least));
    common.map(|common| !common.is_empty()).map_err(|error| unclear(&error))
}

fn covered(catalogue: &dyn Catalogue, asked: &ScopeText, granted: &[ScopeText]) -> Result<bool, Problem> {
    let found = portcullis_packages::coverage::coverage(catalogue, asked, granted);
    found.map(|(coverage, _)| coverage == Coverage::Whole).map_err(|error| unclear(&error))
}

fn unclear(error: &dyn std::fmt::Display) -> Problem {
    Problem::new(Reason::Refused, words(&error.to_string()))
}
