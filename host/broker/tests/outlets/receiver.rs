//! The receivers of `tests/contract/siem`, as processes.

use std::{
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, Stdio},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;

/// The name in the receiver's certificate.
pub const NAME: &str = "siem.example.test";

fn dir() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/siem")
}

/// A certificate for a name, its key, and the authority that it is from, in files.
pub struct Certified {
    folder: tempfile::TempDir,
    pub ca_pem: String,
}

impl Certified {
    pub fn new(name: &str) -> Self {
        let mut ca = CertificateParams::new(vec![]).unwrap();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let ca_key = KeyPair::generate().unwrap();
        let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
        let issuer = Issuer::new(ca, ca_key);
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cert.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.path().join("key.pem"), key.serialize_pem()).unwrap();
        Self { folder, ca_pem }
    }
}

/// A running receiver. It ends with this value.
pub struct Receiver {
    child: Child,
    _stdin: ChildStdin,
    pub port: u16,
    lines: Arc<Mutex<Vec<Value>>>,
}

impl Receiver {
    /// npm `glossy` behind Node's TLS, at this port, or any where that is 0.
    pub fn syslog(certified: &Certified, port: u16, most: &str) -> Self {
        assert!(dir().join("node_modules").is_dir(), "node_modules is missing: run 'make setup-tests'");
        let file = |name: &str| certified.folder.path().join(name);
        let (port, mut command) = (port.to_string(), Command::new("node"));
        command.arg(dir().join("syslog.mjs")).args([file("cert.pem"), file("key.pem")]).args([port.as_str(), most]);
        Self::start(&mut command)
    }

    /// PyPI `opentelemetry-proto`.
    pub fn otlp(answers: &[&str], port: u16) -> Self {
        let python = dir().join(".venv/bin/python");
        assert!(python.is_file(), "{} is missing: run 'make setup-tests'", python.display());
        let answers = serde_json::to_string(answers).unwrap();
        Self::start(Command::new(python).arg(dir().join("otlp.py")).arg(answers).arg(port.to_string()))
    }

    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let stdin = child.stdin.take().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut port = String::new();
        out.read_line(&mut port).unwrap();
        let port = port.trim().parse().unwrap_or_else(|_| panic!("no port: '{port}'"));
        let lines: Arc<Mutex<Vec<Value>>> = Arc::default();
        let shared = lines.clone();
        std::thread::spawn(move || {
            for line in out.lines().map_while(Result::ok) {
                shared.lock().unwrap().push(serde_json::from_str(&line).unwrap());
            }
        });
        Self { child, _stdin: stdin, port, lines }
    }

    pub fn got(&self) -> Vec<Value> {
        self.lines.lock().unwrap().clone()
    }

    /// What came, once it is so many.
    pub async fn wait_for(&self, many: usize) -> Vec<Value> {
        let began = Instant::now();
        loop {
            let got = self.got();
            if got.len() >= many {
                return got;
            }
            assert!(began.elapsed() < Duration::from_secs(30), "{} of {many} came", got.len());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it at once, whatever it was doing. Gives what had come.
    pub fn kill(mut self) -> Vec<Value> {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        self.got()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
