//! The commands: one file each.

pub mod advisories;
pub mod alert;
pub mod audit;
pub mod automation;
pub mod backend;
pub mod backup;
pub mod client;
pub mod connection;
pub mod doctor;
pub mod duty;
pub mod events;
pub mod freeze;
pub mod incident;
pub mod init;
pub mod key;
pub mod notices;
mod parse;
pub mod person;
pub mod plugin;
pub mod posture;
pub mod privacy;
pub mod profile;
pub mod provider;
pub mod restore;
pub mod review;
pub mod risk;
pub mod role;
pub mod rotate;
pub mod rotation;
pub mod rule;
pub mod serve;
pub mod source;
pub mod status;
pub mod tenant;
pub mod trust;
pub mod vault;
pub mod why;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{CommandFactory as _, Parser, Subcommand};
use portcullis_broker::oci::OciError;
use portcullis_model::release::ReleaseError;
use portcullis_packages::{
    install::InstallError, keys::handover::HandoverError, release_dir::DirError, review::ReviewError,
    verify::NotVerified,
};

use crate::{admin::NotDone, demo, home::Home, host::Host, output::Output, publish::LogPublisher};

/// Runs third-party integrations as signed WebAssembly components, each with the least authority that does its job.
#[derive(Debug, Parser)]
#[command(name = "portcullis", version, propagate_version = true, after_help = EXAMPLES)]
pub struct Args {
    /// The host's home directory.
    #[arg(long, global = true, env = "PORTCULLIS_HOME", default_value = "./portcullis-home", value_name = "DIR")]
    pub home: PathBuf,
    /// Print JSON.
    #[arg(long, global = true)]
    pub json: bool,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXAMPLES: &str = "Examples:
  portcullis init --seed                    a new host with a help desk full of records
  portcullis plugin new my-plugin           a plugin to start from
  portcullis plugin build my-plugin         source to component
  portcullis key new publisher.key          a key to sign with
  portcullis plugin sign my-plugin/dist --key publisher.key
  portcullis plugin install my-plugin/dist --trust portcullis-key-v1:...
  portcullis serve                          run it
  portcullis audit verify                   check the log, offline

Exit codes: 0 done, 1 failed, 2 wrong usage, 3 refused or not verified, 4 a demo's expectation did not hold.
Logs go to standard error; PORTCULLIS_LOG=info shows more of them.";

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Make a new host in the home directory.
    Init(init::Init),
    /// Run the host: listen for events and handle them.
    Serve(serve::Serve),
    /// Show everything at work: real plugins on recorded events, in a temporary directory.
    Demo(demo::Demo),
    /// Make, build, sign, install and govern plugins.
    #[command(subcommand)]
    Plugin(Box<plugin::Plugin>),
    /// Vet releases: look at them, say what you think, decide what they may do at most.
    #[command(subcommand)]
    Review(review::Review),
    /// Signing keys: make, show, protect and replace them.
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Sources of events.
    #[command(subcommand)]
    Source(source::SourceCommand),
    /// Credentials that the host adds to plugins' requests.
    #[command(subcommand)]
    Connection(Box<connection::ConnectionCommand>),
    /// Providers that credentials come from.
    #[command(subcommand)]
    Provider(provider::ProviderCommand),
    /// Back ends of plugins outside of the sandbox: where their signed messages go, and what became of them.
    #[command(subcommand)]
    Backend(backend::BackendCommand),
    /// Stop everything that leaves in the name of something, until it is lifted.
    #[command(subcommand)]
    Freeze(freeze::FreezeCommand),
    /// Incidents: contained in one act, followed until they are closed, with who must be told by when.
    #[command(subcommand)]
    Incident(Box<incident::IncidentCommand>),
    /// After a breach: freeze, revoke, mint anew, resume, and sign a report; or rotate in good order with --planned.
    Rotate(Box<rotate::Rotate>),
    /// How old credentials may get, what is due, and what became of rotations.
    #[command(subcommand)]
    Rotation(rotation::RotationCommand),
    /// The stored secrets: how they stand, and the keys that they are under.
    #[command(subcommand)]
    Vault(vault::VaultCommand),
    /// People with an account: invite, list, suspend and remove them, and end their sessions.
    #[command(subcommand)]
    Person(Box<person::PersonCommand>),
    /// Programs of tenants' own that use the admin API.
    #[command(subcommand)]
    Automation(automation::AutomationCommand),
    /// Roles: what each may do, and a tenant's own ones.
    #[command(subcommand)]
    Role(role::RoleCommand),
    /// OAuth clients: the back ends of plugins, outside of the sandbox.
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Known vulnerabilities of what plugins are made of.
    #[command(subcommand)]
    Advisories(advisories::Advisories),
    /// Read and check the audit log.
    #[command(subcommand)]
    Audit(audit::Audit),
    /// What of the log somebody should look at: alerts, what became of them, and who is told.
    #[command(subcommand)]
    Alert(Box<alert::AlertCommand>),
    /// Rules about what is unusual in the log: those of the host, and your own.
    #[command(subcommand)]
    Rule(rule::RuleCommand),
    /// Who answers for what: duties, what people say about them, and what is open.
    #[command(subcommand)]
    Duty(Box<duty::DutyCommand>),
    /// Sets of thresholds that a tenant turns on.
    #[command(subcommand)]
    Profile(profile::ProfileCommand),
    /// Say how a tenant stands: what holds, what is open and whose move it is, and what is accepted as a risk.
    Posture(posture::PostureCommand),
    /// What people ask about their own data: to get it, or to have it put right, erased or left alone.
    #[command(subcommand)]
    Privacy(Box<privacy::PrivacyCommand>),
    /// Risks that somebody answers for by name, until a day.
    #[command(subcommand)]
    Risk(Box<risk::RiskCommand>),
    /// A tenant that leaves: all that is its own, in open formats.
    #[command(subcommand)]
    Tenant(tenant::TenantCommand),
    /// Whom this host trusts: roots, keys, roles, and who must sign a change of them.
    #[command(subcommand)]
    Trust(trust::Trust),
    /// Explain what became of a plugin's act, and who could change that.
    Why(why::Why),
    /// Send events, and see what became of them.
    #[command(subcommand)]
    Events(events::Events),
    /// Make an encrypted backup of this host, also while it runs; or see how old the newest is.
    Backup(backup::Backup),
    /// Make a host from a backup; or show, with --test, that one could be made.
    Restore(restore::Restore),
    /// Look at a home and its machine: what is not as it should be, and what to do about it.
    Doctor(doctor::Doctor),
    /// What the status page tells: incidents and maintenance.
    #[command(subcommand)]
    Status(status::StatusCommand),
    /// List what needs an admin: what was suspended, given up or refused, and when the host had died.
    Notices(notices::Notices),
    /// Print a completion script for a shell.
    #[command(
        after_help = "Example:\n  portcullis completions bash > ~/.local/share/bash-completion/completions/portcullis"
    )]
    Completions {
        /// Which shell.
        shell: clap_complete::Shell,
    },
}

impl Args {
    /// What is logged where nobody says otherwise. A behaviour run makes services fail on purpose.
    pub fn logs(&self) -> &'static str {
        match &self.command {
            Command::Plugin(plugin) if matches!(**plugin, plugin::Plugin::Vet(_)) => {
                "warn,portcullis_runtime::wit=error"
            }
            _ => "warn",
        }
    }
}

/// Runs a command.
pub async fn run(args: Args) -> Result<ExitCode> {
    let output = Output { json: args.json };
    let home = Home::at(args.home);
    match args.command {
        Command::Init(command) => command.run(home, output).await?,
        Command::Serve(command) => command.run(home, output).await?,
        Command::Demo(command) => return command.run(output).await,
        Command::Plugin(command) => Box::pin(command.run(home, output)).await?,
        Command::Review(command) => command.run(home, output).await?,
        Command::Key(command) => command.run(output)?,
        Command::Source(command) => command.run(home, output).await?,
        Command::Backend(command) => command.run(home, output).await?,
        Command::Freeze(command) => command.run(home, output).await?,
        Command::Incident(command) => return Box::pin(command.run(home, output)).await,
        Command::Rotate(command) => return Box::pin(command.run(home, output)).await,
        Command::Rotation(command) => command.run(home, output).await?,
        Command::Vault(command) => command.run(home, output).await?,
        Command::Connection(command) => Box::pin(command.run(home, output)).await?,
        Command::Provider(command) => command.run(&home, output)?,
        Command::Person(command) => Box::pin(command.run(home, output)).await?,
        Command::Automation(command) => Box::pin(command.run(home, output)).await?,
        Command::Role(command) => Box::pin(command.run(home, output)).await?,
        Command::Client(command) => Box::pin(command.run(home, output)).await?,
        Command::Advisories(command) => command.run(&home, output).await?,
        Command::Audit(command) => return command.run(home, output).await,
        Command::Alert(command) => Box::pin(command.run(home, output)).await?,
        Command::Rule(command) => Box::pin(command.run(home, output)).await?,
        Command::Duty(command) => Box::pin(command.run(home, output)).await?,
        Command::Profile(command) => Box::pin(command.run(home, output)).await?,
        Command::Posture(command) => Box::pin(command.run(home, output)).await?,
        Command::Privacy(command) => Box::pin(command.run(home, output)).await?,
        Command::Risk(command) => Box::pin(command.run(home, output)).await?,
        Command::Tenant(command) => Box::pin(command.run(home, output)).await?,
        Command::Trust(command) => Box::pin(command.run(home, output)).await?,
        Command::Why(command) => command.run(home, output).await?,
        Command::Events(command) => command.run(home, output).await?,
        Command::Notices(command) => command.run(home, output).await?,
        Command::Backup(command) => return command.run(home, output).await,
        Command::Doctor(command) => return command.run(home, output).await,
        Command::Status(command) => command.run(home, output).await?,
        Command::Restore(command) => Box::pin(command.run(home, output)).await?,
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Args::command(), "portcullis", &mut std::io::stdout());
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// The exit code of an error: 3 where something was refused for what it is.
pub fn exit_code(error: &anyhow::Error) -> u8 {
    let refused = error.chain().any(|cause| {
        matches!(cause.downcast_ref(), Some(ReleaseError::Refused { .. }))
            || matches!(cause.downcast_ref(), Some(InstallError::Release(ReleaseError::Refused { .. })))
            || cause.downcast_ref::<portcullis_packages::check::Refusal>().is_some()
            || matches!(cause.downcast_ref(), Some(ReviewError::Release(ReleaseError::Refused { .. })))
            || cause.downcast_ref::<HandoverError>().is_some()
            || cause.downcast_ref::<NotVerified>().is_some()
            || matches!(cause.downcast_ref(), Some(NotDone { release: true, .. }))
            || matches!(cause.downcast_ref(), Some(DirError::Bundle { .. }))
            || matches!(cause.downcast_ref(), Some(OciError::OtherBytes { .. }))
    });
    if refused { 3 } else { 1 }
}

/// Publishes what a command has just recorded, so that the published log has it even where no host is running.
pub(crate) async fn publish(host: &Host) -> Result<()> {
    LogPublisher::new(&host.home, host.store.clone()).catch_up().await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }
}
