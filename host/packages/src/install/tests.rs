use std::sync::Arc;

use portcullis_model::release::StoredRelease;

use super::*;
use crate::{
    check::Rules,
    keys::SecretKey,
    publish::sign_release,
    testing::{Fake, Fixed, MANIFEST, Memory, component, root},
};

pub(super) struct World {
    pub(super) memory: Arc<Memory>,
    pub(super) registry: Registry,
    pub(super) key: SecretKey,
    fixed: Fixed,
    files: ReleaseFiles,
}

impl World {
    /// A host that trusts the publisher of one signed release.
    pub(super) fn new() -> Self {
        let (fixed, memory) = (Fixed::new(), Arc::new(Memory::default()));
        let key = SecretKey::generate(&fixed);
        let component: Arc<[u8]> = component().into();
        let rules = Rules { catalogue: &Fake };
        let envelope = sign_release(&component, MANIFEST, &key, rules).unwrap().to_json();
        let digest = portcullis_model::id::Digest::of(&component);
        let stored = StoredRelease { digest, manifest: MANIFEST.into(), envelope };
        let anchor = memory.trusting(&key, &root(&key, &[key.public()]));
        let registry = Registry::new(memory.clone(), memory.clone(), anchor, Arc::new(Fake), Arc::new(Fixed::new()));
        Self { memory, registry, key, fixed, files: ReleaseFiles::new(stored, component) }
    }

    pub(super) fn installer(&self) -> Installer<'_> {
        Installer {
            registry: &self.registry,
            installations: self.memory.as_ref(),
            recorder: self.memory.as_ref(),
            clock: &self.fixed,
            rng: &self.fixed,
            actor: Actor::Person { name: "ada".into() },
            platform: false,
        }
    }

    pub(super) async fn install(&self, grant: Option<&[&str]>) -> Result<Installation, InstallError> {
        let grant = grant.map(scopes);
        let order = Order { tenant: "acme".parse().unwrap(), grant, limits: None };
        self.installer().install(&self.files, order).await
    }

    pub(super) fn last(&self) -> Entry {
        self.memory.entries.lock().unwrap().last().unwrap().clone()
    }
}

pub(super) fn scopes(texts: &[&str]) -> Vec<ScopeText> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

const READ: &str = "tickets:read fields=comments";
pub(super) const RECEIVE: &str = "events:receive types=ticket.created";

#[tokio::test]
async fn installs_what_is_required_and_says_so_in_the_log() {
    let world = World::new();
    let installed = world.install(None).await.unwrap();
    assert_eq!(installed.granted, scopes(&[READ, RECEIVE]));
    assert_eq!((installed.generation, installed.limits.cpu_ms), (1, 250));
    assert_eq!(installed.release, world.files.stored.digest);
    assert!(world.registry.examined(&installed.release_id(), &installed.tenant).await.is_ok());

    let entry = world.last();
    assert_eq!(entry.kind, Kind::PluginInstalled);
    assert_eq!(entry.text("plugin"), Some("com.example.card-guard"));
    assert_eq!(entry.text("version"), Some("1.2.0"));
    assert_eq!(entry.text("digest"), Some(installed.release.to_string().as_str()));
    assert_eq!(entry.detail["scopes"], serde_json::json!([READ, RECEIVE]));
    assert_eq!(entry.tenant.unwrap().as_str(), "acme");
}

#[tokio::test]
async fn a_choice_lies_within_what_the_manifest_asks() {
    let world = World::new();
    let limits = Limits { cpu_ms: 5, ..Limits::default() };
    let order = Order { tenant: "acme".parse().unwrap(), grant: Some(scopes(&[READ])), limits: Some(limits) };
    let installed = world.installer().install(&world.files, order).await.unwrap();
    assert_eq!((installed.granted, installed.limits), (scopes(&[READ]), limits));
    assert_eq!(world.install(Some(&[])).await.unwrap().granted, []);

    let before = world.memory.entries.lock().unwrap().len();
    for (scope, error) in [
        (
            "tickets:read fields=comments,tags",
            "goes beyond what the manifest asks for; grant at most: tickets:read fields=comments",
        ),
        (
            "http:send to=evil.test",
            "goes beyond what the manifest asks for; grant at most: http:send to=chat.example.test",
        ),
        ("kv:read x=y", "no such capability"),
        ("tickets:eat", "has no action 'eat'"),
    ] {
        let found = world.install(Some(&[READ, scope])).await.unwrap_err().to_string();
        assert!(found.contains(error), "{found}");
    }
    assert_eq!(world.memory.entries.lock().unwrap().len(), before, "nothing was installed");
    let long: Vec<ScopeText> =
        (0..1_200).map(|n| format!("tickets:read fields=a-longer-field-{n}").parse().unwrap()).collect();
    let order = Order { tenant: "acme".parse().unwrap(), grant: Some(long), limits: None };
    let error = world.installer().install(&world.files, order).await.unwrap_err();
    assert!(matches!(error, InstallError::GrantTooLong(_)));
}

#[tokio::test]
async fn a_refused_release_is_recorded_and_not_stored() {
    let mut world = World::new();
    world.files.stored.manifest.push_str("# changed");
    let error = world.install(None).await.unwrap_err().to_string();
    assert!(error.contains("manifest digest mismatch"), "{error}");
    let entry = world.last();
    assert_eq!((entry.kind, entry.text("at")), (Kind::ReleaseRefused, Some("install")));
    assert!(entry.text("reason").unwrap().starts_with("manifest digest mismatch"));
    assert_eq!(entry.resource, Some(format!("release:{}", world.files.stored.digest)));
    assert!(world.memory.releases.lock().unwrap().is_empty());
    assert!(world.memory.installations.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_grant_narrows_and_widens_within_the_manifest() {
    let world = World::new();
    let id = world.install(None).await.unwrap().id;
    let narrow = world.installer().grant(&id, scopes(&[RECEIVE])).await.unwrap();
    assert_eq!((narrow.granted, narrow.generation), (scopes(&[RECEIVE]), 2));
    let entry = world.last();
    assert_eq!(entry.kind, Kind::PluginGranted);
    assert_eq!(entry.detail["before"], serde_json::json!([READ, RECEIVE]));
    assert_eq!(entry.detail["scopes"], serde_json::json!([RECEIVE]));

    let wide = world.installer().grant(&id, scopes(&[READ, RECEIVE, "http:send to=chat.example.test"])).await.unwrap();
    assert_eq!(wide.generation, 3);
    let beyond = world.installer().grant(&id, scopes(&["tickets:read fields=tags"])).await.unwrap_err().to_string();
    assert!(beyond.contains("goes beyond"), "{beyond}");
    assert_eq!(world.memory.installations.lock().unwrap()[&id].generation, 3);

    world.memory.trust.lock().unwrap().roots.clear();
    world.memory.trust.lock().unwrap().revision += 1;
    let error = world.installer().grant(&id, scopes(&[READ])).await.unwrap_err().to_string();
    assert!(error.contains("there is no root of the platform"), "{error}");
    assert_eq!(world.last().text("at"), Some("grant"));
}

#[tokio::test]
async fn suspends_and_resumes_once() {
    let world = World::new();
    let id = world.install(None).await.unwrap().id;
    let releases = std::mem::take(&mut *world.memory.releases.lock().unwrap());
    let stopped = world.installer().suspend(&id, "under investigation").await.unwrap();
    let suspended = |reason: &str, by_platform| InstallationState::Suspended { reason: reason.into(), by_platform };
    assert_eq!(stopped.state, suspended("under investigation", false));
    assert_eq!((world.last().kind, world.last().text("reason")), (Kind::PluginSuspended, Some("under investigation")));
    assert_eq!(world.installer().suspend(&id, "again").await.unwrap(), stopped);
    let error = world.installer().resume(&id).await.unwrap_err().to_string();
    assert!(error.contains("is not in the registry"), "what does not hold is not resumed: {error}");
    *world.memory.releases.lock().unwrap() = releases;
    let runs = world.installer().resume(&id).await.unwrap();
    assert_eq!((runs.state.clone(), runs.generation), (InstallationState::Active, 3));
    assert_eq!(world.last().kind, Kind::PluginResumed);
    assert_eq!(world.installer().resume(&id).await.unwrap(), runs);
    let none: InstallationId = "ins_none".parse().unwrap();
    assert!(matches!(world.installer().resume(&none).await, Err(InstallError::NoInstallation(_))));
}

#[tokio::test]
async fn what_the_platform_suspends_only_the_platform_resumes() {
    let world = World::new();
    let id = world.install(None).await.unwrap().id;
    let platform = || Installer { platform: true, ..world.installer() };
    let suspended = |reason: &str, by_platform| InstallationState::Suspended { reason: reason.into(), by_platform };
    let own = world.installer().suspend(&id, "we are on holiday").await.unwrap();
    assert_eq!(own.state, suspended("we are on holiday", false));
    // That a tenant was first does not keep the platform from it.
    let held = platform().suspend(&id, "it mines coins").await.unwrap();
    assert_eq!((held.state.clone(), held.generation), (suspended("it mines coins", true), own.generation + 1));
    assert_eq!(world.last().detail.get("by-platform"), Some(&serde_json::json!(true)));
    assert_eq!(world.installer().suspend(&id, "mine").await.unwrap(), held, "a tenant takes nothing of it away");
    assert_eq!(platform().suspend(&id, "again").await.unwrap(), held);
    let refused = world.installer().resume(&id).await.unwrap_err();
    assert!(matches!(&refused, InstallError::ByPlatform { reason, .. } if reason == "it mines coins"));
    assert!(refused.to_string().contains("whoever runs the host"), "{refused}");
    let anew = world.install(None).await.unwrap_err();
    assert!(matches!(anew, InstallError::ByPlatform { .. }), "nor does it come back under another id: {anew}");
    assert_eq!(platform().resume(&id).await.unwrap().state, InstallationState::Active);
    world.installer().suspend(&id, "ours").await.unwrap();
    assert_eq!(world.installer().resume(&id).await.unwrap().state, InstallationState::Active);
}

#[tokio::test]
async fn what_the_platform_suspended_stays_so_when_it_is_uninstalled_and_taken_back() {
    let world = World::new();
    let id = world.install(None).await.unwrap().id;
    let platform = || Installer { platform: true, ..world.installer() };
    platform().suspend(&id, "it mines coins").await.unwrap();
    world
        .installer()
        .uninstall(world.memory.as_ref(), &id, "not needed", portcullis_model::time::Timestamp(i64::MAX))
        .await
        .unwrap();
    let anew = world.install(None).await.unwrap_err();
    assert!(matches!(&anew, InstallError::ByPlatform { reason, .. } if reason == "it mines coins"), "{anew}");
    let back = world.installer().restore(&id).await.unwrap();
    assert_eq!(back.state, InstallationState::Suspended { reason: "it mines coins".into(), by_platform: true });
    let refused = world.installer().resume(&id).await.unwrap_err();
    assert!(matches!(refused, InstallError::ByPlatform { .. }), "{refused}");
    assert_eq!(platform().resume(&id).await.unwrap().state, InstallationState::Active);
}

#[tokio::test]
async fn what_the_platform_suspended_is_not_installed_anew_once_it_is_erased() {
    let world = World::new();
    let id = world.install(None).await.unwrap().id;
    let platform = || Installer { platform: true, ..world.installer() };
    platform().suspend(&id, "it mines coins").await.unwrap();
    let (store, soon) = (world.memory.as_ref(), portcullis_model::time::Timestamp(0));
    let early = world.installer().uninstall(store, &id, "not needed", soon).await.unwrap_err();
    assert!(matches!(early, InstallError::Evidence(_)), "its tenant erases no evidence: {early}");
    let (gone, _) = platform().uninstall(store, &id, "not needed", soon).await.unwrap();
    let late = world.installer().restore(&id).await.unwrap_err();
    assert!(matches!(late, InstallError::Erasing(_)), "its files may be gone: {late}");
    let (erased, _) =
        world.installer().erase(store, &gone, portcullis_model::erasure::Erased::default()).await.unwrap();
    assert_eq!(erased.held_by_platform(), Some("it mines coins"));
    let anew = world.install(None).await.unwrap_err();
    assert!(matches!(&anew, InstallError::ByPlatform { reason, .. } if reason == "it mines coins"), "{anew}");
    assert!(matches!(world.installer().resume(&id).await, Err(InstallError::Gone(_))), "its tenant lifts nothing");
    let let_back = platform().resume(&id).await.unwrap();
    assert!(let_back.is_gone() && let_back.held_by_platform().is_none(), "{let_back:?}");
    assert_eq!(world.last().kind, Kind::PluginResumed);
    assert_eq!(world.install(None).await.unwrap().state, InstallationState::Active);
}

#[tokio::test]
async fn whoever_is_slower_is_told() {
    let world = World::new();
    let id = world.install(None).await.unwrap().id;
    *world.memory.race.lock().unwrap() = true;
    let error = world.installer().suspend(&id, "x").await.unwrap_err();
    assert!(matches!(error, InstallError::Conflict(other) if other == id));
}
