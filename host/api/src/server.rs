//! The listener.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::get};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use portcullis_broker::authz::AuthorizationServer;
use portcullis_model::{audit::Recorder, time::Clock};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, watch},
};

use crate::{
    admin::{self, Admin},
    connect::{self, Connect},
    log::{self, LogFiles},
    oauth,
    platform::{self, PlatformApi},
    webhook::{Webhooks, routes},
};

/// How often refusals are written to the audit log.
const FLUSH: Duration = Duration::from_secs(1);

/// How long a request's head may take to arrive, and so how long an idle connection is kept.
const HEAD_TIME: Duration = Duration::from_secs(30);
/// How long connections are waited for at the end.
const GRACE: Duration = Duration::from_secs(10);
/// Connections at once; more wait to be accepted.
const CONNECTIONS: usize = 1_024;

/// What the operator decides about the listener.
#[derive(Clone, Copy, Debug)]
pub struct ApiConfig {
    /// Where to listen. Put a TLS terminator in front of anything but loopback (DAT-5).
    pub listen: SocketAddr,
}

/// What is served.
pub struct Served {
    /// Events in.
    pub webhooks: Arc<Webhooks>,
    /// The operator's endpoints.
    pub admin: Arc<Admin>,
    /// The published audit log.
    pub log: Arc<LogFiles>,
    /// Consent in the browser.
    pub connect: Arc<Connect>,
    /// The help desk for back ends, where there is an authorization server.
    pub platform: Option<Arc<PlatformApi>>,
    /// The authorization server, where there is one.
    pub oauth: Option<Arc<AuthorizationServer>>,
}

/// A port that is taken. Who connects waits until it is served.
#[derive(Debug)]
pub struct Listener(TcpListener);

impl Listener {
    /// Takes the port.
    pub async fn bind(config: ApiConfig) -> io::Result<Self> {
        Ok(Self(TcpListener::bind(config.listen).await?))
    }

    /// Where it is.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
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
    let Served { webhooks, admin, log, connect, platform, oauth } = served;
    let Listener(listener) = listener;
    ready(listener.local_addr()?);
    let flusher = tokio::spawn(flush(webhooks.clone(), recorder.clone(), clock.clone()));
    let app: Router = Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .merge(admin::routes(admin))
        .merge(log::routes(log))
        .merge(connect::routes(connect))
        .merge(platform.map(platform::routes).unwrap_or_default())
        .merge(oauth.map(oauth::routes).unwrap_or_default())
        .merge(routes(webhooks.clone()));
    let connections = GracefulShutdown::new();
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let accepted = tokio::select! {
            accepted = accept(&listener, &slots) => accepted,
            // An error means that nobody can stop it any more: then it stops too.
            _ = stop.wait_for(|stop| *stop) => break,
        };
        match accepted {
            Ok((stream, slot)) => talk(stream, slot, &app, &connections),
            // Out of file descriptors, or a client that was gone at once: the next one may do better.
            Err(error) => {
                tracing::warn!(%error, "a connection was not accepted");
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("connections that did not end in time are cut off; nothing that was answered for is lost");
    }
    flusher.abort();
    webhooks.refusals.flush(recorder.as_ref(), clock.now());
    Ok(())
}

async fn accept(listener: &TcpListener, slots: &Arc<Semaphore>) -> io::Result<(TcpStream, OwnedSemaphorePermit)> {
    let slot = slots.clone().acquire_owned().await.map_err(io::Error::other)?;
    let (stream, _) = listener.accept().await?;
    // Without it the second small write of an answer waits for the client's delayed acknowledgement.
    stream.set_nodelay(true)?;
    Ok((stream, slot))
}

fn talk(stream: TcpStream, slot: OwnedSemaphorePermit, app: &Router, connections: &GracefulShutdown) {
    let service = TowerToHyperService::new(app.clone());
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIME)
        .serve_connection(TokioIo::new(stream), service);
    let watched = connections.watch(connection);
    tokio::spawn(async move {
        if let Err(error) = watched.await {
            tracing::debug!(%error, "a connection ended");
        }
        drop(slot);
    });
}

async fn flush(webhooks: Arc<Webhooks>, recorder: Arc<dyn Recorder>, clock: Arc<dyn Clock>) {
    loop {
        tokio::time::sleep(FLUSH).await;
        webhooks.refusals.flush(recorder.as_ref(), clock.now());
        if let Err(error) = webhooks.sources.refresh().await {
            tracing::error!(%error, "sources cannot be read");
        }
    }
}
