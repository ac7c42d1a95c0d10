//! The host's side: credentials, a door, and permits that go the whole way (decided, recorded, spent).

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use async_trait::async_trait;
use portcullis_broker::{
    connection::Connections,
    egress::{Config, Outbound, Private},
    key::{Key, service::KeyRing},
    place::Place,
    resolve::Resolve,
    vault::Vault,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind, RecordError, Recorder},
    authority::{Authority, Layer},
    call::Call,
    class::Class,
    egress::{Answer, Egress, SendRequest},
    error::ServiceError,
    id::{CallId, Digest},
    limits::Limits,
    scope::{Allows, Grant, Risk, Scope, ScopeError, ScopeText},
    secret::Secret,
    time::{Clock, Rng, Timestamp},
};

use portcullis_store::SqliteStore;

use super::server::Server;

pub const TOKEN: &str = "xoxb-9f8e7d6c5b4a-SECRET/+=";

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
        "send anything".into()
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

#[derive(Default)]
struct Memory {
    entries: Mutex<Vec<Entry>>,
}

#[async_trait]
impl Recorder for Memory {
    async fn record(&self, entries: Vec<Entry>) -> Result<(), RecordError> {
        self.entries.lock().unwrap().extend(entries);
        Ok(())
    }
    fn note(&self, entry: Entry) {
        self.entries.lock().unwrap().push(entry);
    }
}

pub struct Fixed;
impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        Timestamp(0)
    }
}
/// A clock that is set by hand, in milliseconds.
#[derive(Default)]
pub struct Hand(pub AtomicI64);
impl Clock for Hand {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}
impl Rng for Fixed {
    fn fill(&self, buffer: &mut [u8]) {
        buffer.fill(5);
    }
}

struct Names(BTreeMap<&'static str, &'static str>);

#[async_trait]
impl Resolve for Names {
    async fn resolve(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        let found = self.0.get(host).ok_or_else(|| io::Error::other("no such name"))?;
        Ok(found.split(',').map(|text| SocketAddr::new(text.parse().unwrap(), port)).collect())
    }
}

/// A configuration under which these hosts lead to the server, with the server's CA.
pub fn leading_to(server: &Server, hosts: &[&str]) -> Config {
    let private = |host: &&str| Private {
        host: (*host).to_owned(),
        address: server.address,
        ca_pem: Some(server.ca_pem.clone()),
    };
    Config { private: hosts.iter().map(private).collect(), ..Config::default() }
}

pub struct World {
    pub door: Outbound,
    pub connections: Arc<Connections>,
    memory: Arc<Memory>,
    _folder: tempfile::TempDir,
}

impl World {
    /// A host with a token of installation `ins_1` for chat.example.test.
    pub async fn new(config: &Config) -> Self {
        Self::prepared(config, Arc::new(Fixed), |_, _| {}).await
    }

    /// The same, where the time is this clock's, and `prepare` says who renews credentials.
    pub async fn prepared(
        config: &Config,
        clock: Arc<dyn Clock>,
        prepare: impl FnOnce(Arc<Vault>, &Connections),
    ) -> Self {
        let memory = Arc::new(Memory::default());
        let folder = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&folder.path().join("host.db")).unwrap());
        let ring = KeyRing::of(Key::random(&Fixed), Arc::new(Fixed));
        let vault = Arc::new(Vault::new(store, ring, Arc::new(Fixed)));
        let connections = Arc::new(Connections::new(vault.clone()).unwrap());
        prepare(vault, &connections);
        let names = Names(BTreeMap::from([
            ("loop.example.test", "127.0.0.1"),
            ("mixed.example.test", "8.8.8.8,10.0.0.1"),
            ("meta.example.test", "169.254.169.254"),
            ("mapped.example.test", "::ffff:127.0.0.1"),
        ]));
        let door = Outbound::new(config, connections.clone(), Arc::new(names), clock).unwrap();
        let world = Self { door, connections, memory, _folder: folder };
        world.store(TOKEN).await;
        world
    }

    pub async fn store(&self, token: &str) {
        self.store_for("ins_1", token).await;
    }

    /// A token of this installation for chat.example.test.
    pub async fn store_for(&self, installation: &str, token: &str) {
        let owner = ("acme".parse().unwrap(), installation.parse().unwrap());
        let entry = Entry::new(Timestamp(0), Kind::ConnectionAdded, Actor::Host, None);
        let secret = Secret::new(token.as_bytes().to_vec());
        let place = Place::bearer("chat.example.test");
        let (tenant, installation) = owner;
        let new = portcullis_broker::connection::NewConnection {
            key: portcullis_model::connection::ConnectionKey { tenant, installation, name: "chat".to_owned() },
            place,
            origin: portcullis_model::connection::Origin {
                provider: portcullis_broker::connection::STATIC.parse().unwrap(),
                settings: BTreeMap::new(),
                scopes: Vec::new(),
                risk: None,
            },
            credential: portcullis_broker::issue::Credential { access: Some(secret), ..Default::default() },
            expires: None,
        };
        self.connections.put_connection(new, entry).await.unwrap();
    }

    /// Sends on behalf of `ins_1` of tenant acme.
    pub async fn send(&self, request: SendRequest) -> Result<Answer, ServiceError> {
        self.send_as("acme", "ins_1", request).await
    }

    pub async fn send_as(&self, tenant: &str, ins: &str, request: SendRequest) -> Result<Answer, ServiceError> {
        let call = Arc::new(Call::new(
            CallId::random(&Fixed),
            tenant.parse().unwrap(),
            ins.parse().unwrap(),
            "com.example.chat".parse().unwrap(),
            Digest::of(b"component"),
            "source/1".into(),
            1,
            Limits::default(),
        ));
        let authority = Authority::new(vec![(Layer::Granted, Grant::new([Anything]))]);
        let permit = authority.permit(&call, request).unwrap();
        let recorded = permit.record(&*self.memory, Timestamp(0)).await.unwrap();
        let result = recorded.spend(&*self.memory, || Timestamp(0), |act| self.door.send(act)).await;
        if let Err(error) = &result {
            assert!(!format!("{error} {error:?}").contains("SECRET"), "{error}");
        }
        result
    }

    /// Everything in the audit log, as text.
    pub fn log(&self) -> String {
        format!("{:?}", self.memory.entries.lock().unwrap())
    }
}

pub fn get(url: &str) -> SendRequest {
    SendRequest { method: "GET", target: url.parse().unwrap(), headers: Vec::new(), body: Vec::new() }
}

pub fn with(mut request: SendRequest, headers: &[(&str, &str)]) -> SendRequest {
    request.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    request
}
