//! The published log and the database beside it: whatever is changed in either, `portcullis audit verify` says so, with
//! exit code 3, and names it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use portcullis_cli::publish::LogPublisher;
use portcullis_e2e::{Ended, Lab, Package, Seeded, run};
use portcullis_model::audit::{Kind, Recorder as _};
use serde_json::{Value, json};

use crate::flipped;

/// More than two full tiles, and the beginning of a third.
const ENTRIES: usize = 600;

/// A host with a published log of so many entries.
struct Published {
    lab: Lab,
}

impl Published {
    async fn new() -> Self {
        let published = Self { lab: Lab::new().await };
        published.grow(ENTRIES).await;
        published
    }

    async fn grow(&self, to: usize) {
        let host = &self.lab.host;
        let missing = to - usize::try_from(host.store.entry_count().await.unwrap()).unwrap();
        let entry = |number| host.entry(Kind::HostStarted, None).with("number", number);
        host.store.record((0..missing).map(entry).collect()).await.unwrap();
        let size = LogPublisher::new(&host.home, host.store.clone()).catch_up().await.unwrap();
        assert_eq!(size, to as u64);
    }

    fn log(&self) -> PathBuf {
        self.lab.host.home.log()
    }

    async fn verify(&self, arguments: &[&str]) -> Ended {
        run(self.lab.host.home.dir(), &[&["audit", "verify"], arguments].concat()).await
    }

    async fn holds(&self) {
        let ended = self.verify(&[]).await;
        assert_eq!((ended.code, &ended.json()["verified"]), (0, &json!(true)), "{ended:?}");
        assert_eq!(ended.json()["report"]["size"], ENTRIES, "{ended:?}");
    }

    /// Verification must fail and name this file.
    async fn names(&self, file: &str, what: &str) {
        let ended = self.verify(&[]).await;
        assert_eq!((ended.code, &ended.json()["verified"]), (3, &json!(false)), "{file} {what}: {ended:?}");
        let faults = ended.json()["faults"].clone();
        let named = |fault: &Value| fault.as_str().is_some_and(|fault| fault.starts_with(file));
        assert!(faults.as_array().unwrap().iter().any(named), "{file} {what}: {faults}");
    }
}

/// All files below a directory, by their names from there.
fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let mut open = vec![dir.to_owned()];
    while let Some(next) = open.pop() {
        for item in fs::read_dir(next).unwrap() {
            let path = item.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    found.sort();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn each_file_of_the_log() {
    let published = Published::new().await;
    published.holds().await;
    let mut random = Seeded::announced("bytes to change");
    let all = files(&published.log());
    for expected in ["checkpoint", "tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2", "tile/entries/000"]
    {
        assert!(all.iter().any(|file| file == expected), "{expected}: {all:?}");
    }
    for file in &all {
        let path = published.log().join(file);
        let whole = fs::read(&path).unwrap();
        for at in [0, random.below(whole.len()), whole.len() - 1] {
            fs::write(&path, flipped(&whole, at)).unwrap();
            published.names(file, &format!("byte {at}")).await;
        }
        fs::write(&path, &whole[..whole.len() - 1]).unwrap();
        published.names(file, "cut").await;
        fs::write(&path, [whole.as_slice(), b"\n"].concat()).unwrap();
        published.names(file, "longer").await;
        fs::remove_file(&path).unwrap();
        published.names(file, "gone").await;
        fs::write(&path, &whole).unwrap();
    }
    published.holds().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_somebody_else() {
    let published = Published::new().await;
    let other = Published::new().await;
    let key = fs::read_to_string(other.lab.host.home.log_vkey()).unwrap();
    let ended = published.verify(&["--key", key.trim()]).await;
    assert_eq!(ended.code, 3, "{ended:?}");
    // A log that somebody made anew, wholly consistent in itself, is not this one.
    fs::remove_dir_all(published.log()).unwrap();
    fs::rename(other.log(), published.log()).unwrap();
    published.names("checkpoint", "another key's").await;
}

/// A log that is taken back to an earlier state is consistent: only what was kept elsewhere shows it.
#[tokio::test(flavor = "multi_thread")]
async fn a_log_that_was_rolled_back() {
    let published = Published::new().await;
    let kept = published.lab.dir().join("kept.checkpoint");
    let older = fs::read(published.log().join("checkpoint")).unwrap();
    published.grow(ENTRIES + 300).await;
    fs::copy(published.log().join("checkpoint"), &kept).unwrap();
    let at_least = ["--at-least", kept.to_str().unwrap()];
    assert_eq!(published.verify(&at_least).await.code, 0);
    fs::write(published.log().join("checkpoint"), older).unwrap();
    let ended = published.verify(&[]).await;
    assert_eq!((ended.code, &ended.json()["database"]["unpublished"]), (0, &json!(300)), "{ended:?}");
    let ended = published.verify(&at_least).await;
    assert_eq!(ended.code, 3, "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_row_of_the_database() {
    let published = Published::new().await;
    let database = published.lab.database();
    let put = "UPDATE audit SET body = ?2 WHERE idx = ?1";
    for index in [0, 255, 256, ENTRIES - 1] {
        let body: Vec<u8> =
            database.query_row("SELECT body FROM audit WHERE idx = ?1", [index], |row| row.get(0)).unwrap();
        let changed = String::from_utf8(body.clone()).unwrap().replacen("host.", "hots.", 1).into_bytes();
        assert_ne!(body, changed);
        database.execute(put, rusqlite::params![index, changed]).unwrap();
        let ended = published.verify(&[]).await;
        assert_eq!(ended.code, 3, "{ended:?}");
        assert_eq!(ended.json()["verified"], false);
        assert_eq!(ended.json()["database"]["differs-at"], json!([index]), "{ended:?}");
        database.execute(put, rusqlite::params![index, body]).unwrap();
    }
    published.holds().await;
}

/// A row that is gone is as much a difference as one that is changed.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_gone() {
    for index in [ENTRIES - 1, 300, 0] {
        let published = Published::new().await;
        assert_eq!(published.lab.database().execute("DELETE FROM audit WHERE idx = ?1", [index]).unwrap(), 1);
        let ended = published.verify(&[]).await;
        assert_eq!(ended.code, 3, "entry {index}: {ended:?}");
        let said = format!("{}{}", ended.stdout, ended.stderr);
        assert!(said.contains(&index.to_string()), "entry {index}: {said}");
    }
}

/// A database that does not go on from where the log ends is not published from, and a host does not start on it.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_older_than_the_log() {
    let lab = Lab::new().await;
    lab.install(&Package::guest("echo", &[], "")).await;
    let publish = || async { LogPublisher::new(&lab.host.home, lab.host.store.clone()).catch_up().await };
    let size = publish().await.unwrap();
    lab.database().execute("UPDATE audit SET body = X'7B7D' WHERE idx = ?1", [size - 1]).unwrap();
    let error = publish().await.unwrap_err().to_string();
    assert!(error.contains(&format!("audit entry {} is not the one that is published", size - 1)), "{error}");
    lab.database().execute("DELETE FROM audit WHERE idx = ?1", [size - 1]).unwrap();
    let error = publish().await.unwrap_err().to_string();
    assert!(error.contains(&format!("{size} entries, the database only {}", size - 1)), "{error}");
    let (_stop, stopped) = tokio::sync::watch::channel(false);
    let served = portcullis_cli::serve::serve(lab.reopened().await, None, |_| {}, stopped).await;
    assert!(served.unwrap_err().to_string().contains("older backup"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_was_moved_to_another_tenant_and_a_tile_of_a_view() {
    let published = Published::new().await;
    let database = published.lab.database();
    let moved = "UPDATE audit SET tenant = ?2 WHERE idx = ?1";
    database.execute(moved, rusqlite::params![300, "other"]).unwrap();
    let ended = published.verify(&[]).await;
    assert_eq!((ended.code, &ended.json()["database"]["differs-at"]), (3, &json!([300])), "{ended:?}");
    assert!(ended.stdout.contains("was published as the host's own"), "{ended:?}");
    database.execute(moved, rusqlite::params![300, Option::<String>::None]).unwrap();
    published.holds().await;

    let (n, hashes): (i64, Vec<u8>) = database
        .query_row("SELECT n, hashes FROM view_tiles WHERE level = 0 ORDER BY n LIMIT 1", [], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
        .unwrap();
    let put = "UPDATE view_tiles SET hashes = ?2 WHERE level = 0 AND n = ?1";
    database.execute(put, rusqlite::params![n, flipped(&hashes, 40)]).unwrap();
    let ended = published.verify(&[]).await;
    assert!(ended.code == 3 && ended.stdout.contains("is not that of its entries"), "{ended:?}");
    assert_eq!(run(published.lab.host.home.dir(), &["audit", "rebuild"]).await.code, 0);
    published.holds().await;
}

/// A home that is older than views: of its first entries the log has the bodies.
#[tokio::test(flavor = "multi_thread")]
async fn the_log_of_an_older_home_goes_on() {
    let lab = Lab::new().await;
    let older = lab.host.store.entry_count().await.unwrap();
    lab.database().execute("UPDATE log_state SET leaves_from = ?1, advanced = ?1", [older]).unwrap();
    let published = Published { lab };
    published.grow(ENTRIES).await;
    published.holds().await;
    let ended = published.verify(&[]).await;
    assert_eq!(ended.json()["report"]["bare"], older, "{ended:?}");
    published.grow(ENTRIES + 40).await;
    assert_eq!(published.verify(&[]).await.code, 0);
    let body = "UPDATE audit SET body = X'7B7D' WHERE idx = 0";
    published.lab.database().execute(body, []).unwrap();
    assert_eq!(published.verify(&[]).await.json()["database"]["differs-at"], json!([0]));
}

/// The columns that rows are found by are no more believed than bodies.
#[tokio::test(flavor = "multi_thread")]
async fn a_row_that_is_listed_as_of_another_kind_or_time_than_its_body() {
    let published = Published::new().await;
    let database = published.lab.database();
    let (kind, time): (String, i64) = database
        .query_row("SELECT kind, time FROM audit WHERE idx = 300", [], |row| Ok((row.get(0)?, row.get(1)?)))
        .unwrap();
    let set = |column: &str, value: &dyn rusqlite::ToSql| {
        database.execute(&format!("UPDATE audit SET {column} = ?1 WHERE idx = 300"), [value]).unwrap();
    };
    let later = time + 1;
    let changes: [(&str, &dyn rusqlite::ToSql, &dyn rusqlite::ToSql); 2] =
        [("kind", &"host.stopped", &kind), ("time", &later, &time)];
    for (column, other, was) in changes {
        set(column, other);
        let ended = published.verify(&[]).await;
        let said = format!("entry 300 is {kind} of ");
        assert!(ended.code == 3 && ended.stdout.contains(&said), "{column}: {ended:?}");
        assert!(ended.stdout.contains("and the database lists it as "), "{column}: {ended:?}");
        set(column, was);
        published.holds().await;
    }
}
