//! The real binary, as a child.
//!
//! Cargo builds a binary for the tests of its own package only, so it must have been built before: `cargo build -p
//! portcullis`. One that is older than its source is refused, or the tests would be about yesterday's program.

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::LazyLock,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    process::{Child, Command},
};

const ADVICE: &str = "run 'cargo build -p portcullis' first, in the same profile as the tests";

static BINARY: LazyLock<PathBuf> = LazyLock::new(|| {
    let tests = std::env::current_exe().unwrap();
    // target/<profile>/deps/<test>
    let dir = tests.parent().and_then(Path::parent).unwrap();
    let binary = dir.join(format!("portcullis{}", std::env::consts::EXE_SUFFIX));
    let built = fs::metadata(&binary).and_then(|data| data.modified());
    let built = built.unwrap_or_else(|error| panic!("{}: {error}; {ADVICE}", binary.display()));
    // Cargo's own list of what the binary was made of.
    let list = fs::read_to_string(dir.join("portcullis.d")).unwrap_or_default();
    for source in list.split_once(": ").map_or("", |(_, sources)| sources.trim()).replace("\\ ", "\0").split(' ') {
        let source = source.replace('\0', " ");
        let newer = fs::metadata(&source).and_then(|data| data.modified()).is_ok_and(|changed| changed > built);
        assert!(!newer, "{} is older than {source}; {ADVICE}", binary.display());
    }
    binary
});

/// A command that has ended.
#[derive(Debug)]
pub struct Ended {
    /// The exit code.
    pub code: i32,
    /// What it printed.
    pub stdout: String,
    /// What it complained about.
    pub stderr: String,
}

impl Ended {
    /// What it printed, which must be JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// Runs a command on this home, with `--json`.
pub async fn run(home: &Path, arguments: &[&str]) -> Ended {
    run_with(home, arguments, b"").await
}

/// The same with something to read on its standard input.
pub async fn run_with(home: &Path, arguments: &[&str], input: &[u8]) -> Ended {
    let mut command = Command::new(&*BINARY);
    command.arg("--home").arg(home).arg("--json").args(arguments);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // Most commands read nothing, and may have ended before this was written.
    drop(child.stdin.take().unwrap().write_all(input).await);
    let output = child.wait_with_output().await.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap_or_else(|| panic!("{arguments:?}: {}", output.status));
    Ended { code, stdout: text(output.stdout), stderr: text(output.stderr) }
}

/// `portcullis serve` as a child. It is killed when it is dropped.
pub struct Daemon {
    /// Where it listens.
    pub address: SocketAddr,
    child: Child,
}

impl Daemon {
    /// Starts it and waits until it listens.
    pub async fn start(home: &Path) -> Self {
        let mut child = Command::new(&*BINARY)
            .arg("--home")
            .arg(home)
            .args(["serve", "--listen", "127.0.0.1:0", "--json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let read = tokio::time::timeout(Duration::from_secs(60), output.read_line(&mut line)).await;
        let said: Option<Value> = read.ok().and_then(|_| serde_json::from_str(&line).ok());
        let Some(address) = said.and_then(|said| said["listening"].as_str()?.parse().ok()) else {
            drop(child.start_kill());
            let mut words = String::new();
            drop(child.stderr.take().unwrap().read_to_string(&mut words).await);
            panic!("the host does not start: {line:?} {words}");
        };
        // Nobody reads on; a full pipe must not hold the child up.
        let mut words = child.stderr.take().unwrap();
        tokio::spawn(async move {
            let mut text = Vec::new();
            drop(words.read_to_end(&mut text).await);
            if !text.is_empty() {
                eprintln!("the host said: {}", String::from_utf8_lossy(&text));
            }
        });
        Self { address, child }
    }

    /// Kills it with SIGKILL: no word, no chance to put anything right.
    pub async fn kill(mut self) {
        self.child.kill().await.unwrap();
    }

    /// Asks it to stop, and waits until it has. Gives the exit code.
    pub async fn stop(mut self) -> i32 {
        let pid =
            self.child.id().and_then(|id| Pid::from_raw(id.cast_signed())).ok_or(io::ErrorKind::NotFound).unwrap();
        kill_process(pid, Signal::TERM).unwrap();
        let ended = tokio::time::timeout(Duration::from_secs(60), self.child.wait()).await;
        ended.expect("the host does not stop").unwrap().code().unwrap_or(-1)
    }
}
