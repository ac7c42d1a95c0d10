//! What an operator does about clients: register one for an installation, replace its keys, revoke it.
//!
//! Invariants: an installation has one client at a time, and each client an id and a name that no other ever had (INT-1); where an
//! authorization leads back to is https, or http on this very machine.

use portcullis_model::{
    audit::Entry,
    error::StoreError,
    id::ClientId,
    installation::Installation,
    oauth::{Authentication, Change, Client, ClientKey, Jwk, KeyState, OAuthStore, Put},
    time::{Rng, Timestamp},
};
use url::{Host, Url};

use super::jwk;

/// For how long a replaced key stays good where nobody says otherwise, in seconds: a day.
pub const OVERLAP: u64 = 86_400;

/// Why a client was not registered or changed.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// The installation has one.
    #[error("the installation has the client {0} already; revoke it first")]
    Exists(ClientId),
    /// There is no such client, or it was revoked.
    #[error("there is no client '{0}' that is not revoked; see 'portcullis client list'")]
    Unknown(String),
    /// A redirection URI is not taken.
    #[error("redirect URI '{uri}': {problem}")]
    Redirect {
        /// Which.
        uri: String,
        /// What would be right.
        problem: &'static str,
    },
    /// The keys do not do.
    #[error("{0}")]
    Keys(String),
    /// Somebody else changed it at the same time.
    #[error("somebody else has just changed it; look at it again")]
    Changed,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What is asked for with a registration.
#[derive(Clone, Debug)]
pub struct Registration {
    /// How the client proves itself.
    pub authentication: Authentication,
    /// Its public keys.
    pub keys: Vec<Jwk>,
    /// Where authorizations may lead back to.
    pub redirects: Vec<String>,
    /// For how long a replaced key stays good, in seconds.
    pub overlap_seconds: u64,
}

fn check_redirect(uri: &str) -> Result<(), &'static str> {
    let url = Url::parse(uri).map_err(|_| "expected an absolute URI")?;
    let local = match url.host() {
        Some(Host::Ipv4(ip)) => ip.is_loopback(),
        Some(Host::Ipv6(ip)) => ip.is_loopback(),
        Some(Host::Domain(_)) => false,
        None => return Err("it needs a host"),
    };
    if uri.len() > 512 || uri.bytes().any(|b| !(b'!'..=b'~').contains(&b)) {
        return Err("expected at most 512 characters of printable ASCII");
    }
    if url.fragment().is_some() || !url.username().is_empty() || url.password().is_some() {
        return Err("it must not have a fragment, a user or a password (RFC 6749, 3.1.2)");
    }
    match url.scheme() {
        "https" => Ok(()),
        "http" if local => Ok(()),
        _ => Err("expected https, or http on 127.0.0.1 or [::1]"),
    }
}

fn key(key: Jwk, state: KeyState, now: Timestamp) -> ClientKey {
    ClientKey { thumbprint: jwk::thumbprint(&key), key, since: now, state }
}

fn check(registration: &Registration, all: &[Client]) -> Result<(), ClientError> {
    for uri in &registration.redirects {
        check_redirect(uri).map_err(|problem| ClientError::Redirect { uri: uri.clone(), problem })?;
    }
    let Registration { authentication, keys, redirects, .. } = registration;
    let wrong = |why: &str| Err(ClientError::Keys(why.into()));
    if keys.len() > jwk::MAX_KEYS || redirects.len() > 10 {
        return wrong("a client has at most 5 keys and 10 redirect URIs");
    }
    match (authentication, keys.is_empty(), redirects.is_empty()) {
        (Authentication::PrivateKeyJwt, true, _) => return wrong("a client that signs assertions needs a public key"),
        (Authentication::Dpop, true, true) => {
            return wrong("a client without a key needs a redirect URI, or it can do nothing");
        }
        _ => {}
    }
    new_keys(keys, all)
}

/// A key stands for one client: a key of two would let one of them act as the other.
fn new_keys(keys: &[Jwk], all: &[Client]) -> Result<(), ClientError> {
    for (at, key) in keys.iter().enumerate() {
        let print = jwk::thumbprint(key);
        let twice = keys[..at].iter().any(|other| jwk::thumbprint(other) == print);
        if twice || all.iter().flat_map(|client| &client.keys).any(|known| known.thumbprint == print) {
            return Err(ClientError::Keys(format!("the key {print} is registered already; each client has its own")));
        }
    }
    Ok(())
}

/// `<plugin> in <tenant> (<installation>)`, and a number where the installation had clients before.
fn name(installation: &Installation, all: &[Client]) -> String {
    let id = installation.id.as_str();
    let short: String = id.strip_prefix("ins_").unwrap_or(id).chars().take(8).collect();
    let base = |id: &str| format!("{} in {} ({id})", installation.plugin, installation.tenant);
    let before = all.iter().filter(|client| client.installation == installation.id).count();
    let numbered = |base: String| if before == 0 { base } else { format!("{base} #{}", before + 1) };
    let brief = numbered(base(&short));
    if all.iter().any(|client| client.name == brief) { numbered(base(id)) } else { brief }
}

/// The installation's client, as it would be registered.
///
/// # Errors
/// The installation has one, or the registration does not do.
pub async fn planned(
    store: &dyn OAuthStore,
    installation: &Installation,
    registration: Registration,
    (rng, now): (&dyn Rng, Timestamp),
) -> Result<Client, ClientError> {
    let all = store.clients().await?;
    if let Some(live) = all.iter().find(|one| one.installation == installation.id && one.revoked.is_none()) {
        return Err(ClientError::Exists(live.id.clone()));
    }
    check(&registration, &all)?;
    Ok(Client {
        id: ClientId::random(rng),
        name: name(installation, &all),
        tenant: installation.tenant.clone(),
        installation: installation.id.clone(),
        plugin: installation.plugin.clone(),
        authentication: registration.authentication,
        keys: registration.keys.into_iter().map(|one| key(one, KeyState::Current, now)).collect(),
        redirects: registration.redirects,
        overlap_seconds: registration.overlap_seconds,
        created: now,
        ended_until: None,
        revoked: None,
        version: 1,
    })
}

/// Registers the installation's client. `entry` is the operator's.
pub async fn register(
    store: &dyn OAuthStore,
    installation: &Installation,
    registration: Registration,
    (rng, now): (&dyn Rng, Timestamp),
    entry: Entry,
) -> Result<Client, ClientError> {
    let client = planned(store, installation, registration, (rng, now)).await?;
    let prints: Vec<&str> = client.keys.iter().map(|key| key.thumbprint.as_str()).collect();
    let entry = entry
        .about(format!("installation:{}", installation.id))
        .with("client", client.id.as_str())
        .with("name", client.name.as_str())
        .with("authentication", client.authentication.method())
        .with("keys", prints)
        .with("redirects", client.redirects.clone());
    put(store, client, None, entry).await
}

async fn put(
    store: &dyn OAuthStore,
    client: Client,
    expected: Option<u64>,
    entry: Entry,
) -> Result<Client, ClientError> {
    let put = Put { row: client.clone(), expected };
    match store.change(Change { client: Some(put), entries: vec![entry], ..Change::default() }).await? {
        true => Ok(client),
        false => Err(ClientError::Changed),
    }
}

/// The live client that a text means: its id, its name, or its installation's id.
pub async fn find(store: &dyn OAuthStore, text: &str) -> Result<Client, ClientError> {
    let means = |one: &Client| [one.id.as_str(), &one.name, one.installation.as_str()].contains(&text);
    let found = store.clients().await?.into_iter().find(|one| one.revoked.is_none() && means(one));
    found.ok_or_else(|| ClientError::Unknown(portcullis_model::audit::plain(text)))
}

/// A client with this key beside those that it has.
///
/// # Errors
/// It has none, or one that waits already; or the key is another's.
pub async fn with_key(
    store: &dyn OAuthStore,
    client: Client,
    next: Jwk,
    now: Timestamp,
) -> Result<Client, ClientError> {
    let all = store.clients().await?;
    new_keys(std::slice::from_ref(&next), &all)?;
    if client.keys.is_empty() {
        return Err(ClientError::Keys(
            "this client registered no key: its tokens are bound to whatever key asks".into(),
        ));
    }
    let mut keys: Vec<ClientKey> = client.good_keys(now).cloned().collect();
    if keys.iter().any(|key| key.state == KeyState::Pending) {
        return Err(ClientError::Keys(
            "a key is pending already; drop it with 'portcullis client drop-key' first".into(),
        ));
    }
    keys.push(key(next, KeyState::Pending, now));
    Ok(Client { keys, ..client })
}

/// Adds a key that becomes the current one with its first use; those that it replaces stay good for the overlap.
pub async fn rotate(
    store: &dyn OAuthStore,
    client: Client,
    next: Jwk,
    now: Timestamp,
    entry: Entry,
) -> Result<Client, ClientError> {
    let print = jwk::thumbprint(&next);
    let client = with_key(store, client, next, now).await?;
    change(store, client, entry.with("change", "key added").with("key", print)).await
}

/// A client without the key of this thumbprint.
///
/// # Errors
/// It has no such key, or no other.
pub fn without_key(client: Client, thumbprint: &str) -> Result<Client, ClientError> {
    let keys: Vec<ClientKey> = client.keys.iter().filter(|key| key.thumbprint != thumbprint).cloned().collect();
    if keys.len() == client.keys.len() {
        return Err(ClientError::Keys("the client has no such key; see 'portcullis client show'".into()));
    }
    if keys.is_empty() {
        return Err(ClientError::Keys(
            "it is the client's only key; add another one first, or revoke the client".into(),
        ));
    }
    Ok(Client { keys, ..client })
}

/// Takes a key away at once, as after a theft. Tokens that were issued stay good until they end or are revoked.
pub async fn drop_key(
    store: &dyn OAuthStore,
    client: Client,
    thumbprint: &str,
    entry: Entry,
) -> Result<Client, ClientError> {
    let client = without_key(client, thumbprint)?;
    change(store, client, entry.with("change", "key dropped").with("key", thumbprint)).await
}

/// Writes a client anew that was read in this version and changed since.
async fn change(store: &dyn OAuthStore, client: Client, entry: Entry) -> Result<Client, ClientError> {
    let entry = entry.about(format!("installation:{}", client.installation)).with("client", client.id.as_str());
    let expected = Some(client.version);
    put(store, Client { version: client.version + 1, ..client }, expected, entry).await
}

/// Ends every token and grant that a client has at this moment; it goes on by asking for new ones.
pub async fn end_tokens(
    store: &dyn OAuthStore,
    client: Client,
    now: Timestamp,
    reason: &str,
    entry: Entry,
) -> Result<Client, ClientError> {
    let entry = entry.with("tokens", "all").with("reason", reason);
    change(store, Client { ended_until: Some(now), ..client }, entry).await
}

/// Ends every key that a client has, at once. They stay on record; the client is back when it gets a new one by [`rotate`].
pub async fn end_keys(
    store: &dyn OAuthStore,
    client: Client,
    now: Timestamp,
    entry: Entry,
) -> Result<Client, ClientError> {
    let end = |key: &ClientKey| ClientKey { since: now, state: KeyState::Previous { until: now }, ..key.clone() };
    let keys = client.keys.iter().map(end).collect();
    change(store, Client { keys, ..client }, entry.with("change", "keys ended")).await
}

/// Revokes a client, and with it every token that it has.
pub async fn revoke(
    store: &dyn OAuthStore,
    client: Client,
    now: Timestamp,
    reason: &str,
    entry: Entry,
) -> Result<Client, ClientError> {
    change(store, Client { revoked: Some(now), ..client }, entry.with("reason", reason)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authorization_leads_back_over_tls_or_to_this_machine() {
        for fine in
            ["https://b.example/cb", "https://b.example:8443/cb?x=1", "http://127.0.0.1:9/cb", "http://[::1]/cb"]
        {
            assert_eq!(check_redirect(fine), Ok(()), "{fine}");
        }
        for wrong in [
            "http://b.example/cb",
            "http://localhost/cb",
            "https://b.example/cb#x",
            "https://u:p@b.example/",
            "app:/cb",
            "javascript:alert(1)",
            "/cb",
            "https://b.example/ü",
            "data:text/html,x",
        ] {
            assert!(check_redirect(wrong).is_err(), "{wrong}");
        }
    }
}
