//! Answers for secrets whose key is gone for good: a person gives them up, and everything else goes on.
//!
//! What is given up stays as it lies, sealed, until something takes its place: a key that is found again opens it still. But nobody waits
//! for it any more: there is a key to seal under, a connection needs consent, and what only this host made is forgotten, so that it
//! is made anew.
//!
//! Invariants: only what does not open is given up, and not what merely cannot be opened at the moment; each step can be taken again.

use std::{collections::BTreeSet, sync::Arc};

use portcullis_model::{
    audit::{Entry, Kind},
    connection::{ConnectionKey, Standing, Unreadable},
    id::{InstallationId, TenantId},
    secret::{Head, Slot},
    webhook::SIGNING,
};

use super::{TRIES, Unread, Vault, VaultError, keys::unwrap};

/// Why a connection needs consent then.
const WHY: &str = "the key that its credential was stored under is lost";

/// What was given up: names, no secret.
#[derive(Clone, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct GivenUp {
    /// Connections: each needs consent, or another credential.
    pub connections: Vec<ConnectionKey>,
    /// Installations whose messages to their back ends nobody can sign: their back ends must be set anew.
    pub back_ends: Vec<InstallationId>,
    /// Slots of tenants, such as the secrets of sources.
    pub others: Vec<(TenantId, String)>,
    /// Data keys that were made in place of lost ones.
    pub keys_made: u64,
}

impl GivenUp {
    /// Whether there is nothing.
    pub fn is_empty(&self) -> bool {
        self.connections.is_empty() && self.back_ends.is_empty() && self.others.is_empty()
    }

    fn add(&mut self, slot: Slot) {
        match (slot.installation, slot.name) {
            (Some(installation), name) if name == SIGNING => self.back_ends.push(installation),
            (Some(installation), name) => {
                self.connections.push(ConnectionKey { tenant: slot.tenant, installation, name });
            }
            (None, name) => self.others.push((slot.tenant, name)),
        }
    }
}

impl Vault {
    /// What does not open, and would be given up.
    pub async fn lost(&self) -> Result<GivenUp, VaultError> {
        let mut all = GivenUp::default();
        self.unread().await?.into_iter().for_each(|one| all.add(one.row.slot()));
        Ok(all)
    }

    /// Gives up what does not open. `entry` makes the audit entries. Gives what it was.
    pub async fn give_up(&self, entry: impl Fn(Kind, Option<TenantId>) -> Entry) -> Result<GivenUp, VaultError> {
        let (lost, mut all) = (self.unread().await?, GivenUp::default());
        self.wrap_with_what_there_is(&entry).await?;
        let tenants: BTreeSet<TenantId> = lost.iter().map(|one| one.row.tenant.clone()).collect();
        for tenant in tenants {
            all.keys_made += u64::from(self.new_key_for(&tenant, &entry).await?);
        }
        for one in lost {
            let slot = one.row.slot();
            match &slot.installation {
                Some(_) if slot.name == SIGNING => drop(self.forget(&slot).await?),
                Some(_) => self.needs_consent(one, &entry).await?,
                None => {}
            }
            all.add(slot);
        }
        Ok(all)
    }

    async fn unread(&self) -> Result<Vec<Unread>, VaultError> {
        let loaded = self.load_all(|_| None).await?;
        Ok(loaded.unread.into_iter().filter(|one| one.why == Unreadable::Lost).collect())
    }

    /// Makes the key that there is the one to wrap with, where the one before is not at hand.
    async fn wrap_with_what_there_is(
        &self,
        entry: &impl Fn(Kind, Option<TenantId>) -> Entry,
    ) -> Result<(), VaultError> {
        let (old, new) = (self.wrapping_key().await?, self.ring.preferred().await?);
        if old != new && !self.ring.has(&old).await {
            let entry = entry(Kind::VaultKeyRotated, None).with("from", old.as_str()).with("to", new.as_str());
            self.store.set_wrapping_key(&new, Some(&old), Some(entry.with("lost", true))).await?;
        }
        Ok(())
    }

    /// A new data key for a tenant whose present one does not open.
    async fn new_key_for(
        &self,
        tenant: &TenantId,
        entry: &impl Fn(Kind, Option<TenantId>) -> Entry,
    ) -> Result<bool, VaultError> {
        let keys = self.store.vault().await?.keys;
        let Some(present) = keys.iter().find(|key| key.current && key.tenant == *tenant) else { return Ok(false) };
        match unwrap(&self.ring, present).await {
            Ok(_) => return Ok(false),
            Err(error) => {
                let error = VaultError::Key(Arc::new(error));
                if error.is_passing() {
                    return Err(error);
                }
            }
        }
        let made = entry(Kind::VaultDataKeyMade, Some(tenant.clone()));
        let done = self.make_key_by(tenant, Some(present.number), made).await?;
        self.keys.forget_current(tenant);
        Ok(done)
    }

    /// A renewal may be under way in another process: whatever it stores opens, and is left alone.
    async fn needs_consent(
        &self,
        one: Unread,
        entry: &impl Fn(Kind, Option<TenantId>) -> Entry,
    ) -> Result<(), VaultError> {
        let slot = one.row.slot();
        for _ in 0..TRIES {
            let Some(head) = self.head(&slot).await?.filter(|head| head.generation == one.head.generation) else {
                return Ok(());
            };
            if matches!(head.standing, Standing::Revoked { .. } | Standing::ConsentNeeded { .. }) {
                return Ok(());
            }
            let installation = slot.installation.as_ref().map_or("-", InstallationId::as_str);
            let entry = entry(Kind::ConnectionConsentNeeded, Some(slot.tenant.clone()))
                .about(format!("installation:{installation}"))
                .with("name", slot.name.as_str())
                .with("generation", head.generation)
                .with("why", WHY);
            let standing = Standing::ConsentNeeded { since: entry.time, why: WHY.to_owned() };
            let next = Head { standing, claimant: None, ..head.clone() };
            if self.set_head(&slot, head, next, entry).await? {
                return Ok(());
            }
        }
        Err(VaultError::Busy(slot.name))
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{
        audit::Actor,
        connection::Origin,
        secret::{Secret, SecretStore as _},
        time::Timestamp,
    };

    use super::*;
    use crate::{
        issue::Credential,
        key::{Key, service::KeyRing},
        testing::{Counter, ring, store},
        vault::NewSecret,
    };

    fn entry(kind: Kind, tenant: Option<TenantId>) -> Entry {
        Entry::new(Timestamp(7), kind, Actor::Host, tenant)
    }

    fn slot(installation: Option<&str>, name: &str) -> Slot {
        let installation = installation.map(|id| id.parse().unwrap());
        Slot { tenant: "acme".parse().unwrap(), installation, name: name.to_owned() }
    }

    async fn put(vault: &Vault, slot: Slot, text: &str) {
        let origin =
            Origin { provider: "chat".parse().unwrap(), settings: Default::default(), scopes: Vec::new(), risk: None };
        let credential = Credential { access: Some(Secret::new(text.into())), ..Credential::default() };
        let new = NewSecret { slot, place: "{}".into(), origin: Some(origin), credential, expires: None };
        vault.store_new(new, entry(Kind::ConnectionAdded, None)).await.unwrap();
    }

    #[tokio::test]
    async fn when_the_key_is_gone_a_persons_word_lets_everything_else_go_on() {
        let (_dir, store) = store();
        let before = Vault::new(store.clone(), ring(), Arc::new(Counter::default()));
        put(&before, slot(Some("ins_1"), "chat"), "chat-token-of-before").await;
        put(&before, slot(Some("ins_1"), SIGNING), "ring-of-before").await;
        put(&before, slot(None, "source/zen"), "source-of-before").await;
        let found = KeyRing::of(Key::of(&[9; 32]).unwrap(), Arc::new(Counter::default()));
        let after = Vault::new(store.clone(), found, Arc::new(Counter::default()));
        let stuck = NewSecret {
            slot: slot(Some("ins_2"), "chat"),
            place: "{}".into(),
            origin: None,
            credential: Credential { access: Some(Secret::new(b"another-token".to_vec())), ..Credential::default() },
            expires: None,
        };
        let error = after.store_new(stuck.clone(), entry(Kind::ConnectionAdded, None)).await.unwrap_err();
        assert!(error.to_string().contains("not at hand"), "{error}");

        let lost = after.lost().await.unwrap();
        let given = after.give_up(entry).await.unwrap();
        assert_eq!(given, GivenUp { keys_made: 1, ..lost });
        assert_eq!((given.connections.len(), given.back_ends.len(), given.others.len()), (1, 1, 1));
        let head = after.head(&slot(Some("ins_1"), "chat")).await.unwrap().unwrap();
        assert!(matches!(&head.standing, Standing::ConsentNeeded { why, .. } if why == WHY), "{head:?}");
        assert!(after.head(&slot(Some("ins_1"), SIGNING)).await.unwrap().is_none(), "'backend set' makes another");
        // New things are stored, in the old places too.
        after.store_new(stuck, entry(Kind::ConnectionAdded, None)).await.unwrap();
        put(&after, slot(Some("ins_1"), "chat"), "chat-token-of-after").await;
        put(&after, slot(None, "source/zen"), "source-of-after").await;
        assert!(after.lost().await.unwrap().is_empty());
        let (head, opened) = after.slot(&slot(Some("ins_1"), "chat")).await.unwrap().unwrap();
        assert_eq!(
            (head.standing, opened.credential.access.unwrap().expose()),
            (Standing::Ready, &b"chat-token-of-after"[..])
        );
        // Where there is nothing to give up nothing happens.
        let revision = store.secrets_revision().await.unwrap();
        assert_eq!(after.give_up(entry).await.unwrap(), GivenUp::default());
        assert_eq!(store.secrets_revision().await.unwrap(), revision);
    }

    #[tokio::test]
    async fn what_opens_is_not_given_up_and_twice_is_as_good_as_once() {
        let (_dir, store) = store();
        let other = Vault::new(store.clone(), ring(), Arc::new(Counter::default()));
        put(&other, slot(Some("ins_1"), "chat"), "chat-token-of-before").await;
        let both = KeyRing::of(Key::of(&[9; 32]).unwrap(), Arc::new(Counter::default()));
        let blind = Vault::new(store.clone(), both.clone(), Arc::new(Counter::default()));
        for _ in 0..2 {
            blind.give_up(entry).await.unwrap();
        }
        assert_eq!(store.wrapping_keys().await.unwrap().len(), 2);
        put(&blind, slot(Some("ins_1"), "fresh"), "token-under-the-new-key").await;
        assert_eq!(blind.give_up(entry).await.unwrap().connections.len(), 1, "the fresh one opens");
        let (head, _) = blind.slot(&slot(Some("ins_1"), "fresh")).await.unwrap().unwrap();
        assert_eq!(head.standing, Standing::Ready);
        // The old key turns up again: it opens still, until it is replaced.
        assert!(other.slot(&slot(Some("ins_1"), "chat")).await.unwrap().is_some());
    }
}
