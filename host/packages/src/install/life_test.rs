//! An installation over several releases: published, upgraded, rolled back, uninstalled.

use std::sync::Arc;

use async_trait::async_trait;
use portcullis_model::{
    erasure::{Erased, ErasureStore, Stopped},
    error::StoreError,
    id::Digest,
    release::{ReleaseId, StoredRelease},
    time::Timestamp,
};

use super::{
    tests::{RECEIVE, World, scopes},
    upgrade::{Agreed, Next},
    *,
};
use crate::{
    check::Rules,
    keys::SecretKey,
    publish::sign_release,
    statement::{Decision, Statement, Verdict},
    testing::{Fake, MANIFEST, component},
    trust::root::Root,
};

const READ: &str = "tickets:read fields=comments";
const WIDE: &str = "tickets:read fields=comments,tags";

impl World {
    /// The files of a release with this number and version, and further changes.
    fn release(&self, number: u64, version: &str, changes: &[(&str, &str)]) -> ReleaseFiles {
        let mut manifest = MANIFEST.replace("release = 3", &format!("release = {number}")).replace("1.2.0", version);
        for (from, to) in changes {
            assert!(manifest.contains(from), "{from}");
            manifest = manifest.replace(from, to);
        }
        let component: Arc<[u8]> = component().into();
        let envelope = sign_release(&component, &manifest, &self.key, Rules { catalogue: &Fake }).unwrap().to_json();
        ReleaseFiles::new(StoredRelease { digest: Digest::of(&component), manifest, envelope }, component)
    }

    async fn published(&self, number: u64, version: &str, changes: &[(&str, &str)]) -> ReleaseId {
        self.installer().publish(&self.release(number, version, changes)).await.unwrap().listed.id
    }

    async fn root(&self, change: impl FnOnce(&mut Root)) {
        let trust = self.registry.trust().await.unwrap().unwrap();
        let mut root = trust.root(&portcullis_model::trust::RootScope::Platform).unwrap().clone();
        root.version += 1;
        change(&mut root);
        self.installer().keeper().root(&root.signed(&self.key).unwrap().to_json()).await.unwrap();
    }
}

#[async_trait]
impl ErasureStore for crate::testing::Memory {
    async fn would_stop(&self, _: &Installation) -> Result<Stopped, StoreError> {
        Ok(Stopped { secrets: 1, deliveries: 2 })
    }

    async fn uninstall(&self, new: Installation, expected: u64, entry: Entry) -> Result<Option<Stopped>, StoreError> {
        let put = self.put_installation(new, Some(expected), entry).await?;
        Ok(put.then_some(Stopped { secrets: 1, deliveries: 2 }))
    }

    async fn erase(
        &self,
        new: Installation,
        expected: u64,
        files: Erased,
        entry: Entry,
    ) -> Result<Option<Erased>, StoreError> {
        let put = self.put_installation(new, Some(expected), files.told(entry)).await?;
        Ok(put.then_some(files))
    }
}

#[tokio::test]
async fn publishing_installs_nothing_and_is_on_record_once() {
    let world = World::new();
    let first = world.installer().publish(&world.release(4, "1.3.0", &[])).await.unwrap();
    assert!(first.new && first.lacks.is_none());
    assert_eq!((world.last().kind, world.last().text("version")), (Kind::ReleasePublished, Some("1.3.0")));
    let count = world.memory.entries.lock().unwrap().len();
    assert!(!world.installer().publish(&world.release(4, "1.3.0", &[])).await.unwrap().new);
    assert_eq!(world.memory.entries.lock().unwrap().len(), count);
    assert!(world.memory.installations.lock().unwrap().is_empty());

    let mut forged = world.release(5, "1.3.1", &[]);
    forged.stored.manifest = forged.stored.manifest.replace("to tell the team", "to tell others");
    let error = world.installer().publish(&forged).await.unwrap_err().to_string();
    assert!(error.contains("is refused"), "{error}");
    assert_eq!((world.last().kind, world.last().text("at")), (Kind::ReleaseRefused, Some("publish")));
    assert_eq!(world.memory.listed.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn what_lacks_a_review_can_be_published_and_not_taken() {
    let world = World::new();
    let old = world.install(None).await.unwrap();
    let reviewer = SecretKey::generate(world.installer().rng).public();
    world
        .root(|root| {
            let id = root.know(&reviewer, "a reviewer");
            root.reviewers.insert(id);
            root.reviews.high = 1;
        })
        .await;
    let published = world.installer().publish(&world.release(4, "1.3.0", &[])).await.unwrap();
    assert!(published.lacks.unwrap().contains("0 of 1 reviewers"));
    let error = world.installer().upgrade(&old.id, &published.listed.id, &Agreed::default(), false).await.unwrap_err();
    assert!(error.to_string().contains("0 of 1 reviewers"), "{error}");
    assert_eq!((world.last().kind, world.last().text("at")), (Kind::ReleaseRefused, Some("upgrade")));
    assert_eq!(world.memory.installations.lock().unwrap()[&old.id].number, 3);
}

#[tokio::test]
async fn a_release_that_is_approved_is_found() {
    let world = World::new();
    let old = world.install(None).await.unwrap();
    world.root(|root| _ = root.reviewers.insert(world.key.public().keyid())).await;
    let files = world.release(4, "1.2.1", &[]);
    let id = files.stored.id();
    world.installer().registry.store().put_release(files.stored, files.component).await.unwrap();
    assert!(world.installer().newer(&old).await.unwrap().is_empty(), "handed in for review, and no more");
    let state = async |decision| {
        let verdict = Verdict {
            decision,
            at_most: Vec::new(),
            issued: Timestamp(0),
            expires: Timestamp(1_000_000),
            report: None,
            reason: "looked at".into(),
        };
        let envelope = Statement::about(&id, verdict).signed(&world.key).unwrap();
        world.installer().keeper().state(&id, &envelope.to_json()).await.unwrap();
        world.installer().newer(&old).await.unwrap().len()
    };
    assert_eq!((state(Decision::Reject).await, state(Decision::Approve).await), (0, 1));
}

#[tokio::test]
async fn an_upgrade_keeps_the_grant_and_going_back_gives_it_back() {
    let world = World::new();
    let old = world.install(None).await.unwrap();
    let next = world.published(4, "1.3.0", &[("types=ticket.created", "types=ticket.deleted"), (READ, WIDE)]).await;
    let waits = world.installer().upgrade(&old.id, &next, &Agreed::default(), false).await.unwrap_err();
    assert!(matches!(&waits, InstallError::Waits { release: 4, why, .. } if why.len() == 2), "{waits}");
    let plan = world.installer().plan_upgrade(&old, &next, &Agreed::default()).await.unwrap();
    assert_eq!(plan.next, Next::Wait);
    let waiting = world.installer().wait(&old.id, &plan).await.unwrap();
    assert_eq!(waiting.waiting.as_ref().unwrap().number, 4);
    assert_eq!((waiting.number, waiting.granted.clone()), (3, old.granted.clone()), "nothing else has changed");
    assert_eq!(world.last().kind, Kind::PluginUpgradeWaits);
    assert_eq!(world.installer().wait(&old.id, &plan).await.unwrap(), waiting, "once");

    let agreed = Agreed { everything: true, grant: Vec::new() };
    let new = world.installer().upgrade(&old.id, &next, &agreed, false).await.unwrap();
    assert_eq!((new.number, new.version.as_str(), &new.waiting), (4, "1.3.0", &None));
    assert_eq!(new.granted, scopes(&[WIDE, "events:receive types=ticket.deleted"]));
    let entry = world.last();
    assert_eq!((entry.kind, entry.text("from-version")), (Kind::PluginUpgraded, Some("1.2.0")));
    assert_eq!(entry.detail["dropped"], serde_json::json!([RECEIVE]));
    assert!(entry.detail["agreed-to"].as_array().unwrap().len() == 2);

    let back = world.installer().rollback(&old.id, "broken").await.unwrap();
    assert_eq!((back.number, back.release, back.manifest), (3, old.release, old.manifest));
    assert_eq!((back.granted.clone(), back.rolled_back), (old.granted, Some(4)));
    assert_eq!((world.last().kind, world.last().text("reason")), (Kind::PluginRolledBack, Some("broken")));
    let twice = world.installer().rollback(&back.id, "again").await.unwrap_err();
    assert!(matches!(twice, InstallError::NoPrevious(_)), "{twice}");
}

#[tokio::test]
async fn going_back_does_not_give_back_what_an_admin_took_away() {
    let world = World::new();
    let old = world.install(None).await.unwrap();
    let next = world.published(4, "1.3.0", &[("types=ticket.created", "types=ticket.deleted")]).await;
    let agreed = Agreed { everything: true, grant: Vec::new() };
    world.installer().upgrade(&old.id, &next, &agreed, false).await.unwrap();
    world.installer().grant(&old.id, scopes(&["events:receive types=ticket.deleted"])).await.unwrap();
    let less = Limits { cpu_ms: 7, ..old.limits };
    world.installer().limit(&old.id, less).await.unwrap();
    let back = world.installer().rollback(&old.id, "broken").await.unwrap();
    assert_eq!(back.granted, scopes(&[RECEIVE]), "what the upgrade dropped is back, what the admin took is not");
    assert_eq!(back.limits.cpu_ms, 7);
}

#[tokio::test]
async fn going_back_below_the_floor_is_refused() {
    let world = World::new();
    let old = world.install(None).await.unwrap();
    let next = world.published(4, "1.2.1", &[]).await;
    world.installer().upgrade(&old.id, &next, &Agreed::default(), false).await.unwrap();
    world.root(|root| _ = root.floors.insert(old.plugin.clone(), 4)).await;
    let error = world.installer().rollback(&old.id, "broken").await.unwrap_err().to_string();
    assert!(error.contains("is below 4"), "{error}");
    assert_eq!((world.last().kind, world.last().text("at")), (Kind::ReleaseRefused, Some("rollback")));
    assert_eq!(world.memory.installations.lock().unwrap()[&old.id].number, 4);
}

#[tokio::test]
async fn nobody_is_upgraded_by_a_policy_that_does_not_take_it() {
    let world = World::new();
    let old = world.install(None).await.unwrap();
    let next = world.published(4, "1.2.1", &[]).await;
    let by_policy = async || world.installer().upgrade(&old.id, &next, &Agreed::default(), true).await;
    assert!(matches!(by_policy().await, Err(InstallError::Waits { .. })), "its policy is manual");
    let set = world.installer().set_policy(&old.id, UpgradePolicy::Patch).await.unwrap();
    assert_eq!((set.upgrades, world.last().kind), (UpgradePolicy::Patch, Kind::PluginUpgradePolicy));
    assert_eq!(world.installer().newer(&set).await.unwrap().len(), 1);
    let new = by_policy().await.unwrap();
    assert_eq!((new.number, world.last().text("by").map(str::to_owned)), (4, Some("policy patch".to_owned())));
    world.installer().rollback(&old.id, "broken").await.unwrap();
    assert!(matches!(by_policy().await, Err(InstallError::Waits { .. })), "it was rolled back from that one");
    let again = world.installer().upgrade(&old.id, &next, &Agreed::default(), false).await.unwrap();
    assert_eq!(again.number, 4, "an admin can");
    let older = world.installer().upgrade(&old.id, &old.release_id(), &Agreed::default(), false).await.unwrap_err();
    assert!(matches!(older, InstallError::NotNewer { release: 3, installed: 4, .. }), "{older}");
}

#[tokio::test]
async fn what_is_uninstalled_stays_so_until_it_is_taken_back_or_erased() {
    let world = World::new();
    let id = world.install(None).await.unwrap().id;
    let (store, installer) = (world.memory.as_ref(), world.installer());
    let (gone, stopped) = installer.uninstall(store, &id, "not needed", Timestamp(9)).await.unwrap();
    assert!(gone.is_gone() && stopped.secrets == 1);
    assert_eq!((world.last().kind, world.last().text("reason")), (Kind::PluginUninstalled, Some("not needed")));
    for refused in [
        installer.resume(&id).await.err(),
        installer.grant(&id, scopes(&[])).await.err(),
        installer.suspend(&id, "x").await.err(),
        installer.rollback(&id, "x").await.err(),
        installer.set_policy(&id, UpgradePolicy::All).await.err(),
        installer.uninstall(store, &id, "x", Timestamp(9)).await.err(),
    ] {
        assert!(matches!(refused, Some(InstallError::Gone(_))), "{refused:?}");
    }
    let back = installer.restore(&id).await.unwrap();
    assert!(matches!(back.state, InstallationState::Suspended { .. }), "somebody looks first");
    assert!(matches!(installer.restore(&id).await, Err(InstallError::NotUninstalled(_))));
    assert!(matches!(installer.erase(store, &back, Erased::default()).await, Err(InstallError::NotUninstalled(_))));

    let (gone, _) = installer.uninstall(store, &id, "not needed", Timestamp(9)).await.unwrap();
    let (erased, counts) = installer.erase(store, &gone, Erased { files: 3, ..Erased::default() }).await.unwrap();
    assert_eq!((erased.granted.len(), counts.files), (0, 3));
    assert_eq!((world.last().kind, world.last().detail["files"].as_u64()), (Kind::PluginErased, Some(3)));
    assert!(matches!(installer.restore(&id).await, Err(InstallError::NotUninstalled(_))));
}
