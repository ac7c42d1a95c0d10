//! The host as a process of its own.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

/// How long a start may take.
const PATIENCE: Duration = Duration::from_secs(60);

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
        let (log, out) = (home.with_extension("stderr"), home.with_extension("stdout"));
        let program = std::env::current_exe().context("cannot find this program")?;
        let mut process = Command::new(program)
            .arg("--home")
            .arg(home)
            .args(["--json", "serve", "--listen", "127.0.0.1:0"])
            // All that it could ever say is searched for secrets.
            .env("PORTCULLIS_LOG", "trace")
            .stdin(Stdio::null())
            .stdout(std::fs::File::create(&out)?)
            .stderr(std::fs::File::create(&log)?)
            .kill_on_drop(true)
            .spawn()
            .context("cannot start the host")?;
        let said = tokio::time::timeout(PATIENCE, first_line(&out, &mut process)).await;
        let Ok(Ok(line)) = said else {
            bail!("the host did not start: {}", std::fs::read_to_string(&log).unwrap_or_default());
        };
        let ready: serde_json::Value = serde_json::from_str(&line)?;
        let address = ready["listening"].as_str().context("the host's address")?.parse()?;
        Ok(Self { process, log, address })
    }

    /// The process's command line and environment, as the system shows them to whoever may look.
    pub fn shown(&self) -> Vec<(&'static str, Vec<u8>)> {
        let Some(id) = self.process.id() else { return Vec::new() };
        let read = |name| Some((name, std::fs::read(format!("/proc/{id}/{name}")).ok()?));
        ["cmdline", "environ"].into_iter().filter_map(read).collect()
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

/// The first line of what the process prints; an error where it ends before.
async fn first_line(file: &Path, process: &mut Child) -> Result<String> {
    loop {
        let text = std::fs::read_to_string(file)?;
        if let Some((line, _)) = text.split_once('\n') {
            return Ok(line.to_owned());
        }
        if let Some(status) = process.try_wait()? {
            bail!("it ended: {status}");
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
