//! The receivers of `tests/contract/webhooks`, as processes.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
};

use portcullis_broker::loopback::Loopback;
use portcullis_model::egress::SendRequest;
use serde_json::Value;

/// A running receiver. It ends with this value.
pub struct Receiver {
    pub name: &'static str,
    child: Child,
    _stdin: ChildStdin,
    client: Loopback,
}

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/webhooks")
}

impl Receiver {
    /// PyPI `standardwebhooks`.
    pub fn python(keys: &Value) -> Self {
        let python = dir().join(".venv/bin/python");
        assert!(python.is_file(), "{} is missing: run 'make setup-tests'", python.display());
        Self::start("python", Command::new(python).arg(dir().join("receiver.py")), keys)
    }

    /// npm `standardwebhooks`.
    pub fn node(keys: &Value) -> Self {
        assert!(dir().join("node_modules").is_dir(), "node_modules is missing: run 'make setup-tests'");
        Self::start("node", Command::new("node").arg(dir().join("receiver.mjs")), keys)
    }

    /// Both.
    pub fn all(keys: &Value) -> [Self; 2] {
        [Self::python(keys), Self::node(keys)]
    }

    fn start(name: &'static str, command: &mut Command, keys: &Value) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        writeln!(stdin, "{keys}").unwrap();
        let mut port = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut port).unwrap();
        let port: u16 = port.trim().parse().unwrap_or_else(|_| panic!("{name} printed no port: '{port}'"));
        let client = Loopback::new(([127, 0, 0, 1], port).into()).unwrap();
        Self { name, child, _stdin: stdin, client }
    }

    /// Posts a request to the receiver, to be checked with the key of this name.
    pub async fn post(&self, key: &str, request: &SendRequest) -> (u16, String) {
        let headers: Vec<_> = request.headers.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let (status, body) = self.client.post(&format!("/{key}"), &headers, request.body.clone()).await.unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    /// Whether it accepts the request by this key.
    pub async fn accepts(&self, key: &str, request: &SendRequest) -> bool {
        match self.post(key, request).await {
            (200, _) => true,
            (400, _) => false,
            (status, text) => panic!("{} answered {status}: {text}", self.name),
        }
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
