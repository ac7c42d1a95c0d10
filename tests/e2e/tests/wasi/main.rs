//! WASI on the real host: a whole standard library with nothing granted, what is refused by name, and `wasi:http` through the
//! one door.
#![expect(clippy::unwrap_used, reason = "a test")]

mod ends;
mod http;
mod imports;
mod world;

use std::{
    collections::BTreeMap,
    fs,
    sync::{Arc, LazyLock},
};

use portcullis_cli::build::{Target, Toolchain, What, build};
use portcullis_e2e::{Package, root};
use portcullis_model::invoke::CallReport;

/// The guests in `tests/guests/wasip2`, built from source with the product's own builder.
static GUESTS: LazyLock<BTreeMap<String, Arc<[u8]>>> = LazyLock::new(|| {
    let dir = root().join("tests/guests");
    let files = fs::read_dir(dir.join("wasip2")).unwrap().map(|file| file.unwrap().path());
    let names = files.map(|file| format!("wasip2_{}", file.file_stem().unwrap().to_str().unwrap()));
    let what = What::Named { dir, feature: "wasip2".to_owned(), examples: names.collect() };
    let built = build(&what, &Toolchain::find(Target::WasiP2).unwrap()).unwrap();
    built.into_iter().map(|built| (built.name, built.component.into())).collect()
});

/// A guest that asks for these scopes.
fn package(name: &str, scopes: &[&str], limits: &str) -> Package {
    Package::of(GUESTS[name].clone(), name, scopes, limits)
}

/// The rest of the first line that begins so.
fn said<'a>(report: &'a CallReport, words: &str) -> &'a str {
    let found = report.log.iter().find_map(|(_, line)| line.strip_prefix(words));
    found.unwrap_or_else(|| panic!("'{words}' is not in the log; {:?}: {:?}", report.end, report.log))
}

#[test]
fn every_guest_for_wasi_is_run() {
    let known: Vec<&str> = GUESTS.keys().map(String::as_str).collect();
    assert_eq!(known, [http::GUEST, ends::GUEST, world::GUEST], "each is run by the module that names it");
}
