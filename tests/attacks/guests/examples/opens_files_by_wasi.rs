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

/// Whether what is there can be opened in any way.
fn open(directory: &Descriptor, path: &str) -> bool {
    let all = DescriptorFlags::READ | DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY;
    let ways = [
        (OpenFlags::empty(), DescriptorFlags::READ),
        (OpenFlags::TRUNCATE, DescriptorFlags::READ | DescriptorFlags::WRITE),
        (OpenFlags::DIRECTORY, DescriptorFlags::READ),
        (OpenFlags::empty(), all),
    ];
    ways.into_iter().any(|(open, flags)| directory.open_at(PathFlags::SYMLINK_FOLLOW, path, open, flags).is_ok())
}

/// Whether something new can be made there.
fn make(directory: &Descriptor, path: &str) -> bool {
    let flags = DescriptorFlags::READ | DescriptorFlags::WRITE;
    directory.open_at(PathFlags::SYMLINK_FOLLOW, path, OpenFlags::CREATE, flags).is_ok()
}

attack!(|_| {
    let directories = preopens::get_directories();
    let Some((directory, _)) = directories.first() else { return Err(missed("it has no directory")) };
    must(directories.len() == 1, "more than one directory")?;
    for path in ["..", "../..", "/", "/etc/passwd", "../../host.db", "x/../../..", "./../x", "../x", "\\..\\x"] {
        must(!open(directory, path) && !make(directory, path), format!("{path} was opened"))?;
        must(directory.stat_at(PathFlags::SYMLINK_FOLLOW, path).is_err(), format!("{path} was looked at"))?;
        must(directory.create_directory_at(path).is_err(), format!("{path} was made"))?;
        must(directory.unlink_file_at(path).is_err(), format!("{path} was removed"))?;
        must(directory.remove_directory_at(path).is_err(), format!("{path} was removed"))?;
        must(directory.symlink_at(path, "link").is_err(), format!("a link to {path} was made"))?;
    }
    must(directory.create_directory_at("inside").is_ok(), "MISSED: it cannot even make a directory")?;
    must(directory.rename_at("inside", directory, "../outside").is_err(), "it was moved out")?;
    must(
        directory.link_at(PathFlags::empty(), "/etc/passwd", directory, "passwd").is_err(),
        "a hard link to a file outside",
    )
});
