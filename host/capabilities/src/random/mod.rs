//! `random`: bytes from the host's generator. Like `log` it has no permit; each request counts as a call into the host.
//!
//! Invariant: what is handed out is fit for secrets, and nobody can tell from it what another call got.

mod means;
pub mod scope;

use std::sync::Arc;

use portcullis_model::{authority::Authority, catalogue::Interface, time::Rng};
use portcullis_runtime::{
    capability::Capability,
    gate::{Gate, HostResult},
    wasmtime::{
        self,
        component::{HasSelf, Linker},
    },
    wit::types,
};
use scope::RandomScope;

mod wit {
    portcullis_runtime::wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package portcullis:host-random; world host { import portcullis:plugin/random@0.1.0; }",
        world: "portcullis:host-random/host",
        imports: { default: async | trappable },
        with: { "portcullis:plugin/types@0.1.0": portcullis_runtime::wit::types },
        wasmtime_crate: portcullis_runtime::wasmtime,
    });
    pub use portcullis::plugin::random::*;
}

/// The most bytes a request.
const MOST: usize = 4096;

/// The capability, on a generator.
pub struct Cap(Arc<dyn Rng>);

impl Cap {
    pub fn new(services: &crate::Services) -> Self {
        Self(services.rng.clone())
    }
}

/// One call's hold on it.
pub struct State {
    gate: Gate,
    rng: Arc<dyn Rng>,
}

impl wit::Host for State {
    async fn bytes(&mut self, count: u32) -> HostResult<Vec<u8>> {
        self.gate.count()?;
        let Some(count) = usize::try_from(count).ok().filter(|count| *count <= MOST) else {
            return self.gate.refuse(types::Error::Invalid(format!("count: expected at most {MOST}")));
        };
        let mut bytes = vec![0; count];
        self.rng.fill(&mut bytes);
        Ok(Ok(bytes))
    }
}

impl Capability for Cap {
    const NAME: &'static str = "random";
    const INTERFACE: &'static Interface = means::INTERFACE;
    type Scope = RandomScope;
    type State = State;

    fn link<T: Send + 'static>(linker: &mut Linker<T>, state: fn(&mut T) -> &mut State) -> wasmtime::Result<()> {
        wit::add_to_linker::<T, HasSelf<State>>(linker, state)
    }

    fn open(&self, gate: Gate, _: Arc<Authority<RandomScope>>) -> State {
        State { gate, rng: self.0.clone() }
    }
}
