//! Answers for the signatures by which senders of webhooks prove themselves (INT-8): made, and compared.
//!
//! Invariants: a comparison takes the same time wherever the first difference is; a signature of another length or form is
//! a signature that does not match, never an error.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac};
use portcullis_model::secret::Secret;
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// Zendesk's form: base64 of HMAC-SHA256 over the timestamp header's text and the body, one after the other.
pub fn zendesk_signature(secret: &Secret, timestamp: &str, body: &[u8]) -> String {
    STANDARD.encode(digest(secret, &[timestamp.as_bytes(), body]))
}

/// GitHub's form: `sha256=` and the hexadecimal HMAC-SHA256 over the body.
pub fn github_signature(secret: &Secret, body: &[u8]) -> String {
    format!("sha256={}", hex::encode(digest(secret, &[body])))
}

/// Whether `given`, the value of `x-zendesk-webhook-signature`, signs this timestamp and body.
pub fn verify_zendesk(secret: &Secret, timestamp: &str, body: &[u8], given: &str) -> bool {
    same(zendesk_signature(secret, timestamp, body).as_bytes(), given.as_bytes())
}

/// Whether `given`, the value of `x-hub-signature-256`, signs this body.
pub fn verify_github(secret: &Secret, body: &[u8], given: &str) -> bool {
    same(github_signature(secret, body).as_bytes(), given.as_bytes())
}

/// Compares two byte strings in a time that depends on their lengths only.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// HMAC-SHA256 of these parts, one after the other.
pub fn digest(secret: &Secret, parts: &[&[u8]]) -> [u8; 32] {
    // RFC 2104: a key longer than a block (64 bytes for SHA-256) stands for its hash. Done here, what is left always
    // fits into a block, so that no key can be refused.
    let key = secret.expose();
    let mut block = [0u8; 64];
    if key.len() > block.len() {
        block[..32].copy_from_slice(&<Sha256 as sha2::Digest>::digest(key));
    } else {
        block[..key.len()].copy_from_slice(key);
    }
    let mut mac = <Hmac<Sha256> as hmac::digest::KeyInit>::new(&block.into());
    parts.iter().for_each(|part| mac.update(part));
    zeroize::Zeroize::zeroize(&mut block);
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    #[test]
    fn githubs_documented_example() {
        let secret = secret("It's a Secret to Everybody");
        let expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
        assert_eq!(github_signature(&secret, b"Hello, World!"), expected);
        assert!(verify_github(&secret, b"Hello, World!", expected));
        assert!(!verify_github(&secret, b"Hello, World?", expected));
        assert!(!verify_github(&secret, b"Hello, World!", &expected[7..]));
        assert!(!verify_github(&secret, b"Hello, World!", ""));
    }

    #[test]
    fn hmac_of_rfc_4231() {
        // Test cases 1, 2 and 6 of RFC 4231: a short key, a text key, and a key longer than a block.
        for (key, data, expected) in [
            (vec![0x0b; 20], "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"),
            (
                b"Jefe".to_vec(),
                "what do ya want for nothing?",
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 131],
                "Test Using Larger Than Block-Size Key - Hash Key First",
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
        ] {
            assert_eq!(hex::encode(digest(&Secret::new(key), &[data.as_bytes()])), expected, "{data}");
        }
    }

    #[test]
    fn zendesks_form_covers_timestamp_and_body() {
        let secret = secret("dGhpc19zZWNyZXRfaXNfZm9yX3Rlc3Rpbmdfb25seQ==");
        let signature = zendesk_signature(&secret, "2026-03-25T05:09:27Z", b"{}");
        // By openssl: the timestamp and the body in one piece, `dgst -sha256 -hmac`, base64.
        assert_eq!(signature, "ywpP85OFC5U6AeUqnRIv9KXIUNLLBbMUdhGrIhPxSGI=");
        assert!(verify_zendesk(&secret, "2026-03-25T05:09:27Z", b"{}", &signature));
        assert!(!verify_zendesk(&secret, "2026-03-25T05:09:28Z", b"{}", &signature));
        assert!(!verify_zendesk(&secret, "2026-03-25T05:09:27Z", b"{ }", &signature));
        assert!(!verify_zendesk(&self::secret("another one"), "2026-03-25T05:09:27Z", b"{}", &signature));
    }
}
