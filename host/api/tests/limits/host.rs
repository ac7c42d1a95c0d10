//! All of the host's endpoints on a port of this machine, with a hand on the clock.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use async_trait::async_trait;
use portcullis_api::{
    ApiConfig, Asked, Connect, Listener, LogFiles, PeerConfig, PlatformApi, PublicLog, Refusals, Served, SourceBook,
    Webhooks,
    admin::{
        self, Api, Frame, OperatorOnly,
        v1::{
            installations::{Erasure, Receipts},
            rotation::{Place, SignedReport, Turn, Workshop},
        },
    },
    audit::{self, Live, LiveSettings},
    ops::{Check, Family, Operations, Ops, Status},
};
use portcullis_broker::{
    connecting::Connecting,
    connection::Connections,
    egress::Config,
    key::{Key, service::KeyRing},
    rotation::{Report, Rotator},
    vault::Vault,
};
use portcullis_delivery::{Directory, Ingest};
use portcullis_duties::incident::{Concerned, Plan, Survey};
use portcullis_model::{
    audit::{
        Actor, Entry, Kind,
        query::Filter,
        reader::{AuditReader, Found, Shown, Window},
    },
    authority::{Layer, Standing},
    bounds::Bounds,
    catalogue::{Catalogue, Interface, ScopeDescription, WasiImport},
    error::{ServiceError, StoreError},
    event::EventForm,
    explain::{Explain, Explained},
    id::{ActId, Digest, InstallationId, TenantId},
    incident::Subject,
    inspect::Inspects,
    limits::Limits,
    oauth::Bearer,
    platform::{Platform, Refusal, Session},
    rotation::SourceKeys,
    scope::{ScopeError, ScopeText},
    secret::Secret,
    source::{Added, NewSource, Source, SourceStore as _},
    time::{Clock as _, Timestamp},
};
use portcullis_packages::check::Registry;
use serde_json::Value;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    sync::{Notify, watch},
    task::JoinHandle,
};

use crate::{
    consents::{Hand, Office},
    desks,
    duties::Still,
    log,
    world::{ISSUER, World},
};

pub const OPERATOR: &str = "the-operators-token";
pub const SOURCE_SECRET: &str = "a-secret-of-a-source";

/// Answers nothing.
pub struct Nothing;

#[async_trait]
impl Explain for Nothing {
    async fn explain(&self, _: &ActId) -> Result<Option<Explained>, StoreError> {
        Ok(None)
    }
    async fn entry(&self, _: &ActId) -> Result<Option<Entry>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl Inspects for Nothing {
    async fn inspected(&self, _: &Digest) -> Result<Option<Value>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl Survey for Nothing {
    async fn plan(&self, subject: &Subject) -> Result<Plan, StoreError> {
        Ok(Plan::new(subject, &[], &[]))
    }
    async fn concerned(&self, _: &Subject) -> Result<Vec<Concerned>, StoreError> {
        Ok(Vec::new())
    }
    async fn tenants(&self) -> Result<Vec<TenantId>, StoreError> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl AuditReader for Nothing {
    async fn written(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn published(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    async fn search(&self, _: &Filter, _: Window) -> Result<Found, StoreError> {
        Err(StoreError("nothing is kept here".into()))
    }

    async fn follow(&self, _: u64, _: usize) -> Result<Vec<Shown>, StoreError> {
        Ok(Vec::new())
    }

    async fn add_leaves(&self, _: &mut [Shown]) -> Result<(), StoreError> {
        Ok(())
    }
}

#[async_trait]
impl Operations for Nothing {
    fn lives(&self) -> bool {
        true
    }
    async fn checks(&self) -> Vec<Check> {
        Vec::new()
    }
    async fn metrics(&self) -> Vec<Family> {
        Vec::new()
    }
    async fn status(&self) -> Status {
        let (components, announced, days) = (Vec::new(), Vec::new(), Vec::new());
        Status { at: Timestamp(0), components, announced, days, available_percent: None }
    }
    fn security_txt(&self) -> Option<String> {
        None
    }
}

#[async_trait]
impl PublicLog for Nothing {
    async fn part(&self, _: &Asked) -> Result<Option<Vec<u8>>, StoreError> {
        Ok(None)
    }
}

#[async_trait]
impl Platform for Nothing {
    async fn open(&self, _: &Bearer, _: portcullis_model::platform::Asked) -> Result<Box<dyn Session>, Refusal> {
        Err(ServiceError::NotFound.into())
    }
}

#[async_trait]
impl Workshop for Nothing {
    fn rotator(&self, _: Actor, _: bool) -> Rotator {
        unreachable!("nobody rotates")
    }
    async fn place(&self, _: Option<&TenantId>) -> Result<Option<Box<dyn Place>>, StoreError> {
        Ok(None)
    }
    async fn turn(&self, _: Option<&TenantId>) -> Result<Option<Turn>, StoreError> {
        Ok(None)
    }
    async fn overlap(&self, _: Option<&TenantId>) -> Result<Duration, StoreError> {
        Ok(Duration::ZERO)
    }
    async fn sign(&self, _: &Report, _: Actor) -> Result<SignedReport, StoreError> {
        Err(StoreError("nothing is signed here".into()))
    }
}

#[async_trait]
impl Receipts for Nothing {
    async fn erasure(&self, _: &InstallationId) -> Result<Option<Erasure>, StoreError> {
        Ok(None)
    }
}

impl Catalogue for Nothing {
    fn names(&self) -> &[&'static str] {
        &[]
    }
    fn describe(&self, _: &ScopeText) -> Result<Vec<ScopeDescription>, ScopeError> {
        Ok(Vec::new())
    }
    fn interface(&self, _: &str) -> Option<&'static Interface> {
        None
    }
    fn wasi(&self, _: &str) -> Option<WasiImport> {
        None
    }
    fn standing(&self, _: &[(Layer, Vec<ScopeText>)], _: &ScopeText) -> Result<Standing, ScopeError> {
        unreachable!("nobody asks")
    }
    fn meet(&self, _: &[ScopeText], _: &[ScopeText]) -> Result<Vec<ScopeText>, ScopeError> {
        Ok(Vec::new())
    }
}

/// A host, until it is stopped.
pub struct Host {
    pub world: World,
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<std::io::Result<()>>,
}

/// An answer as it came over the wire.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines.find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }
}

/// The admin API of a host where nothing is installed.
fn admin(world: &World, office: &Office, token: Secret) -> Api {
    let (store, clock) = (world.store.clone(), world.clock.clone());
    let anchor = Digest::of(b"none");
    let registry = Registry::new(store.clone(), store.clone(), anchor, Arc::new(Nothing), clock.clone());
    let registry = Arc::new(registry);
    let look = Arc::new(Still::of(store.clone(), clock.now()));
    let duties = Arc::new(admin::v1::posture::Ports { look, duties: store.clone(), clock: clock.clone() });
    let who = Arc::new(admin::v1::people::Ports::new(|| Err("nobody has an account here".to_owned()), None));
    let ports = admin::Ports {
        access: who.clone(),
        automation: who.clone(),
        acts: Arc::new(admin::v1::acts::Ports { explain: Arc::new(Nothing) }),
        alerts: Arc::new(admin::v1::alerts::Ports { alerts: store.clone(), clock: clock.clone() }),
        attestations: duties.clone(),
        audit: Arc::new(audit::Ports {
            reader: Arc::new(Nothing),
            live: Live::new(Arc::new(Nothing), LiveSettings::default()),
            recorder: store.clone(),
        }),
        connections: Arc::new(admin::v1::connections::Ports {
            keeps: office.safe.clone(),
            ended_by: Box::new(|_| unreachable!("nobody ends one")),
            desk: office.desk.clone(),
            connecting: Connecting {
                keeps: office.safe.clone(),
                issuer: office.upstream.clone(),
                providers: office.upstream.providers().clone(),
                recorder: store.clone(),
                clock: office.clock.clone(),
            },
            installations: store.clone(),
            owed: store.clone(),
            rotations: store.clone(),
            placed: Default::default(),
            base: None,
        }),
        rotation: Arc::new(admin::v1::rotation::Ports {
            workshop: Arc::new(Nothing),
            store: store.clone(),
            installations: store.clone(),
            cut_off: Default::default(),
            rehearsing: Default::default(),
        }),
        rules: desks::rules(world),
        endpoints: desks::endpoints(world),
        notices: desks::notices(world),
        vault: desks::secrets(world),
        trust: Arc::new(admin::v1::trust::Ports { registry: registry.clone(), clock: clock.clone() }),
        components: Arc::new(admin::v1::components::Ports { inspects: Arc::new(Nothing) }),
        installations: Arc::new(admin::v1::installations::Ports {
            registry: registry.clone(),
            installations: store.clone(),
            leaving: store.clone(),
            ended_by: Box::new(|_| unreachable!("nobody leaves")),
            receipts: Arc::new(Nothing),
            logs: store.clone(),
            budgets: store.clone(),
            recorder: store.clone(),
            bounds: Bounds { scopes: None, limits: Limits::CEILING, tenants: Default::default(), live: None },
            reader: Arc::new(Nothing),
            clock: clock.clone(),
            rng: world.rng.clone(),
        }),
        deliveries: Arc::new(admin::v1::deliveries::Ports { queue: store.clone(), installations: store.clone() }),
        denials: Arc::new(admin::v1::denials::Ports { reader: Arc::new(Nothing), recorder: store.clone() }),
        freezes: Arc::new(admin::v1::freezes::Ports { freezes: store.clone(), installations: store.clone() }),
        duties: duties.clone(),
        posture: duties.clone(),
        privacy: crate::privacy::ports(&store),
        profiles: duties.clone(),
        risks: duties,
        incidents: Arc::new(admin::v1::incidents::Ports {
            incidents: store.clone(),
            survey: Arc::new(Nothing),
            alerts: store.clone(),
            reports: store.clone(),
            installations: store.clone(),
            reader: Arc::new(Nothing),
            recorder: store.clone(),
            board: Arc::new(Nothing),
            clock: clock.clone(),
            rng: world.rng.clone(),
        }),
        log: log::ports(world),
        people: who.clone(),
        reviews: Arc::new(admin::v1::reviews::Ports {
            registry: registry.clone(),
            reviews: store.clone(),
            installations: store.clone(),
            explain: Arc::new(Nothing),
            stops: Arc::new(Nothing),
            recorder: store.clone(),
            clock: clock.clone(),
            rng: world.rng.clone(),
        }),
        withdrawals: Arc::new(admin::v1::withdrawals::Ports {
            registry: registry.clone(),
            enforces: Arc::new(Nothing),
            clock: clock.clone(),
        }),
        roles: who.clone(),
        backends: desks::backends(world),
        authorizations: Arc::new(admin::v1::authorizations::Ports {
            store: store.clone(),
            catalogue: Arc::new(Nothing),
            clock: clock.clone(),
        }),
        clients: Arc::new(admin::v1::clients::Ports {
            store: store.clone(),
            installations: store.clone(),
            rng: world.rng.clone(),
        }),
        sign_in: desks::sign_in(world, &who),
        sources: desks::sources(world),
        status: desks::status(world),
        tenants: desks::tenants(),
        support: who,
        releases: Arc::new(admin::v1::releases::Ports {
            registry: registry.clone(),
            shelf: store.clone(),
            reviews: store.clone(),
            installations: store.clone(),
            rescans: Arc::new(Nothing),
            recorder: store.clone(),
            clock: clock.clone(),
            rng: world.rng.clone(),
        }),
    };
    let frame = Frame::new(clock, token, Arc::new(OperatorOnly), store);
    Api::new(Arc::new(frame), ports)
}

async fn webhooks(world: &World) -> Arc<Webhooks> {
    let ring = KeyRing::of(Key::random(world.rng.as_ref()), world.rng.clone());
    let vault = Arc::new(Vault::new(world.store.clone(), ring, world.rng.clone()));
    let connections = Arc::new(Connections::new(vault.clone()).unwrap());
    let source = Source { name: "hub".parse().unwrap(), tenant: "acme".parse().unwrap(), form: EventForm::Github };
    let entry = |kind| Entry::new(world.clock.now(), kind, Actor::Host, Some(source.tenant.clone()));
    let secret = Secret::new(SOURCE_SECRET.as_bytes().to_vec());
    let kept = entry(Kind::ConnectionAdded);
    vault.put(source.tenant.clone(), None, &source.secret_name(), "{}", &secret, kept).await.unwrap();
    connections.refresh().await.unwrap();
    let new = NewSource { source: source.clone(), keys: SourceKeys::default(), secret: None };
    assert_eq!(world.store.add_source(new, entry(Kind::SourceAdded)).await.unwrap(), Added::Done);
    let directory = Directory::new(world.store.clone());
    let sources = SourceBook::new(world.store.clone(), connections);
    sources.refresh().await.unwrap();
    Arc::new(Webhooks {
        ingest: Ingest::new(world.store.clone(), directory, world.clock.clone(), Arc::new(Notify::new())),
        sources,
        refusals: Arc::new(Refusals::default()),
        clock: world.clock.clone(),
        max_body: 1024,
    })
}

impl Host {
    pub async fn start(peers: PeerConfig) -> Self {
        let world = World::new().await;
        let office = Office::new(&Config::default(), Hand(AtomicI64::new(1_000_000)));
        let connect =
            Connect { desk: office.desk.clone(), installations: world.store.clone(), catalogue: Arc::new(Nothing) };
        let token = Secret::new(OPERATOR.as_bytes().to_vec());
        let platform =
            PlatformApi { platform: Arc::new(Nothing), tokens: world.server.clone(), public_url: ISSUER.into() };
        let served = Served {
            webhooks: webhooks(&world).await,
            log: Arc::new(LogFiles { log: Arc::new(Nothing), token: token.clone() }),
            admin: admin(&world, &office, token.clone()),
            ops: Arc::new(Ops::new(Arc::new(Nothing), token, world.clock.clone())),
            connect: Arc::new(connect),
            people: None,
            platform: Some(Arc::new(platform)),
            oauth: Some(world.server.clone()),
            pages: portcullis_api::Router::new(),
        };
        let listener = Listener::bind(ApiConfig { listen: "127.0.0.1:0".parse().unwrap(), peers }).await.unwrap();
        let address = listener.address().unwrap();
        let (stop, stopped) = watch::channel(false);
        let (store, clock) = (world.store.clone(), world.clock.clone());
        let task = tokio::spawn(portcullis_api::serve(listener, served, store, clock, |_| (), stopped));
        Self { world, address, stop, task }
    }

    /// A connection from this address of this machine.
    pub async fn connect_from(&self, from: &str) -> TcpStream {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::new(from.parse::<IpAddr>().unwrap(), 0)).unwrap();
        socket.connect(self.address).await.unwrap()
    }

    pub async fn send_from(&self, from: &str, head: &str, body: &str) -> Answer {
        let mut stream = self.connect_from(from).await;
        let head =
            format!("{head}\r\nhost: host.example\r\nconnection: close\r\ncontent-length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(head.as_bytes()).await;
        let _ = stream.write_all(body.as_bytes()).await;
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        let answer = String::from_utf8(answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("{answer:?}"));
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        Answer { status, head: head.to_owned(), body: body.to_owned() }
    }

    pub async fn get(&self, path: &str, more: &str) -> Answer {
        self.send_from("127.0.0.1", &format!("GET {path} HTTP/1.1{more}"), "").await
    }

    pub async fn post(&self, path: &str, form: &str) -> Answer {
        let head = format!("POST {path} HTTP/1.1\r\ncontent-type: application/x-www-form-urlencoded");
        self.send_from("127.0.0.1", &head, form).await
    }

    /// Stops it, and gives what it wrote of refused requests: where, and how many for which reason.
    pub async fn stop(self) -> Vec<(String, Value)> {
        self.stop.send_replace(true);
        tokio::time::timeout(Duration::from_secs(15), self.task).await.unwrap().unwrap().unwrap();
        // What is noted is written before what is recorded after it.
        let entry = Entry::new(self.world.clock.now(), Kind::HostStopped, Actor::Host, None);
        portcullis_model::audit::Recorder::record(self.world.store.as_ref(), vec![entry]).await.unwrap();
        let entries = self.world.store.entries(0, 10_000).await.unwrap();
        let entries = entries.iter().map(|one| serde_json::from_slice::<Entry>(&one.body).unwrap());
        let refused = entries.filter(|entry| entry.kind == Kind::RequestRefused);
        refused.map(|entry| (entry.resource.clone().unwrap(), entry.detail["counts"].clone())).collect()
    }
}
