//! What the log has of an incident: its timeline, what its subject touched and where that went, and that nothing of it came after.
//!
//! Invariants: all of it follows from entries of the log, and says how far it looked; what was left out is counted.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use portcullis_model::{
    audit::{
        ask::{Answer, Question, Span, Whose},
        query::{Field, Filter},
        reader::{AuditReader, LARGEST_PAGE, Shown, Window},
    },
    error::StoreError,
    id::InstallationId,
    incident::{About, Incident, Subject},
    installation::{Installation, InstallationStore},
    time::Timestamp,
};
use serde::{Deserialize, Serialize};

use super::Survey;

/// The kinds of entries that a timeline points at.
const KEY_KINDS: &[&str] = &[
    "incident.",
    "alert.raised",
    "alert.closed",
    "plugin.",
    "release.",
    "freeze.",
    "rotation.",
    "credential.",
    "connection.",
    "act.denied",
    "act.unknown",
    "capability.suspended",
    "trust.",
    "client.",
    "refresh.",
    "code.misused",
    "consent.",
    "report.",
    "status.",
];
/// At most how many installations one question names.
const MOST_NAMED: usize = 50;
/// At most how many entries a proof counts.
const MOST_COUNTED: usize = 1_000;

/// Whether an entry says what happened to an incident, and is not just an act of its subject. What cannot be read may be.
pub fn is_key(shown: &Shown) -> bool {
    shown.entry.as_ref().is_none_or(|entry| KEY_KINDS.iter().any(|start| entry.kind.name().starts_with(start)))
}

/// From when on an incident's timeline is, where it goes back so many hours before its opening.
pub fn since(incident: &Incident, hours: u64) -> Timestamp {
    let before = i64::try_from(Duration::from_secs(hours.saturating_mul(3_600)).as_millis()).unwrap_or(i64::MAX);
    Timestamp(incident.opened.0.saturating_sub(before))
}

/// What the log is asked about incidents with.
#[derive(Clone, Copy)]
pub struct Trail<'a> {
    /// What they reach.
    pub survey: &'a dyn Survey,
    /// Where installations lie.
    pub installations: &'a dyn InstallationStore,
}

impl Trail<'_> {
    /// What of the log is about an incident: any of these.
    ///
    /// # Errors
    /// Storage.
    pub async fn filters(&self, incident: &Incident) -> Result<Vec<Filter>, StoreError> {
        let mut all = self.about(incident).await?;
        all.push(Filter::default().and(Field::Record, incident.resource()));
        Ok(all)
    }

    async fn about(&self, incident: &Incident) -> Result<Vec<Filter>, StoreError> {
        let subject = &incident.subject;
        let of_tenant = |filter: Filter| match &subject.tenant {
            Some(tenant) => filter.and(Field::Tenant, tenant.as_str()),
            None => filter,
        };
        Ok(match &subject.about {
            About::Plugin(plugin) => vec![of_tenant(Filter::default().and(Field::Plugin, plugin.as_str()))],
            About::Publisher(publisher) => {
                let any = format!("plugin={publisher}.*").parse::<Filter>();
                vec![of_tenant(any.map_err(|error| StoreError(format!("the publisher cannot be sought: {error}")))?)]
            }
            About::Installation(id) => vec![Filter::default().and(Field::Installation, id.as_str())],
            About::Provider(_) => {
                let ids: Vec<_> = self.reached(subject, incident).await?.into_iter().map(|one| one.id).collect();
                let and = |filter: Filter, id: &InstallationId| filter.and(Field::Installation, id.as_str());
                ids.chunks(MOST_NAMED).map(|ids| ids.iter().fold(Filter::default(), and)).collect()
            }
        })
    }

    /// What it reaches, also what is gone: as it was contained, or as it would be now.
    async fn reached(&self, subject: &Subject, incident: &Incident) -> Result<Vec<Installation>, StoreError> {
        let holders = match &incident.containment {
            Some(containment) => containment.holders.clone(),
            None => self.survey.plan(subject).await?.holders,
        };
        let all = self.installations.installations().await?;
        Ok(all.into_iter().filter(|one| subject.reaches(one, &holders)).collect())
    }

    /// The newest entries about an incident since then, at most so many, oldest first; and whether there are more.
    ///
    /// # Errors
    /// Storage.
    pub async fn timeline(
        &self,
        reader: &dyn AuditReader,
        incident: &Incident,
        since: Timestamp,
        most: usize,
    ) -> Result<(Vec<Shown>, bool), StoreError> {
        let to = reader.written().await?;
        let (mut all, mut more) = (BTreeMap::new(), false);
        for filter in self.filters(incident).await? {
            let filter = filter.within(Some(since), None);
            let (mut window, mut left) = (Window { from: 0, to, backwards: true, most: 0 }, most);
            loop {
                window.most = left.min(LARGEST_PAGE);
                let page = reader.search(&filter, window).await?;
                left -= page.entries.len();
                all.extend(page.entries.into_iter().map(|shown| (shown.index, shown)));
                match page.next {
                    None => break,
                    Some(_) if left == 0 => {
                        more = true;
                        break;
                    }
                    Some(next) => window.to = next,
                }
            }
        }
        let skip = all.len().saturating_sub(most);
        more |= skip > 0;
        Ok((all.into_values().skip(skip).collect(), more))
    }

    /// Asks the log what an incident's subject touched since then, and where that went.
    ///
    /// # Errors
    /// Storage.
    pub async fn data(
        &self,
        reader: &dyn AuditReader,
        incident: &Incident,
        since: Timestamp,
    ) -> Result<Data, StoreError> {
        let (whose, not_asked) = self.whose(incident).await?;
        let span = Span { since: Some(since), until: None };
        let (mut touched, mut left) =
            (Answer { complete: true, ..Answer::default() }, Answer { complete: true, ..Answer::default() });
        for one in whose {
            join(&mut touched, Question::Touched(one.clone(), span).answer(reader).await?);
            join(&mut left, Question::Left(one, None, span).answer(reader).await?);
        }
        Ok(Data { touched, left, not_asked })
    }

    async fn whose(&self, incident: &Incident) -> Result<(Vec<Whose>, usize), StoreError> {
        let subject = &incident.subject;
        if let (About::Plugin(plugin), None) = (&subject.about, &subject.tenant) {
            return Ok((vec![Whose::Plugin(plugin.to_string())], 0));
        }
        let all = self.reached(subject, incident).await?;
        if let (About::Publisher(_), None) = (&subject.about, &subject.tenant) {
            let plugins: BTreeSet<_> = all.iter().map(|one| one.plugin.to_string()).collect();
            return Ok((plugins.into_iter().map(Whose::Plugin).collect(), 0));
        }
        let not_asked = all.len().saturating_sub(MOST_NAMED);
        Ok((all.iter().take(MOST_NAMED).map(|one| Whose::Installation(one.id.to_string())).collect(), not_asked))
    }

    /// Looks for acts of a contained subject after the entry that says that nothing of it runs. None where nobody has said so.
    ///
    /// # Errors
    /// Storage.
    pub async fn after(&self, reader: &dyn AuditReader, incident: &Incident) -> Result<Option<After>, StoreError> {
        let Some(reach) = incident.containment.as_ref().and_then(|one| one.reach) else { return Ok(None) };
        let end = incident.containment.as_ref().and_then(|one| one.lifted.as_ref()).map(|lifted| lifted.at);
        let (from, to) = (reach.log_index + 1, reader.written().await?);
        let mut after = After { from, to, acts: 0, entries: Vec::new() };
        for filter in self.about(incident).await? {
            let filter = filter.and(Field::Kind, "act.permitted").and(Field::Kind, "visit.began").within(None, end);
            let window = Window { from, to, backwards: false, most: MOST_COUNTED.min(LARGEST_PAGE) };
            let page = reader.search(&filter, window).await?;
            after.acts += page.entries.len();
            after.entries.extend(page.entries.iter().map(|shown| shown.index).take(10));
        }
        Ok(Some(after))
    }
}

/// What a subject touched, and where that went.
#[derive(Debug, Serialize)]
pub struct Data {
    /// What it touched.
    pub touched: Answer,
    /// What left for which host.
    pub left: Answer,
    /// How many installations were not asked about, because there are too many.
    pub not_asked: usize,
}

fn join(all: &mut Answer, one: Answer) {
    all.findings.extend(one.findings);
    for note in one.notes {
        if !all.notes.contains(&note) {
            all.notes.push(note);
        }
    }
    all.complete &= one.complete;
    all.looked_at += one.looked_at;
}

/// What the log has of a contained subject's acts after it was reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct After {
    /// From this entry on.
    pub from: u64,
    /// To before this one.
    pub to: u64,
    /// Acts that were permitted and visits that began: none, where it holds.
    pub acts: usize,
    /// The first few of them.
    pub entries: Vec<u64>,
}
