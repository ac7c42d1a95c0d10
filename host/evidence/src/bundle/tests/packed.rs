//! Bundles as one file.

use std::os::unix::fs::symlink;

use ::tar::{Builder, EntryType, Header};

use super::*;

impl Source {
    fn packed(&self, name: &str) -> PathBuf {
        let (dir, out) = (self.bundle(name, true), self.dir.path().join(format!("{name}.tar")));
        pack(&dir, &out).unwrap();
        out
    }
}

/// The files of a tar, as a tool of others reads them.
fn listed(tar: &Path) -> Vec<(String, Vec<u8>)> {
    let mut archive = ::tar::Archive::new(fs::File::open(tar).unwrap());
    let entries = archive.entries().unwrap();
    let one = |entry: std::io::Result<::tar::Entry<'_, fs::File>>| {
        let mut entry = entry.unwrap();
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut entry, &mut bytes).unwrap();
        (entry.path().unwrap().display().to_string(), bytes)
    };
    entries.map(one).collect()
}

/// A tar of these files with headers like a bundle's, but for what is changed.
fn built(files: &[(String, Vec<u8>)], change: impl Fn(usize, &mut Header)) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (n, (name, bytes)) in files.iter().enumerate() {
        let mut header = Header::new_ustar();
        let field = &mut header.as_ustar_mut().unwrap().name;
        field[..name.len()].copy_from_slice(name.as_bytes());
        header.as_ustar_mut().unwrap().set_device_major(0);
        header.as_ustar_mut().unwrap().set_device_minor(0);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        header.set_size(bytes.len() as u64);
        header.set_entry_type(EntryType::Regular);
        change(n, &mut header);
        header.set_cksum();
        builder.append(&header, bytes.as_slice()).unwrap();
    }
    builder.into_inner().unwrap()
}

#[test]
fn a_tar_is_verified_where_it_lies_and_is_always_the_same() {
    let source = source();
    let (one, two) = (source.packed("one"), source.packed("two"));
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
    let verified = verify_bundle(&one, &verifier()).unwrap();
    assert_eq!(verified, verify_bundle(&source.dir.path().join("one"), &verifier()).unwrap());
    let files = listed(&one);
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    let mut expected: Vec<&str> = FILES.into_iter().chain([MANIFEST]).collect();
    expected.sort_unstable();
    assert_eq!(names, expected);
    for (name, bytes) in &files {
        assert_eq!(*bytes, fs::read(source.dir.path().join("one").join(name)).unwrap(), "{name}");
    }
    assert_eq!(built(&files, |_, _| ()), fs::read(&one).unwrap(), "the tests' own writer makes the same");
    assert!(pack(&source.dir.path().join("one"), &two).is_err(), "what is there is not written over");
    assert_eq!(fs::read(&one).unwrap(), fs::read(&two).unwrap());
}

#[test]
fn a_tar_is_unpacked_into_the_directory_that_it_was_made_of() {
    let source = source();
    let (tar, dir) = (source.packed("one"), source.dir.path().join("again"));
    unpack(&tar, &dir).unwrap();
    assert_eq!(verify_bundle(&dir, &verifier()).unwrap(), verify_bundle(&tar, &verifier()).unwrap());
    assert!(unpack(&tar, &dir).is_err(), "what is there is not written over");
    assert!(dir.join(MANIFEST).exists());
    let (cut, left) = (source.dir.path().join("cut.tar"), source.dir.path().join("cut"));
    let whole = fs::read(&tar).unwrap();
    fs::write(&cut, &whole[..whole.len() - 512]).unwrap();
    assert!(unpack(&cut, &left).is_err() && !left.exists());
}

#[test]
fn each_byte_of_a_tar_counts() {
    let source = source();
    let tar = source.packed("one");
    let whole = fs::read(&tar).unwrap();
    for at in (0..whole.len()).step_by(97).chain([0, whole.len() - 1]) {
        let mut changed = whole.clone();
        changed[at] ^= 1;
        fs::write(&tar, changed).unwrap();
        assert!(verify_bundle(&tar, &verifier()).is_err(), "byte {at}");
    }
    for length in (0..whole.len()).step_by(331).chain([whole.len() - 1, whole.len() - 512]) {
        fs::write(&tar, &whole[..length]).unwrap();
        assert!(verify_bundle(&tar, &verifier()).is_err(), "cut to {length}");
    }
    for more in [vec![0; 512], vec![0; 1], b"x".to_vec()] {
        fs::write(&tar, [whole.clone(), more].concat()).unwrap();
        assert!(verify_bundle(&tar, &verifier()).is_err(), "longer");
    }
    fs::write(&tar, &whole).unwrap();
    verify_bundle(&tar, &verifier()).unwrap();
}

/// What is done to the header of the file of this number.
type Change = fn(&mut Header);

#[test]
fn a_tar_that_would_do_harm_where_it_is_unpacked_is_refused() {
    let source = source();
    let tar = source.packed("one");
    let files = listed(&tar);
    let changes: [(&str, Change); 9] = [
        ("is no plain file", |header| header.set_entry_type(EntryType::Symlink)),
        ("is no plain file", |header| header.set_entry_type(EntryType::Link)),
        ("is no plain file", |header| header.set_entry_type(EntryType::Directory)),
        ("is no plain file", |header| header.set_entry_type(EntryType::Char)),
        ("'../../etc/passwd' is no file of a bundle", |header| {
            header.as_ustar_mut().unwrap().name[..17].copy_from_slice(b"../../etc/passwd\0");
        }),
        ("'/etc/passwd' is no file of a bundle", |header| {
            header.as_ustar_mut().unwrap().name[..12].copy_from_slice(b"/etc/passwd\0");
        }),
        ("is not as a bundle's is", |header| header.set_mode(0o4755)),
        ("is not as a bundle's is", |header| header.set_mtime(1)),
        ("is longer than 1048576 bytes", |header| header.set_size(1 << 32)),
    ];
    for (words, change) in changes {
        fs::write(
            &tar,
            built(&files, |n, header| {
                if n == 0 {
                    change(header)
                }
            }),
        )
        .unwrap();
        let error = verify_bundle(&tar, &verifier()).unwrap_err().to_string();
        assert!(error.contains(words), "{words}: {error}");
    }
    // A size that leads out of the file.
    let lines = files.iter().position(|(name, _)| name == ENTRIES).unwrap();
    let huge = |n: usize, header: &mut Header| {
        if n == lines {
            header.set_size(8_000_000_000)
        }
    };
    fs::write(&tar, built(&files, huge)).unwrap();
    assert_eq!(verify_bundle(&tar, &verifier()).unwrap_err().file, ENTRIES);
    let mut twice = files.clone();
    twice.insert(0, files[0].clone());
    let mut turned = files.clone();
    turned.swap(0, 1);
    for (what, files) in [("twice", &twice), ("turned", &turned)] {
        fs::write(&tar, built(files, |_, _| ())).unwrap();
        let error = verify_bundle(&tar, &verifier()).unwrap_err().to_string();
        assert!(error.contains("is not in its place"), "{what}: {error}");
    }
    let fewer: Vec<_> = files.iter().filter(|(name, _)| name != README).cloned().collect();
    fs::write(&tar, built(&fewer, |_, _| ())).unwrap();
    assert_eq!(verify_bundle(&tar, &verifier()).unwrap_err().to_string(), "README.txt: is not there");
}

#[test]
fn a_directory_that_is_no_bundle_is_not_packed_and_nothing_is_left() {
    let source = source();
    let (dir, out) = (source.bundle("one", true), source.dir.path().join("out.tar"));
    fs::write(dir.join("more.txt"), "x").unwrap();
    assert_eq!(pack(&dir, &out).unwrap_err().file, "more.txt");
    assert!(!out.exists());
    fs::remove_file(dir.join("more.txt")).unwrap();
    fs::rename(dir.join(README), source.dir.path().join("elsewhere")).unwrap();
    symlink(source.dir.path().join("elsewhere"), dir.join(README)).unwrap();
    assert_eq!(pack(&dir, &out).unwrap_err().to_string(), "README.txt: is no plain file");
    assert!(!out.exists());
}

#[test]
fn more_than_a_manifest_has_room_for_is_not_left_out() {
    let source = source();
    let (out, mut maker) = source.begin("out", true);
    for n in 0..MOST_LEFT_OUT as u64 {
        maker.leave_out(u64::MAX - n, Some(u64::MAX)).unwrap();
    }
    let error = maker.leave_out(0, None).unwrap_err();
    assert!(error.too_much && error.what.contains("narrow what is selected"), "{error}");
    maker.finish(&key(), source.log.head().note(), &[]).unwrap().publish().unwrap();
    verify_bundle(&out, &verifier()).unwrap();
}
