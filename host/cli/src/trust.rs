//! Whom this host trusts: its first root, and the changes that its operator makes with the key that lies in the home directory.
//!
//! A host that is set up with `portcullis init` holds its own root key, so that one person can begin at once. Where roots are
//! kept by several people, that file is not there, and every change is a file that they sign one after the other.
//!
//! Invariant: a root is changed only by a signed next version, whoever asks.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context, Result};
use portcullis_model::{
    id::{Digest, PublisherId, TenantId},
    release::ReleaseId,
    time::Clock,
    trust::RootScope,
};
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    keys::{self, PublicKey, SecretKey, Signer},
    statement::{Statement, Verdict},
    trust::root::{Publisher, Role, Root},
};

use crate::{
    home::Home,
    host::Host,
    signing::{SigningKeys, Unlocking},
};

/// How long a root holds that this command makes, unless it is told otherwise.
pub const LIFETIME: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// Makes the key and the first root of a new host, and pins its digest. Gives the root, to be put into the store.
pub fn create(home: &Home, clock: &dyn Clock, rng: &dyn portcullis_model::time::Rng) -> Result<Envelope> {
    let key = SecretKey::generate(rng);
    key.save(&home.root_key(), None, rng)?;
    let public = key.public();
    let mut root = Root::new(RootScope::Platform, &public, "this host", clock.now().plus(LIFETIME));
    let own = Role { keys: BTreeSet::from([public.keyid()]), threshold: 1 };
    root.reviewers = own.keys.clone();
    root.withdrawals = own.clone();
    root.overrides = own;
    let envelope = root.signed(&key)?;
    let digest = Digest::of(envelope.unverified());
    std::fs::write(home.trust_anchor(), format!("{digest}\n"))?;
    Ok(envelope)
}

/// Signs this with each of these keys.
pub fn signed_by(kind: PayloadType, payload: Vec<u8>, keys: &[Box<dyn Signer>]) -> Result<Envelope> {
    let (first, others) = keys.split_first().context("no key signs this; name one with --key")?;
    let envelope = Envelope::sign(kind, payload, first.as_ref())?;
    Ok(others.iter().try_fold(envelope, |envelope, key| envelope.signed_also(key.as_ref()))?)
}

impl Host {
    /// The signing keys that a command names; the one that lies in the home directory where it names none.
    pub fn signers(&self, named: &SigningKeys) -> Result<Vec<Box<dyn Signer>>> {
        match named.keys.is_empty() {
            true => Ok(vec![Box::new(self.root_key()?)]),
            false => named.open(),
        }
    }

    /// The signing key of this name, such as a file's; the one that lies in the home directory where none is named.
    pub fn signer(&self, named: Option<&str>, unlocking: &Unlocking) -> Result<Box<dyn Signer>> {
        match named {
            Some(name) => Ok(keys::open(name, unlocking)?),
            None => Ok(Box::new(self.root_key()?)),
        }
    }

    /// The key that lies in the home directory.
    pub fn root_key(&self) -> Result<SecretKey> {
        let path = self.home.root_key();
        SecretKey::load(&path, &Unlocking::default()).with_context(|| {
            "this host does not hold a root key of its own; write the change to a file with --out, have its keepers sign it with \
             'portcullis trust sign', and take it with 'portcullis trust apply'"
        })
    }

    /// The newest root of a scope.
    pub async fn root(&self, scope: &RootScope) -> Result<Root> {
        let trust = self.registry.trust().await??;
        let root = trust.root(scope);
        root.cloned().with_context(|| format!("there is no root of '{scope}'; see 'portcullis trust show'"))
    }

    /// The next version of a root, with this change in it, not signed yet.
    pub async fn next_root(&self, scope: &RootScope, change: impl FnOnce(&mut Root)) -> Result<Root> {
        let mut root = self.root(scope).await?;
        root.version += 1;
        change(&mut root);
        Ok(root)
    }

    /// Changes a root with the key that lies in the home directory.
    pub async fn change_root(&self, scope: &RootScope, change: impl FnOnce(&mut Root)) -> Result<Root> {
        let next = self.next_root(scope, change).await?;
        Ok(self.keeper().root(&next.signed(&self.root_key()?)?.to_json()).await?)
    }

    /// Signs a verdict about a release, and keeps it.
    pub async fn state(&self, release: &ReleaseId, verdict: Verdict, key: &dyn Signer) -> Result<()> {
        let envelope = Statement::about(release, verdict).signed(key)?;
        self.keeper().state(release, &envelope.to_json()).await?;
        Ok(())
    }

    /// Lets this key sign the releases of a publisher, beside those that may already.
    pub async fn trust_publisher(&self, prefix: &PublisherId, key: &PublicKey) -> Result<Root> {
        let root = self.root(&RootScope::Platform).await?;
        let mut publishers = root.publishers.iter().flatten();
        if publishers.any(|one| one.prefix == *prefix && one.role.keys.contains(&key.keyid())) {
            return Ok(root);
        }
        self.change_root(&RootScope::Platform, |root| {
            let id = root.know(key, prefix.as_str());
            let publishers = root.publishers.get_or_insert_default();
            match publishers.iter_mut().find(|publisher| publisher.prefix == *prefix) {
                Some(publisher) => drop(publisher.role.keys.insert(id)),
                None => publishers.push(Publisher {
                    prefix: prefix.clone(),
                    role: Role { keys: BTreeSet::from([id]), threshold: 1 },
                }),
            }
        })
        .await
    }

    /// A tenant's first root: kept by this key, and signed with the platform's where that lies in the home directory.
    pub fn tenants_root(&self, tenant: &TenantId, key: &dyn Signer, owner: &str) -> Result<Envelope> {
        let expires = self.clock.now().plus(LIFETIME);
        let root = Root::new(RootScope::Tenant(tenant.clone()), &key.public(), owner, expires);
        let envelope = root.signed(key)?;
        match self.home.root_key().exists() {
            true => Ok(envelope.signed_also(&self.root_key()?)?),
            false => Ok(envelope),
        }
    }

    /// Makes a tenant's first root and takes it.
    pub async fn first_root(&self, tenant: &TenantId, key: &dyn Signer, owner: &str) -> Result<Root> {
        Ok(self.keeper().root(&self.tenants_root(tenant, key, owner)?.to_json()).await?)
    }
}
