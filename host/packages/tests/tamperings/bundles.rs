//! What is done to a bundle, the one file in which a release is handed over.

use std::fs::File;

use portcullis_packages::{
    bundle::{read, read_file, to_bytes},
    release_dir::ReleaseFiles,
};
use tar::{EntryType, Header};

use crate::{
    Row, row,
    world::{World, approval},
};

const BLOCK: usize = 512;

/// The release as a bundle, with one verdict in it.
fn bundle(world: &World) -> Vec<u8> {
    let mut files = ReleaseFiles::new(world.stored.clone(), world.component.clone());
    files.statements.push(world.verdict(approval(), 20));
    to_bytes(&files).unwrap()
}

/// Where the header with this name begins.
fn header_at(bytes: &[u8], name: &str) -> usize {
    let starts = |at: &usize| bytes[*at..].starts_with(name.as_bytes()) && bytes[at + name.len()] == 0;
    (0..bytes.len()).step_by(BLOCK).find(starts).unwrap()
}

/// Reads the bundle with this done to its bytes, and installs it where it can be read.
fn bytes(world: &World, change: impl FnOnce(&mut Vec<u8>)) -> Option<String> {
    let mut bytes = bundle(world);
    change(&mut bytes);
    match read(&bytes) {
        Err(error) => Some(error.to_string()),
        Ok(files) => world.install(|to| *to = files),
    }
}

/// The same, done to the header of an entry, of which the sum is put right.
fn header(world: &World, name: &str, change: impl FnOnce(&mut Header)) -> Option<String> {
    bytes(world, |bytes| {
        let at = header_at(bytes, name);
        let mut header = Header::from_byte_slice(&bytes[at..at + BLOCK]).clone();
        change(&mut header);
        header.set_cksum();
        bytes[at..at + BLOCK].copy_from_slice(header.as_bytes());
    })
}

/// Another name for an entry.
fn named(world: &World, name: &str, new: &str) -> Option<String> {
    header(world, name, |header| {
        let field = &mut header.as_ustar_mut().unwrap().name;
        field.fill(0);
        field[..new.len()].copy_from_slice(new.as_bytes());
    })
}

/// The block ranges of an entry with its content.
fn entry(bytes: &[u8], name: &str) -> std::ops::Range<usize> {
    let at = header_at(bytes, name);
    let size = Header::from_byte_slice(&bytes[at..at + BLOCK]).entry_size().unwrap() as usize;
    at..at + BLOCK + size.next_multiple_of(BLOCK)
}

const STATEMENT: &str = "statements/0001.dsse.json";

pub const BUNDLES: &[Row] = &[
    row("a byte of the component flipped", "component digest mismatch", |world| {
        bytes(world, |bytes| {
            let at = header_at(bytes, "plugin.wasm") + BLOCK + 100;
            bytes[at] ^= 1;
        })
    }),
    row("a byte of a header flipped", "its header's checksum is wrong", |world| {
        bytes(world, |bytes| {
            let at = header_at(bytes, "plugin.wasm");
            bytes[at + 101] ^= 1;
        })
    }),
    row("a name that leads upwards (zip slip)", "it leads upwards", |world| {
        named(world, STATEMENT, "statements/../../etc/cron.d/x")
    }),
    row("an absolute name", "it is absolute", |world| named(world, STATEMENT, "/etc/passwd")),
    row("a name with a backslash", "it has a backslash in it", |world| named(world, STATEMENT, "..\\..\\x")),
    row("a name that a bundle does not have", "is no name of a bundle", |world| named(world, STATEMENT, "install.sh")),
    row("a name that hides in control characters", "is no name of a bundle", |world| {
        named(world, STATEMENT, "statements/\u{1b}[2K.json")
    }),
    row("a name that goes on in the prefix field", "is no name of a bundle", |world| {
        header(world, STATEMENT, |header| header.as_ustar_mut().unwrap().prefix[..2].copy_from_slice(b".."))
    }),
    row("a symbolic link", "a symbolic link; a bundle holds plain files alone", |world| {
        header(world, STATEMENT, |header| header.set_entry_type(EntryType::Symlink))
    }),
    row("a hard link", "a hard link; a bundle holds plain files alone", |world| {
        header(world, STATEMENT, |header| header.set_entry_type(EntryType::Link))
    }),
    row("a device", "a character device; a bundle holds plain files alone", |world| {
        header(world, STATEMENT, |header| header.set_entry_type(EntryType::Char))
    }),
    row("a sparse entry", "a sparse file of GNU tar", |world| {
        header(world, "plugin.wasm", |header| header.set_entry_type(EntryType::GNUSparse))
    }),
    row("a long name of GNU tar", "a long name of GNU tar", |world| {
        header(world, STATEMENT, |header| header.set_entry_type(EntryType::GNULongName))
    }),
    row("an entry that says it has 1 GiB", "says that it has 1073741824 bytes", |world| {
        header(world, "plugin.wasm", |header| header.set_size(1 << 30))
    }),
    row("an entry that says it has 8 EiB", "says that it has 9223372036854775808 bytes", |world| {
        header(world, "plugin.wasm", |header| header.set_size(1 << 63))
    }),
    row("a sparse file of 1 GiB in its place", "a bundle of 1073741824 bytes", |_| {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("big.portcullis");
        File::create(&path).unwrap().set_len(1 << 30).unwrap();
        read_file(&path).err().map(|error| error.to_string().replace(&dir.path().display().to_string(), ""))
    }),
    row("a device in its place", "is not a regular file", |_| {
        read_file(std::path::Path::new("/dev/null")).err().map(|error| error.to_string())
    }),
    row("an entry twice", "is there twice", |world| {
        bytes(world, |bytes| {
            let range = entry(bytes, STATEMENT);
            let copy = bytes[range.clone()].to_vec();
            bytes.splice(range.end..range.end, copy);
        })
    }),
    row("two entries in another order", "the order is fixed", |world| {
        bytes(world, |bytes| {
            let (component, manifest) = (entry(bytes, "plugin.wasm"), entry(bytes, "portcullis.toml"));
            let moved: Vec<u8> = bytes[component.clone()].to_vec();
            let mut both = bytes[manifest.clone()].to_vec();
            both.extend(moved);
            bytes.splice(component.start..manifest.end, both);
        })
    }),
    row("an entry left out", "portcullis.toml", |world| {
        bytes(world, |bytes| {
            let range = entry(bytes, "portcullis.toml");
            bytes.drain(range);
        })
    }),
    row("a statement left out of the count", "the order is fixed", |world| {
        named(world, STATEMENT, "statements/0002.dsse.json")
    }),
    row("cut off", "it is cut off", |world| bytes(world, |bytes| bytes.truncate(bytes.len() / 2))),
    row("bytes after its end", "bytes follow its end", |world| bytes(world, |bytes| bytes.push(0))),
    row("bytes in what fills a block", "bytes that belong to nothing", |world| {
        bytes(world, |bytes| {
            let range = entry(bytes, "release.dsse.json");
            bytes[range.end - 1] = 1;
        })
    }),
    row("another owner in a header", "its header's field 'uname'", |world| {
        header(world, STATEMENT, |header| header.set_username("root").unwrap())
    }),
    row("a setuid bit", "its header's field 'mode'", |world| {
        header(world, "plugin.wasm", |header| header.set_mode(0o4755))
    }),
    row("the verdict about another release in it", "manifest digest mismatch", |world| {
        let mut files = ReleaseFiles::new(world.stored.clone(), world.component.clone());
        let other = portcullis_packages::statement::Statement::about(&world.older(), approval());
        files.statements.push(other.signed(&crate::world::key(20)).unwrap().to_json());
        let files = read(&to_bytes(&files).unwrap()).unwrap();
        world.install(|to| *to = files)
    }),
    row("a page in its place", "entry 1", |world| bytes(world, |bytes| *bytes = b"<!doctype html>".repeat(100))),
];
