//! GNU tar and Python's tarfile: a bundle is a tar to them, of the names and with the contents that it should have.

use std::{fs, process::Command};

use portcullis_model::{id::Digest, release::StoredRelease};
use portcullis_packages::{
    bundle,
    release_dir::{ReleaseFiles, read_release},
};

use crate::{run, there_is};

fn release() -> ReleaseFiles {
    let component: &[u8] = b"\0asm component";
    let stored = StoredRelease { digest: Digest::of(component), manifest: "id = 1\n".into(), envelope: "{}\n".into() };
    let mut files = ReleaseFiles::new(stored, component.into());
    files.statements = vec!["{\"one\":1}".into(), "{}".into()];
    files.reports = vec![b"{}".to_vec()];
    files
}

#[test]
fn tar_reads_a_bundle_and_what_it_makes_is_none() {
    if !there_is("tar", &["--version"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let (dir, files) = (dir.path(), release());
    bundle::write_file(&dir.join("release.portcullis"), &bundle::to_bytes(&files).unwrap()).unwrap();
    let tar = |arguments: &[&str]| {
        let mut command = Command::new("tar");
        command.args(arguments).current_dir(dir).env("TZ", "UTC").env("LC_ALL", "C");
        String::from_utf8(run(&mut command).stdout).unwrap()
    };
    let report = format!("reports/{}.json", Digest::of(b"{}").hex());
    let names = ["portcullis-bundle.json", "plugin.wasm", "portcullis.toml", "release.dsse.json"];
    let names = [&names[..], &["statements/0001.dsse.json", "statements/0002.dsse.json", &report]].concat();
    assert_eq!(tar(&["-tf", "release.portcullis"]).lines().collect::<Vec<_>>(), names);
    for line in tar(&["--numeric-owner", "-tvf", "release.portcullis"]).lines() {
        assert!(line.starts_with("-rw-r--r-- 0/0 ") && line.contains(" 1970-01-01 00:00 "), "{line}");
    }

    fs::create_dir(dir.join("apart")).unwrap();
    tar(&["-xf", "release.portcullis", "-C", "apart"]);
    fs::remove_file(dir.join("apart/portcullis-bundle.json")).unwrap();
    assert_eq!(read_release(&dir.join("apart")).unwrap(), files);

    // The same files as others put them together: refused, whatever the format.
    for format in ["--format=ustar", "--format=gnu", "--format=pax"] {
        tar(&["-xf", "release.portcullis", "-C", "apart", "portcullis-bundle.json"]);
        tar(&[&[format, "-cf", "theirs", "-C", "apart"], names.as_slice()].concat());
        let error = bundle::read_file(&dir.join("theirs")).unwrap_err().to_string();
        assert!(error.contains("theirs is refused: "), "{error}");
    }
}
