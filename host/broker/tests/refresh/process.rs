//! Worker processes: this binary again, with the one test that is told by its environment what to be.

use std::{
    io::{BufRead, BufReader, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

/// A worker, spoken to in lines.
pub struct Worker {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

/// What a worker is told to be.
pub struct Told {
    pub dir: PathBuf,
    pub provider: SocketAddr,
}

/// `None` in the process that the tests were started in.
pub fn told() -> Option<Told> {
    let dir = PathBuf::from(std::env::var_os("REFRESH_DIR")?);
    let provider = std::env::var("REFRESH_PROVIDER").unwrap().parse().unwrap();
    Some(Told { dir, provider })
}

impl Worker {
    pub fn start(test: &str, dir: &Path, provider: SocketAddr) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env("REFRESH_DIR", dir)
            .env("REFRESH_PROVIDER", provider.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    pub fn say(&mut self, line: &str) {
        writeln!(self.stdin, "{line}").unwrap();
    }

    /// The next line that a worker means for us; the harness prints some of its own.
    pub fn hear(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.stdout.read_line(&mut line).unwrap() > 0, "the worker has ended");
            // The harness does not end the line in which it names a test.
            if let Some((_, meant)) = line.trim().split_once("> ") {
                return meant.to_owned();
            }
        }
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn end(mut self) {
        drop(self.stdin);
        // What it still prints must not block it.
        let mut rest = String::new();
        while self.stdout.read_line(&mut rest).unwrap_or(0) > 0 {}
        assert!(self.child.wait().unwrap().success());
    }
}

/// What a worker says to whoever started it.
pub fn say(text: &str) {
    let mut out = std::io::stdout().lock();
    writeln!(out, "> {text}").unwrap();
    out.flush().unwrap();
}

/// The next thing that a worker is told; `None` at the end.
pub fn hear() -> Option<String> {
    let mut line = String::new();
    (std::io::stdin().lock().read_line(&mut line).unwrap() > 0).then(|| line.trim().to_owned())
}
