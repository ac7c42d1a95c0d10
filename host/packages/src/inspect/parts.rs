//! What an inspection is made of.

use serde::Serialize;

/// Something that a component imports or exports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Extern {
    /// Its name, such as `portcullis:plugin/tickets@0.1.0`.
    pub name: String,
    /// `instance`, `func`, `type`, `module`, `component` or `value`.
    pub kind: &'static str,
    /// The functions of an interface, in the component model's spelling and in order: `get`, `[method]bucket.set`. Of an import they
    /// are all that can be called, of an export all that is offered.
    pub functions: Vec<String>,
}

/// How large a memory (in pages of 64 KiB) or a table (in elements) is and can become.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Extent {
    /// At the start.
    pub initial: u64,
    /// At most; absent where the component sets no bound of its own.
    pub maximum: Option<u64>,
}

/// A tool that says it took part in making the component.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Producer {
    /// `language`, `sdk` or `processed-by`.
    pub role: String,
    /// The tool and its version.
    pub tool: String,
}

/// A language that the component seems to be written in: a hint, as anybody can put its signs there, or take them away.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Language {
    /// Its name.
    pub name: &'static str,
    /// What it was told by.
    pub sign: String,
}

/// A section that no engine reads: whatever its maker wanted to keep there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CustomSection {
    /// Its name, escaped and cut.
    pub name: String,
    /// Bytes of what is in it.
    pub size: usize,
}
