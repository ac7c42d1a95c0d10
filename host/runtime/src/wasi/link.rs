//! Linking: each interface by itself, and only those that the component imports.

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::{
    cli::WasiCli,
    filesystem::WasiFilesystem,
    p2::bindings::{cli, clocks, filesystem, random},
};
use wasmtime_wasi_io::bindings::wasi::io;

use super::{Imports, clocks::HasClocks, output::HasOutput, random::HasRandom};
use crate::invoke::CallStore;

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links what the runtime itself has of what a component imports.
pub(crate) fn link<S: Send + 'static>(
    linker: &mut Linker<CallStore<S>>,
    imports: &Imports,
    granted: &[&str],
) -> wasmtime::Result<()> {
    imports.own(granted).try_for_each(|name| one(linker, name))
}

fn one<S: Send + 'static>(l: &mut Linker<CallStore<S>>, name: &str) -> wasmtime::Result<()> {
    match name.split_once('/') {
        Some(("wasi:cli", name)) => of_cli(l, name),
        Some(("wasi:io", "error")) => io::error::add_to_linker::<_, HasTable>(l, |s| s.wasi.table()),
        Some(("wasi:io", "poll")) => io::poll::add_to_linker::<_, HasTable>(l, |s| s.wasi.table()),
        Some(("wasi:io", "streams")) => io::streams::add_to_linker::<_, HasTable>(l, |s| s.wasi.table()),
        Some(("wasi:clocks", "wall-clock")) => {
            clocks::wall_clock::add_to_linker::<_, HasClocks>(l, |s| s.wasi.clocks())
        }
        Some(("wasi:clocks", "monotonic-clock")) => {
            clocks::monotonic_clock::add_to_linker::<_, HasClocks>(l, |s| s.wasi.clocks())
        }
        Some(("wasi:random", "random")) => random::random::add_to_linker::<_, HasRandom>(l, |s| s.wasi.random()),
        Some(("wasi:random", "insecure")) => random::insecure::add_to_linker::<_, HasRandom>(l, |s| s.wasi.random()),
        Some(("wasi:random", "insecure-seed")) => {
            random::insecure_seed::add_to_linker::<_, HasRandom>(l, |s| s.wasi.random())
        }
        Some(("wasi:filesystem", "types")) => {
            filesystem::types::add_to_linker::<_, WasiFilesystem>(l, |s| s.wasi.filesystem())
        }
        Some(("wasi:filesystem", "preopens")) => {
            filesystem::preopens::add_to_linker::<_, WasiFilesystem>(l, |s| s.wasi.filesystem())
        }
        _ => not_here(name),
    }
}

fn of_cli<S: Send + 'static>(l: &mut Linker<CallStore<S>>, name: &str) -> wasmtime::Result<()> {
    match name {
        "environment" => cli::environment::add_to_linker::<_, WasiCli>(l, |s| s.wasi.cli()),
        "exit" => cli::exit::add_to_linker::<_, WasiCli>(l, |s| s.wasi.cli()),
        "stdin" => cli::stdin::add_to_linker::<_, WasiCli>(l, |s| s.wasi.cli()),
        "stdout" => cli::stdout::add_to_linker::<_, HasOutput>(l, |s| s.wasi.output()),
        "stderr" => cli::stderr::add_to_linker::<_, HasOutput>(l, |s| s.wasi.output()),
        "terminal-input" => cli::terminal_input::add_to_linker::<_, WasiCli>(l, |s| s.wasi.cli()),
        "terminal-output" => cli::terminal_output::add_to_linker::<_, WasiCli>(l, |s| s.wasi.cli()),
        "terminal-stdin" => cli::terminal_stdin::add_to_linker::<_, WasiCli>(l, |s| s.wasi.cli()),
        "terminal-stdout" => cli::terminal_stdout::add_to_linker::<_, WasiCli>(l, |s| s.wasi.cli()),
        "terminal-stderr" => cli::terminal_stderr::add_to_linker::<_, WasiCli>(l, |s| s.wasi.cli()),
        _ => not_here(name),
    }
}

fn not_here(name: &str) -> wasmtime::Result<()> {
    Err(wasmtime::format_err!("{name} is listed as known, and nothing links it"))
}

#[cfg(test)]
mod tests;
