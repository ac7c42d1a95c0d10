//! What must hold after guests that use files: nothing outside of their own directory was read, made or changed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::{run::Ran, world::World};

/// What lies beside the files, for links to lead to.
const BAIT: &str = "not for a plugin";

/// Between a guest's first call and its second: for the one that follows links, they are planted beside its file.
pub fn between(ran: &Ran<'_>, name: &str) {
    if name != "follows_planted_links" {
        return;
    }
    let own = find(&ran.world.lab.host.home.files(), "marker").expect("its file lies in its directory");
    let bait = bait(ran.world);
    #[cfg(unix)]
    for (link, to) in [
        ("to-file", bait.join("secret.txt")),
        ("to-directory", bait.clone()),
        ("to-root", PathBuf::from("/")),
        ("dangling", bait.join("made")),
    ] {
        std::os::unix::fs::symlink(to, own.join(link)).unwrap();
    }
}

fn bait(world: &World) -> PathBuf {
    let bait = world.lab.dir().join("bait");
    fs::create_dir_all(&bait).unwrap();
    for file in ["secret.txt", "host.db"] {
        fs::write(bait.join(file), BAIT).unwrap();
    }
    bait
}

/// The directory below this one that has a file of this name.
fn find(dir: &Path, name: &str) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = fs::read_dir(dir).ok()?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    if entries.iter().any(|path| path.file_name().is_some_and(|file| file == name)) {
        return Some(dir.to_owned());
    }
    entries.iter().filter(|path| path.is_dir()).find_map(|path| find(path, name))
}

/// What has one of these words in its content or its name, outside of the directory of files.
fn escaped(world: &World, words: &[&str]) -> Option<PathBuf> {
    let dir = world.lab.dir();
    let mut left = vec![dir.to_owned()];
    let files = world.lab.host.home.files();
    while let Some(next) = left.pop() {
        for path in fs::read_dir(&next).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path())) {
            if path == files || path.is_symlink() {
                continue;
            }
            if path.is_dir() {
                left.push(path);
            } else if words.iter().any(|word| fs::read(&path).is_ok_and(|content| content == word.as_bytes())) {
                return Some(path);
            }
        }
    }
    None
}

fn nothing_outside(ran: &Ran<'_>) -> Result<(), String> {
    match escaped(ran.world, &["escaped", "inside", "mine"]) {
        Some(path) => Err(format!("{} was written", path.display())),
        None => Ok(()),
    }
}

/// Nothing was written anywhere else.
pub async fn climbs_out_of_its_files(ran: &Ran<'_>) -> Result<(), String> {
    nothing_outside(ran)
}

/// The files that the links lead to are as they were, and none was made.
pub async fn follows_planted_links(ran: &Ran<'_>) -> Result<(), String> {
    nothing_outside(ran)?;
    let bait = ran.world.lab.dir().join("bait");
    let names: Vec<_> = fs::read_dir(&bait).map_err(|error| error.to_string())?.collect();
    let same = ["secret.txt", "host.db"]
        .iter()
        .all(|file| fs::read(bait.join(file)).is_ok_and(|text| text == BAIT.as_bytes()));
    if names.len() == 2 && same { Ok(()) } else { Err(format!("what the links lead to has changed: {names:?}")) }
}

/// No link that leads out stands in its directory, and nothing lies beside it.
pub async fn opens_files_by_wasi(ran: &Ran<'_>) -> Result<(), String> {
    nothing_outside(ran)?;
    let own = find(&ran.world.lab.host.home.files(), "inside").ok_or("its own directory is gone")?;
    let links = fs::read_dir(&own).map_err(|error| error.to_string())?.filter_map(|entry| Some(entry.ok()?.path()));
    match links.filter(|path| path.is_symlink()).find_map(|path| fs::read_link(path).ok()) {
        Some(to) if to.is_absolute() || to.starts_with("..") => Err(format!("a link to {}", to.display())),
        _ => Ok(()),
    }
}
