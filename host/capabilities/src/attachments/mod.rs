//! `attachments`: what is known about the files of tickets, and reading them (INT-14).
//!
//! Invariants: a file is read through this call alone, stretch by stretch, each with a permit; one in which the scan found
//! something is never opened; what is read is the file that was decided about, or nothing.

mod decide;
mod host;
mod means;
pub mod scope;

use std::sync::Arc;

use portcullis_model::{
    authority::Authority,
    catalogue::Interface,
    helpdesk::{Attachment, HelpDesk},
    pseudonym::Pseudonyms,
    redact::ByteRedactor,
    veil::Veil,
};
use portcullis_runtime::{
    capability::Capability,
    gate::Gate,
    wasmtime::{
        self,
        component::{HasSelf, Linker, ResourceTable},
    },
};
use scope::AttachmentsScope;

mod wit {
    portcullis_runtime::wasmtime::component::bindgen!({
        path: "../../wit",
        inline: "package portcullis:host-attachments; world host { import portcullis:plugin/attachments@0.1.0; }",
        world: "portcullis:host-attachments/host",
        imports: { default: async | trappable },
        with: {
            "portcullis:plugin/types@0.1.0": portcullis_runtime::wit::types,
            "portcullis:plugin/attachments@0.1.0.reader": super::Reader,
        },
        wasmtime_crate: portcullis_runtime::wasmtime,
    });
    pub use portcullis::plugin::attachments::*;
}

/// A file that is being read.
pub struct Reader {
    file: Attachment,
    offset: u64,
    /// Covers card numbers in text, where the tenant's profile says so.
    redactor: Option<ByteRedactor>,
    /// What is read and not handed over yet.
    pending: Vec<u8>,
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
    authority: Arc<Authority<AttachmentsScope>>,
    desk: Arc<dyn HelpDesk>,
    veil: Veil,
    readers: ResourceTable,
}

impl Capability for Cap {
    const NAME: &'static str = "attachments";
    const INTERFACE: &'static Interface = means::INTERFACE;
    type Scope = AttachmentsScope;
    type State = State;

    fn link<T: Send + 'static>(linker: &mut Linker<T>, state: fn(&mut T) -> &mut State) -> wasmtime::Result<()> {
        wit::add_to_linker::<T, HasSelf<State>>(linker, state)
    }

    fn open(&self, gate: Gate, authority: Arc<Authority<AttachmentsScope>>) -> State {
        let mut readers = ResourceTable::new();
        readers.set_max_capacity(gate.handles());
        let veil = Veil::new(gate.call().clone(), self.1.clone());
        State { gate, authority, desk: self.0.clone(), veil, readers }
    }
}
