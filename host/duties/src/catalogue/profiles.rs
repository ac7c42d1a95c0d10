//! Profiles: sets of thresholds, as they stand in the catalogue.

use portcullis_model::{
    duty::{Settings, Value},
    id::{DutyId, ProfileName},
};
use serde::Serialize;

use super::Catalogue;

/// One setting of a profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Setting {
    /// The duty that it belongs to.
    pub duty: DutyId,
    /// What it asks for.
    pub value: Value,
}

/// A set of thresholds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Profile {
    /// Its name.
    pub name: ProfileName,
    /// Whether it is on for every tenant.
    pub always: bool,
    /// Whom it is for.
    pub words: String,
    /// What it sets.
    pub settings: Vec<Setting>,
}

impl Catalogue {
    /// The profile of this name.
    pub fn profile(&self, name: &ProfileName) -> Option<&Profile> {
        self.profiles.iter().find(|profile| profile.name == *name)
    }

    /// What these profiles ask for together with those that are always on: of each setting the most restrictive (ACC-9). A name
    /// that is not in the catalogue is an error: what it would ask for is not known.
    pub fn settings<'a>(&self, on: impl IntoIterator<Item = &'a ProfileName>) -> Result<Settings, String> {
        let mut settings = Settings::default();
        for profile in self.profiles.iter().filter(|profile| profile.always) {
            settings = profile.settings.iter().fold(settings, |all, one| all.with(&one.value));
        }
        for name in on {
            let profile = self.profile(name).ok_or_else(|| self.unknown(name))?;
            settings = profile.settings.iter().fold(settings, |all, one| all.with(&one.value));
        }
        Ok(settings)
    }

    /// What is said of a profile that is not there.
    pub fn unknown(&self, name: &ProfileName) -> String {
        let names: Vec<&str> = self.profiles.iter().map(|profile| profile.name.as_str()).collect();
        format!("there is no profile '{name}'; there are: {}", names.join(", "))
    }
}
