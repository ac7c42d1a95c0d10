//! The real runtime on the recorder: made once a run.

use std::{collections::BTreeMap, sync::Arc};

use async_trait::async_trait;
use portcullis_capabilities::{Capabilities, Services};
use portcullis_model::{
    authority::Layer,
    behaviour::Granted,
    bounds::Bounds,
    budget::Resource,
    call::Call,
    event::Event,
    id::{Digest, TenantId},
    installation::{Installation, InstallationState},
    invoke::{CallReport, Invoke as _},
    limits::Limits,
    release::{ReleaseError, ReleaseId, Releases, VerifiedRelease},
    scope::ScopeText,
    time::Timestamp,
};
use portcullis_runtime::{Ledger, LoadError, Runtime, Sandbox, SandboxConfig, capability::CapabilitySet as _};
use serde_json::Value;

use crate::{
    Release, VetError,
    corpus::Input,
    ports::{AskedClock, AskedRng, HostClock, HostRng, Recording, SeededPseudonyms, StoppedClock, call_id},
    stage::{STAGE, Stage},
};

/// The least wall-clock limit, in milliseconds: services answer at once here, so that only a plugin that waits by itself reaches
/// it, and not one on a busy machine.
const LEAST_WALL_MS: u64 = 5_000;

/// The sandbox and what plays the world in it.
pub(crate) struct Lab {
    recording: Recording,
    runtime: Runtime<Capabilities>,
    capabilities: Capabilities,
    release: VerifiedRelease,
    manifest: Digest,
    required: Vec<ScopeText>,
    /// The limits of a call.
    pub limits: Limits,
}

/// Gives the one release that is run, which nobody needs to have signed.
struct One {
    release: VerifiedRelease,
    component: Arc<[u8]>,
}

#[async_trait]
impl Releases for One {
    async fn verified(&self, _: &ReleaseId, _: &TenantId) -> Result<VerifiedRelease, ReleaseError> {
        Ok(self.release.clone())
    }

    async fn component(&self, _: &ReleaseId) -> Result<Arc<[u8]>, ReleaseError> {
        Ok(self.component.clone())
    }
}

impl Lab {
    pub fn new(release: &Release, seed: u64, workers: usize) -> Result<Self, VetError> {
        let limits = limits(release.limits);
        let verified = VerifiedRelease {
            digest: Digest::of(&release.component),
            plugin: release.plugin.clone(),
            publisher: release.publisher.clone(),
            version: release.version.clone(),
            number: release.number,
            asked: release.asked.iter().map(|asked| asked.scope.clone()).collect(),
            reviewed: None,
            until: Timestamp(i64::MAX),
            limits,
            // No tenant's rule about regions holds here.
            destinations: Vec::new(),
        };
        let recording = Recording::default();
        let services = services(&recording, seed);
        let calls = u32::try_from(workers).unwrap_or(64).clamp(1, 64);
        // A slot is never smaller than a host's: what asks for less meets its own limit, and not the pool's.
        let usual = SandboxConfig::default().memory_mib;
        let config =
            SandboxConfig { concurrent_calls: calls, memory_mib: limits.memory_mib.max(usual), scan_memory: false };
        let sandbox = Sandbox::new(config).map_err(|error| VetError::Sandbox(format!("{error:#}")))?;
        let port = Arc::new(recording.clone());
        let runtime = Runtime::new(
            sandbox,
            Capabilities::new(&services),
            Arc::new(One { release: verified.clone(), component: release.component.clone() }),
            port.clone(),
            Arc::new(HostClock),
            Arc::new(HostRng),
            Bounds { scopes: None, limits: Limits::UNBOUNDED, tenants: BTreeMap::new(), live: None },
            Ledger::new(port.clone(), Arc::new(StoppedClock), BTreeMap::new()),
        );
        Ok(Self {
            recording,
            runtime: runtime.observed_by(port),
            capabilities: Capabilities::new(&services),
            release: verified,
            manifest: release.manifest,
            required: release.asked.iter().filter(|asked| !asked.optional).map(|asked| asked.scope.clone()).collect(),
            limits,
        })
    }

    /// The scopes of a grant.
    pub fn scopes(&self, granted: Granted) -> &[ScopeText] {
        match granted {
            Granted::All => &self.release.asked,
            Granted::Required => &self.required,
        }
    }

    fn installation(&self, granted: Granted) -> Result<Installation, VetError> {
        let id = match granted {
            Granted::All => "ins_vet",
            Granted::Required => "ins_vet_required",
        };
        Ok(Installation {
            id: id.parse()?,
            tenant: "sandbox".parse()?,
            plugin: self.release.plugin.clone(),
            release: self.release.digest,
            manifest: self.manifest,
            version: self.release.version.clone(),
            number: self.release.number,
            state: InstallationState::Active,
            granted: self.scopes(granted).to_vec(),
            limits: Limits::UNBOUNDED,
            upgrades: portcullis_model::upgrade::UpgradePolicy::default(),
            previous: None,
            waiting: None,
            rolled_back: None,
            generation: 1,
        })
    }

    /// Whether the release can be loaded under a grant; the reason where it cannot.
    pub async fn prepare(&self, granted: Granted) -> Result<Result<(), LoadError>, VetError> {
        Ok(self.runtime.prepare(&self.installation(granted)?).await)
    }

    /// What of an event's data the plugin would see under all that it asks for.
    pub fn shown(&self, event: &Event) -> Option<Value> {
        let layers = vec![(Layer::Manifest, self.release.asked.clone())];
        let authorities = self.capabilities.authorities(&layers).ok()?;
        let call = Call::new(
            "call_shown".parse().ok()?,
            event.tenant.clone(),
            "ins_vet".parse().ok()?,
            self.release.plugin.clone(),
            self.release.digest,
            event.id.clone(),
            1,
            self.limits,
        );
        let text = self.capabilities.narrow(event, &authorities, &Arc::new(call)).ok()?;
        serde_json::from_str(&text).ok()
    }

    /// Calls the plugin with an input, on a stage that was made for it.
    pub async fn call(&self, input: &Input, stage: Arc<Stage>, granted: Granted) -> Result<CallReport, VetError> {
        let installation = self.installation(granted)?;
        let id = call_id(&stage);
        self.recording.0.put_up(id.clone(), stage.clone());
        let report = STAGE.scope(stage, self.runtime.handle(&installation, &input.event, 1)).await;
        self.recording.0.take_down(&id);
        Ok(report)
    }
}

/// What one call may use: what is asked for. An hour has no bound here, since ten thousand calls are no hour's work.
fn limits(asked: Limits) -> Limits {
    let ceiling = Limits::CEILING;
    let mut limits = asked.meet(Limits { wall_ms: ceiling.wall_ms, ..ceiling });
    for resource in Resource::ALL {
        limits.set(resource.hourly(), u64::MAX);
    }
    limits.concurrent_calls = u64::MAX;
    limits.wall_ms = limits.wall_ms.max(LEAST_WALL_MS);
    limits
}

fn services(recording: &Recording, seed: u64) -> Services {
    let port = Arc::new(recording.clone());
    Services {
        helpdesk: port.clone(),
        pseudonyms: Arc::new(SeededPseudonyms(seed)),
        kv: port.clone(),
        files: port.clone(),
        egress: port,
        clock: Arc::new(AskedClock),
        rng: Arc::new(AskedRng),
    }
}
