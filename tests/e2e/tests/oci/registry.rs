//! A registry process of one's own, on a free port of this machine, with its storage in a temporary directory.

use std::{fs, net::SocketAddr, path::PathBuf, process::Stdio, time::Duration};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// The registry. It is killed when it is dropped.
pub struct Registry {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its storage.
    pub dir: TempDir,
    _child: Child,
}

impl Registry {
    /// Starts one with these further lines in its configuration, and waits until it listens.
    pub async fn start(lines: &str) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), lines).await
    }

    /// The same with a directory that holds files which the lines name.
    pub async fn start_in(dir: TempDir, lines: &str) -> Self {
        let storage = dir.path().join("storage");
        let config = dir.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: info, accesslog: {{disabled: true}}}}\n\
             storage: {{filesystem: {{rootdirectory: '{}'}}}}\nhttp:\n  addr: 127.0.0.1:0\n{lines}",
            storage.display()
        );
        fs::write(&config, text).unwrap();
        let mut child = Command::new("docker-registry")
            .arg("serve")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("docker-registry: {error}; 'make setup' installs it"));
        let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let mut said = String::new();
        let address = async {
            while let Some(line) = lines.next_line().await.unwrap() {
                if let Some(address) = listening(&line) {
                    return address;
                }
                said.push_str(&line);
            }
            panic!("the registry does not start: {said}");
        };
        let address = tokio::time::timeout(Duration::from_secs(30), address).await.unwrap();
        // A full pipe must not hold it up.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Self { address, dir, _child: child }
    }

    /// The file in which it keeps these bytes.
    pub fn file(&self, digest: &portcullis_model::id::Digest) -> PathBuf {
        let hex = digest.hex();
        self.dir.path().join(format!("storage/docker/registry/v2/blobs/sha256/{}/{hex}/data", &hex[..2]))
    }
}

fn listening(line: &str) -> Option<SocketAddr> {
    let rest = line.split_once("listening on ")?.1;
    rest.split([',', '"', ' ']).next()?.parse().ok()
}
