//! A provider that does not answer keeps those of others from nothing.

use std::collections::BTreeMap;

use tokio::sync::Semaphore;

use super::*;
use crate::{renew::ahead::OF_ONE, testing::vault};

/// Answers for all but `slow`, which answers when it is let.
struct Two {
    slow: Semaphore,
    asked: Mutex<BTreeMap<String, usize>>,
}

#[async_trait]
impl Issuer for Two {
    fn conduct(&self, _: &ProviderId) -> Option<Conduct> {
        Some(Conduct {
            renewable: true,
            own_means: true,
            renewal_ends_old: false,
            refresh_once: false,
            revocable: true,
        })
    }
    async fn renew(&self, origin: &Origin, _: &Credential) -> Result<Issued, IssueError> {
        *self.asked.lock().unwrap().entry(origin.provider.to_string()).or_default() += 1;
        if origin.provider.as_str() == "slow" {
            self.slow.acquire().await.unwrap().forget();
        }
        let access = Secret::new(b"access-that-is-new".to_vec());
        Ok(Issued { access, refresh: None, lifetime: Some(Duration::from_secs(300)), scopes: None })
    }
    async fn revoke(&self, _: &Origin, _: &Credential) -> Result<Revoked, IssueError> {
        Ok(Revoked::Confirmed)
    }
}

#[tokio::test]
async fn a_slow_provider_has_its_share_and_no_more() {
    let (dir, store) = store();
    let vault = Arc::new(vault(&store));
    let two = Arc::new(Two { slow: Semaphore::new(0), asked: Mutex::default() });
    let (time, rng): (Arc<Time>, Arc<dyn Rng>) = (Arc::default(), Arc::new(Counter::default()));
    let renewals =
        Renewals::new(vault.clone(), two.clone(), &dir.path().join("locks"), time.clone(), rng.clone()).unwrap();
    let (renewals, connections) = (Arc::new(renewals), Arc::new(Connections::new(vault).unwrap()));
    connections.renewed_by(renewals.clone());
    for (provider, many) in [("slow", 40), ("quick", 20)] {
        for number in 0..many {
            let new = NewConnection {
                key: ConnectionKey { name: format!("{provider}-{number}"), ..key() },
                place: Place::bearer("chat.example.test"),
                origin: Origin {
                    provider: provider.parse().unwrap(),
                    settings: Default::default(),
                    scopes: Vec::new(),
                    risk: None,
                },
                credential: Credential {
                    access: Some(Secret::new(format!("{provider}-access-{number}").into_bytes())),
                    ..Credential::default()
                },
                expires: Some(Timestamp(300_000)),
            };
            connections.put_connection(new, entry()).await.unwrap();
        }
    }
    let mut ahead = Renewer::new(connections, renewals, time.clone(), rng);
    assert_eq!(ahead.tick().await, 0, "nothing is due, and each has its plan");
    time.0.store(290_000, Ordering::SeqCst);
    let asked = |of: &str| two.asked.lock().unwrap().get(of).copied().unwrap_or_default();
    for _ in 0..2_000 {
        if ahead.tick().await == OF_ONE && asked("quick") == 20 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((asked("slow"), asked("quick")), (OF_ONE, 20));
    two.slow.add_permits(40);
    for _ in 0..2_000 {
        if ahead.tick().await == 0 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    assert_eq!((asked("slow"), asked("quick")), (40, 20));
}
