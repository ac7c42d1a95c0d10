//! How a credential is replaced: by the command that would make the connection that there is, with all that was said of it.

use std::time::Duration;

use portcullis_broker::{connection::STATIC, consent::Keeps, providers::Way};
use portcullis_model::{
    audit::{Entry, Kind},
    connection::ConnectionView,
    time::Timestamp,
};

use super::{help::Help, installation, of, text};
use crate::{connect::providers, host::Host};

/// For how long a risk is suggested to be accepted anew, where it is over.
const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// A connection, and how its credential comes.
#[derive(Clone, Debug)]
pub(super) struct Held {
    view: ConnectionView,
    by_consent: bool,
}

impl Held {
    /// All. Where they cannot be read, that needs an admin too; the rest is told all the same.
    pub(super) async fn all(host: &Host) -> Vec<Self> {
        let read = async { Ok::<_, anyhow::Error>((Keeps::views(&*host.connections).await?, providers(&host.home)?)) };
        let (views, providers) = match read.await {
            Ok(read) => read,
            Err(error) => {
                tracing::warn!(error = format!("{error:#}"), "connections cannot be read");
                return Vec::new();
            }
        };
        let way = |view: &ConnectionView| providers.get(&view.origin.provider).map(|definition| definition.way);
        let held = |view: ConnectionView| Self { by_consent: matches!(way(&view), Ok(Way::AuthorizationCode)), view };
        views.into_iter().map(held).collect()
    }
}

/// What an entry about one means to an admin, and what helps; `None` where nothing needs one.
pub(super) fn told(entry: &Entry, all: &[Held], now: Timestamp) -> Option<(String, Help)> {
    (entry.kind == Kind::ConnectionConsentNeeded).then(|| {
        let (id, name) = (installation(entry), text(entry, "name"));
        let what = format!("the credential {name} of {} needs consent: {}", of(entry), text(entry, "why"));
        (what, replace(all, id, name, now))
    })
}

/// The connection of this name.
fn find<'a>(all: &'a [Held], installation: &str, name: &str) -> Option<&'a Held> {
    all.iter().find(|held| held.view.key.installation.as_str() == installation && held.view.key.name == name)
}

/// How a person replaces this credential.
pub(super) fn replace(all: &[Held], installation: &str, name: &str, now: Timestamp) -> Help {
    match find(all, installation, name) {
        None => Help::run(["connection", "list"]).then(["vault", "status"]).but("it is gone, or does not open"),
        Some(held) if held.by_consent => authorize(&held.view),
        Some(held) => add(&held.view, now),
    }
}

/// As the options of 'connection authorize' and 'connection add' say it.
fn options(view: &ConnectionView) -> Vec<String> {
    let mut options = Vec::new();
    let mut option = |name: &str, value: &str| options.push(format!("--{name}={value}"));
    option("provider", view.origin.provider.as_str());
    for (name, value) in &view.origin.settings {
        option("set", &format!("{name}={value}"));
    }
    for scope in &view.origin.scopes {
        option("scope", scope);
    }
    let hosts = view.place.get("hosts").and_then(|hosts| hosts.as_array()).into_iter().flatten();
    for host in hosts.filter_map(|host| host.as_str()) {
        option("to", host);
    }
    for name in ["header", "prefix"] {
        if let Some(value) = view.place.get(name).and_then(|value| value.as_str()) {
            option(name, value);
        }
    }
    options
}

fn command(verb: &str, view: &ConnectionView) -> Vec<String> {
    let named = ["connection", verb, view.key.installation.as_str(), &view.key.name].map(str::to_owned);
    named.into_iter().chain(options(view)).collect()
}

/// By consent, with the client that is there.
fn authorize(view: &ConnectionView) -> Help {
    let mut command = command("authorize", view);
    command.push("--same-client".to_owned());
    Help::run(command)
}

/// By hand: a token, or a client's secret or key.
pub(super) fn add(view: &ConnectionView, now: Timestamp) -> Help {
    let mut command = command("add", view);
    let mut accept = |why: &str, until: Timestamp| {
        command.push(format!("--accept-risk={why}"));
        command.push(format!("--until={until}"));
    };
    let what = match &view.origin.risk {
        Some(risk) => {
            accept(&risk.reason, if now < risk.until { risk.until } else { now.plus(MONTH) });
            "the new token on standard input; accept the risk for as long as you answer for it"
        }
        None if view.origin.provider.as_str() == STATIC => {
            accept("the reason", now.plus(MONTH));
            "the token on standard input; say why there is no OAuth, and until when you answer for it"
        }
        None => "the client's new secret or key on standard input",
    };
    Help::run(command).but(what)
}

#[cfg(test)]
pub(super) mod tests {
    use portcullis_model::{
        connection::{ConnectionKey, Origin, Standing},
        risk::AcceptedRisk,
    };
    use serde_json::json;

    use super::*;

    pub(in super::super) fn held(name: &str, provider: &str, risk: Option<i64>) -> Held {
        let risk = risk.map(|until| AcceptedRisk {
            reason: "it's the only way".into(),
            accepted_by: "dana".into(),
            until: Timestamp(until),
        });
        let view = ConnectionView {
            key: ConnectionKey {
                tenant: "acme".parse().unwrap(),
                installation: "ins_1".parse().unwrap(),
                name: name.into(),
            },
            origin: Origin {
                provider: provider.parse().unwrap(),
                settings: [("client-id".to_owned(), "-portcullis".to_owned())].into(),
                scopes: vec!["tickets:read".into(), "users:read all".into()],
                risk,
            },
            place: json!({ "hosts": ["acme.example", "b.acme.example:8443"], "header": "authorization", "prefix": "Bearer " }),
            generation: 3,
            issued: Timestamp(0),
            expires: None,
            standing: Standing::Ready,
            unreadable: None,
        };
        Held { view, by_consent: provider == "zendesk" }
    }

    #[test]
    fn a_command_says_all_that_was_said_of_the_connection() {
        let all = [held("desk", "zendesk", None), held("old", "static", Some(5))];
        assert_eq!(
            replace(&all, "ins_1", "desk", Timestamp(0)).to_string(),
            "portcullis connection authorize ins_1 desk --provider=zendesk --set=client-id=-portcullis --scope=tickets:read \
             '--scope=users:read all' --to=acme.example --to=b.acme.example:8443 --header=authorization '--prefix=Bearer ' --same-client"
        );
        let again = replace(&all, "ins_1", "old", Timestamp(5)).to_string();
        assert!(
            again.contains(r"'--accept-risk=it'\''s the only way' --until=1970-01-31T00:00:00.005Z  # the new token"),
            "{again}"
        );
        let before = replace(&all, "ins_1", "old", Timestamp(4)).to_string();
        assert!(before.contains("--until=1970-01-01T00:00:00.005Z "), "{before}");
        let gone = replace(&all, "ins_2", "old", Timestamp(0)).to_string();
        assert_eq!(gone, "portcullis connection list; portcullis vault status  # it is gone, or does not open");
    }
}
