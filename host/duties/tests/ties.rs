//! The catalogue is tied to the code: every test that it names is there and runs, and every duty that anything names is in it.
#![expect(clippy::unwrap_used, reason = "a test")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use portcullis_duties::catalogue::Catalogue;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// Directories that hold what others wrote, or what is built.
const NOT_OURS: [&str; 5] = ["target", "node_modules", ".venv", ".git", "third-party"];

fn files(dir: &Path, endings: &[&str], into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() {
            if !NOT_OURS.contains(&name.as_str()) {
                files(&path, endings, into);
            }
        } else if path.extension().is_some_and(|e| endings.contains(&e.to_string_lossy().as_ref())) {
            into.push(path);
        }
    }
}

/// The tests of a file by name, with whether each runs.
fn tests_of(source: &str) -> BTreeMap<String, bool> {
    let mut found = BTreeMap::new();
    let (mut is_test, mut ignored) = (false, false);
    for line in source.lines().map(str::trim) {
        if line.starts_with("#[") || line.starts_with("//") {
            is_test |= line.starts_with("#[test]") || line.starts_with("#[tokio::test");
            ignored |= line.starts_with("#[ignore") || line.contains("ignore =");
        } else if let Some(rest) = line.split_once("fn ").map(|(_, rest)| rest).filter(|_| is_test) {
            let name: String = rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.insert(name, !ignored);
            (is_test, ignored) = (false, false);
        } else {
            (is_test, ignored) = (false, false);
        }
    }
    found
}

#[test]
fn every_test_that_the_catalogue_names_is_there_and_runs() {
    let catalogue = Catalogue::built_in().unwrap();
    let mut wrong = Vec::new();
    for duty in &catalogue.duties {
        for one in duty.how.proof() {
            let (file, name) = one.split_once("::").unwrap();
            let source = fs::read_to_string(root().join(file)).unwrap_or_default();
            match tests_of(&source).get(name) {
                Some(true) => {}
                Some(false) => wrong.push(format!("{}: {one} is ignored", duty.id)),
                None => wrong.push(format!("{}: there is no test {one}", duty.id)),
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_test_is_found_and_an_ignored_one_is_told() {
    let source = "#[test]\nfn runs() {}\n#[test]\n#[ignore = \"slow\"]\nfn rests() {}\nfn helper() {}\n\
                  #[tokio::test(flavor = \"current_thread\")]\nasync fn waits() {}\n/// #[test]\nstruct X;\nfn other() {}\n";
    let found = tests_of(source);
    let expected = [("runs", true), ("rests", false), ("waits", true)];
    assert_eq!(found, expected.map(|(name, runs)| (name.to_owned(), runs)).into());
}

/// What looks like a duty's id in a text: its section is one of the catalogue's.
fn ids_in(text: &str, sections: &BTreeSet<String>) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for (at, _) in text.match_indices('-') {
        let Some(section) = at.checked_sub(3).and_then(|from| text.get(from..at)) else { continue };
        let alone = text[..at - 3].chars().next_back().is_none_or(|c| !c.is_ascii_alphanumeric() && c != '-');
        let number: String = text[at + 1..].chars().take_while(char::is_ascii_digit).collect();
        if alone && !number.is_empty() && sections.contains(section) {
            found.insert(format!("{section}-{number}"));
        }
    }
    found
}

#[test]
fn every_duty_that_is_named_anywhere_is_in_the_catalogue() {
    let catalogue = Catalogue::built_in().unwrap();
    let known: BTreeSet<String> = catalogue.duties.iter().map(|duty| duty.id.to_string()).collect();
    let sections = known.iter().map(|id| id[..3].to_owned()).collect();
    let mut all = Vec::new();
    for dir in ["host", "sdk", "wit", "docs", "tests", "sample-plugins"] {
        files(&root().join(dir), &["rs", "md", "toml", "wit"], &mut all);
    }
    let mut named = BTreeSet::new();
    for file in
        all.iter().filter(|file| !file.ends_with("catalogue/tests.rs") && !file.ends_with("duties/tests/ties.rs"))
    {
        let text = fs::read_to_string(file).unwrap_or_default();
        let ids = ids_in(&text, &sections);
        let unknown: Vec<_> = ids.difference(&known).collect();
        assert!(unknown.is_empty(), "{} names {unknown:?}, which is in no section of the catalogue", file.display());
        named.extend(ids);
    }
    assert!(named.len() > 50, "the search finds what is there: {named:?}");
    assert_eq!(
        ids_in("see DAT-15, XDAT-1, RFC-9 and (ACC-2)", &sections),
        ["DAT-15", "ACC-2"].map(String::from).into()
    );
}
