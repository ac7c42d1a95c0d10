//! `http`: requests to the outside, to granted hosts and paths. There are two ways to it, the small client of `wit/http.wit` and
//! the standard `wasi:http/outgoing-handler`; both end in [`door`], and nothing else here has the port.
//!
//! Invariants: what is matched against the grant is the canonical target, and the same value is what is connected to; no
//! credential passes in either direction here.

mod door;
mod host;
mod pattern;
mod means;
pub mod scope;
mod wasi;

use std::sync::Arc;

use portcullis_model::{authority::Authority, catalogue::Interface, egress::Egress};
use portcullis_runtime::{
    capability::Capability,
    gate::Gate,
    wasi::{Holds, Imports},
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
    pub(crate) door: door::Door,
    wasi: wasi::Hooks,
}

impl Capability for Cap {
    const NAME: &'static str = "http";
    const INTERFACE: &'static Interface = means::INTERFACE;
    type Scope = HttpScope;
    type State = State;

    fn link<T: Send + 'static>(linker: &mut Linker<T>, state: fn(&mut T) -> &mut State) -> wasmtime::Result<()> {
        wit::add_to_linker::<T, HasSelf<State>>(linker, state)
    }

    fn link_wasi<T: Holds<Self>>(linker: &mut Linker<T>, imports: &Imports) -> wasmtime::Result<()> {
        wasi::link(linker, imports)
    }

    fn open(&self, gate: Gate, authority: Arc<Authority<HttpScope>>) -> State {
        let door = door::Door { gate, authority, egress: self.0.clone() };
        State { wasi: wasi::Hooks::new(door.clone()), door }
    }
}
