//! Against a provider that lies in each way that is looked for. Against an honest one by others: `host/api/tests/oidc`.

mod asked;

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
};

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use portcullis_model::{
    secret::Secret,
    time::{Clock, Timestamp},
};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use ring::{
    hmac,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use rustls::{ServerConfig, crypto::ring as provider, pki_types::PrivateKeyDer};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpListener,
};
use tokio_rustls::TlsAcceptor;

use super::{Answer, Ask, Identity, Oidc, OidcError, Party};
use crate::{
    egress::{Config, Private},
    resolve::SystemResolver,
};

const ISSUER: &str = "https://id.example.test";
const NOW: i64 = 1_800_000_000;

struct Set(AtomicI64);

impl Clock for Set {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::Relaxed))
    }
}

/// Status and body by path.
type Answers = BTreeMap<String, (u16, String)>;

/// What is answered at each path, and what was asked.
#[derive(Clone, Default)]
struct Pages(Arc<Mutex<(Answers, Vec<String>)>>);

impl Pages {
    fn set(&self, path: &str, status: u16, body: impl ToString) {
        self.0.lock().unwrap().0.insert(path.to_owned(), (status, body.to_string()));
    }

    fn asked(&self, start: &str) -> Vec<String> {
        self.0.lock().unwrap().1.iter().filter(|one| one.starts_with(start)).cloned().collect()
    }
}

struct World {
    oidc: Oidc,
    pages: Pages,
    clock: Arc<Set>,
    key: KeyPair,
    party: Party,
}

fn certified() -> (String, ServerConfig) {
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["id.example.test".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    let config = ServerConfig::builder_with_provider(Arc::new(provider::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], PrivateKeyDer::Pkcs8(key.serialize_der().into()))
        .unwrap();
    (ca_pem, config)
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, pages: Pages) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let (acceptor, pages) = (acceptor.clone(), pages.clone());
        tokio::spawn(async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut bytes = Vec::new();
            while !bytes.ends_with(b"\r\n\r\n") {
                bytes.push(stream.read_u8().await.unwrap());
            }
            let head = String::from_utf8(bytes).unwrap();
            let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
            let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
            stream.read_exact(&mut body).await.unwrap();
            let path = head.split(' ').nth(1).unwrap().to_owned();
            let (status, answer) = {
                let mut all = pages.0.lock().unwrap();
                all.1.push(format!("{head}{}", String::from_utf8_lossy(&body)));
                all.0.get(&path).cloned().unwrap_or((404, String::new()))
            };
            let answer = format!("HTTP/1.1 {status} X\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
            stream.write_all(answer.as_bytes()).await.unwrap();
            let _ = stream.shutdown().await;
        });
    }
}

fn metadata() -> Value {
    json!({
        "issuer": ISSUER, "authorization_endpoint": format!("{ISSUER}/auth?x=1"), "token_endpoint": format!("{ISSUER}/token"),
        "jwks_uri": format!("{ISSUER}/jwks"), "code_challenge_methods_supported": ["S256"],
        "authorization_response_iss_parameter_supported": true,
    })
}

fn part(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

fn jwk(pair: &KeyPair, kid: &str) -> Value {
    let raw = pair.public_key_raw();
    json!({ "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": kid, "x": part(&raw[1..33]), "y": part(&raw[33..]) })
}

fn signed(pair: &KeyPair, header: &Value, claims: &Value) -> String {
    let text = format!("{}.{}", part(header.to_string().as_bytes()), part(claims.to_string().as_bytes()));
    let rng = SystemRandom::new();
    let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pair.serialize_der(), &rng).unwrap();
    let signature = key.sign(&rng, text.as_bytes()).unwrap();
    format!("{text}.{}", part(signature.as_ref()))
}

fn claims() -> Value {
    json!({ "iss": ISSUER, "sub": "dana", "aud": "host", "exp": NOW + 300, "iat": NOW, "nonce": "n-1", "email": "ana@acme.example" })
}

fn header() -> Value {
    json!({ "alg": "ES256", "kid": "k1" })
}

impl World {
    async fn new() -> Self {
        let (ca_pem, config) = certified();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let pages = Pages::default();
        tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), pages.clone()));
        let private = vec![Private { host: "id.example.test".into(), address, ca_pem: Some(ca_pem) }];
        let config = Config { private, ..Config::default() };
        let clock = Arc::new(Set(AtomicI64::new(NOW * 1_000)));
        let oidc = Oidc::new(&config, Arc::new(SystemResolver::default()), clock.clone()).unwrap();
        let key = KeyPair::generate().unwrap();
        pages.set("/.well-known/openid-configuration", 200, metadata());
        pages.set("/jwks", 200, json!({ "keys": [{ "kty": "oct", "k": "AAAA" }, jwk(&key, "k1")] }));
        let secret = Some(Secret::new(b"s+cret/of the host".to_vec()));
        let party = Party { issuer: ISSUER.into(), client_id: "host".into(), secret };
        Self { oidc, pages, clock, key, party }
    }

    /// What a token proves that the provider's token endpoint gives.
    async fn gives(&self, token: &str) -> Result<Identity, OidcError> {
        self.pages.set("/token", 200, json!({ "id_token": token, "access_token": "a-token" }));
        self.redeems(Some(ISSUER), None).await
    }

    async fn redeems(&self, iss: Option<&str>, max_age: Option<u32>) -> Result<Identity, OidcError> {
        let (code, verifier) = (Secret::new(b"the-code".to_vec()), Secret::new(b"the-verifier".to_vec()));
        let redirect = "https://host.example/back";
        let answer = Answer { iss, code: &code, redirect, verifier: &verifier, nonce: "n-1", max_age };
        self.oidc.identify(&self.party, &answer).await
    }

    /// With claims that differ in this; null: without it.
    async fn with(&self, name: &str, value: Value) -> Result<Identity, OidcError> {
        let mut claims = claims();
        let members = claims.as_object_mut().unwrap();
        match value {
            Value::Null => members.remove(name),
            value => members.insert(name.into(), value),
        };
        self.gives(&signed(&self.key, &header(), &claims)).await
    }
}

fn why(outcome: Result<Identity, OidcError>) -> String {
    match outcome.unwrap_err() {
        OidcError::Unproved(why) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn the_browser_is_sent_with_all_that_its_answer_is_held_against() {
    let world = World::new().await;
    world.oidc.check(&world.party).await.unwrap();
    let acr = ["urn:a".to_owned(), "b".to_owned()];
    let redirect = "https://host.example/signin/provider/acme/callback";
    let ask = Ask { redirect, state: "s t", nonce: "n", challenge: "c", max_age: Some(60), acr: &acr };
    assert_eq!(
        world.oidc.authorization(&world.party, &ask).await.unwrap(),
        "https://id.example.test/auth?x=1&response_type=code&client_id=host&redirect_uri=https%3A%2F%2Fhost.example%2Fsignin%2F\
         provider%2Facme%2Fcallback&scope=openid&state=s%20t&nonce=n&code_challenge=c&code_challenge_method=S256&max_age=60&\
         acr_values=urn%3Aa%20b"
    );
    assert_eq!(world.pages.asked("GET /.well-known").len(), 1, "what it publishes is remembered");
}

#[tokio::test]
async fn a_good_token_proves_its_subject_and_nothing_that_it_says_beside() {
    let world = World::new().await;
    let identity = world.with("amr", json!(["pwd", "otp"])).await.unwrap();
    let ways = vec!["pwd".to_owned(), "otp".to_owned()];
    assert_eq!(identity, Identity { subject: "dana".into(), signed_in: None, class: None, ways, session: None });
    let asked = world.pages.asked("POST /token").remove(0);
    let basic = STANDARD.encode("host:s%2Bcret%2Fof%20the%20host");
    assert!(asked.contains(&format!("authorization: Basic {basic}\r\n")), "{asked}");
    let form = "grant_type=authorization_code&code=the-code&redirect_uri=https%3A%2F%2Fhost.example%2Fback&code_verifier=the-verifier";
    assert!(asked.ends_with(form), "{asked}");
}

#[tokio::test]
async fn a_token_that_is_not_exactly_what_was_asked_for_proves_nobody() {
    let world = World::new().await;
    for (name, value, expected) in [
        ("iss", json!("https://id.example.test/"), "'iss' is another"),
        ("iss", Value::Null, "'iss' is another"),
        ("aud", json!("other"), "'aud' is not"),
        ("aud", json!(["other"]), "'aud' is not"),
        ("aud", json!(["host", "other"]), "no 'azp'"),
        ("aud", Value::Null, "'aud' is not"),
        ("azp", json!("other"), "'azp' is another"),
        ("exp", json!(NOW - 61), "expired"),
        ("exp", Value::Null, "no 'exp'"),
        ("iat", json!(NOW + 61), "from the future"),
        ("iat", json!(NOW - 661), "too long ago"),
        ("iat", Value::Null, "no 'iat'"),
        ("nbf", json!(NOW + 61), "from the future"),
        ("nonce", json!("n-2"), "'nonce'"),
        ("nonce", Value::Null, "'nonce'"),
        ("sub", json!(""), "no 'sub'"),
        ("sub", json!(7), "no 'sub'"),
        ("sub", json!("x".repeat(256)), "no 'sub'"),
        ("sub", json!("a\nb"), "no 'sub'"),
        ("auth_time", json!(NOW + 61), "'auth_time' is in the future"),
    ] {
        let said = why(world.with(name, value.clone()).await);
        assert!(said.contains(expected), "{name} {value}: {said}");
    }
    assert!(world.with("exp", json!(NOW - 59)).await.is_ok(), "clocks differ a little");
    assert!(world.with("azp", json!("host")).await.is_ok());
}

#[tokio::test]
async fn a_signature_counts_by_a_published_key_and_its_own_algorithm_alone() {
    let world = World::new().await;
    let body = part(claims().to_string().as_bytes());
    let none = format!("{}.{body}.", part(br#"{"alg":"none"}"#));
    assert!(why(world.gives(&none).await).contains("'alg'"));
    // The public key, taken for a shared secret; and the client's own secret.
    let secrets = [part(&world.key.public_key_raw()[1..]).into_bytes(), b"s+cret/of the host".to_vec()];
    for secret in secrets {
        let text = format!("{}.{body}", part(br#"{"alg":"HS256","kid":"k1"}"#));
        let mac = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &secret), text.as_bytes());
        assert!(why(world.gives(&format!("{text}.{}", part(mac.as_ref()))).await).contains("'alg'"));
    }
    let other = KeyPair::generate().unwrap();
    assert!(why(world.gives(&signed(&other, &header(), &claims())).await).contains("none of the provider's keys"));
    // A key that comes with the token is nobody's.
    let own = json!({ "alg": "ES256", "kid": "k1", "jwk": jwk(&other, "k1") });
    assert!(why(world.gives(&signed(&other, &own, &claims())).await).contains("none of the provider's keys"));
    let crit = json!({ "alg": "ES256", "kid": "k1", "crit": ["exp"] });
    assert!(why(world.gives(&signed(&world.key, &crit, &claims())).await).contains("crit"));
    let good = signed(&world.key, &header(), &claims());
    let tampered = good.replacen(&body, &part(claims().to_string().replace("dana", "eve0").as_bytes()), 1);
    assert!(why(world.gives(&tampered).await).contains("none of the provider's keys"));
    assert!(
        world.gives(&signed(&world.key, &json!({ "alg": "ES256" }), &claims())).await.is_ok(),
        "it need not name its key"
    );
}

#[tokio::test]
async fn a_key_that_is_new_is_read_once_and_one_that_is_made_up_does_not_load_the_provider() {
    let world = World::new().await;
    assert!(world.with("sub", json!("dana")).await.is_ok());
    let next = KeyPair::generate().unwrap();
    let token = signed(&next, &json!({ "alg": "ES256", "kid": "k2" }), &claims());
    world.pages.set("/jwks", 200, json!({ "keys": [jwk(&world.key, "k1"), jwk(&next, "k2")] }));
    world.clock.0.fetch_add(11_000, Ordering::Relaxed);
    assert!(world.gives(&token).await.is_ok());
    assert_eq!(world.pages.asked("GET /jwks").len(), 2);
    for _ in 0..5 {
        let made_up = signed(&next, &json!({ "alg": "ES256", "kid": "k9" }), &claims());
        assert!(world.gives(&made_up).await.is_err());
    }
    assert_eq!(world.pages.asked("GET /jwks").len(), 2);
    // A key that was taken away does not count once what was read is an hour old.
    world.pages.set("/jwks", 200, json!({ "keys": [jwk(&next, "k2")] }));
    world.clock.0.fetch_add(3_600_000, Ordering::Relaxed);
    let now = NOW + 3_700;
    let mut late = claims();
    (late["iat"], late["exp"]) = (json!(now), json!(now + 60));
    assert!(why(world.gives(&signed(&world.key, &header(), &late)).await).contains("none of the provider's keys"));
}

#[tokio::test]
async fn an_answer_says_whom_it_is_from_where_its_provider_always_says_so() {
    let world = World::new().await;
    let token = signed(&world.key, &header(), &claims());
    world.pages.set("/token", 200, json!({ "id_token": token }));
    assert!(why(world.redeems(Some("https://evil.example"), None).await).contains("another provider"));
    assert!(why(world.redeems(None, None).await).contains("RFC 9207"));
    assert!(world.pages.asked("POST /token").is_empty(), "nobody is shown a code that another provider gave");
    assert!(world.redeems(Some(ISSUER), None).await.is_ok());
}

#[tokio::test]
async fn how_long_ago_the_person_signed_in_there_is_said_and_held_to_where_it_is_asked() {
    let world = World::new().await;
    let given = async |auth_time: Value| {
        let mut all = claims();
        all["auth_time"] = auth_time;
        world.pages.set("/token", 200, json!({ "id_token": signed(&world.key, &header(), &all) }));
        world.redeems(Some(ISSUER), Some(600)).await
    };
    assert!(why(given(Value::Null).await).contains("auth_time"));
    assert!(why(given(json!(NOW - 661)).await).contains("too long ago"));
    assert_eq!(given(json!(NOW - 600)).await.unwrap().signed_in, Some(Timestamp((NOW - 600) * 1_000)));
    assert_eq!(given(json!(NOW + 30)).await.unwrap().signed_in, Some(Timestamp(NOW * 1_000)), "not later than now");
}

#[tokio::test]
async fn a_provider_that_calls_itself_otherwise_or_leads_elsewhere_is_not_used() {
    for (name, value, expected) in [
        ("issuer", json!("https://id.example.test/"), "calls itself"),
        ("issuer", json!("https://evil.example"), "calls itself"),
        ("token_endpoint", json!("http://id.example.test/token"), "token_endpoint"),
        ("token_endpoint", json!("https://169.254.169.254/token"), "token_endpoint"),
        ("jwks_uri", json!("file:///etc/passwd"), "jwks_uri"),
        ("authorization_endpoint", json!("javascript:alert(1)"), "authorization_endpoint"),
        ("code_challenge_methods_supported", json!(["plain"]), "S256"),
        ("token_endpoint_auth_methods_supported", json!(["tls_client_auth"]), "secret"),
    ] {
        let world = World::new().await;
        let mut document = metadata();
        document[name] = value.clone();
        world.pages.set("/.well-known/openid-configuration", 200, document);
        let said = world.oidc.check(&world.party).await.unwrap_err();
        assert!(matches!(&said, OidcError::Unfit(why) if why.contains(expected)), "{name} {value}: {said:?}");
    }
    // Its endpoints may be on other hosts, but on none that egress would not reach.
    let world = World::new().await;
    let mut document = metadata();
    document["jwks_uri"] = json!("https://localhost.example.invalid/jwks");
    world.pages.set("/.well-known/openid-configuration", 200, document);
    assert!(matches!(world.oidc.check(&world.party).await, Err(OidcError::Unreached(_))));
    for wrong in
        ["http://id.example.test", "https://127.0.0.1", "https://id.example.test?x=1", "https://u@id.example.test"]
    {
        let party = Party { issuer: wrong.into(), ..world.party.clone() };
        assert!(matches!(world.oidc.check(&party).await, Err(OidcError::Unfit(_))), "{wrong}");
    }
}

#[tokio::test]
async fn what_a_provider_says_in_its_own_words_is_short_and_holds_no_secret() {
    let world = World::new().await;
    let error = format!("invalid_grant\u{1b}[31m{}", "x".repeat(1_000));
    world.pages.set("/token", 400, json!({ "error": error, "error_description": "the-code" }));
    let OidcError::Refused(said) = world.redeems(Some(ISSUER), None).await.unwrap_err() else { panic!() };
    assert!(said.starts_with("invalid_grant") && said.chars().count() <= 200 && !said.contains('\u{1b}'), "{said}");
    world.pages.set("/token", 500, "<html>the-code</html>");
    let said = world.redeems(Some(ISSUER), None).await.unwrap_err();
    assert!(matches!(&said, OidcError::Unfit(why) if !why.contains("the-code")), "{said:?}");
    world.pages.set("/token", 302, "");
    assert!(matches!(world.redeems(Some(ISSUER), None).await, Err(OidcError::Unfit(_))), "no redirect is followed");
    // A provider that failed is left alone for some seconds, whoever begins a sign-in.
    let world = World::new().await;
    world.pages.set("/.well-known/openid-configuration", 500, "");
    for _ in 0..5 {
        assert!(world.oidc.check(&world.party).await.is_err());
    }
    assert_eq!(world.pages.asked("GET /.well-known").len(), 1);
}

#[tokio::test]
async fn a_logout_token_says_all_that_it_must_and_nothing_that_an_id_token_says() {
    let world = World::new().await;
    let claims = || {
        json!({
            "iss": ISSUER, "aud": world.party.client_id, "iat": NOW, "exp": NOW + 120, "jti": "j1", "sub": "dana", "sid": "s1",
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        })
    };
    let header = json!({ "alg": "ES256", "kid": "k1", "typ": "logout+jwt" });
    let says = async |header: &Value, claims: &Value| {
        world.oidc.logged_out(&world.party, &signed(&world.key, header, claims)).await
    };
    let out = says(&header, &claims()).await.unwrap();
    let is = (out.subject.as_deref(), out.session.as_deref(), out.at, out.id.as_str());
    assert_eq!(is, (Some("dana"), Some("s1"), Timestamp(NOW * 1_000), "j1"));
    for one in ["sub", "sid", "exp"] {
        let mut less = claims();
        less.as_object_mut().unwrap().remove(one);
        assert!(says(&header, &less).await.is_ok(), "without {one}");
    }
    let with = |name: &str, value: Value| {
        let mut changed = claims();
        changed[name] = value;
        changed
    };
    for bad in [
        with("iss", json!("https://other.example.test")),
        with("aud", json!("another")),
        with("aud", json!([world.party.client_id, "another"])),
        with("iat", json!(NOW + 61)),
        with("iat", json!(NOW - 361)),
        with("exp", json!(NOW - 60)),
        with("nonce", json!("n")),
        with("events", json!({})),
        with("events", json!({ "http://schemas.openid.net/event/backchannel-logout": true })),
        with("jti", json!("")),
        with("sub", json!(7)),
        with("sid", json!("x".repeat(256))),
    ] {
        let refused = says(&header, &bad).await;
        assert!(matches!(refused, Err(OidcError::Unproved(_))), "{bad}: {refused:?}");
    }
    for gone in ["iss", "aud", "iat", "jti", "events"] {
        let mut less = claims();
        less.as_object_mut().unwrap().remove(gone);
        assert!(says(&header, &less).await.is_err(), "without {gone}");
    }
    let mut nobody = claims();
    for name in ["sub", "sid"] {
        nobody.as_object_mut().unwrap().remove(name);
    }
    assert!(says(&header, &nobody).await.is_err());
    for typ in ["at+jwt", "id+jwt"] {
        assert!(says(&json!({ "alg": "ES256", "kid": "k1", "typ": typ }), &claims()).await.is_err(), "{typ}");
    }
    let stranger = KeyPair::generate().unwrap();
    let forged = world.oidc.logged_out(&world.party, &signed(&stranger, &header, &claims())).await;
    assert!(matches!(forged, Err(OidcError::Unproved(_))), "{forged:?}");
}
