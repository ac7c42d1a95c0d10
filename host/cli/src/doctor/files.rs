//! Files, their permissions, the disk that they are on, and whether databases are whole.

use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};

use portcullis_store::problems;

use super::Finding;
use crate::home::Home;

/// Free space below which somebody should see to it, and below which the host will stop soon, in MiB.
const LITTLE: u64 = 2 * 1024;
const NONE: u64 = 200;

/// Whether others than the owner reach what is the owner's.
pub(super) fn permissions(home: &Home) -> Vec<Finding> {
    const CHECK: &str = "permissions";
    let keys = home.dir().join("keys");
    let mut paths = vec![home.dir().to_owned(), keys.clone(), home.database(), home.helpdesk()];
    paths.extend(fs::read_dir(&keys).into_iter().flatten().flatten().map(|entry| entry.path()));
    let open: Vec<String> = paths
        .iter()
        // Within a closed directory nobody reaches a file, whatever its own permissions say; keys are held to their own.
        .filter(|path| path.starts_with(&keys) || *path == home.dir())
        .filter(|path| fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0))
        .map(|path| path.display().to_string())
        .collect();
    vec![match open.is_empty() {
        true => Finding::ok(CHECK, "the home and its keys are their owner's alone"),
        false => {
            let todo =
                format!("Run 'chmod go= {}', and replace the keys if others may have read them.", open.join(" "));
            Finding::bad(CHECK, format!("others reach {}", open.join(", ")), &todo)
        }
    }]
}

/// How much the disk has left.
pub(super) fn space(home: &Home) -> Vec<Finding> {
    const CHECK: &str = "disk";
    let todo = "Make room: without it nothing is written, and nothing is permitted.";
    vec![match rustix::fs::statvfs(home.dir()) {
        Ok(about) => {
            let mib = about.f_bavail.saturating_mul(about.f_frsize) / (1 << 20);
            let says = format!("{mib} MiB are free");
            match mib {
                mib if mib < NONE => Finding::bad(CHECK, says, todo),
                mib if mib < LITTLE => Finding::warn(CHECK, says, todo),
                _ => Finding::ok(CHECK, says),
            }
        }
        Err(error) => Finding::warn(CHECK, format!("it cannot be told how much is free: {error}"), "Look at the disk."),
    }]
}

/// Whether databases are whole, less the question whether each index has each row.
pub(super) fn databases(home: &Home) -> Vec<Finding> {
    const CHECK: &str = "database";
    let todo = "Stop the host, keep a copy of the home, and restore a backup (docs/operators/backup.md).";
    let name = |file: &Path| file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let look = |file: &std::path::PathBuf| match problems(file, true) {
        Ok(found) if found.is_empty() => Finding::ok(CHECK, format!("{} is whole", name(file))),
        Ok(found) => Finding::bad(CHECK, format!("{}: {}", name(file), found.join("; ")), todo),
        Err(error) => Finding::bad(CHECK, format!("{}: {error}", name(file)), todo),
    };
    [home.database(), home.helpdesk()].iter().filter(|file| file.exists()).map(look).collect()
}
