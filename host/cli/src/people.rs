//! People and access, wired together.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context as _, Result};
use async_trait::async_trait;
use portcullis_access::{Access, Passkeys, Swept};
use portcullis_api::{Providers, SignIn, admin::v1};
use portcullis_broker::{key::Key, oidc::Oidc, resolve::SystemResolver};
use portcullis_model::{
    duty::TenantRules,
    error::StoreError,
    id::TenantId,
    people::{Caller, Limits, PeopleStore as _, ProfileLimits},
    time::Clock,
};

use tokio::sync::watch;

use crate::{
    config::Config,
    host::{Host, person},
};

/// How often what is over by itself is looked for.
const SWEEP: Duration = Duration::from_secs(60);

/// What the profiles that a tenant has turned on ask for.
struct OfProfiles(Arc<dyn TenantRules>);

#[async_trait]
impl ProfileLimits for OfProfiles {
    async fn limits_of(&self, tenant: &TenantId) -> Result<Vec<Limits>, StoreError> {
        self.0.refresh().await?;
        let settings = self.0.settings(tenant);
        Ok(vec![Limits {
            idle_minutes: settings.idle_minutes,
            absolute_minutes: settings.session_hours.saturating_mul(60),
            step_up_minutes: settings.step_up_minutes,
            networks: Vec::new(),
        }])
    }
}

/// Who is who in this home, and who may do what.
pub fn access(host: &Host) -> Result<Access> {
    let key = Key::load(&host.home.people_key(), host.rng.as_ref())?.text();
    let profiles = Arc::new(OfProfiles(host.duties.clone()));
    Ok(Access::new(host.store.clone(), profiles, host.clock.clone(), host.rng.clone(), key)?)
}

/// What the admin API looks after people with. Where nobody can sign in it is made when it is first asked for: reading the policies
/// takes longer than most commands.
pub fn ports(host: &Host, people: Option<&SignIn>) -> Result<v1::people::Ports> {
    if let Some(people) = people {
        let access = people.access.clone();
        return Ok(v1::people::Ports::new(move || Ok(access), Some(people.base.clone())));
    }
    let key = host.home.people_key();
    let (store, duties, clock, rng) = (host.store.clone(), host.duties.clone(), host.clock.clone(), host.rng.clone());
    let make = move || {
        let key = Key::load(&key, rng.as_ref()).map_err(|error| error.to_string())?.text();
        Access::new(store, Arc::new(OfProfiles(duties)), clock, rng, key).map_err(|error| error.to_string())
    };
    // Where the port is not fixed, nobody knows here where a link would lead to.
    let known = host.config.listen.address.port() != 0 || host.config.listen.public_url.is_some();
    let base = known.then(|| base(host, host.config.listen.address).ok()).flatten();
    Ok(v1::people::Ports::new(make, base))
}

/// How browsers reach this host, for links; none where nobody knows.
pub fn address(host: &Host, people: Option<&SignIn>) -> Option<String> {
    people.map(|people| people.base.clone()).or_else(|| reached(host).ok())
}

/// How browsers reach this host: as the running one says, which may listen elsewhere than the configuration has it.
pub fn reached(host: &Host) -> Result<String> {
    let mut listen = host.config.listen.clone();
    if let Some(address) = host.home.address()? {
        listen.address = address;
    }
    listen.base()
}

/// How browsers reach this host. On loopback, where no other address is named, by the one name that browsers know passkeys under.
pub fn base(host: &Host, address: SocketAddr) -> Result<String> {
    match (&host.config.listen.public_url, address.ip().is_loopback()) {
        (None, true) => Ok(format!("http://localhost:{}", address.port())),
        _ => host.config.listen.base(),
    }
}

/// The way in for people, where there is an address that they can reach it by.
pub async fn sign_in(host: &Host, access: Access, address: SocketAddr) -> Result<Option<Arc<SignIn>>> {
    let found = base(host, address).and_then(|base| Ok((Passkeys::new(&base)?, base)));
    let (passkeys, base) = match found {
        Ok(found) => found,
        Err(error) => {
            eprintln!("Nobody can sign in here: {error:#}");
            return Ok(None);
        }
    };
    if !host.store.has_people().await? {
        eprintln!(
            "Nobody has an account here yet. 'portcullis person invite you@example.com --name You --role owner' prints a link for \
             the first one."
        );
    }
    let providers = Some(Arc::new(providers(host)?));
    Ok(Some(Arc::new(SignIn { access, passkeys, providers, base, clock: host.clock.clone(), rng: host.rng.clone() })))
}

/// Ends sessions and links that are over by themselves, and forgets what is left of those that ended long ago.
pub async fn tidy(access: Access, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        match access.sweep().await {
            Ok(swept) if swept == Swept::default() => {}
            Ok(Swept { sessions, invitations, forgotten }) => {
                tracing::info!(sessions, invitations, forgotten, "sessions and links that were over were ended");
            }
            Err(error) => tracing::error!(%error, "sessions that are over cannot be ended"),
        }
        tokio::select! {
            () = tokio::time::sleep(SWEEP) => {}
            _ = stop.changed() => {}
        }
    }
}

/// Tenants' own providers, reached as egress reaches hosts.
fn providers(host: &Host) -> Result<Providers> {
    Ok(Providers::new(host.oidc()?, host.vault().clone()))
}

/// What asks tenants' own providers.
pub fn oidc(config: &Config, clock: Arc<dyn Clock>) -> Result<Oidc> {
    Ok(Oidc::new(&config.egress()?, Arc::new(SystemResolver::default()), clock)?)
}

/// The person at the keyboard, as whom decisions are made about.
pub fn at_the_terminal(host: &Host) -> Caller {
    Caller::at_the_terminal(person(), host.clock.now())
}

/// A tenant by its name.
pub fn place(text: Option<&str>) -> Result<Option<TenantId>> {
    text.map(|text| text.parse().context("--tenant")).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{commands::init, home::Home};

    #[tokio::test(flavor = "multi_thread")]
    async fn whoever_asks_a_provider_asks_by_the_one_that_remembers() {
        let dir = tempfile::tempdir().unwrap();
        let host = init::create(Home::at(dir.path()), "").await.unwrap();
        assert!(Arc::ptr_eq(&host.oidc().unwrap(), &host.clone().oidc().unwrap()));
    }
}
