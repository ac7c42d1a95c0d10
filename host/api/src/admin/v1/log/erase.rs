//! `POST /audit/erase`: erases personal values from beside the log.

use std::collections::BTreeMap;

use portcullis_model::{
    audit::plain,
    people::{Resource, actions},
};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Erased, Ports, Values, log};
use crate::{
    admin::{
        About, Bare, Call, On, Operation, Reply, Sent,
        v1::{
            audit::{Reading, Sight},
            reason,
        },
    },
    problem::{Problem, Reason},
};

/// Erases values.
pub struct Erase;

/// Which, and why: one of `person`, `record` and `entry`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ErasingFromLog)]
pub struct Erasing {
    /// Wherever this name stands: as who did something and who is named in it, and in a text that somebody wrote; the whole text goes.
    person: Option<String>,
    /// Wherever this is what it was about, such as `user:7`, and each text that names it.
    record: Option<String>,
    /// The personal values of this entry.
    entry: Option<u64>,
    /// Only this field of it, such as `actor.name`, `resource` or `detail.reason`.
    field: Option<String>,
    /// Why. It goes into the log, so it must not say again what is erased.
    #[schema(min_length = 1, max_length = 500)]
    reason: String,
}

/// What was erased, or would be.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ErasedFromLog)]
pub struct Told {
    /// Whether this was a rehearsal: nothing was erased then.
    dry_run: bool,
    /// How many values.
    erased: u64,
    /// Of which entries. None in a rehearsal by somebody who does not see the whole log.
    entries: Vec<u64>,
    /// How many values, by field.
    fields: BTreeMap<String, u64>,
    /// The entries that say so.
    recorded: Vec<u64>,
    /// Whether nothing of them is left in the files of the store and its index. Where not, somebody was reading these: send it again.
    /// Without meaning in a rehearsal.
    gone_from_files: bool,
}

impl Operation for Erase {
    type Ports = Ports;
    type Path = Bare;
    type Query = Bare;
    type Body = Sent<Erasing>;
    type Answer = Told;

    const ABOUT: About = About::post(actions::AUDIT_ERASE, "/audit/erase", "Erase personal values from beside the log")
        .text(
            "Entries stay, and every proof goes on to hold. That it was done is an entry itself, of which entries, by whom and why: \
             also where nothing was found. A rehearsal looks through the whole log, so it is an entry as well, as whatever is read is; \
             whoever does not see all of the log is told how many values there are, and not of which entries.",
        )
        .on(On::Host)
        .dry_run();

    async fn resource(_: &Ports, _: &Bare, _: &Bare, _: &Sent<Erasing>) -> Result<Resource, Problem> {
        Ok(log())
    }

    async fn handle(ports: &Ports, call: Call<Self>) -> Result<Reply<Told>, Problem> {
        let body = &call.body.0;
        let (which, reason) = (body.which()?, reason(&body.reason)?);
        if call.dry_run {
            return rehearsed(ports, &call, &which).await;
        }
        let erased = ports.upkeep.erase(&which, &reason, call.actor()).await?;
        Ok(Reply::json(Told::of(erased, false)))
    }
}

/// What would be erased. It is a search of the whole log, so that somebody looks for this is written down before they are answered.
async fn rehearsed(ports: &Ports, call: &Call<Erase>, which: &Values) -> Result<Reply<Told>, Problem> {
    let (sight, mut found) = (Sight::of(call).await?, ports.upkeep.erasable(which).await?);
    let sought = match which {
        Values::Everywhere(value) => value.clone(),
        Values::Entry { index, field } => {
            format!("{index} {}", field.as_deref().unwrap_or_default()).trim_end().to_owned()
        }
    };
    Reading::by("erase-rehearsal", &sought).note(ports.recorder.as_ref(), call, &sight).await?;
    if sight != Sight::Everything {
        found.entries.clear();
    }
    Ok(Reply::json(Told::of(found, true)).tried())
}

impl Told {
    fn of(erased: Erased, dry_run: bool) -> Self {
        let Erased { entries, fields, recorded, is_gone } = erased;
        Self { dry_run, erased: fields.values().sum(), entries, fields, recorded, gone_from_files: is_gone }
    }
}

impl Erasing {
    fn which(&self) -> Result<Values, Problem> {
        if self.field.is_some() && self.entry.is_none() {
            return Err(wrong("field: only together with the entry that it is of."));
        }
        match (&self.person, &self.record, self.entry) {
            (Some(value), None, None) | (None, Some(value), None) => self.everywhere(value),
            (None, None, Some(index)) if i64::try_from(index).is_err() => Err(wrong("entry: no log has so many.")),
            (None, None, Some(index)) => Ok(Values::Entry { index, field: self.field.clone() }),
            _ => Err(wrong("Give one of person, record and entry.")),
        }
    }

    fn everywhere(&self, value: &str) -> Result<Values, Problem> {
        if value.trim().is_empty() {
            return Err(wrong("There is no value to erase."));
        }
        if self.reason.to_lowercase().contains(&value.to_lowercase()) {
            let advice =
                "The reason says again what is to be erased; give one without it, such as the number of the request.";
            return Err(wrong(advice));
        }
        Ok(Values::Everywhere(plain(value)))
    }
}

fn wrong(advice: &str) -> Problem {
    Problem::new(Reason::WrongBody, advice)
}
