//! Notices about freezes and rotations.

use portcullis_model::{
    audit::{Entry, Kind},
    rotation::Family,
    time::Timestamp,
};

use super::{
    connections::{self, Held},
    help::Help,
    text,
};

/// What an entry about them means to an admin, and what helps; `None` where nothing needs one.
pub(super) fn told(entry: &Entry, connections: &[Held], now: Timestamp) -> Option<(String, Help)> {
    match entry.kind {
        Kind::FreezeAdded => Some((
            format!("{} was frozen: {}", text(entry, "extent"), text(entry, "reason")),
            Help::run(["freeze", "list"]).but("whether it holds still"),
        )),
        Kind::RotationEnded => ended(entry),
        Kind::RotationNeeded => Some((
            format!("{} is as old as policy lets it be, and nothing can mint it anew", about(entry)),
            replace(entry, connections, now),
        )),
        Kind::SourceRevoked => Some((
            format!("the secret of {} was revoked: its events are refused", about(entry)),
            Help::run(["source", "rotate", last(about(entry))]).but("give the new secret to whoever sends"),
        )),
        _ => None,
    }
}

fn ended(entry: &Entry) -> Option<(String, Help)> {
    let number = |name: &str| entry.detail.get(name).and_then(serde_json::Value::as_u64).unwrap_or_default();
    let (failed, person, alive) = (number("failed"), number("person-needed"), number("revocation-failed"));
    let unended = number("not-offered");
    if failed + person + alive + unended == 0 {
        return None;
    }
    let id = last(about(entry));
    let what = format!(
        "{} of {}: {failed} failed and are frozen, {person} need a person, {} live on where they were issued",
        about(entry),
        text(entry, "extent"),
        alive + unended
    );
    let help = match failed {
        0 => Help::run(["rotation", "show", id]),
        _ => Help::run(["rotate", "--resume", id]).but("once their providers answer"),
    };
    Some((what, help))
}

/// How a person replaces it.
fn replace(entry: &Entry, connections: &[Held], now: Timestamp) -> Help {
    let installation = text(entry, "installation");
    let of = |family: Family| text(entry, "family") == family.name();
    if of(Family::Source) {
        Help::run(["source", "rotate", text(entry, "name")]).but("give the new secret to whoever sends")
    } else if of(Family::Connection) {
        connections::replace(connections, installation, text(entry, "name"), now)
    } else if of(Family::Backend) {
        Help::run(["backend", "rotate", installation])
            .but("give the new key to whoever runs the back end, within the overlap")
    } else if of(Family::ClientKey) {
        Help::run(["client", "show", installation])
            .but("have whoever runs the back end make a new key, and register it")
    } else if of(Family::AlertEndpoint) {
        let tenant = entry.tenant.as_ref().map(|tenant| ["--tenant", tenant.as_str()]);
        Help::run(["alert", "send-to", "--rotate"].into_iter().chain(tenant.into_iter().flatten()))
            .but("give the new key to whoever is told, within a day")
    } else {
        Help::run(["rotation", "status"])
    }
}

fn about(entry: &Entry) -> &str {
    entry.resource.as_deref().unwrap_or("-")
}

fn last(about: &str) -> &str {
    about.rsplit(':').next().unwrap_or(about)
}

#[cfg(test)]
mod tests {
    use portcullis_model::audit::Actor;

    use super::*;

    fn entry(kind: Kind) -> Entry {
        Entry::new(Timestamp(0), kind, Actor::Host, None).about("rotation:rot_1")
    }

    fn told(entry: &Entry) -> Option<(String, String)> {
        super::told(entry, &[], Timestamp(0)).map(|(what, help)| (what, help.to_string()))
    }

    #[test]
    fn a_rotation_is_a_notice_only_where_something_is_left() {
        let ended = |name: &str, count: u64| told(&entry(Kind::RotationEnded).with(name, count).with("renewed", 9));
        assert_eq!(ended("failed", 0), None);
        assert_eq!(ended("failed", 2).unwrap().1, "portcullis rotate --resume rot_1  # once their providers answer");
        assert_eq!(ended("not-offered", 1).unwrap().1, "portcullis rotation show rot_1");
    }

    #[test]
    fn what_a_person_must_replace_comes_with_the_command() {
        let needed = entry(Kind::RotationNeeded).with("family", "source").with("name", "billing");
        let help = told(&needed).unwrap().1;
        assert_eq!(help, "portcullis source rotate billing  # give the new secret to whoever sends");
        let needed =
            entry(Kind::RotationNeeded).with("family", "backend").with("name", "").with("installation", "ins_1");
        assert!(told(&needed).unwrap().1.starts_with("portcullis backend rotate ins_1  #"));
    }
}
