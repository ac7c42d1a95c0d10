use super::table::Owner;
use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

use portcullis_model::error::StoreError;

use crate::testing::{Counter, entry, hooked::Hooked, ring, store, vault};

fn owner(tenant: &str, installation: &str) -> Owner {
    (tenant.parse().unwrap(), installation.parse().unwrap())
}

fn secret(text: &str) -> Secret {
    Secret::new(text.as_bytes().to_vec())
}

impl Connections {
    /// Stores a token that somebody gave, as a host of an older version had it.
    async fn put(
        &self,
        (tenant, installation): Owner,
        name: &str,
        place: &Place,
        secret: &Secret,
        entry: Entry,
    ) -> Result<u64, RefreshError> {
        let key = ConnectionKey { tenant, installation, name: name.to_owned() };
        let credential = Credential { access: Some(secret.clone()), ..Credential::default() };
        let new = NewConnection { key, place: place.clone(), origin: fixed(), credential, expires: None };
        self.put_connection(new, entry).await
    }
}

async fn filled() -> (tempfile::TempDir, Connections) {
    let (dir, store) = store();
    let vault = Arc::new(vault(&store));
    vault.put("acme".parse().unwrap(), None, "source/hooks", "", &secret("inbound-secret"), entry()).await.unwrap();
    let connections = Connections::new(vault).unwrap();
    for (owner, name, header, text) in [
        (owner("acme", "ins_1"), "b", "authorization", "acme-token-b"),
        (owner("acme", "ins_1"), "a", "authorization", "acme-token-a"),
        (owner("acme", "ins_1"), "c", "x-key", "acme-token-c"),
        (owner("other", "ins_2"), "a", "authorization", "other-token"),
    ] {
        let place = Place { header: header.into(), ..Place::bearer("chat.example.test") };
        connections.put(owner, name, &place, &secret(text), entry()).await.unwrap();
    }
    (dir, connections)
}

#[tokio::test]
async fn each_installation_has_its_own_and_one_a_header() {
    let (_dir, connections) = filled().await;
    let (tenant, installation) = owner("acme", "ins_1");
    let installed = connections.of(&tenant, &installation).unwrap();
    let names = |url: &str| -> Vec<String> {
        installed.for_target(&url.parse().unwrap()).iter().map(|c| c.name.clone()).collect()
    };
    assert_eq!(names("https://chat.example.test/x"), ["a", "c"]);
    assert!(names("https://evil.example.test/").is_empty());
    assert!(installed.needles().find_in(b"... acme-token-b ..."));
    assert!(!installed.needles().find_in(b"... other-token ..."));
    assert!(connections.of(&owner("other", "ins_1").0, &installation).is_none(), "another tenant");
}

#[tokio::test]
async fn what_one_installation_carries_has_a_generation_of_its_own() {
    let (_dir, connections) = filled().await;
    let generation = |tenant: &str, installation: &str| {
        let (tenant, installation) = owner(tenant, installation);
        connections.of(&tenant, &installation).unwrap().generation()
    };
    let before = (generation("acme", "ins_1"), generation("other", "ins_2"));
    let place = Place::bearer("chat.example.test");
    connections.put(owner("acme", "ins_1"), "a", &place, &secret("new-token-a"), entry()).await.unwrap();
    assert!(generation("acme", "ins_1") > before.0);
    assert_eq!(generation("other", "ins_2"), before.1);
    let key =
        ConnectionKey { tenant: "other".parse().unwrap(), installation: "ins_2".parse().unwrap(), name: "a".into() };
    let revoked = Standing::Revoked { since: Timestamp(0) };
    assert!(connections.end_generation(&key, 1, revoked, entry()).await.unwrap());
    assert!(generation("other", "ins_2") > before.1, "it carries nothing any more");
}

#[tokio::test]
async fn a_rotation_is_seen_at_once_and_the_old_value_is_looked_for_still() {
    let (_dir, connections) = filled().await;
    let (before, place) = (connections.generation(), Place::bearer("chat.example.test"));
    let put = connections.put(owner("acme", "ins_1"), "a", &place, &secret("new-token-a"), entry()).await;
    assert_eq!(put.unwrap(), 2);
    assert_eq!(connections.generation(), before + 1);
    assert!(connections.needles().find_in(b"new-token-a"));
    let (tenant, installation) = owner("acme", "ins_1");
    let installed = connections.of(&tenant, &installation).unwrap();
    let used = installed.connections().iter().map(|one| std::str::from_utf8(one.secret.expose()).unwrap());
    assert_eq!(used.collect::<Vec<_>>(), ["new-token-a", "acme-token-b", "acme-token-c"]);
    assert!(installed.needles().find_in(b"acme-token-a"), "an answer may still hold it");
    assert!(connections.needles().find_in(b"acme-token-a"));
    assert_eq!(connections.refresh().await.unwrap().len(), 0);
    assert_eq!(connections.generation(), before + 1, "nothing has changed");
}

#[tokio::test]
async fn knows_the_secrets_of_sources_too() {
    let (_dir, connections) = filled().await;
    let inbound = |tenant: &str| connections.inbound(&tenant.parse().unwrap(), "source/hooks");
    assert_eq!(inbound("acme").unwrap().expose(), b"inbound-secret");
    assert!(inbound("other").is_none());
    assert!(connections.needles().find_in(b"inbound-secret"));
}

#[tokio::test]
async fn an_unfit_place_is_reported_and_left_out() {
    let (_dir, store) = store();
    let vault = Arc::new(vault(&store));
    let (tenant, installation) = owner("acme", "ins_1");
    vault
        .put(tenant.clone(), Some(installation.clone()), "x", r#"{"hosts":["*"]}"#, &secret("a-secret-"), entry())
        .await
        .unwrap();
    let connections = Connections::new(vault).unwrap();
    let refused = connections.refresh().await.unwrap();
    assert!(matches!(&refused[..], [VaultError::Invalid { name, .. }] if name == "x"));
    assert!(connections.of(&tenant, &installation).unwrap().connections().is_empty());
    assert!(connections.needles().find_in(b"a-secret-"), "still looked for");
}

#[tokio::test]
async fn what_is_revoked_goes_nowhere_and_is_looked_for_still() {
    let (_dir, connections) = filled().await;
    let (tenant, installation) = owner("acme", "ins_1");
    let key = ConnectionKey { tenant: tenant.clone(), installation: installation.clone(), name: "b".into() };
    let revoked = Standing::Revoked { since: Timestamp(5) };
    assert!(connections.end_generation(&key, 1, revoked.clone(), entry()).await.unwrap());
    let installed = connections.of(&tenant, &installation).unwrap();
    let names: Vec<_> = installed.connections().iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["a", "c"]);
    assert!(installed.needles().find_in(b"acme-token-b"));
    let views = connections.views().await.unwrap();
    let view = views.iter().find(|view| view.key == key).unwrap();
    assert_eq!((&view.standing, view.generation, view.origin.provider.as_str()), (&revoked, 1, STATIC));
    assert!(!serde_json::to_string(&views).unwrap().contains("token"), "no secret");
    let gone = ConnectionKey { name: "x".into(), ..key };
    assert!(!connections.end_generation(&gone, 1, revoked, entry()).await.unwrap());
}

#[tokio::test]
async fn what_is_stored_is_stored_even_where_the_table_cannot_be_made_anew() {
    let (_dir, store) = store();
    let broken = Arc::new(AtomicBool::new(true));
    let hook = {
        let broken = broken.clone();
        move |step: &'static str| match step == "before-revision" && broken.load(Ordering::SeqCst) {
            true => Err(StoreError("the disk is slow".to_owned())),
            false => Ok(()),
        }
    };
    let vault = Vault::new(Arc::new(Hooked::new(store, Box::new(hook))), ring(), Arc::new(Counter::default()));
    let connections = Connections::new(Arc::new(vault)).unwrap();
    let (tenant, installation) = owner("acme", "ins_1");
    let place = Place::bearer("chat.example.test");
    let of = (tenant.clone(), installation.clone());
    let put = connections.put(of, "a", &place, &secret("acme-token-a"), entry()).await;
    assert_eq!(put.unwrap(), 1, "whoever asked for it must not revoke it");
    assert!(connections.of(&tenant, &installation).is_none());
    broken.store(false, Ordering::SeqCst);
    connections.refresh().await.unwrap();
    assert_eq!(connections.of(&tenant, &installation).unwrap().connections().len(), 1);
    let key = ConnectionKey { tenant, installation, name: "a".into() };
    assert!(connections.vault().has_of(&key.clone().into(), entry().time).await.unwrap());
    assert!(!connections.vault().has_of(&key.into(), Timestamp(1)).await.unwrap());
}
