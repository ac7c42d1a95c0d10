//! Automation: made, given another key, taken away; and known by its token.
//!
//! Invariants: whoever makes one may do all that its role may; it is of one tenant, ends within a year, and is decided about with each
//! request as it stands by then; a token ends after ten minutes, with its key, and with the automation; it does what people need a second
//! factor for only where that was said when it was made.

use std::{net::IpAddr, time::Duration};

use portcullis_model::{
    audit::{Actor, Entry, Kind, plain},
    id::{Digest, RoleName, TenantId},
    oauth::{ClientKey, Jwk, KeyState, Put},
    people::{
        ACTIONS, Automation, AutomationChange, Caller, Holding, Network, Principal, Reach,
        actions::{PEOPLE_CHANGE, PEOPLE_INVITE, PEOPLE_LIST, PEOPLE_REMOVE},
    },
    time::Timestamp,
};

use crate::{Access, AccessError};

/// The longest that one lasts, in milliseconds: a year.
const LONGEST_MS: i64 = 366 * 24 * 60 * 60 * 1_000;
/// The longest name, in characters; the most networks, keys, and automations of a tenant.
const NAME: usize = 60;
const NETWORKS: usize = 50;
const KEYS: usize = 4;
const MOST: usize = 200;

/// One that is to be made.
#[derive(Clone, Debug)]
pub struct NewAutomation {
    /// Whose.
    pub tenant: TenantId,
    /// What it is called.
    pub name: String,
    /// As what it acts.
    pub role: RoleName,
    /// Whether it may do what people need a second factor for.
    pub privileged: bool,
    /// From where it may come; empty: from wherever the tenant's people may.
    pub networks: Vec<Network>,
    /// Its public key, and the key's thumbprint.
    pub key: (Jwk, String),
    /// Until when.
    pub until: Timestamp,
}

impl Access {
    /// Makes one.
    ///
    /// # Errors
    /// The caller may not, or may do less than the role; the name is taken, or a value is none.
    pub async fn add_automation(&self, caller: &Caller, new: NewAutomation) -> Result<Automation, AccessError> {
        let place = Some(&new.tenant);
        self.may(caller, &PEOPLE_INVITE, place, "automation", None).await?;
        self.check_given(caller, place, &new.role).await?;
        // Whoever holds a key would otherwise hold one that outlives it, and is good from everywhere.
        if matches!(caller.principal, Principal::Automation(_)) {
            return Err(AccessError::Invalid("a program is registered by a person".to_owned()));
        }
        let now = self.clock.now();
        let name = plain(new.name.trim());
        if !(1..=NAME).contains(&name.chars().count()) {
            return Err(AccessError::Invalid(format!("a name has 1 to {NAME} characters")));
        }
        if new.until <= now || new.until.0 - now.0 > LONGEST_MS {
            return Err(AccessError::Invalid("automation ends within a year: say when".to_owned()));
        }
        if new.networks.len() > NETWORKS {
            return Err(AccessError::Invalid(format!("{NETWORKS} networks are the most")));
        }
        if self.store.automations(&new.tenant, MOST).await?.len() >= MOST {
            return Err(AccessError::Conflict(format!("{MOST} of them are the most: take one away first")));
        }
        let (key, thumbprint) = new.key;
        let row = Automation {
            id: Automation::fresh_id(self.rng.as_ref()),
            tenant: new.tenant,
            name,
            role: new.role,
            privileged: new.privileged,
            networks: new.networks,
            keys: vec![ClientKey { key, thumbprint, since: now, state: KeyState::Current }],
            by: caller.actor.clone(),
            since: now,
            until: new.until,
            ended: None,
            version: 1,
        };
        let networks: Vec<String> = row.networks.iter().map(ToString::to_string).collect();
        let entry = self
            .about(caller, Kind::AutomationAdded, &row)
            .with("role", row.role.as_str())
            .with("privileged", row.privileged)
            .with("networks", networks)
            .with("until", row.until.to_string())
            .with("key", row.keys[0].thumbprint.as_str());
        self.put_automation(row, None, entry).await
    }

    /// A tenant's, by name.
    ///
    /// # Errors
    /// The caller may not, or storage.
    pub async fn automations(&self, caller: &Caller, tenant: &TenantId) -> Result<Vec<Automation>, AccessError> {
        self.may(caller, &PEOPLE_LIST, Some(tenant), "automation", None).await?;
        Ok(self.store.automations(tenant, MOST).await?)
    }

    /// Gives one another key. Those before stay good for this long; nothing: they end at once, with their tokens.
    ///
    /// # Errors
    /// The caller may not, or may do less than its role; there is none; the key is one that it has.
    pub async fn rotate_automation(
        &self,
        caller: &Caller,
        tenant: &TenantId,
        which: &str,
        (key, thumbprint): (Jwk, String),
        overlap: Duration,
    ) -> Result<Automation, AccessError> {
        self.may(caller, &PEOPLE_CHANGE, Some(tenant), "automation", Some(which)).await?;
        let before = self.of_tenant(tenant, which).await?;
        self.check_given(caller, Some(tenant), &before.role).await?;
        if matches!(&caller.principal, Principal::Automation(own) if *own != before.id) {
            return Err(AccessError::Invalid("a program gives another key to itself and to no other".to_owned()));
        }
        let now = self.clock.now();
        if before.keys.iter().any(|one| one.thumbprint == thumbprint) {
            return Err(AccessError::Conflict("it has this key already: make a new one".to_owned()));
        }
        let until = now.plus(overlap);
        let mut keys: Vec<ClientKey> = before
            .good_keys(now)
            .filter(|_| overlap > Duration::ZERO)
            .map(|one| match one.state {
                KeyState::Previous { until: sooner } if sooner < until => one.clone(),
                _ => ClientKey { state: KeyState::Previous { until }, since: now, ..one.clone() },
            })
            .collect();
        if keys.len() >= KEYS {
            return Err(AccessError::Conflict(
                "too many keys are good at a time: rotate without an overlap".to_owned(),
            ));
        }
        keys.push(ClientKey { key, thumbprint: thumbprint.clone(), since: now, state: KeyState::Current });
        let entry = self
            .about(caller, Kind::AutomationChanged, &before)
            .with("key", thumbprint)
            .with("overlap-seconds", overlap.as_secs());
        let expected = Some(before.version);
        self.put_automation(Automation { keys, version: before.version + 1, ..before }, expected, entry).await
    }

    /// Takes one away: its tokens are nobody's with the next request.
    ///
    /// # Errors
    /// The caller may not; there is none.
    pub async fn remove_automation(
        &self,
        caller: &Caller,
        tenant: &TenantId,
        which: &str,
    ) -> Result<Automation, AccessError> {
        self.may(caller, &PEOPLE_REMOVE, Some(tenant), "automation", Some(which)).await?;
        let before = self.of_tenant(tenant, which).await?;
        let entry = self.about(caller, Kind::AutomationRemoved, &before);
        let (expected, ended) = (Some(before.version), Some(self.clock.now()));
        self.put_automation(Automation { ended, version: before.version + 1, ..before }, expected, entry).await
    }

    /// Who asks by a token of this digest; `None`: nobody, nobody any more, or nobody from there.
    ///
    /// # Errors
    /// Storage.
    pub async fn automation_caller(&self, token: &Digest, address: IpAddr) -> Result<Option<Caller>, AccessError> {
        let now = self.clock.now();
        let Some(token) = self.store.automation_token(token).await?.filter(|token| now < token.expires) else {
            return Ok(None);
        };
        let found = self.store.automation(&token.client).await?;
        let Some(one) = found.filter(|one| one.holds(now) && one.is_near(address)) else { return Ok(None) };
        if !one.good_keys(now).any(|key| key.thumbprint == token.key) {
            return Ok(None);
        }
        let holding = Holding {
            tenant: Some(one.tenant.clone()),
            role: one.role.clone(),
            until: Some(one.until),
            support: None,
            break_glass: false,
        };
        let covered = ACTIONS.iter().filter(|action| one.privileged || !action.privileged);
        Ok(Some(Caller {
            principal: Principal::Automation(one.id.clone()),
            actor: Actor::Automation { client: one.id },
            reach: Reach::Holdings(vec![holding]),
            session: None,
            sign_in: None,
            factors: Vec::new(),
            address: Some(address.to_canonical()),
            now,
            session_times: None,
            suspended: false,
            scopes: covered.map(|action| action.name.to_owned()).collect(),
            speaks_as: None,
        }))
    }

    /// One of a tenant's by its id or its name.
    async fn of_tenant(&self, tenant: &TenantId, which: &str) -> Result<Automation, AccessError> {
        let all = self.store.automations(tenant, MOST).await?;
        let found = all.into_iter().find(|one| one.id.as_str() == which || one.name == which);
        found.ok_or(AccessError::Unknown("automation"))
    }

    fn about(&self, caller: &Caller, kind: Kind, one: &Automation) -> Entry {
        self.entry(caller, kind, Some(&one.tenant)).about(format!("client:{}", one.id)).with("name", one.name.as_str())
    }

    async fn put_automation(
        &self,
        row: Automation,
        expected: Option<u64>,
        entry: Entry,
    ) -> Result<Automation, AccessError> {
        let put = Some(Put { row: row.clone(), expected });
        let change = AutomationChange { row: put, entries: vec![entry], ..Default::default() };
        match self.store.change_automation(change).await? {
            true => Ok(row),
            false => Err(AccessError::Conflict("the name is taken, or it changed in between: look again".to_owned())),
        }
    }
}
