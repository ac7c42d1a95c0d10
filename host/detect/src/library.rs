//! All rules: those that come with the host, compiled in, and the operator's own, from files of the same form.
//!
//! Invariants: two rules never share an id, but where an operator's file stands in the place of one that comes with the host, to
//! change or disable it; a file that is refused refuses all of them, so that none is missing unseen; a file is read within its cap.

use std::{
    collections::BTreeMap,
    fs::File,
    io::{ErrorKind, Read as _},
    path::Path,
};

use portcullis_model::audit::plain;

use crate::rule::Rule;

/// The largest file that is read, in bytes.
const MAX_FILE: u64 = 64 * 1024;
/// The most files that an operator may add.
const MAX_FILES: usize = 256;

const BUILT_IN: &[&str] = &[
    include_str!("rules/admin-from-new-account.toml"),
    include_str!("rules/admin-from-new-device.toml"),
    include_str!("rules/bytes-out-jump.toml"),
    include_str!("rules/code-misused.toml"),
    include_str!("rules/denied-egress.toml"),
    include_str!("rules/first-act.toml"),
    include_str!("rules/first-scope.toml"),
    include_str!("rules/long-silence.toml"),
    include_str!("rules/new-destination.toml"),
    include_str!("rules/privacy-overdue.toml"),
    include_str!("rules/records-read-jump.toml"),
    include_str!("rules/refresh-reused.toml"),
    include_str!("rules/refused-client.toml"),
    include_str!("rules/refused-events.toml"),
    include_str!("rules/refused-requests.toml"),
    include_str!("rules/refused-sign-ins.toml"),
    include_str!("rules/repeated-denials.toml"),
];

/// Why there are no rules.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RuleError {
    /// A file cannot be read, or is no rule.
    #[error("{path}: {problem}")]
    File {
        /// Which.
        path: String,
        /// What is wrong.
        problem: String,
    },
    /// Two files of the operator's have the same id.
    #[error("{path}: there is another rule called '{id}' in {other}")]
    Twice {
        /// The one.
        path: String,
        /// The other.
        other: String,
        /// Their id.
        id: String,
    },
}

/// A rule, and where it comes from: a file; none for one that comes with the host.
#[derive(Clone, Debug)]
pub struct Shelved {
    /// The rule.
    pub rule: Rule,
    /// The operator's file.
    pub file: Option<String>,
}

/// All rules.
#[derive(Clone, Debug, Default)]
pub struct Library(BTreeMap<String, Shelved>);

impl Library {
    /// Those that come with the host.
    ///
    /// # Errors
    /// One of them is no rule: a test holds that they are.
    pub fn built_in() -> Result<Self, RuleError> {
        let mut rules = BTreeMap::new();
        for text in BUILT_IN {
            let failed = |problem| RuleError::File { path: "a rule of the host's own".into(), problem };
            let rule = Rule::parse(text).map_err(failed)?;
            rules.insert(rule.id.clone(), Shelved { rule, file: None });
        }
        Ok(Self(rules))
    }

    /// The same, with the operator's files of this directory, where there is one.
    ///
    /// # Errors
    /// A file cannot be read, is no rule, or there are too many.
    pub fn with(dir: &Path) -> Result<Self, RuleError> {
        let mut all = Self::built_in()?;
        let failed = |path: &Path, problem: String| RuleError::File { path: path.display().to_string(), problem };
        let entries = match std::fs::read_dir(dir) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(all),
            other => other.map_err(|error| failed(dir, error.to_string()))?,
        };
        let mut files = Vec::new();
        for entry in entries {
            let path = entry.map_err(|error| failed(dir, error.to_string()))?.path();
            if path.extension().is_some_and(|end| end == "toml") {
                files.push(path);
            }
            if files.len() > MAX_FILES {
                return Err(failed(dir, format!("more than {MAX_FILES} rules")));
            }
        }
        files.sort();
        for path in files {
            let rule = read(&path)?;
            let (id, file) = (rule.id.clone(), path.display().to_string());
            if let Some(Shelved { file: Some(other), .. }) = all.0.get(&id) {
                return Err(RuleError::Twice { path: file, other: other.clone(), id });
            }
            all.0.insert(id, Shelved { rule, file: Some(file) });
        }
        Ok(all)
    }

    /// The rule of this id.
    pub fn get(&self, id: &str) -> Option<&Shelved> {
        self.0.get(id)
    }

    /// All, by their ids.
    pub fn iter(&self) -> impl Iterator<Item = &Shelved> {
        self.0.values()
    }
}

/// Reads one file.
///
/// # Errors
/// It cannot be read, or is no rule.
pub fn read(path: &Path) -> Result<Rule, RuleError> {
    let failed = |problem: String| RuleError::File { path: path.display().to_string(), problem };
    let mut text = String::new();
    let file = File::open(path).map_err(|error| failed(error.to_string()))?;
    let read = file.take(MAX_FILE + 1).read_to_string(&mut text).map_err(|error| failed(error.to_string()))?;
    if read as u64 > MAX_FILE {
        return Err(failed(format!("larger than {MAX_FILE} bytes")));
    }
    // What a parser quotes of a file is somebody's text.
    Rule::parse(&text).map_err(|problem| failed(problem.lines().map(plain).collect::<Vec<_>>().join("\n")))
}
