//! The WASI part of one call's store.

use std::sync::Arc;

use portcullis_model::time::{Clock, Rng};
use wasmtime::component::ResourceTable;
use wasmtime_wasi::{
    cli::{WasiCliCtx, WasiCliCtxView},
    filesystem::{WasiFilesystemCtx, WasiFilesystemCtxView},
};

use super::{
    clocks::{Clocks, Time},
    output::{Output, Outputs},
    random::Random,
};
use crate::{capability::Capability, gate::Gate, limits::LimitReached};

/// The most resources (streams, pollables, descriptors, requests) that live in one call at a time, whatever its limit
/// `handles` says: each can hold some of the host's memory.
pub const HANDLES: usize = 1_000;

/// What is given as it is in the host rather than in its harmless form.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Real {
    /// Where `clocks` is granted.
    pub clocks: bool,
    /// Where `random` is granted.
    pub random: bool,
}

impl Real {
    pub fn of(granted: &[&str]) -> Self {
        Self { clocks: granted.contains(&"clocks"), random: granted.contains(&"random") }
    }
}

/// A capability's way to its own state together with the call's resources. Every such look counts as a call into the host.
pub trait Holds<C: Capability>: Send + 'static {
    /// Both at once.
    fn view(&mut self) -> View<'_, C::State>;
}

/// What a host function of a WASI interface works on.
pub struct View<'a, S> {
    /// The capability's state.
    pub state: &'a mut S,
    /// The resources of the call: one table for all interfaces.
    pub table: &'a mut ResourceTable,
}

/// The WASI part of a store: nothing, for a component that imports none of it.
#[derive(Default)]
pub struct Wasi(Option<Box<Open>>);

struct Open {
    gate: Option<Gate>,
    over: Option<wasmtime::Error>,
    table: ResourceTable,
    cli: WasiCliCtx,
    filesystem: WasiFilesystemCtx,
    outputs: Outputs,
    time: Time,
    random: Random,
}

/// For a store that was opened without WASI and is asked all the same: whoever asks is over the limit.
impl Default for Open {
    fn default() -> Self {
        Self::new(None, Time::default(), Random::default())
    }
}

impl Open {
    fn new(gate: Option<Gate>, time: Time, random: Random) -> Self {
        let mut table = ResourceTable::new();
        let limit = gate.as_ref().map_or(0, |gate| gate.call().limits.handles);
        table.set_max_capacity(usize::try_from(limit).map_or(HANDLES, |limit| limit.min(HANDLES)));
        let (cli, filesystem) = (WasiCliCtx::default(), WasiFilesystemCtx::default());
        Self { outputs: Outputs::new(gate.clone()), gate, over: None, table, cli, filesystem, time, random }
    }
}

impl Wasi {
    /// The part for a component that imports something of it.
    pub(crate) fn open(gate: &Gate, clock: &Arc<dyn Clock>, rng: &Arc<dyn Rng>, real: Real) -> Self {
        let time = Time::new(clock, real.clocks);
        let random = Random::new(gate.call().clone(), real.random.then(|| rng.clone()));
        Self(Some(Box::new(Open::new(Some(gate.clone()), time, random))))
    }

    /// Counts the call into the host that asks. It has no way to refuse here: [`Wasi::check`] ends the call afterwards.
    fn counted(&mut self) -> &mut Open {
        let open = self.0.get_or_insert_default();
        let counted = open.gate.as_ref().map_or_else(|| Err(LimitReached("host-calls").into()), Gate::count);
        if let Err(error) = counted {
            open.over.get_or_insert(error);
        }
        open
    }

    /// Ends the call where a function that has just returned was one too many.
    pub(crate) fn check(&mut self) -> wasmtime::Result<()> {
        self.0.as_mut().and_then(|open| open.over.take()).map_or(Ok(()), Err)
    }

    /// Writes what was left of lines without an end to the log.
    pub(crate) fn finish(&mut self) {
        if let Some(open) = &mut self.0 {
            open.outputs.finish();
        }
    }

    /// The call's resources. Counts as a call into the host: for host functions, once each.
    pub fn table(&mut self) -> &mut ResourceTable {
        &mut self.counted().table
    }

    pub(super) fn cli(&mut self) -> WasiCliCtxView<'_> {
        let open = self.counted();
        WasiCliCtxView { ctx: &mut open.cli, table: &mut open.table }
    }

    pub(super) fn filesystem(&mut self) -> WasiFilesystemCtxView<'_> {
        let open = self.counted();
        WasiFilesystemCtxView { ctx: &mut open.filesystem, table: &mut open.table }
    }

    pub(super) fn output(&mut self) -> Output<'_> {
        let open = self.counted();
        Output { outputs: &open.outputs, table: &mut open.table }
    }

    pub(super) fn clocks(&mut self) -> Clocks<'_> {
        let open = self.counted();
        Clocks { time: &open.time, table: &mut open.table }
    }

    pub(super) fn random(&mut self) -> &mut Random {
        &mut self.counted().random
    }
}
