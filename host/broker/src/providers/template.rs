//! Answers for templates: a text with places such as `{subdomain}` that settings fill.
//!
//! Invariants: what is filled in was checked by its setting's kind; a template whose setting is absent gives nothing at all; in
//! a URL, text is percent-encoded.

use std::collections::BTreeMap;

use portcullis_model::target::Target;
use serde::{Deserialize, Serialize};

use super::setting::{Kind, Setting, exact};

/// A text with places.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Place(String),
}

impl TryFrom<String> for Template {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text.as_str());
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or_else(|| format!("'{text}': a '{{' without its '}}'"))?;
            if before.contains('}') || !is_name(name) {
                return Err(format!("'{text}': a place is a setting's name in braces, such as {{subdomain}}"));
            }
            parts.extend((!before.is_empty()).then(|| Part::Text(before.to_owned())));
            parts.push(Part::Place(name.to_owned()));
            rest = after;
        }
        if rest.contains('}') {
            return Err(format!("'{text}': a '}}' without its '{{'"));
        }
        parts.extend((!rest.is_empty()).then(|| Part::Text(rest.to_owned())));
        Ok(Self(parts))
    }
}

impl From<Template> for String {
    fn from(template: Template) -> Self {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Place(name) => format!("{{{name}}}"),
        };
        template.0.iter().map(part).collect()
    }
}

/// Whether it can name a setting.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 40
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

type Settings = BTreeMap<String, Setting>;
type Values = BTreeMap<String, String>;

impl Template {
    /// The settings that it needs.
    pub fn places(&self) -> impl Iterator<Item = &str> {
        self.0.iter().filter_map(|part| match part {
            Part::Text(_) => None,
            Part::Place(name) => Some(name.as_str()),
        })
    }

    /// Says what is wrong with it as a URL, whatever the settings' values are.
    pub fn check_url(&self, settings: &Settings) -> Result<(), String> {
        let text: String = self.clone().into();
        if text.contains(['?', '#']) {
            return Err(format!("'{text}': no query and no fragment"));
        }
        let kind =
            |name: &str| settings.get(name).map(|setting| setting.kind).ok_or(format!("there is no setting '{name}'"));
        match self.0.as_slice() {
            [Part::Place(name)] if matches!(kind(name)?, Kind::Url) => return Ok(()),
            [Part::Place(name), rest @ ..] if kind(name)? == Kind::Origin => {
                let slash = rest.first().is_some_and(|part| matches!(part, Part::Text(text) if text.starts_with('/')));
                return if slash {
                    check_path(rest, &kind)
                } else {
                    Err(format!("'{text}': an origin is followed by '/'"))
                };
            }
            [Part::Text(first), ..] if first.starts_with("https://") => {}
            _ => return Err(format!("'{text}': begins with 'https://', with an origin, or is one url alone")),
        }
        check_host(&text, &self.0, &kind)
    }

    /// As [`check_url`](Self::check_url), for a host name.
    pub fn check_host(&self, settings: &Settings) -> Result<(), String> {
        match self.0.as_slice() {
            [Part::Place(name)] if settings.get(name).is_some_and(|setting| setting.kind == Kind::Origin) => Ok(()),
            _ => Self::try_from(format!("https://{}/", String::from(self.clone())))?.check_url(settings),
        }
    }

    /// The text with its places filled, as it is; `None` where a setting is absent.
    pub fn fill(&self, values: &Values) -> Option<String> {
        self.filled(values, |_, value| value.to_owned())
    }

    /// As [`fill`](Self::fill), for a host name: of an origin, its host.
    pub fn host(&self, values: &Values) -> Option<String> {
        self.filled(values, |_, value| value.strip_prefix("https://").unwrap_or(value).to_owned())
    }

    /// The URL; `None` where a setting is absent.
    pub fn url(&self, settings: &Settings, values: &Values) -> Option<Result<Target, String>> {
        let filled = self.filled(values, |name, value| match settings.get(name).map(|setting| setting.kind) {
            Some(Kind::Text) => encoded(value),
            _ => value.to_owned(),
        });
        filled.map(|text| exact(&text))
    }

    fn filled(&self, values: &Values, put: impl Fn(&str, &str) -> String) -> Option<String> {
        let mut text = String::new();
        for part in &self.0 {
            match part {
                Part::Text(fixed) => text.push_str(fixed),
                Part::Place(name) => text.push_str(&put(name, values.get(name)?)),
            }
        }
        Some(text)
    }
}

/// In the host only labels and numbers, before a fixed end of at least two labels.
fn check_host(text: &str, parts: &[Part], kind: &dyn Fn(&str) -> Result<Kind, String>) -> Result<(), String> {
    let mut last = "";
    for (index, part) in parts.iter().enumerate() {
        match part {
            Part::Text(fixed) => {
                let fixed = if index == 0 { fixed.trim_start_matches("https://") } else { fixed };
                let (host, path) = fixed.split_once('/').map_or((fixed, None), |(host, _)| (host, Some(())));
                last = host;
                if path.is_some() {
                    let whole = index == 0 || last.starts_with('.') && last.matches('.').count() >= 2;
                    let rest = check_path(&parts[index + 1..], kind);
                    return if whole {
                        rest
                    } else {
                        Err(format!("'{text}': the host ends in two fixed labels, such as '.example.com'"))
                    };
                }
            }
            Part::Place(name) => match kind(name)? {
                Kind::Label | Kind::Number => {}
                _ => return Err(format!("'{text}': in a host a setting is a label or a number, and '{name}' is not")),
            },
        }
    }
    Err(format!("'{text}': there is no '/' after the host{}", if last.is_empty() { "" } else { " name" }))
}

fn check_path(parts: &[Part], kind: &dyn Fn(&str) -> Result<Kind, String>) -> Result<(), String> {
    for part in parts {
        match part {
            Part::Place(name) if matches!(kind(name)?, Kind::Url | Kind::Origin) => {
                return Err(format!("'{{{name}}}': a URL does not stand in a path"));
            }
            _ => {}
        }
    }
    Ok(())
}

/// Percent-encoded (RFC 3986, 2.3: all but the unreserved).
pub(crate) fn encoded(text: &str) -> String {
    let one = |b: u8| match b {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(b).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        let one =
            |kind| Setting { kind, about: "x".into(), default: None, optional: false, one_of: vec![], under: None };
        let kinds =
            [("sub", Kind::Label), ("n", Kind::Number), ("id", Kind::Text), ("url", Kind::Url), ("at", Kind::Origin)];
        kinds.into_iter().map(|(name, kind)| (name.to_owned(), one(kind))).collect()
    }

    fn template(text: &str) -> Template {
        Template::try_from(text.to_owned()).unwrap()
    }

    #[test]
    fn a_setting_stands_only_where_its_kind_may() {
        for good in [
            "https://{sub}.example.com/x",
            "https://api.example.com/{id}/{n}",
            "{url}",
            "{at}/token",
            "https://a-{sub}.example.com/",
        ] {
            assert_eq!(template(good).check_url(&settings()), Ok(()), "{good}");
        }
        for bad in [
            "https://{id}.example.com/",
            "https://{sub}/",
            "https://{sub}.com/",
            "https://{sub}example.com/",
            "https://example.com.{sub}/",
            "{url}/x",
            "{at}.example.com/",
            "https://{at}/",
            "https://example.com/{url}",
            "https://example.com",
            "http://example.com/",
            "https://example.com/?a={id}",
            "https://example.com/{id}?a",
            "{sub}",
            "{at}",
            "https://{unknown}.example.com/",
        ] {
            assert!(template(bad).check_url(&settings()).is_err(), "{bad}");
        }
        for bad in ["{", "}", "a}b{c}", "{A}", "{}", "{a b}"] {
            assert!(Template::try_from(bad.to_owned()).is_err(), "{bad}");
        }
    }

    #[test]
    fn fills_and_encodes() {
        let values: Values = [("sub", "acme"), ("id", "a/b"), ("at", "https://x.example.com:8443")]
            .map(|(k, v)| (k.into(), v.into()))
            .into();
        let url = |text: &str| template(text).url(&settings(), &values).map(|url| url.map(|url| url.to_string()));
        assert_eq!(url("https://{sub}.example.com/x"), Some(Ok("https://acme.example.com/x".into())));
        assert_eq!(url("{at}/token"), Some(Ok("https://x.example.com:8443/token".into())));
        assert_eq!(url("{url}"), None, "an absent setting leaves out what needs it");
        // An encoded slash leads nowhere: the one canonical form refuses it.
        assert!(url("https://api.example.com/{id}").unwrap().is_err());
        assert_eq!(template("{at}").host(&values), Some("x.example.com:8443".into()));
        assert_eq!(String::from(template("a{sub}b")), "a{sub}b");
    }
}
