//! Answers for settings: what a definition leaves open, and what may be filled in there.
//!
//! Invariants: a value that goes into a URL's host is one DNS label, or a whole `https` URL in canonical form that stands at the
//! beginning; no value can end a line, leave its place in a path, or name an address.

use portcullis_model::target::Target;
use serde::{Deserialize, Serialize};

/// The longest value, in bytes.
const MAX_VALUE: usize = 512;

/// What a setting takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// One DNS label: 1 to 63 of a-z, 0-9 and '-'.
    Label,
    /// Digits.
    Number,
    /// Printable ASCII. In a path it is percent-encoded; in a host it may not stand.
    Text,
    /// An exact `https` URL without a query. It fills a template alone.
    Url,
    /// `https://` and a host, perhaps with a port. It begins a template.
    Origin,
}

/// One setting.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Setting {
    /// What it takes.
    pub kind: Kind,
    /// What it is, for the admin who fills it in.
    pub about: String,
    /// What it is where nobody says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// Whether it may be left out. What needs it is then left out as well.
    #[serde(default)]
    pub optional: bool,
    /// The only values that it takes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub one_of: Vec<String>,
    /// For an origin: what its host must end in, from a dot on, such as `.my.salesforce.com`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub under: Option<String>,
}

impl Setting {
    /// Says in a few words what is wrong with a value, if anything.
    pub fn check(&self, value: &str) -> Result<(), String> {
        if value.is_empty() || value.len() > MAX_VALUE || !value.bytes().all(|b| (0x21..0x7f).contains(&b)) {
            return Err(format!("1 to {MAX_VALUE} printable ASCII characters without spaces"));
        }
        if !self.one_of.is_empty() && !self.one_of.iter().any(|known| known == value) {
            return Err(format!("one of: {}", self.one_of.join(", ")));
        }
        match self.kind {
            Kind::Label if !is_label(value) => Err("one DNS label: 1 to 63 of a-z, 0-9 and '-'".to_owned()),
            Kind::Number if value.len() > 20 || !value.bytes().all(|b| b.is_ascii_digit()) => {
                Err("digits, at most 20".to_owned())
            }
            // As a path's segment they would lead elsewhere, encoded or not.
            Kind::Text if matches!(value, "." | "..") => Err("more than dots".to_owned()),
            Kind::Url => exact(value).map(|_| ()),
            Kind::Origin => self.check_origin(value),
            Kind::Label | Kind::Number | Kind::Text => Ok(()),
        }
    }

    fn check_origin(&self, value: &str) -> Result<(), String> {
        let target = exact(&format!("{value}/"))?;
        if target.origin() != value {
            return Err("'https://' and a host, without anything after it".to_owned());
        }
        match &self.under {
            Some(suffix) if !target.host().ends_with(suffix.as_str()) => Err(format!("a host that ends in '{suffix}'")),
            _ => Ok(()),
        }
    }
}

/// Reads a URL that is in canonical form already and has no query.
pub(super) fn exact(text: &str) -> Result<Target, String> {
    let target: Target = text.parse()?;
    match target.to_string() == text && !text.contains('?') {
        true => Ok(target),
        false => Err(format!("an exact https URL without a query, such as '{}{}'", target.origin(), target.path())),
    }
}

fn is_label(text: &str) -> bool {
    let fine = text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    fine && (1..=63).contains(&text.len()) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn setting(kind: Kind) -> Setting {
        Setting { kind, about: "x".into(), default: None, optional: false, one_of: Vec::new(), under: None }
    }

    #[test]
    fn a_label_cannot_leave_its_place_in_a_host() {
        assert_eq!(setting(Kind::Label).check("acme-1"), Ok(()));
        for bad in [
            "",
            "a.b",
            "evil.test/",
            "a/b",
            "A",
            "-a",
            "a-",
            "a@b",
            "a:1",
            "a#",
            "a?b",
            "a%2e",
            "é",
            "a b",
            "{x}",
            "a\n",
        ] {
            assert!(setting(Kind::Label).check(bad).is_err(), "{bad:?}");
        }
        assert!(setting(Kind::Label).check(&"a".repeat(64)).is_err());
    }

    #[test]
    fn a_url_is_exact_or_refused() {
        assert_eq!(setting(Kind::Url).check("https://id.example.test/oauth/token"), Ok(()));
        assert_eq!(setting(Kind::Url).check("https://id.example.test:8443/token"), Ok(()));
        for bad in [
            "http://id.example.test/token",
            "https://127.0.0.1/token",
            "https://ID.example.test/token",
            "https://id.example.test/a/../token",
            "https://u:p@id.example.test/token",
            "https://id.example.test/token?x=1",
            "https://id.example.test/token#x",
            "https://id.example.test:443/token",
        ] {
            assert!(setting(Kind::Url).check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_origin_lies_where_it_must() {
        let under = Setting { under: Some(".my.salesforce.com".into()), ..setting(Kind::Origin) };
        assert_eq!(under.check("https://acme--uat.sandbox.my.salesforce.com"), Ok(()));
        for bad in [
            "https://my.salesforce.com.evil.test",
            "https://evil.test",
            "https://acme.my.salesforce.com/",
            "https://acme.my.salesforce.com/x",
            "acme.my.salesforce.com",
            "https://evilmy.salesforce.com",
        ] {
            assert!(under.check(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn texts_and_numbers_are_bounded_and_choices_hold() {
        assert_eq!(setting(Kind::Text).check("Iv1.abc/+="), Ok(()));
        for bad in ["..", ".", "a b", "a\r\nb", ""] {
            assert!(setting(Kind::Text).check(bad).is_err(), "{bad:?}");
        }
        assert!(setting(Kind::Number).check("12a").is_err());
        let choice = Setting { one_of: vec!["post".into(), "basic".into()], ..setting(Kind::Text) };
        assert_eq!(choice.check("basic"), Ok(()));
        assert_eq!(choice.check("none"), Err("one of: post, basic".to_owned()));
    }
}
