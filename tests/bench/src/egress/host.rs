//! The door, with a credential for the server, and permits that are recorded nowhere.

use std::{collections::BTreeSet, sync::Arc, time::Instant};

use anyhow::{Result, anyhow, ensure};
use async_trait::async_trait;
use portcullis_broker::{
    connection::Connections,
    egress::{Config, Outbound, Private, Traffic},
    key::{Key, service::KeyRing},
    place::Place,
    resolve::SystemResolver,
    rotation::FreezeBook,
    vault::Vault,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind, RecordError, Recorder},
    authority::{Authority, Layer},
    call::Call,
    class::Class,
    egress::{Egress, SendRequest},
    id::{CallId, Digest},
    limits::Limits,
    permit::Spent,
    scope::{Allows, Grant, Risk, Scope, ScopeError, ScopeText},
    secret::Secret,
    time::{Clock, Rng, Timestamp},
};
use portcullis_store::SqliteStore;

use super::{
    Took,
    far::{Far, HOST, answer},
};

/// What is sent.
pub const BODY: &[u8] = br#"{"ticket":1042,"subject":"Printer on fire","priority":"high"}"#;

/// A scope that covers every request.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Anything;

impl Scope for Anything {
    const CAPABILITY: &'static str = "http";
    const EXAMPLES: &'static [&'static str] = &["http:send"];
    fn parse(_: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        Ok(vec![Self])
    }
    fn text(&self) -> ScopeText {
        ScopeText::new("http", "send")
    }
    fn meet(&self, _: &Self) -> Option<Self> {
        Some(Self)
    }
    fn describe(&self) -> String {
        "sends anything".into()
    }
    fn risk(&self) -> Risk {
        Risk::High
    }
    fn classes(&self) -> BTreeSet<Class> {
        BTreeSet::new()
    }
}

impl Allows<SendRequest> for Anything {
    fn needed(_: &SendRequest) -> ScopeText {
        Self.text()
    }
    fn decide(_: &Grant<Self>, _: &SendRequest) -> Result<(), String> {
        Ok(())
    }
}

/// A log that keeps nothing, the time since the start, and numbers that are not random.
#[derive(Clone)]
struct Stand {
    start: Instant,
}

#[async_trait]
impl Recorder for Stand {
    async fn record(&self, _: Vec<Entry>) -> Result<(), RecordError> {
        Ok(())
    }
    fn note(&self, _: Entry) {}
}

impl Clock for Stand {
    fn now(&self) -> Timestamp {
        Timestamp(0).plus(self.start.elapsed())
    }
}

impl Rng for Stand {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(7);
    }
}

/// The door and what permits are made with.
pub struct Host {
    door: Arc<Outbound>,
    authority: Authority<Anything>,
    call: Arc<Call>,
    stand: Stand,
    answer: usize,
}

impl Host {
    /// A door to this server alone, that is never full, held to freezes of which there are none.
    pub async fn new(far: &Far) -> Result<Self> {
        let stand = Stand { start: Instant::now() };
        let folder = tempfile::tempdir()?;
        let store = Arc::new(SqliteStore::open(&folder.path().join("host.db"))?);
        let ring = KeyRing::of(Key::random(&stand), Arc::new(stand.clone()));
        let vault = Vault::new(store.clone(), ring, Arc::new(stand.clone()));
        let connections = Arc::new(Connections::new(Arc::new(vault))?);
        let entry = Entry::new(stand.now(), Kind::ConnectionAdded, Actor::Host, None);
        let secret = Secret::new(b"xoxb-1234567890-abcdefghij".to_vec());
        let owner = ("acme".parse()?, "ins_1".parse()?);
        let (tenant, installation) = owner;
        let new = portcullis_broker::connection::NewConnection {
            key: portcullis_model::connection::ConnectionKey { tenant, installation, name: "far".to_owned() },
            place: Place::bearer(HOST),
            origin: portcullis_model::connection::Origin {
                provider: portcullis_broker::connection::STATIC.parse()?,
                settings: Default::default(),
                scopes: Vec::new(),
                risk: None,
            },
            credential: portcullis_broker::issue::Credential { access: Some(secret), ..Default::default() },
            expires: None,
        };
        connections.put_connection(new, entry).await?;
        let config = Config {
            private: vec![Private { host: HOST.into(), address: far.address, ca_pem: Some(far.ca_pem.clone()) }],
            traffic: Traffic {
                requests_per_minute: u32::MAX,
                bytes_per_minute: 1 << 40,
                concurrent: 1024,
                ..Traffic::default()
            },
            ..Config::default()
        };
        let freezes = Arc::new(FreezeBook::new(store, connections.clone()));
        freezes.tick().await?;
        let resolver = Arc::new(SystemResolver::default());
        let door = Outbound::new(&config, connections, resolver, Arc::new(stand.clone()))?.under(freezes);
        let call = Call::new(
            CallId::random(&stand),
            "acme".parse()?,
            "ins_1".parse()?,
            "com.example.bench".parse()?,
            Digest::of(b"bench"),
            "bench/1".into(),
            1,
            Limits::default(),
        );
        let authority = Authority::new(vec![(Layer::Granted, Grant::new([Anything]))]);
        Ok(Self { door: Arc::new(door), authority, call: Arc::new(call), stand, answer: answer().len() })
    }

    /// So many at once send so many each, one after the other. What it takes is without what the permits take.
    pub async fn send(&self, at_once: usize, each: usize) -> Result<Took> {
        let mut tasks = Vec::new();
        for _ in 0..at_once {
            let mut permits = Vec::new();
            for _ in 0..each {
                permits.push(self.permit().await?);
            }
            let (door, length) = (self.door.clone(), self.answer);
            tasks.push(async move {
                for permit in permits {
                    let answer = door.send(permit).await?;
                    ensure!(answer.status == 200 && answer.body.len() == length, "another answer");
                }
                Ok(())
            });
        }
        super::timed(tasks).await
    }

    async fn permit(&self) -> Result<Spent<SendRequest>> {
        let request = SendRequest {
            method: "POST",
            target: format!("https://{HOST}/v1/items").parse().map_err(|problem: String| anyhow!(problem))?,
            headers: vec![("content-type".into(), "application/json".into()), ("user-agent".into(), "bench".into())],
            body: BODY.to_vec(),
        };
        let permit = self.authority.permit(&self.call, request).map_err(|denial| anyhow!("{}", denial.reason))?;
        let recorded = permit.record(&self.stand, self.stand.now()).await?;
        let mut spent = None;
        recorded
            .spend(
                &self.stand,
                || self.stand.now(),
                |permit| {
                    spent = Some(permit);
                    async { Ok(()) }
                },
            )
            .await?;
        spent.ok_or_else(|| anyhow!("no permit"))
    }
}
