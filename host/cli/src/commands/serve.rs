//! `portcullis serve`

use std::net::SocketAddr;

use anyhow::Result;
use clap::Args;
use serde_json::json;
use tokio::sync::watch;

use crate::{home::Home, host::Host, output::Output};

/// Run the host: listen for events and handle them.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis serve\n  portcullis serve --listen 127.0.0.1:0 --json\n\n\
    Stop it with Ctrl-C or SIGTERM: it finishes what it has begun. A kill loses nothing that was answered for.")]
pub struct Serve {
    /// Listen here instead of where the configuration says. Port 0: a free one.
    #[arg(long, value_name = "ADDRESS:PORT")]
    pub listen: Option<SocketAddr>,
}

impl Serve {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(async move {
            signal().await;
            stop.send_replace(true);
        });
        let ready = |address: SocketAddr| {
            let printed = output.item(&json!({ "listening": address }), || {
                format!("Listening on http://{address}. Webhooks: /v1/hooks/zendesk/<source>, /v1/hooks/github/<source>, /v1/events")
            });
            if let Err(error) = printed {
                tracing::warn!(%error, "cannot print");
            }
        };
        crate::serve::serve(host, self.listen, ready, stopped).await
    }
}

/// Waits for Ctrl-C or SIGTERM.
pub(crate) async fn signal() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    drop(interrupt.await);
}
