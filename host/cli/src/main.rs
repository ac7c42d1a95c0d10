//! The `portcullis` command.
#![forbid(unsafe_code)]

use std::{io::IsTerminal as _, process::ExitCode};

use clap::Parser as _;
use portcullis_cli::commands::{self, Args};
use tracing_subscriber::EnvFilter;

/// Of what the host adds to a request a good part is memory, which the system's allocator takes longer for.
#[global_allocator]
static MEMORY: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let args = Args::parse();
    let filter = EnvFilter::try_from_env("PORTCULLIS_LOG").unwrap_or_else(|_| EnvFilter::new(args.logs()));
    let colours = std::io::stderr().is_terminal();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).with_ansi(colours).init();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("portcullis: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(commands::run(args)) {
        Ok(code) => code,
        // Whoever reads has seen enough, as in `portcullis audit tail | head`: nothing to tell, but not done either.
        Err(error) if error.chain().any(is_broken_pipe) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("portcullis: {error:#}");
            ExitCode::from(commands::exit_code(&error))
        }
    }
}

fn is_broken_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
