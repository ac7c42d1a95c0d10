//! Answers for JWTs that a client signs with its own key: `private_key_jwt` (RFC 7523, 2.2) and what an app proves itself with.
//!
//! Signed by ring, through rustls, which has it for TLS anyhow: its RSA takes the same time whatever the key, and there is no second
//! implementation of it in the host. The algorithm follows from the key (RS256, ES256, EdDSA) and is nobody's choice.
//!
//! Invariants: an assertion ends within minutes (INT-8) and names one audience; no error holds any of the key.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_model::{
    secret::Secret,
    time::{Rng, Timestamp},
};
use rustls::{
    SignatureScheme,
    crypto::ring::sign::any_supported_type,
    pki_types::{PrivateKeyDer, pem::PemObject as _},
    sign::Signer,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

/// Clocks differ: an app's assertion begins this long ago.
const SKEW_SECONDS: i64 = 60;

/// An assertion of a client for a token endpoint.
pub(super) fn of_client(client: &str, audience: &str, lifetime: u64, now: Timestamp, rng: &dyn Rng) -> Value {
    let mut id = [0u8; 16];
    rng.fill(&mut id);
    let now = now.0.div_euclid(1_000);
    json!({
        "iss": client, "sub": client, "aud": audience, "jti": URL_SAFE_NO_PAD.encode(id),
        "iat": now, "nbf": now, "exp": now.saturating_add_unsigned(lifetime),
    })
}

/// An assertion of an app about itself.
pub(super) fn of_app(client: &str, lifetime: u64, now: Timestamp) -> Value {
    let now = now.0.div_euclid(1_000);
    json!({ "iss": client, "iat": now - SKEW_SECONDS, "exp": now.saturating_add_unsigned(lifetime) - SKEW_SECONDS })
}

/// The claims as a signed JWT. The error says what kind of key is expected.
pub(super) fn sign(key: &Secret, key_id: Option<&str>, claims: &Value) -> Result<Zeroizing<String>, String> {
    let signer = signer(key)?;
    let algorithm = match signer.scheme() {
        SignatureScheme::RSA_PKCS1_SHA256 => "RS256",
        SignatureScheme::ECDSA_NISTP256_SHA256 => "ES256",
        _ => "EdDSA",
    };
    let mut header = json!({ "alg": algorithm, "typ": "JWT" });
    if let Some(id) = key_id {
        header["kid"] = id.into();
    }
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let mut jwt = Zeroizing::new(format!("{}.{}", part(&header), part(claims)));
    let signature = signer.sign(jwt.as_bytes()).map_err(|error| format!("the key does not sign: {error}"))?;
    let signature = match algorithm {
        "ES256" => fixed(&signature).ok_or("the key does not sign: an odd signature")?,
        _ => signature,
    };
    jwt.push('.');
    jwt.push_str(&URL_SAFE_NO_PAD.encode(signature));
    Ok(jwt)
}

/// Whether a key can sign. The error says what kind of key is expected.
pub fn check_key(key: &Secret) -> Result<(), String> {
    signer(key).map(|_| ())
}

fn signer(key: &Secret) -> Result<Box<dyn Signer>, String> {
    let expected = || "expected a private key in PEM: RSA of 2048 bits or more, P-256 or Ed25519".to_owned();
    let key = PrivateKeyDer::from_pem_slice(key.expose()).map_err(|_| expected())?;
    let key = any_supported_type(&key).map_err(|_| expected())?;
    let offered = [SignatureScheme::RSA_PKCS1_SHA256, SignatureScheme::ECDSA_NISTP256_SHA256, SignatureScheme::ED25519];
    key.choose_scheme(&offered).ok_or_else(expected)
}

/// An ECDSA signature as RFC 7518, 3.4 has it: two numbers of 32 bytes, out of ASN.1.
fn fixed(der: &[u8]) -> Option<Vec<u8>> {
    let number = |from: &[u8]| -> Option<([u8; 32], usize)> {
        let (&[tag, length], rest) = from.split_first_chunk::<2>()?;
        let bytes = rest.get(..usize::from(length))?;
        let significant = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
        let mut whole = [0u8; 32];
        whole.get_mut(32usize.checked_sub(significant.len())?..)?.copy_from_slice(significant);
        (tag == 2).then_some((whole, 2 + usize::from(length)))
    };
    let (&[0x30, length], rest) = der.split_first_chunk::<2>()? else { return None };
    let (r, used) = number(rest)?;
    let (s, then) = number(&rest[used..])?;
    (rest.len() == usize::from(length) && used + then == rest.len()).then(|| [r, s].concat())
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring::default_provider;

    use super::*;
    use crate::testing::Counter;

    fn decoded(part: &str) -> Value {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    }

    #[test]
    fn an_elliptic_key_signs_what_its_public_key_verifies() {
        for (algorithm, name, webpki) in [
            (&rcgen::PKCS_ECDSA_P256_SHA256, "ES256", SignatureScheme::ECDSA_NISTP256_SHA256),
            (&rcgen::PKCS_ED25519, "EdDSA", SignatureScheme::ED25519),
        ] {
            let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
            let key = Secret::new(pair.serialize_pem().into_bytes());
            let claims =
                of_client("client", "https://id.example.test/token", 60, Timestamp(1_000_000), &Counter::default());
            let jwt = sign(&key, Some("k1"), &claims).unwrap();
            let parts: Vec<&str> = jwt.split('.').collect();
            assert_eq!(decoded(parts[0]), json!({ "alg": name, "typ": "JWT", "kid": "k1" }));
            assert_eq!(decoded(parts[1]), claims);
            assert_eq!((claims["iat"].as_i64(), claims["exp"].as_i64()), (Some(1_000), Some(1_060)));
            let raw = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
            assert_eq!(raw.len(), 64);
            let der = if name == "ES256" { asn1(&raw) } else { raw };
            let signed = format!("{}.{}", parts[0], parts[1]);
            let algorithms = default_provider().signature_verification_algorithms;
            let (_, known) = algorithms.mapping.iter().find(|(scheme, _)| *scheme == webpki).unwrap();
            let verified =
                known.iter().any(|one| one.verify_signature(pair.public_key_raw(), signed.as_bytes(), &der).is_ok());
            assert!(verified, "{name}");
        }
    }

    fn asn1(raw: &[u8]) -> Vec<u8> {
        let number = |bytes: &[u8]| {
            let bytes = &bytes[bytes.iter().take_while(|byte| **byte == 0).count()..];
            let pad = if bytes[0] & 0x80 == 0 { vec![] } else { vec![0] };
            [&[2, u8::try_from(pad.len() + bytes.len()).unwrap()][..], &pad, bytes].concat()
        };
        let body = [number(&raw[..32]), number(&raw[32..])].concat();
        [&[0x30, u8::try_from(body.len()).unwrap()][..], &body].concat()
    }

    #[test]
    fn an_odd_signature_or_key_is_an_error_without_the_key_in_it() {
        for odd in [&[][..], &[0x30], &[0x30, 2, 2, 0], &[0x30, 6, 2, 1, 1, 2, 1], &[0x31, 6, 2, 1, 1, 2, 1, 1]] {
            assert_eq!(fixed(odd), None, "{odd:?}");
        }
        assert_eq!(fixed(&[0x30, 6, 2, 1, 1, 2, 1, 2]).unwrap()[31], 1);
        let error =
            check_key(&Secret::new(b"-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n".to_vec()));
        assert!(error.unwrap_err().starts_with("expected a private key in PEM"));
    }

    #[test]
    fn an_apps_assertion_begins_a_minute_ago_and_ends_in_time() {
        let claims = of_app("Iv1.app", 540, Timestamp(1_000_000));
        assert_eq!(claims, json!({ "iss": "Iv1.app", "iat": 940, "exp": 1_480 }));
    }
}
