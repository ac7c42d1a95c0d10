//! The contract's shared types, generated once and used by every other module's bindings.

use serde::Deserialize;

use crate::Error;

pub(crate) mod wit {
    wit_bindgen::generate!({
        path: "../wit",
        inline: "package portcullis:sdk; world types { import portcullis:plugin/types@0.1.0; }",
        additional_derives: [PartialEq],
        generate_all,
    });
}

pub(crate) use wit::portcullis::plugin::types::Error as WitError;
pub use wit::portcullis::plugin::types::{CustomField, Denial, Limit};

impl CustomField {
    /// The field's value, read into a type of the plugin's own.
    ///
    /// Errors: `invalid` when the value has another shape.
    pub fn value<'a, T: Deserialize<'a>>(&'a self) -> Result<T, Error> {
        Ok(serde_json::from_str(&self.value)?)
    }

    /// The field's value if it is text, as in a drop-down's or a text field's.
    pub fn text(&self) -> Option<String> {
        serde_json::from_str(&self.value).ok()
    }
}
