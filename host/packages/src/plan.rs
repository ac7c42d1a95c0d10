//! What an installation would mean, before anybody agrees to it: every scope with its purpose, meaning and risk, what the
//! platform's ceiling leaves of it, and what the component cannot do at all.
//!
//! Invariant: all but the publisher's own words (name, summary, purposes, links) is computed, from the component's bytes
//! and the catalogue.

mod words;

use std::{collections::BTreeSet, fmt};

use portcullis_model::{
    class::Class,
    id::{Digest, PluginId, PublisherId},
    limits::Limits,
    scope::{Risk, ScopeError, ScopeText},
};
use serde::Serialize;

pub use crate::coverage::Coverage;
use crate::{
    check::{Imports, Rules},
    coverage::coverage,
    inspect::{Claims, Inspection},
    manifest::{AiUse, AskedScope, Egress, Maintenance, Manifest, ManifestError, Retention, Schedule},
};

/// A scope that the plugin asks for, as an admin reads it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedScope {
    /// The scope.
    pub scope: ScopeText,
    /// What it allows: clauses without a full stop.
    pub words: Vec<String>,
    /// How much harm it can do.
    pub risk: Risk,
    /// The classes of data that it touches (DAT-1).
    pub classes: Vec<Class>,
    /// What the publisher wants it for (DAT-2).
    pub purpose: String,
    /// Whether the plugin works without it.
    pub optional: bool,
    /// How much of it the platform's ceiling allows.
    pub ceiling: Coverage,
    /// What the ceiling leaves of it.
    pub allowed: Vec<ScopeText>,
}

/// What an installation would mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct InstallPlan {
    /// Which plugin.
    pub plugin: PluginId,
    /// Who publishes it.
    pub publisher: PublisherId,
    /// Its name.
    pub name: String,
    /// The release's version.
    pub version: String,
    /// The release's number.
    pub release: u64,
    /// The manifest's digest.
    pub manifest: Digest,
    /// What it does, in the publisher's words.
    pub summary: String,
    /// Where its terms are.
    pub terms: String,
    /// Where it says what it does with personal data.
    pub privacy: String,
    /// Where to ask for help.
    pub support: String,
    /// What it asks for, in the manifest's order.
    pub scopes: Vec<PlannedScope>,
    /// The highest risk of all scopes that it asks for.
    pub risk: Option<Risk>,
    /// The classes of data that it touches, as its publisher says.
    pub classes: Vec<Class>,
    /// Where data goes: regions and sub-processors, as its publisher says (INT-9, DAT-7).
    pub egress: Vec<Egress>,
    /// How it uses generative AI (DAT-14); `None`: it says that it does not.
    pub ai: Option<AiUse>,
    /// How long data is kept; `None`: its publisher does not say.
    pub retention: Option<Retention>,
    /// What its publisher promises about upkeep; `None`: nothing.
    pub maintenance: Option<Maintenance>,
    /// When it wants to be called without an event.
    pub schedules: Vec<Schedule>,
    /// Why it cannot be installed: imports that the manifest does not ask for, or that this host does not offer.
    pub refusals: Vec<String>,
    /// What is missing before it runs as it asks, where that was looked for: trust that it lacks, and what of its scopes
    /// somebody takes away.
    pub missing: Vec<String>,
    /// What a careful reader should know: capabilities that it asks for and does not use, URLs, code that runs early.
    pub notes: Vec<String>,
    /// What it cannot do, whatever is granted.
    pub cannot: Vec<String>,
    /// The limits that it asks for, of a call and of an hour.
    pub limits: Limits,
}

impl InstallPlan {
    /// The plan for a release. `ceiling`: what the platform gives to anybody at all.
    pub fn new(
        manifest: &Manifest,
        inspection: &Inspection,
        rules: Rules<'_>,
        ceiling: &[ScopeText],
    ) -> Result<Self, ManifestError> {
        manifest.check(rules.catalogue)?;
        let planned = (1..).zip(&manifest.scopes).map(|(number, asked)| {
            planned(asked, rules, ceiling).map_err(|source| ManifestError::Scope { number, source })
        });
        let scopes = planned.collect::<Result<Vec<_>, _>>()?;
        let mut notes = notes(manifest, inspection, rules);
        notes.extend(manifest.remarks(rules.catalogue)?);
        notes.extend(unasked(manifest, inspection, &scopes));
        Ok(Self {
            plugin: manifest.id.clone(),
            publisher: manifest.publisher.clone(),
            name: manifest.name.clone(),
            version: manifest.version.clone(),
            release: manifest.release,
            manifest: manifest.digest,
            summary: manifest.summary.clone(),
            terms: manifest.terms.clone(),
            privacy: manifest.privacy.clone(),
            support: manifest.support.clone(),
            risk: scopes.iter().map(|scope| scope.risk).max(),
            scopes,
            classes: manifest.data_classes.clone(),
            egress: manifest.egress.clone(),
            ai: manifest.ai.clone(),
            retention: manifest.retention.clone(),
            maintenance: manifest.maintenance.clone(),
            schedules: manifest.schedules.clone(),
            refusals: refusals(&Imports::of(inspection, manifest, rules)),
            missing: Vec::new(),
            notes,
            cannot: inspection.cannot(rules.catalogue),
            limits: manifest.limits,
        })
    }

    /// What its publisher says becomes of the data, and of the plugin: lines for a terminal. Nothing of it is computed.
    pub fn statements(&self) -> Vec<String> {
        let classes: Vec<&str> = self.classes.iter().map(|class| class.name()).collect();
        let classes = if classes.is_empty() { "none that it names".to_owned() } else { classes.join(", ") };
        let mut lines = vec![format!("data that it touches: {classes}")];
        lines.extend(self.egress.iter().map(|entry| format!("sends to {entry}")));
        if self.egress.is_empty() {
            lines.push("sends nothing out of this host".to_owned());
        }
        lines.push(match &self.ai {
            Some(ai) => format!("GENERATIVE AI: {ai}"),
            None => "generative AI: none".to_owned(),
        });
        lines.push(match &self.retention {
            Some(retention) => format!("keeps data: {retention}"),
            None => "keeps data: it does not say for how long".to_owned(),
        });
        lines.push(match &self.maintenance {
            Some(maintenance) => format!("maintenance: {maintenance}"),
            None => "makes no promise of maintenance".to_owned(),
        });
        lines
    }

    /// Whether nothing about the release itself stands against installing it.
    pub fn installable(&self) -> bool {
        self.refusals.is_empty()
    }
}

fn planned(asked: &AskedScope, rules: Rules<'_>, ceiling: &[ScopeText]) -> Result<PlannedScope, ScopeError> {
    let descriptions = rules.catalogue.describe(&asked.scope)?;
    let (coverage, allowed) = coverage(rules.catalogue, &asked.scope, ceiling)?;
    Ok(PlannedScope {
        scope: asked.scope.clone(),
        // A scope that says nothing about itself is not thereby harmless.
        risk: descriptions.iter().map(|one| one.risk).max().unwrap_or(Risk::High),
        classes: descriptions.iter().flat_map(|one| one.classes.clone()).collect::<BTreeSet<_>>().into_iter().collect(),
        words: descriptions.into_iter().map(|one| one.words).collect(),
        purpose: asked.purpose.clone(),
        optional: asked.optional,
        ceiling: coverage,
        allowed,
    })
}

fn refusals(imports: &Imports) -> Vec<String> {
    let unasked =
        imports.unasked.iter().map(|name| format!("imports {name}, but the manifest asks for no scope of it"));
    let unknown = imports.unknown.iter().map(|name| format!("imports {name}, which is no capability of this host"));
    let foreign = imports.foreign.iter().map(|name| format!("imports {name}, which this host does not offer"));
    unasked.chain(unknown).chain(foreign).collect()
}

fn notes(manifest: &Manifest, inspection: &Inspection, rules: Rules<'_>) -> Vec<String> {
    let mut notes = Claims::of(manifest, inspection, rules.catalogue).notes();
    if inspection.start_functions > 0 {
        notes.push("runs code before its handler is called, within the same limits".to_owned());
    }
    if !inspection.urls.is_empty() {
        notes.push(format!("has these URLs in its data: {}", inspection.urls.join(", ")));
    }
    notes
}

/// That nobody asks it about a person whose data it can read (DAT-9).
fn unasked(manifest: &Manifest, inspection: &Inspection, scopes: &[PlannedScope]) -> Option<String> {
    let about_people = [Class::Personal, Class::Health, Class::Payment];
    let reads = scopes.iter().flat_map(|scope| &scope.classes).any(|class| about_people.contains(class));
    (reads && !inspection.triggers().contains("privacy")).then(|| {
        format!(
            "reads data about people and exports no privacy: requests of data subjects must be asked of its developer by hand, {}",
            manifest.support
        )
    })
}

impl fmt::Display for PlannedScope {
    /// One line, for a terminal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let risk = match self.risk {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
        };
        write!(f, "{} [{risk} risk{}]: ", self.scope, if self.optional { ", optional" } else { "" })?;
        write!(f, "{}; {}", self.words.join("; "), self.purpose)?;
        match self.ceiling {
            Coverage::Whole => Ok(()),
            Coverage::Not => f.write_str(" (the platform's ceiling does not allow it)"),
            Coverage::Partly => {
                let allowed: Vec<String> = self.allowed.iter().map(ToString::to_string).collect();
                write!(f, " (the platform's ceiling allows only: {})", allowed.join("; "))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{COMPLETE, Fake, MANIFEST, component, importing};

    fn plan(manifest: &str, component: &[u8], ceiling: &[&str]) -> InstallPlan {
        let rules = Rules { catalogue: &Fake };
        let ceiling: Vec<ScopeText> = ceiling.iter().map(|text| text.parse().unwrap()).collect();
        let inspection = Inspection::of(component).unwrap();
        InstallPlan::new(&Manifest::parse(manifest).unwrap(), &inspection, rules, &ceiling).unwrap()
    }

    #[test]
    fn says_what_each_scope_means_and_what_the_ceiling_leaves() {
        let manifest = MANIFEST.replace("fields=comments", "fields=comments,tags");
        let plan =
            plan(&manifest, &component(), &["tickets:read fields=comments", "events:receive types=ticket.created"]);
        let ceilings: Vec<Coverage> = plan.scopes.iter().map(|scope| scope.ceiling).collect();
        assert_eq!(ceilings, [Coverage::Partly, Coverage::Whole, Coverage::Not]);
        assert_eq!(
            plan.scopes[0].to_string(),
            "tickets:read fields=comments,tags [high risk]: reads tickets fields comments, tags; to find card numbers \
             (the platform's ceiling allows only: tickets:read fields=comments)"
        );
        assert!(plan.scopes[2].to_string().contains("[high risk, optional]"));
        assert_eq!(plan.risk, Some(Risk::High));
        assert!(plan.installable());
        assert_eq!(plan.cannot[2], "cannot reach the network: it imports neither portcullis:plugin/http nor wasi:http");
        assert_eq!(
            plan.notes,
            [
                "asks for http:send, but does not import portcullis:plugin/http: it asks for more than it uses",
                "has URLs in its data to hosts that it asks for no scope of: api.example.test, x.test; links are harmless, \
                 requests are refused",
                "has these URLs in its data: https://api.example.test/v1, https://x.test"
            ]
        );
        let json = serde_json::to_value(&plan).unwrap();
        assert_eq!((&json["scopes"][0]["ceiling"], &json["scopes"][0]["risk"]), (&"partly".into(), &"high".into()));
    }

    #[test]
    fn says_what_the_publisher_says() {
        let found = plan(COMPLETE, &component(), &[]);
        assert_eq!(
            found.statements(),
            [
                "data that it touches: internal, personal",
                "sends to ai.example.test (DE), run by Example AI GmbH, a sub-processor: personal data; to ask the model",
                "sends to *.logs.example.test (anywhere), run by Example: internal data; to keep what it said",
                "GENERATIVE AI: Example AI GmbH, given personal data: to suggest an answer; no model is trained with them",
                "keeps data: here for 30 days at most; outside for 90 days at most: to find out why an answer was wrong",
                "maintenance: promised until 2028-12-31, security fixes within 30 days; report holes to \
                 https://example.com/security"
            ]
        );
        assert!(found.notes.iter().any(|note| note.contains("this host runs no schedules")), "{:?}", found.notes);
        let json = serde_json::to_value(&found).unwrap();
        assert_eq!(json["egress"][0]["region"], "DE");
        assert_eq!(json["egress"][0]["sub-processor"], true);
        assert_eq!(json["ai"]["medical-advice"], false);
        assert_eq!(json["maintenance"]["security-fixes-within"], "30d");
        assert_eq!(
            plan(MANIFEST, &component(), &[]).statements(),
            [
                "data that it touches: none that it names",
                "sends nothing out of this host",
                "generative AI: none",
                "keeps data: it does not say for how long",
                "makes no promise of maintenance"
            ]
        );
    }

    #[test]
    fn there_is_no_plan_where_the_manifest_does_not_fit_its_scopes() {
        let silent = Manifest::parse(&MANIFEST.replace("fields=comments", "fields=personal")).unwrap();
        let inspection = Inspection::of(&component()).unwrap();
        let error = InstallPlan::new(&silent, &inspection, Rules { catalogue: &Fake }, &[]).unwrap_err().to_string();
        assert!(error.contains("touches personal data, which data-classes does not name"), "{error}");
    }

    #[test]
    fn says_why_it_cannot_be_installed() {
        let imports = ["portcullis:plugin/tickets@0.1.0", "portcullis:plugin/x@0.1.0", "wasi:sockets/tcp@0.2.0"];
        let head = MANIFEST.split("[[scopes]]").next().unwrap();
        let plan = plan(head, &importing(&imports), &[]);
        assert!(!plan.installable());
        assert_eq!(
            plan.refusals,
            [
                "imports portcullis:plugin/tickets, but the manifest asks for no scope of it",
                "imports portcullis:plugin/x, which is no capability of this host",
                "imports wasi:sockets/tcp@0.2.0, which this host does not offer"
            ]
        );
        assert_eq!(plan.risk, None);
    }

    #[test]
    fn another_way_to_a_capability_is_use_of_it() {
        let imports = ["portcullis:plugin/tickets@0.1.0", "wasi:http/types@0.2.0"];
        let found = plan(MANIFEST, &importing(&imports), &[]);
        assert!(found.installable(), "{:?}", found.refusals);
        assert!(!found.cannot.iter().any(|sentence| sentence.contains("network")), "{:?}", found.cannot);
        assert!(!found.notes.iter().any(|note| note.contains("asks for http")), "{:?}", found.notes);
        let found = plan(MANIFEST, &importing(&["wasi:clocks/wall-clock@0.2.0"]), &[]);
        assert!(
            found.notes.iter().any(|note| note
                == "imports wasi:clocks/wall-clock@0.2.0, but asks for no scope of clocks: it gets a stand-in that tells \
                    and keeps nothing"),
            "{:?}",
            found.notes
        );
    }

    #[test]
    fn notes_what_cannot_be_called() {
        let notes = plan(MANIFEST, &importing(&["portcullis:plugin/tickets@0.1.0"]), &[]).notes;
        let note = "asks for events:receive, but exports no portcullis:plugin/events: it cannot be called for them";
        assert!(notes.iter().any(|one| one == note), "{notes:?}");
        let silent = MANIFEST.replace("events:receive types", "http:send to");
        let notes = plan(&silent, &component(), &[]).notes;
        assert!(notes.iter().any(|note| note.contains("it is never called")), "{notes:?}");
    }

    #[test]
    fn notes_that_nobody_asks_it_about_people() {
        let by_hand =
            |notes: Vec<String>| notes.into_iter().find(|note| note.contains("asked of its developer by hand"));
        let head = "data-classes = [\"personal\"]\n";
        let about_people = format!("{head}{}", MANIFEST.replace("fields=comments", "fields=personal"));
        let found = by_hand(plan(&about_people, &component(), &[]).notes);
        assert!(found.is_some_and(|note| note.contains("exports no privacy")));
        assert_eq!(by_hand(plan(MANIFEST, &component(), &[]).notes), None);
    }
}
