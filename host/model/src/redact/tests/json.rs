//! JSON: strings, keys and whole numbers, at any depth.

use serde_json::{Value, json};

use crate::redact::redact_json;

#[track_caller]
fn becomes(mut before: Value, after: Value, numbers: u64) {
    assert_eq!(redact_json(&mut before), numbers, "{before}");
    assert_eq!(before, after);
    assert_eq!(redact_json(&mut before), 0);
    assert_eq!(before, after);
}

#[test]
fn strings_and_keys_are_covered_at_any_depth() {
    becomes(
        json!({"a": ["x", {"b": [["my 4111 1111 1111 1111"]]}], "4111111111111111": {"5555555555554444": null}}),
        json!({"a": ["x", {"b": [["my 4111 11██ ████ 1111"]]}], "411111██████1111": {"555555██████4444": null}}),
        3,
    );
}

#[test]
fn whole_numbers_that_are_card_numbers_become_text() {
    becomes(
        json!([
            4111111111111111_u64,
            -4111111111111111_i64,
            4111111111111111.0,
            501800000009_u64,
            4000000000000000006_u64
        ]),
        json!(["411111██████1111", "-411111██████1111", "411111██████1111", "501800██0009", "400000█████████0006"]),
        5,
    );
}

#[test]
fn other_numbers_stay_numbers() {
    for number in [
        json!(0),
        json!(4111111111111112_u64),
        json!(14111111111111111_u64),
        json!(1761559200000_u64),
        json!(u64::MAX),
        json!(i64::MIN),
        json!(0.5555555555554444),
        json!(41111111.5),
        json!(1e300),
        json!(true),
        json!(null),
    ] {
        becomes(number.clone(), number, 0);
    }
}

#[test]
fn keys_that_become_the_same_lose_no_value() {
    becomes(
        json!({"4111111111111111": 1, "4111110000091111": 2, "4111111111111111 ": 3, "411111██████1111": 4}),
        json!({
            "411111██████1111": 4, "411111██████1111 (no 2)": 2, "411111██████1111 (no 3)": 1, "411111██████1111 ": 3
        }),
        3,
    );
    becomes(
        json!({"4111111111111111": [1], "4111110000091111": [2], "411111██████1111 (no 2)": 3}),
        json!({"411111██████1111": [2], "411111██████1111 (no 2)": 3, "411111██████1111 (no 3)": [1]}),
        2,
    );
}

#[test]
fn depth_costs_no_stack() {
    let mut value = json!("4111111111111111");
    for _ in 0..100_000 {
        value = Value::Array(vec![value]);
    }
    assert_eq!(redact_json(&mut value), 1);
    // Taken apart layer by layer: dropping it whole is what recursion is in.
    while let Value::Array(mut items) = value {
        value = items.pop().unwrap_or_default();
    }
    assert_eq!(value, json!("411111██████1111"));
}
