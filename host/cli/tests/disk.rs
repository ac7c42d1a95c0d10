//! A disk that is full, and one that turns read-only, under a running host with senders who go on sending: acts are refused with what
//! helps, an event that was acknowledged is never lost, nothing has to be restarted, and the log verifies without a gap.
//!
//! The full disk is a real one, a tmpfs in a mount namespace of its own (`unshare`). A file system with open files cannot be remounted
//! read-only by hand, so that one is a stand-in between the process and libc (`read_only.c`, built with `cc`).
#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader, Write as _},
    net::SocketAddr,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use portcullis_broker::loopback::Loopback;
use portcullis_cli::{commands::events, system::SystemClock};
use portcullis_model::secret::Secret;
use serde_json::{Value, json};

const SENDERS: usize = 4;
/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(120);

/// A host on a disk of its own. Commands are given to a shell, which alone may see that disk.
struct Host {
    dir: tempfile::TempDir,
    shell: Child,
    stdin: ChildStdin,
    stdout: BufReader<ChildStdout>,
}

impl Host {
    /// On a tmpfs of so many MiB.
    fn on_a_small_disk(mib: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("disk")).unwrap();
        let mount = format!("mount -t tmpfs -o size={mib}m none \"$DIR/disk\" && exec sh");
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", &mount]);
        Self::of(dir, command)
    }

    /// On a disk that is read-only while there is a file called so beside it.
    fn on_a_disk_that_turns_read_only() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("disk")).unwrap();
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/disk/read_only.c");
        let built = dir.path().join("read_only.so");
        let mut cc = Command::new("cc");
        let cc = cc.args(["-shared", "-fPIC", "-O1", "-o"]).arg(&built).arg(source).arg("-ldl").output().unwrap();
        assert!(cc.status.success(), "{}", String::from_utf8_lossy(&cc.stderr));
        let mut command = Command::new("sh");
        command.env("SHIM", built).env("DISK_ROOT", format!("{}/", dir.path().join("disk").display()));
        command.env("DISK_FLAG", dir.path().join("read-only"));
        Self::of(dir, command)
    }

    fn of(dir: tempfile::TempDir, mut command: Command) -> Self {
        command.env("DIR", dir.path()).env("PORTCULLIS", env!("CARGO_BIN_EXE_portcullis"));
        command.env("PORTCULLIS_HOME", dir.path().join("disk/home")).env("USER", "mara");
        let mut shell = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let (stdin, stdout) = (shell.stdin.take().unwrap(), BufReader::new(shell.stdout.take().unwrap()));
        Self { dir, shell, stdin, stdout }
    }

    fn beside(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    /// Runs a line, and gives its exit code and what it said.
    fn sh(&mut self, line: &str) -> (i32, String) {
        writeln!(self.stdin, "{{ {line}\n}} > \"$DIR/said\" 2>&1; echo END $?").unwrap();
        loop {
            let mut told = String::new();
            let read = self.stdout.read_line(&mut told).unwrap();
            assert!(read > 0, "the shell has ended at '{line}'; is 'unshare -rm' permitted here?");
            if let Some(code) = told.strip_prefix("END ") {
                return (code.trim().parse().unwrap(), fs::read_to_string(self.beside("said")).unwrap());
            }
        }
    }

    /// Runs the command.
    fn portcullis(&mut self, words: &str) -> (i32, String) {
        self.sh(&format!("LD_PRELOAD=$SHIM $PORTCULLIS --json {words}"))
    }

    fn ok(&mut self, words: &str) -> String {
        let (code, said) = self.portcullis(words);
        assert_eq!(code, 0, "{words}: {said}");
        said
    }

    fn serve(&mut self) -> SocketAddr {
        let serve =
            "LD_PRELOAD=$SHIM $PORTCULLIS --json serve --listen 127.0.0.1:0 > $DIR/serve.out 2> $DIR/serve.err &";
        self.sh(&format!("{serve}\necho $! > $DIR/serve.pid"));
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            let said = fs::read_to_string(self.beside("serve.out")).unwrap_or_default();
            let said = said.lines().next().and_then(|line| serde_json::from_str::<Value>(line).ok());
            if let Some(address) = said.and_then(|said| said["listening"].as_str()?.parse().ok()) {
                return address;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the host does not start: {}", fs::read_to_string(self.beside("serve.err")).unwrap());
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        drop(writeln!(self.stdin, "kill -9 $(cat $DIR/serve.pid); exit"));
        drop(self.shell.wait());
    }
}

/// Those who send events, each again and again until it is acknowledged, as every sender of webhooks does.
struct Senders {
    to: SocketAddr,
    secret: Secret,
    next: AtomicU64,
    accepted: Mutex<BTreeSet<String>>,
    refused: AtomicU64,
    refusal: Mutex<String>,
    stop: AtomicBool,
}

impl Senders {
    async fn send(self: Arc<Self>) {
        let (to, source) = (Loopback::new(self.to).unwrap(), "zen".parse().unwrap());
        while !self.stop.load(Ordering::Relaxed) {
            let id = format!("event-{}", self.next.fetch_add(1, Ordering::Relaxed));
            let event = json!({
                "account_id": 22_129_848, "id": id, "subject": "zen:ticket:1005",
                "time": "2026-10-05T08:12:44.408241533Z", "type": "zen:event-type:ticket.created",
                "zendesk_event_version": "2022-11-06", "event": {},
                "detail": { "id": "1005", "subject": "x".repeat(4_096), "status": "NEW", "priority": null, "tags": [] },
            });
            let event = event.to_string();
            loop {
                match events::send(&to, &SystemClock, &source, &self.secret, &event).await {
                    Ok((202, _)) => break,
                    Ok((503, said)) => {
                        self.refused.fetch_add(1, Ordering::Relaxed);
                        *self.refusal.lock().unwrap() = String::from_utf8_lossy(&said).into_owned();
                        tokio::time::sleep(Duration::from_millis(20)).await;
                    }
                    Ok((status, said)) => panic!("{status}: {}", String::from_utf8_lossy(&said)),
                    Err(error) => panic!("the host does not answer: {error:#}"),
                }
            }
            self.accepted.lock().unwrap().insert(format!("event:zen/{id}"));
        }
    }

    fn accepted(&self) -> u64 {
        self.accepted.lock().unwrap().len() as u64
    }

    fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    /// Waits until this has grown by so many.
    async fn until(&self, what: &str, count: fn(&Self) -> u64, more: u64) {
        let (from, began) = (count(self), Instant::now());
        while count(self) < from + more {
            assert!(began.elapsed() < PATIENCE, "{what}: {} of {more}", count(self) - from);
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// Breaks the disk under a running host, sees what it does, mends it, and sees that all went on.
async fn under_load(mut host: Host, (breaks, mends): (&str, &str), help: &str) {
    host.ok("init");
    let made: Value = serde_json::from_str(&host.ok("source add zen --kind zendesk --tenant acme")).unwrap();
    let secret = Secret::new(made["secret"].as_str().unwrap().as_bytes().to_vec());
    let senders = Arc::new(Senders {
        to: host.serve(),
        secret,
        next: AtomicU64::new(0),
        accepted: Mutex::default(),
        refused: AtomicU64::new(0),
        refusal: Mutex::default(),
        stop: AtomicBool::new(false),
    });
    let sending: Vec<_> = (0..SENDERS).map(|_| tokio::spawn(senders.clone().send())).collect();
    for round in 0..3 {
        senders.until("accepted", Senders::accepted, 100).await;
        host.sh(breaks);
        senders.until("refused", Senders::refused, 50).await;
        let freeze = "freeze add --tenant acme --reason 'while the disk is broken'";
        let (code, said) = host.portcullis(freeze);
        assert!(code == 1 && said.contains("nothing was changed") && said.contains(help), "{round}: {code} {said}");
        let (code, said) = host.sh(mends);
        assert_eq!(code, 0, "{said}");
        let mended = Instant::now();
        senders.until("accepted once it is mended", Senders::accepted, 100).await;
        println!(
            "round {round}: {} refused; {:?} after the disk was mended 100 more are accepted",
            senders.refused(),
            mended.elapsed()
        );
        host.ok(&freeze.replace("while", "after"));
        let refusal = senders.refusal.lock().unwrap().clone();
        assert!(refusal.contains("problems/") && refusal.contains("503"), "a problem that says it: {refusal}");
    }
    senders.stop.store(true, Ordering::Relaxed);
    for sender in sending {
        sender.await.unwrap();
    }
    let (code, said) = host.sh("kill -TERM $(cat $DIR/serve.pid); wait $(cat $DIR/serve.pid)");
    let words = fs::read_to_string(host.beside("serve.err")).unwrap();
    assert_eq!(code, 0, "it stops in good order: {said} {words}");
    whole(&mut host, &senders);
}

/// The log verifies, all of it is published, no index is missing, and each event that was acknowledged is there, once.
fn whole(host: &mut Host, senders: &Senders) {
    host.ok("audit export --out $DIR/all.ndjson");
    let verified: Value = serde_json::from_str(&host.ok("audit verify")).unwrap();
    assert_eq!(verified["verified"], true, "{verified}");
    let text = fs::read_to_string(host.beside("all.ndjson")).unwrap();
    let entries: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let entries: Vec<&Value> = entries.iter().filter(|line| line["index"].is_u64()).collect();
    let mut received = BTreeSet::new();
    for (at, line) in entries.iter().enumerate() {
        assert_eq!(line["index"], at, "a gap");
        if line["entry"]["kind"] == "event.received" {
            let event = line["entry"]["resource"].as_str().unwrap().to_owned();
            assert!(received.insert(event), "twice: {line}");
        }
    }
    let accepted = senders.accepted.lock().unwrap();
    let lost: Vec<_> = accepted.difference(&received).collect();
    assert!(lost.is_empty(), "acknowledged, and not in the log: {lost:?}");
    // Refused while its entry stood already, and not sent again: senders do not stop before each is acknowledged.
    assert_eq!(received.len(), accepted.len(), "in the log, and never acknowledged");
    println!("{} entries, {} events acknowledged, {} times refused", entries.len(), accepted.len(), senders.refused());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_disk_under_a_running_host_loses_nothing_and_it_goes_on_once_there_is_room() {
    let host = Host::on_a_small_disk(96);
    let fill = "for size in 65536 4096 1; do dd if=/dev/zero bs=$size >> $DIR/disk/filler; done; true";
    under_load(host, (fill, "rm $DIR/disk/filler"), "make room on the disk of the home directory").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_turns_read_only_under_a_running_host_loses_nothing_and_it_goes_on_once_it_is_writable() {
    let host = Host::on_a_disk_that_turns_read_only();
    under_load(host, ("touch $DIR/read-only", "rm $DIR/read-only"), "make them writable").await;
}
