//! Answers for what a browser holds while a person consents, and what follows from it.
//!
//! Invariants: all of it follows from 256 random bits that only the browser has (in a cookie no script can read); the host keeps
//! digests, so that its storage is of no use to take part; what is derived for one end is of no use for another.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_model::{
    id::{ConsentId, Digest},
    secret::Secret,
    time::Rng,
};
use zeroize::Zeroizing;

use crate::hmac::same;

/// 256 random bits as text for URLs and cookies: 43 characters.
pub fn random_text(rng: &dyn Rng) -> Zeroizing<String> {
    let mut bytes = Zeroizing::new([0u8; 32]);
    rng.fill(bytes.as_mut_slice());
    Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_slice()))
}

/// Whether it can be such a text.
pub fn is_random_text(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

/// A browser's session for one consent.
#[derive(Clone)]
pub struct Session(Secret);

impl Session {
    /// A new one.
    pub fn new(rng: &dyn Rng) -> Self {
        Self(Secret::new(random_text(rng).as_bytes().to_vec()))
    }

    /// The one that a cookie names; `None` where the cookie is nothing that the host has set.
    pub fn parse(cookie: &str) -> Option<Self> {
        is_random_text(cookie).then(|| Self(Secret::new(cookie.as_bytes().to_vec())))
    }

    /// What goes into the cookie.
    pub fn cookie(&self) -> Zeroizing<String> {
        Zeroizing::new(String::from_utf8_lossy(self.0.expose()).into_owned())
    }

    /// What the host keeps of it.
    pub fn digest(&self) -> Digest {
        derived("session", &[self.0.expose()])
    }

    /// What a form must hand in with it: another site can neither read it nor guess it.
    pub fn form_token(&self, consent: &ConsentId) -> String {
        derived("form", &[consent.as_str().as_bytes(), self.0.expose()]).hex()
    }

    /// Whether a form's token is the right one.
    pub fn allows(&self, consent: &ConsentId, token: &str) -> bool {
        same(self.form_token(consent).as_bytes(), token.as_bytes())
    }

    /// The PKCE verifier (RFC 7636, 4.1: 64 characters) of one request. It lies nowhere: it is made anew from what the browser
    /// brings back.
    pub(super) fn verifier(&self, consent: &ConsentId, state: &str) -> Secret {
        let text = derived("verifier", &[consent.as_str().as_bytes(), self.0.expose(), state.as_bytes()]).hex();
        Secret::new(text.into_bytes())
    }
}

/// The PKCE challenge, S256.
pub(super) fn challenge(verifier: &Secret) -> String {
    use sha2::Digest as _;
    URL_SAFE_NO_PAD.encode(sha2::Sha256::digest(verifier.expose()))
}

/// What the host keeps of a link.
pub(super) fn link_digest(text: &str) -> Digest {
    derived("link", &[text.as_bytes()])
}

/// What the host keeps of a state parameter.
pub(super) fn state_digest(text: &str) -> Digest {
    derived("state", &[text.as_bytes()])
}

fn derived(purpose: &str, parts: &[&[u8]]) -> Digest {
    let mut input = Zeroizing::new(format!("portcullis/connect/1/{purpose}").into_bytes());
    for part in parts {
        input.extend_from_slice(&(part.len() as u64).to_be_bytes());
        input.extend_from_slice(part);
    }
    Digest::of(&input)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counter;

    #[test]
    fn a_challenge_is_the_one_of_rfc_7636() {
        let verifier = Secret::new(b"dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk".to_vec());
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }

    #[test]
    fn each_end_has_its_own_and_none_tells_another() {
        let rng = Counter::default();
        let (a, b) = (Session::new(&rng), Session::new(&rng));
        let (one, two): (ConsentId, ConsentId) = ("con_1".parse().unwrap(), "con_2".parse().unwrap());
        assert_eq!(Session::parse(&a.cookie()).unwrap().digest(), a.digest());
        assert!(a.allows(&one, &a.form_token(&one)));
        for wrong in [a.form_token(&two), b.form_token(&one), a.digest().hex(), String::new()] {
            assert!(!a.allows(&one, &wrong));
        }
        let verifier = |session: &Session, consent, state| session.verifier(consent, state).expose().to_vec();
        let first = verifier(&a, &one, "s");
        assert_eq!(first.len(), 64);
        for other in [verifier(&a, &one, "t"), verifier(&a, &two, "s"), verifier(&b, &one, "s")] {
            assert_ne!(first, other);
        }
        for bad in ["", "short", &"a".repeat(44), &"a;b".repeat(15)[..43]] {
            assert!(Session::parse(bad).is_none(), "{bad}");
        }
    }
}
