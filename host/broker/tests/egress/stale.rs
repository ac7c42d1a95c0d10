//! A credential that the host on the other side refuses: replaced by a newer one, once, where there is one.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use portcullis_broker::{
    connection::{Connections, NewConnection},
    issue::{Conduct, Credential, IssueError, Issued, Issuer, Revoked},
    place::Place,
    renew::Renewals,
    vault::Vault,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    connection::{ConnectionKey, Origin},
    egress::SendRequest,
    id::ProviderId,
    secret::Secret,
    time::{Clock, Timestamp},
};

use crate::support::{
    server::{NAMES, Server},
    world::{Fixed, World, get, leading_to},
};

const CHAT: &str = "https://chat.example.test";

/// Gives `new-access-1`, then `new-access-2`, and so on.
#[derive(Default)]
struct Provider(AtomicUsize);

#[async_trait]
impl Issuer for Provider {
    fn conduct(&self, provider: &ProviderId) -> Option<Conduct> {
        let conduct =
            Conduct { renewable: true, own_means: false, renewal_ends_old: true, refresh_once: true, revocable: false };
        (provider.as_str() == "chat").then_some(conduct)
    }
    async fn renew(&self, _: &Origin, _: &Credential) -> Result<Issued, IssueError> {
        let number = self.0.fetch_add(1, Ordering::SeqCst) + 1;
        let access = Secret::new(format!("new-access-{number}").into_bytes());
        Ok(Issued { access, refresh: None, lifetime: Some(Duration::from_secs(3600)), scopes: None })
    }
    async fn revoke(&self, _: &Origin, _: &Credential) -> Result<Revoked, IssueError> {
        Ok(Revoked::NotOffered)
    }
}

/// Half an hour after everything was stored.
struct Later;
impl Clock for Later {
    fn now(&self) -> Timestamp {
        Timestamp(1_800_000)
    }
}

async fn renewing() -> (Server, World, Arc<Provider>, tempfile::TempDir) {
    let server = Server::start().await;
    let (provider, locks) = (Arc::new(Provider::default()), tempfile::tempdir().unwrap());
    let prepare = |vault: Arc<Vault>, connections: &Connections| {
        let renewals = Renewals::new(vault, provider.clone(), locks.path(), Arc::new(Later), Arc::new(Fixed)).unwrap();
        connections.renewed_by(Arc::new(renewals));
    };
    let world = World::prepared(&leading_to(&server, &NAMES), Arc::new(Fixed), prepare).await;
    let key = ConnectionKey {
        tenant: "acme".parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        name: "a-first-by-name".into(),
    };
    let origin =
        Origin { provider: "chat".parse().unwrap(), settings: Default::default(), scopes: Vec::new(), risk: None };
    let secret = |text: &str| Some(Secret::new(text.as_bytes().to_vec()));
    let credential = Credential { access: secret("old-access"), refresh: secret("a-refresh-token"), client: None };
    let (place, expires) = (Place::bearer("chat.example.test"), Some(Timestamp(3_600_000)));
    let entry = Entry::new(Timestamp(0), Kind::ConnectionAdded, Actor::Host, None);
    let new = NewConnection { key, place, origin, credential, expires };
    world.connections.put_connection(new, entry).await.unwrap();
    (server, world, provider, locks)
}

#[tokio::test]
async fn a_refused_credential_is_renewed_once_and_the_request_sent_again_whole() {
    let (server, world, provider, _locks) = renewing().await;
    let post = || SendRequest { method: "POST", body: b"hello".to_vec(), ..get(&format!("{CHAT}/only/new-access-1")) };
    let answer = world.send(post()).await.unwrap();
    assert_eq!((answer.status, answer.sent), (200, 5));
    let arrived = server.arrived();
    let carried: Vec<_> = arrived.iter().map(|one| one.header("authorization").unwrap().to_owned()).collect();
    assert_eq!(carried, ["Bearer old-access", "Bearer new-access-1"]);
    assert!(arrived.iter().all(|one| one.text.ends_with("\r\n\r\nhello")));
    assert_eq!(world.send(post()).await.unwrap().status, 200);
    assert_eq!((server.arrived().len(), provider.0.load(Ordering::SeqCst)), (3, 1));
}

#[tokio::test]
async fn what_is_refused_again_is_the_answer_and_asks_nobody_again() {
    let (server, world, provider, _locks) = renewing().await;
    let answer = world.send(get(&format!("{CHAT}/only/somebody-else"))).await.unwrap();
    assert_eq!((answer.status, server.arrived().len(), provider.0.load(Ordering::SeqCst)), (401, 2, 1));
    assert_eq!(answer.body, b"Bearer [redacted]", "of neither the old nor the new one");
    let again = world.send(get(&format!("{CHAT}/only/somebody-else"))).await.unwrap();
    assert_eq!((again.status, server.arrived().len(), provider.0.load(Ordering::SeqCst)), (401, 3, 1), "it is young");
}

#[tokio::test]
async fn one_that_nobody_renews_is_sent_once() {
    let server = Server::start().await;
    let world = World::new(&leading_to(&server, &NAMES)).await;
    let answer = world.send(get(&format!("{CHAT}/only/somebody-else"))).await.unwrap();
    assert_eq!((answer.status, server.arrived().len()), (401, 1));
}
