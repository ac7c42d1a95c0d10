//! A running host: listener, workers, what watches over both, and an orderly end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use portcullis_api::{
    ApiConfig, Connect, Listener, LogFiles, Refusals, Served, SourceBook, Webhooks,
    audit::{Live, LiveSettings},
};
use portcullis_broker::{
    connection::Connections,
    egress::Outbound,
    renew::ahead::Renewer,
    resolve::{Resolve, SystemResolver},
};
use portcullis_capabilities::{Capabilities, Catalogue, Doors, Services};
use portcullis_delivery::{Directory, Ingest, Worker, WorkerConfig};
use portcullis_model::{
    audit::{Actor, Entry, Kind, Recorder, plain},
    invoke::Invoke,
    oauth::OAuthStore as _,
    queue::Queue,
    time::Clock,
};
use portcullis_runtime::{Ledger, Runtime, Sandbox};
use portcullis_store::{SqliteStore, helpdesk::SqliteHelpDesk};
use tokio::sync::{Notify, watch};

use crate::{
    connect,
    enforce::Enforcer,
    erasure,
    host::Host,
    leaks::Leaks,
    oauth, ops, platform,
    public_log::HomeLog,
    publish::LogPublisher,
    reading::LogReader,
    tasks::{Alive, Tasks, serve_with},
    upgrades::Upgrader,
};

/// How often the log is published, and changes by other processes are looked for.
const TICK: Duration = Duration::from_millis(500);

/// How often stored values whose time is over are disposed of, and at most how many at once.
const SWEEP: Duration = Duration::from_secs(600);
const SWEPT: u64 = 100_000;

/// The runtime of an opened host.
pub fn runtime(host: &Host) -> Result<Arc<Runtime<Capabilities>>> {
    runtime_resolving(host, Arc::new(SystemResolver::default()))
}

/// As [`runtime`], with names looked up by this resolver.
pub fn runtime_resolving(host: &Host, resolver: Arc<dyn Resolve>) -> Result<Arc<Runtime<Capabilities>>> {
    let helpdesk = Arc::new(SqliteHelpDesk::open(&host.home.helpdesk(), host.clock.clone())?);
    let egress = Outbound::new(&host.config.egress()?, host.connections.clone(), resolver, host.clock.clone())?
        .under(host.freezes.clone())
        .ruled_by(host.duties.clone());
    let services = Services {
        helpdesk,
        pseudonyms: host.pseudonyms.clone(),
        kv: Arc::new(host.store.kv(host.clock.clone())),
        files: Arc::new(host.dirs.clone()),
        egress: Arc::new(egress),
        clock: host.clock.clone(),
        rng: host.rng.clone(),
    };
    let sandbox =
        Sandbox::new(host.config.sandbox()).map_err(|e| anyhow::anyhow!("the sandbox cannot start: {e:#}"))?;
    let runtime = Runtime::new(
        sandbox,
        Capabilities::new(&services),
        host.registry.clone(),
        host.store.clone(),
        host.clock.clone(),
        host.rng.clone(),
        host.bounds(),
        Ledger::new(host.store.clone(), host.clock.clone(), host.config.tenant_limits().clone()),
    );
    Ok(Arc::new(runtime.scanning_for(Arc::new(Leaks::new(host)?))))
}

/// Runs the host until `stop` turns true. `ready` gets the listener's address.
pub async fn serve(
    mut host: Host,
    listen: Option<SocketAddr>,
    ready: impl FnOnce(SocketAddr) + Send,
    stop: watch::Receiver<bool>,
) -> Result<()> {
    let lock = host.home.lock()?;
    crate::parcel::sweep(&host.home);
    // What changed between the opening and the lock: an act that looked meanwhile was told that no host runs.
    host.freezes.tighten().await?;
    host.connections.refresh().await?;
    host.config.listen.address = listen.unwrap_or(host.config.listen.address);
    let host = Arc::new(host);
    crate::detect::library(&host)?;
    let runtime = runtime(&host)?;
    LogPublisher::new(&host.home, host.store.clone()).catch_up().await?;
    start(&host).await?;
    let ledger = runtime.ledger().clone();
    ledger.load().await?;
    let arrived = Arc::new(Notify::new());
    let directory = Directory::new(host.store.clone());
    let mut enforcer = Enforcer::new(host.clone(), Some(runtime.clone()));
    // Before anything is called.
    enforcer.tick().await?;
    let outbound = crate::outbound::worker(&host, Arc::new(Doors::new(runtime.clone())), directory.clone());
    let worker = worker(&host, runtime.clone(), directory.clone(), arrived.clone());
    let ingest = Ingest::new(host.store.clone(), directory.clone(), host.clock.clone(), arrived);
    let webhooks = Arc::new(Webhooks {
        ingest,
        sources: SourceBook::new(host.store.clone(), host.connections.clone()),
        refusals: Arc::new(Refusals::default()),
        clock: host.clock.clone(),
        max_body: host.config.ingest.max_body_kib * 1024,
    });
    webhooks.sources.refresh().await?;
    let counted = webhooks.clone();
    let log = HomeLog { home: host.home.clone(), store: host.store.clone() };
    let log = Arc::new(LogFiles { log: Arc::new(log), token: host.operator_token()? });
    let listen = host.config.listen.address;
    let config = ApiConfig { listen, peers: host.config.listen.peers()? };
    let listener = Listener::bind(config).await.with_context(|| format!("cannot listen on {listen}"))?;
    let address = listener.address()?;
    host.home.tell_address(address)?;
    let oauth = oauth::server(&host, address)?;
    let desk = Arc::new(connect::desk(&host));
    let connect = Connect { desk: desk.clone(), installations: host.store.clone(), catalogue: Arc::new(Catalogue) };
    let connect = Arc::new(connect);
    let (alive, patience) = (Alive::default(), host.config.shutdown.patience());
    let end = host.config.shutdown.after_notice(stop.clone());
    let mut work = Tasks::watched(&alive, patience);
    work.spawn("erasures", |stop| erasure::run(host.clone(), runtime.clone(), stop));
    work.spawn("calls", |stop| worker.run(stop));
    work.spawn("messages", |stop| outbound.run(stop));
    work.spawn("upgrades", |stop| Upgrader::new(host.clone()).run(stop));
    work.spawn("sweeps", |stop| sweep(host.store.clone(), host.clock.clone(), stop));
    let access = crate::people::access(&host)?;
    work.spawn("people", |stop| crate::people::tidy(access.clone(), stop));
    work.spawn("witnesses", |stop| crate::witnessed::run(host.clone(), stop));
    work.spawn("rescans", |stop| crate::rescan::run(host.clone(), stop));
    work.spawn("retention", |stop| crate::retention::run(host.clone(), stop));
    work.spawn("requests of data subjects", |stop| crate::privacy::run(host.clone(), stop));
    work.spawn("deletions of tenants", |stop| crate::tenant::run(host.clone(), stop));
    work.spawn("backups", |stop| crate::backup::run(host.clone(), stop));
    work.spawn("rotations", |stop| crate::rotation::run(host.clone(), stop));
    work.spawn("containments", |stop| crate::incident::run(host.clone(), stop));
    work.spawn("renewals", |stop| {
        Renewer::new(host.connections.clone(), host.renewals.clone(), host.clock.clone(), host.rng.clone()).run(stop)
    });
    work.spawn("consents", |stop| connect::tidy(desk, stop));
    work.spawn("refusals", |stop| portcullis_api::flush(counted, host.store.clone(), host.clock.clone(), stop));
    let mut guards = guards(&host, enforcer, ledger.clone(), Tasks::watched(&alive, patience));
    let platform =
        oauth.clone().map(|tokens| platform::api(runtime, directory, tokens.clone(), &tokens.settings().issuer));
    let reader = Arc::new(LogReader::new(&host.home, host.store.clone()));
    work.spawn("postures", |stop| crate::duties::run(host.clone(), reader.clone(), stop));
    let live = Live::new(reader.clone(), LiveSettings::default());
    let people = crate::people::sign_in(&host, access, address).await?;
    let admin = crate::admin::api(&host, &reader, &live, people.clone())?;
    let pages = crate::console::pages(&admin, people.as_deref(), &host.rng, host.clock.now());
    let outlets = crate::outlet::prepare(&host, &reader)?;
    work.spawn("outlets of the log", |stop| outlets.run(stop));
    work.spawn("traces", |stop| ops::traces::run(host.clone(), reader.clone(), stop));
    work.spawn("the index of the log", |stop| reader.clone().run(stop));
    work.spawn("followers of the log", |stop| live.clone().run(stop));
    let running = ops::Running::new(host.clone(), live.clone(), alive, stop);
    let ops = running.endpoints()?;
    let operators = ops::listener(host.config.listen.operations, &host).await?;
    guards.spawn("health", |stop| running.run(stop));
    guards.spawn("operations", |stop| ops::serve(operators, ops.clone(), webhooks.refusals.clone(), stop));
    crate::detect::start(&host, address, &mut work)?;
    let served = Served { webhooks, admin, log, ops, connect, people, pages, platform, oauth };
    let (halt, halted) = watch::channel(false);
    let serving = portcullis_api::serve(listener, served, host.store.clone(), host.clock.clone(), ready, halted);
    let ended = serve_with(serving, halt, (work, guards), end).await;
    // The last calls have ended: nothing is used any more.
    ledger.write_now().await;
    let mut entry = Entry::new(host.clock.now(), Kind::HostStopped, Actor::Host, None);
    if let Err(fallen) = &ended {
        entry = entry.with("fallen", fallen.name());
    }
    host.store.record(vec![entry]).await?;
    LogPublisher::new(&host.home, host.store.clone()).catch_up().await?;
    drop(lock);
    Ok(ended?)
}

/// What watches over everything that is under way, and so ends last.
fn guards(host: &Arc<Host>, enforcer: Enforcer, ledger: Arc<Ledger>, mut guards: Tasks) -> Tasks {
    guards.spawn("withdrawals", |stop| enforcer.run(stop));
    guards.spawn("freezes", |stop| host.freezes.clone().run(host.store.clone(), host.clock.clone(), stop));
    guards.spawn("profiles", |stop| crate::duties::follow(host.duties.clone(), stop));
    guards.spawn("credentials", |stop| watch_secrets(host.connections.clone(), stop));
    guards.spawn("ledger", |stop| ledger.run(stop));
    guards.spawn("log", |stop| publish(LogPublisher::new(&host.home, host.store.clone()), stop));
    guards
}

/// What must be put right before anything new happens: leases and acts that a crash left open.
async fn start(host: &Host) -> Result<()> {
    let leases = host.store.recover().await?;
    let unknown = host.store.sweep_open_acts(host.clock.now()).await?;
    host.vault()
        .finish_rotations(|kind, tenant| Entry::new(host.clock.now(), kind, Actor::Host, tenant))
        .await
        .unwrap_or_else(|error| {
            tracing::error!(%error, "a rotation of keys that was cut off cannot go on");
            Default::default()
        });
    let mut entry = Entry::new(host.clock.now(), Kind::HostStarted, Actor::Host, None)
        .with("version", env!("CARGO_PKG_VERSION"))
        .with("recovered-leases", leases)
        .with("unknown-acts", unknown);
    if oauth::key_is_gone(host).await? {
        eprintln!("Warning: {}", oauth::KEY_IS_GONE);
        entry = entry.with("oauth-key", "made anew");
    }
    if let Some(digest) = host.config.digest {
        entry = entry.with("config", digest.to_string());
    }
    let in_the_clear = host.config.egress.in_the_clear(host.clock.as_ref());
    if !in_the_clear.is_empty() {
        in_the_clear.iter().for_each(|(what, who)| eprintln!("Accepted risk: {}; {}", plain(what), plain(who)));
        entry = entry.with("plaintext", in_the_clear.iter().map(|(what, _)| plain(what)).collect::<Vec<_>>());
        for (number, (_, who)) in in_the_clear.iter().enumerate() {
            entry = entry.with_personal(&format!("risk-{number}"), who);
        }
    }
    host.store.record(vec![entry]).await?;
    Ok(())
}

fn worker(host: &Host, invoke: Arc<dyn Invoke>, directory: Directory, arrived: Arc<Notify>) -> Arc<Worker> {
    let longest_call = Duration::from_millis(host.config.limits().wall_ms);
    Arc::new(Worker {
        queue: host.store.clone(),
        directory,
        invoke,
        logs: host.store.clone(),
        clock: host.clock.clone(),
        rng: host.rng.clone(),
        arrived,
        config: WorkerConfig {
            concurrent_calls: host.config.sandbox.concurrent_calls as usize,
            hold: longest_call.saturating_mul(10) + Duration::from_secs(60),
            retry: host.config.retry(),
        },
    })
}

async fn pause(stop: &mut watch::Receiver<bool>) -> bool {
    tokio::select! {
        () = tokio::time::sleep(TICK) => {}
        _ = stop.changed() => {}
    }
    !*stop.borrow()
}

async fn publish(mut publisher: LogPublisher, mut stop: watch::Receiver<bool>) {
    loop {
        if let Err(error) = publisher.catch_up().await {
            tracing::error!(%error, "the audit log cannot be published; entries stay in the store");
        }
        if !pause(&mut stop).await {
            return;
        }
    }
}

/// Disposes of stored values whose time is over (DAT-8).
async fn sweep(store: Arc<SqliteStore>, clock: Arc<dyn Clock>, mut stop: watch::Receiver<bool>) {
    let mut last = clock.now();
    while pause(&mut stop).await {
        if clock.now().distance(last) < SWEEP {
            continue;
        }
        last = clock.now();
        match store.sweep_expired(last, SWEPT).await {
            Ok(0) => {}
            Ok(gone) => tracing::info!(gone, "stored values whose time was over were disposed of"),
            Err(error) => tracing::error!(%error, "stored values whose time is over cannot be disposed of"),
        }
        if let Err(error) = store.sweep_oauth(last).await {
            tracing::error!(%error, "tokens whose time is over cannot be disposed of");
        }
    }
}

/// Reads the credentials again when another process has changed them.
async fn watch_secrets(connections: Arc<Connections>, mut stop: watch::Receiver<bool>) {
    while pause(&mut stop).await {
        let read = async { if connections.is_behind().await? { connections.refresh().await } else { Ok(Vec::new()) } };
        match read.await {
            Ok(refused) => refused.iter().for_each(|e| tracing::error!(%e, "a stored secret cannot be used")),
            Err(error) => tracing::error!(%error, "credentials cannot be read again"),
        }
    }
}
