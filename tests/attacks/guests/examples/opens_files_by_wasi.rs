//! tries: to get out of its directory through WASI: parents, absolute paths, links, renames
//! stands-for: DAT-11, INC-1
//! asks: files:read
//! asks: files:write bytes=64KiB
//! limit: cpu-ms=2000
//! expect: ok
//! afterwards: files

#![expect(missing_docs, reason = "the names are WASI's")]

use portcullis_attack_guests::*;

wit_bindgen::generate!({
    path: "wasi/files.wit",
    generate_all,
});

use wasi::filesystem::{
    preopens,
    types::{Descriptor, DescriptorFlags, OpenFlags, PathFlags},
};

fn open(directory: &Descriptor, path: &str) -> bool {
    let all = DescriptorFlags::READ | DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY;
    [
        (OpenFlags::empty(), DescriptorFlags::READ),
        (OpenFlags::CREATE, DescriptorFlags::READ | DescriptorFlags::WRITE),
        (OpenFlags::DIRECTORY, DescriptorFlags::READ),
        (OpenFlags::empty(), all),
    ]
    .into_iter()
    .any(|(open, flags)| directory.open_at(PathFlags::SYMLINK_FOLLOW, path, open, flags).is_ok())
}

attack!(|_| {
    let directories = preopens::get_directories();
    let Some((directory, _)) = directories.first() else { return Err(missed("it has no directory")) };
    must(directories.len() == 1, "more than one directory")?;
    for path in ["..", "../..", "/", "/etc/passwd", "../../host.db", "x/../../..", "./../x", "../x", "\\..\\x"] {
        must(!open(directory, path) || path.starts_with('\\'), format!("{path} was opened"))?;
        must(directory.stat_at(PathFlags::SYMLINK_FOLLOW, path).is_err(), format!("{path} was looked at"))?;
        must(directory.create_directory_at(path).is_err(), format!("{path} was made"))?;
        must(directory.unlink_file_at(path).is_err(), format!("{path} was removed"))?;
        must(directory.remove_directory_at(path).is_err(), format!("{path} was removed"))?;
        let _ = directory.symlink_at(path, "link");
        must(!open(directory, "link"), format!("a link to {path} was followed"))?;
        must(!open(directory, "link/host.db"), format!("a link to {path} was followed"))?;
    }
    must(directory.create_directory_at("inside").is_ok(), "MISSED: it cannot even make a directory")?;
    must(directory.rename_at("inside", directory, "../outside").is_err(), "it was moved out")?;
    must(
        directory.link_at(PathFlags::empty(), "/etc/passwd", directory, "passwd").is_err(),
        "a hard link to a file outside",
    )
});
