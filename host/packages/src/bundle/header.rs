//! An entry's header: a block of 512 bytes, of which name and size are the entry's and all else is fixed.

use portcullis_model::audit::plain;
use tar::{EntryType, Header};

use super::{BLOCK, BundleError};
use crate::release_dir::Part;

/// The header of a part of this size.
pub(super) fn of(part: Part, size: usize) -> [u8; BLOCK] {
    let mut header = Header::new_ustar();
    if let Some(fields) = header.as_ustar_mut() {
        // Every name of a part is shorter than the field.
        let name = part.name();
        fields.name[..name.len()].copy_from_slice(name.as_bytes());
        fields.set_device_major(0);
        fields.set_device_minor(0);
    }
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_size(size as u64);
    header.set_entry_type(EntryType::Regular);
    header.set_cksum();
    *header.as_bytes()
}

/// Which part an entry is, and how many bytes follow. `entry` is counted from 1. Everything that is not as [`of`] makes it is
/// refused, and a size that the part may not have before a byte of it is read.
pub(super) fn read(block: &[u8; BLOCK], entry: usize) -> Result<(Part, usize), BundleError> {
    let header = Header::from_byte_slice(block);
    let mut summed = header.clone();
    summed.set_cksum();
    if header.cksum().ok() != summed.cksum().ok() {
        return Err(BundleError::Checksum(entry));
    }
    if header.as_ustar().is_none() {
        return Err(BundleError::NotUstar(entry));
    }
    let name = plain(&String::from_utf8_lossy(&header.path_bytes()));
    if let Some(kind) = other_kind(header.entry_type()) {
        return Err(BundleError::Kind { name, kind });
    }
    let Some(part) = part(header) else {
        return Err(BundleError::Name { why: misnamed(&name), name });
    };
    let Ok(size) = header.entry_size() else {
        return Err(BundleError::Field { name, field: "size" });
    };
    let most = part.most();
    if part == Part::Format && size != most as u64 {
        return Err(BundleError::Format);
    }
    let Some(fits) = usize::try_from(size).ok().filter(|size| *size <= most) else {
        return Err(BundleError::TooLarge { name, size, most });
    };
    match different_field(block, &of(part, fits)) {
        Some(field) => Err(BundleError::Field { name, field }),
        None => Ok((part, fits)),
    }
}

fn part(header: &Header) -> Option<Part> {
    Part::parse(std::str::from_utf8(&header.path_bytes()).ok()?)
}

/// `None`: a plain file.
fn other_kind(kind: EntryType) -> Option<&'static str> {
    Some(match kind {
        EntryType::Regular => return None,
        EntryType::Link => "a hard link",
        EntryType::Symlink => "a symbolic link",
        EntryType::Char => "a character device",
        EntryType::Block => "a block device",
        EntryType::Directory => "a directory",
        EntryType::Fifo => "a pipe",
        EntryType::GNULongName | EntryType::GNULongLink => "a long name of GNU tar",
        EntryType::GNUSparse => "a sparse file of GNU tar",
        EntryType::XHeader | EntryType::XGlobalHeader => "a pax header",
        _ => "of an unknown kind",
    })
}

fn misnamed(name: &str) -> &'static str {
    if name.starts_with('/') {
        "it is absolute"
    } else if name.contains('\\') {
        "it has a backslash in it"
    } else if name.split('/').any(|step| step == "..") {
        "it leads upwards"
    } else {
        "expected plugin.wasm, portcullis.toml, release.dsse.json, statements/0001.dsse.json, reports/<SHA-256>.json"
    }
}

/// Where each field of a header begins (POSIX.1-2017, pax, "ustar Interchange Format").
const FIELDS: [(usize, &str); 17] = [
    (0, "name"),
    (100, "mode"),
    (108, "uid"),
    (116, "gid"),
    (124, "size"),
    (136, "mtime"),
    (148, "chksum"),
    (156, "typeflag"),
    (157, "linkname"),
    (257, "magic"),
    (263, "version"),
    (265, "uname"),
    (297, "gname"),
    (329, "devmajor"),
    (337, "devminor"),
    (345, "prefix"),
    (500, "the rest"),
];

/// The first field that differs, but for the sum, which differs with any.
fn different_field(found: &[u8; BLOCK], expected: &[u8; BLOCK]) -> Option<&'static str> {
    let field = |at: usize| FIELDS.iter().rev().find(|field| field.0 <= at).map_or("name", |field| field.1);
    let differs = |at: &usize| found[*at] != expected[*at];
    let sum = 148..156;
    let first = (0..BLOCK).filter(|at| !sum.contains(at)).find(differs).or_else(|| sum.clone().find(differs));
    first.map(field)
}
