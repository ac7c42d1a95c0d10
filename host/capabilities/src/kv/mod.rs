//! `kv`: the installation's own storage.
//!
//! Invariants: bucket names and keys are checked before they get anywhere; quota and time of a value come from one scope that
//! all layers grant.

mod host;
mod means;
pub mod scope;

use std::sync::Arc;

use portcullis_model::{authority::Authority, catalogue::Interface, kv::KvStore};
use portcullis_runtime::{
    capability::Capability,
    gate::Gate,
    wasmtime::{
        self,
        component::{HasSelf, Linker, ResourceTable},
    },
};
use scope::KvScope;

mod wit {
    portcullis_runtime::wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package portcullis:host-kv; world host { import portcullis:plugin/kv@0.1.0; }",
        world: "portcullis:host-kv/host",
        imports: { default: async | trappable },
        with: {
            "portcullis:plugin/types@0.1.0": portcullis_runtime::wit::types,
            "portcullis:plugin/kv@0.1.0.bucket": super::Bucket,
        },
        wasmtime_crate: portcullis_runtime::wasmtime,
    });
    pub use portcullis::plugin::kv::*;
}

/// An open bucket: its checked name.
pub struct Bucket(String);

/// The capability, on a store.
pub struct Cap(Arc<dyn KvStore>);

impl Cap {
    pub fn new(services: &crate::Services) -> Self {
        Self(services.kv.clone())
    }
}

/// One call's hold on it.
pub struct State {
    gate: Gate,
    authority: Arc<Authority<KvScope>>,
    store: Arc<dyn KvStore>,
    buckets: ResourceTable,
}

impl Capability for Cap {
    const NAME: &'static str = "kv";
    const INTERFACE: &'static Interface = means::INTERFACE;
    type Scope = KvScope;
    type State = State;

    fn link<T: Send + 'static>(linker: &mut Linker<T>, state: fn(&mut T) -> &mut State) -> wasmtime::Result<()> {
        wit::add_to_linker::<T, HasSelf<State>>(linker, state)
    }

    fn open(&self, gate: Gate, authority: Arc<Authority<KvScope>>) -> State {
        let mut buckets = ResourceTable::new();
        buckets.set_max_capacity(gate.handles());
        State { gate, authority, store: self.0.clone(), buckets }
    }
}
