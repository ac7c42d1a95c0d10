//! The sheet, the script and the icon, in the binary: there is nothing to build and nothing to install.
//!
//! Invariant: an asset's path has the digest of its bytes, so that it can be kept for ever and is never stale.

use std::sync::LazyLock;

use axum::{
    extract::Path,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use sha2::{Digest, Sha256};

/// One file that pages need.
pub struct Asset {
    stem: &'static str,
    ending: &'static str,
    kind: &'static str,
    bytes: &'static [u8],
    digest: LazyLock<String>,
}

/// The sheet.
pub static SHEET: Asset = Asset {
    stem: "console",
    ending: "css",
    kind: "text/css; charset=utf-8",
    bytes: include_bytes!("../assets/console.css"),
    digest: LazyLock::new(|| digest(include_bytes!("../assets/console.css"))),
};

/// The script: passkeys, and what makes pages follow what happens. Pages work without it where a browser lets them.
pub static SCRIPT: Asset = Asset {
    stem: "console",
    ending: "js",
    kind: "text/javascript; charset=utf-8",
    bytes: include_bytes!("../assets/console.js"),
    digest: LazyLock::new(|| digest(include_bytes!("../assets/console.js"))),
};

/// The icon.
pub static ICON: Asset = Asset {
    stem: "icon",
    ending: "svg",
    kind: "image/svg+xml",
    bytes: include_bytes!("../assets/icon.svg"),
    digest: LazyLock::new(|| digest(include_bytes!("../assets/icon.svg"))),
};

fn digest(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..8])
}

impl Asset {
    /// Where it is.
    pub fn path(&self) -> String {
        format!("/console/assets/{}", self.name())
    }

    fn name(&self) -> String {
        format!("{}-{}.{}", self.stem, *self.digest, self.ending)
    }
}

/// Serves them.
pub(crate) async fn serve(Path(name): Path<String>) -> Response {
    let found = [&SHEET, &SCRIPT, &ICON].into_iter().find(|asset| asset.name() == name);
    match found {
        Some(asset) => {
            let headers = [
                (header::CONTENT_TYPE, asset.kind),
                (header::CACHE_CONTROL, "public, max-age=31536000, immutable"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ];
            (headers, asset.bytes).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
