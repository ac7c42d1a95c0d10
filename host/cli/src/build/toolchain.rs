//! Which Rust can build for WebAssembly on this machine.
//!
//! A user's rustup has the target, or can get it. Where it cannot be fetched, Debian's own toolchain (`rustc-web`,
//! `rust-web-src`) builds the standard library from source.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Result, bail};

/// What to build for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// `wasm32-unknown-unknown`: no WASI at all.
    UnknownUnknown,
    /// `wasm32-wasip2`: with the WASI imports of the language's runtime, most of which the host gives in a harmless form.
    WasiP2,
}

impl Target {
    fn triple(self) -> &'static str {
        match self {
            Self::UnknownUnknown => "wasm32-unknown-unknown",
            Self::WasiP2 => "wasm32-wasip2",
        }
    }
}

/// A toolchain that can build guests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Toolchain {
    target: Target,
    from: From,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum From {
    /// The rustc and cargo on the path have the target's standard library.
    Installed,
    /// Debian's rustc and cargo build it.
    Debian { rustc: PathBuf, cargo: PathBuf },
}

const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/std";

/// Where Debian has the C library that WASI programs are linked to.
const DEBIAN_LIBC: &str = "/usr/lib/wasm32-wasi";

/// The linker that goes with Debian's rustc.
const DEBIAN_LINKER: &str = "/usr/bin/wasm-ld-22";

impl Toolchain {
    /// Finds one, or says what to install.
    pub fn find(target: Target) -> Result<Self> {
        if has_target("rustc", target.triple()) {
            return Ok(Self { target, from: From::Installed });
        }
        let (rustc, cargo) = (PathBuf::from("/usr/bin/rustc"), PathBuf::from("/usr/bin/cargo"));
        let can_link =
            target != Target::WasiP2 || (Path::new(DEBIAN_LIBC).is_dir() && Path::new(DEBIAN_LINKER).is_file());
        if rustc.is_file() && cargo.is_file() && Path::new(DEBIAN_SOURCE).is_dir() && can_link {
            return Ok(Self { target, from: From::Debian { rustc, cargo } });
        }
        bail!(
            "no Rust here can build for {0}. Run 'rustup target add {0}'; where that cannot be fetched, on Debian: \
             'apt-get install rustc-web cargo-web rust-web-src rust-web-llvm lld-22 wasi-libc'",
            target.triple()
        )
    }

    /// `cargo metadata` for the package with this manifest, as it is built for the target.
    pub(super) fn metadata(&self, manifest: &Path) -> Command {
        let mut command = self.plain_cargo();
        command.args(["metadata", "--format-version=1", "--filter-platform", self.target.triple(), "--manifest-path"]);
        command.arg(manifest);
        command
    }

    fn plain_cargo(&self) -> Command {
        match &self.from {
            From::Installed => Command::new("cargo"),
            From::Debian { rustc, cargo } => {
                let mut command = Command::new(cargo);
                command.env("RUSTC", rustc).env("RUSTC_BOOTSTRAP", "1");
                // What an enclosing cargo says about its own toolchain is not true of this one.
                for name in ["RUSTUP_TOOLCHAIN", "RUSTDOC", "CARGO"] {
                    command.env_remove(name);
                }
                command
            }
        }
    }

    /// `cargo <verb>` with everything but what to build. All guests of a workspace share `target/guests`.
    pub(super) fn cargo(&self, verb: &str, workspace: &Path) -> Command {
        let mut command = self.plain_cargo();
        command.args([verb, "--release", "--target", self.target.triple()]);
        if matches!(self.from, From::Debian { .. }) {
            command.args(["-Z", "build-std=std,panic_abort"]);
        }
        command
            .arg("--target-dir")
            .arg(workspace.join("target/guests"))
            .env("RUSTFLAGS", self.rustflags(workspace))
            .env("CARGO_PROFILE_RELEASE_LTO", "true")
            .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "s")
            .env("CARGO_PROFILE_RELEASE_PANIC", "abort")
            .env("CARGO_PROFILE_RELEASE_STRIP", "true");
        for name in ["CARGO_ENCODED_RUSTFLAGS", "CARGO_TARGET_DIR", "RUSTC_WRAPPER", "RUSTC_WORKSPACE_WRAPPER"] {
            command.env_remove(name);
        }
        command
    }

    fn rustflags(&self, workspace: &Path) -> String {
        // 4 MiB of memory from the start: a guest that grows its memory at its first call pays for that at every call.
        let mut flags = vec!["-Clink-arg=--initial-memory=4194304".to_owned()];
        if self.target == Target::WasiP2 && matches!(self.from, From::Debian { .. }) {
            flags.push(format!("-Lnative={DEBIAN_LIBC}"));
            flags.push(format!("-Clink-arg=--wasm-ld-path={DEBIAN_LINKER}"));
        }
        // Panic messages name source files: a release says nothing about the machine that it was built on.
        let home = std::env::var_os("HOME").map(PathBuf::from);
        let cargo_home = std::env::var_os("CARGO_HOME").map(PathBuf::from).or(home.map(|home| home.join(".cargo")));
        for (path, name) in [(Some(workspace.to_owned()), "plugin"), (cargo_home, "cargo")] {
            // A path with white space cannot be passed this way; then it is not hidden.
            if let Some(path) = path.filter(|path| !path.to_string_lossy().contains(char::is_whitespace)) {
                flags.push(format!("--remap-path-prefix={}={name}", path.display()));
            }
        }
        flags.join(" ")
    }
}

impl fmt::Display for Toolchain {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = match self.from {
            From::Installed => "the installed toolchain",
            From::Debian { .. } => "Debian's toolchain, standard library from source",
        };
        write!(f, "{} with {from}", self.target.triple())
    }
}

fn has_target(rustc: &str, triple: &str) -> bool {
    let asked = Command::new(rustc).args(["--print", "target-libdir", "--target", triple]).output();
    asked.is_ok_and(|output| {
        output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
    })
}
