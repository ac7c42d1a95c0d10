//! Answers for key-encryption keys that a program keeps: with it any key management service can be used, through that service's
//! own client.
//!
//! The program is started for each data key that is wrapped or unwrapped, which is seldom: once a tenant and process. It gets
//! `wrap` or `unwrap` as its last argument and one JSON object on standard input, with `context` and either `plaintext` (32
//! bytes) or `ciphertext`, all in base64; it answers with one JSON object on standard output, with the other of the two. The
//! context is to be bound to what is wrapped (AWS calls it encryption context, Google and RFC 5116 associated data).
//!
//! Invariants: no shell; a program that fails, answers with anything else, or does not end within 10 s gives no key; its answer
//! is capped at 64 KiB before it is read; what it says on standard error goes where the host's own messages go, and into no error.

use std::{process::Stdio, time::Duration};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{Child, Command},
    time::timeout,
};
use zeroize::Zeroizing;

use super::{
    Key,
    service::{KeyService, ServiceError},
};

const LONGEST: Duration = Duration::from_secs(10);
const MAX_ANSWER: u64 = 64 * 1024;

/// A key that a program keeps.
pub struct CommandKeys {
    program: String,
    arguments: Vec<String>,
    name: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Answer {
    plaintext: Option<String>,
    ciphertext: Option<String>,
}

impl CommandKeys {
    /// This program with these arguments. `None` where there is no program. Without a `name` the key is called after the
    /// command line: another command line is then another key.
    pub fn new(command: &[String], name: Option<&str>) -> Option<Self> {
        let (program, arguments) = command.split_first()?;
        let hash = || {
            let hash = Sha256::digest(serde_json::json!(command).to_string().as_bytes());
            format!("command-{}", hex::encode(&hash[..8]))
        };
        let name = name.map_or_else(hash, |name| format!("command-{name}"));
        Some(Self { program: program.clone(), arguments: arguments.to_vec(), name })
    }

    async fn ask(&self, verb: &str, what: &str, bytes: &[u8], context: &[u8]) -> Result<Answer, ServiceError> {
        let (bytes, context) = (Zeroizing::new(STANDARD.encode(bytes)), STANDARD.encode(context));
        // Base64 needs no escapes.
        let question = Zeroizing::new(format!(r#"{{"{what}":"{}","context":"{context}"}}"#, bytes.as_str()));
        let asked = timeout(LONGEST, self.converse(verb, &question)).await;
        let answer = asked.unwrap_or_else(|_| Err(format!("no answer to '{verb}' within {LONGEST:?}")));
        let answer = answer.and_then(|bytes| serde_json::from_slice(&bytes).map_err(|_| unfit(verb)));
        answer.map_err(|problem| self.failed(problem))
    }

    async fn converse(&self, verb: &str, question: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .arg(verb)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| format!("cannot be started: {error}"))?;
        let answer = talk(&mut child, question).await.map_err(|error| format!("cannot be talked to: {error}"))?;
        let status = child.wait().await.map_err(|error| error.to_string())?;
        match status.success() {
            true if answer.len() as u64 > MAX_ANSWER => Err(unfit(verb)),
            true => Ok(answer),
            false => Err(format!("'{verb}' ended with {status}")),
        }
    }

    fn failed(&self, problem: String) -> ServiceError {
        ServiceError::Program { program: self.program.clone(), problem }
    }
}

/// Writes the question while reading the answer, so that neither side waits for the other.
async fn talk(child: &mut Child, question: &str) -> std::io::Result<Zeroizing<Vec<u8>>> {
    let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
    let write = async {
        let Some(mut stdin) = stdin else { return };
        // A program that does not read its question says so by its answer.
        let _ = stdin.write_all(question.as_bytes()).await;
    };
    let read = async {
        let mut answer = Zeroizing::new(Vec::with_capacity(4096));
        if let Some(stdout) = stdout {
            stdout.take(MAX_ANSWER + 1).read_to_end(&mut answer).await?;
        }
        Ok(answer)
    };
    tokio::join!(write, read).1
}

fn unfit(verb: &str) -> String {
    format!("'{verb}' did not answer with the one JSON object that is asked for")
}

#[async_trait]
impl KeyService for CommandKeys {
    async fn names(&self) -> Result<Vec<String>, ServiceError> {
        Ok(vec![self.name.clone()])
    }

    async fn wrap(&self, _: &str, key: &Key, context: &[u8]) -> Result<Vec<u8>, ServiceError> {
        let answer = self.ask("wrap", "plaintext", key.bytes(), context).await?;
        let wrapped = answer.ciphertext.and_then(|text| STANDARD.decode(text).ok()).filter(|bytes| !bytes.is_empty());
        wrapped.ok_or_else(|| self.failed(unfit("wrap")))
    }

    async fn unwrap(&self, name: &str, wrapped: &[u8], context: &[u8]) -> Result<Key, ServiceError> {
        let answer = self.ask("unwrap", "ciphertext", wrapped, context).await?;
        let text = answer.plaintext.map(Zeroizing::new);
        let plain = text.and_then(|text| STANDARD.decode(text.as_bytes()).ok()).map(Zeroizing::new);
        plain.and_then(|bytes| Key::of(&bytes)).ok_or_else(|| ServiceError::Unopened(name.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Counter;

    /// Gives back what it is given, under the other name: no encryption, and enough to see that both sides are understood.
    const MIRROR: &str = r#"case "$1" in wrap) sed 's/plaintext/ciphertext/; s/"context":"[^"]*",*//; s/,}/}/';;
        unwrap) sed 's/ciphertext/plaintext/; s/"context":"[^"]*",*//; s/,}/}/';; esac"#;

    fn shell(script: &str) -> CommandKeys {
        let command = ["sh", "-c", script, "keys"].map(str::to_owned);
        CommandKeys::new(&command, Some("test")).unwrap()
    }

    #[tokio::test]
    async fn a_program_wraps_and_unwraps() {
        let (keys, key) = (shell(MIRROR), Key::random(&Counter::default()));
        let wrapped = keys.wrap("command-test", &key, b"acme").await.unwrap();
        assert_eq!(keys.unwrap("command-test", &wrapped, b"acme").await.unwrap().bytes(), key.bytes());
        assert_eq!(keys.names().await.unwrap(), ["command-test"]);
        assert!(CommandKeys::new(&[], None).is_none());
    }

    #[tokio::test]
    async fn a_program_that_misbehaves_gives_no_key_and_no_secret_in_its_error() {
        let key = Key::random(&Counter::default());
        let secret = STANDARD.encode(key.bytes());
        for script in ["exit 3", "cat", "echo '{}'", "echo no", "yes | head -c 100000", "echo '{\"ciphertext\":\"\"}'"]
        {
            let error = shell(script).wrap("command-test", &key, b"acme").await.unwrap_err().to_string();
            assert!(error.starts_with("key program sh: ") && !error.contains(&secret), "{script}: {error}");
        }
        let none = CommandKeys::new(&["/nowhere/at/all".to_owned()], None).unwrap();
        assert!(none.wrap("x", &key, b"").await.unwrap_err().to_string().contains("cannot be started"));
    }
}
