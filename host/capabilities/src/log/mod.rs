//! `log`: the plugin's own log. It has no service and no permit: a line goes to the call's own buffer, within the call's limit,
//! and to nobody else's eyes than those who may read that plugin's log.

mod means;
pub mod scope;

use std::sync::Arc;

use portcullis_model::{authority::Authority, catalogue::Interface};
use portcullis_runtime::{
    capability::Capability,
    gate::Gate,
    wasmtime::{
        self,
        component::{HasSelf, Linker},
    },
};
use scope::LogScope;

mod wit {
    portcullis_runtime::wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package portcullis:host-log; world host { import portcullis:plugin/log@0.1.0; }",
        world: "portcullis:host-log/host",
        imports: { default: async | trappable },
        wasmtime_crate: portcullis_runtime::wasmtime,
    });
    pub use portcullis::plugin::log::*;
}

/// The capability.
pub struct Cap;

impl Cap {
    pub fn new(_: &crate::Services) -> Self {
        Self
    }
}

/// One call's hold on it.
pub struct State(Gate);

impl wit::Host for State {
    async fn write(&mut self, level: wit::Level, message: String) -> wasmtime::Result<()> {
        self.0.count()?;
        let level = match level {
            wit::Level::Debug => "debug",
            wit::Level::Info => "info",
            wit::Level::Warn => "warn",
            wit::Level::Error => "error",
        };
        self.0.log(level, &message);
        Ok(())
    }
}

impl Capability for Cap {
    const NAME: &'static str = "log";
    const INTERFACE: &'static Interface = means::INTERFACE;
    type Scope = LogScope;
    type State = State;

    fn link<T: Send + 'static>(linker: &mut Linker<T>, state: fn(&mut T) -> &mut State) -> wasmtime::Result<()> {
        wit::add_to_linker::<T, HasSelf<State>>(linker, state)
    }

    fn open(&self, gate: Gate, _: Arc<Authority<LogScope>>) -> State {
        State(gate)
    }
}
