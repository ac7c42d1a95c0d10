//! The platform API of a running host, put together.

use std::sync::Arc;

use portcullis_api::PlatformApi;
use portcullis_capabilities::{BackDoor, Capabilities};
use portcullis_delivery::Directory;
use portcullis_model::oauth::AccessTokens;
use portcullis_runtime::Runtime;

/// The API for back ends: what this runtime's plugins can do, for whoever has a token of one of them. `issuer` is the address that
/// clients reach the host by, without a slash at its end.
pub fn api(
    runtime: Arc<Runtime<Capabilities>>,
    directory: Directory,
    tokens: Arc<dyn AccessTokens>,
    issuer: &str,
) -> Arc<PlatformApi> {
    let platform = Arc::new(BackDoor::new(runtime, Arc::new(directory)));
    Arc::new(PlatformApi { platform, tokens, public_url: issuer.to_owned() })
}
