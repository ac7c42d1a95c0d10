//! What a host's search of guest memory looks for, and where it leaves core dumps.
//!
//! Invariants: a core dump holds what the guest had, subscribers' data included, so it is written only where the operator named a
//! directory for it, and only this user can read it; a dump that cannot be written does not change how a call ended.

use std::{
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::PathBuf,
    sync::Arc,
};

use anyhow::{Context, Result};
use portcullis_broker::connection::Connections;
use portcullis_model::id::CallId;
use portcullis_runtime::FindSecrets;

use crate::host::Host;

/// Looks for the broker's secrets in guest memory.
pub struct Leaks {
    connections: Arc<Connections>,
    dumps: Option<PathBuf>,
}

impl Leaks {
    /// Of this host. Makes the directory for core dumps, where one is wanted.
    pub fn new(host: &Host) -> Result<Self> {
        let dumps = host.config.sandbox.core_dumps.clone();
        if let Some(dir) = &dumps {
            fs::create_dir_all(dir).with_context(|| format!("sandbox.core-dumps: cannot make {}", dir.display()))?;
        }
        Ok(Self { connections: host.connections.clone(), dumps })
    }
}

impl FindSecrets for Leaks {
    fn found_in(&self, bytes: &[u8]) -> bool {
        self.connections.needles().find_in(bytes)
    }

    fn wants_dumps(&self) -> bool {
        self.dumps.is_some()
    }

    fn take_dump(&self, call: &CallId, dump: &[u8]) {
        let Some(dir) = &self.dumps else { return };
        let path = dir.join(format!("{call}.core"));
        if let Err(error) = tokio::task::block_in_place(|| write(&path, dump)) {
            tracing::error!(%call, %error, "a core dump cannot be written to {}", path.display());
        }
    }
}

fn write(path: &std::path::Path, dump: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(dump)
}
