use std::{
    io::{Read as _, Write as _},
    os::unix::net::UnixListener,
    thread::{self, JoinHandle},
};

use tempfile::TempDir;

use super::*;
use crate::{
    keys::{SecretKey, Unlock, open},
    testing::Fixed,
};

/// An agent that answers each question with the next of these frames, as they are, and gives the questions back.
struct Fake {
    dir: TempDir,
    thread: JoinHandle<Vec<Vec<u8>>>,
}

impl Fake {
    fn answers(frames: Vec<Vec<u8>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(dir.path().join("agent")).unwrap();
        let thread = thread::spawn(move || {
            let mut asked = Vec::new();
            for frame in frames {
                let (mut stream, _) = listener.accept().unwrap();
                let mut length = [0; 4];
                stream.read_exact(&mut length).unwrap();
                let mut request = vec![0; u32::from_be_bytes(length) as usize];
                stream.read_exact(&mut request).unwrap();
                asked.push(request);
                stream.write_all(&frame).unwrap();
            }
            asked
        });
        Self { dir, thread }
    }

    fn socket(&self) -> PathBuf {
        self.dir.path().join("agent")
    }
}

fn framed(kind: u8, parts: &[u8]) -> Vec<u8> {
    [&(parts.len() as u32 + 1).to_be_bytes()[..], &[kind], parts].concat()
}

fn part(bytes: &[u8]) -> Vec<u8> {
    [&(bytes.len() as u32).to_be_bytes(), bytes].concat()
}

fn listing(keys: &[(&[u8], &str)]) -> Vec<u8> {
    let mut parts = (keys.len() as u32).to_be_bytes().to_vec();
    for (key, comment) in keys {
        parts.extend(part(key));
        parts.extend(part(comment.as_bytes()));
    }
    framed(IDENTITIES_ANSWER, &parts)
}

fn signed(signature: &[u8]) -> Vec<u8> {
    framed(SIGN_RESPONSE, &part(&[part(ALGORITHM), part(signature)].concat()))
}

fn keys() -> (SecretKey, SecretKey) {
    let rng = Fixed::new();
    (SecretKey::generate(&rng), SecretKey::generate(&rng))
}

#[test]
fn signs_with_the_key_of_that_name_over_those_very_bytes() {
    let (ours, other) = keys();
    let (blob_ours, blob_other) = (blob(&ours.public()), blob(&other.public()));
    let rsa = [part(b"ssh-rsa"), part(&[1, 2, 3])].concat();
    let all: &[(&[u8], &str)] = &[(&rsa, "publisher"), (&blob_ours, "publisher"), (&blob_other, "laptop")];
    let fake = Fake::answers(vec![listing(all), signed(&ours.sign(b"message").unwrap()), listing(all)]);
    let key = AgentKey::find(&fake.socket(), "publisher").unwrap();
    assert_eq!(key.public(), ours.public());
    assert_eq!(key.sign(b"message").unwrap(), ours.sign(b"message").unwrap());
    let by_key = AgentKey::find(&fake.socket(), &other.public().to_string()).unwrap();
    assert_eq!(by_key.public(), other.public());

    let asked = fake.thread.join().unwrap();
    assert_eq!(asked[0], [REQUEST_IDENTITIES]);
    let wanted = [&[SIGN_REQUEST][..], &part(&blob_ours), &part(b"message"), &[0; 4]].concat();
    assert_eq!(asked[1], wanted);
}

#[test]
fn a_name_that_is_not_one_key_is_refused() {
    let (ours, other) = keys();
    let (one, two) = (blob(&ours.public()), blob(&other.public()));
    let same: &[(&[u8], &str)] = &[(&one, "publisher"), (&two, "publisher")];
    let twice: &[(&[u8], &str)] = &[(&one, "publisher"), (&one, "publisher")];
    let odd: &[(&[u8], &str)] = &[(&one, "x\u{1b}[2Jy")];
    let fake = Fake::answers([same, twice, &[], odd].map(listing).to_vec());
    let error = |name: &str| AgentKey::find(&fake.socket(), name).unwrap_err().to_string();
    assert!(error("publisher").contains("several of the agent's keys are called 'publisher'"));
    assert_eq!(AgentKey::find(&fake.socket(), "publisher").unwrap().public(), ours.public());
    assert!(error("publisher").contains("it has none at all: add one with 'ssh-add'"));
    let shown = error("publisher");
    assert!(shown.contains(&ours.public().to_string()) && !shown.contains('\u{1b}'), "{shown}");
}

#[test]
fn what_an_agent_gives_is_verified() {
    let (ours, other) = keys();
    let mut long = ours.sign(b"message").unwrap().to_vec();
    long.push(0);
    let named = framed(SIGN_RESPONSE, &part(&[part(b"ssh-rsa"), part(&ours.sign(b"message").unwrap())].concat()));
    let more = framed(SIGN_RESPONSE, &[part(&[part(ALGORITHM), part(&[0; 64])].concat()), vec![0]].concat());
    let cases = [
        (signed(&other.sign(b"message").unwrap()), "not a signature of this by that key"),
        (signed(&ours.sign(b"another message").unwrap()), "not a signature of this by that key"),
        (signed(&[0; 64]), "not a signature of this by that key"),
        (signed(&long), "its answer is no signature"),
        (named, "its answer is no signature"),
        (more, "its answer is no signature"),
        (framed(SIGN_RESPONSE, &[0xff; 8]), "its answer is no signature"),
        (framed(5, &[]), "the SSH agent refused"),
        (vec![0, 0, 0, 0], "the SSH agent refused"),
        (vec![0xff; 8], "it answers with 4294967295 bytes; the most is 262144"),
        (vec![0, 0, 0, 9, 1], "the SSH agent: "),
    ];
    let (frames, errors): (Vec<_>, Vec<_>) = cases.into_iter().unzip();
    let fake = Fake::answers(frames);
    let key = AgentKey { socket: fake.socket(), key: ours.public() };
    for expected in errors {
        let found = key.sign(b"message").unwrap_err().to_string();
        assert!(found.contains(expected), "{expected}: {found}");
    }
    let too_long = key.sign(&vec![0; wire::MAX_FRAME]).unwrap_err().to_string();
    assert!(too_long.contains("more to sign than"), "{too_long}");
}

#[test]
fn a_list_that_is_not_whole_is_refused() {
    let whole = listing(&[(&blob(&keys().0.public()), "publisher")]);
    let mut lies = whole.clone();
    lies[8] = 9;
    let cut = framed(IDENTITIES_ANSWER, &whole[5..20]);
    let fake = Fake::answers(vec![lies, cut, framed(IDENTITIES_ANSWER, &[0xff; 4])]);
    for _ in 0..3 {
        let found = AgentKey::find(&fake.socket(), "publisher").unwrap_err().to_string();
        assert!(found.contains("its list of keys is not whole"), "{found}");
    }
}

#[test]
fn an_agent_that_says_nothing_is_waited_for_no_longer_than_agreed() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("agent");
    let _listener = UnixListener::bind(&socket).unwrap();
    let connection = Connection::open(&socket, Duration::from_millis(50)).unwrap();
    let error = connection.ask(&[REQUEST_IDENTITIES], IDENTITIES_ANSWER).unwrap_err().to_string();
    assert!(error.contains("took too long"), "{error}");
    drop(_listener);
    let error = AgentKey::find(&socket, "publisher").unwrap_err().to_string();
    assert!(error.contains("no SSH agent answers at "), "{error}");
}

#[test]
fn a_name_with_the_agents_prefix_asks_the_agent() {
    struct Only(PathBuf);
    impl Unlock for Only {
        fn passphrase(&self, file: &Path) -> Result<crate::keys::Passphrase, KeyError> {
            Err(KeyError::WrongPassphrase(file.to_owned()))
        }

        fn agent(&self) -> Option<PathBuf> {
            Some(self.0.clone())
        }
    }
    let (ours, _) = keys();
    let fake = Fake::answers(vec![listing(&[(&blob(&ours.public()), "publisher")])]);
    assert_eq!(open("agent:publisher", &Only(fake.socket())).unwrap().public(), ours.public());
}
