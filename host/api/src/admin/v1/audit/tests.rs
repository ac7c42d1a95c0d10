use std::{collections::BTreeSet, net::SocketAddr, path::Path, time::Duration};

use axum::{
    Router,
    http::{Method, StatusCode},
};
use portcullis_model::{
    audit::Actor,
    id::TenantId,
    people::{Action, BuiltIn, Caller, Decide, Holding, Needs, Principal, Reach, Refusal, Why},
    time::Timestamp,
};
use portcullis_store::SqliteStore;
use serde_json::Value;
use tokio::{
    io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::*;
use crate::admin::{Local, OperatorOnly, Routes, testing};

/// A server over a directory.
struct Server {
    store: SqliteStore,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    router: Router,
}

const QUICK: LiveSettings = LiveSettings {
    most: 3,
    waiting: 8,
    look: Duration::from_millis(5),
    heartbeat: Duration::from_millis(50),
    patience: Duration::from_millis(500),
    renew: Duration::from_millis(1_500),
    entries_a_second: u32::MAX,
    bytes_a_second: u32::MAX,
};

impl Server {
    async fn start(dir: &Path) -> Self {
        Self::start_with(dir, Arc::new(OperatorOnly)).await
    }

    async fn start_with(dir: &Path, decide: Arc<dyn Decide>) -> Self {
        let store = SqliteStore::open(&dir.join("host.db")).unwrap();
        let reader = Arc::new(testing::Reader::of(dir, &store));
        let live = Live::new(reader.clone(), QUICK);
        let ports = Ports { reader, live: live.clone(), recorder: Arc::new(store.clone()) };
        let routes = Routes::new(testing::frame_with(&store, b"operator", decide)).mount(operations(), Arc::new(ports));
        let router = routes.router();
        let (stop, stopped) = watch::channel(false);
        tokio::spawn(live.run(stopped));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let served = router.clone();
        tokio::spawn(async move { axum::serve(listener, served).await });
        Self { store, address, stop, router }
    }

    async fn write(&self, kind: Kind, count: usize) {
        let entry = Entry::new(Timestamp(1), kind, Actor::Host, None).with("text", "x".repeat(400));
        self.store.record(vec![entry; count]).await.unwrap();
    }

    async fn open(&self, path: &str, headers: &str) -> BufReader<TcpStream> {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let request = format!(
            "GET /admin/v1/audit/{path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer operator\r\nconnection: close\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        BufReader::new(stream)
    }

    /// Status and body. A body in parts is put together by its lines.
    async fn get(&self, path: &str) -> (u16, Vec<Value>) {
        let mut text = String::new();
        self.open(path, "").await.read_to_string(&mut text).await.unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let json = body.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap());
        (status, json.collect())
    }
}

/// The next event's name and id; none at the end.
async fn event(stream: &mut BufReader<TcpStream>) -> Option<(String, Option<u64>)> {
    let (mut id, mut line) = (None, String::new());
    loop {
        line.clear();
        if stream.read_line(&mut line).await.unwrap_or(0) == 0 {
            return None;
        }
        if let Some(text) = line.strip_prefix("id: ") {
            id = Some(text.trim().parse().unwrap());
        }
        if let Some(name) = line.strip_prefix("event: ") {
            return Some((name.trim().to_owned(), id));
        }
    }
}

/// Ids of the next events, which are entries.
async fn ids(stream: &mut BufReader<TcpStream>, count: usize) -> Vec<u64> {
    let mut found = Vec::new();
    for _ in 0..count {
        let next = tokio::time::timeout(Duration::from_secs(20), event(stream)).await.unwrap();
        let (name, id) = next.unwrap();
        assert_eq!(name, "entry");
        found.push(id.unwrap());
    }
    found
}

fn dir() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_follower_goes_on_without_a_gap_after_the_server_was_started_again() {
    let dir = dir();
    let server = Server::start(dir.path()).await;
    server.write(Kind::HostStarted, 5).await;
    let mut live = server.open("live?filter=kind%3Dhost.*", "last-event-id: 1\r\n").await;
    assert_eq!(ids(&mut live, 3).await, [2, 3, 4], "what was written before, after the one that it named");
    server.write(Kind::HostStarted, 2).await;
    // Entry 5 says that somebody follows.
    let last = ids(&mut live, 2).await;
    assert_eq!(last, [6, 7]);
    server.write(Kind::CallEnded, 2).await;
    server.stop.send(true).unwrap();
    assert_eq!(event(&mut live).await.unwrap().0, "ending");
    assert!(event(&mut live).await.is_none());
    server.write(Kind::HostStopped, 3).await;
    drop(server);

    let server = Server::start(dir.path()).await;
    let mut live = server.open("live?filter=kind%3Dhost.*", "last-event-id: 7\r\n").await;
    server.write(Kind::HostStarted, 1).await;
    assert_eq!(ids(&mut live, 3).await, [10, 11, 12]);
    let next = ids(&mut live, 1).await[0];
    assert!((13..=14).contains(&next), "the entry about following may come before or after: {next}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_misses_anything_who_joins_while_entries_arrive() {
    let dir = dir();
    let server = Server::start(dir.path()).await;
    server.write(Kind::HostStarted, 1).await;
    let writer = async {
        for _ in 0..100 {
            server.write(Kind::HostStarted, 1).await;
        }
    };
    let follower = async {
        let mut live = server.open("live", "last-event-id: 0\r\n").await;
        ids(&mut live, 101).await
    };
    let later = async {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut live = server.open("live", "last-event-id: 0\r\n").await;
        ids(&mut live, 101).await
    };
    let ((), one, other) = tokio::join!(writer, follower, later);
    assert_eq!(one, (1..=101).collect::<Vec<_>>());
    assert_eq!(other, one);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_too_slowly_is_cut_off_and_holds_up_nobody() {
    let dir = dir();
    let server = Server::start(dir.path()).await;
    server.write(Kind::HostStarted, 1).await;
    let mut slow = server.open("live", "last-event-id: 0\r\n").await;
    assert_eq!(ids(&mut slow, 1).await, [1]);
    let mut quick = server.open("live", "last-event-id: 0\r\n").await;
    assert_eq!(ids(&mut quick, 2).await.len(), 2);
    // More than a socket and the queue hold.
    let reading = tokio::spawn(async move { ids(&mut quick, 20_000).await });
    for _ in 0..400 {
        server.write(Kind::HostStarted, 50).await;
    }
    let read = tokio::time::timeout(Duration::from_secs(60), reading).await.unwrap();
    // Whoever is quick but shares a busy machine may be cut off as well; what it got has no gap.
    if let Ok(ids) = read {
        assert!(ids.windows(2).all(|pair| pair[1] == pair[0] + 1));
    }
    let (mut expected, mut last) = (2, None);
    while let Some((name, id)) = tokio::time::timeout(Duration::from_secs(20), event(&mut slow)).await.unwrap() {
        last = Some(name);
        if let Some(id) = id {
            assert_eq!(id, expected);
            expected += 1;
        }
    }
    assert_eq!(last.as_deref(), Some("cut-off"));
    assert!(expected < 20_000, "it was not slow: {expected}");
    let mut again = server.open("live", &format!("last-event-id: {}\r\n", expected - 1)).await;
    assert_eq!(ids(&mut again, 5).await, (expected..expected + 5).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn there_are_only_so_many_followers_and_a_place_is_free_again() {
    let dir = dir();
    let server = Server::start(dir.path()).await;
    let mut all = Vec::new();
    for _ in 0..QUICK.most {
        let mut one = server.open("live", "").await;
        let mut line = String::new();
        one.read_line(&mut line).await.unwrap();
        assert!(line.contains("200"), "{line}");
        all.push(one);
    }
    assert_eq!(server.get("live").await.0, 503);
    all.clear();
    tokio::time::timeout(Duration::from_secs(10), async {
        loop {
            let mut line = String::new();
            server.open("live", "").await.read_line(&mut line).await.unwrap();
            if line.contains("200") {
                break;
            }
        }
    })
    .await
    .unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_and_exports_go_on_by_their_cursors() {
    let dir = dir();
    let server = Server::start(dir.path()).await;
    server.write(Kind::HostStarted, 5).await;
    let indices = |page: &Value| -> Vec<u64> {
        page["entries"].as_array().unwrap().iter().map(|entry| entry["index"].as_u64().unwrap()).collect()
    };
    let (status, page) = server.get("entries?filter=kind%3Dhost.started&limit=3").await;
    assert_eq!((status, indices(&page[0])), (200, vec![4, 3, 2]));
    let cursor = page[0]["cursor"].as_str().unwrap();
    let (_, page) = server.get(&format!("entries?filter=kind%3Dhost.started&cursor={cursor}")).await;
    assert_eq!((indices(&page[0]), &page[0]["cursor"]), (vec![1, 0], &Value::Null));
    let (_, page) = server.get("entries?filter=kind%3Dhost.started&at=2").await;
    assert_eq!(indices(&page[0]), [1, 0], "before a place");
    let (_, page) = server.get("entries?filter=kind%3Dhost.started&order=oldest&at=3").await;
    assert_eq!(indices(&page[0]), [3, 4], "from a place on");
    for wrong in [
        format!("entries?filter=kind%3Dhost.stopped&cursor={cursor}"),
        format!("entries?filter=kind%3Dhost.started&cursor={cursor}&at=2"),
        format!("entries?filter=kind%3Dhost.started&order=oldest&cursor={cursor}"),
        "entries?filtr=x".into(),
        "entries?filter=kind%3Dhost.startd".into(),
        "entries?limit=1001".into(),
        "export?cursor=AAAA".into(),
        "questions/granted?scope=kv:read".into(),
    ] {
        let (status, problem) = server.get(&wrong).await;
        assert_eq!(status, 400, "{wrong}: {problem:?}");
    }
    let (_, first) = server.get("export?filter=kind%3Dhost.*").await;
    assert_eq!((first.len(), &first[5]["end_of_stream"]), (6, &Value::Bool(true)));
    let body = first[0]["body"].as_str().unwrap();
    assert_eq!(serde_json::from_str::<Value>(body).unwrap()["kind"], "host.started");
    server.write(Kind::HostStopped, 1).await;
    let cursor = first[5]["cursor"].as_str().unwrap();
    let (_, second) = server.get(&format!("export?filter=kind%3Dhost.*&cursor={cursor}")).await;
    assert_eq!((second.len(), &second[0]["entry"]["kind"]), (2, &Value::String("host.stopped".into())));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_read_without_the_token_and_all_that_is_read_is_on_record() {
    let dir = dir();
    let server = Server::start(dir.path()).await;
    server.write(Kind::HostStarted, 1).await;
    for path in ["entries", "entries/0", "export", "live", "questions/touched"] {
        let mut stream = TcpStream::connect(server.address).await.unwrap();
        let request = format!("GET /admin/v1/audit/{path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        assert!(text.starts_with("HTTP/1.1 401"), "{path}: {text}");
    }
    assert_eq!(server.store.entry_count().await.unwrap(), 1);
    for (path, way) in
        [("entries", "page"), ("entries/0", "entry"), ("export", "stream"), ("questions/touched?plugin=x", "question")]
    {
        let (status, _) = server.get(path).await;
        assert_eq!(status, 200, "{path}");
        let last = server.store.entries(server.store.entry_count().await.unwrap() - 1, 1).await.unwrap().remove(0);
        assert_eq!(last.read().unwrap().text("way"), Some(way));
    }
}

/// Lets everybody read where they hold a role, the platform included.
struct Holders;

#[async_trait::async_trait]
impl Decide for Holders {
    async fn decide(
        &self,
        caller: &Caller,
        _: &Action,
        resource: &Resource,
    ) -> Result<Result<(), Refusal>, portcullis_model::error::StoreError> {
        let Reach::Holdings(holdings) = &caller.reach else { return Ok(Ok(())) };
        let no = Refusal { rule: Why::NoRole, needs: Needs::Role { one_of: Vec::new() }, who: String::new() };
        Ok(if holdings.iter().any(|holding| holding.tenant == resource.tenant) { Ok(()) } else { Err(no) })
    }
}

fn auditor(places: &[Option<&str>]) -> Caller {
    let role = BuiltIn::Auditor.name();
    let holding = |place: &Option<&str>| Holding {
        tenant: place.map(|tenant| tenant.parse().unwrap()),
        role: role.parse().unwrap(),
        until: None,
        support: None,
        break_glass: false,
    };
    Caller {
        principal: Principal::Automation("cli_1".parse().unwrap()),
        actor: Actor::Automation { client: "cli_1".parse().unwrap() },
        reach: Reach::Holdings(places.iter().map(holding).collect()),
        ..testing::dana()
    }
}

/// The tenants of entries; an entry of none is the empty text.
fn tenants(entries: &Value) -> BTreeSet<String> {
    let of = |one: &Value| one["entry"]["tenant"].as_str().unwrap_or_default().to_owned();
    entries.as_array().unwrap().iter().map(of).collect()
}

async fn world(dir: &Path) -> Server {
    let server = Server::start_with(dir, Arc::new(Holders)).await;
    let entry = |tenant: Option<&str>| {
        let tenant: Option<TenantId> = tenant.map(|name| name.parse().unwrap());
        Entry::new(Timestamp(1), Kind::PluginInstalled, Actor::Host, tenant)
            .with("plugin", "com.example.a")
            .with("installation", "ins_1")
            .with("scopes", vec!["kv:read".to_owned()])
    };
    server.store.record(vec![entry(Some("acme")), entry(Some("globex")), entry(None)]).await.unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reaches_some_tenants_sees_entries_of_those_by_every_way_of_reading() {
    let dir = dir();
    let server = world(dir.path()).await;
    let acme = Local::new(server.router.clone(), auditor(&[Some("acme")]));
    let get = async |path: &str| acme.ask(Method::GET, path, None, None).await;
    for path in ["/audit/entries", "/audit/entries?filter=tenant%3Dacme+tenant%3Dglobex", "/audit/entries?order=oldest"]
    {
        let page = get(path).await;
        assert_eq!(
            (page.status, tenants(&page.body["entries"])),
            (StatusCode::OK, ["acme".to_owned()].into()),
            "{path}"
        );
    }
    for path in ["entries", "export", "live"] {
        let other = get(&format!("/audit/{path}?filter=tenant%3Dglobex")).await;
        assert_eq!(other.status, StatusCode::NOT_FOUND, "{path}: {}", other.body);
    }
    let found: Vec<StatusCode> = vec![
        get("/audit/entries/0").await.status,
        get("/audit/entries/1").await.status,
        get("/audit/entries/2").await.status,
        get("/audit/entries/99").await.status,
    ];
    assert_eq!(found, [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::NOT_FOUND, StatusCode::NOT_FOUND]);
    let answer = get("/audit/questions/granted?scope=kv:read&installation=ins_1").await;
    assert_eq!(answer.body["findings"][0]["entries"], serde_json::json!([0]), "{}", answer.body);
    assert_eq!(answer.body["findings"].as_array().unwrap().len(), 1, "{}", answer.body);
    // What was read is in that tenant's log, in the reader's name.
    let count = server.store.entry_count().await.unwrap();
    let last: Entry = server.store.entries(count - 1, 1).await.unwrap()[0].read().unwrap();
    assert_eq!((last.tenant, last.actor), (Some("acme".parse().unwrap()), auditor(&[]).actor));
    let nobody = Local::new(server.router.clone(), auditor(&[]));
    for path in ["/audit/entries", "/audit/entries/0", "/audit/export", "/audit/live", "/audit/questions/touched"] {
        assert_eq!(nobody.ask(Method::GET, path, None, None).await.status, StatusCode::FORBIDDEN, "{path}");
    }
}

/// The lines of a streamed answer.
async fn lines(server: &Server, caller: Caller, path: &str) -> Vec<String> {
    use tower::ServiceExt as _;
    let mut request = axum::http::Request::get(format!("/admin/v1{path}")).header("last-event-id", "0");
    request.extensions_mut().unwrap().insert(caller);
    let request = request.body(axum::body::Body::empty()).unwrap();
    let response = server.router.clone().oneshot(request).await.unwrap();
    let bytes = axum::body::to_bytes(response.into_body(), 1 << 20).await.unwrap();
    String::from_utf8(bytes.to_vec()).unwrap().lines().map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn streams_show_what_is_in_sight_and_end_so_that_rights_are_looked_at_anew() {
    let dir = dir();
    let server = world(dir.path()).await;
    let of = |line: &str| {
        let value: Value = serde_json::from_str(line.strip_prefix("data: ").unwrap_or(line)).ok()?;
        value.get("entry").map(|entry| entry["tenant"].as_str().unwrap_or_default().to_owned())
    };
    let read = async |caller: Caller, path: &str| {
        let lines = lines(&server, caller, path).await;
        let seen: BTreeSet<String> = lines.iter().filter_map(|line| of(line)).collect();
        (seen, lines)
    };
    let (acme, platform) = ("acme".to_owned(), String::new());
    let (seen, _) = read(auditor(&[Some("acme")]), "/audit/export").await;
    assert_eq!(seen, [acme.clone()].into());
    let (seen, _) = read(auditor(&[Some("acme"), None]), "/audit/export").await;
    assert_eq!(seen, [platform.clone(), acme.clone()].into());
    // Written while they follow.
    let write = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        for tenant in ["acme", "globex"] {
            let entry = Entry::new(Timestamp(1), Kind::HostStarted, Actor::Host, Some(tenant.parse().unwrap()));
            server.store.record(vec![entry]).await.unwrap();
        }
    };
    let ((), one, both) = tokio::join!(
        write,
        read(auditor(&[Some("acme")]), "/audit/live"),
        read(auditor(&[Some("globex"), None]), "/audit/live")
    );
    assert_eq!(one.0, [acme].into());
    assert_eq!(both.0, [platform, "globex".to_owned()].into());
    assert!(one.1.iter().any(|line| line.contains("host.started")), "{:?}", one.1);
    assert!(one.1.iter().any(|line| line.contains("looked at anew")), "{:?}", one.1);
}
