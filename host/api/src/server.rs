//! The listener.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use axum::{Router, routing::get, serve::ListenerExt};
use portcullis_model::{audit::Recorder, time::Clock};
use tokio::{net::TcpListener, sync::watch};

use crate::webhook::{Webhooks, routes};

/// How often refusals are written to the audit log.
const FLUSH: Duration = Duration::from_secs(1);

/// What the operator decides about the listener.
#[derive(Clone, Copy, Debug)]
pub struct ApiConfig {
    /// Where to listen. Put a TLS terminator in front of anything but loopback (DAT-5).
    pub listen: SocketAddr,
}

/// Listens, tells the address through `ready`, and serves until `stop` turns true; then finishes what is under way.
pub async fn serve(
    config: ApiConfig,
    webhooks: Arc<Webhooks>,
    recorder: Arc<dyn Recorder>,
    clock: Arc<dyn Clock>,
    ready: impl FnOnce(SocketAddr) + Send,
    mut stop: watch::Receiver<bool>,
) -> io::Result<()> {
    let listener = TcpListener::bind(config.listen).await?;
    ready(listener.local_addr()?);
    let listener = listener.tap_io(|stream| {
        // Without it the second small write of an answer waits for the client's delayed acknowledgement.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "TCP_NODELAY");
        }
    });
    let flusher = tokio::spawn(flush(webhooks.clone(), recorder.clone(), clock.clone()));
    let app: Router = routes(webhooks.clone()).route("/healthz", get(|| async { "ok\n" }));
    let stopped = async move {
        // An error means that nobody can stop it any more: then it stops too.
        drop(stop.wait_for(|stop| *stop).await);
    };
    let served = axum::serve(listener, app).with_graceful_shutdown(stopped).await;
    flusher.abort();
    webhooks.refusals.flush(recorder.as_ref(), clock.now());
    served
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
