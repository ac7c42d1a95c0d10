//! An authorization server on a real store, with a clock that is moved by hand, and clients with keys.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering},
    },
};

use async_trait::async_trait;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use portcullis_broker::{
    authz::{
        AuthorizationServer, OAuthError, Params, Parts, Request, Settings, TokenAnswer, Watched,
        clients::{self, Registration},
        consent, jwk,
    },
    key::Key,
};
use portcullis_model::{
    audit::{Actor, Entry, Kind},
    authority::{Layer, Standing},
    catalogue::{Catalogue, Interface, ScopeDescription, WasiImport},
    freeze::{Carried, Extent, Freezes, Frozen, Subject},
    id::Digest,
    installation::{Installation, InstallationState, InstallationStore as _},
    limits::Limits,
    oauth::{
        AccessTokens as _, Authentication, Bearer, Client, InstallationAuthority, OAuthStore as _, Presented, Rejected,
    },
    scope::{ScopeError, ScopeText},
    secret::Secret,
    time::{Clock, Rng, Timestamp},
    upgrade::UpgradePolicy,
};
use portcullis_store::SqliteStore;
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;

pub const ISSUER: &str = "https://host.example";
pub const TOKEN: &str = "https://host.example/oauth/token";
pub const API: &str = "https://host.example/api";
pub const BACK: &str = "https://backend.example/callback";
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// A clock that stands still until it is moved, or goes on by itself.
pub struct Hand {
    at: AtomicI64,
    goes_since: Option<std::time::Instant>,
}

impl Clock for Hand {
    fn now(&self) -> Timestamp {
        let gone = self.goes_since.map(|since| i64::try_from(since.elapsed().as_millis()).unwrap()).unwrap_or_default();
        Timestamp(self.at.load(Ordering::SeqCst) + gone)
    }
}

/// Other bytes each time.
#[derive(Default)]
pub struct Counting(AtomicU64);

impl Rng for Counting {
    fn fill(&self, buffer: &mut [u8]) {
        for chunk in buffer.chunks_mut(32) {
            let next = Sha256::digest(self.0.fetch_add(1, Ordering::SeqCst).to_be_bytes());
            chunk.copy_from_slice(&next[..chunk.len()]);
        }
    }
}

/// What installations may do, as a test says.
#[derive(Default)]
pub struct Granted(Mutex<BTreeMap<String, Vec<ScopeText>>>, AtomicBool);

#[async_trait]
impl InstallationAuthority for Granted {
    async fn authority(&self, installation: &Installation) -> Result<Vec<ScopeText>, String> {
        Ok(self.0.lock().unwrap().get(installation.id.as_str()).cloned().unwrap_or_default())
    }
}

/// Scopes of `tickets`, `users` and `kv`, of which the only constraint is `fields`: absent, it means all.
pub struct Small;

fn both(a: &ScopeText, b: &ScopeText) -> Option<ScopeText> {
    if (a.capability(), a.action()) != (b.capability(), b.action()) {
        return None;
    }
    let plain = ScopeText::new(a.capability(), a.action());
    match (a.values("fields"), b.values("fields")) {
        ([], []) => Some(plain),
        ([], fields) | (fields, []) => Some(plain.with("fields", fields.to_vec())),
        (ours, theirs) => {
            let common: Vec<String> = ours.iter().filter(|one| theirs.contains(one)).cloned().collect();
            (!common.is_empty()).then(|| plain.with("fields", common))
        }
    }
}

impl Catalogue for Small {
    fn names(&self) -> &[&'static str] {
        &["tickets", "users", "kv"]
    }

    fn describe(&self, scope: &ScopeText) -> Result<Vec<ScopeDescription>, ScopeError> {
        match self.names().contains(&scope.capability()) {
            true => scope.expect(&[], &["fields"]).map(|()| Vec::new()),
            false => Err(scope.error("there is no such capability")),
        }
    }

    fn interface(&self, _: &str) -> Option<&'static Interface> {
        None
    }

    fn wasi(&self, _: &str) -> Option<WasiImport> {
        None
    }

    fn standing(&self, _: &[(Layer, Vec<ScopeText>)], wanted: &ScopeText) -> Result<Standing, ScopeError> {
        Err(wanted.error("not asked here"))
    }

    fn meet(&self, a: &[ScopeText], b: &[ScopeText]) -> Result<Vec<ScopeText>, ScopeError> {
        let mut met: Vec<ScopeText> = a.iter().flat_map(|a| b.iter().filter_map(move |b| both(a, b))).collect();
        met.sort();
        met.dedup();
        Ok(met)
    }
}

/// All of it.
pub struct World {
    dir: TempDir,
    pub store: Arc<SqliteStore>,
    pub clock: Arc<Hand>,
    pub rng: Arc<Counting>,
    pub granted: Arc<Granted>,
    pub server: Arc<AuthorizationServer>,
}

/// A client and its key.
pub struct Party {
    pub client: Client,
    pub key: Keys,
}

/// A key pair.
pub struct Keys(Ed25519KeyPair);

impl Keys {
    pub fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).unwrap())
    }

    pub fn jwk(&self) -> Value {
        json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref()) })
    }

    pub fn sign(&self, header: &Value, claims: &Value) -> String {
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", part(header), part(claims));
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(self.0.sign(signed.as_bytes())))
    }
}

/// The claims of a value, with others in their place. `null` takes one away.
pub fn changed(mut value: Value, changes: Value) -> Value {
    for (name, change) in changes.as_object().unwrap() {
        match change {
            Value::Null => drop(value.as_object_mut().unwrap().remove(name)),
            other => value[name] = other.clone(),
        }
    }
    value
}

impl Freezes for Granted {
    fn check(&self, _: &Subject, _: &[Carried]) -> Result<(), Frozen> {
        match self.1.load(Ordering::SeqCst) {
            true => Err(Frozen { number: 1, extent: Extent::All, reason: "a breach".into() }),
            false => Ok(()),
        }
    }
}

pub fn installation(id: &str, tenant: &str) -> Installation {
    Installation {
        id: id.parse().unwrap(),
        tenant: tenant.parse().unwrap(),
        plugin: "com.example.guard".parse().unwrap(),
        release: Digest::of(b"component"),
        manifest: Digest::of(b"manifest"),
        version: "1.0.0".into(),
        number: 1,
        state: InstallationState::Active,
        granted: Vec::new(),
        limits: Limits::default(),
        upgrades: UpgradePolicy::Manual,
        previous: None,
        waiting: None,
        rolled_back: None,
        generation: 1,
    }
}

pub fn scopes(texts: &[&str]) -> Vec<ScopeText> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn server(
    dir: &std::path::Path,
    store: &Arc<SqliteStore>,
    granted: &Arc<Granted>,
    clock: &Arc<Hand>,
    rng: &Arc<Counting>,
    issuer: &str,
) -> AuthorizationServer {
    AuthorizationServer::new(Parts {
        store: store.clone(),
        authority: granted.clone(),
        catalogue: Arc::new(Small),
        clock: clock.clone(),
        rng: rng.clone(),
        key: Key::load(&dir.join("oauth.key"), rng.as_ref()).unwrap(),
        freezes: Some(granted.clone()),
        settings: Settings::new(issuer),
    })
    .with_automation(store.clone())
}

impl World {
    pub async fn new() -> Self {
        // A whole second, since claims have no less.
        Self::at(Hand { at: AtomicI64::new(1_800_000_000_000), goes_since: None }, ISSUER).await
    }

    /// One whose clock goes on by itself, from now.
    pub async fn going(issuer: &str) -> Self {
        #[expect(clippy::disallowed_methods, reason = "others' programs read the machine's clock")]
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let at = AtomicI64::new(i64::try_from(now.as_millis()).unwrap());
        Self::at(Hand { at, goes_since: Some(std::time::Instant::now()) }, issuer).await
    }

    async fn at(hand: Hand, issuer: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let store = Arc::new(SqliteStore::open(&dir.path().join("host.db")).unwrap());
        let clock = Arc::new(hand);
        let rng = Arc::new(Counting::default());
        let granted = Arc::new(Granted::default());
        // It was started a while ago: the first proofs after a start are not taken.
        clock.at.fetch_sub(60_000, Ordering::SeqCst);
        let server = Arc::new(server(dir.path(), &store, &granted, &clock, &rng, issuer));
        clock.at.fetch_add(60_000, Ordering::SeqCst);
        let world = Self { dir, store, clock, rng, granted, server };
        world.install("ins_1", "acme", &["tickets:read fields=body,subject", "kv:read"]).await;
        world
    }

    /// The same, after the host was started anew.
    pub fn restarted(self) -> Self {
        let issuer = &self.server.settings().issuer;
        let server = Arc::new(server(self.dir.path(), &self.store, &self.granted, &self.clock, &self.rng, issuer));
        Self { server, ..self }
    }

    pub async fn install(&self, id: &str, tenant: &str, may: &[&str]) {
        self.grant(id, may);
        let entry = self.entry(Kind::PluginInstalled);
        assert!(self.store.put_installation(installation(id, tenant), None, entry).await.unwrap());
    }

    pub async fn change(&self, id: &str, change: impl FnOnce(&mut Installation)) {
        let all = self.store.installations().await.unwrap();
        let mut one = all.into_iter().find(|one| one.id.as_str() == id).unwrap();
        let before = one.generation;
        change(&mut one);
        one.generation += 1;
        assert!(self.store.put_installation(one, Some(before), self.entry(Kind::PluginGranted)).await.unwrap());
    }

    pub fn grant(&self, id: &str, may: &[&str]) {
        self.granted.0.lock().unwrap().insert(id.to_owned(), scopes(may));
    }

    /// Freezes everything, or lets it go on.
    pub fn freeze(&self, frozen: bool) {
        self.granted.1.store(frozen, Ordering::SeqCst);
    }

    pub fn entry(&self, kind: Kind) -> Entry {
        Entry::new(self.clock.now(), kind, Actor::Host, None)
    }

    pub fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    pub fn pass(&self, milliseconds: i64) {
        self.clock.at.fetch_add(milliseconds, Ordering::SeqCst);
    }

    pub fn seconds(&self) -> i64 {
        self.clock.now().0 / 1000
    }

    /// Registers a client with these public keys.
    pub async fn register_keys(
        &self,
        installation_id: &str,
        keys: &Value,
        authentication: Authentication,
        redirect: &str,
    ) -> Client {
        let keys = if keys.is_null() { Vec::new() } else { jwk::read_set(keys).unwrap() };
        let redirects = vec![redirect.to_owned()];
        let registration = Registration { authentication, keys, redirects, overlap_seconds: 3_600 };
        let all = self.store.installations().await.unwrap();
        let to = all.into_iter().find(|one| one.id.as_str() == installation_id).unwrap();
        let entry = self.entry(Kind::ClientRegistered);
        let who = (self.rng.as_ref() as &dyn Rng, self.clock.now());
        clients::register(self.store.as_ref(), &to, registration, who, entry).await.unwrap()
    }

    pub async fn register(
        &self,
        installation_id: &str,
        seed: u8,
        authentication: Authentication,
        keyless: bool,
    ) -> Party {
        let key = Keys::new(seed);
        let keys = if keyless { Value::Null } else { key.jwk() };
        let client = self.register_keys(installation_id, &keys, authentication, BACK).await;
        Party { client, key }
    }

    /// A client that signs assertions, of the installation `ins_1`.
    pub async fn party(&self) -> Party {
        self.register("ins_1", 1, Authentication::PrivateKeyJwt, false).await
    }

    pub fn claims(&self, party: &Party) -> Value {
        let id = party.client.id.as_str();
        let jti = self.unique();
        json!({ "iss": id, "sub": id, "aud": ISSUER, "jti": jti, "iat": self.seconds(), "exp": self.seconds() + 60 })
    }

    fn unique(&self) -> String {
        let mut bytes = [0u8; 8];
        self.rng.fill(&mut bytes);
        hex::encode(bytes)
    }

    pub fn assertion(&self, party: &Party) -> String {
        party.key.sign(&json!({ "alg": "EdDSA" }), &self.claims(party))
    }

    pub fn proof(&self, key: &Keys, url: &str, token: Option<&Secret>) -> String {
        let ath = token.map(|token| URL_SAFE_NO_PAD.encode(Sha256::digest(token.expose())));
        let mut claims = json!({ "htm": "POST", "htu": url, "jti": self.unique(), "iat": self.seconds() });
        if let Some(ath) = ath {
            claims["ath"] = ath.into();
        }
        key.sign(&json!({ "alg": "EdDSA", "typ": "dpop+jwt", "jwk": key.jwk() }), &claims)
    }

    /// A request as this client makes it: with an assertion, or with a proof.
    pub fn request(&self, party: &Party, form: &[(&str, &str)]) -> Request {
        let mut form: Vec<(String, String)> =
            form.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let mut proofs = Vec::new();
        match party.client.authentication {
            Authentication::PrivateKeyJwt => {
                let kind = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
                form.push(("client_assertion_type".into(), kind.into()));
                form.push(("client_assertion".into(), self.assertion(party)));
            }
            Authentication::Dpop => {
                form.push(("client_id".into(), party.client.id.to_string()));
                proofs.push(self.proof(&party.key, TOKEN, None));
            }
        }
        Request { params: params(&form), proofs, authorization: false, endpoint: "token", trace: None }
    }

    pub async fn token(&self, party: &Party, form: &[(&str, &str)]) -> Result<TokenAnswer, OAuthError> {
        self.server.token(&self.request(party, form)).await
    }

    pub async fn credentials(&self, party: &Party, scope: &str) -> TokenAnswer {
        self.token(party, &[("grant_type", "client_credentials"), ("scope", scope)]).await.unwrap()
    }

    /// A code for this client, which an admin agreed to.
    pub async fn code(&self, party: &Party, scope: &str) -> String {
        self.code_with(party, scope, &[]).await
    }

    pub async fn code_with(&self, party: &Party, scope: &str, more: &[(&str, &str)]) -> String {
        let id = party.client.id.as_str();
        let asked = [
            ("response_type", "code"),
            ("client_id", id),
            ("redirect_uri", BACK),
            ("scope", scope),
            ("state", "st"),
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S256"),
        ];
        let begun = self.server.authorize(&params(&[&asked[..], more].concat())).await.unwrap();
        let id = begun.id.as_str();
        let Watched::Waiting(view) = self.server.watch(id, begun.browser.expose()).await.unwrap() else { panic!() };
        let store = self.store.as_ref();
        let pending = consent::find(store, &view.code.to_lowercase(), self.clock.now()).await.unwrap();
        consent::approve(store, &Small, pending, None, self.entry(Kind::AuthorizationDecided)).await.unwrap();
        let Watched::Back(url) = self.server.watch(id, begun.browser.expose()).await.unwrap() else { panic!() };
        query(&url)["code"].clone()
    }

    /// Agrees to whatever waits. Gives how much that was.
    pub async fn agree_to_all(&self) -> usize {
        let waiting = self.store.pending(self.clock.now()).await.unwrap().into_iter();
        let waiting = waiting.filter(|one| one.decision == portcullis_model::oauth::Decision::Waiting);
        let mut agreed = 0;
        for pending in waiting {
            let entry = self.entry(Kind::AuthorizationDecided);
            consent::approve(self.store.as_ref(), &Small, pending, None, entry).await.unwrap();
            agreed += 1;
        }
        agreed
    }

    pub async fn redeem(&self, party: &Party, code: &str) -> Result<TokenAnswer, OAuthError> {
        let form =
            [("grant_type", "authorization_code"), ("code", code), ("redirect_uri", BACK), ("code_verifier", VERIFIER)];
        self.token(party, &form).await
    }

    pub async fn refresh(&self, party: &Party, token: &Secret) -> Result<TokenAnswer, OAuthError> {
        self.token(party, &[("grant_type", "refresh_token"), ("refresh_token", &text(token))]).await
    }

    pub async fn check(&self, token: &Secret) -> Result<Bearer, Rejected> {
        self.server.check(&presented(token)).await
    }

    /// The kinds of the log's entries that are about tokens, in order.
    pub async fn log(&self) -> Vec<Kind> {
        let entries = self.store.entries(0, 10_000).await.unwrap();
        entries.iter().map(|one| serde_json::from_slice::<Entry>(&one.body).unwrap().kind).collect()
    }

    pub async fn count(&self, kind: Kind) -> usize {
        self.log().await.into_iter().filter(|one| *one == kind).count()
    }

    pub async fn live(&self) -> usize {
        self.store.live_tokens(&"acme".parse().unwrap(), self.clock.now(), 1_000).await.unwrap().len()
    }
}

pub fn presented(token: &Secret) -> Presented {
    let (method, url) = ("GET".to_owned(), format!("{API}/v2/tickets.json"));
    Presented { dpop: false, token: token.clone(), proof: None, method, url, audience: API.into() }
}

pub fn params<A: AsRef<str>, B: AsRef<str>>(form: &[(A, B)]) -> Params {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in form {
        text.append_pair(name.as_ref(), value.as_ref());
    }
    Params::parse(text.finish().as_bytes()).unwrap()
}

pub fn query(url: &str) -> BTreeMap<String, String> {
    url::Url::parse(url).unwrap().query_pairs().into_owned().collect()
}

pub fn text(secret: &Secret) -> String {
    String::from_utf8(secret.expose().to_vec()).unwrap()
}

/// The code of a refusal.
pub fn why<T: std::fmt::Debug>(result: Result<T, OAuthError>) -> &'static str {
    result.unwrap_err().code.name()
}
