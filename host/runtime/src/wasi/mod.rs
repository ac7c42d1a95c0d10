//! WASI 0.2, one interface at a time: what a language's runtime drags in is linked in a form that gives nothing away, and
//! what would give something away is linked only where a capability is granted, or never.
//!
//! | import | without a grant | with it |
//! |---|---|---|
//! | `wasi:cli/environment` | no variables, no arguments, no directory | |
//! | `wasi:cli/exit` | ends the call | |
//! | `wasi:cli/stdin` | at its end | |
//! | `wasi:cli/stdout`, `stderr` | lines in the plugin's log: `info`, `warn` | |
//! | `wasi:cli/terminal-*` | none | |
//! | `wasi:io/*` | streams and waiting | |
//! | `wasi:clocks/*` | stands still | `clocks`: the host's, in steps of 1 ms |
//! | `wasi:random/*` | the same bytes for the same event | `random`: the host's |
//! | `wasi:filesystem/*` | no directory at all | `files`: linked by that capability |
//! | `wasi:http/types`, `outgoing-handler` | refused | `http`: linked by that capability |
//! | anything else, any other version | refused by name | |
//!
//! What bounds it: each function counts as a call into the host, and past the limit the call ends when the function returns,
//! by the engine's call hook. That costs 4 ns a call into the host where no hook is set, as for a plugin without WASI, and
//! 17 ns where one is (on top of 56 ns; the least of 61 runs). Whatever waits, waits inside the call's wall-clock limit, and
//! whatever computes does so on the call's own CPU time. Resources live within the limit `handles`, and at most [`HANDLES`]
//! at a time. Random bytes come at most [`MAX_RANDOM`] at once, output at most 64 KiB at once, into a log that has its own
//! limit. What a plugin can still time is what it waits for: which of two things that it waits for is ready first.
//!
//! What is ABSENT: the process's own environment, files, sockets, standard streams, clocks and random source. Nothing here
//! builds the context that would bring them along.
//!
//! Invariants:
//! - an interface that a component does not import is not linked; a component that imports none has no WASI in its store;
//! - what this host does not know is refused: the list is of what is let in;
//! - without a grant nothing here tells one tenant from another, one host from another, or one moment of a call from the next,
//!   but for time that a plugin spent waiting by its own wish.

mod clocks;
mod ends;
mod imports;
mod link;
mod output;
mod random;
mod store;

pub(crate) use ends::{exited, is_full};
pub use imports::{Imports, known};
pub(crate) use link::link;
pub use random::MAX_RANDOM;
pub(crate) use store::Real;
pub use store::{HANDLES, Holds, View, Wasi};
