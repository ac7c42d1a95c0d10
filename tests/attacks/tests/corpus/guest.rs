//! The guests: every file of the corpus, listed by the build script.

use std::{future::Future, pin::Pin};

use attacks::header::Header;

use crate::{component::Base, run::Ran};

/// A guest of the corpus.
pub struct Guest {
    /// Its file's name.
    pub name: &'static str,
    /// Its source, of which the first lines are the header.
    pub text: &'static str,
    /// Where its component comes from.
    pub source: Source,
    /// What else must be true after it ran.
    pub afterwards: Option<Afterwards>,
}

/// Holds more against what happened: an error says what is wrong.
pub type Afterwards = for<'a> fn(&'a Ran<'a>) -> Pin<Box<dyn Future<Output = Result<(), String>> + 'a>>;

/// Where a component comes from.
pub enum Source {
    /// Built from `guests/examples`.
    Rust,
    /// A text: of a component, or of a core module that is to be wrapped.
    Wat(&'static str),
    /// A program that makes several.
    Made(fn(&Base) -> Vec<Vec<u8>>),
}

impl Guest {
    /// Its facts.
    pub fn header(&self) -> Header {
        Header::parse(self.text).unwrap_or_else(|error| panic!("{}: {error}", self.name))
    }
}

include!(concat!(env!("OUT_DIR"), "/every_guest.rs"));
