//! Answers for connections in an act of rotation: their credentials lie in the vault, and their providers issue and revoke them.
//!
//! Invariants: only the generation that is named is revoked or taken out of use, never a newer one; a credential that a person must
//! replace is in no request from then on.

use std::{collections::HashMap, sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::{ConnectionKey, ConnectionView, Standing, Unreadable},
    id::{InstallationId, PluginId},
    installation::InstallationStore,
    rotation::{Family, Held, Item, Nature, Renewal},
    secret::{Head, Secret, Slot},
    time::Clock,
};

use super::credentials::{Credentials, StepError};
use crate::{
    connection::{Connections, RefreshError},
    issue::{Conduct, Credential, Issuer, Revoked},
    renew::{Because, RenewError},
    vault::{Opened, VaultError},
};

/// What keeps credentials for upstream APIs.
#[derive(Clone)]
pub struct Upstreams {
    /// The credentials.
    pub connections: Arc<Connections>,
    /// Whoever issues and revokes them.
    pub issuer: Arc<dyn Issuer>,
    /// Whose they are.
    pub installations: Arc<dyn InstallationStore>,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Who does it.
    pub actor: Actor,
}

impl From<VaultError> for StepError {
    fn from(error: VaultError) -> Self {
        Self::Store(error.to_string())
    }
}

impl From<RefreshError> for StepError {
    fn from(error: RefreshError) -> Self {
        Self::Store(error.to_string())
    }
}

impl Upstreams {
    fn held(&self, view: ConnectionView, plugins: &HashMap<InstallationId, PluginId>) -> Option<Held> {
        if matches!(view.standing, Standing::Revoked { .. }) {
            return None;
        }
        // Of what cannot be read nothing can be minted. That it cannot be revoked either, its line is to say.
        let lost = view.unreadable == Some(Unreadable::Lost);
        let nature = match lost {
            true => Nature { revocable: true, ..nature(None) },
            false => nature(self.issuer.conduct(&view.origin.provider)),
        };
        Some(Held {
            plugin: plugins.get(&view.key.installation).cloned(),
            nature,
            provider: Some(view.origin.provider),
            generation: view.generation,
            issued: Some(view.issued),
            needs_person: lost || matches!(view.standing, Standing::ConsentNeeded { .. }),
            item: Item::connection(view.key),
        })
    }

    /// What the host does by itself, a freeze holds back.
    fn because(&self) -> Because {
        if matches!(self.actor, Actor::Person { .. }) { Because::Asked } else { Because::Policy }
    }

    /// Whether two generations have a secret in common that a thief of the older one could go on with. Where one of them is
    /// not kept any more, or cannot be read, nobody can tell, and the worse is assumed.
    async fn is_of_the_same_grant(&self, slot: &Slot, older: u64, newer: u64) -> Result<bool, StepError> {
        let all = match self.connections.vault().generations(slot).await {
            Err(error) if !error.is_passing() => return Ok(true),
            all => all?,
        };
        let one = |number| all.iter().find(|one| one.row.generation == number);
        let (Some(older), Some(newer)) = (one(older), one(newer)) else { return Ok(true) };
        let of = |one: &Opened| [one.credential.access.clone(), one.credential.refresh.clone()];
        let before: Vec<Secret> = of(older).into_iter().flatten().collect();
        Ok(of(newer).into_iter().flatten().any(|one| before.iter().any(|other| other.expose() == one.expose())))
    }

    /// What it means for a revocation that a credential cannot be read.
    async fn unread(&self, slot: &Slot, error: VaultError) -> Result<StepError, StepError> {
        if error.is_passing() {
            return Ok(match error {
                VaultError::Key(why) => StepError::NotReached { why: why.to_string(), retry_after: None },
                error => error.into(),
            });
        }
        let provider = self.connections.vault().provider_of(slot).await?;
        let at = provider.as_ref().map_or("its provider", |provider| provider.as_str());
        Ok(StepError::Refused(format!("it cannot be read: revoke it by hand at {at} ({error})")))
    }

    fn renewed(&self, error: RenewError) -> StepError {
        match error {
            RenewError::NotRenewable => StepError::Refused(error.to_string()),
            RenewError::Gone | RenewError::Revoked => StepError::Gone,
            RenewError::ConsentNeeded(why) => StepError::GrantGone(why),
            RenewError::Cooling { until, why } => {
                StepError::NotReached { why, retry_after: Some(until.distance(self.clock.now())) }
            }
            RenewError::Vault(error) => error.into(),
            RenewError::Frozen(_) | RenewError::Young | RenewError::Failed(_) => {
                StepError::NotReached { why: error.to_string(), retry_after: None }
            }
        }
    }
}

/// What a provider's conduct means for rotation. One that nobody knows issues nothing, and revokes nothing.
fn nature(conduct: Option<Conduct>) -> Nature {
    let Some(conduct) = conduct else {
        return Nature { renewal: Renewal::Person, renewal_ends_old: false, refresh_once: false, revocable: false };
    };
    let renewal = match (conduct.renewable, conduct.own_means) {
        (false, _) => Renewal::Person,
        (true, true) => Renewal::Own,
        (true, false) => Renewal::RefreshToken,
    };
    let Conduct { renewal_ends_old, refresh_once, revocable, .. } = conduct;
    Nature { renewal, renewal_ends_old, refresh_once, revocable }
}

fn key(item: &Item) -> Result<ConnectionKey, StepError> {
    item.key().ok_or(StepError::Gone)
}

#[async_trait]
impl Credentials for Upstreams {
    fn families(&self) -> &'static [Family] {
        &[Family::Connection]
    }

    async fn list(&self) -> Result<Vec<Held>, StepError> {
        let installations = self.installations.installations().await?;
        let plugins: HashMap<_, _> = installations.into_iter().map(|one| (one.id, one.plugin)).collect();
        let views = self.connections.views().await?;
        Ok(views.into_iter().filter_map(|view| self.held(view, &plugins)).collect())
    }

    async fn revoke_now(&self, item: &Item, generation: u64, access_only: bool) -> Result<Revoked, StepError> {
        let slot = Slot::from(key(item)?);
        let kept = match self.connections.vault().generations(&slot).await {
            Ok(kept) => kept,
            Err(error) => return Err(self.unread(&slot, error).await?),
        };
        let named = kept.iter().find(|one| one.row.generation == generation);
        // Where that generation is not kept any more, the present one is of the same grant.
        let opened = match (named, kept.last(), access_only) {
            (Some(one), ..) | (None, Some(one), false) => one,
            (None, None, _) => return Err(StepError::Gone),
            (None, Some(_), true) => {
                let why = "the old access token is not kept any more; revoke it at the provider by hand";
                return Err(StepError::Refused(why.to_owned()));
            }
        };
        let Some(origin) = opened.origin.as_ref() else { return Ok(Revoked::NotOffered) };
        let access = |one: &Opened| Credential { refresh: None, ..one.credential.clone() };
        let credential = if access_only { access(opened) } else { opened.credential.clone() };
        let revoked = self.issuer.revoke(origin, &credential).await?;
        let now = self.clock.now();
        // Access tokens of before may live on beside it.
        let older = kept.iter().filter(|one| one.row.generation < generation);
        for one in older.filter(|one| one.row.expires.is_some_and(|end| end > now)) {
            self.issuer.revoke(origin, &access(one)).await?;
        }
        Ok(revoked)
    }

    async fn renew_now(&self, item: &Item, old: u64, _: Duration) -> Result<u64, StepError> {
        let key = key(item)?;
        match self.connections.vault().head(&key.clone().into()).await? {
            None => Err(StepError::Gone),
            Some(head) if matches!(head.standing, Standing::Revoked { .. }) => Err(StepError::Gone),
            Some(head) if head.generation > old => Ok(head.generation),
            Some(_) => self.connections.renew(&key, self.because()).await.map_err(|error| self.renewed(error)),
        }
    }

    async fn person_needed(&self, item: &Item, generation: u64, why: &str) -> Result<(), StepError> {
        let (key, mut ends) = (key(item)?, generation);
        loop {
            let now = self.clock.now();
            let entry = Entry::new(now, Kind::ConnectionConsentNeeded, self.actor.clone(), Some(key.tenant.clone()))
                .about(format!("installation:{}", key.installation))
                .with("name", key.name.clone())
                .with("generation", ends)
                .with("why", why);
            let standing = Standing::Revoked { since: now };
            if self.connections.end_generation(&key, ends, standing, entry).await? {
                return Ok(());
            }
            let slot = Slot::from(key.clone());
            match self.connections.vault().head(&slot).await?.ok_or(StepError::Gone)? {
                Head { standing: Standing::Revoked { .. }, .. } => return Ok(()),
                // One that a renewal has got meanwhile, say.
                head if self.is_of_the_same_grant(&slot, generation, head.generation).await? => ends = head.generation,
                head => return Err(StepError::Replaced(head.generation)),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_a_provider_renews_says_how_its_credentials_rotate() {
        let conduct = |renewable, own_means| Conduct {
            renewable,
            own_means,
            renewal_ends_old: false,
            refresh_once: true,
            revocable: true,
        };
        assert_eq!(nature(None).renewal, Renewal::Person);
        assert!(!nature(None).revocable, "nobody to ask");
        assert_eq!(nature(Some(conduct(false, false))).renewal, Renewal::Person);
        assert_eq!(nature(Some(conduct(true, true))).renewal, Renewal::Own);
        let refreshed = nature(Some(conduct(true, false)));
        assert_eq!((refreshed.renewal, refreshed.refresh_once), (Renewal::RefreshToken, true));
    }
}
