//! What a place has set: support access (ACC-6), and how, from where and how long people sign in (ACC-4, ACC-7).

use portcullis_model::{
    audit::{Kind, plain},
    error::StoreError,
    id::{Digest, SupportId, TenantId},
    oauth::Put,
    people::{
        AccessSettings, Caller, PeopleChange, SupportGrant,
        actions::{ACCESS_CHANGE, ACCESS_GET, SUPPORT_END, SUPPORT_GRANT, SUPPORT_LIST},
    },
    secret::SecretChange,
    time::Timestamp,
};

use crate::{Access, AccessError};

/// The longest time that support is let in at once: a week, in milliseconds.
const LONGEST_MS: i64 = 7 * 24 * 60 * 60 * 1_000;
/// The most networks of a list.
const NETWORKS: usize = 200;
/// The most grants of support access that are listed.
const LISTED: usize = 200;

impl Access {
    /// Lets the platform's support in, for a time.
    ///
    /// # Errors
    /// The caller may not; the time is over or too long; no reason is given.
    pub async fn grant_support(
        &self,
        caller: &Caller,
        tenant: &TenantId,
        until: Timestamp,
        may_change: bool,
        reason: &str,
    ) -> Result<SupportGrant, AccessError> {
        self.may(caller, &SUPPORT_GRANT, Some(tenant), "support", None).await?;
        let now = self.clock.now();
        if until <= now || until.0 - now.0 > LONGEST_MS {
            return Err(AccessError::Invalid("support is let in for at most a week at a time".to_owned()));
        }
        let reason = plain(reason.trim());
        if reason.is_empty() {
            return Err(AccessError::Invalid("say what for".to_owned()));
        }
        let grant = SupportGrant {
            id: SupportId::random(self.rng.as_ref()),
            tenant: tenant.clone(),
            may_change,
            reason,
            by: caller.actor.clone(),
            since: now,
            until,
            ended: None,
            version: 1,
        };
        let entry = self
            .entry(caller, Kind::SupportGranted, Some(tenant))
            .about(format!("support:{}", grant.id))
            .with("until", until.to_string())
            .with("may-change", may_change)
            .with("reason", grant.reason.as_str());
        let support = Some(Put { row: grant.clone(), expected: None });
        self.change(PeopleChange { support, entries: vec![entry], ..Default::default() }).await?;
        Ok(grant)
    }

    /// Ends that before its time: with the next request.
    ///
    /// # Errors
    /// The caller may not; there is no such grant that holds.
    pub async fn end_support(&self, caller: &Caller, tenant: &TenantId, id: &SupportId) -> Result<(), AccessError> {
        self.may(caller, &SUPPORT_END, Some(tenant), "support", Some(id.as_str())).await?;
        let now = self.clock.now();
        let found =
            self.store.support_of(tenant, LISTED).await?.into_iter().find(|one| one.id == *id && one.holds(now));
        let grant = found.ok_or(AccessError::Unknown("support access"))?;
        let entry = self.entry(caller, Kind::SupportEnded, Some(tenant)).about(format!("support:{id}"));
        let expected = Some(grant.version);
        let row = SupportGrant { ended: Some(now), version: grant.version + 1, ..grant };
        let support = Some(Put { row, expected });
        self.change(PeopleChange { support, entries: vec![entry], ..Default::default() }).await
    }

    /// When support was let in, the latest first.
    ///
    /// # Errors
    /// The caller may not, or storage.
    pub async fn support(&self, caller: &Caller, tenant: &TenantId) -> Result<Vec<SupportGrant>, AccessError> {
        self.may(caller, &SUPPORT_LIST, Some(tenant), "support", None).await?;
        Ok(self.store.support_of(tenant, LISTED).await?)
    }

    /// What a place has set by itself. What holds there is this and all other layers, met.
    ///
    /// # Errors
    /// The caller may not, or storage.
    pub async fn settings(&self, caller: &Caller, place: Option<&TenantId>) -> Result<AccessSettings, AccessError> {
        self.may(caller, &ACCESS_GET, place, "access", None).await?;
        Ok(self.store.access_settings(place).await?)
    }

    /// What those tenants have set that have a provider of their own, by name: whoever shows it says who may see which.
    ///
    /// # Errors
    /// Storage.
    pub async fn providers(&self) -> Result<Vec<(TenantId, AccessSettings)>, StoreError> {
        self.store.with_provider().await
    }

    /// Changes that, over the version that it was made from.
    ///
    /// # Errors
    /// The caller may not, would lock themselves out, or somebody was faster; a limit is none.
    pub async fn set_settings(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        new: AccessSettings,
    ) -> Result<AccessSettings, AccessError> {
        self.set_settings_with(caller, place, new, Vec::new()).await
    }

    /// The same, together with what becomes of secrets: all of it, or nothing.
    ///
    /// # Errors
    /// As [`Access::set_settings`]; a secret was made from what is not so any more.
    pub async fn set_settings_with(
        &self,
        caller: &Caller,
        place: Option<&TenantId>,
        new: AccessSettings,
        secrets: Vec<SecretChange>,
    ) -> Result<AccessSettings, AccessError> {
        self.may(caller, &ACCESS_CHANGE, place, "access", None).await?;
        let limits = &new.limits;
        if [limits.idle_minutes, limits.absolute_minutes, limits.step_up_minutes].contains(&0) {
            return Err(AccessError::Invalid("a limit is at least one minute".to_owned()));
        }
        if limits.networks.iter().map(Vec::len).sum::<usize>() > NETWORKS {
            return Err(AccessError::Invalid(format!("{NETWORKS} networks are the most")));
        }
        if caller.address.is_some_and(|address| !limits.allows(address)) {
            let help = "your own address is in none of these networks: you would be locked out at once";
            return Err(AccessError::Invalid(help.to_owned()));
        }
        self.check_provider(place, new.provider.as_ref()).await?;
        let before = self.store.access_settings(place).await?;
        if new.version != before.version {
            return Err(AccessError::Conflict("it changed in between: look again".to_owned()));
        }
        let row = AccessSettings { version: before.version + 1, ..new };
        let networks: Vec<Vec<String>> =
            row.limits.networks.iter().map(|list| list.iter().map(ToString::to_string).collect()).collect();
        let entry = self
            .entry(caller, Kind::AccessChanged, place)
            .with("idle-minutes", row.limits.idle_minutes)
            .with("absolute-minutes", row.limits.absolute_minutes)
            .with("step-up-minutes", row.limits.step_up_minutes)
            .with("networks", networks)
            .with("single-sign-on", row.provider.as_ref().map_or("", |provider| provider.issuer.as_str()))
            .with("digest", Digest::of(&serde_json::to_vec(&row.provider).unwrap_or_default()).to_string())
            .with("single-sign-on-only", row.provider.as_ref().is_some_and(|provider| provider.only));
        let expected = Some(before.version).filter(|version| *version > 0);
        let settings = Some((place.cloned(), Put { row: row.clone(), expected }));
        let mut change = PeopleChange { settings, secrets, entries: vec![entry], ..Default::default() };
        let issuer = |settings: &AccessSettings| settings.provider.as_ref().map(|one| one.issuer.clone());
        if let Some(tenant) = place.filter(|_| before.provider.is_some() && issuer(&before) != issuer(&row)) {
            self.end_by_provider(&mut change, tenant, &caller.actor).await?;
        }
        self.change(change).await?;
        Ok(row)
    }
}
