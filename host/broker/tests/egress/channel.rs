//! The channel itself: TLS 1.2 or newer to whom the certificate says, never resumed; without TLS only where somebody accepted the
//! risk (DAT-5).

use std::{
    net::{SocketAddr, TcpListener},
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use portcullis_broker::egress::{Config, Outbound, Plaintext, Private};
use portcullis_model::{risk::AcceptedRisk, time::Timestamp};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};
use rustls::HandshakeKind;

use crate::{
    CHAT,
    support::{
        server::{NAMES, Server},
        world::{Fixed, Hand, TOKEN, World, get, leading_to},
    },
    unavailable,
};

/// OpenSSL's own server, which speaks one version of the protocol.
struct OpenSsl(Child, SocketAddr);

impl OpenSsl {
    fn start(version: &str, dir: &Path) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap();
        drop(free);
        let child = Command::new("openssl")
            .args(["s_server", "-www", version, "-cipher", "ALL:@SECLEVEL=0", "-cert", "cert.pem", "-key", "key.pem"])
            .args(["-accept", &address.to_string()])
            .current_dir(dir)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let patience = std::time::Instant::now() + Duration::from_secs(20);
        while std::net::TcpStream::connect(address).is_err() {
            assert!(std::time::Instant::now() < patience, "openssl s_server does not listen");
            std::thread::sleep(Duration::from_millis(20));
        }
        Self(child, address)
    }
}

impl Drop for OpenSsl {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Writes a certificate for the chat host and its key, and gives the authority that signed it.
fn certificate(dir: &Path) -> String {
    let mut ca = CertificateParams::new(vec![]).unwrap();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let ca_key = KeyPair::generate().unwrap();
    let ca_pem = ca.self_signed(&ca_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let signed = CertificateParams::new(vec![NAMES[0].to_owned()]).unwrap();
    let signed = signed.signed_by(&key, &Issuer::new(ca, ca_key)).unwrap();
    std::fs::write(dir.join("cert.pem"), signed.pem()).unwrap();
    std::fs::write(dir.join("key.pem"), key.serialize_pem()).unwrap();
    ca_pem
}

#[tokio::test]
async fn tls_older_than_1_2_is_refused() {
    if Command::new("openssl").arg("version").output().is_err() {
        eprintln!("skipped: there is no openssl");
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let ca_pem = certificate(dir.path());
    for (version, spoken) in [("-tls1", false), ("-tls1_1", false), ("-tls1_2", true), ("-tls1_3", true)] {
        let server = OpenSsl::start(version, dir.path());
        let private = Private { host: NAMES[0].into(), address: server.1, ca_pem: Some(ca_pem.clone()) };
        let world = World::new(&Config { private: vec![private], ..Config::default() }).await;
        let answer = world.send(get(CHAT)).await;
        match spoken {
            true => assert_eq!(answer.unwrap().status, 200, "{version}"),
            false => unavailable(answer, "ProtocolVersion"),
        }
    }
}

#[tokio::test]
async fn a_certificate_is_of_its_name_and_time() {
    let day = |year| date_time_ymd(year, 1, 1);
    for (server, why) in [
        (Server::with(|it| it.not_after = day(2020)).await, "expired"),
        (Server::with(|it| it.not_before = day(4000)).await, "not valid"),
        (Server::with(|it| it.subject_alt_names.clear()).await, "not valid for name"),
    ] {
        unavailable(World::new(&leading_to(&server, &NAMES)).await.send(get(CHAT)).await, why);
        assert!(server.arrived().is_empty(), "{why}");
    }
}

#[tokio::test]
async fn no_session_is_ever_resumed() {
    let server = Server::start().await;
    let world = World::new(&leading_to(&server, &NAMES)).await;
    for installation in ["ins_1", "ins_2", "ins_3"] {
        world.send_as("acme", installation, get(&format!("{CHAT}/once"))).await.unwrap();
    }
    world.send(get(&format!("{CHAT}/once"))).await.unwrap();
    assert_eq!(server.handshakes(), [HandshakeKind::Full; 4]);
}

fn in_the_clear(server: &Server, credentials: bool) -> Plaintext {
    Plaintext {
        host: NAMES[0].into(),
        address: server.address,
        credentials,
        risk: AcceptedRisk {
            reason: "the old switchboard has no TLS".into(),
            accepted_by: "dana".into(),
            until: Timestamp(10_000),
        },
    }
}

#[tokio::test]
async fn without_tls_only_while_the_risk_is_accepted_and_each_use_is_in_the_log() {
    let server = Server::plain().await;
    let config = Config { plaintext: vec![in_the_clear(&server, false)], ..Config::default() };
    let clock = Arc::new(Hand::default());
    let world = World::prepared(&config, clock.clone(), |_, _| {}).await;
    let answer = world.send(get(&format!("{CHAT}/a"))).await.unwrap();
    assert!(answer.plaintext);
    assert_eq!(server.last().header("authorization"), None, "no credential unless the operator says so");
    assert_eq!(server.last().header("host"), Some(NAMES[0]));
    assert!(world.log().contains(r#""plaintext": Number(1)"#), "{}", world.log());
    // Another host, the same one below or beside it: with TLS, or not at all.
    unavailable(world.send(get(&format!("https://x.{}/", NAMES[0]))).await, "name look-up");
    // The connection is still open, and is not used again.
    clock.0.store(10_000, Ordering::Relaxed);
    unavailable(world.send(get(&format!("{CHAT}/a"))).await, "accepted until 1970-01-01T00:00:10.000Z");
    assert_eq!(server.arrived().len(), 1);
}

#[tokio::test]
async fn a_credential_goes_out_in_the_clear_only_where_that_is_written() {
    let server = Server::plain().await;
    let config = Config { plaintext: vec![in_the_clear(&server, true)], ..Config::default() };
    let world = World::new(&config).await;
    world.send(get(CHAT)).await.unwrap();
    assert_eq!(server.last().header("authorization"), Some(format!("Bearer {TOKEN}").as_str()));
    // A host with TLS is never tried without it.
    let private = Private { host: NAMES[0].into(), address: server.address, ca_pem: None };
    let world = World::new(&Config { private: vec![private], ..Config::default() }).await;
    unavailable(world.send(get(CHAT)).await, "");
    assert!(server.arrived().iter().all(|one| one.connection == 1), "no request got there without TLS");
}

#[tokio::test]
async fn what_is_unfit_is_found_before_a_request_comes() {
    let server = Server::plain().await;
    let (good, world) = (in_the_clear(&server, false), World::new(&Config::default()).await);
    let private = Private { host: NAMES[0].into(), address: server.address, ca_pem: None };
    let risk = |reason: &str, by: &str| AcceptedRisk {
        reason: reason.into(),
        accepted_by: by.into(),
        until: Timestamp(10_000),
    };
    for (plaintext, private, says) in [
        (vec![good.clone(), good.clone()], vec![], "named twice"),
        (vec![good.clone()], vec![private], "named twice"),
        (vec![Plaintext { host: "*.example.test".into(), ..good.clone() }], vec![], "exact host name"),
        (vec![Plaintext { host: "10.1.2.3".into(), ..good.clone() }], vec![], "exact host name"),
        (vec![Plaintext { risk: risk("because", "dana"), ..good.clone() }], vec![], "reason"),
        (vec![Plaintext { risk: risk("the old switchboard has no TLS", ""), ..good }], vec![], "accepted-by"),
    ] {
        let config = Config { plaintext, private, ..Config::default() };
        let resolver = Arc::new(portcullis_broker::resolve::SystemResolver::default());
        let made = Outbound::new(&config, world.connections.clone(), resolver, Arc::new(Fixed));
        let error = made.err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains(says), "{says}: {error}");
    }
}
