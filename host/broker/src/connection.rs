//! Answers for the credentials that are in use: which of them a request carries, by who sends it and where to.
//!
//! The table is built from the vault and replaced as a whole; a request reads one snapshot of it, and keeps it to its end.
//!
//! Invariants: a credential goes only out for the tenant and installation that it was stored for, and only to a host on its
//! own list; a row that does not open or whose place is unfit is reported and left out; each refresh is a new generation, and
//! connections that were made under an older one are not used again.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
};

use hyper::header::{HeaderName, HeaderValue};
use portcullis_model::{
    audit::Entry,
    id::{InstallationId, TenantId},
    secret::Secret,
    target::Target,
    webhook::SIGNING,
};
use tokio::sync::Mutex;
use zeroize::Zeroizing;

use crate::{
    leaks::{Needles, NeedlesError},
    place::Place,
    standard_webhooks::ring,
    vault::{Opened, Vault, VaultError},
};

/// A stored credential for outbound requests.
#[derive(Clone, Debug)]
pub struct Connection {
    /// Whose it is.
    pub tenant: TenantId,
    /// Whose requests carry it.
    pub installation: InstallationId,
    /// Its name.
    pub name: String,
    /// Goes up with each rotation.
    pub generation: u64,
    /// Where it goes.
    pub place: Place,
    /// The secret itself.
    pub secret: Secret,
}

impl Connection {
    fn new(opened: Opened, installation: InstallationId) -> Result<Self, VaultError> {
        let Opened { tenant, name, generation, place, secret, .. } = opened;
        let place = Place::parse(&place).and_then(|place| place.check_secret(&secret).map(|()| place));
        match place {
            Ok(place) => Ok(Self { tenant, installation, name, generation, place, secret }),
            Err(problem) => Err(VaultError::Invalid { name, problem }),
        }
    }

    /// The header that carries it. The error names the connection, not the secret.
    pub(crate) fn header(&self) -> Result<(HeaderName, HeaderValue), String> {
        let bytes = Zeroizing::new([self.place.prefix.as_bytes(), self.secret.expose()].concat());
        let name = HeaderName::try_from(self.place.header.as_str());
        let value = HeaderValue::from_bytes(&bytes);
        let (Ok(name), Ok(mut value)) = (name, value) else {
            return Err(format!("connection '{}' cannot be made into a header", self.name));
        };
        value.set_sensitive(true);
        Ok((name, value))
    }
}

/// The credentials of one installation.
#[derive(Debug)]
pub struct Installed {
    connections: Vec<Connection>,
    needles: Needles,
}

impl Installed {
    /// Those that a request to this target carries: at most one a header, the first by name.
    pub fn for_target(&self, target: &Target) -> Vec<&Connection> {
        let mut chosen: Vec<&Connection> = Vec::new();
        for connection in self.connections.iter().filter(|connection| connection.place.covers(target)) {
            if chosen.iter().all(|other| other.place.header != connection.place.header) {
                chosen.push(connection);
            }
        }
        chosen
    }

    /// All forms of all of its secrets.
    pub fn needles(&self) -> &Needles {
        &self.needles
    }
}

type Owner = (TenantId, InstallationId);

#[derive(Debug)]
struct Table {
    generation: u64,
    installed: HashMap<Owner, Arc<Installed>>,
    inbound: HashMap<(TenantId, String), Secret>,
    needles: Arc<Needles>,
}

/// Why the table could not be made anew. The old one stays in use.
#[derive(Clone, Debug, thiserror::Error)]
pub enum RefreshError {
    /// The vault's storage failed.
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// There are too many secrets to look for.
    #[error(transparent)]
    Needles(#[from] NeedlesError),
}

/// All credentials in use.
#[derive(Debug)]
pub struct Connections {
    vault: Arc<Vault>,
    table: RwLock<Arc<Table>>,
    refreshing: Mutex<()>,
}

impl Connections {
    /// An empty table over this vault. [`refresh`](Self::refresh) fills it.
    pub fn new(vault: Arc<Vault>) -> Result<Self, NeedlesError> {
        let needles = Arc::new(Needles::new([])?);
        let table = Table { generation: 0, installed: HashMap::new(), inbound: HashMap::new(), needles };
        Ok(Self { vault, table: RwLock::new(Arc::new(table)), refreshing: Mutex::new(()) })
    }

    /// Stores a credential and takes it into use, in place of the one of that name. Gives the generation.
    pub async fn put(
        &self,
        (tenant, installation): (TenantId, InstallationId),
        name: &str,
        place: &Place,
        secret: &Secret,
        entry: Entry,
    ) -> Result<u64, RefreshError> {
        let fit = place.check().and_then(|()| place.check_secret(secret));
        fit.map_err(|problem| VaultError::Invalid { name: name.to_owned(), problem })?;
        let generation = self.vault.put(tenant, Some(installation), name, &place.json(), secret, entry).await?;
        self.refresh().await?;
        Ok(generation)
    }

    /// Makes the table anew from the vault. Gives an error for each row that was left out.
    pub async fn refresh(&self) -> Result<Vec<VaultError>, RefreshError> {
        let _one_at_a_time = self.refreshing.lock().await;
        let loaded = self.vault.load_all().await?;
        let (table, refused) = Table::build(self.read().generation + 1, loaded.opened)?;
        *self.table.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(table);
        Ok(loaded.refused.into_iter().chain(refused).collect())
    }

    /// The credentials of one installation, if it has any.
    pub fn of(&self, tenant: &TenantId, installation: &InstallationId) -> Option<Arc<Installed>> {
        self.read().installed.get(&(tenant.clone(), installation.clone())).cloned()
    }

    /// The secret of a tenant's source of events, such as `source/acme-support`.
    pub fn inbound(&self, tenant: &TenantId, name: &str) -> Option<Secret> {
        self.read().inbound.get(&(tenant.clone(), name.to_owned())).cloned()
    }

    /// All forms of all current secrets, to be looked for where none may be.
    pub fn needles(&self) -> Arc<Needles> {
        self.read().needles.clone()
    }

    /// Goes up with each refresh.
    pub fn generation(&self) -> u64 {
        self.read().generation
    }

    fn read(&self) -> Arc<Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Table {
    fn build(generation: u64, opened: Vec<Opened>) -> Result<(Self, Vec<VaultError>), NeedlesError> {
        // Of a ring of signing keys each is looked for; it is no connection.
        let is_ring = |opened: &Opened| opened.name == SIGNING && opened.installation.is_some();
        let keys: Vec<Secret> = opened.iter().filter(|o| is_ring(o)).flat_map(|o| ring::lines(&o.secret)).collect();
        let needles = Arc::new(Needles::new(opened.iter().map(|opened| &opened.secret).chain(&keys))?);
        let (mut connections, mut inbound, mut refused) = (HashMap::<Owner, Vec<_>>::new(), HashMap::new(), Vec::new());
        for opened in opened.into_iter().filter(|opened| !is_ring(opened)) {
            let Some(installation) = opened.installation.clone() else {
                inbound.insert((opened.tenant, opened.name), opened.secret);
                continue;
            };
            match Connection::new(opened, installation) {
                Ok(it) => connections.entry((it.tenant.clone(), it.installation.clone())).or_default().push(it),
                Err(error) => refused.push(error),
            }
        }
        let mut installed = HashMap::new();
        for (owner, mut connections) in connections {
            connections.sort_by(|a, b| a.name.cmp(&b.name));
            let needles = Needles::new(connections.iter().map(|connection| &connection.secret))?;
            installed.insert(owner, Arc::new(Installed { connections, needles }));
        }
        Ok((Self { generation, installed, inbound, needles }, refused))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{MemorySecrets, entry, vault};

    fn owner(tenant: &str, installation: &str) -> Owner {
        (tenant.parse().unwrap(), installation.parse().unwrap())
    }

    fn secret(text: &str) -> Secret {
        Secret::new(text.as_bytes().to_vec())
    }

    async fn filled() -> Connections {
        let vault = Arc::new(vault(&Arc::new(MemorySecrets::default())));
        vault.put("acme".parse().unwrap(), None, "source/hooks", "", &secret("inbound-secret"), entry()).await.unwrap();
        let connections = Connections::new(vault).unwrap();
        for (owner, name, header, text) in [
            (owner("acme", "ins_1"), "b", "authorization", "acme-token-b"),
            (owner("acme", "ins_1"), "a", "authorization", "acme-token-a"),
            (owner("acme", "ins_1"), "c", "x-key", "acme-token-c"),
            (owner("other", "ins_2"), "a", "authorization", "other-token"),
        ] {
            let place = Place { header: header.into(), ..Place::bearer("chat.example.test") };
            connections.put(owner, name, &place, &secret(text), entry()).await.unwrap();
        }
        connections
    }

    #[tokio::test]
    async fn each_installation_has_its_own_and_one_a_header() {
        let connections = filled().await;
        let (tenant, installation) = owner("acme", "ins_1");
        let installed = connections.of(&tenant, &installation).unwrap();
        let names = |url: &str| -> Vec<String> {
            installed.for_target(&url.parse().unwrap()).iter().map(|c| c.name.clone()).collect()
        };
        assert_eq!(names("https://chat.example.test/x"), ["a", "c"]);
        assert!(names("https://evil.example.test/").is_empty());
        assert!(installed.needles().find_in(b"... acme-token-b ..."));
        assert!(!installed.needles().find_in(b"... other-token ..."));
        assert!(connections.of(&owner("other", "ins_1").0, &installation).is_none(), "another tenant");
    }

    #[tokio::test]
    async fn a_rotation_is_seen_at_once_and_the_old_value_is_gone() {
        let connections = filled().await;
        let (before, place) = (connections.generation(), Place::bearer("chat.example.test"));
        let put = connections.put(owner("acme", "ins_1"), "a", &place, &secret("new-token-a"), entry()).await;
        assert_eq!(put.unwrap(), 2);
        assert_eq!(connections.generation(), before + 1);
        assert!(connections.needles().find_in(b"new-token-a"));
        assert!(!connections.needles().find_in(b"acme-token-a"));
    }

    #[tokio::test]
    async fn knows_the_secrets_of_sources_too() {
        let connections = filled().await;
        let inbound = |tenant: &str| connections.inbound(&tenant.parse().unwrap(), "source/hooks");
        assert_eq!(inbound("acme").unwrap().expose(), b"inbound-secret");
        assert!(inbound("other").is_none());
        assert!(connections.needles().find_in(b"inbound-secret"));
    }

    #[tokio::test]
    async fn signing_keys_are_no_connection_and_each_is_looked_for() {
        let vault = Arc::new(vault(&Arc::new(MemorySecrets::default())));
        let (tenant, installation) = owner("acme", "ins_1");
        let keys = secret("whsec_first-key\nwhsec_second-key");
        vault.put(tenant.clone(), Some(installation.clone()), SIGNING, "{}", &keys, entry()).await.unwrap();
        let connections = Connections::new(vault).unwrap();
        assert!(connections.refresh().await.unwrap().is_empty());
        assert!(connections.of(&tenant, &installation).is_none());
        assert!(connections.needles().find_in(b"... whsec_second-key ..."));
    }

    #[tokio::test]
    async fn an_unfit_place_is_reported_and_left_out() {
        let vault = Arc::new(vault(&Arc::new(MemorySecrets::default())));
        let (tenant, installation) = owner("acme", "ins_1");
        vault
            .put(tenant.clone(), Some(installation.clone()), "x", r#"{"hosts":["*"]}"#, &secret("a-secret-"), entry())
            .await
            .unwrap();
        let connections = Connections::new(vault).unwrap();
        let refused = connections.refresh().await.unwrap();
        assert!(matches!(&refused[..], [VaultError::Invalid { name, .. }] if name == "x"));
        assert!(connections.of(&tenant, &installation).is_none());
        assert!(connections.needles().find_in(b"a-secret-"), "still looked for");
    }
}
