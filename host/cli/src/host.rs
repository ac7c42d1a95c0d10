//! A host that is opened but not running: what every command works on.

use std::sync::{Arc, OnceLock};

use anyhow::{Context, Result};
use portcullis_broker::{
    connection::Connections,
    key::{Key, file::FileKeys},
    oidc::Oidc,
    pseudonym::KeyedPseudonyms,
    renew::Renewals,
    rotation::{Brake, FreezeBook},
    upstream::Upstream,
    vault::Vault,
};
use portcullis_capabilities::Catalogue;
use portcullis_duties::book::Book;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    bounds::Bounds,
    duty::TenantRules as _,
    id::{Digest, TenantId},
    installation::{Installation, InstallationStore},
    secret::Secret,
    time::{Clock, Rng},
};
use portcullis_packages::{
    check::{Registry, Rules},
    install::Installer,
    trust::keeper::Keeper,
};
use portcullis_store::{PrivateDirs, SqliteStore};
use tokio::sync::Mutex;

use crate::{
    config::Config,
    connect,
    explain::Explainer,
    home::Home,
    people,
    reading::LogReader,
    system::{SystemClock, SystemRng},
    vault,
};

/// An opened host. Copies are of the same one.
#[derive(Clone)]
pub struct Host {
    /// Where it lies.
    pub home: Home,
    /// Its configuration.
    pub config: Config,
    /// Its state.
    pub store: Arc<SqliteStore>,
    /// Plugins' own directories: one for the process, which counts what each uses.
    pub dirs: PrivateDirs,
    /// Its credentials, in use.
    pub connections: Arc<Connections>,
    vault: Arc<Vault>,
    /// What may not leave at the moment.
    pub freezes: Arc<FreezeBook>,
    /// Which profiles are on, and which risks are accepted.
    pub duties: Arc<Book>,
    /// The providers that credentials come from, and the way to ask them.
    pub upstream: Arc<Upstream>,
    /// What renews credentials.
    pub renewals: Arc<Renewals>,
    /// The file of the key-encryption key, where it is in one.
    pub key_file: Option<Arc<FileKeys>>,
    /// What asks tenants' own providers, once it was needed: most commands ask none.
    oidc: Arc<OnceLock<Arc<Oidc>>>,
    /// Stand-ins for what plugins may not see.
    pub pseudonyms: Arc<KeyedPseudonyms>,
    /// Its registry of releases.
    pub registry: Arc<Registry>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub rng: Arc<dyn Rng>,
    /// Held while releases are looked at again: what is known of vulnerabilities is large, and read whole.
    pub looking: Arc<Mutex<()>>,
    /// Held while a release is stopped without anybody being asked.
    pub stopping: Arc<Mutex<()>>,
}

/// The rules that releases are held against on this version of the host: its capabilities, and what it makes of WASI.
pub const RULES: Rules<'static> = Rules { catalogue: &Catalogue };

impl Host {
    /// Opens the host in this directory.
    pub async fn open(home: Home) -> Result<Self> {
        home.check()?;
        let config = Config::load(&home)?;
        let store = Arc::new(SqliteStore::open(&home.database())?);
        let (clock, rng): (Arc<dyn Clock>, Arc<dyn Rng>) = (Arc::new(SystemClock), Arc::new(SystemRng));
        // First: where there is none yet, an older version's is the vault's.
        let pseudonyms = Arc::new(KeyedPseudonyms::new(vault::pseudonym_key(&home, rng.as_ref())?));
        let vault::Keys { ring, file: key_file } = vault::keys(&home, &config.vault, &store, &rng).await?;
        let vault = Arc::new(Vault::new(store.clone(), ring, rng.clone()));
        vault::adopt(&home, &vault, rng.as_ref()).await?;
        let connections = Arc::new(Connections::new(vault.clone())?);
        let upstream = connect::upstream(&home, &config, clock.clone(), rng.clone())?;
        let renewals = Renewals::new(vault.clone(), upstream.clone(), &home.locks(), clock.clone(), rng.clone());
        let renewals = Arc::new(renewals.with_context(|| format!("cannot make {}", home.locks().display()))?);
        connections.renewed_by(renewals.clone());
        // Before the credentials: what goes on under a freeze does so with what was stored before it was let go on.
        let freezes = Arc::new(FreezeBook::new(store.clone(), connections.clone()));
        renewals.held_by(Arc::new(Brake::new(&freezes, store.clone())));
        freezes.tighten().await?;
        for refused in connections.refresh().await? {
            tracing::error!(%refused, "a stored secret cannot be opened and is left out");
        }
        let duties = Arc::new(Book::new(store.clone())?);
        duties.refresh().await?;
        let anchor = anchor(&home)?;
        let registry =
            Arc::new(Registry::new(store.clone(), store.clone(), anchor, Arc::new(Catalogue), clock.clone()));
        Ok(Self {
            dirs: PrivateDirs::open(&home.files())?,
            home,
            config,
            store,
            connections,
            vault,
            freezes,
            duties,
            upstream,
            renewals,
            key_file,
            oidc: Arc::default(),
            pseudonyms,
            registry,
            clock,
            rng,
            looking: Arc::default(),
            stopping: Arc::default(),
        })
    }

    /// Its credentials, sealed.
    pub fn vault(&self) -> &Arc<Vault> {
        &self.vault
    }

    /// What asks tenants' own providers: one for the process, which remembers what they have answered.
    pub fn oidc(&self) -> Result<Arc<Oidc>> {
        if let Some(oidc) = self.oidc.get() {
            return Ok(oidc.clone());
        }
        let made = Arc::new(people::oidc(&self.config, self.clock.clone())?);
        Ok(self.oidc.get_or_init(|| made).clone())
    }

    /// What explains decisions.
    pub fn explainer(&self) -> Explainer {
        Explainer {
            store: self.store.clone(),
            reader: LogReader::new(&self.home, self.store.clone()),
            registry: self.registry.clone(),
            bounds: self.bounds(),
        }
    }

    /// What holds for whatever is asked and granted: the configuration's bounds and the tenants' profiles.
    pub fn bounds(&self) -> Bounds {
        Bounds { live: Some(self.duties.clone()), ..self.config.bounds() }
    }

    /// The token of the operator: made where there is none yet.
    pub fn operator_token(&self) -> Result<Secret> {
        let key = Key::load(&self.home.operator_token(), self.rng.as_ref())?;
        Ok(key.text())
    }

    /// What installs and changes installations, in the name of the person at the keyboard.
    pub fn installer(&self) -> Installer<'_> {
        Installer {
            registry: &self.registry,
            installations: self.store.as_ref(),
            recorder: self.store.as_ref(),
            clock: self.clock.as_ref(),
            rng: self.rng.as_ref(),
            actor: person(),
            platform: true,
        }
    }

    /// What changes whom the host trusts, in the name of the person at the keyboard.
    pub fn keeper(&self) -> Keeper<'_> {
        Keeper { registry: &self.registry, clock: self.clock.as_ref(), actor: person() }
    }

    /// An entry by the person at the keyboard.
    pub fn entry(&self, kind: Kind, tenant: Option<TenantId>) -> Entry {
        Entry::new(self.clock.now(), kind, person(), tenant)
    }

    /// The installation that a text means: its id, the plugin's id, or the last part of that.
    pub async fn installation(&self, text: &str) -> Result<Installation> {
        let all = self.store.installations().await?;
        let means = |i: &&Installation| {
            let plugin = i.plugin.as_str();
            i.id.as_str() == text || plugin == text || plugin.rsplit('.').next() == Some(text)
        };
        let mut found: Vec<_> = all.iter().filter(means).collect();
        // A name means one that is there, before it means one that was.
        if found.iter().any(|one| !one.is_gone()) {
            found.retain(|one| !one.is_gone() || one.id.as_str() == text);
        }
        match found.as_slice() {
            [one] => Ok((*one).clone()),
            [] => {
                let known: Vec<_> = all.iter().map(|i| i.id.as_str()).collect();
                anyhow::bail!("no installation '{text}'; see 'portcullis plugin list' (there are {})", known.len())
            }
            many => {
                let ids: Vec<_> = many.iter().map(|i| format!("{} in {}", i.id, i.tenant)).collect();
                anyhow::bail!("'{text}' means {} installations; name one by its id: {}", many.len(), ids.join(", "))
            }
        }
    }
}

/// The pinned digest of the platform's first root.
fn anchor(home: &Home) -> Result<Digest> {
    let path = home.trust_anchor();
    let text = std::fs::read_to_string(&path).with_context(|| {
        format!(
            "cannot read {}, the digest of this host's first root of trust; put it back from a copy",
            path.display()
        )
    })?;
    text.trim().parse().with_context(|| format!("{} holds no digest", path.display()))
}

/// The person at the keyboard, by the name of the account.
pub fn person() -> Actor {
    let name = std::env::var("USER").or_else(|_| std::env::var("LOGNAME")).unwrap_or_else(|_| "unknown".into());
    Actor::Person { name: portcullis_model::audit::plain(&name) }
}

/// Reads all of standard input as a secret, less one newline at its end.
pub fn secret_from_stdin() -> Result<Secret> {
    secret_from(std::io::stdin()).context("cannot read the secret from standard input")
}

/// A secret, of at most 64 KiB and without line ends after it.
pub fn secret_from(source: impl std::io::Read) -> Result<Secret> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    source.take(64 * 1024).read_to_end(&mut bytes)?;
    while matches!(bytes.last(), Some(b'\n' | b'\r')) {
        bytes.pop();
    }
    Ok(Secret::new(bytes))
}
