//! Backups of a home, by the command itself: while its host runs, killed in the middle, tampered with, on a full disk; and what is
//! restored from them (INC-5, DAT-6).
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
    time::{Duration, Instant},
};

use age::secrecy::ExposeSecret as _;
use portcullis_model::id::Digest;
use serde_json::Value;

const PORTCULLIS: &str = env!("CARGO_BIN_EXE_portcullis");

struct Place {
    dir: tempfile::TempDir,
    public: String,
}

impl Place {
    /// A host with a few tickets, and a pair of keys.
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let identity = age::x25519::Identity::generate();
        let text = format!("# a comment\n{}\n", identity.to_string().expose_secret());
        fs::write(dir.path().join("backup.key"), text).unwrap();
        fs::create_dir(dir.path().join("backups")).unwrap();
        let place = Self { dir, public: identity.to_public().to_string() };
        place.run("home", &["init", "--seed"]);
        place
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn command(&self, home: &str) -> Command {
        let mut command = Command::new(PORTCULLIS);
        command.args(["--json", "--home"]).arg(self.path(home)).env_remove("PORTCULLIS_HOME");
        command.current_dir(self.dir.path());
        command
    }

    fn try_run(&self, home: &str, words: &[&str]) -> Output {
        self.command(home).args(words).output().unwrap()
    }

    fn run(&self, home: &str, words: &[&str]) -> Value {
        let output = self.try_run(home, words);
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap_or_default()
    }

    fn refused(&self, home: &str, words: &[&str]) -> String {
        let output = self.try_run(home, words);
        assert!(!output.status.success(), "{words:?} was done");
        String::from_utf8(output.stderr).unwrap()
    }

    fn backup(&self) -> PathBuf {
        let made = self.run("home", &["backup", "--to", "backups", "--recipient", &self.public]);
        self.path("backups").join(Path::new(made["file"].as_str().unwrap()).file_name().unwrap())
    }

    fn restore(&self, into: &str, backup: &Path, words: &[&str]) -> Output {
        let mut all = vec!["restore", backup.to_str().unwrap(), "--identity", "backup.key"];
        all.extend(words);
        self.try_run(into, &all)
    }

    /// A running host, and its address.
    fn serve(&self, home: &str) -> (Child, String) {
        let mut child =
            self.command(home).args(["serve", "--listen", "127.0.0.1:0"]).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        (child, said["listening"].as_str().unwrap().to_owned())
    }

    fn names(&self, dir: &str) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(self.path(dir)).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    fn kinds(&self, home: &str, kind: &str) -> usize {
        let words = ["audit", "search", &format!("kind={kind}")];
        let output = self.try_run(home, &words);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap().matches(&format!("\"{kind}\"")).count()
    }
}

fn stop(mut child: Child) {
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    assert!(child.wait().unwrap().success());
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_running_host_is_backed_up_and_comes_back_whole() {
    let place = Place::new();
    place.run("home", &["source", "add", "desk", "--kind", "cloudevents", "--tenant", "acme"]);
    let (host, _) = place.serve("home");
    // Somebody else writes all the time.
    let writing = std::sync::atomic::AtomicBool::new(true);
    let backups: Vec<PathBuf> = std::thread::scope(|scope| {
        scope.spawn(|| {
            while writing.load(std::sync::atomic::Ordering::Relaxed) {
                place.run("home", &["freeze", "add", "--all", "--reason", "a drill"]);
            }
        });
        let made = (0..3).map(|_| place.backup()).collect();
        writing.store(false, std::sync::atomic::Ordering::Relaxed);
        made
    });
    stop(host);
    for (n, backup) in backups.iter().enumerate() {
        let bytes = fs::read(backup).unwrap();
        assert!(bytes.starts_with(b"age-encryption.org/v1\n"));
        assert!(!bytes.windows(6).any(|window| window == b"SQLite"), "nothing is in it in the clear");
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(backup).unwrap().permissions().mode() & 0o777, 0o600);
        let home = format!("restored-{n}");
        let done = place.restore(&home, backup, &["--new-log", "--reason", "the disk died"]);
        assert!(done.status.success(), "{}", said(&done));
        let verified = place.run(&home, &["audit", "verify"]);
        assert_eq!(verified["verified"], true, "{verified}");
    }
    // It runs, takes events and publishes what it does, under the log's new name.
    let (host, _) = place.serve("restored-0");
    stop(host);
    let verified = place.run("restored-0", &["audit", "verify"]);
    assert_eq!(verified["verified"], true, "{verified}");
    let key = |home: &str| fs::read_to_string(place.path(home).join("log.vkey")).unwrap();
    assert_ne!(key("home").split('+').next(), key("restored-0").split('+').next(), "another name");
    assert_eq!((place.kinds("restored-0", "log.restored"), place.kinds("restored-0", "host.restored")), (1, 1));
    assert!(place.kinds("home", "backup.made") == 3);
    assert_eq!(place.names("home").iter().filter(|name| name.starts_with(".backup")).count(), 0, "no copy is left");
}

#[test]
fn the_log_goes_on_under_its_own_name_only_where_nothing_more_of_it_is_known() {
    let place = Place::new();
    let (newest, backup) = (place.path("newest"), place.backup());
    let reason = ["--reason", "a test"];
    let with = |checkpoint: &Path, home: &str| {
        let words = ["--checkpoint", checkpoint.to_str().unwrap(), reason[0], reason[1]];
        place.restore(home, &backup, &words)
    };
    let without = place.restore("other", &backup, &reason);
    assert!(said(&without).contains("say how the audit log goes on"), "{}", said(&without));
    // The entry about the backup itself has been published since.
    fs::copy(place.path("home/log/checkpoint"), &newest).unwrap();
    let behind = with(&newest, "other");
    assert!(said(&behind).contains("contradict what others have seen"), "{}", said(&behind));
    assert!(!place.path("other").exists());
    let ahead = place.restore("first", &backup, &["--new-log", "--reason", "a test"]);
    assert!(ahead.status.success(), "{}", said(&ahead));
    let other_key = fs::read_to_string(place.path("first/log.vkey")).unwrap();
    let wrong = place.restore("second", &backup, &["--new-log", "--reason", "x", "--key", other_key.trim()]);
    assert!(!wrong.status.success() && said(&wrong).contains("does not hold"), "{}", said(&wrong));
    let own_key = fs::read_to_string(place.path("home/log.vkey")).unwrap();
    let right = place.restore("second", &backup, &["--new-log", "--reason", "x", "--key", own_key.trim()]);
    assert!(right.status.success(), "{}", said(&right));
    let again = place.restore("second", &backup, &["--new-log", "--reason", "x"]);
    assert!(said(&again).contains("is there already"), "{}", said(&again));
}

#[test]
fn a_host_that_published_nothing_after_its_backup_goes_on_as_it_was() {
    let place = Place::new();
    // Its newest checkpoint is the one in the backup: a host that makes a backup and dies at once.
    let checkpoint = place.path("newest");
    fs::copy(place.path("home/log/checkpoint"), &checkpoint).unwrap();
    let backup = place.backup();
    let words = ["--checkpoint", checkpoint.to_str().unwrap(), "--reason", "the machine was replaced"];
    let done = place.restore("moved", &backup, &words);
    assert!(done.status.success(), "{}", said(&done));
    let key = |home: &str| fs::read(place.path(home).join("log.vkey")).unwrap();
    assert_eq!(key("home"), key("moved"));
    let verified = place.run("moved", &["audit", "verify", "--at-least", "newest"]);
    assert_eq!(verified["verified"], true);
    assert_eq!(place.run("moved", &["vault", "status"])["unopened"].as_array().map(Vec::len), Some(0));
}

#[test]
fn whatever_was_changed_or_cut_off_is_refused_and_leaves_nothing() {
    let place = Place::new();
    let backup = place.backup();
    let whole = fs::read(&backup).unwrap();
    let changed = place.path("changed.age");
    let refused = |bytes: &[u8], what: &str| {
        fs::write(&changed, bytes).unwrap();
        let output = place.restore("other", &changed, &["--new-log", "--reason", "x"]);
        assert!(!output.status.success(), "{what} was restored");
        assert!(!place.path("other").exists(), "{what}");
        assert!(!place.names(".").iter().any(|name| name.starts_with(".portcullis-restore")), "{what}");
        said(&output)
    };
    for part in 0..12 {
        let at = whole.len() * part / 12;
        let mut bytes = whole.clone();
        bytes[at] ^= 1 << (part % 8);
        refused(&bytes, &format!("bit {at}"));
    }
    let last = whole.len() - 1;
    let mut bytes = whole.clone();
    bytes[last] ^= 1;
    refused(&bytes, "the last byte");
    for length in [0, 10, 300, 70_000, whole.len() - 70_000, last] {
        refused(&whole[..length], &format!("cut off at {length}"));
    }
    refused(&[whole.as_slice(), b"x"].concat(), "something at its end");
    let stranger = age::x25519::Identity::generate();
    fs::write(place.path("backup.key"), stranger.to_string().expose_secret()).unwrap();
    let words = refused(&whole, "another's");
    assert!(words.contains("encrypted to others"), "{words}");
    assert!(!words.contains("AGE-SECRET"));
}

#[test]
fn one_that_is_killed_leaves_nothing_that_bears_a_backups_name() {
    let place = Place::new();
    fs::create_dir_all(place.path("home/files")).unwrap();
    let mut noise = fs::File::open("/dev/urandom").unwrap().take(48 << 20);
    std::io::copy(&mut noise, &mut fs::File::create(place.path("home/files/large")).unwrap()).unwrap();
    let mut cut = 0;
    for wait in [30, 120, 250, 400, 600] {
        let mut child = place
            .command("home")
            .args(["backup", "--to", "backups", "--recipient", &place.public])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(Duration::from_millis(wait));
        let ended = child.try_wait().unwrap().is_some();
        child.kill().unwrap();
        child.wait().unwrap();
        cut += usize::from(!ended);
        let finished: Vec<_> = place.names("backups").into_iter().filter(|name| name.ends_with(".age")).collect();
        assert_eq!(finished.len(), usize::from(ended), "{finished:?} after {wait} ms");
        finished.iter().for_each(|name| fs::remove_file(place.path("backups").join(name)).unwrap());
    }
    assert!(cut > 0, "none was cut off");
    place.backup();
    assert_eq!(place.names("backups").len(), 1, "what the killed ones left is gone: {:?}", place.names("backups"));
    assert!(!place.names("home").iter().any(|name| name.starts_with(".backup-")));
}

#[test]
fn a_full_disk_is_said_and_leaves_nothing() {
    let place = Place::new();
    let mut noise = fs::File::open("/dev/urandom").unwrap().take(24 << 20);
    fs::create_dir_all(place.path("home/files")).unwrap();
    std::io::copy(&mut noise, &mut fs::File::create(place.path("home/files/large")).unwrap()).unwrap();
    // No file may grow beyond 16 MiB: writing fails in the middle, as on a disk that is full.
    let script = "trap '' XFSZ; ulimit -f 32768; exec \"$0\" \"$@\"";
    let output = Command::new("sh")
        .args(["-c", script, PORTCULLIS, "--home", "home", "backup", "--to", "backups", "--recipient", &place.public])
        .current_dir(place.dir.path())
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert!(said(&output).contains("into the backup"), "{}", said(&output));
    assert_eq!(place.names("backups"), [""; 0]);
    assert_eq!(place.kinds("home", "backup.failed"), 1);
}

#[test]
fn a_test_says_how_long_it_took_and_is_the_newest_from_then_on() {
    let place = Place::new();
    let words = place.try_run("home", &["backup", "--status"]);
    assert_eq!(words.status.code(), Some(1), "nothing was ever made");
    let backup = place.backup();
    let restore = ["restore", backup.to_str().unwrap(), "--identity", "backup.key", "--test", "--scratch", "."];
    let tested = place.run("home", &restore);
    assert!(tested["took-ms"].as_u64().is_some_and(|took| took > 0), "{tested}");
    assert_eq!(tested["unopened"], 0);
    let state = place.run("home", &["backup", "--status"]);
    assert_eq!(state["tested"]["detail"]["sha256"], tested["sha256"]);
    assert_eq!(state["open"].as_array().map(Vec::len), Some(0), "{state}");
    assert_eq!(place.kinds("home", "backup.tested"), 1);
    let mut file = fs::File::options().write(true).open(&backup).unwrap();
    file.seek(SeekFrom::End(-100)).unwrap();
    file.write_all(b"changed").unwrap();
    assert!(!place.refused("home", &restore).is_empty());
    assert_eq!(place.kinds("home", "backup.tested"), 2, "that it failed is on record");
    let state = place.run("home", &["backup", "--status"]);
    assert_eq!(state["tested"]["detail"]["sha256"], tested["sha256"], "the last good one stays");
    assert!(!place.names(".").iter().any(|name| name.starts_with(".portcullis-restore")));
}

#[test]
fn nothing_is_ever_written_unencrypted_and_keys_only_where_they_are_wanted() {
    let place = Place::new();
    let words = place.refused("home", &["backup", "--to", "backups"]);
    assert!(words.contains("always encrypted"), "{words}");
    for inside in ["home", "home/keys", "home/b.age"] {
        let words = place.refused("home", &["backup", "--to", inside, "--recipient", &place.public]);
        assert!(words.contains("is in the home"), "{words}");
    }
    let made = place.run("home", &["backup", "--to", "b.age", "--recipient", &place.public, "--without-keys"]);
    assert!(made["left-out"].to_string().contains("\"keys\""), "{made}");
    let tested = place.restore("home", &place.path("b.age"), &["--test"]);
    assert!(tested.status.success(), "{}", said(&tested));
    let found: Value = serde_json::from_slice(&tested.stdout).unwrap();
    assert_eq!(found["unopened"], Value::Null);
    assert!(
        place.refused("home", &["backup", "--to", "b.age", "--recipient", &place.public]).contains("there already")
    );
    let done = place.restore("bare", &place.path("b.age"), &["--new-log", "--reason", "x"]);
    assert!(done.status.success(), "{}", said(&done));
    assert_eq!(place.names("bare/keys"), ["log.key"], "the new log's own");
}

#[test]
fn a_running_host_makes_them_by_itself_and_keeps_so_many() {
    let place = Place::new();
    let config = place.path("home/portcullis.toml");
    let text = fs::read_to_string(&config).unwrap();
    let to = place.path("backups");
    let section = format!("[backup]\nto = {to:?}\nevery-hours = 24\nkeep = 2\nrecipients = [\"{}\"]\n", place.public);
    fs::write(&config, text.replace("[backup]\n", &section)).unwrap();
    for n in 0..2 {
        fs::write(to.join(format!("{}2020010{n}T000000000Z.age", prefix(&place))), "an old one").unwrap();
    }
    fs::write(to.join("portcullis-another-20200101T000000000Z.age"), "another host's").unwrap();
    let (host, _) = place.serve("home");
    let until = Instant::now() + Duration::from_secs(30);
    let made =
        || place.names("backups").into_iter().any(|name| name.starts_with(&prefix(&place)) && !name.contains("-2020"));
    while !made() {
        assert!(Instant::now() < until, "{:?}", place.names("backups"));
        std::thread::sleep(Duration::from_millis(100));
    }
    std::thread::sleep(Duration::from_millis(300));
    stop(host);
    assert_eq!(place.names("backups").len(), 3, "two of its own, and another's: {:?}", place.names("backups"));
    assert_eq!(place.kinds("home", "backup.made"), 1);
}

fn prefix(place: &Place) -> String {
    let key = fs::read_to_string(place.path("home/log.vkey")).unwrap();
    let origin = key.split('+').next().unwrap();
    let whole = Digest::of(origin.as_bytes()).hex();
    format!("portcullis-{}-{}-", origin.rsplit('/').next().unwrap(), &whole[..16])
}
