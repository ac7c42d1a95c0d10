//! `files`: a private directory of the installation.
//!
//! Invariants: a path is checked before it gets anywhere; the quota is the smallest that any layer gives.

mod host;
mod means;
pub mod scope;
mod wasi;

use std::sync::Arc;

use portcullis_model::{authority::Authority, catalogue::Interface, files::FileStore};
use portcullis_runtime::{
    capability::Capability,
    gate::Gate,
    wasi::{Holds, Imports},
    wasmtime::{
        self,
        component::{HasSelf, Linker},
    },
};
use scope::FilesScope;

mod wit {
    portcullis_runtime::wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package portcullis:host-files; world host { import portcullis:plugin/files@0.1.0; }",
        world: "portcullis:host-files/host",
        imports: { default: async | trappable },
        with: { "portcullis:plugin/types@0.1.0": portcullis_runtime::wit::types },
        wasmtime_crate: portcullis_runtime::wasmtime,
    });
    pub use portcullis::plugin::files::*;
}

/// The capability, on a store.
pub struct Cap(Arc<dyn FileStore>);

impl Cap {
    pub fn new(services: &crate::Services) -> Self {
        Self(services.files.clone())
    }
}

/// One call's hold on it.
pub struct State {
    gate: Gate,
    authority: Arc<Authority<FilesScope>>,
    store: Arc<dyn FileStore>,
    room: wasi::Room,
}

impl Capability for Cap {
    const NAME: &'static str = "files";
    const INTERFACE: &'static Interface = means::INTERFACE;
    type Scope = FilesScope;
    type State = State;

    fn link<T: Send + 'static>(linker: &mut Linker<T>, state: fn(&mut T) -> &mut State) -> wasmtime::Result<()> {
        wit::add_to_linker::<T, HasSelf<State>>(linker, state)
    }

    fn link_wasi<T: Holds<Self>>(linker: &mut Linker<T>, imports: &Imports) -> wasmtime::Result<()> {
        wasi::link(linker, imports)
    }

    fn open(&self, gate: Gate, authority: Arc<Authority<FilesScope>>) -> State {
        State { gate, authority, store: self.0.clone(), room: wasi::Room::default() }
    }
}
