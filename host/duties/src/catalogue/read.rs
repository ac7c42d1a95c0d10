//! Reading the files of the catalogue, strictly.

use std::collections::BTreeSet;

use portcullis_model::{
    duty::{Party, STATIC_TOKEN, Value, WITHOUT_TLS, is},
    id::{DutyId, ProfileName},
};
use serde::{Deserialize, de::DeserializeOwned};

use super::{About, Attested, Catalogue, CatalogueError, Duty, How, Outside, Profile, Query, RiskRule, Setting};

const SECTIONS: [(&str, &str); 6] = [
    ("1-access.toml", include_str!("../../catalogue/1-access.toml")),
    ("2-integrations.toml", include_str!("../../catalogue/2-integrations.toml")),
    ("3-data.toml", include_str!("../../catalogue/3-data.toml")),
    ("4-monitoring.toml", include_str!("../../catalogue/4-monitoring.toml")),
    ("5-maintenance.toml", include_str!("../../catalogue/5-maintenance.toml")),
    ("6-incidents.toml", include_str!("../../catalogue/6-incidents.toml")),
];
const OUTSIDE: (&str, &str) = ("outside.toml", include_str!("../../catalogue/outside.toml"));
const PROFILES: (&str, &str) = ("profiles.toml", include_str!("../../catalogue/profiles.toml"));

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SectionFile {
    section: String,
    duty: Vec<DutyRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DutyRow {
    id: DutyId,
    title: String,
    party: Party,
    how: HowWord,
    words: String,
    sees: String,
    #[serde(default)]
    proof: Vec<String>,
    attested: Option<Attested>,
    query: Option<Query>,
    missing: Option<String>,
    risk: Option<RiskRule>,
    threshold: Option<Threshold>,
}

#[derive(Deserialize, PartialEq)]
#[serde(rename_all = "kebab-case")]
enum HowWord {
    Enforced,
    Attested,
    Observed,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Threshold {
    days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct OutsideFile {
    outside: Vec<Outside>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ProfilesFile {
    profile: Vec<ProfileRow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct ProfileRow {
    name: ProfileName,
    #[serde(default)]
    always: bool,
    words: String,
    setting: Vec<toml::Table>,
}

pub(super) fn built_in() -> Result<Catalogue, CatalogueError> {
    read(&SECTIONS, OUTSIDE, PROFILES)
}

pub(super) fn read(
    sections: &[(&'static str, &str)],
    outside: (&'static str, &str),
    profiles: (&'static str, &str),
) -> Result<Catalogue, CatalogueError> {
    let mut seen = BTreeSet::new();
    let mut duties = Vec::new();
    for (file, text) in sections {
        let problem = |problem: String| CatalogueError { file, problem };
        let SectionFile { section, duty } = parse(text).map_err(problem)?;
        for row in duty {
            let duty = duty_of(&section, row).map_err(problem)?;
            if !seen.insert(duty.id.clone()) {
                return Err(problem(format!("{} is there twice", duty.id)));
            }
            duties.push(duty);
        }
    }
    let outside_of = |problem: String| CatalogueError { file: outside.0, problem };
    let OutsideFile { outside: all } = parse(outside.1).map_err(outside_of)?;
    if let Some(twice) = all.iter().find(|one| !seen.insert(one.id.clone())) {
        return Err(outside_of(format!("{} is there twice", twice.id)));
    }
    let of_profiles = |problem: String| CatalogueError { file: profiles.0, problem };
    let ProfilesFile { profile: rows } = parse(profiles.1).map_err(of_profiles)?;
    let mut catalogue = Catalogue { duties, outside: all, profiles: Vec::new() };
    for row in rows {
        let profile = profile_of(&catalogue, row).map_err(of_profiles)?;
        if catalogue.profile(&profile.name).is_some() {
            return Err(of_profiles(format!("'{}' is there twice", profile.name)));
        }
        catalogue.profiles.push(profile);
    }
    Ok(catalogue)
}

fn parse<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    toml::from_str(text).map_err(|error| error.to_string())
}

fn duty_of(section: &str, row: DutyRow) -> Result<Duty, String> {
    let DutyRow { id, title, party, how, words, sees, proof, attested, query, missing, risk, threshold } = row;
    let wrong = |problem: &str| Err(format!("{id}: {problem}"));
    if [&title, &words, &sees].iter().any(|text| text.trim().is_empty()) {
        return wrong("title, words and sees say something");
    }
    if proof.iter().any(|one| !one.contains(".rs::")) {
        return wrong("a proof is written file.rs::name");
    }
    let how = match (how, attested, query) {
        (HowWord::Enforced, None, None) if proof.is_empty() && missing.is_none() => {
            return wrong("it is enforced: name the tests that prove it, or say what is missing");
        }
        (HowWord::Enforced, None, None) => How::Enforced { proof },
        (HowWord::Attested, Some(attested), None) if proof.is_empty() && attested.days > 0 => How::Attested(attested),
        (HowWord::Observed, None, Some(query)) => How::Observed { query, proof },
        _ => {
            return wrong(
                "enforced has a proof, attested says what, by whom and for how many days, observed names a query",
            );
        }
    };
    if let Some(rule) = &risk {
        // A risk switches something in the host: what that is cannot be made up in a file.
        let known = match rule.about {
            About::Connection => STATIC_TOKEN,
            About::Host => WITHOUT_TLS,
        };
        if !is(&id, known) || !matches!(how, How::Enforced { .. }) || rule.days == 0 {
            return wrong("no risk of this kind switches anything of this duty");
        }
    }
    let section = section.to_owned();
    Ok(Duty { section, title, party, words, sees, how, missing, risk, days: threshold.map(|one| one.days), id })
}

fn profile_of(catalogue: &Catalogue, row: ProfileRow) -> Result<Profile, String> {
    let ProfileRow { name, always, words, setting } = row;
    let mut settings = Vec::new();
    for mut table in setting {
        let duty = table.remove("duty").ok_or_else(|| format!("{name}: a setting without its duty"))?;
        let duty: DutyId = duty.try_into().map_err(|error| format!("{name}: {error}"))?;
        let found = catalogue.duty(&duty).ok_or_else(|| format!("{name}: there is no duty {duty}"))?;
        if table.len() != 1 {
            return Err(format!("{name}, {duty}: a setting has one value"));
        }
        let value: Value = toml::Value::Table(table).try_into().map_err(|error| format!("{name}, {duty}: {error}"))?;
        if matches!(value, Value::Attested(_)) != matches!(found.how, How::Attested(_)) {
            return Err(format!("{name}, {duty}: 'attested' is for duties that are attested, and for no others"));
        }
        settings.push(Setting { duty, value });
    }
    Ok(Profile { name, always, words, settings })
}
