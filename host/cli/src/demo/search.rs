//! The search for secrets in all that the demo leaves behind, and the control that shows that it would find one.
//!
//! Each value is looked for in every form that the broker looks for ([`Needles`]): as it is, in base64 (both alphabets, at each alignment),
//! in hexadecimal, percent-encoded, escaped as JSON, in upper and lower case. It is looked for by its two halves as well, since a file
//! can cut a value in two: a database at the end of a page, a core dump at the end of a piece of memory. Whatever was cut once has one
//! half left whole.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Result;
use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use portcullis_broker::leaks::Needles;
use portcullis_model::secret::Secret;
use serde::Serialize;

/// The shortest value whose halves are looked for, in bytes: a half is long enough not to be found by chance.
const SHORTEST_HALVED: usize = 32;

/// One sort of place where was looked.
#[derive(Debug, Default, Serialize)]
pub struct Place {
    /// How many of it.
    pub searched: u64,
    /// Bytes in them.
    pub bytes: u64,
    /// Those with a secret in them: must be none.
    pub found: Vec<String>,
    /// In how many the planted value was found.
    pub planted: u64,
}

/// The search.
pub struct Search {
    secrets: Needles,
    planted: Needles,
    /// What was looked through, by sort.
    pub places: BTreeMap<&'static str, Place>,
}

impl Search {
    /// For these secrets, and, apart from them, for a value that was planted.
    pub fn new(secrets: &[Secret], planted: &str) -> Result<Self> {
        let planted = needles(&[Secret::new(planted.as_bytes().to_vec())])?;
        Ok(Self { secrets: needles(secrets)?, planted, places: BTreeMap::new() })
    }

    /// Looks through these bytes.
    pub fn bytes(&mut self, sort: &'static str, name: &str, bytes: &[u8]) {
        let place = self.places.entry(sort).or_default();
        place.searched += 1;
        place.bytes += bytes.len() as u64;
        place.planted += u64::from(self.planted.find_in(bytes));
        if self.secrets.find_in(bytes) {
            place.found.push(name.to_owned());
        }
    }

    /// Looks through every file in a directory and below; `sort` says which sort one is. What has vanished meanwhile is left out.
    pub fn files(&mut self, dir: &Path, sort: &dyn Fn(&Path) -> &'static str) -> Result<()> {
        for path in files(dir)? {
            match std::fs::read(&path) {
                Ok(bytes) => self.bytes(sort(&path), &path.display().to_string(), &bytes),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

fn files(dir: &Path) -> Result<Vec<PathBuf>> {
    let (mut files, mut dirs) = (Vec::new(), vec![dir.to_owned()]);
    while let Some(dir) = dirs.pop() {
        for entry in std::fs::read_dir(dir)? {
            let path = entry?.path();
            match std::fs::symlink_metadata(&path) {
                Ok(about) if about.is_dir() => dirs.push(path),
                Ok(about) if about.is_file() => files.push(path),
                _ => {}
            }
        }
    }
    Ok(files)
}

/// The patterns of these values and of their halves.
fn needles(secrets: &[Secret]) -> Result<Needles> {
    let halves = |secret: &Secret| {
        let bytes = secret.expose();
        let (first, second) = bytes.split_at(bytes.len() / 2);
        let parts = if bytes.len() < SHORTEST_HALVED { vec![] } else { vec![first, second] };
        parts.into_iter().map(|part| Secret::new(part.to_vec())).collect::<Vec<_>>()
    };
    let all: Vec<Secret> = secrets.iter().flat_map(|one| [vec![one.clone()], halves(one)].concat()).collect();
    Ok(Needles::new(&all)?)
}

/// Hides a made-up value in each way that counts, amid other bytes, and looks for it with the same search. Gives how many of how many
/// ways were found; where nothing was hidden, something found counts as none.
pub fn control(made_up: &str) -> Result<(u64, u64)> {
    let search = |text: &[u8]| -> Result<bool> {
        let mut search = Search::new(&[Secret::new(made_up.as_bytes().to_vec())], "planted-elsewhere")?;
        search.bytes("control", "control", text);
        Ok(search.places.values().any(|place| !place.found.is_empty()))
    };
    let mut hidden: Vec<Vec<u8>> = vec![
        made_up.into(),
        made_up.to_ascii_uppercase().into(),
        hex::encode(made_up).into(),
        hex::encode_upper(made_up).into(),
        url::form_urlencoded::byte_serialize(made_up.as_bytes()).collect::<String>().into(),
        made_up.bytes().map(|byte| format!("%{byte:02x}")).collect::<String>().into(),
        serde_json::to_vec(made_up)?,
    ];
    for before in ["", "u", "us"] {
        hidden.push(STANDARD.encode(format!("{before}{made_up}:")).into());
        hidden.push(URL_SAFE_NO_PAD.encode(format!("{before}{made_up}:")).into());
    }
    for at in [1, made_up.len() / 2 - 1, made_up.len() - 1] {
        let (first, second) = made_up.as_bytes().split_at(at);
        hidden.push([first, b"\0\0\x41\x0b", second].concat());
    }
    let amid = |text: &[u8]| [b"some bytes before it ", text, b" and after"].concat();
    if search(&amid(b"nothing"))? {
        return Ok((0, hidden.len() as u64));
    }
    let found = hidden.iter().map(|text| search(&amid(text))).collect::<Result<Vec<bool>>>()?;
    Ok((found.iter().filter(|found| **found).count() as u64, hidden.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECRET: &str = "at_9f+8/Zq\"x~R2-and-so-on-for-a-while";

    #[test]
    fn every_way_of_hiding_is_found() {
        let (found, of) = control(SECRET).unwrap();
        assert_eq!((found, of), (16, 16));
    }

    #[test]
    fn files_with_a_secret_are_named_and_others_are_not() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("below")).unwrap();
        for (name, text) in
            [("a.db", "nothing"), ("below/b.log", SECRET), ("c.log", "the planted-value-0123456789 is here")]
        {
            std::fs::write(dir.path().join(name), text).unwrap();
        }
        let mut search = Search::new(&[Secret::new(SECRET.into())], "planted-value-0123456789").unwrap();
        let sort = |path: &Path| if path.extension().is_some_and(|e| e == "log") { "logs" } else { "others" };
        search.files(dir.path(), &sort).unwrap();
        let (logs, others) = (&search.places["logs"], &search.places["others"]);
        assert_eq!((logs.searched, logs.planted, others.searched, others.found.len()), (2, 1, 1, 0));
        assert!(logs.found.len() == 1 && logs.found[0].ends_with("b.log"), "{:?}", logs.found);
    }
}
