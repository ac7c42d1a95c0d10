//! Guests and sample plugins as components, built from source once a process with the product's own builder.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock, Mutex, PoisonError},
};

use portcullis_cli::build::{Built, Target, Toolchain, What, build};

type Components = BTreeMap<String, Arc<[u8]>>;

static GUESTS: LazyLock<Components> = LazyLock::new(|| examples("tests/guests"));

static PLUGINS: Mutex<Components> = Mutex::new(BTreeMap::new());

/// The workspace's root.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").canonicalize().unwrap()
}

/// The components of all examples of a package, which lies in this directory of the workspace.
pub fn examples(dir: &str) -> BTreeMap<String, Arc<[u8]>> {
    let built = make(&What::Examples(root().join(dir)));
    built.into_iter().map(|built| (built.name, built.component.into())).collect()
}

fn make(what: &What) -> Vec<Built> {
    build(what, &Toolchain::find(Target::UnknownUnknown).unwrap()).unwrap()
}

/// The component of a guest: a file in `tests/guests/examples`, without its `.rs`.
pub fn guest(name: &str) -> Arc<[u8]> {
    let found = GUESTS.get(name);
    found.unwrap_or_else(|| panic!("no guest '{name}': is it an [[example]] with crate-type cdylib?")).clone()
}

/// The component of a sample plugin: a folder in `sample-plugins`.
pub fn plugin(name: &str) -> Arc<[u8]> {
    let mut plugins = PLUGINS.lock().unwrap_or_else(PoisonError::into_inner);
    let one = || make(&What::Plugin(root().join("sample-plugins").join(name))).remove(0).component.into();
    plugins.entry(name.to_owned()).or_insert_with(one).clone()
}
