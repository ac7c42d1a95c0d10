//! Ends of a call that come from WASI, told apart by the errors that they travel as.

use wasmtime::component::ResourceTableError;
use wasmtime_wasi::I32Exit;

/// What is said of a plugin that ended itself: its handler did not return, so that nothing can be made of the status, 0 or not.
pub(crate) fn exited(error: &wasmtime::Error) -> String {
    let status = error.downcast_ref::<I32Exit>().map_or(1, |exit| exit.0);
    format!("the plugin exited with status {status} before its handler returned")
}

/// Whether the call had as many resources as it may have, and wanted one more.
pub(crate) fn is_full(error: &wasmtime::Error) -> bool {
    matches!(error.downcast_ref::<ResourceTableError>(), Some(ResourceTableError::Full))
}
