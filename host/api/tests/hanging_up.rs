//! A browser that goes away while the provider's answer is made use of.
#![expect(clippy::unwrap_used, reason = "a test")]

#[path = "../../broker/tests/support/consents.rs"]
#[expect(dead_code, reason = "shared with the other tests of consents")]
mod consents;

use std::{
    sync::{Arc, atomic::AtomicI64},
    time::Duration,
};

use async_trait::async_trait;
use consents::{Gate, Hand, Office, origin, secret, wanted};
use portcullis_api::{Connect, connect_routes};
use portcullis_broker::egress::{Config, Private};
use portcullis_model::{
    authority::{Layer, Standing},
    catalogue::{Catalogue, Interface, ScopeDescription, WasiImport},
    consent::{ConsentStore as _, Stage},
    scope::{ScopeError, ScopeText},
};
use tokio::{
    io::AsyncWriteExt as _,
    net::{TcpListener, TcpStream},
};

struct Nothing;

#[async_trait]
impl Catalogue for Nothing {
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

#[tokio::test]
async fn closing_the_tab_does_not_cut_a_consent_in_half() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    // Nobody listens there: the exchange fails at once, and the consent ends by that.
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let private = vec![Private { host: "id.example.test".to_owned(), address: nobody, ca_pem: None }];
    let office = Office::new(&Config { private, ..Config::default() }, Hand(AtomicI64::new(1_000_000)));
    let connect =
        Connect { desk: office.desk.clone(), installations: office.installed.clone(), catalogue: Arc::new(Nothing) };
    let app = connect_routes(Arc::new(connect));
    tokio::spawn(async move { axum::serve(listener, app).await });

    let settings = [
        ("authorize-url", "https://id.example.test/authorize"),
        ("token-url", "https://id.example.test/token"),
        ("client-id", "portcullis"),
    ];
    let wanted = wanted("api", origin("oauth2", &settings, &[]), "api.example.test", "https://host.example");
    let asked = office.desk.ask(wanted, Some(secret("client-secret-of-ours"))).await.unwrap();
    let link = asked.link.strip_prefix("https://host.example/connect/").unwrap();
    let (id, session) = (asked.consent.id.clone(), office.desk.session());
    let url = office.desk.begin(link, &session, &session.form_token(&id)).await.unwrap();
    let state = url.split('&').find_map(|pair| pair.strip_prefix("state=")).unwrap();

    let gate = Arc::new(Gate::default());
    *office.safe.gate.lock().unwrap() = Some(gate.clone());
    let mut browser = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /connect/callback?code=c&state={state} HTTP/1.1\r\nhost: host.example\r\ncookie: __Host-connect-{id}={}\r\n\r\n",
        session.cookie().as_str()
    );
    browser.write_all(request.as_bytes()).await.unwrap();
    tokio::time::timeout(Duration::from_secs(10), gate.there.notified()).await.unwrap();
    drop(browser);
    // The server notices.
    tokio::time::sleep(Duration::from_millis(300)).await;
    gate.go.notify_one();
    for _ in 0..100 {
        if let Stage::Ended { why, .. } = office.store.consent(&id).await.unwrap().unwrap().stage {
            return assert!(!why.contains("stopped"), "{why}");
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("nobody brought it to its end");
}
