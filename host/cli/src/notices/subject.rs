//! What a notice is about, by the names that other operations take: out of its entry, or of what it was gathered from.
//!
//! Invariant: nothing is named here that the notice does not say in words.

use portcullis_api::admin::v1::notices::Subject;
use portcullis_model::{
    audit::{Entry, Kind},
    connection::ConnectionView,
    installation::Installation,
    release::ReleaseId,
    rotation::Family,
    webhook::BackEnd,
};

/// What an entry is about.
pub(super) fn of(entry: &Entry) -> Subject {
    let text = |name: &str| entry.text(name).map(str::to_owned);
    let about = |kind: &str| {
        let resource = entry.resource.as_deref()?;
        resource.strip_prefix(kind)?.strip_prefix(':').map(str::to_owned)
    };
    let family = |family: Family| Some(family.name().to_owned());
    let (family, name) = match entry.kind {
        Kind::ConnectionConsentNeeded => (family(Family::Connection), text("name")),
        Kind::RotationNeeded => (text("family"), text("name")),
        Kind::SourceRevoked => (family(Family::Source), about("source")),
        _ => (None, None),
    };
    Subject {
        tenant: entry.tenant.as_ref().map(ToString::to_string),
        installation: about("installation").or_else(|| text("installation")),
        plugin: text("plugin"),
        family,
        name,
        rotation: about("rotation"),
        delivery: about("delivery"),
        client: matches!(entry.kind, Kind::RefreshReused | Kind::CodeMisused).then(|| text("of")).flatten(),
        ..Subject::default()
    }
}

/// A connection's credential.
pub(super) fn of_connection(view: &ConnectionView) -> Subject {
    Subject {
        tenant: Some(view.key.tenant.to_string()),
        installation: Some(view.key.installation.to_string()),
        family: Some(Family::Connection.name().to_owned()),
        name: Some(view.key.name.clone()),
        ..Subject::default()
    }
}

/// A back end.
pub(super) fn of_back_end(one: &BackEnd) -> Subject {
    Subject {
        tenant: Some(one.tenant.to_string()),
        installation: Some(one.installation.to_string()),
        family: Some(Family::Backend.name().to_owned()),
        ..Subject::default()
    }
}

/// A release, whoever runs it.
pub(super) fn of_release(plugin: &str, release: &ReleaseId) -> Subject {
    Subject {
        plugin: Some(plugin.to_owned()),
        component: Some(release.component.to_string()),
        manifest: Some(release.manifest.to_string()),
        ..Subject::default()
    }
}

/// Names the plugin of the installation that it is about, where nothing else does.
pub(super) fn named(subject: &mut Subject, installed: &[Installation]) {
    if let (Some(id), None) = (&subject.installation, &subject.plugin) {
        let found = installed.iter().find(|one| one.id.as_str() == id.as_str());
        subject.plugin = found.map(|one| one.plugin.to_string());
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::{audit::Actor, time::Timestamp};

    use super::*;

    fn entry(kind: Kind, about: &str) -> Entry {
        Entry::new(Timestamp(5), kind, Actor::Host, Some("acme".parse().unwrap())).about(about)
    }

    fn some(text: &str) -> Option<String> {
        Some(text.to_owned())
    }

    #[test]
    fn an_entry_says_by_name_what_it_is_about() {
        let needed = entry(Kind::ConnectionConsentNeeded, "installation:ins_1").with("name", "desk");
        let connection = Subject {
            tenant: some("acme"),
            installation: some("ins_1"),
            family: some("connection"),
            name: some("desk"),
            ..Subject::default()
        };
        assert_eq!(of(&needed), connection);
        let revoked = of(&entry(Kind::SourceRevoked, "source:billing"));
        assert_eq!((revoked.family, revoked.name, revoked.installation), (some("source"), some("billing"), None));
        assert_eq!(of(&entry(Kind::RotationEnded, "rotation:rot_1")).rotation, some("rot_1"));
        let message = of(&entry(Kind::DeliveryDead, "delivery:7").with("installation", "ins_1"));
        assert_eq!((message.delivery, message.installation), (some("7"), some("ins_1")));
        let misused = entry(Kind::CodeMisused, "installation:ins_1").with("of", "cli_1");
        assert_eq!(of(&misused).client, some("cli_1"));
        let needed = entry(Kind::RotationNeeded, "backend acme/ins_1/").with("family", "backend");
        assert_eq!(of(&needed.with("installation", "ins_1")).installation, some("ins_1"));
        let host = Entry::new(Timestamp(5), Kind::HostStarted, Actor::Host, None);
        assert!(of(&host).is_nothing());
    }
}
