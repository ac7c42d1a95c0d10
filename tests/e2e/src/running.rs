//! A lab's host, running in this process: listener, workers and log, as the binary runs them.

use std::{net::SocketAddr, time::Duration};

use portcullis_cli::{host::person, rotation::sources, serve::serve};
use portcullis_model::{
    event::EventForm,
    queue::{DeliveryRow, DeliveryState, Queue as _},
    secret::Secret,
    source::Source,
};
use tokio::{
    sync::{oneshot, watch},
    task::JoinHandle,
};

use crate::{Answer, Lab, Request, TENANT, created_on, sign};

/// How long to wait for what must come.
const PATIENCE: Duration = Duration::from_secs(60);

/// A host that runs until it is stopped or dropped.
pub struct Running {
    /// Where it listens.
    pub address: SocketAddr,
    stop: watch::Sender<bool>,
    task: JoinHandle<Result<(), String>>,
}

impl Lab {
    /// The secret of every source of the labs.
    pub const SECRET: &'static str = "a-secret-of-the-tests-0123456789";

    /// Registers a source in the usual tenant. Do it before the host runs.
    pub async fn source(&self, name: &str, form: EventForm) {
        let source = Source { name: name.parse().unwrap(), tenant: TENANT.parse().unwrap(), form };
        let secret = Secret::new(Self::SECRET.as_bytes().to_vec());
        sources(&self.host, person()).add(&source, &secret).await.unwrap();
    }

    /// Runs the host.
    pub async fn run(&self) -> Running {
        let host = self.reopened().await;
        let (stop, stopped) = watch::channel(false);
        let (ready, listening) = oneshot::channel();
        let task = tokio::spawn(async move {
            let told = |address| {
                ready.send(address).ok();
            };
            let served = serve(host, Some(SocketAddr::from(([127, 0, 0, 1], 0))), told, stopped).await;
            served.map_err(|error| format!("{error:#}"))
        });
        match listening.await {
            Ok(address) => Running { address, stop, task },
            Err(_) => panic!("the host does not start: {:?}", task.await),
        }
    }

    /// The deliveries, oldest first.
    pub async fn deliveries(&self) -> Vec<DeliveryRow> {
        let mut rows = self.host.store.deliveries(1_000_000).await.unwrap();
        rows.reverse();
        rows
    }

    /// Waits until as many deliveries as this are done or dead.
    pub async fn settled(&self, count: usize) -> Vec<DeliveryRow> {
        let over = |row: &&DeliveryRow| matches!(row.state, DeliveryState::Done | DeliveryState::Dead);
        let wait = async {
            loop {
                let rows = self.deliveries().await;
                if rows.iter().filter(over).count() >= count {
                    return rows;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, wait).await;
        match waited {
            Ok(rows) => rows,
            Err(_) => panic!("not {count} deliveries settled within {PATIENCE:?}: {:?}", self.deliveries().await),
        }
    }

    /// Sends the event that a ticket was created, signed, to the Zendesk source of this name.
    pub async fn send_created(&self, to: &Running, source: &str, ticket: &str, id: &str) -> Answer {
        let body = created_on(ticket, id);
        let signed = sign(Self::SECRET, self.host.clock.now(), body.as_bytes());
        Request::post(format!("/v1/hooks/zendesk/{source}"), body).headers(signed).send(to.address).await
    }
}

impl Running {
    /// Stops it in good order, and waits until it has.
    pub async fn stop(mut self) {
        self.stop.send_replace(true);
        let ended = tokio::time::timeout(PATIENCE, &mut self.task).await;
        ended.expect("the host does not stop").unwrap().unwrap();
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}
