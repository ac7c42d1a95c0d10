//! Notices about what installations run: upgrades, uninstalls, releases that were refused.

use portcullis_model::audit::{Entry, Kind, plain};

use super::{Known, help::Help, installation, of, text};

/// What an entry about them means to an admin, and what helps; `None` where nothing needs one.
pub(super) fn told(entry: &Entry, known: &Known) -> Option<(String, Help)> {
    let id = installation(entry);
    match entry.kind {
        Kind::PluginUpgradeWaits => Some((
            format!(
                "{} of {} waits for {}: {}",
                text(entry, "to-version"),
                text(entry, "plugin"),
                of(entry),
                list(entry, "why").join("; ")
            ),
            Help::run(["plugin", "upgrade", id, "--dry-run"]).then(["plugin", "upgrade", id, "--accept"]),
        )),
        Kind::PluginUpgraded => upgraded(entry, known),
        Kind::PluginUninstalled => Some((
            format!("{} was uninstalled: {}; erased at {}", of(entry), text(entry, "reason"), text(entry, "purge-at")),
            Help::run(["plugin", "restore", id]).but("before that"),
        )),
        Kind::ReleaseRefused => Some(refused(entry)),
        _ => None,
    }
}

fn upgraded(entry: &Entry, known: &Known) -> Option<(String, Help)> {
    let could = list(entry, "could-grant");
    (!could.is_empty()).then(|| {
        let what = format!(
            "{} runs {} now, without what could be granted: {}",
            of(entry),
            text(entry, "version"),
            could.join("; ")
        );
        (what, known.grant(installation(entry), could))
    })
}

fn refused(entry: &Entry) -> (String, Help) {
    let tenant = entry.tenant.as_ref().map_or("the host", |tenant| tenant.as_str());
    match entry.text("at") {
        // A release that an installation runs.
        None => (
            format!("a release was refused for {}: {}", of(entry), text(entry, "reason")),
            Help::run(["review", "list"]).but("whether it was withdrawn, or its review is over"),
        ),
        Some("upgrade") => (
            format!("an upgrade was refused in {tenant}: {}", text(entry, "reason")),
            Help::run(["plugin", "upgrade", "--all", "--dry-run"]),
        ),
        Some(at) => (
            format!("a release was refused at {at} in {tenant}: {}", text(entry, "reason")),
            Help::run(["review", "list"]),
        ),
    }
}

/// A detail that is a list.
fn list(entry: &Entry, name: &str) -> Vec<String> {
    let all = entry.detail.get(name).and_then(serde_json::Value::as_array);
    all.into_iter().flatten().filter_map(serde_json::Value::as_str).map(plain).collect()
}

#[cfg(test)]
mod tests {
    use portcullis_model::{audit::Actor, time::Timestamp};

    use super::*;

    fn entry(kind: Kind) -> Entry {
        Entry::new(Timestamp(5), kind, Actor::Host, Some("acme".parse().unwrap())).about("installation:ins_1")
    }

    #[test]
    fn an_upgrade_is_a_notice_where_somebody_can_do_something() {
        let upgraded = |could: &[&str]| {
            let entry = entry(Kind::PluginUpgraded).with("version", "1.3.0");
            entry.with("could-grant", could.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(told(&upgraded(&[]), &Known::nothing()), None);
        let (what, help) = told(&upgraded(&["http:send to=a.test"]), &Known::nothing()).unwrap();
        assert!(what.contains("1.3.0 now, without what could be granted: http:send to=a.test"), "{what}");
        assert!(help.to_string().starts_with("over"), "it is gone");
        let waits = entry(Kind::PluginUpgradeWaits)
            .with("plugin", "com.example.a")
            .with("to-version", "2.0.0")
            .with("why", vec!["scopes: requires kv:read".to_owned()]);
        let (what, help) = told(&waits, &Known::nothing()).unwrap();
        assert_eq!(what, "2.0.0 of com.example.a waits for installation:ins_1 in acme: scopes: requires kv:read");
        let commands = "portcullis plugin upgrade ins_1 --dry-run; portcullis plugin upgrade ins_1 --accept";
        assert_eq!(help.to_string(), commands);
    }
}
