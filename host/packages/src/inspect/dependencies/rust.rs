//! The section `.dep-v0` of cargo-auditable: zlib-compressed JSON.
//!
//! Invariant: at most [`MAX_INFLATED`] bytes come out of it, whatever it says about its size; an index in it that leads nowhere is
//! refused.

use auditable_serde::{DependencyKind, Package, VersionInfo};
use miniz_oxide::{
    deflate::compress_to_vec_zlib,
    inflate::{TINFLStatus, decompress_to_vec_zlib_with_limit},
};
use portcullis_model::audit::plain;

use super::{Dependency, Ecosystem, Evidence, Source};

/// The section's name.
pub const SECTION: &str = ".dep-v0";

/// The most bytes of JSON that are read.
const MAX_INFLATED: usize = 8 * 1024 * 1024;

/// The section's content for this list: the same for the same list.
pub fn compressed(info: &VersionInfo) -> Result<Vec<u8>, serde_json::Error> {
    Ok(compress_to_vec_zlib(&serde_json::to_vec(info)?, 7))
}

pub(super) fn read(data: &[u8]) -> Result<Vec<Dependency>, String> {
    let json = decompress_to_vec_zlib_with_limit(data, MAX_INFLATED).map_err(|error| match error.status {
        TINFLStatus::HasMoreOutput => format!("it has more than {MAX_INFLATED} bytes when it is inflated"),
        _ => "it is not compressed by zlib".to_owned(),
    })?;
    let info: VersionInfo = serde_json::from_slice(&json).map_err(|error| plain(&error.to_string()))?;
    let count = info.packages.len();
    info.packages.into_iter().map(|package| dependency(package, count)).collect()
}

fn dependency(package: Package, count: usize) -> Result<Dependency, String> {
    if let Some(astray) = package.dependencies.iter().find(|index| **index >= count) {
        return Err(format!("'{}' needs number {astray} of {count} packages", plain(&package.name)));
    }
    let mut needs = package.dependencies;
    needs.sort_unstable();
    needs.dedup();
    Ok(Dependency {
        ecosystem: Ecosystem::CratesIo,
        name: plain(&package.name),
        version: Some(plain(&package.version.to_string())),
        source: match package.source {
            auditable_serde::Source::CratesIo => Source::Registry,
            auditable_serde::Source::Git => Source::Git,
            auditable_serde::Source::Local => Source::Local,
            _ => Source::OtherRegistry,
        },
        build_only: package.kind == DependencyKind::Build,
        root: package.root,
        evidence: Evidence::AuditableSection,
        needs,
    })
}
