//! Making a bundle.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{BufWriter, Write},
    path::{Path, PathBuf},
};

use portcullis_audit::{Checkpoint, EntryProof, LogKey, LogVerifier};
use portcullis_model::{
    audit::{Entry, Openings, reader::Shown},
    time::Timestamp,
};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::{
    BUNDLE, BundleError, CHECKPOINT, ENTRIES, EVENTS, LeftOut, MANIFEST, MOST_ENTRIES, MOST_LEFT_OUT, Manifest, PROOFS,
    README, SIGNED_AS, SUMMARY, VKEY, manifest::Line, summary::Summary,
};
use crate::event::CloudEvent;

const HOW: &str = include_str!("README.txt");

/// A bundle that is being made.
pub struct Maker {
    dir: PathBuf,
    key: LogVerifier,
    manifest: Manifest,
    last: Option<u64>,
    lines: Lines,
    events: Lines,
    proofs: Lines,
    summary: Summary,
}

/// A bundle that is whole but for its manifest.
pub struct Ready {
    dir: PathBuf,
    note: Vec<u8>,
    /// What the manifest says.
    pub manifest: Manifest,
    /// The manifest's SHA-256, as hex: what the log's entry about the bundle names.
    pub digest: String,
}

impl Maker {
    /// Begins one in a directory that must not be there yet, of the log at this head.
    ///
    /// # Errors
    /// The directory is there, or cannot be made.
    pub fn create(
        dir: &Path,
        key: &LogVerifier,
        head: &Checkpoint,
        (filter, made, personal): (&str, Timestamp, bool),
    ) -> Result<Self, BundleError> {
        fs::create_dir(dir).map_err(|error| BundleError::new(dir.display().to_string(), error))?;
        let manifest = Manifest {
            format: BUNDLE.to_owned(),
            origin: head.origin().to_owned(),
            size: head.size(),
            root: head.root().to_string(),
            filter: filter.to_owned(),
            made,
            personal,
            entries: 0,
            left_out: Vec::new(),
            files: BTreeMap::new(),
        };
        let lines = |name| Lines::create(dir, name);
        Ok(Self {
            dir: dir.to_owned(),
            key: key.clone(),
            last: None,
            lines: lines(ENTRIES)?,
            events: lines(EVENTS)?,
            proofs: lines(PROOFS)?,
            summary: Summary::default(),
            manifest,
        })
    }

    /// Adds the next entry, in the order of the log.
    ///
    /// # Errors
    /// It is not the next, its proof does not hold at the bundle's checkpoint, or there are too many.
    pub fn put(&mut self, shown: &Shown, proof: &EntryProof) -> Result<(), BundleError> {
        let wrong = |what: &str| BundleError::new(ENTRIES, format!("entry {}: {what}", shown.index));
        let head = proof.check(&self.key).map_err(|error| wrong(&error.to_string()))?.log;
        if (head.size(), head.root().to_string()) != (self.manifest.size, self.manifest.root.clone()) {
            return Err(wrong("its proof leads to another checkpoint"));
        }
        if proof.index != shown.index || self.last.is_some_and(|last| last >= shown.index) {
            return Err(wrong("it is not the next"));
        }
        if self.manifest.entries == MOST_ENTRIES {
            let many = "a bundle has at most 100,000 entries; narrow what is selected, such as with since= and until=";
            return Err(BundleError::too_much(ENTRIES, format!("entry {}: {many}", shown.index)));
        }
        let open = if self.manifest.personal { shown.openings.clone() } else { Vec::new() };
        let openings = Openings { open, erased: shown.erased.keys().cloned().collect() };
        let entry = Entry::open(proof.entry.as_bytes(), &openings).map_err(|error| wrong(&error.to_string()))?;
        self.events.put(&CloudEvent::of_entry(&self.manifest.origin, shown.index, &entry, Some(&proof.entry)))?;
        self.proofs.put(proof)?;
        self.summary.put(shown.index, &entry);
        let (body, erased) = (proof.entry.clone(), shown.erased.clone());
        self.lines.put(&Line { index: shown.index, body, openings: openings.open, erased, entry })?;
        self.manifest.entries += 1;
        self.last = Some(shown.index);
        Ok(())
    }

    /// Says that an entry is not in it, since it was disposed of.
    ///
    /// # Errors
    /// There are more than the manifest has room for.
    pub fn leave_out(&mut self, index: u64, disposed: Option<u64>) -> Result<(), BundleError> {
        if self.manifest.left_out.len() == MOST_LEFT_OUT {
            let many =
                "more than 10,000 of what is selected were disposed of; narrow what is selected, such as with since=";
            return Err(BundleError::too_much(MANIFEST, many));
        }
        self.manifest.left_out.push(LeftOut { index, disposed });
        Ok(())
    }

    /// Everything but the manifest: the checkpoint with what witnesses said of it, and how keys followed one another, by file.
    ///
    /// # Errors
    /// A file cannot be written.
    pub fn finish(mut self, key: &LogKey, checkpoint: &[u8], key_changes: &[Vec<u8>]) -> Result<Ready, BundleError> {
        let mut files = BTreeMap::new();
        for lines in [self.lines, self.events, self.proofs] {
            let (name, digest) = lines.end()?;
            files.insert(name.to_owned(), digest);
        }
        let mut put = |name: &str, bytes: &[u8]| -> Result<(), BundleError> {
            write(&self.dir, name, bytes)?;
            files.insert(name.to_owned(), hex::encode(Sha256::digest(bytes)));
            Ok(())
        };
        put(CHECKPOINT, checkpoint)?;
        put(VKEY, format!("{}\n", self.key.vkey()).as_bytes())?;
        put(README, HOW.as_bytes())?;
        put(SUMMARY, self.summary.html(&self.manifest).as_bytes())?;
        if !key_changes.is_empty() {
            let keys = self.dir.join("keys");
            fs::create_dir(&keys).map_err(|error| BundleError::new("keys", error))?;
        }
        for (n, change) in key_changes.iter().enumerate() {
            put(&format!("keys/{n:03}.json"), change)?;
        }
        self.manifest.files = files;
        let wrong = |error: &dyn ToString| BundleError::new(MANIFEST, error.to_string());
        let text = serde_json::to_string_pretty(&self.manifest).map_err(|error| wrong(&error))?;
        let note = key.sign_statement(SIGNED_AS, &format!("{text}\n")).map_err(|error| wrong(&error))?;
        let digest = hex::encode(Sha256::digest(&note));
        Ok(Ready { dir: self.dir, note, manifest: self.manifest, digest })
    }
}

impl Ready {
    /// Writes the manifest: from now on it is a bundle.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn publish(self) -> Result<Manifest, BundleError> {
        write(&self.dir, MANIFEST, &self.note)?;
        let synced = File::open(&self.dir).and_then(|dir| dir.sync_all());
        synced.map_err(|error| BundleError::new(MANIFEST, error))?;
        Ok(self.manifest)
    }
}

fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
    let written = || {
        let mut file = File::create_new(dir.join(name))?;
        file.write_all(bytes)?;
        file.sync_all()
    };
    written().map_err(|error| BundleError::new(name, error))
}

/// A file of lines, and what its digest is so far.
struct Lines {
    name: &'static str,
    file: BufWriter<File>,
    digest: Sha256,
}

impl Lines {
    fn create(dir: &Path, name: &'static str) -> Result<Self, BundleError> {
        let file = File::create_new(dir.join(name)).map_err(|error| BundleError::new(name, error))?;
        Ok(Self { name, file: BufWriter::new(file), digest: Sha256::new() })
    }

    fn put(&mut self, value: &impl Serialize) -> Result<(), BundleError> {
        let mut line = serde_json::to_vec(value).map_err(|error| BundleError::new(self.name, error))?;
        line.push(b'\n');
        self.digest.update(&line);
        self.file.write_all(&line).map_err(|error| BundleError::new(self.name, error))
    }

    fn end(mut self) -> Result<(&'static str, String), BundleError> {
        let synced = self.file.flush().and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(|error| BundleError::new(self.name, error))?;
        Ok((self.name, hex::encode(self.digest.finalize())))
    }
}
