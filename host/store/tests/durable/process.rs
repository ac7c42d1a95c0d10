//! Another process of this program, and what it says.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

pub struct Process {
    child: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Process {
    /// Runs one of the ignored tests in a process of its own.
    pub fn start(test: &str, dir: &Path, round: u64) -> Self {
        Self::of(Command::new(std::env::current_exe().unwrap()), test, dir, round)
    }

    /// The same on a small disk of its own, which nobody else sees and which is gone with the process.
    pub fn on_a_small_disk(test: &str, dir: &Path, mib: u32) -> Self {
        let mount = format!("mount -t tmpfs -o size={mib}m none \"$DURABLE_DIR\" && exec \"$0\" \"$@\"");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", &mount]).arg(std::env::current_exe().unwrap());
        Self::of(command, test, dir, 0)
    }

    fn of(mut command: Command, test: &str, dir: &Path, round: u64) -> Self {
        let mut child = command
            .args([test, "--exact", "--ignored", "--nocapture", "--test-threads=1"])
            .env("DURABLE_DIR", dir)
            .env("DURABLE_ROUND", round.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let (stdin, stdout) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Self { child, stdin, stdout }
    }

    pub fn say(&mut self, line: &str) -> String {
        writeln!(self.stdin, "{line}").unwrap();
        self.hear().unwrap_or_else(|| panic!("the process has ended at '{line}'; is 'unshare -rm' permitted here?"))
    }

    /// The next whole line that is meant for us; the harness prints some of its own. None at the end.
    pub fn hear(&mut self) -> Option<String> {
        loop {
            let mut line = String::new();
            self.stdout.read_line(&mut line).unwrap();
            if !line.ends_with('\n') {
                return None;
            }
            // The harness does not end the line in which it names a test.
            if let Some((_, meant)) = line.trim_end().split_once("> ") {
                return Some(meant.to_owned());
            }
        }
    }

    /// SIGKILL: without a word.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
