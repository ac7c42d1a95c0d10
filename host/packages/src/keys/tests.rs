use std::{
    cell::Cell,
    fs,
    os::unix::fs::{PermissionsExt as _, symlink},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ed25519_dalek::SigningKey;
use zeroize::Zeroizing;

use super::*;
use crate::testing::Fixed;

fn bytes<const N: usize>(digits: &str) -> [u8; N] {
    hex::decode(digits).unwrap().try_into().unwrap()
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

/// Answers with this passphrase, and counts how often it was asked.
struct Knows(&'static str, Cell<usize>);

impl Unlock for Knows {
    fn passphrase(&self, _: &Path) -> Result<Passphrase, KeyError> {
        self.1.set(self.1.get() + 1);
        Ok(passphrase(self.0))
    }

    fn agent(&self) -> Option<PathBuf> {
        None
    }
}

fn knows(text: &'static str) -> Knows {
    Knows(text, Cell::new(0))
}

const WORDS: &str = "correct horse battery staple";

#[test]
fn a_saved_key_loads_and_is_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("publisher.key");
    let key = SecretKey::generate(&Fixed::new());
    key.save(&path, None, &Fixed::new()).unwrap();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let nobody = knows("");
    assert_eq!(SecretKey::load(&path, &nobody).unwrap().public(), key.public());
    assert_eq!(nobody.1.get(), 0, "nobody is asked for what is not needed");
    assert!(matches!(key.save(&path, None, &Fixed::new()), Err(KeyError::Exists(_))));

    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    assert!(SecretKey::load(&path, &nobody).unwrap_err().to_string().contains("chmod 600"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    for (text, error) in [
        ("portcullis-secret-key-v1:AAAA", "a key file of an older form, which nothing protected"),
        ("", "expected PEM"),
        ("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n", "is not a secret key file"),
        ("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "expected PEM"),
        (&"x".repeat(5000), "it is longer than a key"),
    ] {
        fs::write(&path, text).unwrap();
        let found = SecretKey::load(&path, &nobody).unwrap_err().to_string();
        assert!(found.contains(error), "{text}: {found}");
    }
    assert!(SecretKey::load(dir.path(), &nobody).unwrap_err().to_string().contains("not a regular file"));
    assert!(matches!(SecretKey::load(&dir.path().join("none"), &nobody), Err(KeyError::Io { .. })));
}

#[test]
fn a_passphrase_protects_a_key() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("publisher.key");
    let rng = Fixed::new();
    let key = SecretKey::generate(&rng);
    key.save(&path, Some(&passphrase(WORDS)), &rng).unwrap();
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"), "{text}");
    assert!(!text.contains(&STANDARD.encode(key.0.to_bytes())));
    assert_eq!(SecretKey::load(&path, &knows(WORDS)).unwrap().public(), key.public());
    let wrong = SecretKey::load(&path, &knows("correct horse battery stable")).unwrap_err();
    assert!(matches!(wrong, KeyError::WrongPassphrase(_)), "{wrong}");

    // One bit in the last line of base64 is in the ciphertext.
    let at = text.rfind("\n-----END").unwrap() - 8;
    let other = if text.as_bytes()[at] == b'A' { "B" } else { "A" };
    fs::write(&path, [&text[..at], other, &text[at + 1..]].concat()).unwrap();
    assert!(SecretKey::load(&path, &knows(WORDS)).is_err());
}

#[test]
fn a_key_gets_another_passphrase_in_one_step() {
    let dir = tempfile::tempdir().unwrap();
    let (path, link) = (dir.path().join("publisher.key"), dir.path().join("link.key"));
    let rng = Fixed::new();
    let key = SecretKey::generate(&rng);
    key.save(&path, None, &rng).unwrap();
    symlink(&path, &link).unwrap();
    let public = SecretKey::protect_anew(&link, &knows(""), || Ok(Some(passphrase(WORDS))), &rng).unwrap();
    assert_eq!(public, key.public());
    assert!(link.is_symlink(), "the link still leads to the key");
    assert_eq!(SecretKey::load(&link, &knows(WORDS)).unwrap().public(), key.public());
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    let before = fs::read(&path).unwrap();
    let wrong = SecretKey::protect_anew(&path, &knows("something else"), || panic!("it is not open"), &rng);
    assert!(matches!(wrong, Err(KeyError::WrongPassphrase(_))));
    assert_eq!(fs::read(&path).unwrap(), before, "what does not open is not touched");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left beside it");
}

/// What a file asks of the processor is judged before anybody is asked for a passphrase.
#[test]
fn weak_encryption_is_refused() {
    use pkcs8::{
        PrivateKeyInfo,
        pkcs5::{pbes2::Parameters, scrypt::Params},
    };
    let dir = tempfile::tempdir().unwrap();
    let plain = {
        use ed25519_dalek::pkcs8::EncodePrivateKey as _;
        SigningKey::from_bytes(&[7; 32]).to_pkcs8_der().unwrap()
    };
    let (salt, iv) = ([1; 16], [2; 16]);
    let cost = |log_n| Params::new(log_n, 8, 1, 32).unwrap();
    let refused = [
        Parameters::pbkdf2_sha256_aes256cbc(1000, &salt, &iv),
        Parameters::scrypt_aes128cbc(cost(14), &salt, &iv),
        Parameters::scrypt_aes256cbc(cost(4), &salt, &iv),
        Parameters::scrypt_aes256cbc(cost(14), &salt[..4], &iv),
    ];
    for (number, parameters) in refused.into_iter().enumerate() {
        let info = PrivateKeyInfo::try_from(plain.as_bytes()).unwrap();
        let document = info.encrypt_with_params(parameters.unwrap(), WORDS).unwrap();
        let path = dir.path().join(number.to_string());
        file::create(&path, &document.to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF).unwrap()).unwrap();
        let asked = knows(WORDS);
        let found = SecretKey::load(&path, &asked).unwrap_err().to_string();
        assert!(found.contains("encrypted in another way"), "{number}: {found}");
        assert_eq!(asked.1.get(), 0);
    }
}

#[test]
fn a_key_that_asks_for_gibibytes_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let rng = Fixed::new();
    SecretKey::generate(&rng).save(&path, Some(&passphrase(WORDS)), &rng).unwrap();
    let (_, document) = pkcs8::SecretDocument::from_pem(&fs::read_to_string(&path).unwrap()).unwrap();
    let mut der = document.as_bytes().to_vec();
    // N = 16384 as DER: two bytes. It becomes 0x7f00, no power of two; then r, then p becomes 127.
    let at = der.windows(4).position(|four| four == [2, 2, 0x40, 0]).unwrap();
    for (offset, value) in [(2, 0x7f), (6, 127), (9, 127)] {
        let was = std::mem::replace(&mut der[at + offset], value);
        let document = pkcs8::SecretDocument::try_from(der.as_slice()).unwrap();
        fs::write(&path, document.to_pem("ENCRYPTED PRIVATE KEY", pkcs8::LineEnding::LF).unwrap().as_str()).unwrap();
        let found = SecretKey::load(&path, &knows(WORDS)).unwrap_err().to_string();
        assert!(found.contains("encrypted in another way"), "{offset}: {found}");
        der[at + offset] = was;
    }
}

#[test]
fn a_passphrase_is_one_line() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("passphrase");
    let write = |text: &[u8]| {
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        Passphrase::read(&path)
    };
    for good in ["correct horse\n", "correct horse\r\n", "correct horse"] {
        assert!(write(good.as_bytes()).unwrap().is(&passphrase("correct horse")), "{good:?}");
    }
    assert!(write(" spaces count ".as_bytes()).unwrap().is(&passphrase(" spaces count ")));
    for bad in [&b""[..], b"\n", b"two\nlines", b"a\0b", b"\xff\xfe", &[b'x'; 1025], &[b'x'; 5000]] {
        assert!(matches!(write(bad), Err(KeyError::NotPassphrase)), "{bad:?}");
    }
    assert!(write(&[b'x'; 1024]).is_ok());
    write(b"correct horse").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(Passphrase::read(&path), Err(KeyError::Open(_))));
    assert!(matches!(Passphrase::read(Path::new("/dev/zero")), Err(KeyError::NotPassphrase)));
    assert!(matches!(passphrase("eleven char").for_a_new_key(), Err(KeyError::ShortPassphrase(11))));
    assert!(passphrase("zwölf Zeiche").for_a_new_key().is_ok(), "characters, not bytes");
    assert_eq!(format!("{:?}", passphrase(WORDS)), "Passphrase(..)");
}

#[test]
fn a_name_opens_a_file_or_asks_the_agent() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("key");
    let key = SecretKey::generate(&Fixed::new());
    key.save(&path, None, &Fixed::new()).unwrap();
    let opened = open(path.to_str().unwrap(), &knows("")).unwrap();
    assert_eq!(opened.public(), key.public());
    let error = open("agent:publisher", &knows("")).err().unwrap().to_string();
    assert!(error.contains("SSH_AUTH_SOCK is not set"), "{error}");
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
        ("-----BEGIN PRIVATE KEY-----", "SECRET"),
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
