//! Witnesses: others who cosign a checkpoint once they have seen that it continues the last one they cosigned (C2SP tlog-witness,
//! tlog-cosignature). What they cosigned cannot be told differently to somebody else.
//!
//! This is the protocol without the wire: what to send, and what an answer means. The newest cosigned checkpoint lies beside the
//! log's own, in `cosigned`.
//!
//! Invariants: a cosignature is kept and counted only where its key, its time and its signature were checked (`verify_strict`); a
//! witness is counted once; what a witness says of itself leads to no other request than the next one to it.

use std::{collections::BTreeSet, fmt, path::Path};

use ed25519_dalek::{Signature as Ed25519, VerifyingKey};
use serde::Serialize;
use signed_note::{Note, Signature};

use crate::{
    checkpoint::{Checkpoint, CheckpointError},
    disk::{self, Disk as _, Durable},
    fault::{Fault, LogError},
    key::{KeyError, LogVerifier, fields},
    layout::grouped,
    proof::{Log, check_consistency},
    read,
};

/// The signature type of cosignatures with Ed25519 and a time (C2SP tlog-cosignature).
const COSIGNATURE: u8 = 4;
/// The file of the newest cosigned checkpoint.
pub(crate) const COSIGNED: &str = "cosigned";
/// The most bytes of it.
const MAX_NOTE: u64 = 1 << 20;
/// The most bytes of a witness's answer.
pub const MAX_ANSWER: usize = 16 * 1024;
/// How far ahead of this host's clock a witness's may be, in seconds.
const AHEAD: u64 = 300;

/// A witness's public key, as C2SP writes it: `<name>+<id>+<base64 of type 4 and key>`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WitnessKey {
    name: String,
    id: u32,
    key: VerifyingKey,
}

impl WitnessKey {
    /// Reads the text.
    ///
    /// # Errors
    /// It is no key of a witness.
    pub fn parse(vkey: &str) -> Result<Self, KeyError> {
        let wrong = KeyError::Malformed(
            "witness vkey: expected '<name>+<id>+<key>' of an Ed25519 key for cosignatures (type 4)",
        );
        let Some((name, id, bytes)) = fields(vkey.trim()) else { return Err(wrong) };
        let key = bytes.strip_prefix(&[COSIGNATURE]).and_then(|bytes| bytes.try_into().ok());
        let key = key.and_then(|bytes| VerifyingKey::from_bytes(bytes).ok()).filter(|key| !key.is_weak());
        let Some(key) = key else { return Err(wrong) };
        if signed_note::key_id(&name, &bytes) != id {
            return Err(KeyError::Malformed("witness vkey: its id is not that of its name and key"));
        }
        Ok(Self { name, id, key })
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The time of this witness's cosignature of a note, in seconds since 1970. None where there is none, or a bad one.
    fn cosigned(&self, text: &[u8], signature: &Signature) -> Option<u64> {
        if signature.name() != self.name || signature.id() != self.id {
            return None;
        }
        let (time, bytes) = signature.signature().split_first_chunk::<8>()?;
        let (time, bytes) = (u64::from_be_bytes(*time), Ed25519::from_slice(bytes).ok()?);
        let message = [format!("cosignature/v1\ntime {time}\n").as_bytes(), text].concat();
        self.key.verify_strict(&message, &bytes).is_ok().then_some(time)
    }
}

impl fmt::Display for WitnessKey {
    /// Name and id, as in a signature.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}+{:08x}", self.name, self.id)
    }
}

/// What is sent to a witness that last cosigned `older` entries: `POST <url>/add-checkpoint`.
///
/// # Errors
/// The log does not reach that far back, or is damaged.
pub fn add_checkpoint(log: &Log, older: u64) -> Result<Vec<u8>, LogError> {
    let mut text = format!("old {older}\n");
    if older != log.head().size() {
        for hash in log.consistency_from(older)? {
            text.push_str(&format!("{hash}\n"));
        }
    }
    text.push('\n');
    Ok([text.as_bytes(), log.head().note()].concat())
}

/// What a witness's answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its cosignature, as a line of a note.
    Cosigned(String),
    /// It last cosigned this many entries: to be asked again from there.
    Knows(u64),
    /// It does not cosign; why, in words.
    Refused(String),
}

/// Reads a witness's answer to [`add_checkpoint`]. `now` in seconds since 1970.
pub fn answer(witness: &WitnessKey, head: &Checkpoint, now: u64, status: u16, body: &[u8]) -> Answer {
    let body = if body.len() > MAX_ANSWER { &[][..] } else { body };
    let text = std::str::from_utf8(body).unwrap_or_default();
    match status {
        200 => cosignature(witness, head, now, text),
        409 => match text.strip_suffix('\n').and_then(|text| text.parse::<u64>().ok()) {
            Some(size) if size <= head.size() => Answer::Knows(size),
            Some(size) => Answer::Refused(format!(
                "it has cosigned {} entries of this log, which has {}: the log was rolled back, or told to others differently",
                grouped(size),
                grouped(head.size())
            )),
            None => Answer::Refused("it answered 409 without the size that it knows".to_owned()),
        },
        403 => Answer::Refused("it does not know the key of this log (403)".to_owned()),
        404 => Answer::Refused("it does not know this log (404)".to_owned()),
        422 => Answer::Refused("it finds that the log does not continue what it cosigned (422)".to_owned()),
        other => Answer::Refused(format!("it answered {other}")),
    }
}

fn cosignature(witness: &WitnessKey, head: &Checkpoint, now: u64, lines: &str) -> Answer {
    let Some(text) = text_of(head) else { return Answer::Refused("the log's own head cannot be read".to_owned()) };
    for line in lines.lines() {
        let Ok(signature) = Signature::from_bytes(line.as_bytes()) else { continue };
        match witness.cosigned(&text, &signature) {
            Some(time) if time > now.saturating_add(AHEAD) => {
                return Answer::Refused("its cosignature is of a time that is not yet".to_owned());
            }
            Some(_) => return Answer::Cosigned(line.to_owned()),
            None => {}
        }
    }
    Answer::Refused(format!("its answer has no good cosignature by {witness}"))
}

fn text_of(head: &Checkpoint) -> Option<Vec<u8>> {
    Note::from_bytes(head.note()).ok().map(|note| note.text().to_vec())
}

/// Stores the lines of witnesses with the checkpoint that they cosigned, where none of a larger log is stored, beside what other
/// witnesses have said of the same one.
pub fn put_cosigned(dir: &Path, head: &Checkpoint, lines: &[String]) -> Result<(), LogError> {
    let _lock = disk::lock(dir)?;
    let wrong = |_| LogError::Checkpoint(CheckpointError::Malformed);
    let mut note = head.note().to_vec();
    if let Some(stored) = read::file(dir, COSIGNED, MAX_NOTE).map_err(LogError::Damaged)? {
        match Checkpoint::claims(&stored) {
            Some((size, _)) if size > head.size() => return Ok(()),
            // The log's own lines are those of the head: a key may have signed it since.
            Some(claims) if claims == (head.size(), head.root()) => note = with_lines_of(note, &stored),
            _ => {}
        }
    }
    let known = Note::from_bytes(&note).map_err(wrong)?;
    for line in lines {
        let signature = Signature::from_bytes(line.as_bytes()).map_err(wrong)?;
        let others = |known: &str| {
            let known = Signature::from_bytes(known.as_bytes());
            !known.is_ok_and(|known| (known.name(), known.id()) == (signature.name(), signature.id()))
        };
        let text = String::from_utf8_lossy(&note).into_owned();
        let (head, signatures) = text.rsplit_once("\n\n").unwrap_or((&text, ""));
        let mut kept: Vec<&str> = signatures.lines().filter(|line| others(line)).collect();
        kept.push(line);
        note = format!("{head}\n\n{}\n", kept.join("\n")).into_bytes();
    }
    debug_assert!(Note::from_bytes(&note).is_ok_and(|note| note.text() == known.text()));
    let file = dir.join(COSIGNED);
    Durable.put(&file, &note).map_err(LogError::io(file.display()))?;
    Durable.sync(dir).map_err(LogError::io(dir.display()))
}

/// A note, and behind it those signatures of another that it does not have.
fn with_lines_of(note: Vec<u8>, stored: &[u8]) -> Vec<u8> {
    let mut text = String::from_utf8_lossy(&note).into_owned();
    let stored = String::from_utf8_lossy(stored).into_owned();
    for line in stored.rsplit_once("\n\n").map_or("", |(_, lines)| lines).lines() {
        if !text.lines().any(|known| known == line) {
            text.push_str(line);
            text.push('\n');
        }
    }
    text.into_bytes()
}

/// The newest checkpoint that witnesses cosigned, and which of those that were asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cosigned {
    /// How many entries it covers.
    pub size: u64,
    /// Who cosigned it.
    pub witnesses: Vec<Cosignature>,
}

/// That one witness cosigned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cosignature {
    /// Its name and its key's id.
    pub witness: String,
    /// When, in seconds since 1970.
    pub time: u64,
}

impl Cosigned {
    /// Reads `cosigned` beside a log, and checks it: signed by one of the log's keys, the beginning of the log (or all of it), and
    /// cosigned by at least `quorum` of these witnesses.
    ///
    /// # Errors
    /// What does not hold.
    pub fn read(dir: &Path, keys: &[LogVerifier], witnesses: &[WitnessKey], quorum: usize) -> Result<Self, LogError> {
        let fault = |what: &str| LogError::Damaged(Fault::new(COSIGNED, what));
        let note = read::file(dir, COSIGNED, MAX_NOTE).map_err(LogError::Damaged)?;
        let note = note.ok_or_else(|| LogError::Damaged(Fault::missing(COSIGNED)))?;
        let head = Checkpoint::open_any(&note, keys).map_err(|error| fault(&error.to_string()))?;
        let newest = Log::at(dir, read::checkpoint(dir, keys)?);
        let proof = newest.consistency(&head)?;
        if !check_consistency(&proof, &head, newest.head()) {
            return Err(fault("is of another log than this one: it was told to the witnesses differently"));
        }
        let seen = cosigned_by(&note, witnesses);
        match seen.len() >= quorum {
            true => Ok(Self { size: head.size(), witnesses: seen }),
            false => {
                Err(fault(&format!("is cosigned by {} of the witnesses asked for, {quorum} are needed", seen.len())))
            }
        }
    }

    /// The names of the witnesses.
    pub fn by(&self) -> String {
        self.witnesses.iter().map(|one| one.witness.as_str()).collect::<Vec<_>>().join(", ")
    }
}

/// Which of these witnesses have cosigned a note, and when.
fn cosigned_by(note: &[u8], witnesses: &[WitnessKey]) -> Vec<Cosignature> {
    let Ok(parsed) = Note::from_bytes(note) else { return Vec::new() };
    let text = String::from_utf8_lossy(note).into_owned();
    let lines: Vec<Signature> = text
        .rsplit_once("\n\n")
        .map(|(_, lines)| lines.lines().filter_map(|line| Signature::from_bytes(line.as_bytes()).ok()).collect())
        .unwrap_or_default();
    let mut counted = BTreeSet::new();
    let mut seen = Vec::new();
    for witness in witnesses {
        let time = lines.iter().find_map(|line| witness.cosigned(parsed.text(), line));
        // The same key under two names is one witness.
        if let Some(time) = time
            && counted.insert(witness.key.to_bytes())
        {
            seen.push(Cosignature { witness: witness.to_string(), time });
        }
    }
    seen
}

#[cfg(test)]
mod tests;
