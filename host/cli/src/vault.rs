//! Who keeps the keys that the stored secrets are under: the file of the home directory, another one, an environment variable or a
//! program.

use std::{
    path::{Component, PathBuf},
    sync::Arc,
};

use anyhow::{Context, Result, bail};
use portcullis_broker::{
    key::{
        Key,
        command::CommandKeys,
        file::FileKeys,
        service::{KeyRing, KeyService},
        text::TextKeys,
    },
    vault::Vault,
};
use portcullis_model::{
    secret::{Secret, SecretStore as _},
    time::Rng,
};
use portcullis_store::SqliteStore;
use serde::Deserialize;

use crate::home::{Home, VAULT_KEY};

/// The section `[vault]`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct VaultConfig {
    /// Who keeps the key-encryption key. Absent: the file `keys/vault.key`.
    pub key: Option<Keeper>,
    /// Who kept it before: their keys still unwrap, until `portcullis vault rotate-keys` has wrapped everything anew.
    pub previous: Vec<Keeper>,
}

/// Who keeps a key: one of `file`, `env` and `command`.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "kebab-case")]
pub struct Keeper {
    /// A file of mode 600; a relative path is below the home directory.
    pub file: Option<PathBuf>,
    /// An environment variable's name.
    pub env: Option<String>,
    /// A program and its arguments.
    pub command: Option<Vec<String>>,
    /// What a program's key is called. Absent: after the command line.
    pub name: Option<String>,
}

impl VaultConfig {
    /// All who keep a key now or kept one before, as far as the configuration names them.
    pub fn keepers(&self) -> impl Iterator<Item = &Keeper> {
        self.key.iter().chain(&self.previous)
    }

    /// The programs among them, as command lines.
    pub fn programs(&self) -> Vec<String> {
        self.keepers().filter_map(|keeper| keeper.command.as_ref()).map(|command| command.join(" ")).collect()
    }
}

impl Keeper {
    /// Whether it is a file below the home directory, and nothing else.
    pub fn lies_below(&self) -> bool {
        let plainly = |path: &PathBuf| path.components().all(|part| matches!(part, Component::Normal(_)));
        self.env.is_none() && self.command.is_none() && self.file.as_ref().is_some_and(plainly)
    }
}

/// The keys at hand.
pub struct Keys {
    /// All of them.
    pub ring: KeyRing,
    /// The file of the current one, where it is in one.
    pub file: Option<Arc<FileKeys>>,
}

/// The keys that the configuration names. Makes the home's own where the host has none yet.
pub async fn keys(home: &Home, config: &VaultConfig, store: &SqliteStore, rng: &Arc<dyn Rng>) -> Result<Keys> {
    let fresh = store.wrapping_keys().await?.is_empty();
    keys_making(home, config, fresh, rng)
}

/// The same for a host whose key is lost: a file that is not there is made, with a new key.
pub fn keys_anew(home: &Home, config: &VaultConfig, rng: &Arc<dyn Rng>) -> Result<Keys> {
    keys_making(home, config, true, rng)
}

/// The keys that there are, to look what they open. Where a file is not there a key stands in for it that opens nothing and is kept
/// nowhere.
pub fn keys_at_hand(home: &Home, config: &VaultConfig, rng: &Arc<dyn Rng>) -> Result<KeyRing> {
    let keeper = current(config);
    if keeper.file.as_ref().is_some_and(|path| !home.dir().join(path).exists()) {
        return and_previous(home, config, KeyRing::of(Key::random(&**rng), rng.clone()), rng);
    }
    Ok(keys_making(home, config, false, rng)?.ring)
}

fn current(config: &VaultConfig) -> Keeper {
    config.key.clone().unwrap_or_else(|| Keeper { file: Some(VAULT_KEY.into()), ..Keeper::default() })
}

fn and_previous(home: &Home, config: &VaultConfig, mut ring: KeyRing, rng: &Arc<dyn Rng>) -> Result<KeyRing> {
    for keeper in &config.previous {
        ring = ring.and(open(home, keeper, false, rng).context("[vault] previous")?.0);
    }
    Ok(ring)
}

fn keys_making(home: &Home, config: &VaultConfig, make: bool, rng: &Arc<dyn Rng>) -> Result<Keys> {
    let (current, file) = open(home, &current(config), make, rng).context("[vault] key")?;
    let ring = and_previous(home, config, KeyRing::new(current), rng)?;
    Ok(Keys { ring, file })
}
type Opened = (Arc<dyn KeyService>, Option<Arc<FileKeys>>);

fn open(home: &Home, keeper: &Keeper, make: bool, rng: &Arc<dyn Rng>) -> Result<Opened> {
    let Keeper { file, env, command, name } = keeper;
    match (file, env, command) {
        (Some(path), None, None) => {
            let path = home.dir().join(path);
            let keys = FileKeys::open(&path, make, rng.clone())
                .context("without it no stored credential opens; put it back from a copy, or see 'portcullis vault give-up --help'")?;
            let keys = Arc::new(keys);
            Ok((keys.clone(), Some(keys)))
        }
        (None, Some(variable), None) => {
            let text = std::env::var(variable).with_context(|| format!("the environment variable {variable}"))?;
            let whence = format!("of the environment variable {variable}");
            let keys = TextKeys::parse(&Secret::new(text.into_bytes()), &whence, rng.clone())?;
            Ok((Arc::new(keys), None))
        }
        (None, None, Some(command)) => {
            let keys = CommandKeys::new(command, name.as_deref()).context("command: expected a program")?;
            Ok((Arc::new(keys), None))
        }
        _ => bail!("expected one of file, env and command"),
    }
}

/// Takes over what an older version of the host sealed under the key file itself.
pub async fn adopt(home: &Home, vault: &Vault, rng: &dyn Rng) -> Result<()> {
    if !vault.has_direct_rows().await? {
        return Ok(());
    }
    let (adopted, refused) = vault.adopt(&Key::load(&home.vault_key(), rng)?).await?;
    tracing::info!(adopted, "stored secrets of an older version were sealed anew");
    for refused in refused {
        tracing::error!(%refused, "a stored secret of an older version cannot be taken over");
    }
    Ok(())
}

/// The key of stand-ins for personal data. It does not change when the vault's does: they would all change with it.
pub fn pseudonym_key(home: &Home, rng: &dyn Rng) -> Result<Key> {
    let (own, before) = (home.pseudonym_key(), home.vault_key());
    if !own.exists() && before.exists() {
        // Of an older version, where one key did for both. Another process may be at it too.
        let copied = Key::load(&before, rng).and_then(|key| key.save(&own));
        if let Err(error) = copied {
            tracing::debug!(%error, "the key of stand-ins was not taken over");
        }
    }
    Ok(Key::load(&own, rng)?)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::system::SystemRng;

    #[test]
    fn only_a_file_below_the_home_lies_below_it() {
        let read = |text: &str| toml::from_str::<Keeper>(text).unwrap();
        assert!(read("file = 'keys/vault.key'").lies_below());
        for outside in
            ["file = '/etc/key'", "file = '../key'", "env = 'KEY'", "command = ['sh', '-c', 'id']", "name = 'x'"]
        {
            assert!(!read(outside).lies_below(), "{outside}");
        }
        let config: VaultConfig = toml::from_str("previous = [{ command = ['sh', '-c', 'id'] }]").unwrap();
        assert_eq!(config.programs(), ["sh -c id"]);
    }

    #[test]
    fn a_home_that_is_named_from_here_keeps_its_key_in_it() {
        let dir = tempfile::tempdir_in(".").unwrap();
        let home = Home::at(Path::new(".").join(dir.path().file_name().unwrap()).join("home"));
        assert!(home.dir().is_relative());
        std::fs::create_dir_all(home.dir().join("keys")).unwrap();
        let rng: Arc<dyn Rng> = Arc::new(SystemRng);
        assert!(keys_making(&home, &VaultConfig::default(), false, &rng).is_err(), "there is none yet");
        keys_making(&home, &VaultConfig::default(), true, &rng).unwrap();
        assert!(home.vault_key().is_file());
        keys_making(&home, &VaultConfig::default(), false, &rng).unwrap();
    }
}
