//! Reading a filter.

use std::{iter::Peekable, str::Chars, str::FromStr};

use super::{Field, Filter, LONGEST_TERM, Pattern, kinds, terms::words};
use crate::{scope::nearest, time::Timestamp};

/// The longest filter, in bytes.
const LONGEST: usize = 4_096;
/// The most values and words of one.
const MOST: usize = 64;
const ACTORS: [&str; 5] = ["host", "person", "source", "client", "plugin"];

/// Why a text is no filter, and what would be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    /// A field that there is none of.
    #[error("a filter has no field '{given}'; {advice}")]
    Field {
        /// What was given, fit to be shown.
        given: String,
        /// What would be right.
        advice: String,
    },
    /// A value that the field cannot have.
    #[error("{field}='{given}': {advice}")]
    Value {
        /// The field.
        field: &'static str,
        /// What was given, fit to be shown.
        given: String,
        /// What would be right.
        advice: String,
    },
    /// The text as a whole.
    #[error("{0}")]
    Form(&'static str),
}

/// A part between spaces.
#[derive(Default)]
struct Part {
    name: Option<String>,
    value: String,
    open: bool,
}

impl FromStr for Filter {
    type Err = FilterError;

    fn from_str(text: &str) -> Result<Self, FilterError> {
        if text.len() > LONGEST {
            return Err(FilterError::Form("the filter is longer than 4096 bytes; ask for less at once"));
        }
        let mut filter = Self::default();
        let mut chars = text.chars().peekable();
        while let Some(part) = part(&mut chars)? {
            filter.take(part)?;
        }
        let values: usize = filter.fields.values().map(std::collections::BTreeSet::len).sum();
        match values + filter.words.len() <= MOST {
            true => Ok(filter),
            false => Err(FilterError::Form("the filter has more than 64 values and words; ask for less at once")),
        }
    }
}

/// The next part. Quotes hold spaces together; two of them within quotes are one.
fn part(chars: &mut Peekable<Chars<'_>>) -> Result<Option<Part>, FilterError> {
    while chars.next_if(|c| c.is_whitespace()).is_some() {}
    if chars.peek().is_none() {
        return Ok(None);
    }
    let (mut part, mut quoted) = (Part::default(), false);
    while let Some(c) = chars.next_if(|c| !c.is_whitespace()) {
        match c {
            '"' => {
                quoted = true;
                quote(chars, &mut part.value)?;
                part.open = false;
            }
            '=' if part.name.is_none() && !quoted => part.name = Some(std::mem::take(&mut part.value)),
            c => {
                part.value.push(c);
                part.open = c == '*';
            }
        }
    }
    if part.open {
        part.value.pop();
    }
    Ok(Some(part))
}

fn quote(chars: &mut Peekable<Chars<'_>>, value: &mut String) -> Result<(), FilterError> {
    loop {
        match chars.next() {
            Some('"') if chars.next_if_eq(&'"').is_some() => value.push('"'),
            Some('"') => return Ok(()),
            Some(c) => value.push(c),
            None => return Err(FilterError::Form("a quotation mark is not closed; add '\"' at the end")),
        }
    }
}

impl Filter {
    fn take(&mut self, part: Part) -> Result<(), FilterError> {
        let Some(name) = part.name else { return self.take_words(&part.value, part.open) };
        match name.as_str() {
            "since" => once(&mut self.since, "since", &part.value),
            "until" => once(&mut self.until, "until", &part.value),
            name => {
                let field = Field::named(name).or((name == "resource").then_some(Field::Record));
                let field = field.ok_or_else(|| no_such_field(name))?;
                self.fields.entry(field).or_default().insert(value(field, part.value, part.open)?);
                Ok(())
            }
        }
    }

    fn take_words(&mut self, text: &str, open: bool) -> Result<(), FilterError> {
        let mut found: Vec<Pattern> = words(text).map(Pattern::exact).collect();
        match found.last_mut() {
            Some(last) => last.open = open,
            None => return Err(FilterError::Form("free text needs a letter or a digit")),
        }
        self.words.extend(found);
        Ok(())
    }
}

fn no_such_field(name: &str) -> FilterError {
    let mut known = Field::names();
    known.extend(["since", "until"]);
    FilterError::Field { given: crate::audit::plain(name), advice: nearest(name, &known) }
}

fn wrong(field: &'static str, given: &str, advice: impl Into<String>) -> FilterError {
    FilterError::Value { field, given: crate::audit::plain(given), advice: advice.into() }
}

fn once(place: &mut Option<Timestamp>, field: &'static str, text: &str) -> Result<(), FilterError> {
    if place.is_some() {
        return Err(wrong(field, text, "it is given twice"));
    }
    let moment = moment(text);
    let advice = "expected a time such as 2026-11-01T09:30:00Z, or a day such as 2026-11-01 (its beginning, in UTC)";
    *place = Some(moment.ok_or_else(|| wrong(field, text, advice))?);
    Ok(())
}

/// A time, or the beginning of a day in UTC.
pub fn moment(text: &str) -> Option<Timestamp> {
    Timestamp::parse(text).or_else(|| Timestamp::parse(&format!("{text}T00:00:00Z")))
}

fn value(field: Field, text: String, open: bool) -> Result<Pattern, FilterError> {
    let name = field.name();
    if text.is_empty() && !open {
        return Err(wrong(name, "", "a value is missing"));
    }
    if text.chars().count() > LONGEST_TERM {
        return Err(wrong(name, &text, "no value is longer than 512 characters"));
    }
    let text = if field == Field::Host { text.to_ascii_lowercase() } else { text };
    let pattern = Pattern { text, open };
    let known: &[&str] = match field {
        Field::Kind => kinds(),
        Field::Actor => &ACTORS,
        _ => return Ok(pattern),
    };
    match known.iter().any(|value| pattern.means(value)) {
        true => Ok(pattern),
        false if pattern.open => Err(wrong(name, &format!("{}*", pattern.text), "nothing begins like that")),
        false => Err(wrong(name, &pattern.text, nearest(&pattern.text, known))),
    }
}
