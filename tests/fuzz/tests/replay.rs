//! Every seed and every input of the corpus, once, with any compiler: what fuzzing found stays found.

use std::{fs, panic, path::Path};

fn replay(target: &str, check: fn(&[u8])) {
    let mut replayed = 0;
    for folder in ["seeds", "corpus"] {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder).join(target);
        for file in fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display())) {
            let path = file.expect("a file").path();
            let bytes = fs::read(&path).expect("a file");
            if panic::catch_unwind(|| check(&bytes)).is_err() {
                panic!("{} breaks a property of {target}; see above", path.display());
            }
            replayed += 1;
        }
    }
    assert!(replayed >= 20, "{target}: {replayed} inputs; some are lost");
}

#[test]
fn target() {
    replay("target", portcullis_fuzz::target::check);
}

#[test]
fn webhook() {
    replay("webhook", portcullis_fuzz::webhook::check);
}

#[test]
fn manifest() {
    replay("manifest", portcullis_fuzz::manifest::check);
}

#[test]
fn inspect() {
    replay("inspect", portcullis_fuzz::inspect::check);
}

#[test]
fn scope_text() {
    replay("scope_text", portcullis_fuzz::scope_text::check);
}
