//! Changes take effect together or not at all, over the versions that they were made from.

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::{Digest, TenantId},
    installation::InstallationStore as _,
    oauth::{
        AccessToken, Authentication, Change, Client, Decision, Grant, GrantKey, OAuthStore as _, Origin, Pending, Put,
    },
    time::Timestamp,
};

use super::whose;
use crate::{
    SqliteStore,
    testing::{entry, installation, store},
};

fn client(id: &str, installation: &str) -> Client {
    Client {
        id: id.parse().unwrap(),
        name: format!("name of {id}"),
        tenant: "acme".parse().unwrap(),
        installation: installation.parse().unwrap(),
        plugin: "com.example.plugin".parse().unwrap(),
        authentication: Authentication::PrivateKeyJwt,
        keys: Vec::new(),
        redirects: Vec::new(),
        overlap_seconds: 0,
        created: Timestamp(0),
        ended_until: None,
        revoked: None,
        version: 1,
    }
}

fn grant(id: &str, version: u64) -> Grant {
    Grant {
        id: id.parse().unwrap(),
        client: "cli_1".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        audience: "https://host.example/api".into(),
        scopes: vec!["kv:read".parse().unwrap()],
        jkt: None,
        origin: Origin::Authorization,
        created: Timestamp(0),
        expires: Timestamp(1_000),
        revoked: None,
        code: None,
        refreshing: None,
        version,
    }
}

fn token(text: &str, parent: Option<&str>, expires: i64) -> AccessToken {
    AccessToken {
        digest: Digest::of(text.as_bytes()),
        grant: "grt_1".parse().unwrap(),
        client: "cli_1".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        installation: "ins_1".parse().unwrap(),
        release: Digest::of(b"component"),
        audience: "https://host.example/api".into(),
        scopes: Vec::new(),
        jkt: None,
        actors: Vec::new(),
        parent: parent.map(|text| Digest::of(text.as_bytes())),
        issued: Timestamp(0),
        expires: Timestamp(expires),
        revoked: None,
    }
}

fn key(text: &str, generation: u64) -> GrantKey {
    GrantKey { digest: Digest::of(text.as_bytes()), grant: "grt_1".parse().unwrap(), generation }
}

fn put<T>(row: T, expected: Option<u64>) -> Option<Put<T>> {
    Some(Put { row, expected })
}

fn told(change: Change) -> Change {
    Change { entries: vec![entry(Kind::TokenIssued)], ..change }
}

async fn filled(store: &SqliteStore) {
    store.put_installation(installation("ins_1"), None, entry(Kind::PluginInstalled)).await.unwrap();
    let change = Change {
        client: put(client("cli_1", "ins_1"), None),
        grant: put(grant("grt_1", 1), None),
        key: Some(key("code", 0)),
        access: Some(token("one", None, 500)),
        ..Change::default()
    };
    assert!(store.change(told(change)).await.unwrap());
}

#[tokio::test]
async fn a_change_over_another_version_leaves_nothing() {
    let (_dir, store) = store();
    filled(&store).await;
    let before = store.entry_count().await.unwrap();
    let change = |expected| Change {
        grant: put(grant("grt_1", 2), Some(expected)),
        key: Some(key("refresh", 1)),
        access: Some(token("two", None, 500)),
        ..Change::default()
    };
    assert!(!store.change(told(change(7))).await.unwrap());
    assert_eq!(store.entry_count().await.unwrap(), before);
    assert!(store.grant_by(&Digest::of(b"refresh")).await.unwrap().is_none());
    assert!(store.standing(&Digest::of(b"two")).await.unwrap().is_none());
    assert!(store.change(told(change(1))).await.unwrap());
    assert_eq!(store.grant_by(&Digest::of(b"refresh")).await.unwrap(), Some((grant("grt_1", 2), 1)));
    // Two tokens of one generation cannot be.
    let twice = Change { grant: put(grant("grt_1", 3), Some(2)), key: Some(key("other", 1)), ..Change::default() };
    assert!(!store.change(twice).await.unwrap());
    assert_eq!(store.grant_by(&Digest::of(b"code")).await.unwrap(), Some((grant("grt_1", 2), 0)));
}

#[tokio::test]
async fn an_installation_has_one_live_client() {
    let (_dir, store) = store();
    let add = |client| store.change(Change { client: put(client, None), ..Change::default() });
    assert!(add(client("cli_1", "ins_1")).await.unwrap());
    assert!(!add(client("cli_2", "ins_1")).await.unwrap(), "one at a time");
    assert!(
        !add(Client { name: "name of cli_1".into(), ..client("cli_3", "ins_2") }).await.unwrap(),
        "a name of its own"
    );
    let revoked = Client { revoked: Some(Timestamp(5)), version: 2, ..client("cli_1", "ins_1") };
    assert!(store.change(Change { client: put(revoked.clone(), Some(1)), ..Change::default() }).await.unwrap());
    assert!(add(client("cli_2", "ins_1")).await.unwrap());
    assert_eq!(store.clients().await.unwrap(), [revoked, client("cli_2", "ins_1")]);
}

#[tokio::test]
async fn a_tokens_standing_has_all_that_it_depends_on() {
    let (_dir, store) = store();
    filled(&store).await;
    let narrowed = Change { access: Some(token("two", Some("one"), 400)), ..Change::default() };
    assert!(store.change(narrowed).await.unwrap());
    let found = store.standing(&Digest::of(b"two")).await.unwrap().unwrap();
    assert_eq!(found.ancestors, [token("one", None, 500)]);
    assert_eq!((found.grants.len(), found.clients.len()), (2, 2));
    assert_eq!(found.installations, [Some(installation("ins_1")), Some(installation("ins_1"))]);
    let revoked = Change { revoked: Some((Digest::of(b"one"), Timestamp(9))), ..Change::default() };
    assert!(store.change(revoked).await.unwrap());
    let found = store.standing(&Digest::of(b"two")).await.unwrap().unwrap();
    assert_eq!((found.token.revoked, found.ancestors[0].revoked), (None, Some(Timestamp(9))));
    let live = |now| {
        let store = store.clone();
        async move { store.live_tokens(&"acme".parse().unwrap(), Timestamp(now), 10).await.unwrap().len() }
    };
    assert_eq!((live(0).await, live(400).await), (1, 0));
}

fn acme() -> TenantId {
    "acme".parse().unwrap()
}

#[test]
fn a_change_waits_in_the_line_of_its_own_tenant() {
    let noted = Entry::new(Timestamp(0), Kind::TokenRefused, Actor::Host, Some(acme()));
    for change in [
        Change { client: put(client("cli_1", "ins_1"), None), ..Change::default() },
        Change { access: Some(token("one", None, 500)), ..Change::default() },
        Change { entries: vec![noted], ..Change::default() },
    ] {
        assert_eq!(whose(&change), Some(acme()), "{change:?}");
    }
    assert_eq!(whose(&Change::default()), None);
}

#[tokio::test]
async fn what_may_be_used_once_is() {
    let (_dir, store) = store();
    let first = |now| {
        let store = store.clone();
        async move { store.first_use(&acme(), "a", Timestamp(100), Timestamp(now)).await.unwrap() }
    };
    assert_eq!((first(0).await, first(0).await, first(99).await), (true, false, false));
    assert!(store.first_use(&acme(), "b", Timestamp(100), Timestamp(0)).await.unwrap());
}

#[tokio::test]
async fn what_is_over_is_disposed_of_and_nothing_else() {
    let (_dir, store) = store();
    filled(&store).await;
    let pending = Pending {
        id: "grt_9".parse().unwrap(),
        browser: Digest::of(b"browser"),
        code: "BCDF-GHJK".into(),
        client: "cli_1".parse().unwrap(),
        tenant: "acme".parse().unwrap(),
        redirect: "https://backend.example/".into(),
        state: None,
        challenge: "x".into(),
        audience: "https://host.example/api".into(),
        scopes: vec!["kv:read".parse().unwrap()],
        jkt: None,
        created: Timestamp(0),
        expires: Timestamp(300),
        decision: Decision::Approved { scopes: vec!["kv:write bytes=1KiB".parse().unwrap()] },
        version: 1,
    };
    assert!(store.change(Change { pending: put(pending.clone(), None), ..Change::default() }).await.unwrap());
    assert_eq!(store.pending_by(&pending.id).await.unwrap(), Some(pending.clone()));
    store.first_use(&acme(), "a", Timestamp(200), Timestamp(0)).await.unwrap();
    assert_eq!(store.sweep_oauth(Timestamp(199)).await.unwrap(), 0);
    assert_eq!(store.sweep_oauth(Timestamp(300)).await.unwrap(), 2);
    assert_eq!(store.pending_by(&pending.id).await.unwrap(), None);
    assert!(store.standing(&Digest::of(b"one")).await.unwrap().is_some());
    assert_eq!(store.sweep_oauth(Timestamp(500)).await.unwrap(), 1);
    assert!(store.grant_by(&Digest::of(b"code")).await.unwrap().is_some(), "a used code is known as long as its grant");
    assert_eq!(store.sweep_oauth(Timestamp(1_000)).await.unwrap(), 1);
    assert!(store.grant_by(&Digest::of(b"code")).await.unwrap().is_none());
    assert_eq!(store.clients().await.unwrap().len(), 1);
}

#[tokio::test]
async fn the_client_of_what_is_taken_out_is_revoked_and_nobody_elses() {
    use portcullis_model::{erasure::ErasureStore as _, installation::InstallationState};
    let (_dir, store) = store();
    for (client_id, of) in [("cli_1", "a"), ("cli_2", "b")] {
        let one = installation(of);
        assert!(store.put_installation(one, None, entry(Kind::PluginInstalled)).await.unwrap());
        let put = Put { row: client(client_id, of), expected: None };
        assert!(store.change(Change { client: Some(put), ..Change::default() }).await.unwrap());
    }
    let state =
        InstallationState::Uninstalled { since: Timestamp(1), purge_at: Timestamp(2), reason: "x".into(), held: None };
    let gone = portcullis_model::installation::Installation { state, generation: 2, ..installation("a") };
    store.uninstall(gone, 1, entry(Kind::PluginUninstalled)).await.unwrap().unwrap();
    let revoked: Vec<bool> = store.clients().await.unwrap().iter().map(|one| one.revoked.is_some()).collect();
    assert_eq!(revoked, [true, false]);
    let entries = store.entries(0, 100).await.unwrap();
    let kinds = entries.iter().map(|one| serde_json::from_slice::<Entry>(&one.body).unwrap());
    let told: Vec<Entry> = kinds.filter(|one| one.kind == Kind::ClientRevoked).collect();
    assert_eq!((told.len(), told[0].detail["client"].as_str()), (1, Some("cli_1")));
}

#[tokio::test]
async fn says_whether_anything_is_granted() {
    let (_dir, store) = store();
    assert!(!store.has_grants(Timestamp(0)).await.unwrap());
    filled(&store).await;
    assert!(store.has_grants(Timestamp(999)).await.unwrap());
    assert!(!store.has_grants(Timestamp(1_000)).await.unwrap(), "it is over");
}
