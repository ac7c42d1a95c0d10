//! Plugins that are ready to be called: verified, compiled, linked to what their installation is granted.
//!
//! Invariants: compiled code is shared between installations, by digest; everything else is made for one generation of one
//! installation; statements are checked each time a plugin is made ready, and what fails is not kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use portcullis_model::{
    authority::Layer,
    id::{Digest, InstallationId},
    installation::Installation,
    limits::Limits,
    release::{ReleaseError, Releases},
    scope::{ScopeError, ScopeText},
};
use wasmtime::component::{Component, InstancePre, Linker, types::ComponentItem};

use crate::{
    capability::{CapabilitySet, Layers},
    engine::Sandbox,
    invoke::CallStore,
    wit::events,
};

/// Why a plugin cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The release does not hold.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// A scope cannot be read.
    #[error(transparent)]
    Scope(#[from] ScopeError),
    /// It imports a capability of which nothing is granted.
    #[error(
        "the component imports '{import}', but nothing of it is granted; grant a scope that begins with '{capability}:', or \
         install a release without that import"
    )]
    NotGranted {
        /// The import.
        import: String,
        /// The capability.
        capability: String,
    },
    /// It imports something that is no capability.
    #[error("the component imports '{0}', which this host does not offer")]
    UnknownImport(String),
    /// It exports nothing that the host can call.
    #[error("the component does not export 'portcullis:plugin/events@0.1.0'")]
    NoHandler,
    /// It cannot be compiled or linked.
    #[error("the component cannot be loaded: {0}")]
    Engine(String),
}

/// A plugin in one generation of one installation.
pub(crate) struct Ready<C: CapabilitySet> {
    pub pre: InstancePre<CallStore<C::States>>,
    pub events: events::GuestIndices,
    pub authorities: C::Authorities,
    pub limits: Limits,
}

/// Authority and limits that hold for every plugin on this host.
#[derive(Clone, Debug)]
pub(crate) struct Ceiling {
    pub scopes: Option<Vec<ScopeText>>,
    pub limits: Limits,
}

pub(crate) struct Plugins<C: CapabilitySet> {
    sandbox: Sandbox,
    capabilities: Arc<C>,
    releases: Arc<dyn Releases>,
    ceiling: Ceiling,
    compiled: Mutex<HashMap<Digest, Component>>,
    ready: Mutex<HashMap<InstallationId, Generation<C>>>,
}

/// A generation of an installation, and its plugin made ready for it.
type Generation<C> = (u64, Arc<Ready<C>>);

impl<C: CapabilitySet> Plugins<C> {
    pub fn new(sandbox: Sandbox, capabilities: Arc<C>, releases: Arc<dyn Releases>, ceiling: Ceiling) -> Self {
        Self { sandbox, capabilities, releases, ceiling, compiled: Mutex::default(), ready: Mutex::default() }
    }

    /// The installation's plugin, made ready anew where its generation has changed.
    pub async fn ready(&self, installation: &Installation) -> Result<Arc<Ready<C>>, LoadError> {
        let known = self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(&installation.id).cloned();
        if let Some((generation, ready)) = known
            && generation == installation.generation
        {
            return Ok(ready);
        }
        let ready = Arc::new(self.make_ready(installation).await?);
        let mut all = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(installation.id.clone(), (installation.generation, ready.clone()));
        Ok(ready)
    }

    async fn make_ready(&self, installation: &Installation) -> Result<Ready<C>, LoadError> {
        let release = self.releases.verified(&installation.release_id()).await?;
        let mut layers: Layers =
            vec![(Layer::Manifest, release.asked.clone()), (Layer::Granted, installation.granted.clone())];
        if let Some(scopes) = &self.ceiling.scopes {
            layers.push((Layer::Platform, scopes.clone()));
        }
        let authorities = self.capabilities.authorities(&layers)?;
        let component = self.compile(release.digest, release.component).await?;
        self.check_imports(&component, &C::granted(&authorities))?;
        let mut linker = Linker::new(self.sandbox.engine());
        let linked = self.capabilities.link(&mut linker, &authorities);
        let pre = linked.and_then(|()| linker.instantiate_pre(&component)).map_err(engine_error)?;
        let events = events::GuestIndices::new(&pre).map_err(|_| LoadError::NoHandler)?;
        let limits = release.limits.meet(installation.limits).meet(self.ceiling.limits);
        Ok(Ready { pre, events, authorities, limits })
    }

    async fn compile(&self, digest: Digest, bytes: Arc<[u8]>) -> Result<Component, LoadError> {
        if let Some(component) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&digest) {
            return Ok(component.clone());
        }
        let engine = self.sandbox.engine().clone();
        let compiled = tokio::task::spawn_blocking(move || Component::from_binary(&engine, &bytes)).await;
        let component = compiled.map_err(|e| LoadError::Engine(e.to_string()))?.map_err(engine_error)?;
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, component.clone());
        Ok(component)
    }

    /// Names what is imported and not linked, before the linker would say it in its own words.
    fn check_imports(&self, component: &Component, granted: &[&str]) -> Result<(), LoadError> {
        for (import, item) in component.component_type().imports(self.sandbox.engine()) {
            let interface = import.strip_prefix("portcullis:plugin/").and_then(|rest| rest.strip_suffix("@0.1.0"));
            match (interface, item.ty) {
                (Some("types"), _) => {}
                (Some(capability), ComponentItem::ComponentInstance(_)) if granted.contains(&capability) => {}
                (Some(capability), ComponentItem::ComponentInstance(_)) => {
                    return Err(LoadError::NotGranted { import: import.into(), capability: capability.into() });
                }
                _ => return Err(LoadError::UnknownImport(import.into())),
            }
        }
        Ok(())
    }
}

fn engine_error(error: wasmtime::Error) -> LoadError {
    LoadError::Engine(format!("{error:#}"))
}
