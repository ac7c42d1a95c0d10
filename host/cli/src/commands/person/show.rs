//! `portcullis person list`

use anyhow::Result;
use portcullis_model::audit::plain;
use serde_json::{Value, json};

use super::{At, With};

pub(super) async fn list(with: &With, at: &At) -> Result<()> {
    let people = with.keyboard.all("/people", &at.query()?).await?;
    let waiting = with.keyboard.all("/people/invitations", &at.query()?).await?;
    let row = |one: &Value| {
        json!({
            "person": one["id"], "email": one["email"], "name": one["name"], "role": one["role"], "until": one["until"],
            "suspended": one["suspended"], "break-glass": one["break-glass"],
        })
    };
    let link = |one: &Value| json!({ "invitation": one["id"], "email": one["email"], "role": one["role"], "expires": one["expires"] });
    let (rows, links): (Vec<Value>, Vec<Value>) =
        (people.iter().map(row).collect(), waiting.iter().map(link).collect());
    with.output.result(&json!({ "people": rows, "invitations": links }), || {
        let mut lines: Vec<String> = people.iter().map(person).collect();
        lines.extend(waiting.iter().map(|one| {
            let text = |name: &str| plain(one[name].as_str().unwrap_or_default());
            let (id, email, role, expires) = (text("id"), text("email"), text("role"), text("expires"));
            format!("{id}  invited: {email} as {role}, link good until {expires}")
        }));
        if lines.is_empty() { "Nobody.".to_owned() } else { lines.join("\n") }
    })
}

fn person(one: &Value) -> String {
    let text = |name: &str| plain(one[name].as_str().unwrap_or_default());
    let until = one["until"].as_str().map_or_else(String::new, |until| format!(" until {until}"));
    let state = if one["suspended"] == true { ", suspended" } else { "" };
    format!("{}  {} <{}>  {}{until}{state}", text("id"), text("name"), text("email"), text("role"))
}
