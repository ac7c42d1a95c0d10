//! Answers for values that only this host can make: stand-ins for personal data (DAT-2), and seals of cursors.
//!
//! Invariants: every installation has a key of its own, derived from the host's, so that two of them cannot join what they
//! see; lengths are part of what is hashed, so that no two inputs look alike.

use hmac::{Hmac, Mac};
use portcullis_model::{
    id::{InstallationId, TenantId},
    pseudonym::Pseudonyms,
};
use sha2::Sha256;
use zeroize::Zeroizing;

use crate::key::Key;

/// Pseudonyms under the host's key.
pub struct KeyedPseudonyms(Key);

impl KeyedPseudonyms {
    /// Under this key.
    pub fn new(key: Key) -> Self {
        Self(key)
    }
}

fn hmac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut block = Zeroizing::new([0u8; 64]);
    block[..32].copy_from_slice(key);
    let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new((&*block).into());
    for part in parts {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

impl Pseudonyms for KeyedPseudonyms {
    fn keyed(&self, tenant: &TenantId, installation: &InstallationId, purpose: &str, value: &[u8]) -> [u8; 16] {
        let whose = [b"portcullis pseudonyms v1", tenant.as_str().as_bytes(), installation.as_str().as_bytes()];
        let key = Zeroizing::new(hmac(self.0.bytes(), &whose));
        let mut short = [0; 16];
        short.copy_from_slice(&hmac(&key, &[purpose.as_bytes(), value])[..16]);
        short
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::time::Rng;

    use super::*;

    /// Counts up.
    #[derive(Default)]
    struct Counting(std::sync::Mutex<u8>);

    impl Rng for Counting {
        fn fill(&self, buffer: &mut [u8]) {
            let mut next = self.0.lock().unwrap();
            *next += 1;
            buffer.fill(*next);
        }
    }

    #[test]
    fn each_installation_and_purpose_has_values_of_its_own() {
        let (dir, rng) = (tempfile::tempdir().unwrap(), Counting::default());
        let key = Key::load(&dir.path().join("key"), &rng).unwrap();
        let made = KeyedPseudonyms::new(key.clone());
        let tenant = |name: &str| name.parse::<TenantId>().unwrap();
        let (one, two) = (InstallationId::random(&rng), InstallationId::random(&rng));
        let value = made.keyed(&tenant("acme"), &one, "token/email", b"ada@example.test");
        assert_eq!(value, KeyedPseudonyms::new(key).keyed(&tenant("acme"), &one, "token/email", b"ada@example.test"));
        for other in [
            made.keyed(&tenant("beta"), &one, "token/email", b"ada@example.test"),
            made.keyed(&tenant("acme"), &two, "token/email", b"ada@example.test"),
            made.keyed(&tenant("acme"), &one, "token/emai", b"lada@example.test"),
            made.keyed(&tenant("acme"), &one, "token/email", b"eve@example.test"),
        ] {
            assert_ne!(value, other);
        }
    }
}
