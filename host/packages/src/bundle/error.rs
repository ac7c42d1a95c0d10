//! Why a file is no bundle.

use portcullis_model::id::Digest;

use super::MAX_BUNDLE;

/// Why a file is no bundle, or a release cannot become one. Names are as the file has them, made harmless to show.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BundleError {
    /// Longer than [`MAX_BUNDLE`]; in bytes.
    #[error("a bundle of {0} bytes; the most is {MAX_BUNDLE}")]
    TooLong(u64),
    /// An entry's header was changed, or this is something else than a bundle. Counted from 1.
    #[error("entry {0}: its header's checksum is wrong: the file was changed, or is no bundle")]
    Checksum(usize),
    /// A tar of another kind. Counted from 1.
    #[error("entry {0} is not of the ustar form; make bundles with 'portcullis plugin bundle'")]
    NotUstar(usize),
    /// Something else than a file.
    #[error("'{name}' is {kind}; a bundle holds plain files alone")]
    Kind {
        /// Which entry.
        name: String,
        /// What it is.
        kind: &'static str,
    },
    /// A name that has no place in a bundle.
    #[error("'{name}' is no name of a bundle: {why}")]
    Name {
        /// Which.
        name: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// The same name again.
    #[error("'{0}' is there twice")]
    Twice(String),
    /// Not in the order that a bundle has.
    #[error(
        "'{name}' stands after '{after}'; the order is fixed: portcullis-bundle.json, plugin.wasm, portcullis.toml, release.dsse.json, statements by number without a gap, reports by digest"
    )]
    Order {
        /// Which entry.
        name: String,
        /// What stands before it.
        after: String,
    },
    /// An entry that is larger than one of its name may be.
    #[error("'{name}' says that it has {size} bytes; the most is {most}")]
    TooLarge {
        /// Which entry.
        name: String,
        /// What its header says.
        size: u64,
        /// In bytes.
        most: usize,
    },
    /// More entries of a kind than a bundle may hold.
    #[error("it holds more than {most} {what}")]
    TooMany {
        /// `statements` or `reports`.
        what: &'static str,
        /// How many.
        most: usize,
    },
    /// A header that says more than name and size.
    #[error("'{name}': its header's field '{field}' is not what it is in a bundle")]
    Field {
        /// Which entry.
        name: String,
        /// Which field.
        field: &'static str,
    },
    /// Something in what should be empty.
    #[error("'{0}' is followed by bytes that belong to nothing")]
    Padding(String),
    /// It ends too early.
    #[error("it is cut off: it ends within {0}")]
    Cut(String),
    /// It goes on after its end.
    #[error("bytes follow its end")]
    Trailing,
    /// A file is not there.
    #[error("'{0}' is missing from it")]
    Missing(String),
    /// A file is not text.
    #[error("'{0}' is not UTF-8 text")]
    NotText(String),
    /// A report whose bytes are not those that its name says.
    #[error("'{name}' has the SHA-256 {found}: a report's name is its own digest")]
    OtherReport {
        /// Which.
        name: String,
        /// What its bytes have.
        found: Digest,
    },
    /// Another form of bundle.
    #[error("it is a bundle of another form than 1, the one that this version reads: a newer version may read it")]
    Format,
    /// It says the same as another file would that has the one form of a bundle.
    #[error("it has not the one form of a bundle with this content")]
    NotCanonical,
}
