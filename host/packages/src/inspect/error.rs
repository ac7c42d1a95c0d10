//! Why bytes are not a component that this host runs.

use portcullis_model::audit::plain;

use super::{MAX_COMPONENT, MAX_FUNCTIONS, MAX_FUNCTIONS_NAMED, PLUGIN_VERSION};

/// What is wrong with a component, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InspectError {
    /// Larger than [`MAX_COMPONENT`]; in bytes.
    #[error(
        "the component has {0} bytes; the most is {MAX_COMPONENT}: build it for release and strip its debug sections"
    )]
    TooLarge(usize),
    /// More than [`MAX_FUNCTIONS`], all modules together.
    #[error("the component has {0} functions; the most is {MAX_FUNCTIONS}: compiling them would hold up the host")]
    TooManyFunctions(u64),
    /// More than [`MAX_FUNCTIONS_NAMED`] in the interfaces that it imports or exports, or nested too deep.
    #[error(
        "the interfaces that the component imports or exports have more than {MAX_FUNCTIONS_NAMED} functions and types: import \
         only what it uses"
    )]
    TooManyImports,
    /// The host's own search patterns could not be prepared: the host is to blame, not the component.
    #[error("this host cannot look for patterns in components: {0}; report it")]
    Patterns(String),
    /// A core module.
    #[error(
        "this is a core WebAssembly module, not a component: make one of it, for example with `wasm-tools component new`"
    )]
    CoreModule,
    /// Something else altogether.
    #[error("this is not WebAssembly: it does not begin as a component does")]
    NotWasm,
    /// Broken, or built with features that the host does not run.
    #[error("the component is not valid for this host: {problem} (at byte {offset})")]
    Invalid {
        /// What the validator says.
        problem: String,
        /// Where.
        offset: usize,
    },
    /// Built against another version of the WIT package; `None` where it names none.
    #[error("built against portcullis:plugin{}; this host speaks {PLUGIN_VERSION}: rebuild with SDK {}", at(.0), sdk())]
    Version(Option<String>),
}

impl InspectError {
    pub(super) fn invalid(error: wasmparser::BinaryReaderError) -> Self {
        Self::Invalid { problem: plain(error.message()), offset: error.offset() }
    }

    pub(super) fn patterns(error: aho_corasick::BuildError) -> Self {
        Self::Patterns(error.to_string())
    }

    pub(super) fn cut_off(offset: usize) -> Self {
        Self::Invalid { problem: "what is nested here is longer than the rest of the file".to_owned(), offset }
    }
}

fn at(version: &Option<String>) -> String {
    version.as_ref().map_or_else(|| " without a version".to_owned(), |version| format!("@{}", plain(version)))
}

fn sdk() -> &'static str {
    PLUGIN_VERSION.rsplit_once('.').map_or(PLUGIN_VERSION, |(minor, _)| minor)
}
