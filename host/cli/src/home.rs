//! The home directory of a host: where everything lies.

use std::{
    fs::{self, File, TryLockError},
    io,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};

/// Where in a home the key lies that its secrets are under.
pub const VAULT_KEY: &str = "keys/vault.key";

/// Where in a home the running host leaves the address that it listens at.
const ADDRESS: &str = "host.address";

/// A host's home directory.
#[derive(Clone, Debug)]
pub struct Home(PathBuf);

impl Home {
    /// The directory, whether or not it is there.
    pub fn at(dir: impl Into<PathBuf>) -> Self {
        Self(dir.into())
    }

    /// The directory itself.
    pub fn dir(&self) -> &Path {
        &self.0
    }

    /// The configuration.
    pub fn config(&self) -> PathBuf {
        self.0.join("portcullis.toml")
    }

    /// The host's state.
    pub fn database(&self) -> PathBuf {
        self.0.join("host.db")
    }

    /// The index that the audit log is read by. It can be made anew at any time.
    pub fn audit_index(&self) -> PathBuf {
        self.0.join("audit-index.db")
    }

    /// The embedded help desk.
    pub fn helpdesk(&self) -> PathBuf {
        self.0.join("helpdesk.db")
    }

    /// The key-encryption key, and those on their way out, where the configuration names nobody else who keeps it.
    pub fn vault_key(&self) -> PathBuf {
        self.0.join(VAULT_KEY)
    }

    /// The key that stand-ins for personal data are made with.
    pub fn pseudonym_key(&self) -> PathBuf {
        self.0.join("keys/pseudonyms.key")
    }

    /// Locks: a file a connection, held while it is renewed.
    pub fn locks(&self) -> PathBuf {
        self.0.join("locks")
    }

    /// The key that the log's checkpoints are signed with.
    pub fn log_key(&self) -> PathBuf {
        self.0.join("keys/log.key")
    }

    /// The key that the host's own changes of its root of trust are signed with; absent where keepers hold theirs elsewhere.
    pub fn root_key(&self) -> PathBuf {
        self.0.join("keys/root.key")
    }

    /// The key that reports of rotations are signed with: made where there is none yet.
    pub fn report_key(&self) -> PathBuf {
        self.0.join("keys/report.key")
    }

    /// What others check those reports with.
    pub fn report_public_key(&self) -> PathBuf {
        self.0.join("report.pub")
    }

    /// The digest of the platform's first root of trust.
    pub fn trust_anchor(&self) -> PathBuf {
        self.0.join("trust.anchor")
    }

    /// The token of the operator, for the host's own API.
    pub fn operator_token(&self) -> PathBuf {
        self.0.join("keys/operator.token")
    }

    /// The key that one-time codes of people come from: made where there is none yet.
    pub fn people_key(&self) -> PathBuf {
        self.0.join("keys/people.key")
    }

    /// The key that successors of refresh tokens are derived with.
    pub fn oauth_key(&self) -> PathBuf {
        self.0.join("keys/oauth.key")
    }

    /// What others check the log with.
    pub fn log_vkey(&self) -> PathBuf {
        self.0.join("log.vkey")
    }

    /// Known vulnerabilities, as `portcullis advisories update` wrote them.
    pub fn advisories(&self) -> PathBuf {
        self.0.join("advisories.json")
    }

    /// The operator's own rules about what is unusual in the log.
    pub fn rules(&self) -> PathBuf {
        self.0.join("rules")
    }

    /// The operator's own definitions of providers.
    pub fn providers(&self) -> PathBuf {
        self.0.join("providers")
    }

    /// Plugins' private directories.
    pub fn files(&self) -> PathBuf {
        self.0.join("files")
    }

    /// The published log: C2SP tiles and checkpoint.
    pub fn log(&self) -> PathBuf {
        self.0.join("log")
    }

    /// Fails with advice where there is no host here yet.
    pub fn check(&self) -> Result<()> {
        if self.config().is_file() {
            return Ok(());
        }
        bail!("there is no host in {}; make one with 'portcullis --home {0} init'", self.0.display())
    }

    /// Makes the directory, closed to others.
    pub fn create(&self) -> Result<()> {
        let keys = self.0.join("keys");
        fs::create_dir_all(&keys).with_context(|| format!("cannot make {}", keys.display()))?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            for dir in [&self.0, &keys] {
                fs::set_permissions(dir, fs::Permissions::from_mode(0o700))?;
            }
        }
        Ok(())
    }

    /// Takes the home for one running host, until the file is dropped.
    pub fn lock(&self) -> Result<File> {
        match self.try_lock()? {
            Some(file) => Ok(file),
            None => bail!("a host is already running in {}", self.0.display()),
        }
    }

    /// Leaves where the running host listens, for the commands beside it. Only whoever has the lock may.
    pub fn tell_address(&self, address: SocketAddr) -> Result<()> {
        let file = self.0.join(ADDRESS);
        let new = file.with_extension("new");
        fs::write(&new, format!("{address}\n"))
            .and_then(|()| fs::rename(&new, &file))
            .with_context(|| format!("cannot write {}", file.display()))
    }

    /// Where the running host listens; `None` where none runs, or one that has not said so yet.
    pub fn address(&self) -> Result<Option<SocketAddr>> {
        if self.try_lock()?.is_some() {
            // What is left of one that ran.
            return Ok(None);
        }
        let text = fs::read_to_string(self.0.join(ADDRESS)).ok();
        Ok(text.and_then(|text| text.trim().parse().ok()))
    }

    /// As [`Home::lock`]; `None` where a host is running.
    pub fn try_lock(&self) -> Result<Option<File>> {
        self.try_lock_file("host.lock")
    }

    /// Takes the right to make a backup; `None` where another process has it.
    pub fn try_lock_backup(&self) -> Result<Option<File>> {
        self.try_lock_file("backup.lock")
    }

    /// Takes the right to replace the log's key; `None` where another process has it, for longer than a program that this one is just
    /// starting holds what it has inherited.
    pub async fn try_lock_log_key(&self) -> Result<Option<File>> {
        let patience = Instant::now() + Duration::from_secs(1);
        loop {
            match self.try_lock_file("log-key.lock")? {
                None if Instant::now() < patience => tokio::time::sleep(Duration::from_millis(10)).await,
                held => return Ok(held),
            }
        }
    }

    fn try_lock_file(&self, name: &str) -> Result<Option<File>> {
        let path = self.0.join(name);
        let file = File::options().create(true).truncate(false).write(true).open(&path)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(io::Error::other(error)).context("cannot lock the home directory"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_running_host_is_at_an_address() {
        let dir = tempfile::tempdir().unwrap();
        let home = Home::at(dir.path());
        assert_eq!(home.address().unwrap(), None);
        let lock = home.lock().unwrap();
        assert_eq!(home.address().unwrap(), None, "it has not said so yet");
        for port in [1, 2] {
            let at = SocketAddr::from(([127, 0, 0, 1], port));
            home.tell_address(at).unwrap();
            assert_eq!(home.address().unwrap(), Some(at));
        }
        drop(lock);
        assert_eq!(home.address().unwrap(), None, "what is left of one that ran");
    }
}
