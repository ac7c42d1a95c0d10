use std::{fs, os::unix::fs::symlink, path::PathBuf};

use portcullis_model::files::{MAX_FILE, Path as Inner};

use super::{place::DIRECTORY, *};
use crate::spending::spend;

const A: &str = "acme/ins_a";
const QUOTA: u64 = 100_000;

struct Files {
    dirs: PrivateDirs,
    root: tempfile::TempDir,
}

fn files() -> Files {
    let root = tempfile::tempdir().unwrap();
    Files { dirs: PrivateDirs::open(&root.path().join("files")).unwrap(), root }
}

fn path(text: &str) -> Inner {
    Inner::parse(text).unwrap()
}

impl Files {
    /// The same root after a restart.
    fn restarted(self) -> Self {
        Self { dirs: PrivateDirs::open(&self.root.path().join("files")).unwrap(), root: self.root }
    }

    /// An installation's directory as the operator sees it.
    fn on_disk(&self, by: &str) -> PathBuf {
        self.root.path().join("files").join(by)
    }

    async fn write_within(&self, by: &str, at: &str, content: &[u8], quota: u64) -> Result<(), ServiceError> {
        let act = FileWrite { path: path(at), content: content.into(), quota };
        spend(by, act, |act| self.dirs.write(act)).await
    }

    async fn write(&self, at: &str, content: &[u8]) -> Result<(), ServiceError> {
        self.write_within(A, at, content, QUOTA).await
    }

    async fn make_dir(&self, at: &str) -> Result<(), ServiceError> {
        spend(A, FileMakeDir { path: path(at), quota: QUOTA }, |act| self.dirs.make_dir(act)).await
    }

    async fn read_as(&self, by: &str, at: &str) -> Result<Vec<u8>, ServiceError> {
        spend(by, FileRead { path: path(at) }, |act| self.dirs.read(act)).await.map(|content| content.0)
    }

    async fn read(&self, at: &str) -> Result<Vec<u8>, ServiceError> {
        self.read_as(A, at).await
    }

    async fn remove(&self, at: &str) -> Result<(), ServiceError> {
        spend(A, FileRemove { path: path(at) }, |act| self.dirs.remove(act)).await
    }

    async fn list(&self, at: &str) -> Result<Vec<(String, bool, u64)>, ServiceError> {
        let listed = spend(A, FileList { path: path(at) }, |act| self.dirs.list(act)).await?;
        Ok(listed.into_iter().map(|entry| (entry.name, entry.directory, entry.size)).collect())
    }

    async fn stat(&self, at: &str) -> Result<(bool, u64), ServiceError> {
        let entry = spend(A, FileStat { path: path(at) }, |act| self.dirs.stat(act)).await?;
        Ok((entry.directory, entry.size))
    }

    fn used(&self, by: &str) -> Option<Used> {
        let (tenant, installation) = by.split_once('/').unwrap();
        let owner = Owner { tenant: tenant.parse().unwrap(), installation: installation.parse().unwrap() };
        *self.dirs.known(&owner).lock().unwrap()
    }
}

fn is_invalid<T: std::fmt::Debug>(result: Result<T, ServiceError>) {
    assert!(matches!(result, Err(ServiceError::Invalid(_))), "{result:?}");
}

fn is_refused<T: std::fmt::Debug>(result: Result<T, ServiceError>) {
    assert!(matches!(&result, Err(ServiceError::Unavailable(why)) if why.contains("no plugin can make")), "{result:?}");
}

#[tokio::test]
async fn files_and_directories() {
    let f = files();
    assert_eq!(f.list("").await.unwrap(), []);
    f.write("b.txt", b"one").await.unwrap();
    f.write("dir/below/a", b"four").await.unwrap();
    f.make_dir("dir/empty").await.unwrap();
    f.make_dir("dir/empty").await.unwrap();
    f.write("b.txt", b"second").await.unwrap();
    assert_eq!(f.read("b.txt").await.unwrap(), b"second");
    assert_eq!(f.list("").await.unwrap(), [("b.txt".to_owned(), false, 6), ("dir".to_owned(), true, 0)]);
    let below = [("below".to_owned(), true, 0), ("empty".to_owned(), true, 0)];
    assert_eq!(f.list("dir").await.unwrap(), below);
    assert_eq!(f.stat("dir/below/a").await, Ok((false, 4)));
    assert_eq!((f.stat("").await, f.stat("dir").await), (Ok((true, 0)), Ok((true, 0))));
    assert_eq!(f.used(A), Some(Used { bytes: 10 + 3 * DIRECTORY, entries: 5 }));

    assert_eq!(f.remove("dir").await, Err(ServiceError::Conflict), "not empty");
    for gone in ["dir/below/a", "dir/below", "dir/empty", "dir", "dir", "b.txt", "no/such/thing"] {
        f.remove(gone).await.unwrap();
    }
    assert_eq!(f.list("").await.unwrap(), []);
    assert_eq!(f.used(A), Some(Used::default()));
}

#[tokio::test]
async fn what_is_not_there_and_what_is_in_the_way() {
    let f = files();
    f.write("file", b"x").await.unwrap();
    f.make_dir("dir").await.unwrap();
    for nothing in ["a", "a/b", "dir/a", "file/a"] {
        assert_eq!(f.read(nothing).await, Err(ServiceError::NotFound), "{nothing}");
        assert_eq!(f.stat(nothing).await, Err(ServiceError::NotFound), "{nothing}");
        assert_eq!(f.remove(nothing).await, Ok(()), "{nothing}");
    }
    assert_eq!(f.list("a").await, Err(ServiceError::NotFound));
    assert_eq!(f.list("file/a").await, Err(ServiceError::NotFound));
    is_invalid(f.list("file").await);
    is_invalid(f.read("dir").await);
    for root in [f.read("").await.map(drop), f.write("", b"").await, f.remove("").await] {
        is_invalid(root);
    }
    for conflict in [f.write("dir", b"").await, f.write("file/a", b"").await, f.make_dir("file/a/b").await] {
        assert_eq!(conflict, Err(ServiceError::Conflict));
    }
    assert_eq!(f.make_dir("file").await, Err(ServiceError::Conflict));
    is_invalid(f.write("big", &vec![0; MAX_FILE + 1]).await);
    assert_eq!(f.used(A), Some(Used { bytes: 1 + DIRECTORY, entries: 2 }), "a refusal changes nothing");
}

#[tokio::test]
async fn no_path_leads_out() {
    let f = files();
    fs::write(f.root.path().join("secret"), "s").unwrap();
    for out in
        ["..", "../secret", "a/../../secret", "/etc/passwd", "./a", "a//b", "a/", "", "a/./b", "a\\..\\b", "a\0b"]
    {
        let parsed = Inner::parse(out);
        assert!(parsed.is_err() || out.is_empty(), "{out:?}: {parsed:?}");
    }
    // What looks odd and is a name like others stays a name.
    for odd in ["...", "..a", "a..", " ", "~", "C:", "%2e%2e", "ä", "a\u{0308}", "-rf", "*"] {
        f.write(odd, odd.as_bytes()).await.unwrap();
        assert_eq!(f.read(odd).await.unwrap(), odd.as_bytes());
        assert!(f.on_disk(A).join("data").join(odd).is_file(), "{odd}");
    }
    assert_eq!(f.list("").await.unwrap().len(), 11, "two spellings of one letter are two names");
}

#[tokio::test]
async fn a_planted_link_is_refused_wherever_it_is() {
    let f = files();
    let outside = f.root.path().join("outside");
    fs::create_dir(&outside).unwrap();
    fs::write(outside.join("secret"), "s").unwrap();
    f.write("dir/file", b"mine").await.unwrap();
    let data = f.on_disk(A).join("data");
    for (target, link) in [
        (outside.join("secret"), "file-link"),
        (outside.clone(), "dir-link"),
        (PathBuf::from("dir/file"), "inner-link"),
        (PathBuf::from("nowhere"), "dangling"),
    ] {
        symlink(target, data.join(link)).unwrap();
        is_refused(f.read(link).await);
        is_refused(f.stat(link).await);
        is_refused(f.write(link, b"over").await);
        is_refused(f.remove(link).await);
        is_refused(f.read(&format!("{link}/secret")).await);
        is_refused(f.write(&format!("{link}/planted"), b"x").await);
        is_refused(f.make_dir(&format!("{link}/planted")).await);
        is_refused(f.list("").await);
        is_refused(f.read("dir/file").await);
        fs::remove_file(data.join(link)).unwrap();
        assert_eq!(f.read("dir/file").await.unwrap(), b"mine", "without the link all is well");
    }
    assert_eq!(fs::read_dir(&outside).unwrap().count(), 1);
    assert_eq!(fs::read(outside.join("secret")).unwrap(), b"s");
}

#[tokio::test]
async fn links_in_place_of_the_hosts_own_directories_are_refused() {
    for level in ["acme", A, "acme/ins_a/data", "acme/ins_a/new"] {
        let f = files();
        f.write("a", b"x").await.unwrap();
        let (own, moved) = (f.on_disk(level), f.root.path().join("moved"));
        fs::rename(&own, &moved).unwrap();
        symlink(&moved, &own).unwrap();
        is_refused(f.read("a").await);
        is_refused(f.write("a", b"y").await);
    }
}

#[tokio::test]
async fn two_tenants_have_two_directories() {
    let f = files();
    let others = ["acme/ins_b", "globex/ins_a"];
    f.write("a", b"mine").await.unwrap();
    for other in others {
        assert_eq!(f.read_as(other, "a").await, Err(ServiceError::NotFound));
        f.write_within(other, "a", other.as_bytes(), 20).await.unwrap();
    }
    assert_eq!(f.read("a").await.unwrap(), b"mine");
    for other in others {
        assert_eq!(f.read_as(other, "a").await.unwrap(), other.as_bytes());
    }
    let dots = spend("acme/..", FileRead { path: path("a") }, |act| f.dirs.read(act)).await;
    assert!(matches!(dots, Err(ServiceError::Unavailable(_))), "{dots:?}");
}

#[tokio::test]
async fn the_quota_is_exact() {
    let f = files();
    let within = |at: &'static str, size: usize| {
        let (f, content) = (&f, vec![0; size]);
        async move { f.write_within(A, at, &content, 5_000).await }
    };
    let full = Err(ServiceError::limited("files-bytes", 5_000));
    within("a", 3_000).await.unwrap();
    within("b", 2_000).await.unwrap();
    assert_eq!(within("c", 1).await, full);
    assert_eq!(within("a", 3_001).await, full);
    assert_eq!(f.read("a").await.unwrap().len(), 3_000, "what was there is there");
    within("c", 0).await.unwrap();
    within("a", 500).await.unwrap();
    assert_eq!(within("d/e", 0).await, full, "a directory counts as well");
    assert_eq!(f.stat("d").await, Err(ServiceError::NotFound), "and is not made for what is refused");
    within("b", 404).await.unwrap();
    within("d/e", 0).await.unwrap();
    assert_eq!(within("d/e", 1).await, full);
    f.remove("a").await.unwrap();
    within("d/e", 500).await.unwrap();
    assert_eq!(f.used(A).unwrap().bytes, 5_000);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quota_holds_whoever_writes_at_the_same_time() {
    let f = Arc::new(files());
    let writers: Vec<_> = (0..64)
        .map(|n| {
            let f = f.clone();
            tokio::spawn(async move {
                let content = vec![0; 1_000];
                let first = f.write_within(A, &format!("f{n}"), &content, 20_500).await;
                let again = f.write_within(A, &format!("f{}", n / 2), &content, 20_500).await;
                (first, again)
            })
        })
        .collect();
    for writer in writers {
        let (first, again) = writer.await.unwrap();
        for result in [first, again] {
            assert!(result.is_ok() || result == Err(ServiceError::limited("files-bytes", 20_500)), "{result:?}");
        }
    }
    let sizes: Vec<u64> = f.list("").await.unwrap().iter().map(|(_, _, size)| *size).collect();
    assert_eq!(sizes.len(), 20, "as many as fit, and no more");
    assert_eq!(f.used(A), Some(Used { bytes: sizes.iter().sum(), entries: 20 }));
}

#[tokio::test]
async fn a_crash_before_the_rename_leaves_the_old_file() {
    let f = files();
    f.write("a", b"old").await.unwrap();
    let left = f.on_disk(A).join("new/file");
    fs::write(&left, "half of the n").unwrap();
    let f = f.restarted();
    assert_eq!(f.read("a").await.unwrap(), b"old");
    assert!(!left.exists(), "removed at the next use");
    assert_eq!(f.used(A), Some(Used { bytes: 3, entries: 1 }), "and not counted");
    f.write("a", b"new").await.unwrap();
    assert!(!left.exists(), "it has become the file");
    assert_eq!(f.read("a").await.unwrap(), b"new");
}

#[tokio::test]
async fn the_sum_is_counted_anew_after_a_failure() {
    let f = files();
    f.write("a", b"123").await.unwrap();
    // A directory in its place: writing beside the directory fails.
    let new = f.on_disk(A).join("new/file");
    fs::create_dir(&new).unwrap();
    let failed = f.write("dir/b", b"4").await;
    assert!(matches!(failed, Err(ServiceError::Unavailable(_))), "{failed:?}");
    assert_eq!(f.used(A), None);
    fs::remove_dir(&new).unwrap();
    f.write("dir/b", b"4").await.unwrap();
    assert_eq!(f.used(A), Some(Used { bytes: 4 + DIRECTORY, entries: 3 }));
    let f = f.restarted();
    assert_eq!((f.used(A), f.read("a").await.unwrap()), (None, b"123".to_vec()));
    assert_eq!(f.used(A), Some(Used { bytes: 4 + DIRECTORY, entries: 3 }));
}

#[tokio::test]
async fn there_are_only_so_many_names() {
    let f = files();
    let full = |most| Err(ServiceError::limited("files-entries", most));
    let data = f.on_disk(A).join("data");
    f.make_dir("d9").await.unwrap();
    for n in 0..1_000 {
        fs::write(data.join("d9").join(n.to_string()), "").unwrap();
    }
    assert_eq!(f.write("d9/more", b"").await, full(1_000));
    assert_eq!(f.make_dir("d9/more").await, full(1_000));
    f.write("d9/7", b"again").await.unwrap();
    assert_eq!(f.list("d9").await.unwrap().len(), 1_000, "a list shows all that can be there");
    for dir in 0..9 {
        fs::create_dir(data.join(format!("d{dir}"))).unwrap();
        for n in 0..999 {
            fs::write(data.join(format!("d{dir}")).join(n.to_string()), "").unwrap();
        }
    }
    let f = f.restarted();
    let write = async |at: &str| f.write_within(A, at, b"", u64::MAX).await;
    assert_eq!(f.list("").await.unwrap().len(), 10);
    assert_eq!(f.used(A).unwrap().entries, 10_001, "9 of 999, 1 of 1,000 and 10 directories");
    assert_eq!(write("more").await, full(10_000));
    f.remove("d9/7").await.unwrap();
    assert_eq!(write("more").await, full(10_000));
    f.remove("d9/8").await.unwrap();
    write("d9/8").await.unwrap();
    assert_eq!(write("e/f").await, full(10_000));
}
