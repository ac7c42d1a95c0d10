//! Packages: what a publisher hands over, what it says about itself, and whether that is true.
//!
//! A release is a component, a manifest and a signed statement about the digests of both. This crate reads the
//! [`manifest`], derives from the component's bytes what it can do ([`inspect`]), makes and checks the signed statement
//! ([`dsse`], [`statement`], [`keys`]), reads a release as a directory or as one file ([`release_dir`], [`bundle`]), checks a
//! release as a whole ([`check`]), shows an admin what an installation would mean ([`plan`]) and carries it out ([`install`]),
//! and says how two releases differ ([`diff`]).
//!
//! What is ABSENT here: a database, a network, an engine. Releases lie behind `ReleaseStore`, installations behind
//! `InstallationStore`; only [`keys`], [`release_dir`] and [`bundle`] touch files, where a path is given to them, and only [`keys`] a
//! socket: that of an SSH agent on this machine.
//!
//! Invariants:
//! - nothing that a publisher wrote is believed before its signature, its digests and its imports were checked;
//! - imports ⊆ manifest is checked when a release is signed, when it is installed and each time it is loaded;
//! - a grant never goes beyond what the manifest of that very release asks for.
#![forbid(unsafe_code)]

pub mod advisories;
pub mod bundle;
pub mod check;
pub mod coverage;
pub mod diff;
pub mod dsse;
pub mod inspect;
pub mod install;
pub mod keys;
pub mod manifest;
mod missing;
pub mod plan;
pub mod publish;
pub mod release_dir;
pub mod review;
pub mod sbom;
pub mod statement;
#[cfg(test)]
mod testing;
pub mod trust;
pub mod verify;
