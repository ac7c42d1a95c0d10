//! Packages of JavaScript and Python by what they leave in the data.
//!
//! Invariant: around each hit, a bounded number of bytes is looked at; a name or version that no registry would take is left out.

use std::collections::BTreeMap;

use aho_corasick::AhoCorasick;

use super::{Dependency, Ecosystem, Evidence, MAX_DEPENDENCIES};
use crate::inspect::InspectError;

const MODULES: &str = "node_modules/";
const METADATA: &str = "Metadata-Version: ";
const INFO: &str = ".dist-info";

const MAX_NAME: usize = 214;
const MAX_VERSION: usize = 64;
const MAX_METADATA: usize = 2 * 1024;
const MAX_ENTRY: usize = 200;

type Key = (Ecosystem, String);

/// What was found so far: each package once for each version of it.
pub(super) struct Finder {
    marks: AhoCorasick,
    versions: BTreeMap<Key, BTreeMap<String, Evidence>>,
    count: usize,
}

impl Finder {
    pub(super) fn new() -> Result<Self, InspectError> {
        let marks = AhoCorasick::new([MODULES, METADATA, INFO]).map_err(InspectError::patterns)?;
        Ok(Self { marks, versions: BTreeMap::new(), count: 0 })
    }

    pub(super) fn look(&mut self, data: &[u8]) {
        let marks = self.marks.clone();
        for hit in marks.find_iter(data) {
            let (before, after) = (&data[..hit.start()], &data[hit.end()..]);
            match hit.pattern().as_usize() {
                0 => self.module(after),
                1 => self.metadata(after),
                _ => self.info(before),
            }
        }
    }

    /// `node_modules/@scope/name/...`, pnpm's `node_modules/.pnpm/name@1.2.3/...`, or npm's lock: `node_modules/name": {"version": ...`.
    fn module(&mut self, after: &[u8]) {
        if let Some(store) = after.strip_prefix(b".pnpm/") {
            let entry = run(store, MAX_NAME, |byte| is_name(byte) || b"@+".contains(&byte));
            // A scope's own `@` is not the one before the version.
            let Some((at, _)) = entry.char_indices().skip(1).find(|(_, c)| *c == '@') else { return };
            let version = prefix(&entry[at + 1..], |byte| is_version(byte) && byte != b'_');
            self.add(Ecosystem::Npm, &entry[..at].replace('+', "/"), version, Evidence::ModulePath);
            return;
        }
        let scope = if after.first() == Some(&b'@') { 1 + run(&after[1..], MAX_NAME, is_name).len() } else { 0 };
        let slash = usize::from(scope > 0 && after.get(scope) == Some(&b'/'));
        if scope > 0 && slash == 0 {
            return;
        }
        let end = scope + slash + run(&after[scope + slash..], MAX_NAME, is_name).len();
        let name = String::from_utf8_lossy(&after[..end]).into_owned();
        match locked(&after[end..]) {
            Some(version) => self.add(Ecosystem::Npm, &name, &version, Evidence::LockFile),
            None => self.add(Ecosystem::Npm, &name, "", Evidence::ModulePath),
        }
    }

    /// The head of a distribution's METADATA: lines of `Key: value` up to the first empty one.
    fn metadata(&mut self, after: &[u8]) {
        let head = String::from_utf8_lossy(&after[..after.len().min(MAX_METADATA)]).into_owned();
        let mut lines = head.lines().skip(1).take_while(|line| !line.is_empty());
        let (mut name, mut version) = (None, None);
        for line in &mut lines {
            name = name.or_else(|| line.strip_prefix("Name: ").map(str::to_owned));
            version = version.or_else(|| line.strip_prefix("Version: ").map(str::to_owned));
        }
        if let (Some(name), Some(version)) = (name, version) {
            self.add(Ecosystem::PyPi, name.trim(), version.trim(), Evidence::DistributionInfo);
        }
    }

    /// `name-1.2.3.dist-info`, where something ends before it.
    fn info(&mut self, before: &[u8]) {
        let of_entry = |byte: &&u8| is_name(**byte) || b"!+".contains(byte);
        let length = before.iter().rev().take(MAX_ENTRY).take_while(of_entry).count();
        let entry = String::from_utf8_lossy(&before[before.len() - length..]).into_owned();
        let Some((name, version)) = entry.split_once('-') else { return };
        if version.starts_with(|c: char| c.is_ascii_digit()) && !version.contains('-') {
            self.add(Ecosystem::PyPi, name, version, Evidence::DistributionInfo);
        }
    }

    fn add(&mut self, ecosystem: Ecosystem, name: &str, version: &str, evidence: Evidence) {
        let name = if ecosystem == Ecosystem::PyPi { normal(name) } else { name.to_owned() };
        let named = name.len() >= 2
            && name.len() <= MAX_NAME
            && name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '@');
        let named = named && name.bytes().all(|byte| is_name(byte) || b"@/".contains(&byte));
        let numbered = version.is_empty() || (version.len() <= MAX_VERSION && version.bytes().all(is_version));
        // One more than is listed, so that it shows that there are more.
        if !named || !numbered || self.count > MAX_DEPENDENCIES {
            return;
        }
        let versions = self.versions.entry((ecosystem, name)).or_default();
        self.count += usize::from(!versions.contains_key(version));
        versions.entry(version.to_owned()).or_insert(evidence);
    }

    /// All of them, in order. A package without a version is left out where the same one has one.
    pub(super) fn take(&mut self) -> Vec<Dependency> {
        let packages = std::mem::take(&mut self.versions).into_iter();
        let each = packages.flat_map(|((ecosystem, name), versions)| {
            let some = versions.keys().any(|version| !version.is_empty());
            let told = versions.into_iter().filter(move |(version, _)| !some || !version.is_empty());
            told.map(move |(version, evidence)| {
                let version = (!version.is_empty()).then_some(version.as_str());
                Dependency::found(ecosystem, &name, version, evidence)
            })
        });
        each.collect()
    }
}

/// The version in the entry of a lock file that begins behind the name: `": { "version": "1.2.3"`.
fn locked(after: &[u8]) -> Option<String> {
    let entry = String::from_utf8_lossy(&after[..after.len().min(MAX_ENTRY)]).into_owned();
    let entry = entry.strip_prefix('"')?.trim_start().strip_prefix(':')?.trim_start().strip_prefix('{')?;
    let value = entry.split('}').next()?.split_once("\"version\"")?.1;
    let value = value.trim_start().strip_prefix(':')?.trim_start().strip_prefix('"')?;
    Some(value.split('"').next().unwrap_or_default().to_owned())
}

/// A distribution's name as PyPI compares it (PEP 503).
pub(crate) fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|part| !part.is_empty());
    parts.map(str::to_ascii_lowercase).collect::<Vec<_>>().join("-")
}

fn run(bytes: &[u8], most: usize, of: impl Fn(u8) -> bool) -> String {
    let length = bytes.iter().take(most).take_while(|byte| of(**byte)).count();
    String::from_utf8_lossy(&bytes[..length]).into_owned()
}

fn prefix(text: &str, of: impl Fn(u8) -> bool) -> &str {
    let length = text.bytes().take_while(|byte| of(*byte)).count();
    &text[..length]
}

fn is_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte)
}

fn is_version(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.+!".contains(&byte)
}
