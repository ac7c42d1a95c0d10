//! From a key to a release in somebody else's hands, by the command alone.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use portcullis_e2e::{Ended, Package, run};
use serde_json::Value;
use tempfile::TempDir;

struct Desk(TempDir);

impl Desk {
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        for (name, words) in
            [("words", "correct horse battery staple"), ("others", "another passphrase"), ("short", "short")]
        {
            fs::write(desk.path(name), format!("{words}\n")).unwrap();
            fs::set_permissions(desk.path(name), fs::Permissions::from_mode(0o600)).unwrap();
        }
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// Runs a command; words that begin with `@` are paths on this desk.
    async fn run(&self, arguments: &[&str]) -> Ended {
        let paths: Vec<String> = arguments
            .iter()
            .map(|word| word.strip_prefix('@').map_or((*word).to_owned(), |name| self.path(name).display().to_string()))
            .collect();
        run(Path::new("/nonexistent"), &paths.iter().map(String::as_str).collect::<Vec<_>>()).await
    }

    async fn ok(&self, arguments: &[&str]) -> Value {
        let ended = self.run(arguments).await;
        assert_eq!(ended.code, 0, "{arguments:?}: {ended:?}");
        ended.json()
    }

    async fn fails(&self, code: i32, arguments: &[&str], words: &str) -> Ended {
        let ended = self.run(arguments).await;
        assert!(ended.code == code && ended.stderr.contains(words), "{arguments:?}: {words}: {ended:?}");
        ended
    }
}

#[tokio::test]
async fn keys_are_made_protected_and_handed_on() {
    let desk = Desk::new();
    let made = desk.ok(&["key", "new", "@key", "--passphrase-file", "@words"]).await;
    let public = made["public"].as_str().unwrap();
    assert!(fs::read_to_string(desk.path("key")).unwrap().starts_with("-----BEGIN ENCRYPTED PRIVATE KEY-----\n"));
    assert_eq!(desk.ok(&["key", "show", "@key", "--passphrase-file", "@words"]).await["public"], public);
    desk.fails(1, &["key", "new", "@key", "--passphrase-file", "@words"], "exists already").await;
    desk.fails(1, &["key", "show", "@key", "--passphrase-file", "@others"], "the passphrase is wrong").await;
    desk.fails(1, &["key", "new", "@more", "--passphrase-file", "@short"], "at least 12").await;
    assert!(!desk.path("more").exists());
    let open = desk.run(&["key", "new", "@open", "--no-passphrase"]).await;
    assert!(open.code == 0 && open.stderr.contains("is not encrypted: whoever can read it can sign"), "{open:?}");
    let lacking = ["key", "passphrase", "@key", "--passphrase-file", "@others", "--new-passphrase-file", "@others"];
    desk.fails(1, &lacking, "the passphrase is wrong").await;
    desk.ok(&["key", "passphrase", "@key", "--passphrase-file", "@words", "--new-passphrase-file", "@others"]).await;
    assert_eq!(desk.ok(&["key", "show", "@key", "--passphrase-file", "@others"]).await["public"], public);

    let rotate = ["key", "rotate", "@key", "@next", "--passphrase-file", "@others", "--new-passphrase-file", "@words"];
    let rotated = desk.ok(&rotate).await;
    assert_eq!(desk.ok(&["key", "show", "@next", "--passphrase-file", "@words"]).await["public"], rotated["new"]);
    let check = ["key", "handover", "@next.handover.json", "--trust", public];
    assert_eq!(desk.ok(&check).await["new"], rotated["new"]);
    let other = ["key", "handover", "@next.handover.json", "--trust", rotated["new"].as_str().unwrap()];
    desk.fails(3, &other, "and the key that you trust is").await;
    let changed =
        fs::read_to_string(desk.path("next.handover.json")).unwrap().replacen("\"sig\":\"", "\"sig\":\"AAAA", 1);
    fs::write(desk.path("next.handover.json"), changed).unwrap();
    desk.fails(3, &check, "does not verify").await;
}

#[tokio::test]
async fn a_release_goes_from_hand_to_hand_as_one_file() {
    let desk = Desk::new();
    let package = Package::guest("echo", &[], "");
    fs::create_dir(desk.path("dist")).unwrap();
    fs::write(desk.path("dist/plugin.wasm"), &package.component).unwrap();
    fs::write(desk.path("dist/portcullis.toml"), &package.manifest).unwrap();
    desk.fails(1, &["plugin", "bundle", "@dist", "-o", "@a.portcullis"], "release.dsse.json is missing").await;
    let made = desk.ok(&["key", "new", "@key", "--passphrase-file", "@words"]).await;
    let stranger = desk.run(&["key", "new", "@stranger", "--no-passphrase"]).await.json();
    let (public, stranger) = (made["public"].as_str().unwrap(), stranger["public"].as_str().unwrap());
    desk.ok(&["plugin", "sign", "@dist", "--key", "@key", "--passphrase-file", "@words"]).await;

    let one = desk.ok(&["plugin", "bundle", "@dist", "-o", "@a.portcullis"]).await;
    desk.ok(&["plugin", "unbundle", "@a.portcullis", "@apart"]).await;
    let two = desk.ok(&["plugin", "bundle", "@apart", "-o", "@b.portcullis"]).await;
    assert_eq!(one["digest"], two["digest"]);
    assert_eq!(fs::read(desk.path("a.portcullis")).unwrap(), fs::read(desk.path("b.portcullis")).unwrap());
    desk.fails(1, &["plugin", "bundle", "@dist", "-o", "@a.portcullis"], "exists already").await;
    desk.fails(1, &["plugin", "unbundle", "@a.portcullis", "@apart"], "exists already").await;

    for path in ["@dist", "@apart", "@a.portcullis"] {
        let held = desk.ok(&["plugin", "verify", path, "--trust", public]).await;
        assert_eq!(held["holds"], true, "{held}");
    }
    let refused = desk.fails(3, &["plugin", "verify", "@a.portcullis", "--trust", stranger], "not verified: ").await;
    assert_eq!(refused.json()["checks"][1]["outcome"], "fails");
    desk.fails(2, &["plugin", "verify", "@a.portcullis"], "--trust").await;

    let mut bytes = fs::read(desk.path("a.portcullis")).unwrap();
    // The component's name, in the second header: 512 bytes of header and 512 of content before it.
    bytes[1024] = b'q';
    fs::write(desk.path("changed.portcullis"), &bytes).unwrap();
    desk.fails(3, &["plugin", "verify", "@changed.portcullis", "--trust", public], "entry 2: its header's checksum")
        .await;
    desk.fails(3, &["plugin", "unbundle", "@changed.portcullis", "@never"], "is refused: entry 2").await;
    assert!(!desk.path("never").exists());
    fs::File::create(desk.path("sparse.portcullis")).unwrap().set_len(1 << 30).unwrap();
    desk.fails(3, &["plugin", "unbundle", "@sparse.portcullis", "@never"], "a bundle of 1073741824 bytes").await;
}
