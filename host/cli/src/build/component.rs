//! From cargo's output to a component.

use std::path::Path;

use anyhow::{Context, Result, bail};
use wasmparser::{Encoding, Parser, Payload};
use wit_component::ComponentEncoder;

/// Wraps a core module with embedded WIT as a component; a component is given back as it is.
pub fn componentize(file: &Path) -> Result<Vec<u8>> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let encoding = match Parser::new(0).parse_all(&bytes).next() {
        Some(Ok(Payload::Version { encoding, .. })) => encoding,
        _ => bail!("{} is not WebAssembly", file.display()),
    };
    if encoding == Encoding::Component {
        return Ok(bytes);
    }
    // `{:#}`: the encoder's reasons are a chain of its own error type.
    let wrapped = ComponentEncoder::default().validate(true).module(&bytes).and_then(|mut encoder| encoder.encode());
    wrapped.map_err(|error| anyhow::anyhow!("{error:#}")).with_context(|| {
        format!("{} cannot be made a component; does its source have a portcullis_sdk::export! line?", file.display())
    })
}
