//! `http`: requests to the outside, to granted hosts and paths.
//!
//! Invariants: what is matched against the grant is the canonical target, and the same value is what is connected to; no
//! credential passes in either direction here.

mod host;
mod pattern;
pub mod scope;

use std::sync::Arc;

use portcullis_model::{authority::Authority, egress::Egress};
use portcullis_runtime::{
    capability::Capability,
    gate::Gate,
    wasmtime::{
        self,
        component::{HasSelf, Linker},
    },
};
use scope::HttpScope;

mod wit {
    portcullis_runtime::wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package portcullis:host-http; world host { import portcullis:plugin/http@0.1.0; }",
        world: "portcullis:host-http/host",
        imports: { default: async | trappable },
        with: { "portcullis:plugin/types@0.1.0": portcullis_runtime::wit::types },
        wasmtime_crate: portcullis_runtime::wasmtime,
    });
    pub use portcullis::plugin::http::*;
}

/// The capability, on the one door out.
pub struct Cap(Arc<dyn Egress>);

impl Cap {
    pub fn new(services: &crate::Services) -> Self {
        Self(services.egress.clone())
    }
}

/// One call's hold on it.
pub struct State {
    gate: Gate,
    authority: Arc<Authority<HttpScope>>,
    egress: Arc<dyn Egress>,
}

impl Capability for Cap {
    const NAME: &'static str = "http";
    type Scope = HttpScope;
    type State = State;

    fn link<T: Send + 'static>(linker: &mut Linker<T>, state: fn(&mut T) -> &mut State) -> wasmtime::Result<()> {
        wit::add_to_linker::<T, HasSelf<State>>(linker, state)
    }

    fn open(&self, gate: Gate, authority: Arc<Authority<HttpScope>>) -> State {
        State { gate, authority, egress: self.0.clone() }
    }
}
