//! One entry with all that shows where it stands: in the host's log, and in its view.
//!
//! Invariant: [`EntryProof::check`] needs nothing but this and the log's key; both proofs are C2SP tlog-proofs, which other tools
//! check as well.

use serde::{Deserialize, Serialize};
use tlog_tiles::record_hash;

use crate::{checkpoint::Checkpoint, fault::LogError, key::LogVerifier, leaf::Leaf, proof::check_proof_of};

/// What the form is called.
pub const ENTRY_PROOF: &str = "portcullis-proof/1";

/// An entry and its proofs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct EntryProof {
    /// [`ENTRY_PROOF`].
    pub format: String,
    /// The entry's place in the host's log, from 0.
    pub index: u64,
    /// The entry's body, byte for byte.
    pub entry: String,
    /// Its leaf in the host's log; absent where the log has the body itself.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub leaf: Option<String>,
    /// The C2SP tlog-proof of the leaf in the host's log.
    pub proof: String,
    /// The log's public key. To be compared with one that was had elsewhere.
    pub key: String,
    /// Where it stands in its view.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub view: Option<InView>,
}

/// Where an entry stands in its view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct InView {
    /// The view's tag.
    pub tag: String,
    /// The entry's place in the view, from 0.
    pub position: u64,
    /// The C2SP tlog-proof of the body in the view, which is a log of its own.
    pub proof: String,
    /// That log's public key: the host's log's key under the view's name.
    pub key: String,
}

/// What a proof shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Shown {
    /// The checkpoint of the host's log.
    pub log: Checkpoint,
    /// The checkpoint of the view, where there is one.
    pub view: Option<Checkpoint>,
}

impl EntryProof {
    /// Reads the form.
    ///
    /// # Errors
    /// It is another one.
    pub fn read(text: &[u8]) -> Result<Self, LogError> {
        let wrong = |what: String| LogError::Proof(format!("it is no proof of an entry: {what}"));
        let proof: Self = serde_json::from_slice(text).map_err(|error| wrong(error.to_string()))?;
        match proof.format == ENTRY_PROOF {
            true => Ok(proof),
            false => Err(wrong(format!("expected the format {ENTRY_PROOF}"))),
        }
    }

    /// Checks everything with this key; the keys in the proof itself count for nothing.
    ///
    /// # Errors
    /// What does not hold.
    pub fn check(&self, key: &LogVerifier) -> Result<Shown, LogError> {
        let wrong = |what: &str| LogError::Proof(what.to_owned());
        let logged = self.leaf.as_deref().unwrap_or(&self.entry);
        let (index, log) = check_proof_of(&self.proof, key, record_hash(logged.as_bytes()))?;
        if index != self.index {
            return Err(wrong("the proof is of another place of the log"));
        }
        let Some(leaf) = &self.leaf else { return Ok(Shown { log, view: None }) };
        let leaf = Leaf::read(leaf.as_bytes()).ok_or_else(|| wrong("the leaf is none"))?;
        if leaf.index != index || leaf.entry != record_hash(self.entry.as_bytes()) {
            return Err(wrong("the leaf is not that of the entry"));
        }
        let Some(view) = &self.view else { return Ok(Shown { log, view: None }) };
        let (position, head) = check_proof_of(&view.proof, &key.of_view(&leaf.view), leaf.entry)?;
        match (position, &view.tag) == (view.position, &leaf.view) && position + 1 == leaf.size {
            true => Ok(Shown { log, view: Some(head) }),
            false => Err(wrong("the leaf names another place of another view")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Log, Publisher, View, ViewLog,
        testing::{entry, key},
    };

    /// Does something to a proof, with another one at hand.
    type Change = fn(&mut EntryProof, &EntryProof);

    fn proofs() -> (EntryProof, EntryProof) {
        let dir = tempfile::tempdir().unwrap();
        let mut publisher = Publisher::create(&dir.path().join("log"), key()).unwrap();
        let mut views = [View::new("0a".repeat(16)), View::new("0b".repeat(16))];
        let leaves: Vec<_> = (0..400u64).map(|n| views[n as usize % 2].push(n, &entry(n)).encode()).collect();
        publisher.append(&leaves).unwrap();
        let log = Log::open(&dir.path().join("log"), &key().verifier()).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let mut proofs = views.iter_mut().zip([300u64, 301]).map(|(view, index)| {
            let head = publisher.sign_view(view).unwrap();
            let tiles = view.take_tiles();
            let tile = |level: u8, n: u64| {
                let found = tiles.iter().find(|tile| (tile.level, tile.n) == (level, n));
                Ok::<_, String>(found.map(|tile| tile.hashes.clone()))
            };
            let position = index / 2;
            EntryProof {
                format: ENTRY_PROOF.to_owned(),
                index,
                entry: text(entry(index)),
                leaf: Some(text(leaves[index as usize].clone())),
                proof: text(log.proof_text(index).unwrap()),
                key: key().vkey(),
                view: Some(InView {
                    tag: view.tag().to_owned(),
                    position,
                    proof: text(ViewLog::new(head, tile).proof_text(position).unwrap()),
                    key: key().verifier().of_view(view.tag()).vkey(),
                }),
            }
        });
        (proofs.next().unwrap(), proofs.next().unwrap())
    }

    #[test]
    fn holds_with_the_logs_key_and_nothing_can_be_exchanged() {
        let (good, other) = proofs();
        let verifier = key().verifier();
        let read = EntryProof::read(&serde_json::to_vec(&good).unwrap()).unwrap();
        let shown = read.check(&verifier).unwrap();
        assert_eq!((shown.log.size(), shown.view.unwrap().size()), (400, 200));
        assert!(good.check(&key().successor(&crate::key::tests::Counter(5)).verifier()).is_err());
        let changes: [(&str, Change); 7] = [
            ("index", |proof, _| proof.index += 1),
            ("entry", |proof, other| proof.entry.clone_from(&other.entry)),
            ("leaf", |proof, other| proof.leaf.clone_from(&other.leaf)),
            ("proof", |proof, other| proof.proof.clone_from(&other.proof)),
            ("view", |proof, other| proof.view.clone_from(&other.view)),
            ("tag", |proof, other| {
                let tag = other.view.clone().unwrap().tag;
                proof.view.as_mut().unwrap().tag = tag;
            }),
            ("position", |proof, _| proof.view.as_mut().unwrap().position += 1),
        ];
        for (what, change) in changes {
            let mut bad = good.clone();
            change(&mut bad, &other);
            assert!(bad.check(&verifier).is_err(), "{what}");
        }
    }
}
