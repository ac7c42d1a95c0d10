//! This side: names that lead to loopback, a release to push, and a client of a fake registry.

use std::{collections::BTreeMap, io, net::SocketAddr, sync::Arc, time::Duration};

use async_trait::async_trait;
use portcullis_broker::{
    egress::Private,
    oci::{
        Access, Artifact, Config, OciError, Registry, Signed,
        credentials::Credentials,
        pull::{Pulled, pull},
        push::{Pushed, push},
        reference::Reference,
    },
    resolve::Resolve,
};
use portcullis_model::secret::Secret;

use super::fake::Fake;

/// The name of the registry that speaks TLS.
pub const REGISTRY: &str = "registry.example.test";
/// The name of another server.
pub const OTHER: &str = "other.example.test";
pub const SECRET: &str = "hunter2-and-more";

/// Every name is this machine.
struct Here;

#[async_trait]
impl Resolve for Here {
    async fn resolve(&self, _: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(vec![SocketAddr::from(([127, 0, 0, 1], port))])
    }
}

pub struct World {
    pub fake: Fake,
    pub config: Config,
    pub credentials: Option<Credentials>,
}

impl World {
    pub async fn plain(api: bool) -> Self {
        Self::of(Fake::plain(api).await)
    }

    pub async fn tls() -> Self {
        Self::of(Fake::tls(REGISTRY).await)
    }

    fn of(fake: Fake) -> Self {
        let config = Config {
            connect_timeout: Duration::from_secs(5),
            answer_timeout: Duration::from_secs(5),
            ca_pem: fake.ca_pem.clone(),
            ..Config::default()
        };
        Self { fake, config, credentials: None }
    }

    /// Gives a name and a secret to those who ask rightly.
    pub fn known(mut self) -> Self {
        self.credentials = Some(Credentials::new("x", "ann", Secret::new(SECRET.as_bytes().to_vec())).unwrap());
        self
    }

    /// Lets the other name lead to this server.
    pub fn placed(mut self, other: &Fake) -> Self {
        let ca_pem = other.ca_pem.clone();
        self.config.private.push(Private { host: OTHER.to_owned(), address: other.address, ca_pem });
        self
    }

    pub fn reference(&self, rest: &str) -> Reference {
        let port = self.fake.address.port();
        let plain = self.fake.ca_pem.is_none();
        let host = if plain { "127.0.0.1" } else { REGISTRY };
        Reference::parse(&format!("oci://{host}:{port}/acme/guard{rest}"), plain).unwrap()
    }

    pub fn registry(&self, access: Access) -> Registry {
        Registry::new(&self.reference(""), access, self.credentials.clone(), &self.config, Arc::new(Here)).unwrap()
    }

    pub async fn push(&self, artifact: &Artifact, tag: &str) -> Result<Pushed, OciError> {
        push(&self.registry(Access::Push), artifact, Some(tag)).await
    }

    pub async fn pull(&self, rest: &str) -> Result<Pulled, OciError> {
        pull(&self.registry(Access::Pull), &self.reference(rest)).await
    }

    /// A release under the tag `1`.
    pub async fn pushed(&self) -> Pushed {
        self.push(&artifact(1), "1").await.unwrap()
    }

    /// Why a pull of the tag `1` fails.
    pub async fn refusal(&self) -> OciError {
        match self.pull(":1").await {
            Ok(pulled) => panic!("pulled {}", pulled.image),
            Err(error) => {
                assert!(!format!("{error} {error:?}").contains(SECRET), "{error:?}");
                error
            }
        }
    }
}

/// A release; each number another one.
pub fn artifact(number: u8) -> Artifact {
    let signed = |predicate: &str, text: &str| Signed {
        predicate: predicate.to_owned(),
        text: format!("{{\"payload\":\"{text}{number}\"}}"),
    };
    Artifact {
        component: vec![number; 100_000].into(),
        imports: vec!["portcullis:plugin/tickets@0.1.0".to_owned()],
        exports: vec!["portcullis:plugin/events@0.1.0".to_owned()],
        target: None,
        manifest: format!("release = {number}\n"),
        envelope: signed("https://portcullis.dev/attestation/release/v1", "release"),
        statements: vec![signed("https://portcullis.dev/attestation/verdict/v1", "verdict")],
        reports: vec![format!("{{\"report\":{number}}}").into_bytes()],
        annotations: BTreeMap::from([("org.opencontainers.image.version".to_owned(), format!("1.0.{number}"))]),
    }
}

/// Checks that what was pulled is what was pushed.
pub fn assert_same(pulled: &Pulled, artifact: &Artifact) {
    let texts = |documents: &[portcullis_broker::oci::pull::Document]| {
        let mut texts: Vec<_> = documents.iter().map(|one| String::from_utf8(one.bytes.clone()).unwrap()).collect();
        texts.sort();
        texts
    };
    assert_eq!(pulled.component, artifact.component);
    assert_eq!(pulled.annotations, artifact.annotations);
    assert_eq!(texts(&pulled.manifests).concat(), artifact.manifest);
    assert_eq!(texts(&pulled.envelopes), [artifact.envelope.text.clone(), artifact.statements[0].text.clone()]);
    assert_eq!(texts(&pulled.reports), [String::from_utf8(artifact.reports[0].clone()).unwrap()]);
}
