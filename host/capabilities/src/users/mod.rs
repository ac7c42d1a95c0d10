//! `users`: reading people and organizations of the help desk.
//!
//! Invariants: a record that goes to the guest has only the fields that were asked for, each covered by the grant and shown
//! as the grant says; who cannot be read in the clear by a field cannot be found by it.

mod host;
mod means;
pub mod scope;
mod show;
mod ways;

use std::sync::Arc;

use portcullis_model::{authority::Authority, catalogue::Interface, helpdesk::HelpDesk, pseudonym::Pseudonyms, veil::Veil};
use portcullis_runtime::{
    capability::Capability,
    gate::Gate,
    wasmtime::{
        self,
        component::{HasSelf, Linker},
    },
};
use scope::UsersScope;

mod wit {
    portcullis_runtime::wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package portcullis:host-users; world host { import portcullis:plugin/users@0.1.0; }",
        world: "portcullis:host-users/host",
        imports: { default: async | trappable },
        with: { "portcullis:plugin/types@0.1.0": portcullis_runtime::wit::types },
        wasmtime_crate: portcullis_runtime::wasmtime,
    });
    pub use portcullis::plugin::users::*;
}

/// The capability, on the help desk.
pub struct Cap(Arc<dyn HelpDesk>, Arc<dyn Pseudonyms>);

impl Cap {
    pub fn new(services: &crate::Services) -> Self {
        Self(services.helpdesk.clone(), services.pseudonyms.clone())
    }
}

/// One call's hold on it.
pub struct State {
    gate: Gate,
    authority: Arc<Authority<UsersScope>>,
    desk: Arc<dyn HelpDesk>,
    veil: Veil,
}

impl Capability for Cap {
    const NAME: &'static str = "users";
    const INTERFACE: &'static Interface = means::INTERFACE;
    type Scope = UsersScope;
    type State = State;

    fn link<T: Send + 'static>(linker: &mut Linker<T>, state: fn(&mut T) -> &mut State) -> wasmtime::Result<()> {
        wit::add_to_linker::<T, HasSelf<State>>(linker, state)
    }

    fn open(&self, gate: Gate, authority: Arc<Authority<UsersScope>>) -> State {
        let veil = Veil::new(gate.call().clone(), self.1.clone());
        State { gate, authority, desk: self.0.clone(), veil }
    }
}

/// What a guest sees, for tests that hold it against what others see.
#[cfg(test)]
pub(crate) mod guest {
    pub(crate) use super::host::{organization, user};
    pub(crate) use super::wit::*;
}
