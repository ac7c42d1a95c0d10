//! `portcullis audit`

pub(crate) mod bodies;
mod dispose;
mod erase;
mod heads;
mod key;
mod outlets;
mod proof;
pub(crate) mod reading;
mod verify;
mod view;
mod witness;

use std::process::ExitCode;

use anyhow::Result;
use clap::Subcommand;

use crate::{home::Home, output::Output};

/// Read and check the audit log.
#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Read it.
    #[command(flatten)]
    Reading(reading::Reading),
    /// Check the published log offline, and against the database where it is there.
    Verify(verify::Verify),
    /// Prove that an entry is in the log, and in its tenant's view.
    Proof(proof::Proof),
    /// Check such a proof, with nothing but the log's public key.
    CheckProof(proof::CheckProof),
    /// Print the newest signed head of the log, or of a tenant's view.
    Checkpoint(heads::Head),
    /// Prove that the log, or a tenant's view, only grew since it had so many entries.
    Consistency(heads::Consistency),
    /// List the views of the log.
    Views(heads::Views),
    /// Write a tenant's view as a log directory of its own.
    Copy(view::Copy),
    /// Make the tiles of all views anew, from the published log.
    Rebuild(view::Rebuild),
    /// The key that signs the log.
    #[command(subcommand)]
    Key(key::Key),
    /// Erase personal values from beside the log; every proof goes on to hold.
    Erase(erase::Erase),
    /// Dispose of entries; their hashes stay, and the log goes on to hold.
    Dispose(dispose::Dispose),
    /// List who is sent the log as it is written, how far each is, and what is wrong.
    Outlets(outlets::Outlets),
    /// Witnesses: others who cosign the log, so that it cannot be told differently to somebody else.
    #[command(subcommand)]
    Witness(witness::Witness),
}

impl Audit {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<ExitCode> {
        match self {
            Self::Reading(reading) => Box::pin(reading.run(home, output)).await,
            Self::Verify(command) => command.run(home, output).await,
            Self::Proof(command) => command.run(home, output).await,
            Self::CheckProof(command) => command.run(&home, output),
            Self::Checkpoint(command) => command.run(home, output).await,
            Self::Consistency(command) => command.run(home, output).await,
            Self::Views(command) => command.run(home, output).await,
            Self::Copy(command) => command.run(home, output).await,
            Self::Rebuild(command) => command.run(home, output).await,
            Self::Erase(command) => command.run(home, output).await.map(|()| ExitCode::SUCCESS),
            Self::Dispose(command) => command.run(home, output).await.map(|()| ExitCode::SUCCESS),
            Self::Outlets(command) => command.run(home, output).await.map(|()| ExitCode::SUCCESS),
            Self::Witness(command) => command.run(home, output).await,
            Self::Key(command) => command.run(home, output).await,
        }
    }
}
