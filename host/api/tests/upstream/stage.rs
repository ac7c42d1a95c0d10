//! The stage: a provider in a process of its own behind TLS, the host's endpoints on a port, a browser.

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    sync::Arc,
};

use async_trait::async_trait;
use portcullis_api::{Connect, connect_routes};
use portcullis_broker::{
    egress::{Config, Private},
    issue::Credential,
};
use portcullis_model::{
    audit::Entry,
    authority::{Layer, Standing},
    catalogue::{Catalogue, Interface, ScopeDescription, WasiImport},
    connection::Origin,
    error::StoreError,
    installation::{Installation, InstallationStore},
    scope::{ScopeError, ScopeText},
    secret::Secret,
};
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncBufReadExt as _, BufReader, Lines},
    net::TcpListener,
    process::{Child, ChildStdout, Command},
};

use crate::consents::{Hand, Office, key, origin, secret, wanted};

pub const OIDC: &str = "id.example.test";
pub const MOCK: &str = "mock.example.test";

/// No installations: the page then calls the plugin by its id.
struct Nobody;

#[async_trait]
impl InstallationStore for Nobody {
    async fn installations(&self) -> Result<Vec<Installation>, StoreError> {
        Ok(Vec::new())
    }
    async fn installations_revision(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
    async fn put_installation(&self, _: Installation, _: Option<u64>, _: Entry) -> Result<bool, StoreError> {
        Ok(false)
    }
}

impl Catalogue for Nobody {
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

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/contract/upstream")
}

/// A script with its settings in a file. Ends when its standard input does.
fn node(script: &str, settings: &Value, dir: &Path) -> Command {
    assert!(
        scripts().join("node_modules").is_dir(),
        "the packages in tests/contract/upstream are not installed; run .ci/third-parties"
    );
    let file = dir.join(format!("{script}.{}.json", settings["start"].as_str().map_or(0, str::len)));
    std::fs::write(&file, settings.to_string()).unwrap();
    let mut command = Command::new("node");
    command.arg(scripts().join(script)).arg(file).stdin(Stdio::piped()).stdout(Stdio::piped()).kill_on_drop(true);
    command.stderr(Stdio::piped());
    command
}

/// A provider, and the host.
pub struct Stage {
    pub office: Office,
    pub base: String,
    /// The key of clients that have one, in PEM.
    pub client_key: Secret,
    provider: &'static str,
    ca: String,
    port: u16,
    dir: tempfile::TempDir,
    _child: Child,
    _lines: Lines<BufReader<ChildStdout>>,
}

/// What the browser saw in the end.
pub struct Seen {
    pub status: u64,
    pub body: String,
    pub url: String,
    pub headers: BTreeMap<String, Value>,
    pub cookies: Value,
    pub trail: String,
}

impl Stage {
    pub async fn new(provider: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let (ca, certificate, server_key) = certified();
        let pair = KeyPair::generate().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let settings = json!({
            "key": server_key, "cert": certificate, "redirect": format!("{base}/connect/callback"), "clientKey": jwk(&pair),
        });
        let script = if provider == OIDC { "oidc.mjs" } else { "mock.mjs" };
        let mut child = node(script, &settings, dir.path()).stderr(Stdio::null()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        // Some say other things first.
        let told: Value = loop {
            let line = lines.next_line().await.unwrap().unwrap_or_else(|| panic!("{script} did not start"));
            if let Ok(told) = serde_json::from_str(&line) {
                break told;
            }
        };
        let port = u16::try_from(told["port"].as_u64().unwrap()).unwrap();
        let address: SocketAddr = ([127, 0, 0, 1], port).into();
        let private = vec![Private { host: provider.to_owned(), address, ca_pem: Some(ca.clone()) }];
        let office = Office::new(&Config { private, ..Config::default() }, Hand::real());
        let connect =
            Connect { desk: office.desk.clone(), installations: Arc::new(Nobody), catalogue: Arc::new(Nobody) };
        let app = connect_routes(Arc::new(connect));
        tokio::spawn(async move { axum::serve(listener, app).await });
        let client_key = secret(&pair.serialize_pem());
        Self { office, base, client_key, provider, ca, port, dir, _child: child, _lines: lines }
    }

    /// A generic connection to the provider.
    pub fn origin(&self, client: &str, more: &[(&str, &str)], scopes: &[&str]) -> Origin {
        let at = |path: &str| format!("https://{}/{path}", self.provider);
        let revoke = if self.provider == OIDC { "token/revocation" } else { "revoke" };
        let authorize = if self.provider == OIDC { "auth" } else { "authorize" };
        let urls = [("authorize-url", at(authorize)), ("token-url", at("token")), ("revoke-url", at(revoke))];
        let urls = urls.iter().map(|(name, url)| (*name, url.as_str()));
        let settings: Vec<(&str, &str)> = urls.chain([("client-id", client)]).chain(more.iter().copied()).collect();
        origin("oauth2", &settings, scopes)
    }

    /// The same, by client credentials.
    pub fn service(&self, client: &str, more: &[(&str, &str)], scopes: &[&str]) -> Origin {
        let mut origin = self.origin(client, more, scopes);
        origin.provider = "client-credentials".parse().unwrap();
        origin.settings.remove("authorize-url");
        origin
    }

    /// Makes a link for this.
    pub async fn link(&self, origin: &Origin, client: Option<Secret>) -> String {
        let wanted = wanted("api", origin.clone(), "api.example.test", &self.base);
        self.office.desk.ask(wanted, client).await.unwrap().link.to_string()
    }

    /// Opens a URL in a browser that has these cookies, and goes on from there: it agrees, it denies, or it only looks.
    pub async fn browse(&self, start: &str, answer: &str, cookies: Value) -> Seen {
        let settings = json!({
            "start": start, "answer": answer, "ca": self.ca, "hosts": { self.provider: self.port }, "cookies": cookies,
        });
        let output = node("browser.mjs", &settings, self.dir.path()).output().await.unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let seen: Value = serde_json::from_str(&text).unwrap_or_else(|_| {
            panic!("the browser said: {text} {}", String::from_utf8_lossy(&output.stderr));
        });
        Seen {
            status: seen["status"].as_u64().unwrap(),
            body: seen["body"].as_str().unwrap().to_owned(),
            url: seen["url"].as_str().unwrap().to_owned(),
            headers: serde_json::from_value(seen["headers"].clone()).unwrap(),
            cookies: seen["cookies"].clone(),
            trail: seen["trail"].to_string(),
        }
    }

    /// What is stored of the connection, if anything.
    pub fn stored(&self) -> Option<(Origin, Credential)> {
        let kept = self.office.safe.kept.lock().unwrap();
        kept.get(&key("api")).map(|one| (one.origin.clone(), one.credential.clone()))
    }
}

/// A CA's certificate, and a server's certificate and key for both providers' names, all in PEM.
fn certified() -> (String, String, String) {
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    // A name of its own: OpenSSL takes a certificate whose issuer is of its own name for self-signed.
    ca.distinguished_name.push(DnType::CommonName, "the CA of this test");
    let ca_key = KeyPair::generate().unwrap();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let issuer = Issuer::new(ca, ca_key);
    let key = KeyPair::generate().unwrap();
    let names = vec![OIDC.to_owned(), MOCK.to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    (ca_pem, certificate.pem(), key.serialize_pem())
}

/// A P-256 public key as a JWK.
fn jwk(pair: &KeyPair) -> Value {
    use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
    let raw = pair.public_key_raw();
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "k1", "x": part(&raw[1..33]), "y": part(&raw[33..]) })
}
