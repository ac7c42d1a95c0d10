//! The form of codes and tokens: a prefix that says what it is, 256 bits in base64url, and a checksum, so that scanners find leaked
//! ones without asking anybody.
//!
//! Invariant: what is stored and compared is the SHA-256 digest of the whole text.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_model::{id::Digest, secret::Secret, time::Rng};
use zeroize::Zeroizing;

/// What a text is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// An access token.
    Access,
    /// An access token of automation.
    Automation,
    /// A refresh token.
    Refresh,
    /// An authorization code.
    Code,
}

/// The bytes in base64url, and the checksum's six digits.
const BODY: usize = 43;
const CHECK: usize = 6;

impl Sort {
    /// What it begins with.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Access => "pct_",
            Self::Automation => "pca_",
            Self::Refresh => "pcr_",
            Self::Code => "pcc_",
        }
    }

    /// One of 256 random bits.
    pub fn random(self, rng: &dyn Rng) -> Secret {
        let mut bytes = Zeroizing::new([0u8; 32]);
        rng.fill(bytes.as_mut_slice());
        self.of(&bytes)
    }

    /// One of these bits.
    pub fn of(self, bytes: &[u8; 32]) -> Secret {
        let mut text = Zeroizing::new(String::with_capacity(4 + BODY + CHECK));
        text.push_str(self.prefix());
        URL_SAFE_NO_PAD.encode_string(bytes, &mut text);
        let check = checksum(text.as_bytes());
        text.push_str(&check);
        Secret::new(text.as_bytes().to_vec())
    }

    /// The digest that a text of this sort is kept under; `None` where it is of another form or mistyped.
    pub fn digest(self, text: &[u8]) -> Option<Digest> {
        let prefix = self.prefix().as_bytes();
        if text.len() != prefix.len() + BODY + CHECK || !text.starts_with(prefix) {
            return None;
        }
        let (body, check) = text.split_at(text.len() - CHECK);
        (checksum(body).as_bytes() == check).then(|| Digest::of(text))
    }
}

/// CRC-32 (IEEE 802.3) in six digits of base 62.
fn checksum(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let step = |crc: u32| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 };
    let crc = bytes.iter().fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| step(crc)));
    let digit = |place: u32| char::from(DIGITS[((!crc / 62u32.pow(place)) % 62) as usize]);
    (0..6).rev().map(digit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_known_by_its_form_and_a_mistyped_one_is_not() {
        let text = Sort::Access.of(&[7; 32]);
        let text = std::str::from_utf8(text.expose()).unwrap();
        assert_eq!((text.len(), &text[..4]), (53, "pct_"));
        assert_eq!(Sort::Access.digest(text.as_bytes()), Some(Digest::of(text.as_bytes())));
        assert_eq!(Sort::Refresh.digest(text.as_bytes()), None);
        for at in 0..text.len() {
            let mut other = text.as_bytes().to_vec();
            other[at] = if other[at] == b'a' { b'b' } else { b'a' };
            assert_eq!(Sort::Access.digest(&other), None, "{at}");
        }
        assert_eq!(Sort::Access.digest(&text.as_bytes()[..52]), None);
    }

    #[test]
    fn the_checksum_is_crc_32() {
        // The check value of CRC-32/ISO-HDLC is 0xcbf43926 for these digits: 3 421 780 262.
        let digits: Vec<u32> = checksum(b"123456789")
            .bytes()
            .map(|b| b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz".iter().position(|d| *d == b))
            .map(|at| u32::try_from(at.unwrap()).unwrap())
            .collect();
        assert_eq!(digits.iter().fold(0, |number, digit| number * 62 + digit), 0xcbf4_3926);
    }
}
