//! `portcullis plugin`

pub(super) mod ask;
mod build;
mod bundle;
mod capability;
mod diff;
mod explain;
mod filing;
mod govern;
mod inspect;
mod install;
mod limit;
mod log;
mod new;
mod overriding;
mod policy;
mod publish;
mod pull;
mod push;
mod receipt;
mod registry;
mod release;
mod releases;
mod report;
mod rescan;
mod review;
mod rollback;
mod schema;
mod sheet;
mod sign;
mod submit;
mod uninstall;
mod upgrade;
mod verify;
mod vet;
mod withdraw;
mod withdrawals;

use anyhow::Result;
pub use build::write_dist;
use clap::Subcommand;
pub(crate) use filing::{take as taking_withdrawal, words as withdrawal_words};
pub use install::install_release;
pub(crate) use overriding::take as taking_override;
pub(crate) use withdraw::key_id;

use crate::{home::Home, output::Output};

/// Make, build, sign, install and govern plugins.
#[derive(Debug, Subcommand)]
pub enum Plugin {
    /// Make a plugin to start from: source, manifest, a test.
    New(new::New),
    /// Print the JSON schema of the manifest, portcullis.toml.
    Schema(schema::Schema),
    /// Build a plugin's source to a component, in its directory `dist`.
    Build(build::Build),
    /// Show what a component can do, derived from its bytes.
    Inspect(inspect::Inspect),
    /// Run a release in a recording sandbox, on events of every kind, and report what it did.
    Vet(vet::Vet),
    /// Sign a release: component, manifest and the statement that binds them.
    Sign(sign::Sign),
    /// Put a signed release into one file to hand over.
    Bundle(bundle::Bundle),
    /// Take a bundle apart into a new directory.
    Unbundle(bundle::Unbundle),
    /// Check a release as it was handed over.
    Verify(verify::Verify),
    /// Push a release to an OCI registry.
    Push(push::Push),
    /// Pull a release from an OCI registry into a new directory.
    Pull(pull::Pull),
    /// Show what is different between two releases: what is wider first.
    Diff(diff::Diff),
    /// Put a release into this host's registry, without installing it.
    Publish(publish::Publish),
    /// List the releases of a plugin in this host's registry, the newest first.
    Releases(releases::Releases),
    /// Show what an installation would mean, and install.
    Install(install::Install),
    /// List the installations.
    #[command(after_help = "Examples:\n  portcullis plugin list\n  portcullis plugin list --json")]
    List,
    /// Replace what an installation is granted.
    Grant(govern::Grant),
    /// Set what an installation may use, in a call and in an hour.
    Limit(limit::Limit),
    /// Say what becomes of a scope in an installation, layer by layer.
    Explain(explain::Explain),
    /// Print a plugin's responsibility sheet: terms, sub-processors, regions, purposes, and who answers for what.
    Sheet(sheet::SheetOf),
    /// Hand a release in for review.
    Submit(submit::Submit),
    /// Report that a plugin misbehaves, to the platform and to every tenant that runs it.
    Report(report::Report),
    /// Look again at what releases are made of, for vulnerabilities that are known by now.
    Rescan(rescan::Rescan),
    /// Set the most that a release may do, as its reviewer.
    Review(review::Review),
    /// Stop an installation at once. Its events wait.
    Suspend(govern::Suspend),
    /// Let a suspended installation go on, or one capability that a budget suspended.
    Resume(govern::Resume),
    /// Take releases of a plugin back for good, as its publisher.
    Yank(withdraw::Yank),
    /// Stop releases until that is lifted.
    Quarantine(withdraw::Quarantine),
    /// End a quarantine.
    Lift(withdraw::Lift),
    /// Let a release run although it is older than it may be.
    Override(overriding::Override),
    /// List what is withdrawn.
    Withdrawals,
    /// Show what a newer release would change, and let an installation run it.
    Upgrade(upgrade::Upgrade),
    /// Set which newer releases an installation takes by itself.
    Policy(policy::Policy),
    /// Let an installation run the release again that it ran before its last upgrade, with its grant.
    Rollback(rollback::Rollback),
    /// Stop an installation for good: its credentials go at once, what it stored after a time of grace.
    Uninstall(uninstall::Uninstall),
    /// Take back an installation that was uninstalled and is not erased yet. It is suspended then.
    Restore(uninstall::Restore),
    /// Print the receipt of an erasure: what was erased, and the proof that the log says so.
    Receipt(receipt::Receipt),
    /// Print what plugins have logged.
    Log(log::Log),
}

impl Plugin {
    pub(crate) async fn run(self, home: Home, output: Output) -> Result<()> {
        match self {
            Self::New(command) => command.run(output),
            Self::Schema(command) => command.run(),
            Self::Build(command) => command.run(output),
            Self::Inspect(command) => command.run(&home, output),
            Self::Vet(command) => command.run(output).await,
            Self::Sign(command) => command.run(output),
            Self::Bundle(command) => command.run(output),
            Self::Unbundle(command) => command.run(output),
            Self::Verify(command) => command.run(output),
            Self::Push(command) => Box::pin(command.run(output)).await,
            Self::Pull(command) => Box::pin(command.run(output)).await,
            Self::Install(command) => command.run(home, output).await,
            Self::List => govern::list(home, output).await,
            Self::Grant(command) => command.run(home, output).await,
            Self::Limit(command) => command.run(home, output).await,
            Self::Explain(command) => command.run(home, output).await,
            Self::Sheet(command) => command.run(home, output).await,
            Self::Submit(command) => command.run(home, output).await,
            Self::Report(command) => command.run(home, output).await,
            Self::Rescan(command) => command.run(home, output).await,
            Self::Review(command) => command.run(home, output).await,
            Self::Suspend(command) => command.run(home, output).await,
            Self::Resume(command) => command.run(home, output).await,
            Self::Yank(command) => command.run(home, output).await,
            Self::Quarantine(command) => command.run(home, output).await,
            Self::Lift(command) => command.run(home, output).await,
            Self::Override(command) => command.run(home, output).await,
            Self::Withdrawals => withdrawals::list(home, output).await,
            Self::Diff(command) => command.run(home, output).await,
            Self::Publish(command) => command.run(home, output).await,
            Self::Releases(command) => command.run(home, output).await,
            Self::Upgrade(command) => command.run(home, output).await,
            Self::Policy(command) => command.run(home, output).await,
            Self::Rollback(command) => command.run(home, output).await,
            Self::Uninstall(command) => command.run(home, output).await,
            Self::Restore(command) => command.run(home, output).await,
            Self::Receipt(command) => command.run(home, output).await,
            Self::Log(command) => command.run(home, output).await,
        }
    }
}
