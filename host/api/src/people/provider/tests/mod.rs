//! Against npm's `oidc-provider`, and against those who stand between.

mod honest;
mod hostile;
mod out;

use std::{
    path::{Path, PathBuf},
    process::Stdio,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portcullis_access::{Access, NewInvitation, Passkeys, Seen, Started};
use portcullis_broker::{
    egress::{Config, Private},
    key::{Key, service::KeyRing},
    oidc::{Oidc, secret_of},
    resolve::SystemResolver,
    vault::Vault,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::{Digest, FactorId, TenantId},
    people::{Caller, Factor, FactorKind, Provider},
    secret::Secret,
    time::{Clock, Rng, Timestamp},
};
use portcullis_store::SqliteStore;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use ring::rand::{SecureRandom as _, SystemRandom};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    process::{Child, ChildStdout, Command},
};
use tower::ServiceExt as _;

use super::{
    super::{CSRF, SignIn, routes, tests::NoProfile},
    Providers,
};
use crate::peers::Client;

const BASE: &str = "https://host.example.com";
const ISSUER: &str = "https://id.example.test";
const BACK: &str = "https://host.example.com/signin/provider/acme/callback";

/// The machine's clock, which can be put forward: what others' programs sign has its time.
struct Hand(AtomicI64, std::time::Instant);

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        let gone = i64::try_from(self.1.elapsed().as_millis()).unwrap();
        Timestamp(self.0.load(Ordering::Relaxed) + gone)
    }
}

struct System(SystemRandom);

impl Rng for System {
    fn fill(&self, buffer: &mut [u8]) {
        self.0.fill(buffer).unwrap();
    }
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

fn seconds() -> i64 {
    let output = std::process::Command::new("date").arg("+%s").output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().parse().unwrap()
}

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/oidc")
}

/// The provider in a process of its own, and the host.
struct Stage {
    app: Router,
    access: Access,
    store: Arc<SqliteStore>,
    clock: Arc<Hand>,
    ca: String,
    port: u16,
    dir: tempfile::TempDir,
    _child: Child,
    _lines: Lines<BufReader<ChildStdout>>,
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Cookies that it sets, as a browser sends them back.
    fn cookies(&self) -> Vec<String> {
        let all = self.headers.get_all(header::SET_COOKIE).iter().map(|value| value.to_str().unwrap());
        all.map(|line| line.split(';').next().unwrap().to_owned()).filter(|pair| !pair.ends_with('=')).collect()
    }
}

/// Who somebody is at the provider.
#[derive(Clone, Copy, Default)]
struct There {
    login: &'static str,
    amr: &'static str,
    acr: &'static str,
    deny: &'static str,
}

fn dana() -> There {
    There { login: "dana", ..There::default() }
}

fn certified() -> (String, String, String) {
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    ca.distinguished_name.push(DnType::CommonName, "the CA of this test");
    let ca_key = KeyPair::generate().unwrap();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["id.example.test".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    (ca_pem, certificate.pem(), key.serialize_pem())
}

fn script(name: &str, settings: &Value, dir: &Path) -> Command {
    assert!(
        scripts().join("node_modules").is_dir(),
        "the packages in tests/contract/oidc are not installed; run .ci/third-parties"
    );
    let mut random = [0u8; 8];
    SystemRandom::new().fill(&mut random).unwrap();
    let file = dir.join(format!("{name}.{}.json", hex::encode(random)));
    std::fs::write(&file, settings.to_string()).unwrap();
    let mut command = Command::new("node");
    command.arg(scripts().join(name)).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command.stderr(Stdio::piped());
    command
}

impl Stage {
    async fn new() -> Self {
        let (ca, cert, key) = certified();
        let dir = tempfile::tempdir().unwrap();
        let other = BACK.replace("acme", "other");
        let settings = json!({ "key": key, "cert": cert, "redirects": [BACK, other] });
        let mut child = script("provider.mjs", &settings, dir.path()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let told: Value = loop {
            let line = lines.next_line().await.unwrap().expect("the provider did not start");
            if let Ok(told) = serde_json::from_str(&line) {
                break told;
            }
        };
        let port = u16::try_from(told["port"].as_u64().unwrap()).unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let clock = Arc::new(Hand(AtomicI64::new(seconds() * 1_000), std::time::Instant::now()));
        let rng: Arc<dyn Rng> = Arc::new(System(SystemRandom::new()));
        let access =
            Access::new(store.clone(), Arc::new(NoProfile), clock.clone(), rng.clone(), Secret::new(vec![7; 32]));
        let access = access.unwrap();
        let vault = Vault::new(store.clone(), KeyRing::of(Key::of(&[3; 32]).unwrap(), rng.clone()), rng.clone());
        let entry = Entry::new(clock.now(), Kind::AccessChanged, Actor::Host, Some(acme()));
        let secret = Secret::new(b"basic-client-secret-0123456789".to_vec());
        vault.put(acme(), None, &secret_of(&acme(), ISSUER, "basic").name, "", &secret, entry).await.unwrap();
        let private = vec![Private {
            host: "id.example.test".into(),
            address: ([127, 0, 0, 1], port).into(),
            ca_pem: Some(ca.clone()),
        }];
        let config = Config { private, ..Config::default() };
        let oidc = Arc::new(Oidc::new(&config, Arc::new(SystemResolver::default()), clock.clone()).unwrap());
        let own = SignIn {
            access: access.clone(),
            passkeys: Passkeys::new(BASE).unwrap(),
            providers: Some(Arc::new(Providers::new(oidc, Arc::new(vault)))),
            base: BASE.into(),
            clock: clock.clone(),
            rng,
        };
        let stage =
            Self { app: routes(Arc::new(own)), access, store, clock, ca, port, dir, _child: child, _lines: lines };
        stage.set(|_| ()).await;
        stage
    }

    async fn set(&self, change: impl FnOnce(&mut Provider)) {
        let mut provider = Provider {
            issuer: ISSUER.into(),
            client_id: "basic".into(),
            only: false,
            mfa_acr: vec!["urn:two".into()],
            mfa_amr: vec!["mfa".into()],
            needs_mfa: false,
            max_age_minutes: None,
        };
        change(&mut provider);
        self.access.set_provider(&self.operator(), &acme(), Some(provider)).await.unwrap();
    }

    fn operator(&self) -> Caller {
        Caller::at_the_terminal(Actor::Host, self.clock.now())
    }

    async fn invite(&self, email: &str) -> String {
        let new = NewInvitation {
            email: email.into(),
            name: "Ana".into(),
            tenant: Some(acme()),
            role: "owner".parse().unwrap(),
            until: None,
            break_glass: false,
        };
        self.access.invite(&self.operator(), new).await.unwrap().token.to_string()
    }

    /// Somebody with a passkey, signed in.
    async fn native(&self, email: &str) -> Started {
        let token = self.invite(email).await;
        let invitation = self.access.invitation(&token).await.unwrap();
        let factor = Factor {
            id: FactorId::random(&System(SystemRandom::new())),
            person: self.access.invitee(&invitation).await.unwrap().id,
            kind: FactorKind::Passkey,
            label: "laptop".into(),
            handle: Some(format!("of {email}")),
            body: Value::Null,
            created: self.clock.now(),
            used: None,
            ended: None,
            version: 1,
        };
        let seen = Seen { label: "Firefox".into(), device: None, address: "192.0.2.7".parse().unwrap() };
        self.access.join(&token, factor, &seen).await.unwrap()
    }

    async fn ask(&self, path: &str, body: Option<Value>, cookies: &[String], csrf: Option<&str>) -> Answer {
        let mut request = Request::builder().uri(path.strip_prefix(BASE).unwrap_or(path));
        if body.is_some() {
            request = request.method("POST").header(header::CONTENT_TYPE, "application/json");
        }
        if !cookies.is_empty() {
            request = request.header(header::COOKIE, cookies.join("; "));
        }
        if let Some(csrf) = csrf {
            request = request.header(CSRF, csrf);
        }
        let body = body.map_or_else(Body::empty, |body| Body::from(body.to_string()));
        let mut request = request.body(body).unwrap();
        request.extensions_mut().insert(Client("192.0.2.7".parse().unwrap()));
        let response = self.app.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = to_bytes(body, 1 << 20).await.unwrap();
        Answer { status: head.status, headers: head.headers, text: String::from_utf8(bytes.to_vec()).unwrap() }
    }

    /// Begins a sign-in: where to, and what the browser keeps.
    async fn begin(&self) -> (String, Vec<String>) {
        let begun = self.ask("/signin/provider/begin", Some(json!({ "tenant": "acme" })), &[], None).await;
        assert_eq!(begun.status, StatusCode::OK, "{}", begun.text);
        (begun.json()["url"].as_str().unwrap().to_owned(), begun.cookies())
    }

    /// Goes to the provider, and comes back with this.
    async fn there(&self, url: &str, there: There) -> String {
        let settings = json!({
            "start": url, "ca": self.ca, "port": self.port, "login": there.login, "amr": there.amr, "acr": there.acr,
            "deny": there.deny,
        });
        let output = script("browser.mjs", &settings, self.dir.path()).output().await.unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let seen: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("the browser said: {said}"));
        seen["back"].as_str().unwrap().to_owned()
    }

    /// The whole of a sign-in.
    async fn signs_in(&self, there: There) -> Answer {
        let (url, cookies) = self.begin().await;
        let back = self.there(&url, there).await;
        self.ask(&back, None, &cookies, None).await
    }

    /// Joins by the provider.
    async fn joins(&self, email: &str, there: There) -> Answer {
        let token = self.invite(email).await;
        let begun = self.ask("/signin/provider/join", Some(json!({ "token": token })), &[], None).await;
        let back = self.there(begun.json()["url"].as_str().unwrap(), there).await;
        self.ask(&back, None, &begun.cookies(), None).await
    }

    async fn session(&self, cookies: &[String]) -> Answer {
        self.ask("/signin/session", None, cookies, None).await
    }
}

/// The parts of a URL's query.
fn query(url: &str) -> std::collections::BTreeMap<String, String> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

fn with(url: &str, name: &str, value: Option<&str>) -> String {
    let mut changed = url::Url::parse(url).unwrap();
    let rest: Vec<(String, String)> = changed.query_pairs().into_owned().filter(|(one, _)| one != name).collect();
    changed.query_pairs_mut().clear().extend_pairs(rest).extend_pairs(value.map(|value| (name, value)));
    changed.into()
}

fn not_let_in(answer: &Answer) {
    assert!(answer.status.is_client_error() || answer.status.is_server_error(), "{}", answer.status);
    assert!(answer.cookies().is_empty(), "{:?}", answer.cookies());
    assert!(answer.text.contains("Not signed in"), "{}", answer.text);
}
