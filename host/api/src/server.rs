//! The listener.

use std::{
    convert::Infallible,
    io,
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use axum::{Router, response::Response};
use hyper::{
    Request,
    body::Incoming,
    server::conn::http1,
    service::{Service as HyperService, service_fn},
};
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use portcullis_broker::authz::AuthorizationServer;
use portcullis_model::{audit::Recorder, time::Clock};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, watch},
};

use crate::{
    admin,
    connect::{self, Connect},
    log::{self, LogFiles},
    oauth,
    ops::{self, Ops},
    peers::{Allowance, Book, Face, From, Gate, Patient, Peer, PeerConfig, Peers, first_byte, gated},
    people::{self, SignIn},
    platform::{self, PlatformApi},
    refusals::{Refusals, Whose},
    webhook::{self, Webhooks, routes},
};

/// How often refusals are written to the audit log.
const FLUSH: Duration = Duration::from_secs(1);

/// How long connections are waited for at the end.
const GRACE: Duration = Duration::from_secs(10);
/// What the operator decides about the listener.
#[derive(Clone, Debug)]
pub struct ApiConfig {
    /// Where to listen. Put a TLS terminator in front of anything but loopback (DAT-5).
    pub listen: SocketAddr,
    /// How much one client may take up.
    pub peers: PeerConfig,
}

/// What is served.
pub struct Served {
    /// Events in.
    pub webhooks: Arc<Webhooks>,
    /// The admin API.
    pub admin: admin::Api,
    /// The published audit log.
    pub log: Arc<LogFiles>,
    /// How the host stands.
    pub ops: Arc<Ops>,
    /// Consent in the browser.
    pub connect: Arc<Connect>,
    /// How people sign in, where browsers can reach this host.
    pub people: Option<Arc<SignIn>>,
    /// Pages for those who sign in.
    pub pages: Router,
    /// The help desk for back ends, where there is an authorization server.
    pub platform: Option<Arc<PlatformApi>>,
    /// The authorization server, where there is one.
    pub oauth: Option<Arc<AuthorizationServer>>,
}

/// A port that is taken. Who connects waits until it is served.
#[derive(Debug)]
pub struct Listener {
    socket: TcpListener,
    peers: Arc<PeerConfig>,
}

impl Listener {
    /// Takes the port.
    pub async fn bind(config: ApiConfig) -> io::Result<Self> {
        Ok(Self { socket: TcpListener::bind(config.listen).await?, peers: Arc::new(config.peers) })
    }

    /// Where it is.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.socket.local_addr()
    }
}

/// Tells the address through `ready`, and serves until `stop` turns true; then finishes what is under way, for as
/// long as [`GRACE`].
pub async fn serve(
    listener: Listener,
    served: Served,
    recorder: Arc<dyn Recorder>,
    clock: Arc<dyn Clock>,
    ready: impl FnOnce(SocketAddr) + Send,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let Listener { socket, peers: config } = listener;
    ready(socket.local_addr()?);
    let webhooks = served.webhooks.clone();
    let door = FrontDoor {
        peers: Peers::new(config.clone()),
        book: Book::new(config.connections, config.connections_per_address),
        refusals: webhooks.refusals.clone(),
        stop: stop.clone(),
        connections: GracefulShutdown::new(),
        app: app(served, &config, clock.clone()),
        config,
    };
    door.open(socket, &mut stop).await;
    webhooks.refusals.flush_all(recorder.as_ref(), clock.now());
    Ok(())
}

/// Serves those who operate the host, and nobody else, on a listener of their own, until `stop` turns true.
pub async fn serve_operations(
    listener: Listener,
    ops: Arc<Ops>,
    refusals: Arc<Refusals>,
    mut stop: watch::Receiver<bool>,
) {
    let Listener { socket, peers: config } = listener;
    let door = FrontDoor {
        peers: Peers::new(config.clone()),
        book: Book::new(config.connections, config.connections_per_address),
        refusals,
        stop: stop.clone(),
        connections: GracefulShutdown::new(),
        app: ops::routes_for_operators(ops),
        config,
    };
    door.open(socket, &mut stop).await;
}

/// All endpoints. Those where something is looked up stand behind the gate.
fn app(served: Served, config: &Arc<PeerConfig>, clock: Arc<dyn Clock>) -> Router {
    let Served { webhooks, admin: operations, log, ops, connect, people, pages, platform, oauth } = served;
    let gate = Gate {
        peers: Peers::new(config.clone()),
        allowance: Arc::new(Allowance::new(config.unproved_per_minute)),
        refusals: webhooks.refusals.clone(),
        clock,
    };
    let behind = |router: Router, face: Face| gated(router, &gate, face);
    Router::new()
        .merge(ops::routes(ops.clone()))
        .merge(behind(ops::guarded_routes(ops), ops::FACE))
        .merge(behind(operations.router(), admin::FACE))
        .merge(behind(log::routes(log), log::FACE))
        .merge(behind(connect::routes(connect), connect::FACE))
        .merge(people.map(|own| behind(people::all(own, pages), people::FACE)).unwrap_or_default())
        .merge(platform.map(|api| behind(platform::routes(api), platform::FACE)).unwrap_or_default())
        .merge(oauth.map(|server| behind(oauth::routes(server), oauth::FACE)).unwrap_or_default())
        .merge(behind(routes(webhooks), webhook::FACE))
}

async fn accept(socket: &TcpListener, book: &Book) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
    let room = book.room().await?;
    let (stream, address) = socket.accept().await?;
    // Without it the second small write of an answer waits for the client's delayed acknowledgement.
    stream.set_nodelay(true)?;
    Ok((stream, address, room))
}

/// What each connection gets.
struct FrontDoor {
    app: Router,
    peers: Peers,
    book: Book,
    config: Arc<PeerConfig>,
    refusals: Arc<Refusals>,
    connections: GracefulShutdown,
    stop: watch::Receiver<bool>,
}

impl FrontDoor {
    /// Takes connections until `stop` turns true; then finishes what is under way.
    async fn open(self, socket: TcpListener, stop: &mut watch::Receiver<bool>) {
        loop {
            let accepted = tokio::select! {
                accepted = accept(&socket, &self.book) => accepted,
                // An error means that nobody can stop it any more: then it stops too.
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match accepted {
                Ok((stream, address, room)) => self.welcome(stream, address.ip(), room),
                // Out of file descriptors, or a client that was gone at once: the next one may do better.
                Err(error) => {
                    tracing::warn!(%error, "a connection was not accepted");
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
            }
        }
        drop(socket);
        if tokio::time::timeout(GRACE, self.connections.shutdown()).await.is_err() {
            tracing::warn!("connections that did not end in time are cut off; nothing that was answered for is lost");
        }
    }

    /// Talks to a client that has room left; closes the connection of another one.
    fn welcome(&self, stream: TcpStream, address: IpAddr, room: OwnedSemaphorePermit) {
        // A proxy's connections are of many clients.
        let peer = (!self.peers.is_proxy(address)).then(|| Peer::of(address));
        let Some(slot) = self.book.give(room, peer) else {
            return self.refusals.count(&Whose::Endpoint("listener"), "too-many-connections");
        };
        let (app, config) = (TowerToHyperService::new(self.app.clone()), self.config.clone());
        let (watcher, mut stop) = (self.connections.watcher(), self.stop.clone());
        tokio::spawn(async move {
            let spoken = tokio::select! {
                spoken = first_byte(&stream, config.first_byte) => spoken,
                _ = stop.wait_for(|stop| *stop) => false,
            };
            if spoken {
                let connection = http1::Builder::new()
                    .timer(TokioTimer::new())
                    .header_read_timeout(config.head)
                    .serve_connection(TokioIo::new(Patient::new(stream, config.write)), from(address, app));
                if let Err(error) = watcher.watch(connection).await {
                    tracing::debug!(%error, "a connection ended");
                }
            }
            drop(slot);
        });
    }
}

/// The same, with each request's origin noted.
fn from(
    address: IpAddr,
    app: TowerToHyperService<Router>,
) -> impl HyperService<Request<Incoming>, Response = Response, Error = Infallible, Future: Send> {
    service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(From(address));
        app.call(request)
    })
}

/// Writes counts of refusals into the log, and learns of new sources, every second until `stop` turns true. [`serve`] writes the last
/// counts, once nothing is served any more.
pub async fn flush(
    webhooks: Arc<Webhooks>,
    recorder: Arc<dyn Recorder>,
    clock: Arc<dyn Clock>,
    mut stop: watch::Receiver<bool>,
) {
    loop {
        tokio::select! {
            () = tokio::time::sleep(FLUSH) => {}
            _ = stop.wait_for(|stop| *stop) => return,
        }
        webhooks.refusals.flush(recorder.as_ref(), clock.now());
        if let Err(error) = webhooks.sources.refresh().await {
            tracing::error!(%error, "sources cannot be read");
        }
    }
}
