//! What a capability is, and what a set of them is to the runtime.

use std::sync::Arc;

use portcullis_model::{
    authority::{Authority, Layer},
    call::Call,
    catalogue::Interface,
    event::Event,
    scope::{Scope, ScopeError, ScopeText},
};
use wasmtime::component::Linker;

use crate::{
    gate::Gate,
    wasi::{Holds, Imports},
};

/// A capability: one folder, one WIT file, one scope prefix, one name.
pub trait Capability: Sized + Send + Sync + 'static {
    /// Folder = WIT file = scope prefix = audit name = metric label.
    const NAME: &'static str;
    /// What importing it amounts to, function by function.
    const INTERFACE: &'static Interface;
    /// What can be granted.
    type Scope: Scope;
    /// What one call holds.
    type State: Send + 'static;

    /// Adds the host's functions to a linker whose store data holds this capability's state.
    fn link<T: Send + 'static>(linker: &mut Linker<T>, state: fn(&mut T) -> &mut Self::State) -> wasmtime::Result<()>;

    /// Adds those WASI interfaces that are another way to this capability and that the component imports: called where something
    /// of it is granted, and only if the component imports any WASI at all.
    fn link_wasi<T: Holds<Self>>(_: &mut Linker<T>, _: &Imports) -> wasmtime::Result<()> {
        Ok(())
    }

    /// Makes the state of one call.
    fn open(&self, gate: Gate, authority: Arc<Authority<Self::Scope>>) -> Self::State;
}

/// The layers of authority as text, outermost knowledge of the runtime: it hands them to the capabilities to read.
pub type Layers = Vec<(Layer, Vec<ScopeText>)>;

/// All capabilities together: made from the one list in the capabilities crate.
pub trait CapabilitySet: Send + Sync + 'static {
    /// What an installation's layers amount to, capability by capability.
    type Authorities: Send + Sync + 'static;
    /// What one call holds.
    type States: Send + 'static;

    /// Reads the layers.
    fn authorities(&self, layers: &Layers) -> Result<Self::Authorities, ScopeError>;

    /// Names of the capabilities of which anything is left when all layers have had their say.
    fn granted(authorities: &Self::Authorities) -> Vec<&'static str>;

    /// Links the granted capabilities, and only those: their own interfaces, and of the WASI interfaces that are another way to
    /// them those that the component imports.
    fn link(
        &self,
        linker: &mut Linker<crate::invoke::CallStore<Self::States>>,
        authorities: &Self::Authorities,
        wasi: &Imports,
    ) -> wasmtime::Result<()>;

    /// Makes one call's states.
    fn open(&self, gate: &Gate, authorities: &Self::Authorities) -> Self::States;

    /// The event's data as JSON, with nothing in it that the authorities would not let the plugin read. An error says why the
    /// event may not be delivered at all.
    fn narrow(&self, event: &Event, authorities: &Self::Authorities, call: &Arc<Call>) -> Result<String, String>;
}
