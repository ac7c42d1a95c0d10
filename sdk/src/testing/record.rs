//! Which records the grants are about, and how their fields are shown.

use std::collections::BTreeMap;

use serde_json::Value;

use super::Host;
use super::scope::Need;
use super::veil::{self, View};
use crate::CustomField;
use crate::types::WitError;

/// What is known about one record, to hold against `where=`. What is not known fits nothing.
#[derive(Debug, Default)]
pub(crate) struct Facts(BTreeMap<&'static str, String>);

impl Facts {
    /// One more fact, where there is one.
    pub fn with(mut self, attribute: &'static str, value: Option<impl Into<String>>) -> Self {
        if let Some(value) = value {
            self.0.insert(attribute, value.into());
        }
        self
    }

    pub(super) fn has(&self, attribute: &str, value: &str) -> bool {
        self.0.get(attribute).is_some_and(|own| own == value)
    }
}

/// What the capabilities' stand-ins use.
impl Host {
    /// Whether one granted scope of the action covers the needs for this record.
    pub(crate) fn reaches(&self, action: &str, needs: &[(&str, &str)], facts: &Facts) -> bool {
        let covers = |scope: &super::scope::Scope| needs.iter().all(|&(key, value)| scope.covers(Need { key, value }));
        self.scopes_of(action).iter().any(|scope| scope.fits(facts) && covers(scope))
    }

    /// Whether one granted scope of the action covers the needs and so many `bytes`, for this record or for any.
    pub(crate) fn reaches_size(&self, action: &str, needs: &[(&str, &str)], facts: Option<&Facts>, bytes: u64) -> bool {
        self.scopes_of(action).iter().any(|scope| {
            let large = scope.bytes("bytes").is_some_and(|most| bytes <= most);
            let covers = needs.iter().all(|&(key, value)| scope.covers(Need { key, value }));
            large && covers && facts.is_none_or(|facts| scope.fits(facts))
        })
    }

    /// Whether any of the fields is shown of this record.
    pub(crate) fn shows_any(&self, action: &str, fields: &[String], facts: &Facts) -> bool {
        fields.iter().any(|field| self.view(action, field, facts).is_some())
    }

    /// Whether all of the fields are shown of this record in the clear, each by some scope.
    pub(crate) fn shows_clear(&self, action: &str, fields: &[&str], facts: &Facts) -> bool {
        fields.iter().all(|field| self.view(action, field, facts) == Some(View::Clear))
    }

    /// Refuses unless every field is shown of some record, and every one that is asked by is shown in the clear.
    pub(crate) fn require_asking(&self, action: &str, fields: &[String], asked_by: &[&str]) -> Result<(), WitError> {
        let named: Vec<(&str, &str)> = fields.iter().map(|field| ("fields", field.as_str())).collect();
        self.require(action, &named)?;
        let scopes = self.scopes_of(action);
        let clear = |field: &str| scopes.iter().any(|scope| scope.view(field) == Some(View::Clear));
        let missing: Vec<&str> = asked_by.iter().copied().filter(|field| !clear(field)).collect();
        if missing.is_empty() {
            return Ok(());
        }
        let missing_names = missing.join(", ");
        let reason = format!("searching by {missing_names} is not granted: it needs {missing_names} in the clear");
        let needs: Vec<Need<'_>> = missing.iter().map(|&value| Need { key: "fields", value }).collect();
        Err(self.deny(action, &needs, Some(reason)))
    }

    /// A record's text as it is shown; nothing where it is not.
    pub(crate) fn shown(&self, action: &str, field: &str, facts: &Facts, text: Option<&str>) -> Option<String> {
        Some(veil::show(self.view(action, field, facts)?, action, field, text?))
    }

    /// A record's texts as they are shown; nothing where they are not.
    pub(crate) fn shown_all(
        &self,
        action: &str,
        field: &str,
        facts: &Facts,
        texts: Option<&[String]>,
    ) -> Option<Vec<String>> {
        let view = self.view(action, field, facts)?;
        Some(texts?.iter().map(|text| veil::show(view, action, field, text)).collect())
    }

    /// A record's custom fields as they are shown; nothing where they are not.
    pub(crate) fn shown_custom(
        &self,
        action: &str,
        field: &str,
        facts: &Facts,
        fields: Option<&[CustomField]>,
    ) -> Option<Vec<CustomField>> {
        let view = self.view(action, field, facts)?;
        let show = |own: &CustomField| {
            let value = serde_json::from_str(&own.value).unwrap_or(Value::Null);
            let shown = veil::show_json(view, action, field, value);
            CustomField { id: own.id.clone(), value: shown.to_string() }
        };
        Some(fields?.iter().map(show).collect())
    }

    /// JSON as it is shown; nothing where it is not.
    pub(crate) fn shown_json(&self, action: &str, field: &str, facts: &Facts, value: Value) -> Option<Value> {
        Some(veil::show_json(self.view(action, field, facts)?, action, field, value))
    }

    /// How a field of this record is shown: as well as any scope shows it that the record fits.
    fn view(&self, action: &str, field: &str, facts: &Facts) -> Option<View> {
        if field == "author_id" {
            return self.author_view(action, facts);
        }
        self.scopes_of(action).iter().filter(|scope| scope.fits(facts)).filter_map(|scope| scope.view(field)).max()
    }

    /// Who wrote a comment is shown as its text is, and no better than a requester who is masked or a token.
    fn author_view(&self, action: &str, facts: &Facts) -> Option<View> {
        let comments = self.view(action, "comments", facts)?;
        Some(match self.view(action, "requester_id", facts).unwrap_or(View::Clear) {
            View::Clear => comments,
            requester if comments == View::Clear || comments == requester => requester,
            _ => View::Mask,
        })
    }
}
