//! `[backup]`: where backups go, how often, to whom they are encrypted, and how old a test of one may be (INC-5).

use std::{path::PathBuf, str::FromStr as _, time::Duration};

use age::x25519::Recipient;
use anyhow::{Result, anyhow};
use serde::Deserialize;

const HOUR: u64 = 60 * 60;

/// Backups.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Backup {
    /// The directory that they go to. Absent: nowhere by themselves.
    pub to: Option<PathBuf>,
    /// How often a running host makes one. Absent: it makes none by itself.
    pub every_hours: Option<u64>,
    /// How many are kept in that directory.
    pub keep: usize,
    /// Who can decrypt them: age's public keys, `age1...`. Those who hold the other halves restore.
    pub recipients: Vec<String>,
    /// Whether the keys of the home directory are in them.
    pub keys: bool,
    /// The most days since a backup was restored as a test.
    pub test_within_days: u64,
}

impl Default for Backup {
    fn default() -> Self {
        Self { to: None, every_hours: None, keep: 14, recipients: Vec::new(), keys: true, test_within_days: 35 }
    }
}

impl Backup {
    pub(super) fn check(&self) -> Result<()> {
        recipients(&self.recipients).map_err(|error| anyhow!("backup.recipients: {error}"))?;
        if self.every_hours == Some(0) || self.keep == 0 || self.test_within_days == 0 {
            return Err(anyhow!("backup: every-hours, keep and test-within-days are 1 or more"));
        }
        if self.every_hours.is_some() && (self.to.is_none() || self.recipients.is_empty()) {
            return Err(anyhow!(
                "backup.every-hours: say with 'to' and 'recipients' where backups go and who can decrypt them"
            ));
        }
        Ok(())
    }

    /// How often one is made.
    pub fn every(&self) -> Option<Duration> {
        self.every_hours.map(|hours| Duration::from_secs(hours.saturating_mul(HOUR)))
    }

    /// How old the last test may be.
    pub fn test_within(&self) -> Duration {
        Duration::from_secs(self.test_within_days.saturating_mul(24 * HOUR))
    }
}

/// Reads public keys.
///
/// # Errors
/// One is none; a secret one is not repeated.
pub fn recipients(texts: &[String]) -> Result<Vec<Recipient>> {
    let read = |text: &String| {
        Recipient::from_str(text.trim()).map_err(|_| match text.trim().to_ascii_uppercase().starts_with("AGE-SECRET") {
            true => anyhow!("this is a secret key; give the public one, 'age1...', and keep the secret one elsewhere"),
            false => anyhow!("'{}' is not a public key of age, 'age1...'", portcullis_model::audit::plain(text)),
        })
    };
    texts.iter().map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_goes_nowhere_or_to_nobody_is_refused() {
        let check = |text: &str| toml::from_str::<Backup>(text).unwrap().check().map_err(|error| error.to_string());
        let key = age::x25519::Identity::generate();
        let public = key.to_public().to_string();
        assert!(check("").is_ok());
        assert!(check(&format!("to = '/b'\nevery-hours = 24\nrecipients = ['{public}']")).is_ok());
        assert!(check("every-hours = 24").unwrap_err().contains("where backups go"));
        assert!(check(&format!("every-hours = 0\nto = '/b'\nrecipients = ['{public}']")).is_err());
        assert!(check("recipients = ['age1nonsense']").unwrap_err().contains("'age1nonsense' is not a public key"));
        use age::secrecy::ExposeSecret as _;
        let secret = key.to_string();
        let refused = check(&format!("recipients = ['{}']", secret.expose_secret())).unwrap_err();
        assert!(refused.contains("secret key") && !refused.contains(secret.expose_secret()), "it is not repeated");
    }
}
