//! One rule, as its file has it.
//!
//! ```toml
//! id = "new-destination"
//! title = "A plugin sends to a host that it never sent to before"
//! severity = "high"
//! party = "subscriber"
//! duties = ["MON-4", "INT-7"]
//! look-at = "Whether the plugin's purpose needs this host."
//! group-by = "installation"
//! cool-down-hours = 24
//! where = "kind=act.permitted act=http.send"
//!
//! [condition]
//! kind = "first-seen"
//! of = "host"
//! ```
//!
//! Invariants: a file that is not understood as a whole is refused, with the place that is wrong; `where` is a filter as the log is
//! searched by, and names the kinds of entries that it is about.

use std::time::Duration;

use portcullis_model::{
    alert::{AlertSeverity, Party},
    audit::query::{Field, Filter, Pattern, kinds},
    id::Digest,
};
use serde::Deserialize;

use crate::{
    condition::{AfterSilence, Condition, FirstSeen, MOST_CELLS, Repeated, VolumeJump},
    facts::{Facts, GroupBy},
};

/// The longest text of a rule, in characters.
const LONGEST: usize = 500;
/// The longest cool-down, in hours: 90 days.
const LONGEST_COOL_DOWN: u32 = 90 * 24;

/// A rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What it is called by.
    pub id: String,
    /// What it finds, in a line.
    pub title: String,
    /// How soon somebody should look.
    pub severity: AlertSeverity,
    /// Who must act.
    pub party: Party,
    /// The duties that it serves.
    pub duties: Vec<String>,
    /// What to look at when it raises something.
    pub look_at: String,
    /// What hits are gathered by.
    pub group_by: GroupBy,
    /// For how long after the first hit others go into the same alert.
    pub cool_down: Duration,
    /// Whether it is applied.
    pub enabled: bool,
    /// About which entries.
    pub filter: Filter,
    /// When it raises something.
    pub condition: Condition,
    /// The digest of its file.
    pub digest: Digest,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    id: String,
    title: String,
    severity: AlertSeverity,
    party: Party,
    #[serde(default)]
    duties: Vec<String>,
    look_at: String,
    group_by: GroupBy,
    cool_down_hours: u32,
    #[serde(default = "yes")]
    enabled: bool,
    r#where: String,
    condition: toml::Table,
}

fn yes() -> bool {
    true
}

impl Rule {
    /// Reads a rule's file. The error says what is wrong.
    ///
    /// # Errors
    /// It is no rule.
    pub fn parse(text: &str) -> Result<Self, String> {
        let written: Written = toml::from_str(text).map_err(|error| error.to_string().trim().to_owned())?;
        let label = |text: &str| {
            (1..=63).contains(&text.len())
                && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if !label(&written.id) {
            return Err("id: expected 1 to 63 of a-z, 0-9 and '-'".into());
        }
        for (name, text) in [("title", &written.title), ("look-at", &written.look_at)] {
            if text.is_empty() || text.chars().count() > LONGEST || text.chars().any(char::is_control) {
                return Err(format!("{name}: expected one line of 1 to {LONGEST} characters"));
            }
        }
        if written.cool_down_hours > LONGEST_COOL_DOWN {
            return Err(format!("cool-down-hours: at most {LONGEST_COOL_DOWN}"));
        }
        let duty = |text: &String| {
            let (area, number) = text.split_once('-').unwrap_or_default();
            !area.is_empty() && area.bytes().all(|b| b.is_ascii_uppercase()) && number.parse::<u8>().is_ok()
        };
        if let Some(bad) = written.duties.iter().find(|text| !duty(text)) {
            return Err(format!("duties: '{}' is no duty's id, such as MON-4", bad.escape_debug()));
        }
        let filter = filter(&written.r#where)?;
        let condition = condition(written.condition).map_err(|problem| format!("condition: {problem}"))?;
        Ok(Self {
            id: written.id,
            title: written.title,
            severity: written.severity,
            party: written.party,
            duties: written.duties,
            look_at: written.look_at,
            group_by: written.group_by,
            cool_down: Duration::from_secs(u64::from(written.cool_down_hours) * 3_600),
            enabled: written.enabled,
            filter,
            condition,
            digest: Digest::of(text.as_bytes()),
        })
    }

    /// Whether a kind of entry can be one that it is about.
    pub fn may_be_about(&self, kind: &str) -> bool {
        let about = patterns(&self.filter, Field::Kind);
        about.is_empty() || about.iter().any(|pattern| pattern.means(kind))
    }

    /// Whether it is about this entry.
    pub fn is_about(&self, facts: &Facts<'_>) -> bool {
        self.filter.matches(facts.time(), &facts.terms)
    }
}

fn patterns(filter: &Filter, field: Field) -> Vec<Pattern> {
    let of = filter.groups().into_iter().filter(|(of, _)| *of == field);
    of.flat_map(|(_, patterns)| patterns).cloned().collect()
}

fn filter(text: &str) -> Result<Filter, String> {
    let filter: Filter = text.parse().map_err(|error| format!("where: {error}"))?;
    if filter.since.is_some() || filter.until.is_some() {
        return Err("where: a rule is about what happens from now on; 'since' and 'until' have no place in it".into());
    }
    let about = patterns(&filter, Field::Kind);
    let by_people = patterns(&filter, Field::Actor) == [Pattern::exact("person")];
    if about.is_empty() && !by_people {
        return Err("where: name the kinds of entries (kind=act.denied), or actor=person for all that people do".into());
    }
    let known = kinds();
    match about.iter().find(|pattern| !known.iter().any(|kind| pattern.means(kind))) {
        Some(pattern) => Err(format!("where: no kind of entry is called '{}'", pattern.text)),
        None => Ok(filter),
    }
}

fn condition(mut table: toml::Table) -> Result<Condition, String> {
    const KINDS: &str = "every, first-seen, repeated, volume-jump or after-silence";
    let kind = table.remove("kind").and_then(|kind| kind.as_str().map(str::to_owned));
    let kind = kind.ok_or_else(|| format!("kind: expected {KINDS}"))?;
    fn read<T: for<'de> Deserialize<'de>>(table: toml::Table) -> Result<T, String> {
        table.try_into().map_err(|error: toml::de::Error| error.message().to_owned())
    }
    match kind.as_str() {
        "every" if table.is_empty() => Ok(Condition::Every),
        "every" => Err("'every' takes nothing else".into()),
        "first-seen" => {
            let one: FirstSeen = read(table)?;
            let longest = one.learn_hours.is_none_or(|hours| hours <= LONGEST_COOL_DOWN);
            if longest {
                Ok(Condition::FirstSeen(one))
            } else {
                Err(format!("learn-hours: at most {LONGEST_COOL_DOWN}"))
            }
        }
        "repeated" => {
            let one: Repeated = read(table)?;
            let most = MOST_CELLS as u64;
            if !(2..=most).contains(&one.times) || !(1..=24 * 60).contains(&one.within_minutes) {
                return Err(format!("expected times from 2 to {most}, within-minutes from 1 to 1440"));
            }
            Ok(Condition::Repeated(one))
        }
        "volume-jump" => {
            let one: VolumeJump = read(table)?;
            if !(1..=100).contains(&one.deviations) || !(3..=168).contains(&one.history_hours) {
                return Err("expected deviations from 1 to 100, history-hours from 3 to 168".into());
            }
            if one.ceiling.is_some_and(|ceiling| ceiling < one.minimum) {
                return Err("ceiling: not below minimum".into());
            }
            Ok(Condition::VolumeJump(one))
        }
        "after-silence" => {
            let one: AfterSilence = read(table)?;
            let fits = (1..=3650).contains(&one.days);
            if fits { Ok(Condition::AfterSilence(one)) } else { Err("expected days from 1 to 3650".into()) }
        }
        other => Err(format!("kind: '{}' is none; expected {KINDS}", other.escape_debug())),
    }
}
