//! Answers for secrets at rest: what goes into storage is sealed, what comes out is opened, and each replacement has a
//! generation of its own (INT-5, INT-7).
//!
//! Invariants: storage never sees a secret in the clear; a row that does not open is reported and never used; a secret that is
//! too short to be told apart from other text is not taken, since it could not be kept out of answers and logs.

use std::{fmt, sync::Arc};

use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::{InstallationId, TenantId},
    secret::{SealedSecret, Secret, SecretStore},
    time::Rng,
};
use tokio::sync::Mutex;

use crate::{key::Key, leaks::MIN_PATTERN, seal};

/// The longest secret that is taken, in bytes.
pub const MAX_SECRET: usize = 8 * 1024;

/// Why the vault could not do what it was asked. Holds names, never a secret.
#[derive(Clone, Debug, thiserror::Error)]
pub enum VaultError {
    /// A row does not open.
    #[error("secret '{name}' of tenant {tenant} does not open: the key file is another one, or the row was changed")]
    Unopened {
        /// Whose it is.
        tenant: TenantId,
        /// Its name.
        name: String,
    },
    /// What was to be stored is wrong.
    #[error("secret '{name}': {problem}")]
    Invalid {
        /// Its name.
        name: String,
        /// What is wrong, and what would be right.
        problem: String,
    },
    /// The storage failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// A secret out of the vault.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Whose it is.
    pub tenant: TenantId,
    /// For which installation; absent for a source's secret.
    pub installation: Option<InstallationId>,
    /// A connection's or a source's name.
    pub name: String,
    /// Goes up with each rotation.
    pub generation: u64,
    /// Where it goes: a `Place` as JSON for a connection.
    pub place: String,
    /// The secret itself.
    pub secret: Secret,
}

/// All secrets that open, and an error for each that does not.
#[derive(Debug, Default)]
pub struct Loaded {
    /// Those that open.
    pub opened: Vec<Opened>,
    /// The rest.
    pub refused: Vec<VaultError>,
}

/// The vault.
pub struct Vault {
    store: Arc<dyn SecretStore>,
    key: Key,
    rng: Arc<dyn Rng>,
    writing: Mutex<()>,
}

impl Vault {
    /// A vault over this storage.
    pub fn new(store: Arc<dyn SecretStore>, key: Key, rng: Arc<dyn Rng>) -> Self {
        Self { store, key, rng, writing: Mutex::new(()) }
    }

    /// Seals a secret and stores it, in place of the one of the same tenant, installation and name. Gives the generation.
    pub async fn put(
        &self,
        tenant: TenantId,
        installation: Option<InstallationId>,
        name: &str,
        place: &str,
        secret: &Secret,
        entry: Entry,
    ) -> Result<u64, VaultError> {
        check_length(name, secret)?;
        let _one_at_a_time = self.writing.lock().await;
        let rows = self.store.secrets().await?;
        let same = |row: &&SealedSecret| row.tenant == tenant && row.installation == installation && row.name == name;
        let generation = rows.iter().filter(same).map(|row| row.generation).max().unwrap_or(0) + 1;
        let (name, place) = (name.to_owned(), place.to_owned());
        let row = SealedSecret { tenant, installation, name, generation, place, sealed: Vec::new() };
        let sealed = seal::seal(&self.key, &*self.rng, row.clone(), secret).map_err(|_| unopened(&row))?;
        self.store.put_secret(sealed, entry).await?;
        Ok(generation)
    }

    /// Opens one.
    pub fn open(&self, row: &SealedSecret) -> Result<Secret, VaultError> {
        seal::open(&self.key, row).map_err(|_| unopened(row))
    }

    /// Opens all. Fails only where the storage does.
    pub async fn load_all(&self) -> Result<Loaded, VaultError> {
        let mut loaded = Loaded::default();
        for row in self.store.secrets().await? {
            match self.open(&row) {
                Ok(secret) => {
                    let SealedSecret { tenant, installation, name, generation, place, .. } = row;
                    loaded.opened.push(Opened { tenant, installation, name, generation, place, secret });
                }
                Err(error) => loaded.refused.push(error),
            }
        }
        Ok(loaded)
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Vault(…)")
    }
}

fn unopened(row: &SealedSecret) -> VaultError {
    VaultError::Unopened { tenant: row.tenant.clone(), name: row.name.clone() }
}

fn check_length(name: &str, secret: &Secret) -> Result<(), VaultError> {
    if (MIN_PATTERN..=MAX_SECRET).contains(&secret.expose().len()) {
        return Ok(());
    }
    let problem = format!("must be {MIN_PATTERN} to {MAX_SECRET} bytes long");
    Err(VaultError::Invalid { name: name.to_owned(), problem })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{MemorySecrets, entry, vault};

    #[tokio::test]
    async fn replaces_with_a_higher_generation_and_loads_what_it_put() {
        let store = Arc::new(MemorySecrets::default());
        let vault = vault(&store);
        let tenant: TenantId = "acme".parse().unwrap();
        for (text, generation) in [("first-secret", 1), ("second-secret", 2)] {
            let secret = Secret::new(text.as_bytes().to_vec());
            let put = vault.put(tenant.clone(), None, "source/hooks", "", &secret, entry()).await;
            assert_eq!(put.unwrap(), generation);
        }
        let loaded = vault.load_all().await.unwrap();
        assert!(loaded.refused.is_empty());
        let [only] = &loaded.opened[..] else { panic!("{loaded:?}") };
        assert_eq!((only.secret.expose(), only.generation), (b"second-secret".as_slice(), 2));
        assert!(!format!("{loaded:?}").contains("second-secret"));
    }

    #[tokio::test]
    async fn a_spoilt_row_is_reported_by_name_and_spoils_no_other() {
        let store = Arc::new(MemorySecrets::default());
        let vault = vault(&store);
        for name in ["a", "b"] {
            let secret = Secret::new(b"some secret".to_vec());
            vault.put("acme".parse().unwrap(), None, name, "", &secret, entry()).await.unwrap();
        }
        store.rows.lock().unwrap()[0].generation = 9;
        let loaded = vault.load_all().await.unwrap();
        assert_eq!(loaded.opened.len(), 1);
        assert!(loaded.refused[0].to_string().starts_with("secret 'a' of tenant acme does not open"));
    }

    #[tokio::test]
    async fn takes_no_secret_that_could_not_be_found_again() {
        let vault = vault(&Arc::new(MemorySecrets::default()));
        for length in [0, 7, MAX_SECRET + 1] {
            let secret = Secret::new(vec![b'x'; length]);
            let put = vault.put("acme".parse().unwrap(), None, "a", "", &secret, entry()).await;
            assert!(matches!(put, Err(VaultError::Invalid { .. })), "{length}");
        }
    }
}
