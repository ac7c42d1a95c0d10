//! `clocks`: what time it is, and how long the call has lasted. Like `log` it has no permit, since nothing comes of an answer but
//! the answer; each question counts as a call into the host.
//!
//! Invariants: time comes in steps of 1 ms; nothing here shows for how long the host has been up.

mod means;
pub mod scope;

use std::{sync::Arc, time::Instant};

use portcullis_model::{authority::Authority, catalogue::Interface, time::Clock};
use portcullis_runtime::{
    capability::Capability,
    gate::Gate,
    wasmtime::{
        self,
        component::{HasSelf, Linker},
    },
};
use scope::ClocksScope;

mod wit {
    portcullis_runtime::wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package portcullis:host-clocks; world host { import portcullis:plugin/clocks@0.1.0; }",
        world: "portcullis:host-clocks/host",
        imports: { default: async | trappable },
        wasmtime_crate: portcullis_runtime::wasmtime,
    });
    pub use portcullis::plugin::clocks::*;
}

/// The capability, on a clock.
pub struct Cap(Arc<dyn Clock>);

impl Cap {
    pub fn new(services: &crate::Services) -> Self {
        Self(services.clock.clone())
    }
}

/// One call's hold on it.
pub struct State {
    gate: Gate,
    clock: Arc<dyn Clock>,
    began: Instant,
}

impl wit::Host for State {
    async fn now(&mut self) -> wasmtime::Result<u64> {
        self.gate.count()?;
        Ok(u64::try_from(self.clock.now().0).unwrap_or(0))
    }

    async fn elapsed(&mut self) -> wasmtime::Result<u64> {
        self.gate.count()?;
        Ok(u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}

impl Capability for Cap {
    const NAME: &'static str = "clocks";
    const INTERFACE: &'static Interface = means::INTERFACE;
    type Scope = ClocksScope;
    type State = State;

    fn link<T: Send + 'static>(linker: &mut Linker<T>, state: fn(&mut T) -> &mut State) -> wasmtime::Result<()> {
        wit::add_to_linker::<T, HasSelf<State>>(linker, state)
    }

    fn open(&self, gate: Gate, _: Arc<Authority<ClocksScope>>) -> State {
        State { gate, clock: self.0.clone(), began: Instant::now() }
    }
}
