//! The pages: plain HTML that works without scripts, with a keyboard and with a screen reader.
//!
//! Invariant: every text that is not of this file goes through [`escaped`].

use portcullis_broker::providers::Resolved;
use portcullis_model::{
    audit::{Actor, plain},
    consent::{Consent, Stage},
};
use serde_json::Value;

/// What is said of the plugin.
pub(super) struct Plugin {
    /// Its name and version.
    pub name: String,
    /// What it may do at the hosts in question, in an admin's words.
    pub may: Vec<String>,
}

/// The page that asks.
pub(super) fn asking(consent: &Consent, resolved: &Resolved, plugin: &Plugin, token: &str) -> String {
    // A definition for any provider has a name that says nothing: then its host does.
    let host = resolved.authorize.as_ref().map(|target| target.host()).filter(|_| resolved.hosts.is_none());
    let called = host.unwrap_or(&resolved.definition.name);
    let provider = escaped(called);
    let client = consent.origin.settings.iter().filter(|(name, _)| name.as_str() != "client-auth");
    let client = list(client.map(|(name, value)| format!("{}: <code>{}</code>", escaped(name), escaped(value))));
    let scopes = list(resolved.scopes.iter().map(|scope| format!("<code>{}</code>", escaped(scope))));
    let scopes =
        if resolved.scopes.is_empty() { "<p>What the provider gives by default.</p>".to_owned() } else { scopes };
    let at = resolved.authorize.as_ref().map(|target| target.origin()).unwrap_or_default();
    let body = format!(
        "<h1>Connect {plugin} to {provider}?</h1>
<p>{who} asks you to let {provider} issue a token for the connection <strong>{name}</strong> of this plugin, in the tenant \
<strong>{tenant}</strong>. You will be sent to <code>{at}</code> to sign in and to agree there.</p>
<dl>
<dt>What {provider} is asked for</dt><dd>{scopes}</dd>
<dt>Where the token goes, and nowhere else</dt><dd>{hosts}</dd>
<dt>What the plugin may do there</dt><dd>{may}</dd>
<dt>Who sees the token</dt><dd>Nobody. The host keeps it sealed and adds it to requests after they have left the plugin's sandbox. The \
plugin does not get it, and no page shows it.</dd>
<dt>Which client asks, and where</dt><dd>{client}</dd>
</dl>
<form method=\"post\"><input type=\"hidden\" name=\"token\" value=\"{token}\"><button type=\"submit\">Continue to {provider}</button></form>
<p class=\"quiet\">To refuse, close this page. The link can be used once, until {until}.</p>",
        plugin = escaped(&plugin.name),
        who = escaped(&who(&consent.asked_by)),
        name = escaped(&consent.key.name),
        tenant = escaped(consent.key.tenant.as_str()),
        at = escaped(&at),
        hosts = list(hosts(&consent.place).iter().map(|host| format!("<code>{}</code>", escaped(host)))),
        may = may(plugin),
        token = escaped(token),
        until = escaped(&consent.expires.to_string()),
    );
    document(&format!("Connect to {called}"), &body)
}

/// The page that says what became of it.
pub(super) fn outcome(consent: &Consent, plugin: &Plugin) -> String {
    let (name, plugin) = (escaped(&consent.key.name), escaped(&plugin.name));
    let again = "<p>To try again, ask for a new link: <code>portcullis connection authorize</code>. What was connected before stays as it was.</p>";
    let (title, body) = match &consent.stage {
        Stage::Given { missing, .. } => {
            let missing = match missing.is_empty() {
                true => String::new(),
                false => format!(
                    "<p>Not granted, though it was asked for:</p>{}",
                    list(missing.iter().map(|scope| format!("<code>{}</code>", escaped(scope))))
                ),
            };
            let hosts = list(hosts(&consent.place).iter().map(|host| format!("<code>{}</code>", escaped(host))));
            let words = "Requests of the plugin to these hosts carry the token from now on:";
            (
                "Connected",
                format!(
                    "<h1 class=\"good\">Connected</h1><p>{plugin} has the connection <strong>{name}</strong>. {words}</p>{hosts}{missing}<p>You can close this page.</p>"
                ),
            )
        }
        Stage::Ended { denied: true, .. } => (
            "Refused",
            format!(
                "<h1 class=\"bad\">Not connected: consent was refused</h1><p>Nothing was issued for the connection <strong>{name}</strong> of {plugin}.</p>{again}"
            ),
        ),
        Stage::Ended { why, .. } => (
            "Not connected",
            format!(
                "<h1 class=\"bad\">Not connected</h1><p>The connection <strong>{name}</strong> of {plugin} was not made: {}.</p>{again}",
                escaped(why)
            ),
        ),
        Stage::Waiting | Stage::Asked { .. } | Stage::Answered { .. } | Stage::Keeping { .. } => (
            "Not yet",
            "<h1>Not yet</h1><p>The provider's answer is being made use of. Reload this page in a moment.</p>"
                .to_owned(),
        ),
    };
    document(title, &body)
}

/// The page for what cannot go on.
pub(super) fn refused(why: &str) -> String {
    document("Not possible", &format!("<h1 class=\"bad\">This cannot go on</h1><p>{}.</p>", escaped(why)))
}

/// The hosts of a place.
pub(super) fn hosts(place: &Value) -> Vec<String> {
    let hosts = place.get("hosts").and_then(Value::as_array).into_iter().flatten();
    hosts.filter_map(Value::as_str).map(str::to_owned).collect()
}

fn may(plugin: &Plugin) -> String {
    match plugin.may.is_empty() {
        true => "<p>Nothing yet: it has no grant for these hosts. Until it gets one, no request carries the token.</p>"
            .to_owned(),
        false => list(plugin.may.iter().map(|words| escaped(words))),
    }
}

fn who(actor: &Actor) -> String {
    match actor {
        Actor::Person { name } => name.clone(),
        _ => "The host".to_owned(),
    }
}

fn list(items: impl Iterator<Item = String>) -> String {
    format!("<ul>{}</ul>", items.map(|item| format!("<li>{item}</li>")).collect::<String>())
}

fn document(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>
<html lang=\"en\">
<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">
<meta name=\"color-scheme\" content=\"light dark\"><title>{} · Portcullis</title><link rel=\"stylesheet\" href=\"/connect/style.css\"></head>
<body><main><header>Portcullis</header>
{body}
</main></body>
</html>
",
        escaped(title)
    )
}

/// Fit for text and for attributes in double quotes.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    for c in plain(text).chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            other => safe.push(other),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_text_becomes_markup() {
        assert_eq!(
            escaped("<a href=\"x\" on='y'>&\u{202e}"),
            "&lt;a href=&quot;x&quot; on=&#39;y&#39;&gt;&amp;\\u{202e}"
        );
    }
}
