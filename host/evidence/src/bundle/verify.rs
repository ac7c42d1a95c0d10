//! Checking a bundle, with nothing but the log's key.

use std::{
    io::{BufRead as _, BufReader, Read},
    path::Path,
};

use portcullis_audit::{Chain, Checkpoint, EntryProof, KeyChange, LogVerifier};
use portcullis_model::audit::{Entry, Openings, plain};
use serde::de::DeserializeOwned;
use sha2::{Digest as _, Sha256};

use super::{
    BUNDLE, BundleError, CHECKPOINT, ENTRIES, EVENTS, FILES, MANIFEST, MAX_TEXT, Manifest, PROOFS, SIGNED_AS, VKEY,
    is_key_change, manifest::Line, place::Place,
};
use crate::event::CloudEvent;

/// What a bundle was found to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What it says of itself.
    pub manifest: Manifest,
    /// The manifest's SHA-256, as hex; the log's `audit.bundled` entry names it.
    pub digest: String,
    /// The key that all of it was checked with: the given one, or the one that followed it.
    pub key: String,
}

/// Checks everything in a bundle, a directory or a tar, with this key, or with one that followed it. The key in the bundle itself
/// counts for nothing.
///
/// # Errors
/// The first thing that does not hold, and in which file.
pub fn verify_bundle(path: &Path, key: &LogVerifier) -> Result<Verified, BundleError> {
    let place = &Place::open(path)?;
    let names = place.names()?;
    let changes = key_changes(place, &names)?;
    let chain = Chain::through(&changes, key.clone()).map_err(|error| BundleError::new("keys", error))?;
    let newest = chain.newest().unwrap_or(key);
    let note = place.text(MANIFEST)?;
    let wrong = |what: &str| BundleError::new(MANIFEST, what);
    let said = newest.statement(SIGNED_AS, &note).ok_or_else(|| wrong("is not signed by the log's key"))?;
    let manifest: Manifest = serde_json::from_str(&said).map_err(|error| wrong(&error.to_string()))?;
    if manifest.format != BUNDLE {
        return Err(wrong("is of another form"));
    }
    files(place, &names, &manifest)?;
    let head =
        Checkpoint::open(&place.text(CHECKPOINT)?, newest).map_err(|error| BundleError::new(CHECKPOINT, error))?;
    let of_manifest = (manifest.origin.as_str(), manifest.size, manifest.root.as_str());
    if (head.origin(), head.size(), head.root().to_string().as_str()) != of_manifest {
        return Err(BundleError::new(CHECKPOINT, "is another than the manifest names"));
    }
    if place.text(VKEY)? != format!("{}\n", newest.vkey()).into_bytes() {
        return Err(BundleError::new(VKEY, "is another key than the one that the log is checked with"));
    }
    entries(place, &manifest, &head, newest)?;
    Ok(Verified { digest: hex::encode(Sha256::digest(&note)), key: newest.vkey(), manifest })
}

/// How one key followed another, the oldest first.
fn key_changes(place: &Place, names: &[String]) -> Result<Vec<KeyChange>, BundleError> {
    let changes = names.iter().filter(|name| is_key_change(name)).enumerate();
    let read = changes.map(|(n, name)| {
        if *name != format!("keys/{n:03}.json") {
            return Err(BundleError::new(name, "the one before it is not there"));
        }
        serde_json::from_slice(&place.text(name)?).map_err(|_| BundleError::new(name, "is no change of key"))
    });
    read.collect()
}

/// Every file is there, is what the manifest says, and nothing else is there.
fn files(place: &Place, names: &[String], manifest: &Manifest) -> Result<(), BundleError> {
    if let Some(missing) = FILES.iter().find(|name| !manifest.files.contains_key(**name)) {
        return Err(BundleError::new(*missing, "is not named by the manifest"));
    }
    for (name, digest) in &manifest.files {
        let is_known = FILES.contains(&name.as_str()) || is_key_change(name);
        if !is_known || hashed(place, name)? != *digest {
            return Err(BundleError::new(plain(name), "is not the file that the manifest names"));
        }
    }
    match names.iter().find(|name| *name != MANIFEST && !manifest.files.contains_key(*name)) {
        Some(more) => Err(BundleError::new(plain(more), "is not named by the manifest")),
        None => Ok(()),
    }
}

/// Every entry is proven, and is what its line says.
fn entries(place: &Place, manifest: &Manifest, head: &Checkpoint, key: &LogVerifier) -> Result<(), BundleError> {
    let (mut lines, mut proofs, mut events) =
        (Lines::open(place, ENTRIES)?, Lines::open(place, PROOFS)?, Lines::open(place, EVENTS)?);
    let mut last = None;
    let mut count = 0;
    while let Some(line) = lines.next::<Line>()? {
        let missing = |file: &str| BundleError::new(file, format!("has no line of entry {}", line.index));
        let proof: EntryProof = proofs.next()?.ok_or_else(|| missing(PROOFS))?;
        let event: CloudEvent = events.next()?.ok_or_else(|| missing(EVENTS))?;
        let wrong = |file: &str, what: &str| BundleError::new(file, format!("entry {}: {what}", line.index));
        let shown = proof.check(key).map_err(|error| wrong(PROOFS, &error.to_string()))?;
        if (shown.log.size(), shown.log.root()) != (head.size(), head.root()) {
            return Err(wrong(PROOFS, "its proof leads to another checkpoint"));
        }
        if proof.index != line.index || proof.entry != line.body {
            return Err(wrong(ENTRIES, "its proof is of another entry"));
        }
        if last.is_some_and(|last| last >= line.index) {
            return Err(wrong(ENTRIES, "it is not the next"));
        }
        let openings = Openings { open: line.openings, erased: line.erased.keys().cloned().collect() };
        let read = Entry::open(line.body.as_bytes(), &openings).map_err(|error| wrong(ENTRIES, &error.to_string()))?;
        if serde_json::to_value(&read).ok() != serde_json::to_value(&line.entry).ok() {
            return Err(wrong(ENTRIES, "what is readable is not what its body says"));
        }
        if event.id != format!("{}/{}", manifest.origin, line.index) || event.data["raw_data"] != line.body {
            return Err(wrong(EVENTS, "it is of another entry"));
        }
        last = Some(line.index);
        count += 1;
    }
    for (more, file) in [(proofs.is_more()?, PROOFS), (events.is_more()?, EVENTS)] {
        if more {
            return Err(BundleError::new(file, "has more lines than there are entries"));
        }
    }
    match count == manifest.entries {
        true => Ok(()),
        false => Err(BundleError::new(ENTRIES, format!("has {count} entries; the manifest says {}", manifest.entries))),
    }
}

fn hashed(place: &Place, name: &str) -> Result<String, BundleError> {
    let mut digest = Sha256::new();
    let (mut file, _) = place.file(name)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer).map_err(|error| BundleError::new(name, error))? {
            0 => return Ok(hex::encode(digest.finalize())),
            n => digest.update(&buffer[..n]),
        }
    }
}

/// A file of lines, read one at a time.
struct Lines {
    name: &'static str,
    file: BufReader<Box<dyn Read>>,
    number: u64,
}

impl Lines {
    fn open(place: &Place, name: &'static str) -> Result<Self, BundleError> {
        Ok(Self { name, file: BufReader::new(place.file(name)?.0), number: 0 })
    }

    fn next<T: DeserializeOwned>(&mut self) -> Result<Option<T>, BundleError> {
        let mut line = Vec::new();
        self.number += 1;
        let wrong = |what: String| BundleError::new(self.name, format!("line {}: {what}", self.number));
        let read = (&mut self.file).take(MAX_TEXT).read_until(b'\n', &mut line);
        read.map_err(|error| wrong(error.to_string()))?;
        match line.last() {
            None => Ok(None),
            Some(b'\n') => serde_json::from_slice(&line).map(Some).map_err(|error| wrong(error.to_string())),
            Some(_) => Err(wrong("is cut off, or longer than 1 MiB".to_owned())),
        }
    }

    fn is_more(&mut self) -> Result<bool, BundleError> {
        self.file.fill_buf().map(|rest| !rest.is_empty()).map_err(|error| BundleError::new(self.name, error))
    }
}
