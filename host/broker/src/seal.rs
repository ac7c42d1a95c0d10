//! Answers for the form of a sealed secret: XChaCha20-Poly1305 under the tenant's data key, a fresh random nonce of 24 bytes and
//! then the ciphertext.
//!
//! The associated data binds a secret to its row: purpose, tenant, installation, name, generation, place, origin, times and the
//! data key's number, each with its length before it, so that no two rows have the same associated data. Whoever can write to
//! the database can thus not have a credential sent elsewhere, nor a refresh token asked for at another provider.
//!
//! Invariants: a row of which any column was changed or exchanged does not open; nothing is sealed twice with one nonce
//! (24 random bytes, by the injected `Rng`). What this cannot see is a whole older row that was put back.

use chacha20poly1305::{
    KeyInit, XChaCha20Poly1305, XNonce,
    aead::{Aead, Payload},
};
use portcullis_model::{
    id::TenantId,
    secret::{SealedSecret, Secret},
    time::Rng,
};

use crate::key::Key;

const PURPOSE: &str = "portcullis/vault/2";
/// Of rows from before there were data keys.
const DIRECT_PURPOSE: &str = "portcullis/vault/1";
const KEY_PURPOSE: &str = "portcullis/data-key/1";
const NONCE: usize = 24;

/// It does not open: another key, or a row that was changed. Which of them cannot be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Unopened;

/// Seals a secret into a row. What the row's `sealed` held before is dropped.
pub(crate) fn seal(key: &Key, rng: &dyn Rng, row: SealedSecret, secret: &Secret) -> Result<SealedSecret, Unopened> {
    let mut nonce = [0u8; NONCE];
    rng.fill(&mut nonce);
    let payload = Payload { msg: secret.expose(), aad: &bound_to(&row) };
    let ciphertext = cipher(key).encrypt(XNonce::from_slice(&nonce), payload).map_err(|_| Unopened)?;
    Ok(SealedSecret { sealed: [nonce.as_slice(), &ciphertext].concat(), ..row })
}

/// Opens a row.
pub(crate) fn open(key: &Key, row: &SealedSecret) -> Result<Secret, Unopened> {
    open_bound(key, row, &bound_to(row))
}

/// Opens a row from before there were data keys.
pub(crate) fn open_direct(key: &Key, row: &SealedSecret) -> Result<Secret, Unopened> {
    open_bound(key, row, &fields(DIRECT_PURPOSE, row, &[&row.generation.to_be_bytes(), row.place.as_bytes()]))
}

/// What a data key is bound to when it is wrapped.
pub(crate) fn context(tenant: &TenantId, number: u64) -> Vec<u8> {
    let mut data = Vec::new();
    for bytes in [KEY_PURPOSE.as_bytes(), tenant.as_str().as_bytes(), &number.to_be_bytes()] {
        field(&mut data, bytes);
    }
    data
}

fn open_bound(key: &Key, row: &SealedSecret, bound: &[u8]) -> Result<Secret, Unopened> {
    let (nonce, ciphertext) = row.sealed.split_at_checked(NONCE).ok_or(Unopened)?;
    let payload = Payload { msg: ciphertext, aad: bound };
    cipher(key).decrypt(XNonce::from_slice(nonce), payload).map(Secret::new).map_err(|_| Unopened)
}

fn cipher(key: &Key) -> XChaCha20Poly1305 {
    XChaCha20Poly1305::new(key.bytes().into())
}

fn bound_to(row: &SealedSecret) -> Vec<u8> {
    let expires = row.expires.map(|at| at.0.to_be_bytes());
    let rest: [&[u8]; 6] = [
        &row.generation.to_be_bytes(),
        row.place.as_bytes(),
        row.origin.as_bytes(),
        &row.issued.0.to_be_bytes(),
        expires.as_ref().map_or(&[], |at| at.as_slice()),
        &row.data_key.to_be_bytes(),
    ];
    fields(PURPOSE, row, &rest)
}

fn fields(purpose: &str, row: &SealedSecret, rest: &[&[u8]]) -> Vec<u8> {
    let mut data = Vec::new();
    field(&mut data, purpose.as_bytes());
    field(&mut data, row.tenant.as_str().as_bytes());
    match &row.installation {
        None => field(&mut data, b"source"),
        Some(installation) => {
            field(&mut data, b"installation");
            field(&mut data, installation.as_str().as_bytes());
        }
    }
    field(&mut data, row.name.as_bytes());
    for bytes in rest {
        field(&mut data, bytes);
    }
    data
}

fn field(data: &mut Vec<u8>, bytes: &[u8]) {
    data.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
    data.extend_from_slice(bytes);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU8, Ordering};

    use portcullis_model::time::Timestamp;

    use super::*;

    /// By libsodium, from the same key, nonce, text and associated data.
    const DIRECT_SEALED: &str = "38cc54c43f8610e95567144381923e416b4eb969cb199e19d961";

    struct Counting(AtomicU8);
    impl Rng for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.iter_mut().for_each(|byte| *byte = self.0.fetch_add(1, Ordering::Relaxed));
        }
    }

    fn key(start: u8) -> Key {
        let folder = tempfile::tempdir().unwrap();
        Key::load(&folder.path().join("key"), &Counting(AtomicU8::new(start))).unwrap()
    }

    fn row() -> SealedSecret {
        SealedSecret {
            tenant: "acme".parse().unwrap(),
            installation: Some("ins_1".parse().unwrap()),
            name: "chat".into(),
            generation: 3,
            place: r#"{"hosts":["chat.example.test"]}"#.into(),
            origin: r#"{"provider":"chat"}"#.into(),
            issued: Timestamp(5),
            expires: Some(Timestamp(9)),
            data_key: 2,
            sealed: Vec::new(),
        }
    }

    fn sealed() -> SealedSecret {
        seal(&key(0), &Counting(AtomicU8::new(90)), row(), &Secret::new(b"tok-123456".to_vec())).unwrap()
    }

    #[test]
    fn opens_what_it_sealed_and_only_with_its_key() {
        let sealed = sealed();
        assert_eq!(open(&key(0), &sealed).unwrap().expose(), b"tok-123456");
        assert_eq!(sealed.sealed.len(), 24 + 10 + 16);
        assert!(!sealed.sealed.windows(10).any(|window| window == b"tok-123456"));
        assert!(open(&key(1), &sealed).is_err());
    }

    #[test]
    fn any_changed_column_does_not_open() {
        let good = sealed();
        let changed: Vec<(&str, SealedSecret)> = vec![
            ("tenant", SealedSecret { tenant: "evil".parse().unwrap(), ..good.clone() }),
            ("installation", SealedSecret { installation: Some("ins_2".parse().unwrap()), ..good.clone() }),
            ("no installation", SealedSecret { installation: None, ..good.clone() }),
            ("name", SealedSecret { name: "chat2".into(), ..good.clone() }),
            ("generation", SealedSecret { generation: 2, ..good.clone() }),
            ("place", SealedSecret { place: r#"{"hosts":["evil.example.test"]}"#.into(), ..good.clone() }),
            ("origin", SealedSecret { origin: r#"{"provider":"evil"}"#.into(), ..good.clone() }),
            ("issued", SealedSecret { issued: Timestamp(6), ..good.clone() }),
            ("expires", SealedSecret { expires: Some(Timestamp(10)), ..good.clone() }),
            ("no end", SealedSecret { expires: None, ..good.clone() }),
            ("data key", SealedSecret { data_key: 3, ..good.clone() }),
        ];
        for (column, row) in changed {
            assert!(open(&key(0), &row).is_err(), "{column}");
        }
        for at in 0..good.sealed.len() {
            let mut row = good.clone();
            row.sealed[at] ^= 1;
            assert!(open(&key(0), &row).is_err(), "byte {at}");
        }
        for length in 0..good.sealed.len() {
            let row = SealedSecret { sealed: good.sealed[..length].to_vec(), ..good.clone() };
            assert!(open(&key(0), &row).is_err(), "cut to {length}");
        }
    }

    #[test]
    fn texts_cannot_move_between_columns() {
        let a = SealedSecret { name: "ab".into(), place: "c".into(), ..row() };
        let b = SealedSecret { name: "a".into(), place: "bc".into(), ..row() };
        assert_ne!(bound_to(&a), bound_to(&b));
        let installed = SealedSecret { installation: Some("source".parse().unwrap()), ..row() };
        assert_ne!(bound_to(&installed), bound_to(&SealedSecret { installation: None, ..row() }));
    }

    #[test]
    fn a_row_of_the_form_before_opens_in_that_form_alone() {
        // Sealed by the version before data keys: key 00 01 .. 1f, nonce 5a 5b ..
        let bound = fields(DIRECT_PURPOSE, &row(), &[&3u64.to_be_bytes(), row().place.as_bytes()]);
        let nonce: Vec<u8> = (90..114).collect();
        let payload = Payload { msg: b"tok-123456", aad: &bound };
        let ciphertext = cipher(&key(0)).encrypt(XNonce::from_slice(&nonce), payload).unwrap();
        let before = SealedSecret { data_key: 0, sealed: [nonce, ciphertext].concat(), ..row() };
        assert_eq!(hex::encode(&before.sealed[24..]), DIRECT_SEALED);
        assert_eq!(open_direct(&key(0), &before).unwrap().expose(), b"tok-123456");
        assert!(open(&key(0), &before).is_err());
        assert!(open_direct(&key(0), &sealed()).is_err());
    }

    #[test]
    fn one_secret_sealed_twice_differs() {
        let rng = Counting(AtomicU8::new(0));
        let secret = Secret::new(b"same".to_vec());
        let twice = [(); 2].map(|()| seal(&key(0), &rng, row(), &secret).unwrap());
        assert_ne!(twice[0].sealed, twice[1].sealed);
    }
}
