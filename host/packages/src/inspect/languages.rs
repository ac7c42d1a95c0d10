//! Which languages a component seems to be written in: what its producers say, and strings that language runtimes bring along.
//!
//! Invariant: hints alone. Release builds are often stripped of what tools wrote, and anybody can put a string there.

use std::collections::BTreeSet;

use aho_corasick::AhoCorasick;

use super::{InspectError, Language, Producer};

/// Tools that make components of one language, as they name themselves.
const TOOLS: &[(&str, &str)] = &[
    ("rustc", "Rust"),
    ("clang", "C or C++"),
    ("componentize-js", "JavaScript"),
    ("componentizejs", "JavaScript"),
    ("componentize-qjs", "JavaScript"),
    ("jco", "JavaScript"),
    ("componentize-py", "Python"),
    ("tinygo", "Go"),
    ("go", "Go"),
];

/// Strings that a language's runtime or standard library has in its data.
const SIGNS: &[(&str, &str)] = &[
    ("library/core/src/", "Rust"),
    ("library/alloc/src/", "Rust"),
    ("library/std/src/", "Rust"),
    ("called `Option::unwrap()` on a `None` value", "Rust"),
    ("called `Result::unwrap()` on an `Err` value", "Rust"),
    ("QuickJS", "JavaScript"),
    ("SpiderMonkey", "JavaScript"),
    ("is not a function\0", "JavaScript"),
    ("Modules/_ctypes", "Python"),
    ("importlib._bootstrap", "Python"),
    ("runtime.gopanic", "Go"),
    ("panic: runtime error: ", "Go"),
];

/// What was found so far.
pub(super) struct Languages {
    signs: AhoCorasick,
    found: BTreeSet<Language>,
}

impl Languages {
    pub(super) fn new() -> Result<Self, InspectError> {
        let signs = AhoCorasick::new(SIGNS.iter().map(|(sign, _)| sign)).map_err(InspectError::patterns)?;
        Ok(Self { signs, found: BTreeSet::new() })
    }

    /// Looks for signs in data; one a language is enough.
    pub(super) fn look(&mut self, data: &[u8]) {
        for hit in self.signs.find_iter(data) {
            let Some((sign, name)) = SIGNS.get(hit.pattern().as_usize()) else { continue };
            if !self.found.iter().any(|one| one.name == *name) {
                self.found.insert(Language { name, sign: format!("its data has '{}'", sign.trim_end_matches('\0')) });
            }
        }
    }

    /// Takes in what the producers say, and gives the languages in the order of their names.
    pub(super) fn finish(mut self, producers: &[Producer]) -> Vec<Language> {
        for producer in producers {
            let tool = producer.tool.split(' ').next().unwrap_or_default().to_lowercase();
            let known = TOOLS.iter().find(|(name, _)| *name == tool).map(|(_, language)| *language);
            let spoken = LANGUAGES.iter().find(|name| producer.role == "language" && name.to_lowercase() == tool);
            if let Some(name) = known.or(spoken.copied()) {
                self.found.retain(|one| one.name != name || one.sign.starts_with("its producers"));
                if !self.found.iter().any(|one| one.name == name) {
                    self.found.insert(Language { name, sign: format!("its producers name '{}'", producer.tool) });
                }
            }
        }
        self.found.into_iter().collect()
    }
}

/// Languages as the `language` field of the producers section names them.
const LANGUAGES: &[&str] = &["Rust", "C", "C++", "Go", "JavaScript", "Python", "Zig", "Swift", "Kotlin", "C#"];
