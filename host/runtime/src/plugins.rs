//! Plugins that are ready to be called: verified, compiled, linked to what their installation is granted.
//!
//! Invariants: compiled code is shared between installations, by digest; everything else is made for one generation of one
//! installation; statements are checked each time a plugin is made ready, and what fails is not kept.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use portcullis_model::{
    bounds::Bounds,
    catalogue::WasiImport,
    id::{Digest, InstallationId},
    installation::Installation,
    limits::Limits,
    release::{ReleaseError, ReleaseId, Releases},
    scope::ScopeError,
};
use wasmtime::component::{Component, InstancePre, Linker, types::ComponentItem};

use crate::{
    capability::{CapabilitySet, Layers},
    engine::Sandbox,
    invoke::CallStore,
    life::{Life, Lives},
    trigger::Triggers,
    wasi::{self, Imports, Real},
};

/// Why a plugin cannot be made ready.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// Its component cannot be read, or is another one.
    #[error(transparent)]
    Release(#[from] ReleaseError),
    /// What was signed about the release does not hold.
    #[error(transparent)]
    Untrusted(ReleaseError),
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
    #[error(
        "the component imports '{0}', which this host does not offer; build it without what needs that (for requests, use \
         portcullis:plugin/http or wasi:http/outgoing-handler)"
    )]
    UnknownImport(String),
    /// It exports nothing that the host can call.
    #[error("the component exports neither 'portcullis:plugin/events@0.1.0' nor 'portcullis:plugin/privacy@0.1.0'")]
    NoHandler,
    /// It cannot be compiled or linked.
    #[error("the component cannot be loaded: {0}")]
    Engine(String),
}

/// A plugin in one generation of one installation.
pub(crate) struct Ready<C: CapabilitySet> {
    pub pre: InstancePre<CallStore<C::States>>,
    pub triggers: Triggers,
    pub authority: Arc<Authorized<C>>,
    /// What its store needs of WASI; `None` where the component imports nothing of it.
    pub wasi: Option<Real>,
}

/// What one generation of an installation may do, whoever acts in its name.
pub(crate) struct Authorized<C: CapabilitySet> {
    pub layers: Layers,
    pub authorities: Arc<C::Authorities>,
    pub limits: Limits,
    /// Whether its calls may go on.
    pub life: Arc<Life>,
}

pub(crate) struct Plugins<C: CapabilitySet> {
    sandbox: Sandbox,
    capabilities: Arc<C>,
    releases: Arc<dyn Releases>,
    bounds: Arc<Bounds>,
    compiled: Mutex<HashMap<Digest, Component>>,
    compiling: tokio::sync::Mutex<()>,
    ready: Mutex<HashMap<InstallationId, Generation<Ready<C>>>>,
    authorized: Mutex<HashMap<InstallationId, Generation<Authorized<C>>>>,
    pub lives: Lives,
}

/// A generation of an installation, and what was made for it.
type Generation<T> = (u64, Arc<T>);

impl<C: CapabilitySet> Plugins<C> {
    pub fn new(sandbox: Sandbox, capabilities: Arc<C>, releases: Arc<dyn Releases>, bounds: Arc<Bounds>) -> Self {
        Self {
            sandbox,
            capabilities,
            releases,
            bounds,
            compiled: Mutex::default(),
            compiling: tokio::sync::Mutex::default(),
            ready: Mutex::default(),
            authorized: Mutex::default(),
            lives: Lives::default(),
        }
    }

    /// The installation's plugin, made ready anew where its generation has changed; and whether that was done now.
    pub async fn ready(&self, installation: &Installation) -> Result<(Arc<Ready<C>>, bool), LoadError> {
        let known = self.ready.lock().unwrap_or_else(PoisonError::into_inner).get(&installation.id).cloned();
        if let Some((generation, ready)) = known
            && generation == installation.generation
        {
            return Ok((ready, false));
        }
        let ready = Arc::new(self.make_ready(installation).await?);
        let mut all = self.ready.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(installation.id.clone(), (installation.generation, ready.clone()));
        Ok((ready, true))
    }

    /// What the installation may do: read anew where its generation has changed. Nothing is compiled for it.
    pub async fn authorized(&self, installation: &Installation) -> Result<Arc<Authorized<C>>, LoadError> {
        let known = self.authorized.lock().unwrap_or_else(PoisonError::into_inner).get(&installation.id).cloned();
        match known {
            Some((generation, known)) if generation == installation.generation => Ok(known),
            _ => self.authorize(installation).await,
        }
    }

    async fn authorize(&self, installation: &Installation) -> Result<Arc<Authorized<C>>, LoadError> {
        let id = installation.release_id();
        let release = self.releases.verified(&id, &installation.tenant).await.map_err(|error| match error {
            ReleaseError::Store(_) => LoadError::Release(error),
            ReleaseError::Missing(_) | ReleaseError::Refused { .. } => LoadError::Untrusted(error),
        })?;
        self.bounds.refresh().await.map_err(|error| LoadError::Release(ReleaseError::Store(error)))?;
        let layers = self.bounds.layers(&release, installation);
        let limits = self.bounds.limits(&release, installation);
        let authorities = Arc::new(self.capabilities.authorities(&layers)?);
        let life = self.lives.of(&installation.id);
        let made = Arc::new(Authorized { layers, authorities, limits, life });
        let mut all = self.authorized.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(installation.id.clone(), (installation.generation, made.clone()));
        Ok(made)
    }

    async fn make_ready(&self, installation: &Installation) -> Result<Ready<C>, LoadError> {
        // Whatever is kept of it: its statements are checked now.
        let authority = self.authorize(installation).await?;
        let component = self.compile(&installation.release_id()).await?;
        let authorities = &authority.authorities;
        let granted = C::granted(authorities);
        let imports = self.check_imports(&component, &granted)?;
        let mut linker = Linker::new(self.sandbox.engine());
        let linked = self.capabilities.link(&mut linker, authorities, &imports);
        let linked = linked.and_then(|()| wasi::link(&mut linker, &imports, &granted));
        let pre = linked.and_then(|()| linker.instantiate_pre(&component)).map_err(engine_error)?;
        let triggers = Triggers::of(&pre).ok_or(LoadError::NoHandler)?;
        let wasi = (!imports.is_empty()).then(|| Real::of(&granted));
        Ok(Ready { pre, triggers, authority, wasi })
    }

    async fn compile(&self, id: &ReleaseId) -> Result<Component, LoadError> {
        let digest = id.component;
        if let Some(component) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&digest) {
            return Ok(component.clone());
        }
        // One at a time: compiling takes all processors that it finds, and others have calls to run (INC-6).
        let _alone = self.compiling.lock().await;
        if let Some(component) = self.compiled.lock().unwrap_or_else(PoisonError::into_inner).get(&digest) {
            return Ok(component.clone());
        }
        let bytes = self.releases.component(id).await?;
        let engine = self.sandbox.engine().clone();
        let compiled = tokio::task::spawn_blocking(move || Component::from_binary(&engine, &bytes)).await;
        let component = compiled.map_err(|e| LoadError::Engine(e.to_string()))?.map_err(engine_error)?;
        self.compiled.lock().unwrap_or_else(PoisonError::into_inner).insert(digest, component.clone());
        Ok(component)
    }

    /// Names what is imported and not linked, before the linker would say it in its own words. Gives what is imported of WASI.
    fn check_imports(&self, component: &Component, granted: &[&str]) -> Result<Imports, LoadError> {
        let mut wasi = Imports::default();
        for (import, item) in component.component_type().imports(self.sandbox.engine()) {
            let interface = import.strip_prefix("portcullis:plugin/").and_then(|rest| rest.strip_suffix("@0.1.0"));
            match (interface, item.ty) {
                (Some("types"), _) => {}
                (Some(capability), ComponentItem::ComponentInstance(_)) if granted.contains(&capability) => {}
                (Some(capability), ComponentItem::ComponentInstance(_)) => {
                    return Err(LoadError::NotGranted { import: import.into(), capability: capability.into() });
                }
                (None, ComponentItem::ComponentInstance(_)) => match wasi.add(import) {
                    Some(WasiImport::Virtual | WasiImport::VirtualUnless(_)) => {}
                    Some(WasiImport::Needs(capability)) if granted.contains(&capability) => {}
                    Some(WasiImport::Needs(capability)) => {
                        return Err(LoadError::NotGranted { import: import.into(), capability: capability.into() });
                    }
                    None => return Err(LoadError::UnknownImport(import.into())),
                },
                _ => return Err(LoadError::UnknownImport(import.into())),
            }
        }
        Ok(wasi)
    }
}

fn engine_error(error: wasmtime::Error) -> LoadError {
    LoadError::Engine(format!("{error:#}"))
}
