//! How one key of a log follows another, so that who holds an older public key finds the newest by itself.
//!
//! A change is an entry of the log (`log.key-rotated`) that names both keys, and is led to a checkpoint that both have signed. What
//! shows that lies in the log's directory, in `keys/<n>.json`: the entry's body, its leaf, and the leaf's C2SP tlog-proof.
//!
//! Invariants: a key is believed only where one that is believed signed for it, over an entry that names both; all have the log's
//! name; the checkpoints of changes belong to the log like any that was kept elsewhere. What leads to a believed key counts for
//! evidence that was kept from before, never for the log's own head.

use std::path::Path;

use serde::{Deserialize, Serialize};
use tlog_tiles::record_hash;

use crate::{
    checkpoint::Checkpoint,
    disk::{Disk as _, Durable},
    fault::{Fault, LogError},
    key::LogVerifier,
    leaf::Leaf,
    proof, read,
};

/// The folder of changes.
const KEYS: &str = "keys";
/// The most bytes of one, and the most of them.
const MAX_CHANGE: u64 = 256 * 1024;
const MOST: usize = 1_000;

/// What shows that a key follows another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyChange {
    /// The older public key.
    pub old: String,
    /// The newer one.
    pub new: String,
    /// The body of the entry that says so.
    pub entry: String,
    /// Its leaf in the host's log.
    pub leaf: String,
    /// The leaf's C2SP tlog-proof.
    pub proof: String,
}

/// The only parts of the entry that are looked at.
#[derive(Deserialize)]
struct Seen {
    kind: String,
    detail: Named,
}

#[derive(Deserialize)]
struct Named {
    old: String,
    new: String,
}

/// The kind of the entry.
const KIND: &str = "log.key-rotated";

impl KeyChange {
    /// Checks the change with the older key. Gives the newer one, and the checkpoint that it is led to.
    ///
    /// # Errors
    /// In words, what does not hold.
    pub fn check(&self, old: &LogVerifier) -> Result<(LogVerifier, Checkpoint), String> {
        let new = LogVerifier::parse(&self.new).map_err(|error| error.to_string())?;
        let seen: Seen = serde_json::from_str(&self.entry).map_err(|_| "its entry is not that of a change of key")?;
        let names = seen.kind == KIND && seen.detail.old == old.vkey() && seen.detail.new == new.vkey();
        if !names || new.origin() != old.origin() {
            return Err("its entry does not name these two keys of this log".to_owned());
        }
        let leaf = Leaf::read(self.leaf.as_bytes()).ok_or("its leaf is none")?;
        if leaf.entry != record_hash(self.entry.as_bytes()) {
            return Err("its leaf is not that of its entry".to_owned());
        }
        let hash = record_hash(self.leaf.as_bytes());
        let mut head = None;
        for key in [old, &new] {
            let (index, found) = proof::check_proof_of(&self.proof, key, hash).map_err(|error| error.to_string())?;
            if index != leaf.index {
                return Err("its proof is of another place of the log".to_owned());
            }
            head = Some(found);
        }
        head.map(|head| (new, head)).ok_or_else(|| "it has no proof".to_owned())
    }
}

/// The keys of a log from one that is believed up to the newest.
#[derive(Clone, Debug)]
pub struct Chain {
    /// The believed one first, the newest last.
    pub keys: Vec<LogVerifier>,
    /// The checkpoints at which they changed.
    pub changes: Vec<Checkpoint>,
}

impl Chain {
    /// Follows the changes that lie in a log's directory.
    ///
    /// # Errors
    /// A change from a key that is believed does not hold: its file, and what is wrong.
    pub fn follow(dir: &Path, key: LogVerifier) -> Result<Self, LogError> {
        Self::through(&key_changes(dir)?, key)
    }

    /// As [`follow`](Self::follow), with changes that lie elsewhere, the oldest first.
    ///
    /// # Errors
    /// As [`follow`](Self::follow).
    pub fn through(changes: &[KeyChange], key: LogVerifier) -> Result<Self, LogError> {
        let mut chain = Self { keys: vec![key], changes: Vec::new() };
        for (n, change) in changes.iter().enumerate() {
            let Some(newest) = chain.keys.last().filter(|key| key.vkey() == change.old) else { continue };
            let (new, head) = change.check(newest).map_err(|what| LogError::Damaged(Fault::new(name(n), what)))?;
            chain.keys.push(new);
            chain.changes.push(head);
        }
        Ok(chain)
    }

    /// As [`follow`](Self::follow), with the keys before as well, the oldest first: each named by an entry of the log that the key
    /// after it has signed. For what was kept from when they signed.
    ///
    /// # Errors
    /// A change to or from a key that is believed does not hold: its file, and what is wrong.
    pub fn around(dir: &Path, key: LogVerifier) -> Result<Self, LogError> {
        let mut chain = Self::follow(dir, key)?;
        for (n, change) in key_changes(dir)?.iter().enumerate().rev() {
            let Some(oldest) = chain.keys.first().filter(|key| key.vkey() == change.new) else { continue };
            let wrong = |what: String| LogError::Damaged(Fault::new(name(n), what));
            let old = LogVerifier::parse(&change.old).map_err(|error| wrong(error.to_string()))?;
            let (new, head) = change.check(&old).map_err(wrong)?;
            if new != *oldest {
                return Err(wrong("it leads to another key".to_owned()));
            }
            chain.keys.insert(0, old);
            chain.changes.insert(0, head);
        }
        Ok(chain)
    }

    /// The newest key.
    pub fn newest(&self) -> Option<&LogVerifier> {
        self.keys.last()
    }
}

/// The changes that lie in a log's directory, the oldest first, as they are: see [`KeyChange::check`].
pub fn key_changes(dir: &Path) -> Result<Vec<KeyChange>, LogError> {
    let mut changes = Vec::new();
    while changes.len() < MOST {
        let name = name(changes.len());
        let Some(bytes) = read::file(dir, &name, MAX_CHANGE).map_err(LogError::Damaged)? else { break };
        let wrong = |_| LogError::Damaged(Fault::new(&name, "is no change of key"));
        changes.push(serde_json::from_slice(&bytes).map_err(wrong)?);
    }
    Ok(changes)
}

/// Stores a change behind those that are there, durably. One that is there already is kept as it is.
pub fn put_key_change(dir: &Path, change: &KeyChange) -> Result<(), LogError> {
    let there = key_changes(dir)?;
    if there.iter().any(|known| known.old == change.old && known.new == change.new) {
        return Ok(());
    }
    let file = dir.join(name(there.len()));
    let bytes = serde_json::to_vec_pretty(change).map_err(|error| LogError::Proof(error.to_string()))?;
    Durable.put(&file, &bytes).map_err(LogError::io(file.display()))?;
    [dir.join(KEYS), dir.to_owned()]
        .iter()
        .try_for_each(|folder| Durable.sync(folder).map_err(LogError::io(folder.display())))
}

fn name(n: usize) -> String {
    format!("{KEYS}/{n:03}.json")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Keys, Log, LogKey, Publisher, View,
        key::tests::Counter,
        testing::{entry, key},
        verify,
    };

    fn old() -> LogKey {
        key()
    }

    fn new() -> LogKey {
        old().successor(&Counter(7))
    }

    /// A log of three entries, the third of which says that the key changes, signed by both; and 300 more, signed by the new one.
    fn changed(body: &str) -> (tempfile::TempDir, KeyChange) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log");
        let mut view = View::new("0a".repeat(16));
        let leaf = |view: &mut View, index: u64, body: &[u8]| view.push(index, body).encode();
        let mut publisher = Publisher::create(&path, old()).unwrap();
        publisher.append(&[leaf(&mut view, 0, &entry(0)), leaf(&mut view, 1, &entry(1))]).unwrap();
        let third = leaf(&mut view, 2, body.as_bytes());
        publisher.append(std::slice::from_ref(&third)).unwrap();
        let mut publisher = Publisher::open(&path, Keys::new(new(), vec![old()])).unwrap();
        assert!(publisher.sign_again().unwrap() && !publisher.sign_again().unwrap());
        let proof = Log::open(&path, &old().verifier()).unwrap().proof_text(2).unwrap();
        let change = KeyChange {
            old: old().vkey(),
            new: new().vkey(),
            entry: body.to_owned(),
            leaf: String::from_utf8(third).unwrap(),
            proof: String::from_utf8(proof).unwrap(),
        };
        let mut publisher = Publisher::open(&path, new()).unwrap();
        publisher.append(&(3..303).map(|n| leaf(&mut view, n, &entry(n))).collect::<Vec<_>>()).unwrap();
        (dir, change)
    }

    fn body(kind: &str) -> String {
        format!(r#"{{"detail":{{"new":"{}","old":"{}"}},"kind":"{kind}"}}"#, new().vkey(), old().vkey())
    }

    #[test]
    fn the_older_key_leads_to_the_newest_and_no_further() {
        let (dir, change) = changed(&body(KIND));
        let path = dir.path().join("log");
        let error = verify(&path, &old().vkey(), None).unwrap_err().to_string();
        assert!(error.contains("is not signed by key"), "{error}");
        put_key_change(&path, &change).unwrap();
        put_key_change(&path, &change).unwrap();
        assert_eq!(key_changes(&path).unwrap().len(), 1);
        for vkey in [old().vkey(), new().vkey()] {
            assert_eq!(verify(&path, &vkey, None).unwrap().size, 303);
        }
        let stranger = old().successor(&Counter(9));
        assert!(verify(&path, &stranger.vkey(), None).is_err());

        let keys = |key: &LogKey| -> Vec<String> {
            Chain::around(&path, key.verifier()).unwrap().keys.iter().map(LogVerifier::vkey).collect()
        };
        assert_eq!(keys(&new()), [old().vkey(), new().vkey()], "backwards, for what was kept");
        assert_eq!(keys(&old()), [old().vkey(), new().vkey()]);
        assert_eq!(keys(&stranger), [stranger.vkey()]);
        let forged = KeyChange { old: stranger.vkey(), ..change };
        std::fs::write(path.join(name(0)), serde_json::to_vec(&forged).unwrap()).unwrap();
        assert!(Chain::around(&path, new().verifier()).is_err(), "nobody becomes an older key by saying so");
    }

    #[test]
    fn a_change_that_is_not_what_both_keys_signed_is_refused() {
        let (_dir, good) = changed(&body(KIND));
        good.check(&old().verifier()).unwrap();
        let (_dir, other_kind) = changed(&body("host.started"));
        let stranger = old().successor(&Counter(9)).vkey();
        let with = |change: fn(&mut KeyChange, &str)| {
            let mut changed = good.clone();
            change(&mut changed, &stranger);
            changed
        };
        for (what, bad) in [
            ("another kind", other_kind),
            ("another new key", with(|change, stranger| change.new = stranger.to_owned())),
            ("another entry", with(|change, _| change.entry = change.entry.replace("kind", "kinD"))),
            (
                "a new key in the entry",
                with(|change, stranger| {
                    change.entry = change.entry.replace(&change.new, stranger);
                    change.new = stranger.to_owned();
                }),
            ),
            ("another leaf", with(|change, _| change.leaf = change.leaf.replace("\"size\":3", "\"size\":4"))),
            (
                "the old signature gone",
                with(|change, _| {
                    let lines: Vec<&str> = change.proof.lines().collect();
                    change.proof = format!("{}\n", lines[..lines.len() - 1].join("\n"));
                }),
            ),
        ] {
            assert!(bad.check(&old().verifier()).is_err(), "{what}");
        }
        assert!(good.check(&new().verifier()).is_err(), "from another key");
    }
}
