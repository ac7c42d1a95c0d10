//! The host as a process of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader},
    process::{Child, Command},
};

/// A running host. Killed where it is dropped.
pub struct HostProcess {
    process: Child,
    log: PathBuf,
    /// Where it listens.
    pub address: SocketAddr,
}

impl HostProcess {
    /// Starts this very program as a host in that home, on a free port, and waits until it listens.
    pub async fn start(home: &Path) -> Result<Self> {
        let log = home.with_extension("stderr");
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut process = Command::new(program)
            .arg("--home")
            .arg(home)
            .args(["--json", "serve", "--listen", "127.0.0.1:0"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the host")?;
        let stdout = process.stdout.take().context("the host's output")?;
        let line = tokio::time::timeout(Duration::from_secs(60), BufReader::new(stdout).lines().next_line()).await;
        let Ok(Ok(Some(line))) = line else {
            bail!("the host did not start: {}", std::fs::read_to_string(&log).unwrap_or_default());
        };
        let ready: serde_json::Value = serde_json::from_str(&line)?;
        let address = ready["listening"].as_str().context("the host's address")?.parse()?;
        Ok(Self { process, log, address })
    }

    /// What it wrote to standard error.
    pub fn log(&self) -> String {
        std::fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// Asks it to stop, and waits until it has.
    pub async fn stop(mut self) -> Result<()> {
        if let Some(pid) = self.process.id() {
            let asked = Command::new("kill").arg(pid.to_string()).status().await?;
            if !asked.success() {
                bail!("cannot stop the host");
            }
        }
        match tokio::time::timeout(Duration::from_secs(30), self.process.wait()).await {
            Ok(status) if status.as_ref().is_ok_and(std::process::ExitStatus::success) => Ok(()),
            Ok(status) => bail!("the host ended with {:?}: {}", status, self.log()),
            Err(_) => bail!("the host did not stop within 30 s"),
        }
    }
}
