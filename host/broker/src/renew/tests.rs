mod fair;
mod frozen;

use std::{
    collections::VecDeque,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicI64},
    },
};

use async_trait::async_trait;
use portcullis_model::{
    connection::ConnectionKey,
    error::StoreError,
    id::ProviderId,
    secret::{Secret, SecretStore as _},
};
use portcullis_store::SqliteStore;

use super::{ahead::Renewer, *};
use crate::{
    connection::{Connections, NewConnection},
    issue::Revoked,
    place::Place,
    testing::{Counter, entry, hooked::Hooked, ring, store},
};

#[derive(Default)]
struct Time(AtomicI64);
impl Clock for Time {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }
}

/// Gives what it was told to, in turn; otherwise a new pair.
#[derive(Default)]
struct Provider {
    answers: Mutex<VecDeque<IssueError>>,
    asked: Mutex<Vec<Vec<u8>>>,
    revoked: AtomicUsize,
    refresh_once: AtomicBool,
    slow: AtomicBool,
}

#[async_trait]
impl Issuer for Provider {
    fn conduct(&self, provider: &ProviderId) -> Option<Conduct> {
        let refresh_once = self.refresh_once.load(Ordering::SeqCst);
        (provider.as_str() == "chat").then_some(Conduct {
            renewable: true,
            own_means: false,
            renewal_ends_old: false,
            refresh_once,
            revocable: true,
        })
    }
    async fn renew(&self, _: &Origin, credential: &Credential) -> Result<Issued, IssueError> {
        let number = {
            let mut asked = self.asked.lock().unwrap();
            asked.push(credential.refresh.as_ref().unwrap().expose().to_vec());
            asked.len()
        };
        if self.slow.load(Ordering::SeqCst) {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        if let Some(error) = self.answers.lock().unwrap().pop_front() {
            return Err(error);
        }
        let secret = |what: &str| Secret::new(format!("{what}-number-{number}").into_bytes());
        let lifetime = Some(Duration::from_secs(300));
        Ok(Issued { access: secret("access"), refresh: Some(secret("refresh")), lifetime, scopes: None })
    }
    async fn revoke(&self, _: &Origin, _: &Credential) -> Result<Revoked, IssueError> {
        self.revoked.fetch_add(1, Ordering::SeqCst);
        Ok(Revoked::Confirmed)
    }
}

struct Setup {
    _dir: tempfile::TempDir,
    store: Arc<SqliteStore>,
    time: Arc<Time>,
    provider: Arc<Provider>,
    renewals: Arc<Renewals>,
    connections: Arc<Connections>,
    failing: Arc<Mutex<VecDeque<&'static str>>>,
}

fn key() -> ConnectionKey {
    ConnectionKey { tenant: "acme".parse().unwrap(), installation: "ins_1".parse().unwrap(), name: "chat".into() }
}

impl Setup {
    async fn new() -> Self {
        let (dir, store) = store();
        let (time, provider): (Arc<Time>, Arc<Provider>) = Default::default();
        let rng: Arc<dyn Rng> = Arc::new(Counter::default());
        let failing: Arc<Mutex<VecDeque<&'static str>>> = Default::default();
        let fails = failing.clone();
        let hook = move |step: &'static str| {
            let mut fails = fails.lock().unwrap();
            match fails.front() == Some(&step) {
                true => Err(StoreError(format!("{} fails", fails.pop_front().unwrap()))),
                false => Ok(()),
            }
        };
        let vault = Vault::new(Arc::new(Hooked::new(store.clone(), Box::new(hook))), ring(), rng.clone());
        let vault = Arc::new(vault);
        let locks = dir.path().join("locks");
        let renewals = Renewals::new(vault.clone(), provider.clone(), &locks, time.clone(), rng).unwrap();
        let (renewals, connections) = (Arc::new(renewals), Arc::new(Connections::new(vault).unwrap()));
        connections.renewed_by(renewals.clone());
        let setup = Self { _dir: dir, store, time, provider, renewals, connections, failing };
        setup.add().await;
        setup
    }

    async fn add(&self) {
        let secret = |text: &str| Some(Secret::new(text.as_bytes().to_vec()));
        let new = NewConnection {
            key: key(),
            place: Place::bearer("chat.example.test"),
            origin: Origin {
                provider: "chat".parse().unwrap(),
                settings: Default::default(),
                scopes: Vec::new(),
                risk: None,
            },
            credential: Credential {
                access: secret("access-number-0"),
                refresh: secret("refresh-number-0"),
                client: secret("client-secret"),
            },
            expires: Some(self.time.now().plus(Duration::from_secs(300))),
        };
        self.connections.put_connection(new, entry()).await.unwrap();
    }

    fn at(&self, seconds: i64) {
        self.time.0.store(seconds * 1000, Ordering::SeqCst);
    }

    /// What a request carries now.
    async fn carried(&self) -> Result<String, String> {
        let target = "https://chat.example.test/".parse().unwrap();
        let current = self.connections.current(&key().tenant, &key().installation, &target).await;
        let installed = current.map_err(|error| error.to_string())?.unwrap();
        let chosen = installed.for_target(&target);
        Ok(String::from_utf8(chosen[0].secret.expose().to_vec()).unwrap())
    }

    async fn replaced(&self) -> Option<String> {
        let target = "https://chat.example.test/".parse().unwrap();
        let refused = self.connections.of(&key().tenant, &key().installation).unwrap();
        let newer = self.connections.stale(&refused, &target).await?;
        Some(String::from_utf8(newer.for_target(&target)[0].secret.expose().to_vec()).unwrap())
    }

    async fn head(&self) -> Head {
        self.store.slot(&key().into()).await.unwrap().unwrap().head
    }

    fn asked(&self) -> usize {
        self.provider.asked.lock().unwrap().len()
    }

    fn answers(&self, error: IssueError) {
        self.provider.answers.lock().unwrap().push_back(error);
    }

    async fn log(&self) -> Vec<String> {
        let entries = self.store.entries(0, 1000).await.unwrap();
        let all = entries.iter().map(|entry| String::from_utf8(entry.body.clone()).unwrap());
        let all: Vec<String> = all.collect();
        assert!(all.iter().all(|entry| !entry.contains("-number-")), "a secret is in the log");
        let kind = |text: &String| serde_json::from_str::<Entry>(text).unwrap().kind.name();
        all.iter().map(kind).filter(|kind| kind.starts_with("connection.")).collect()
    }
}

fn unknown() -> IssueError {
    IssueError::Unknown("the connection broke".into())
}

#[tokio::test]
async fn one_that_is_over_is_renewed_once_for_all_who_wait() {
    let setup = Setup::new().await;
    setup.provider.slow.store(true, Ordering::SeqCst);
    setup.at(289);
    assert_eq!(setup.carried().await.unwrap(), "access-number-0");
    setup.at(300);
    let all = tokio::join!(setup.carried(), setup.carried(), setup.carried());
    let new = || Ok("access-number-1".to_owned());
    assert_eq!(all, (new(), new(), new()));
    assert_eq!(*setup.provider.asked.lock().unwrap(), [b"refresh-number-0"]);
    assert_eq!(setup.head().await, Head::ready(2));
    let log = ["connection.added", "connection.renewing", "connection.renewed"];
    assert_eq!(setup.log().await, log);
    let needles = setup.connections.needles();
    for secret in ["access-number-0", "refresh-number-0", "access-number-1", "refresh-number-1", "client-secret"] {
        assert!(needles.find_in(secret.as_bytes()), "{secret}");
    }
    setup.at(600);
    assert_eq!(setup.carried().await.unwrap(), "access-number-2");
    assert_eq!(setup.provider.asked.lock().unwrap()[1], b"refresh-number-1");
}

#[tokio::test]
async fn whoever_does_not_wait_cuts_nothing_off() {
    let setup = Setup::new().await;
    setup.provider.slow.store(true, Ordering::SeqCst);
    setup.at(300);
    assert!(tokio::time::timeout(Duration::from_millis(50), setup.carried()).await.is_err());
    // Nor does anybody stay in line who has gone.
    for _ in 0..3 {
        assert!(tokio::time::timeout(Duration::from_millis(5), setup.carried()).await.is_err());
    }
    assert_eq!(setup.renewals.under_way(), 1);
    setup.renewals.settle(Duration::from_secs(10)).await;
    assert_eq!((setup.head().await, setup.asked()), (Head::ready(2), 1));
    assert_eq!(setup.carried().await.unwrap(), "access-number-1");
}

#[tokio::test]
async fn a_refused_one_is_replaced_unless_it_is_young() {
    let setup = Setup::new().await;
    assert_eq!(setup.replaced().await, None, "a plugin cannot have the provider asked at each request");
    setup.at(100);
    assert_eq!(setup.replaced().await.unwrap(), "access-number-1");
    assert_eq!(setup.replaced().await, None);
    assert_eq!(setup.asked(), 1);
    // By another process: nobody is asked.
    setup.renewals.newer(&key().into(), 2, Because::Asked).await.unwrap();
    assert_eq!(setup.replaced().await.unwrap(), "access-number-2");
    assert_eq!(setup.asked(), 2);
}

#[tokio::test]
async fn a_provider_that_is_down_is_left_alone_for_a_while_and_the_credential_is_used_to_its_end() {
    let setup = Setup::new().await;
    let down = || IssueError::NotReached { why: "no route".into(), retry_after: Some(Duration::from_secs(60)) };
    setup.answers(down());
    setup.at(295);
    assert_eq!(setup.carried().await.unwrap(), "access-number-0", "it has 5 seconds left");
    assert_eq!(setup.asked(), 1);
    let Standing::Cooling { failures: 1, until, .. } = setup.head().await.standing else { panic!("not cooling") };
    assert_eq!(until, Timestamp(355_000));
    setup.at(354);
    let error = setup.carried().await.unwrap_err();
    assert!(error.contains("'chat' is over") && error.contains("no route"), "{error}");
    assert_eq!(setup.asked(), 1, "nobody was asked");
    setup.at(355);
    assert_eq!(setup.carried().await.unwrap(), "access-number-2");
    let log = ["added", "renewing", "renewal-failed", "renewing", "renewed"].map(|kind| format!("connection.{kind}"));
    assert_eq!(setup.log().await, log);
}

#[tokio::test]
async fn a_grant_that_is_gone_is_asked_for_no_more() {
    let setup = Setup::new().await;
    setup.answers(IssueError::GrantGone("invalid_grant".into()));
    setup.at(300);
    for _ in 0..2 {
        assert!(setup.carried().await.unwrap_err().contains("consent is needed"));
    }
    assert_eq!(setup.asked(), 1);
    assert!(matches!(setup.head().await.standing, Standing::ConsentNeeded { .. }));
    assert_eq!(setup.log().await.last().unwrap(), "connection.consent-needed");
    // Consent anew.
    setup.add().await;
    assert_eq!(setup.carried().await.unwrap(), "access-number-0");
    assert_eq!(setup.head().await, Head::ready(2));
}

#[tokio::test]
async fn an_unknown_end_is_asked_once_more_and_then_a_person_is_needed_where_tokens_work_once() {
    for once in [true, false] {
        let setup = Setup::new().await;
        setup.provider.refresh_once.store(once, Ordering::SeqCst);
        for _ in 0..4 {
            setup.answers(unknown());
        }
        for (try_number, at) in [(1, 300), (2, 310), (3, 330)] {
            setup.at(at);
            assert!(setup.carried().await.is_err());
            let asked = if once { try_number.min(2) } else { try_number };
            assert_eq!(setup.asked(), asked, "{once} {at}");
        }
        let needed = matches!(setup.head().await.standing, Standing::ConsentNeeded { .. });
        assert_eq!(needed, once);
        setup.provider.answers.lock().unwrap().clear();
        setup.at(400);
        assert_eq!(setup.carried().await.is_ok(), !once);
    }
}

#[tokio::test]
async fn an_intent_that_nobody_ended_is_taken_up_by_the_next() {
    for (unknown_before, once, again) in [(0, true, true), (1, true, false), (1, false, true), (7, false, true)] {
        let setup = Setup::new().await;
        setup.provider.refresh_once.store(once, Ordering::SeqCst);
        let orphan = Head {
            standing: Standing::Renewing { since: Timestamp(1) },
            claimant: Some("of a process that died".into()),
            unknown: unknown_before,
            ..Head::ready(1)
        };
        assert!(setup.store.set_head(&key().into(), Head::ready(1), orphan, entry()).await.unwrap());
        setup.at(300);
        assert_eq!(setup.carried().await.is_ok(), again, "{unknown_before} {once}");
        assert_eq!(setup.asked(), usize::from(again));
        if again {
            assert_eq!(setup.head().await, Head::ready(2), "and what was unknown is of no account any more");
        } else {
            assert_eq!(setup.log().await.last().unwrap(), "connection.consent-needed");
        }
    }
}

#[tokio::test]
async fn a_failing_store_does_not_lose_what_was_issued_and_without_an_intent_nobody_is_asked() {
    let setup = Setup::new().await;
    setup.at(300);
    setup.failing.lock().unwrap().extend(["before-write", "before-write"]);
    assert_eq!(setup.carried().await.unwrap(), "access-number-1");
    assert_eq!(setup.asked(), 1);
    setup.at(600);
    setup.failing.lock().unwrap().push_back("before-intent");
    assert!(setup.carried().await.is_err());
    assert_eq!(setup.asked(), 1, "no intent, no request");
    // Written, and the writer was told that it failed: it finds its own generation and does not ask again.
    setup.failing.lock().unwrap().push_back("after-write");
    assert_eq!(setup.carried().await.unwrap(), "access-number-2");
    assert_eq!((setup.asked(), setup.head().await), (2, Head::ready(3)));
    assert_eq!(setup.provider.revoked.load(Ordering::SeqCst), 0, "what is in use is not revoked");
}

#[tokio::test]
async fn what_somebody_stores_meanwhile_holds_and_what_was_issued_is_revoked() {
    let setup = Setup::new().await;
    setup.provider.slow.store(true, Ordering::SeqCst);
    setup.at(300);
    let (carried, ()) = tokio::join!(setup.carried(), async {
        tokio::time::sleep(Duration::from_millis(80)).await;
        setup.add().await;
    });
    assert_eq!(carried.unwrap(), "access-number-0");
    assert_eq!((setup.head().await, setup.asked()), (Head::ready(2), 1));
    assert_eq!(setup.provider.revoked.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn what_cannot_be_kept_needs_a_person() {
    let setup = Setup::new().await;
    let claimed = || async {
        let (head, opened) = setup.connections.vault().slot(&key().into()).await.unwrap().unwrap();
        setup.renewals.claim(&key().into(), head, opened, Because::Asked).await.unwrap().unwrap()
    };
    let one = claimed().await;
    let short = Issued { access: Secret::new(b"short".to_vec()), refresh: None, lifetime: None, scopes: None };
    let new = following(&one, short);
    assert!(vault::check(&new).is_err());
    assert_eq!(new.credential.refresh.unwrap().expose(), b"refresh-number-0", "the old one stays good");
}

#[tokio::test]
async fn a_task_renews_ahead_and_plans_each_once() {
    let setup = Setup::new().await;
    let rng: Arc<dyn Rng> = Arc::new(Counter::default());
    let mut renewer = Renewer::new(setup.connections.clone(), setup.renewals.clone(), setup.time.clone(), rng);
    for (at, asked) in [(0, 0), (150, 0), (201, 1), (202, 1), (300, 1), (402, 2)] {
        setup.at(at);
        while renewer.tick().await > 0 {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(setup.asked(), asked, "at {at} s");
    }
    setup.answers(IssueError::NotReached { why: "busy".into(), retry_after: Some(Duration::from_secs(50)) });
    for (at, asked) in [(603, 3), (610, 3), (652, 3), (653, 4)] {
        setup.at(at);
        for _ in 0..3 {
            while renewer.tick().await > 0 {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        }
        assert_eq!(setup.asked(), asked, "at {at} s");
    }
}

#[tokio::test]
async fn what_was_revoked_is_asked_for_by_nobodys_order() {
    let setup = Setup::new().await;
    setup.at(300);
    let revoked = Head { standing: Standing::Revoked { since: Timestamp(1) }, ..Head::ready(1) };
    assert!(setup.store.set_head(&key().into(), Head::ready(1), revoked.clone(), entry()).await.unwrap());
    for because in [Because::Due, Because::Over, Because::Refused, Because::Policy, Because::Asked] {
        let newer = setup.renewals.newer(&key().into(), 1, because).await;
        assert!(matches!(newer, Err(RenewError::Revoked)), "{because:?}: {newer:?}");
    }
    assert_eq!((setup.asked(), setup.head().await), (0, revoked), "and it stays revoked");
}
