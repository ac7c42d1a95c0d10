//! The same directory as `/` through `wasi:filesystem`, for programs that are made for WASI: whole files in the host's memory while
//! they are open, read and written by the same acts as through `files`.
//!
//! What is ABSENT: the disk, and wasmtime's own filesystem. Nothing here opens a file of the process.
//!
//! Invariants:
//! - content reaches the plugin only by a `files.read`, and the store only by a `files.write`: at a sync, and when a descriptor that
//!   was written to is dropped;
//! - what a call holds open is bounded, whatever it does with it; a path that would lead out is refused before anything is asked;
//! - no links, no times, no permissions; what cannot be done at once (a rename) is not done.

mod descriptor;
mod entries;
mod open_file;
mod paths;
mod streams;
mod working;

use std::sync::Arc;

use descriptor::Descriptor;
pub(super) use open_file::Room;
use portcullis_model::{
    error::ServiceError,
    files::{FileStore, Path},
    permit::{Act, Effect, Spent},
    scope::Allows,
};
use portcullis_runtime::{
    wasi::{Holds, Imports, View},
    wasmtime::{
        self,
        component::{HasData, Linker, Resource, ResourceTable, ResourceType},
    },
    wasmtime_wasi::p2::{
        FsError, FsResult,
        bindings::filesystem::{
            preopens,
            types::{self, ErrorCode},
        },
    },
    wit,
};

use super::{Cap, State, scope::FilesScope};

/// The interface under the version that wasmtime's bindings link it as. A component may import any 0.2.
const TYPES: &str = "wasi:filesystem/types@0.2.12";

/// wasmtime's name for what a plugin's handle stands for. Only its number is used: what lies in the table under it is our own.
type Handle = Resource<types::Descriptor>;

struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = Files<'a>;
}

/// What the host functions work on.
struct Files<'a> {
    state: &'a mut State,
    table: &'a mut ResourceTable,
}

fn files<T: Holds<Cap>>(data: &mut T) -> Files<'_> {
    let View { state, table } = data.view();
    Files { state, table }
}

/// Links what the component imports of it.
pub(super) fn link<T: Holds<Cap>>(linker: &mut Linker<T>, imports: &Imports) -> wasmtime::Result<()> {
    if imports.has("wasi:filesystem/types") {
        types::add_to_linker::<T, HasFiles>(linker, files)?;
        // Closing a file writes it, which takes an act; the drop that the bindings link cannot wait for one.
        linker.allow_shadowing(true);
        let closing = linker.instance(TYPES).and_then(|mut types| {
            let descriptor = ResourceType::host::<types::Descriptor>();
            types.resource_async("descriptor", descriptor, |mut store, rep| {
                Box::new(async move { files(store.data_mut()).close(&Handle::new_own(rep)).await })
            })
        });
        linker.allow_shadowing(false);
        closing?;
    }
    if imports.has("wasi:filesystem/preopens") {
        preopens::add_to_linker::<T, HasFiles>(linker, files)?;
    }
    Ok(())
}

/// A refusal as a code. A conflict means something else to each function: those that can meet one say what.
fn code(error: &wit::types::Error) -> ErrorCode {
    match error {
        wit::types::Error::Denied(_) => ErrorCode::Access,
        wit::types::Error::Invalid(_) => ErrorCode::Invalid,
        wit::types::Error::NotFound => ErrorCode::NoEntry,
        wit::types::Error::Limited(limit) if limit.name == "files-bytes" => ErrorCode::Quota,
        wit::types::Error::Limited(_) => ErrorCode::InsufficientSpace,
        wit::types::Error::Conflict => ErrorCode::Exist,
        wit::types::Error::Unavailable => ErrorCode::Io,
    }
}

impl Files<'_> {
    /// Runs an act through the gate. The outer error traps, the inner one is the plugin's to handle.
    async fn act<A, T, F, Fut>(&mut self, act: A, effect: F) -> FsResult<Result<T, wit::types::Error>>
    where
        FilesScope: Allows<A>,
        A: Act,
        T: Effect + Send,
        F: FnOnce(Arc<dyn FileStore>, Spent<A>) -> Fut + Send,
        Fut: Future<Output = Result<T, ServiceError>> + Send,
    {
        let (gate, authority, store) =
            (self.state.gate.clone(), self.state.authority.clone(), self.state.store.clone());
        gate.act(&authority, act, |spent| effect(store, spent)).await.map_err(FsError::trap)
    }
}

impl preopens::Host for Files<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Handle, String)>> {
        Ok(vec![(self.open(Descriptor::Directory(Path::default()))?, "/".to_owned())])
    }
}

impl types::Host for Files<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        error.downcast()
    }

    fn filesystem_error_code(&mut self, error: Resource<wasmtime::Error>) -> wasmtime::Result<Option<ErrorCode>> {
        Ok(self.table.get(&error)?.downcast_ref::<ErrorCode>().copied())
    }
}
