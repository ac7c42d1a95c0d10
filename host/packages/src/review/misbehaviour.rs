//! Reports of misbehaviour (INT-10): a tenant's admin says that a plugin does what it should not; the platform looks into it, and
//! every other tenant that runs the release hears that somebody said so, and not who.
//!
//! Invariants: who reported, where, and in which words is for the platform alone; evidence is acts of the very installation; a
//! report is resolved once.

use std::collections::BTreeSet;

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::{ActId, ReportId, TenantId},
    installation::Installation,
    release::ReleaseId,
    review::{MOST_OPEN, Misbehaviour, Resolution, ReviewStore},
    time::{Clock, Rng},
};

use super::{ReviewError, words};

/// The most acts that one report names.
pub const MAX_EVIDENCE: usize = 20;

/// Takes and resolves reports, on behalf of one actor.
pub struct Reports<'a> {
    /// Where they lie.
    pub reviews: &'a dyn ReviewStore,
    /// The time.
    pub clock: &'a dyn Clock,
    /// Randomness for ids.
    pub rng: &'a dyn Rng,
    /// Who.
    pub actor: Actor,
}

impl Reports<'_> {
    /// A report about what an installation did, as it would be taken. `evidence`: each act, with its entry in the log where there is one.
    /// Nothing is written.
    ///
    /// # Errors
    /// It is not one line, shows what is no act of that installation, or its tenant has reported that release often enough.
    pub async fn draft(
        &self,
        installation: &Installation,
        reason: &str,
        evidence: Vec<(ActId, Option<Entry>)>,
    ) -> Result<Misbehaviour, ReviewError> {
        let reason = words("the reason", reason)?;
        if evidence.len() > MAX_EVIDENCE {
            return Err(ReviewError::TooMany { what: "acts as evidence", most: MAX_EVIDENCE });
        }
        if let Some((id, _)) =
            evidence.iter().find(|(_, entry)| !entry.as_ref().is_some_and(|e| is_of(e, installation)))
        {
            return Err(ReviewError::Evidence(id.to_string()));
        }
        let release = installation.release_id();
        self.check_open(installation).await?;
        Ok(Misbehaviour {
            id: ReportId::random(self.rng),
            plugin: installation.plugin.clone(),
            version: installation.version.clone(),
            number: installation.number,
            component: release.component,
            manifest: release.manifest,
            tenant: installation.tenant.clone(),
            installation: installation.id.clone(),
            by: self.by(),
            at: self.clock.now(),
            reason,
            evidence: evidence.into_iter().map(|(id, _)| id).collect(),
            resolved: None,
        })
    }

    /// Takes such a report: see [`Reports::draft`].
    pub async fn report(
        &self,
        installation: &Installation,
        reason: &str,
        evidence: Vec<(ActId, Option<Entry>)>,
    ) -> Result<Misbehaviour, ReviewError> {
        let report = self.draft(installation, reason, evidence).await?;
        let acts: Vec<String> = report.evidence.iter().map(ToString::to_string).collect();
        let entry = self
            .entry(Kind::PluginReported, &report)
            .with("installation", report.installation.as_str())
            .with("reason", report.reason.as_str())
            .with("evidence", acts);
        match self.reviews.put_misbehaviour(report.clone(), entry).await? {
            true => Ok(report),
            // Others were put meanwhile.
            false => self.check_open(installation).await.and(Err(ReviewError::Conflict)),
        }
    }

    /// Fails where the tenant has as many reports of the release that nobody looked into as it may.
    async fn check_open(&self, installation: &Installation) -> Result<(), ReviewError> {
        let (release, all) = (installation.release_id(), self.reviews.misbehaviours().await?);
        let same = |one: &&Misbehaviour| one.tenant == installation.tenant && one.release() == release;
        match all.iter().filter(same).filter(|one| one.resolved.is_none()).count() >= MOST_OPEN {
            true => {
                Err(ReviewError::TooMany { what: "reports of a tenant that nobody looked into yet", most: MOST_OPEN })
            }
            false => Ok(()),
        }
    }

    /// A report as it would be if this came of it: `note` for the platform, `public_note` for every tenant that runs the release. Nothing
    /// is written.
    pub async fn resolution(&self, id: &ReportId, note: &str, public_note: &str) -> Result<Misbehaviour, ReviewError> {
        let (note, public_note) = (words("the note", note)?, words("the public note", public_note)?);
        let all = self.reviews.misbehaviours().await?;
        let found = all.into_iter().find(|one| one.id == *id);
        let report = found.ok_or_else(|| ReviewError::NoMisbehaviour(id.clone()))?;
        if report.resolved.is_some() {
            return Err(ReviewError::Resolved(id.clone()));
        }
        for name in [report.tenant.as_str(), report.installation.as_str(), report.by.as_str()] {
            if names(&public_note, name) {
                return Err(ReviewError::Names(name.to_owned()));
            }
        }
        let resolved = Some(Resolution { at: self.clock.now(), by: self.by(), note, public_note });
        Ok(Misbehaviour { resolved, ..report })
    }

    /// Says what came of a report: see [`Reports::resolution`].
    pub async fn resolve(&self, id: &ReportId, note: &str, public_note: &str) -> Result<Misbehaviour, ReviewError> {
        let report = self.resolution(id, note, public_note).await?;
        let told = report.resolved.as_ref().map(|one| one.public_note.clone()).unwrap_or_default();
        let entry = self.entry(Kind::ReportResolved, &report).with("public-note", told);
        match self.reviews.put_misbehaviour(report.clone(), entry).await? {
            true => Ok(report),
            false => Err(ReviewError::Resolved(id.clone())),
        }
    }

    fn entry(&self, kind: Kind, report: &Misbehaviour) -> Entry {
        Entry::new(self.clock.now(), kind, self.actor.clone(), Some(report.tenant.clone()))
            .about(format!("release:{}", report.component))
            .with("manifest-digest", report.manifest.to_string())
            .with("report", report.id.as_str())
            .with("plugin", report.plugin.as_str())
            .with("version", report.version.as_str())
    }

    fn by(&self) -> String {
        match &self.actor {
            Actor::Person { name } | Actor::Account { name, .. } => name.clone(),
            Actor::Automation { client } => client.to_string(),
            _ => "host".to_owned(),
        }
    }
}

fn is_of(entry: &Entry, installation: &Installation) -> bool {
    let by = matches!(&entry.actor, Actor::Plugin { installation: id, .. } if *id == installation.id);
    by && entry.tenant.as_ref() == Some(&installation.tenant)
}

/// Whether a text has this name in it as a word.
fn names(text: &str, name: &str) -> bool {
    let (text, name) = (text.to_lowercase(), name.to_lowercase());
    let part = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '-' || c == '_');
    text.match_indices(&name)
        .any(|(at, found)| !part(text[..at].chars().next_back()) && !part(text[at + found.len()..].chars().next()))
}

/// How many tenants report a release without anybody having looked into it.
pub fn reporters(all: &[Misbehaviour], release: &ReleaseId) -> usize {
    let open = all.iter().filter(|one| one.resolved.is_none() && one.release() == *release);
    open.map(|one| &one.tenant).collect::<BTreeSet<_>>().len()
}

/// What every other tenant that runs the release hears of a report that nobody has looked into: not who reports it, where or why.
pub fn told_others(report: &Misbehaviour) -> String {
    format!("{} was reported for misbehaviour, under review", of(report))
}

/// What a tenant that runs the release hears of a report.
pub fn told(report: &Misbehaviour, to: &TenantId) -> String {
    match (&report.resolved, report.tenant == *to) {
        (Some(resolved), _) => {
            format!("{} was reported for misbehaviour; the reviewer says: {}", of(report), resolved.public_note)
        }
        (None, true) => format!("you reported {} for misbehaviour ({}): it is under review", of(report), report.id),
        (None, false) => told_others(report),
    }
}

/// The release that a report is about, for people.
fn of(report: &Misbehaviour) -> String {
    format!("{} {} (release {})", report.plugin, report.version, report.number)
}
