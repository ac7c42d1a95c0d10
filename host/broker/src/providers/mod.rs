//! Answers for providers of upstream credentials: their definitions, which are data, and what a connection's settings make of
//! them.
//!
//! Those that come with the host are compiled in; an operator adds files of the same form. [`definition`] is the form,
//! [`setting`] and [`template`] say what may be filled in where, [`resolved`] is a definition with all of it filled in.
//!
//! Invariants: a definition that does not make sense is refused as a whole, with the place that is wrong; two definitions never
//! share an id, so that a file cannot take the place of what comes with the host; a filled-in endpoint is an exact `https` URL;
//! no code knows a provider by its name.

mod check;
pub mod definition;
pub mod resolved;
pub mod setting;
pub mod template;

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read as _},
    path::Path,
    sync::Arc,
};

pub use definition::{Definition, Way};
use portcullis_model::id::ProviderId;
pub use resolved::Resolved;
use setting::{Kind, Setting};

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 64 * 1024;

/// The most files that an operator may add.
const MAX_FILES: usize = 256;

const BUILT_IN: &[&str] = &[
    include_str!("definitions/client-credentials.toml"),
    include_str!("definitions/github-app.toml"),
    include_str!("definitions/github.toml"),
    include_str!("definitions/google.toml"),
    include_str!("definitions/jira.toml"),
    include_str!("definitions/microsoft.toml"),
    include_str!("definitions/oauth2.toml"),
    include_str!("definitions/salesforce.toml"),
    include_str!("definitions/slack-user.toml"),
    include_str!("definitions/slack.toml"),
    include_str!("definitions/static.toml"),
    include_str!("definitions/zendesk.toml"),
];

/// Why a definition, or what is filled into one, is refused. Never holds a secret.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProviderError {
    /// A file cannot be read.
    #[error("{path}: {problem}")]
    File {
        /// Which.
        path: String,
        /// Why.
        problem: String,
    },
    /// There is none of this id.
    #[error("there is no provider '{id}'; there are: {known}")]
    Unknown {
        /// What was asked for.
        id: String,
        /// Those that there are.
        known: String,
    },
    /// What is filled in does not fit.
    #[error("provider {id}: {problem}")]
    Unfit {
        /// Which provider.
        id: ProviderId,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

/// All providers that this host knows.
#[derive(Clone, Debug)]
pub struct Providers(BTreeMap<ProviderId, Arc<Definition>>);

impl Providers {
    /// Those that come with the host.
    pub fn built_in() -> Result<Self, ProviderError> {
        let mut all = Self(BTreeMap::new());
        BUILT_IN.iter().try_for_each(|text| all.add("a definition that comes with the host", text))?;
        Ok(all)
    }

    /// Those that come with the host, and those in `*.toml` files of this directory, which need not be there.
    pub fn load(dir: &Path) -> Result<Self, ProviderError> {
        let mut all = Self::built_in()?;
        let file = |path: &Path, problem: String| ProviderError::File { path: path.display().to_string(), problem };
        let entries = match std::fs::read_dir(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(all),
            entries => entries.map_err(|error| file(dir, error.to_string()))?,
        };
        let mut paths = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| file(dir, error.to_string()))?.path();
            if path.extension().is_some_and(|extension| extension == "toml") {
                paths.push(path);
            }
        }
        if paths.len() > MAX_FILES {
            return Err(file(dir, format!("{} files; at most {MAX_FILES} are read", paths.len())));
        }
        paths.sort();
        for path in paths {
            let text = read(&path).map_err(|problem| file(&path, problem))?;
            all.add(&path.display().to_string(), &text)?;
        }
        Ok(all)
    }

    /// Reads one definition and adds it.
    pub fn add(&mut self, path: &str, text: &str) -> Result<(), ProviderError> {
        let wrong = |problem: String| ProviderError::File { path: path.to_owned(), problem };
        let definition = parse(text).map_err(wrong)?;
        if self.0.contains_key(&definition.id) {
            return Err(wrong(format!("id: there is a provider '{}' already; take another name", definition.id)));
        }
        self.0.insert(definition.id.clone(), Arc::new(definition));
        Ok(())
    }

    /// One.
    pub fn get(&self, id: &ProviderId) -> Result<&Arc<Definition>, ProviderError> {
        self.0.get(id).ok_or_else(|| {
            let known: Vec<_> = self.0.keys().map(ProviderId::as_str).collect();
            ProviderError::Unknown { id: id.to_string(), known: known.join(", ") }
        })
    }

    /// All, by id.
    pub fn all(&self) -> impl Iterator<Item = &Arc<Definition>> {
        self.0.values()
    }

    /// Those with an OAuth way for requests to this host: a static token for it is a risk that need not be (INT-3).
    pub fn offering_oauth_for<'a>(&'a self, host: &'a str) -> impl Iterator<Item = &'a Arc<Definition>> {
        self.all().filter(move |one| one.way != Way::Static && one.could_cover(host))
    }
}

fn read(path: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = File::open(path).map_err(|error| error.to_string())?;
    file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(|error| error.to_string())?;
    if text.len() as u64 > MAX_FILE { Err(format!("longer than {MAX_FILE} bytes")) } else { Ok(text) }
}

/// Reads and checks one definition.
pub fn parse(text: &str) -> Result<Definition, String> {
    let mut definition: Definition = toml::from_str(text).map_err(|error| error.to_string())?;
    if let Some(own) = check::OWN.iter().find(|name| definition.settings.contains_key(**name)) {
        return Err(format!("settings.{own}: each OAuth client has this one by itself"));
    }
    if definition.way != Way::Static {
        definition.settings.extend(own_settings(&definition));
    }
    check::check(&definition)?;
    Ok(definition)
}

/// The settings that each OAuth client has.
fn own_settings(definition: &Definition) -> Vec<(String, Setting)> {
    let text = |about: &str, optional: bool| Setting {
        kind: Kind::Text,
        about: about.to_owned(),
        default: None,
        optional,
        one_of: Vec::new(),
        under: None,
    };
    let ways: Vec<String> = definition.client.authentication.iter().map(|way| way.name().to_owned()).collect();
    let way = Setting {
        default: ways.first().cloned(),
        one_of: ways,
        ..text("How the client proves itself to the provider.", false)
    };
    vec![
        ("client-id".to_owned(), text("The client's id at the provider.", false)),
        ("client-auth".to_owned(), way),
        ("key-id".to_owned(), text("The id of the client's key, where the provider wants it named (kid).", true)),
    ]
}

#[cfg(test)]
mod tests;
