//! A host where everything holds: a platform's root with everybody in it, a release that its publisher signed and two reviewers
//! approved, an older one of the same plugin, and the ways in.

use std::sync::{Arc, Mutex};

use portcullis_model::{
    audit::{Actor, Entry, Kind},
    id::{Digest, TenantId},
    release::{ReleaseId, ReleaseStore as _, Releases as _, StoredRelease},
    scope::ScopeText,
    time::Timestamp,
    trust::{RootScope, TrustStore as _},
};
use portcullis_packages::{
    check::Registry,
    dsse::{Envelope, PayloadType},
    install::{Installer, Order},
    keys::SecretKey,
    manifest::Manifest,
    release_dir::ReleaseFiles,
    statement::{Decision, Release, Statement, Verdict},
    trust::{
        keeper::Keeper,
        root::{Needed, Root},
        withdrawal::{Override, Withdrawal},
    },
};

use crate::testing::{self, Fake, Fixed, Memory};

pub const KEEPER: u8 = 1;
pub const SECOND_KEEPER: u8 = 2;
pub const PUBLISHER: u8 = 10;
pub const SECOND_PUBLISHER: u8 = 11;
pub const OTHER_PUBLISHER: u8 = 12;
pub const REVIEWERS: [u8; 3] = [20, 21, 22];
pub const WITHDRAWERS: [u8; 2] = [30, 31];
pub const OVERRIDER: u8 = 40;
pub const TENANT_KEEPER: u8 = 50;
pub const STRANGER: u8 = 99;

/// What all clocks here say.
pub const NOW: Timestamp = Timestamp(0);
pub const HOUR: i64 = 3_600_000;

pub fn key(number: u8) -> SecretKey {
    SecretKey::generate(&Fixed(Mutex::new(number)))
}

pub fn id_of(number: u8) -> String {
    key(number).public().keyid()
}

pub fn tenant() -> TenantId {
    "acme".parse().unwrap()
}

/// The manifest of another release number.
pub fn manifest_of(release: u64) -> String {
    testing::MANIFEST.replace("release = 3", &format!("release = {release}"))
}

/// A release of this component and manifest, signed by these keys.
pub fn release(component: &[u8], manifest: &str, by: &[u8]) -> StoredRelease {
    let digest = Digest::of(component);
    let statement = Statement::<Release>::new(&Manifest::parse(manifest).unwrap(), &digest);
    let envelope = signed(PayloadType::Statement, statement.to_bytes(), by);
    StoredRelease { digest, manifest: manifest.to_owned(), envelope }
}

pub fn signed(kind: PayloadType, payload: Vec<u8>, by: &[u8]) -> String {
    let envelope = Envelope::sign(kind, payload, &key(by[0])).unwrap();
    by[1..].iter().fold(envelope, |envelope, number| envelope.signed_also(&key(*number)).unwrap()).to_json()
}

/// An approval, as from an hour ago and for a hundred more.
pub fn approval() -> Verdict {
    Verdict {
        decision: Decision::Approve,
        at_most: vec!["tickets:read fields=comments".parse::<ScopeText>().unwrap()],
        issued: Timestamp(NOW.0 - HOUR),
        expires: Timestamp(NOW.0 + 100 * HOUR),
        report: None,
        reason: "looked at".to_owned(),
    }
}

pub struct World {
    pub memory: Arc<Memory>,
    registry: Mutex<Registry>,
    anchor: Digest,
    /// The platform's root.
    pub root: Root,
    /// The release that everything is about.
    pub stored: StoredRelease,
    pub component: Arc<[u8]>,
    fixed: Fixed,
    runtime: tokio::runtime::Runtime,
}

impl World {
    pub fn new() -> Self {
        let memory = Arc::new(Memory::default());
        let mut root = testing::root(&key(KEEPER), &[key(PUBLISHER).public(), key(SECOND_PUBLISHER).public()]);
        for number in REVIEWERS {
            let id = root.know(&key(number).public(), &format!("reviewer {number}"));
            root.reviewers.insert(id);
        }
        root.reviews = Needed { low: 0, medium: 1, high: 2 };
        for number in WITHDRAWERS {
            let id = root.know(&key(number).public(), "withdrawer");
            root.withdrawals.keys.insert(id);
        }
        root.withdrawals.threshold = 2;
        let id = root.know(&key(OVERRIDER).public(), "second factor");
        root.overrides.keys.insert(id);
        root.overrides.threshold = 1;
        let anchor = memory.trusting(&key(KEEPER), &root);
        let component: Arc<[u8]> = testing::component().into();
        let stored = release(&component, testing::MANIFEST, &[PUBLISHER]);
        let registry = Mutex::new(registry(&memory, anchor));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let world = Self { memory, registry, anchor, root, stored, component, fixed: Fixed::new(), runtime };
        for stored in [world.stored.clone(), release(&world.component, &manifest_of(2), &[PUBLISHER])] {
            for by in &REVIEWERS[..2] {
                world
                    .say(&stored.id(), Statement::about(&stored.id(), approval()).signed(&key(*by)).unwrap().to_json());
            }
            world.keep(stored);
        }
        world
    }

    fn run<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// Puts a release under its id.
    pub fn keep(&self, stored: StoredRelease) {
        self.run(self.memory.put_release(stored, self.component.clone())).unwrap();
    }

    /// Puts this into the row of a release, whatever it is.
    pub fn rewrite(&self, id: &ReleaseId, change: impl FnOnce(&mut StoredRelease, &mut Arc<[u8]>)) {
        let mut all = self.memory.releases.lock().unwrap();
        let (stored, component) = all.get_mut(id).unwrap();
        change(stored, component);
    }

    /// The release's id.
    pub fn id(&self) -> ReleaseId {
        self.stored.id()
    }

    /// The older release's id.
    pub fn older(&self) -> ReleaseId {
        ReleaseId { component: self.stored.digest, manifest: Digest::of(manifest_of(2).as_bytes()) }
    }

    /// Puts a statement into the rows of a release, whoever signed it.
    pub fn say(&self, id: &ReleaseId, text: String) {
        let entry = Entry::new(NOW, Kind::ReleaseReviewed, Actor::Host, None);
        self.run(self.memory.put_statement(*id, text, entry)).unwrap();
    }

    /// Replaces what others signed about the release.
    pub fn only(&self, texts: Vec<String>) {
        self.memory.statements.lock().unwrap().insert(self.id(), Vec::new());
        texts.into_iter().for_each(|text| self.say(&self.id(), text));
    }

    /// A verdict as a signed text.
    pub fn verdict(&self, verdict: Verdict, by: u8) -> String {
        Statement::about(&self.id(), verdict).signed(&key(by)).unwrap().to_json()
    }

    /// Loads the release, as a call does: the refusal, if it is one.
    pub fn load(&self) -> Option<String> {
        self.load_of(&self.id())
    }

    pub fn load_of(&self, id: &ReleaseId) -> Option<String> {
        let registry = self.registry.lock().unwrap();
        self.run(registry.verified(id, &tenant())).err().map(|error| error.to_string())
    }

    /// As [`World::load`], after everything that was derived was forgotten, as in another process.
    pub fn reloaded(&self) -> Option<String> {
        *self.registry.lock().unwrap() = registry(&self.memory, self.anchor);
        self.load()
    }

    /// Fetches the component's bytes, as a call does.
    pub fn fetch(&self) -> Option<String> {
        let registry = self.registry.lock().unwrap();
        self.run(registry.component(&self.id())).err().map(|error| error.to_string())
    }

    /// Installs the release, with this done to what is handed over.
    pub fn install(&self, change: impl FnOnce(&mut ReleaseFiles)) -> Option<String> {
        let mut files = ReleaseFiles::new(self.stored.clone(), self.component.clone());
        change(&mut files);
        let registry = self.registry.lock().unwrap();
        let installer = Installer {
            registry: &registry,
            installations: self.memory.as_ref(),
            recorder: self.memory.as_ref(),
            clock: &self.fixed,
            rng: &self.fixed,
            actor: Actor::Host,
            platform: false,
        };
        let order = Order { tenant: tenant(), grant: None, limits: None };
        self.run(installer.install(&files, order)).err().map(|error| error.to_string())
    }

    fn keeping<T>(&self, with: impl AsyncFnOnce(Keeper<'_>) -> T) -> T {
        let registry = self.registry.lock().unwrap();
        self.run(with(Keeper { registry: &registry, clock: &self.fixed, actor: Actor::Host }))
    }

    /// The platform's next root, with this change.
    pub fn next(&self, change: impl FnOnce(&mut Root)) -> Root {
        let mut root = self.root.clone();
        root.version += 1;
        change(&mut root);
        root
    }

    /// Offers a root that these keys signed.
    pub fn put_root(&self, root: &Root, by: &[u8]) -> Option<String> {
        self.offer(&signed(PayloadType::Root, root.to_bytes(), by))
    }

    /// Offers the text of a root.
    pub fn offer(&self, text: &str) -> Option<String> {
        self.keeping(async |keeper| keeper.root(text).await).err().map(|error| error.to_string())
    }

    /// Puts a root into the store, past everything that would check it.
    pub fn force_root(&self, root: &Root, by: &[u8]) {
        let mut trust = self.memory.trust.lock().unwrap();
        trust.roots.push((root.scope.clone(), signed(PayloadType::Root, root.to_bytes(), by)));
        trust.revision += 1;
    }

    /// A tenant's first root.
    pub fn tenants(&self) -> Root {
        Root::new(RootScope::Tenant(tenant()), &key(TENANT_KEEPER).public(), "acme", Timestamp(NOW.0 + HOUR))
    }

    pub fn put_tenants(&self, root: &Root, by: &[u8]) -> Option<String> {
        self.put_root(root, by)
    }

    /// Offers a verdict about the release.
    pub fn state(&self, verdict: &Verdict, by: u8) -> Option<String> {
        self.state_text(&self.verdict(verdict.clone(), by))
    }

    pub fn state_text(&self, text: &str) -> Option<String> {
        let id = self.id();
        self.keeping(async |keeper| keeper.state(&id, text).await).err().map(|error| error.to_string())
    }

    /// Leave to run the release below the floor, as from now, for an hour.
    pub fn leave(&self, change: impl FnOnce(&mut Override), by: &[u8]) -> String {
        let ReleaseId { component, manifest } = self.id();
        let (issued, expires) = (NOW, Timestamp(NOW.0 + HOUR));
        let mut given = Override { component, manifest, reason: "the newer one is broken".into(), issued, expires };
        change(&mut given);
        signed(PayloadType::Override, serde_json::json!(given).to_string().into_bytes(), by)
    }

    /// Offers a withdrawal that these keys signed.
    pub fn withdraw(&self, withdrawal: &Withdrawal, by: &[u8]) -> Option<String> {
        let text = signed(PayloadType::Withdrawal, serde_json::json!(withdrawal).to_string().into_bytes(), by);
        self.keeping(async |keeper| keeper.withdrawal(&text).await).err().map(|error| error.to_string())
    }
}

fn registry(memory: &Arc<Memory>, anchor: Digest) -> Registry {
    Registry::new(memory.clone(), memory.clone(), anchor, Arc::new(Fake), Arc::new(Fixed::new()))
}
