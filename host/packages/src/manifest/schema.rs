//! The manifest's JSON schema, for editors and other programs.
//!
//! Invariant: it is made from the keys that reading goes by, and accepts every manifest that reading accepts. Reading
//! refuses more: what hangs on two places, on the spelling within a text, or on the host.

use portcullis_model::{class::Class, limits::Limits};
use serde_json::{Map, Value, json};

use super::{
    KEYS,
    key::{Form, Key},
};

/// The schema, in JSON Schema 2020-12, of a manifest as a JSON value: tables are objects.
pub fn schema() -> Value {
    let mut whole = object(KEYS);
    whole.insert("$schema".into(), "https://json-schema.org/draft/2020-12/schema".into());
    whole.insert("title".into(), "portcullis.toml".into());
    whole.insert("description".into(), "The manifest of a Portcullis plugin.".into());
    let mut whole = Value::Object(whole);
    whole.sort_all_objects();
    whole
}

fn object(keys: &[Key]) -> Map<String, Value> {
    let properties: Map<String, Value> = keys.iter().map(|key| (key.name.to_owned(), property(key))).collect();
    let required: Vec<&str> = keys.iter().filter(|key| key.must).map(|key| key.name).collect();
    closed(properties, &required)
}

/// An object with these properties and no others.
fn closed(properties: Map<String, Value>, required: &[&str]) -> Map<String, Value> {
    Map::from_iter([
        ("type".to_owned(), "object".into()),
        ("properties".to_owned(), Value::Object(properties)),
        ("required".to_owned(), required.into()),
        ("additionalProperties".to_owned(), false.into()),
    ])
}

fn property(key: &Key) -> Value {
    let mut property = form(key);
    property.insert("description".into(), key.says.into());
    if let Some(example) = example(key) {
        property.insert("examples".into(), json!([example]));
    }
    if let Some(Value::Object(rule)) = key.rule.map(|rule| rule()) {
        property.extend(rule);
    }
    Value::Object(property)
}

fn form(key: &Key) -> Map<String, Value> {
    let form = match key.form {
        Form::Line(most) => json!({ "type": "string", "pattern": r"\S", "maxLength": most }),
        Form::Text(pattern, most) => json!({ "type": "string", "pattern": pattern, "maxLength": most }),
        Form::Url(schemes) => {
            let begin = |scheme: &&str| if *scheme == "mailto" { "mailto:".to_owned() } else { format!("{scheme}://") };
            let begins: Vec<String> = schemes.iter().map(begin).collect();
            json!({ "type": "string", "pattern": format!(r"^\s*({})", begins.join("|")), "maxLength": key.most() })
        }
        Form::Count => json!({ "type": "integer", "minimum": 1 }),
        Form::Flag => json!({ "type": "boolean" }),
        Form::Classes(least) => {
            let classes = Class::ALL.map(Class::name);
            json!({ "type": "array", "items": { "enum": classes }, "uniqueItems": true, "minItems": least })
        }
        Form::Table(keys) => return object(keys),
        Form::Tables(keys, most) => json!({ "type": "array", "items": object(keys), "maxItems": most }),
        Form::Limits => return limits(),
    };
    if let Value::Object(form) = form { form } else { Map::new() }
}

fn limits() -> Map<String, Value> {
    let usual = Limits::default().entries().into_iter();
    let one =
        |(name, usual): (&str, u64)| (name.to_owned(), json!({ "type": "integer", "minimum": 1, "default": usual }));
    closed(usual.map(one).collect(), &[])
}

/// The key's example, read as the TOML that it is.
fn example(key: &Key) -> Option<Value> {
    let table: toml::Table = format!("example = {}", key.example).parse().ok()?;
    serde_json::to_value(table.get("example")?).ok()
}

#[cfg(test)]
#[path = "schema_test.rs"]
mod tests;
