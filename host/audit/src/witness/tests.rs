use ed25519_dalek::{Signer as _, SigningKey};

use base64::{Engine as _, prelude::BASE64_STANDARD};

use super::*;
use crate::testing::{LogDir, key};

/// A witness of the tests.
struct Witness {
    name: &'static str,
    key: SigningKey,
}

impl Witness {
    fn new(name: &'static str, seed: u8) -> Self {
        Self { name, key: SigningKey::from_bytes(&[seed; 32]) }
    }

    fn id(&self) -> u32 {
        signed_note::key_id(self.name, &[&[COSIGNATURE], &self.key.verifying_key().as_bytes()[..]].concat())
    }

    fn vkey(&self) -> String {
        let bytes = [&[COSIGNATURE], &self.key.verifying_key().as_bytes()[..]].concat();
        format!("{}+{:08x}+{}", self.name, self.id(), BASE64_STANDARD.encode(bytes))
    }

    fn public(&self) -> WitnessKey {
        WitnessKey::parse(&self.vkey()).unwrap()
    }

    fn line(&self, head: &Checkpoint, time: u64) -> String {
        let message = [format!("cosignature/v1\ntime {time}\n").as_bytes(), &text_of(head).unwrap()].concat();
        let bytes = [&self.id().to_be_bytes()[..], &time.to_be_bytes(), &self.key.sign(&message).to_bytes()].concat();
        format!("— {} {}", self.name, BASE64_STANDARD.encode(bytes))
    }
}

#[test]
fn a_witness_is_sent_what_the_specification_says() {
    let mut log = LogDir::new();
    log.grow(3);
    let reader = Log::open(&log.path(), &log.verifier()).unwrap();
    let note = String::from_utf8(reader.head().note().to_vec()).unwrap();
    assert_eq!(add_checkpoint(&reader, 0).unwrap(), format!("old 0\n\n{note}").into_bytes());
    assert_eq!(add_checkpoint(&reader, 3).unwrap(), format!("old 3\n\n{note}").into_bytes());
    let proof: String = reader.consistency_from(2).unwrap().iter().map(|hash| format!("{hash}\n")).collect();
    assert_eq!(add_checkpoint(&reader, 2).unwrap(), format!("old 2\n{proof}\n{note}").into_bytes());
    assert!(add_checkpoint(&reader, 4).is_err());
}

#[test]
fn only_its_own_cosignature_of_this_head_and_of_no_later_time_is_kept() {
    let mut log = LogDir::new();
    let (older, head) = (log.grow(3), log.grow(2));
    let (witness, other) = (Witness::new("w.example/1", 1), Witness::new("w.example/1", 2));
    let said = |status, body: &str| answer(&witness.public(), &head, 1_000, status, body.as_bytes());
    let line = witness.line(&head, 1_000);
    assert_eq!(said(200, &format!("{line}\n")), Answer::Cosigned(line.clone()));
    assert_eq!(said(200, &format!("{}\n{line}\n", other.line(&head, 1_000))), Answer::Cosigned(line.clone()));
    for wrong in [
        String::new(),
        witness.line(&older, 1_000),
        other.line(&head, 1_000),
        witness.line(&head, 1_301),
        line.replace("w.example/1", "w.example/2"),
        line[..line.len() - 4].to_owned(),
    ] {
        assert!(matches!(said(200, &wrong), Answer::Refused(_)), "{wrong}");
    }
    assert_eq!(said(409, "3\n"), Answer::Knows(3));
    for (status, body) in [(409, "6\n"), (409, "x\n"), (409, "3"), (404, ""), (403, ""), (422, ""), (500, &line)] {
        assert!(matches!(said(status, body), Answer::Refused(_)), "{status} {body}");
    }
}

#[test]
fn what_is_cosigned_is_kept_with_its_checkpoint_and_counted_once_a_witness() {
    let mut log = LogDir::new();
    let (a, b) = (Witness::new("a.example", 1), Witness::new("b.example", 2));
    let keys = [key().verifier()];
    let read = |of: &[&Witness], quorum| {
        let keys_of: Vec<WitnessKey> = of.iter().map(|witness| witness.public()).collect();
        Cosigned::read(&log.path(), &keys, &keys_of, quorum)
    };
    assert!(read(&[&a], 0).unwrap_err().to_string().contains("missing"));
    let mut grown = LogDir::new();
    let older = grown.grow(3);
    let head = grown.grow(2);
    let path = grown.path();
    put_cosigned(&path, &older, &[a.line(&older, 7)]).unwrap();
    put_cosigned(&path, &head, &[a.line(&head, 8)]).unwrap();
    put_cosigned(&path, &head, &[b.line(&head, 9), a.line(&head, 10)]).unwrap();
    put_cosigned(&path, &older, &[b.line(&older, 11)]).unwrap();
    let read = |of: &[&Witness], quorum| {
        let keys_of: Vec<WitnessKey> = of.iter().map(|witness| witness.public()).collect();
        Cosigned::read(&path, &keys, &keys_of, quorum)
    };
    let both = read(&[&a, &b], 2).unwrap();
    assert_eq!((both.size, both.witnesses.len(), both.witnesses[0].time), (5, 2, 10));
    assert!(read(&[&a], 1).is_ok());
    assert!(read(&[&a, &Witness::new("c.example", 3)], 2).unwrap_err().to_string().contains("by 1 of the witnesses"));
    let twice = Witness::new("a2.example", 1);
    put_cosigned(&path, &head, &[twice.line(&head, 10)]).unwrap();
    assert!(read(&[&a, &twice], 2).is_err(), "one key under two names");

    // A log that goes on from other entries than the witnesses saw.
    let mut fork = LogDir::new();
    fork.grow(3);
    let mut publisher = crate::Publisher::open(&fork.path(), key()).unwrap();
    let told = publisher.append(&[b"other".to_vec()]).unwrap();
    put_cosigned(&path, &head, &[]).unwrap();
    std::fs::write(path.join(COSIGNED), told.note()).unwrap();
    assert!(read(&[], 0).unwrap_err().to_string().contains("another log"));
    log.grow(1);
}

#[test]
fn what_witnesses_said_stays_when_a_new_key_signs_too() {
    let mut log = LogDir::new();
    let (head, path) = (log.grow(3), log.path());
    let witness = Witness::new("a.example", 1);
    put_cosigned(&path, &head, &[witness.line(&head, 7)]).unwrap();
    let new = || key().successor(&crate::key::tests::Counter(7));
    let mut publisher = crate::Publisher::open(&path, crate::Keys::new(new(), vec![key()])).unwrap();
    assert!(publisher.sign_again().unwrap());
    let again = Log::open(&path, &new().verifier()).unwrap().head().clone();
    put_cosigned(&path, &again, &[]).unwrap();
    let note = std::fs::read(path.join(COSIGNED)).unwrap();
    for key in [key(), new()] {
        assert!(Checkpoint::open(&note, &key.verifier()).is_ok(), "both keys");
    }
    assert_eq!(Cosigned::read(&path, &[new().verifier()], &[witness.public()], 1).unwrap().witnesses.len(), 1);
    assert_eq!(crate::checkpoint_file(&path).unwrap().unwrap(), note);
}

#[test]
fn a_key_of_a_witness_is_of_its_own_type() {
    let witness = Witness::new("w.example/1", 1);
    assert_eq!(witness.public().to_string(), format!("w.example/1+{:08x}", witness.id()));
    for wrong in ["", &key().vkey(), &witness.vkey()[1..], &witness.vkey().replace("+B", "+A")] {
        assert!(WitnessKey::parse(wrong).is_err(), "{wrong}");
    }
}
