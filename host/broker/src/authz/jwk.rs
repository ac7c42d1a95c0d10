//! Clients' public keys: read from RFC 7517 or PEM, their thumbprints (RFC 7638), and signatures by them.
//!
//! Invariants: the key says which algorithm its signatures have, never the signed text; a private or symmetric key is refused
//! wherever it turns up.

use base64::{Engine as _, engine::general_purpose::STANDARD, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_model::oauth::Jwk;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// The algorithms that clients may sign with, by the names of RFC 7518, 8037 and 9864.
pub const ALGORITHMS: [&str; 4] = ["EdDSA", "Ed25519", "ES256", "RS256"];

/// The most keys that a set may have.
pub const MAX_KEYS: usize = 5;

fn bytes(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// Reads a public key. The error says what is wrong with it, and repeats nothing of it.
pub fn read(value: &Value) -> Result<Jwk, String> {
    let members = value.as_object().ok_or("a key must be a JSON object (RFC 7517)")?;
    if ["d", "p", "q", "dp", "dq", "qi", "oth", "k"].iter().any(|private| members.contains_key(*private)) {
        return Err("it holds a private or symmetric key: hand out the public half alone, and make a new key".into());
    }
    if members.get("use").is_some_and(|used| used != "sig") {
        return Err("its 'use' must be 'sig' or absent".into());
    }
    let key: Jwk = serde_json::from_value(value.clone()).map_err(
        |_| "expected an Ed25519 key (kty OKP), a P-256 key (kty EC) or an RSA key, in the form of RFC 7517",
    )?;
    check(&key)?;
    match members.get("alg").map(|alg| alg.as_str().unwrap_or_default()) {
        Some(alg) if !fits(&key, alg) => {
            Err(format!("its 'alg' must be one of {} that fits it", ALGORITHMS.join(", ")))
        }
        _ => Ok(key),
    }
}

fn check(key: &Jwk) -> Result<(), String> {
    let long = |text: &str, length: usize| bytes(text).is_some_and(|bytes| bytes.len() == length);
    match key {
        Jwk::Okp { crv, x } if crv == "Ed25519" && long(x, 32) => Ok(()),
        Jwk::Ec { crv, x, y } if crv == "P-256" && long(x, 32) && long(y, 32) => Ok(()),
        Jwk::Rsa { e, n } => {
            let modulus = bytes(n).filter(|n| (256..=512).contains(&n.len()) && n[0] != 0);
            let exponent = bytes(e).filter(|e| (1..=4).contains(&e.len()) && e[0] != 0);
            match modulus.is_some() && exponent.is_some() {
                true => Ok(()),
                false => Err("an RSA key must have 2048 to 4096 bits, and e and n without leading zeros".into()),
            }
        }
        Jwk::Okp { .. } => Err("of kty OKP only Ed25519 is taken, with x of 32 bytes".into()),
        Jwk::Ec { .. } => Err("of kty EC only P-256 is taken, with x and y of 32 bytes".into()),
    }
}

/// Reads a set of keys: one key, or `{"keys": [...]}`.
pub fn read_set(value: &Value) -> Result<Vec<Jwk>, String> {
    let keys = match value.get("keys") {
        None => return Ok(vec![read(value)?]),
        Some(keys) => keys.as_array().ok_or("'keys' must be a list of keys (RFC 7517)")?,
    };
    if !(1..=MAX_KEYS).contains(&keys.len()) {
        return Err(format!("expected 1 to {MAX_KEYS} keys"));
    }
    keys.iter().map(read).collect()
}

/// Reads a PEM file's public key: Ed25519 (RFC 8410) or P-256 (RFC 5480), as `openssl pkey -pubout` writes them.
pub fn read_pem(text: &str) -> Result<Jwk, String> {
    const ED25519_HEAD: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
    const P256_HEAD: [u8; 27] = [
        0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48,
        0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00, 0x04,
    ];
    if text.contains("PRIVATE KEY") {
        return Err("it holds a private key: hand out the public half alone, and make a new key".into());
    }
    let inner = text.trim().strip_prefix("-----BEGIN PUBLIC KEY-----");
    let inner = inner.and_then(|text| text.strip_suffix("-----END PUBLIC KEY-----"));
    let der = inner.and_then(|text| STANDARD.decode(text.split_whitespace().collect::<String>()).ok());
    let der = der.ok_or("expected one PEM block 'PUBLIC KEY'")?;
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let key = match (der.strip_prefix(&ED25519_HEAD), der.strip_prefix(&P256_HEAD)) {
        (Some(x), _) if x.len() == 32 => Jwk::Okp { crv: "Ed25519".into(), x: encode(x) },
        (_, Some(point)) if point.len() == 64 => {
            Jwk::Ec { crv: "P-256".into(), x: encode(&point[..32]), y: encode(&point[32..]) }
        }
        _ => {
            return Err("of PEM files Ed25519 and uncompressed P-256 keys are taken; hand in an RSA key as JWKS".into());
        }
    };
    check(&key).map(|()| key)
}

/// The thumbprint: base64url of SHA-256 over the key's members in lexicographic order (RFC 7638, 3).
pub fn thumbprint(key: &Jwk) -> String {
    // serde_json's objects are sorted.
    let members = match key {
        Jwk::Okp { crv, x } => json!({ "crv": crv, "kty": "OKP", "x": x }),
        Jwk::Ec { crv, x, y } => json!({ "crv": crv, "kty": "EC", "x": x, "y": y }),
        Jwk::Rsa { e, n } => json!({ "e": e, "kty": "RSA", "n": n }),
    };
    URL_SAFE_NO_PAD.encode(Sha256::digest(members.to_string().as_bytes()))
}

/// Whether a key's signatures have this algorithm.
pub fn fits(key: &Jwk, alg: &str) -> bool {
    match key {
        Jwk::Okp { .. } => alg == "EdDSA" || alg == "Ed25519",
        Jwk::Ec { .. } => alg == "ES256",
        Jwk::Rsa { .. } => alg == "RS256",
    }
}

/// Whether this key signed the message.
pub fn verifies(key: &Jwk, message: &[u8], signature: &[u8]) -> bool {
    match key {
        Jwk::Okp { x, .. } => {
            bytes(x).is_some_and(|x| UnparsedPublicKey::new(&ED25519, x).verify(message, signature).is_ok())
        }
        Jwk::Ec { x, y, .. } => match (bytes(x), bytes(y)) {
            (Some(x), Some(y)) => {
                let point = [&[4][..], &x, &y].concat();
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(message, signature).is_ok()
            }
            _ => false,
        },
        Jwk::Rsa { e, n } => match (bytes(e), bytes(n)) {
            (Some(e), Some(n)) => {
                RsaPublicKeyComponents { n, e }.verify(&RSA_PKCS1_2048_8192_SHA256, message, signature).is_ok()
            }
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thumbprints_of_the_rfcs() {
        // RFC 7638, 3.1 and RFC 8037, A.3.
        let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3okn\
                 jhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qM\
                 QvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJz\
                 KnqDKgw";
        let rsa = read(&json!({ "kty": "RSA", "n": n, "e": "AQAB", "alg": "RS256", "kid": "2011-04-29" })).unwrap();
        assert_eq!(thumbprint(&rsa), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        let okp = read(&json!({ "kty": "OKP", "crv": "Ed25519", "x": x })).unwrap();
        assert_eq!(thumbprint(&okp), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }

    #[test]
    fn what_is_no_public_key_of_a_kind_that_is_taken_is_refused() {
        let x = "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo";
        for (key, why) in [
            (json!({ "kty": "oct", "k": "AAAA" }), "symmetric"),
            (json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "d": x }), "private"),
            (json!({ "kty": "OKP", "crv": "X25519", "x": x }), "only Ed25519"),
            (json!({ "kty": "OKP", "crv": "Ed25519", "x": "AAAA" }), "32 bytes"),
            (json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "alg": "HS256" }), "'alg'"),
            (json!({ "kty": "OKP", "crv": "Ed25519", "x": x, "use": "enc" }), "'use'"),
            (json!({ "kty": "EC", "crv": "P-384", "x": x, "y": x }), "only P-256"),
            (json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" }), "2048"),
            (json!([]), "JSON object"),
        ] {
            let error = read(&key).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
        let pem = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----\n";
        assert!(matches!(read_pem(pem), Ok(Jwk::Okp { .. })));
        assert!(read_pem(&pem.replace("PUBLIC", "PRIVATE")).unwrap_err().contains("private"));
    }
}
