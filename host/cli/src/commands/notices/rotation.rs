//! Notices about freezes and rotations.

use portcullis_model::audit::{Entry, Kind};

use super::text;

/// What an entry about them means to an admin, and what helps; `None` where nothing needs one.
pub(super) fn told(entry: &Entry) -> Option<(String, String)> {
    match entry.kind {
        Kind::FreezeAdded => Some((
            format!("{} was frozen: {}", text(entry, "extent"), text(entry, "reason")),
            "portcullis freeze list, and whether it holds still".to_owned(),
        )),
        Kind::RotationEnded => ended(entry),
        Kind::RotationNeeded => Some((
            format!("{} is as old as policy lets it be, and nothing can mint it anew", about(entry)),
            replace(entry),
        )),
        Kind::SourceRevoked => Some((
            format!("the secret of {} was revoked: its events are refused", about(entry)),
            format!("portcullis source rotate {}, and give the new secret to whoever sends", last(about(entry))),
        )),
        _ => None,
    }
}

fn ended(entry: &Entry) -> Option<(String, String)> {
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
        0 => format!("portcullis rotation show {id}"),
        _ => format!("portcullis rotate --resume {id}, once their providers answer"),
    };
    Some((what, help))
}

/// How a person replaces it.
fn replace(entry: &Entry) -> String {
    match text(entry, "family") {
        "source" => format!("portcullis source rotate {}", text(entry, "name")),
        "connection" => format!("portcullis connection add {} {}", text(entry, "installation"), text(entry, "name")),
        _ => format!("portcullis rotation status, for {}", about(entry)),
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
    use portcullis_model::{audit::Actor, time::Timestamp};

    use super::*;

    fn entry(kind: Kind) -> Entry {
        Entry::new(Timestamp(0), kind, Actor::Host, None).about("rotation:rot_1")
    }

    #[test]
    fn a_rotation_is_a_notice_only_where_something_is_left() {
        let ended = |name: &str, count: u64| told(&entry(Kind::RotationEnded).with(name, count).with("renewed", 9));
        assert_eq!(ended("failed", 0), None);
        assert_eq!(ended("failed", 2).unwrap().1, "portcullis rotate --resume rot_1, once their providers answer");
        assert_eq!(ended("not-offered", 1).unwrap().1, "portcullis rotation show rot_1");
    }

    #[test]
    fn what_a_person_must_replace_comes_with_the_command() {
        let needed = entry(Kind::RotationNeeded).with("family", "source").with("name", "billing");
        assert_eq!(told(&needed).unwrap().1, "portcullis source rotate billing");
    }
}
