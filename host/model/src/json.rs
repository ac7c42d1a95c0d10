//! JSON in its one form: the members of every object in the order of their names.
//!
//! What is signed, hashed or compared byte by byte has this form. Whether serde_json keeps members in the order of their insertion is
//! decided by whatever else is built into a program, so nothing relies on it.

use serde::Serialize;
use serde_json::Value;

/// A value in that form.
///
/// # Errors
/// It cannot be written as JSON.
pub fn sorted(value: &impl Serialize) -> Result<Value, serde_json::Error> {
    let mut value = serde_json::to_value(value)?;
    value.sort_all_objects();
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Serialize)]
    struct Unsorted {
        b: u8,
        a: Value,
    }

    #[test]
    fn members_stand_in_the_order_of_their_names_however_deep() {
        let inner: Value = serde_json::from_str(r#"[{"z":1,"y":{"d":0,"c":0}}]"#).unwrap();
        let text = sorted(&Unsorted { b: 1, a: inner }).unwrap().to_string();
        assert_eq!(text, r#"{"a":[{"y":{"c":0,"d":0},"z":1}],"b":1}"#);
    }
}
