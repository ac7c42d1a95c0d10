//! What each sort of notice is called, how urgent it is, and on which page it is done.

use super::Notice;
use crate::{
    pages::{backend, clients, connections, deliveries, endpoints, installation, people::PLATFORM, sources},
    visit::escaped,
};

/// How urgent something is, the most urgent first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Urgency {
    /// Something stands still, or may be in the wrong hands.
    Now,
    /// It will, if nobody does anything.
    Soon,
    /// Somebody may want to know.
    Known,
}

use self::Urgency::{Known, Now, Soon};

const KINDS: [(&str, Urgency, &str); 24] = [
    ("plugin.suspended", Now, "A plugin was suspended"),
    ("capability.suspended", Now, "A plugin has used up a budget"),
    ("plugin.reported", Now, "A plugin was reported for misbehaviour"),
    ("release.refused", Now, "A release was refused"),
    ("release.vulnerable", Now, "A release has known vulnerabilities"),
    ("connection.consent-needed", Now, "A connection needs somebody's consent"),
    ("connection.unreadable", Now, "A credential cannot be read"),
    ("source.revoked", Now, "The secret of a source was revoked"),
    ("backend.disabled", Now, "A back end gets nothing any more"),
    ("refresh.reused", Now, "A refresh token was used twice"),
    ("code.misused", Now, "An authorization code was misused"),
    ("freeze.added", Now, "Something was frozen"),
    ("rotation.ended", Soon, "A rotation left something to do"),
    ("rotation.needed", Soon, "A credential is to be replaced"),
    ("connection.no-risk", Soon, "Nobody answers for a static token"),
    ("backend.failing", Soon, "A back end fails"),
    ("delivery.dead", Soon, "A delivery was given up"),
    ("plugin.upgrade-waits", Soon, "An upgrade waits for somebody"),
    ("root.expires", Soon, "A root of trust expires"),
    ("review.ends", Soon, "A review ends"),
    ("host.started", Soon, "Something was wrong when the host started"),
    ("plugin.upgraded", Known, "An upgraded plugin could be granted more"),
    ("plugin.uninstalled", Known, "A plugin was uninstalled"),
    ("audit.disposal-announced", Known, "Old entries of the log will be disposed of"),
];

impl Notice {
    /// What it is called; as the log names it, where it has no other name.
    pub(super) fn title(&self) -> &str {
        KINDS.iter().find(|(kind, ..)| *kind == self.kind).map_or(self.kind.as_str(), |(.., title)| title)
    }

    /// How urgent it is. What is over is only to be known; what nobody knows here, somebody should look at.
    pub(super) fn urgency(&self) -> Urgency {
        match KINDS.iter().find(|(kind, ..)| *kind == self.kind) {
            _ if self.help.starts_with("over") => Known,
            Some((_, urgency, _)) => *urgency,
            None => Soon,
        }
    }

    /// The page where it is done; its entry in the log, where there is none.
    pub(super) fn page(&self, of_platform: bool) -> Option<String> {
        self.done_at(of_platform).or_else(|| self.index.map(|index| format!("/console/audit/{index}")))
    }

    fn done_at(&self, of_platform: bool) -> Option<String> {
        let about = &self.about;
        let own = about.installation.as_deref().map(installation::at);
        match self.kind.as_str() {
            "plugin.upgrade-waits" => own.map(|own| format!("{own}/upgrade")),
            "plugin.upgraded" => own.map(|own| format!("{own}/grant")),
            // A message to a back end names its installation.
            "delivery.dead" => match &about.installation {
                Some(id) => Some(backend::at(id)),
                None => about.delivery.as_deref().map(deliveries::at),
            },
            "refresh.reused" | "code.misused" => about.client.as_deref().map(clients::at),
            "rotation.ended" => about.rotation.as_deref().map(|id| format!("/console/rotations/{}", escaped(id))),
            "release.vulnerable" | "plugin.reported" | "review.ends" => self.release(of_platform),
            "root.expires" if of_platform => Some("/console/trust".to_owned()),
            "audit.disposal-announced" => Some("/console/audit".to_owned()),
            _ => self.credential().or(own),
        }
    }

    /// The release that it is about: where it is reviewed, or what it can do.
    fn release(&self, of_platform: bool) -> Option<String> {
        let place = if of_platform { "reviews" } else { "releases" };
        let (component, manifest) = (self.about.component.as_deref()?, self.about.manifest.as_deref()?);
        Some(format!("/console/{place}/{}/{}", escaped(component), escaped(manifest)))
    }

    fn credential(&self) -> Option<String> {
        let about = &self.about;
        match (about.family.as_deref()?, about.installation.as_deref(), about.name.as_deref()) {
            ("connection", Some(id), Some(name)) => Some(connections::page(id, name)),
            ("source", _, Some(name)) => Some(sources::at(name)),
            ("backend", Some(id), _) => Some(backend::at(id)),
            ("client-key", ..) => about.tenant.as_deref().map(clients::of_tenant),
            ("alert-endpoint", ..) => Some(endpoints::at(about.tenant.as_deref().unwrap_or(PLATFORM))),
            _ => None,
        }
    }
}
