use super::*;
use crate::testing::Fixed;

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits).unwrap().try_into().unwrap()
}

#[test]
fn a_saved_key_loads_and_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("publisher.key");
    let key = SecretKey::generate(&Fixed::new());
    key.save(&path).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(SecretKey::load(&path).unwrap().public(), key.public());
    assert!(matches!(key.save(&path), Err(KeyError::Exists(_))));

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(SecretKey::load(&path).unwrap_err().to_string().contains("chmod 600"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&path, "portcullis-secret-key-v1:AAAA").unwrap();
    assert!(matches!(SecretKey::load(&path), Err(KeyError::NotSecret(_))));
    assert!(matches!(SecretKey::load(dir.path()), Err(KeyError::NotSecret(_))));
    assert!(matches!(SecretKey::load(&dir.path().join("none")), Err(KeyError::Io { .. })));
}

#[test]
fn a_secret_is_never_printed() {
    let key = SecretKey::generate(&Fixed::new());
    let seed = key.0.to_bytes();
    let shown = format!("{key:?}");
    assert!(!shown.contains(&STANDARD.encode(seed)) && !shown.contains(&hex::encode(seed)), "{shown}");
    assert!(!shown.contains(&format!("{seed:?}")));
}

#[test]
fn a_public_key_reads_what_it_prints() {
    let key = SecretKey::generate(&Fixed::new()).public();
    assert_eq!(key.to_string().parse::<PublicKey>().unwrap(), key);
    let identity_point = bytes("0100000000000000000000000000000000000000000000000000000000000000");
    assert!(PublicKey::from_bytes(&identity_point).unwrap_err().to_string().contains("weak"));
    for (text, error) in [
        ("ssh-ed25519 AAAA", "expected 'portcullis-key-v1:'"),
        ("portcullis-key-v1:AAAA", "not the base64 of 32 bytes"),
        ("portcullis-secret-key-v1:AAAA", "SECRET"),
    ] {
        assert!(text.parse::<PublicKey>().unwrap_err().to_string().contains(error), "{text}");
    }
}

/// RFC 8032, section 7.1: tests 1, 2, 3 and SHA(abc).
#[test]
fn rfc_8032() {
    let vectors = [
        (
            "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60",
            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
            "",
            "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b",
        ),
        (
            "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb",
            "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
            "72",
            "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00",
        ),
        (
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
            "af82",
            "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
        ),
        (
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
            "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
            "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704",
        ),
    ];
    for (secret, public, message, signature) in vectors {
        let key = SecretKey(SigningKey::from_bytes(&bytes(secret)));
        let public = PublicKey::from_bytes(&bytes(public)).unwrap();
        let (message, mut signature) = (hex::decode(message).unwrap(), bytes::<64>(signature));
        assert_eq!(key.public(), public);
        assert_eq!(key.sign(&message).unwrap(), signature);
        assert!(public.verifies(&message, &signature));
        signature[5] ^= 1;
        assert!(!public.verifies(&message, &signature));
        assert!(!public.verifies(&message, &signature[..63]));
    }
}

/// The group's order L, little-endian: a signature with S + L in place of S is the same one to a lenient verifier.
const ORDER: &str = "edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010";

#[test]
fn a_signature_has_one_form() {
    let key = SecretKey::generate(&Fixed::new());
    let mut signature = key.sign(b"message").unwrap();
    let mut carry = 0u16;
    for (byte, add) in signature[32..].iter_mut().zip(bytes::<32>(ORDER)) {
        carry += u16::from(*byte) + u16::from(add);
        *byte = carry.to_le_bytes()[0];
        carry >>= 8;
    }
    assert!(key.public().verifies(b"message", &key.sign(b"message").unwrap()));
    assert!(!key.public().verifies(b"message", &signature));
}
