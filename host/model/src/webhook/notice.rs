//! What the host itself tells a back end: of its installation's life, never of anybody's content (DAT-13).
//!
//! A notice is made of the audit entry that it is about, and is stored with it, so that there is none without the other.
//!
//! Invariant: a notice says what happened and to what, by name; whoever wants to know more signs in.

use serde_json::{Map, Value};

use crate::{
    audit::Entry,
    event::{Event, EventForm},
    id::{InstallationId, SourceName, TenantId},
    time::Timestamp,
};

/// What stands as origin and source in the event that a notice is stored as. A message of a notice names no origin at all.
pub const ORIGIN: &str = "portcullis";

/// The type of a message that only tries out whether messages arrive.
pub const TEST: &str = "backend.test";

/// Entries that back ends are told of: the entry's kind and the message's type.
const TOLD: &[(&str, &str)] = &[
    ("plugin.suspended", "installation.suspended"),
    ("plugin.resumed", "installation.resumed"),
    ("connection.consent-needed", "connection.consent-needed"),
    ("credential.rotated", "credentials.rotated"),
    ("client.rotated", "credentials.rotated"),
    ("backend.rotated", "credentials.rotated"),
];

/// The kind of the entries that say what an act of rotation did about one credential.
const LINE: &str = "credential.rotated";

/// A notice.
#[derive(Clone, Debug, PartialEq)]
pub struct Notice {
    /// In which tenant.
    pub tenant: TenantId,
    /// To the back end of which installation.
    pub installation: InstallationId,
    /// Its type, such as `installation.suspended`.
    pub kind: &'static str,
    /// When it happened.
    pub time: Timestamp,
    /// What it is about: names.
    pub data: Map<String, Value>,
}

impl Notice {
    /// What a back end is told of this entry; `None`: nothing. `kind` is the entry's kind by its name.
    pub fn of(entry: &Entry, kind: &str) -> Option<Self> {
        let (_, told) = TOLD.iter().find(|(about, _)| *about == kind)?;
        let line = kind == LINE;
        // A line of an act of rotation: told where there is a new one, and of a back end's own keys by what changed them.
        if line && (!entry.detail.contains_key("new-generation") || entry.resource.as_ref()?.starts_with("backend ")) {
            return None;
        }
        let about = entry.resource.as_deref().and_then(|about| about.strip_prefix("installation:"));
        let installation = about.or_else(|| entry.text("installation"))?.parse().ok()?;
        let mut notice = Self::about(entry.tenant.clone()?, installation, told, entry.time);
        for name in ["name", "public"] {
            if let Some(value) = entry.text(name) {
                notice.data.insert(name.to_owned(), value.into());
            }
        }
        if let (true, Some((_, name))) = (line, entry.resource.as_ref()?.rsplit_once('/')) {
            notice.data.insert("name".to_owned(), name.into());
        }
        Some(notice)
    }

    /// A message that tries out whether messages arrive.
    pub fn test(tenant: TenantId, installation: InstallationId, time: Timestamp) -> Self {
        Self::about(tenant, installation, TEST, time)
    }

    fn about(tenant: TenantId, installation: InstallationId, kind: &'static str, time: Timestamp) -> Self {
        let data = Map::from_iter([("installation".to_owned(), installation.as_str().into())]);
        Self { tenant, installation, kind, time, data }
    }

    /// The form in which it is stored with the events. `id` must be another one each time.
    pub fn event(self, id: String) -> Option<Event> {
        let origin: SourceName = ORIGIN.parse().ok()?;
        Some(Event {
            tenant: self.tenant,
            origin,
            id,
            kind: self.kind.to_owned(),
            source: ORIGIN.to_owned(),
            subject: None,
            time: self.time,
            form: EventForm::CloudEvents,
            data: Value::Object(self.data),
            trace: None,
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::audit::{Actor, Kind};

    fn entry(kind: Kind) -> Entry {
        Entry::new(Timestamp(5), kind, Actor::Host, Some("acme".parse().unwrap()))
    }

    #[test]
    fn holds_names_and_nothing_of_what_somebody_wrote() {
        let entry = entry(Kind::PluginSuspended).about("installation:ins_1").with("reason", "Dana says: card 4111...");
        let notice = Notice::of(&entry, &entry.kind.name()).unwrap();
        assert_eq!((notice.kind, notice.time), ("installation.suspended", Timestamp(5)));
        assert_eq!(Value::Object(notice.data.clone()), json!({ "installation": "ins_1" }));
        let event = notice.event("notice-7".into()).unwrap();
        assert_eq!((event.origin.as_str(), event.kind.as_str()), (ORIGIN, "installation.suspended"));
    }

    #[test]
    fn names_the_credential_and_finds_the_installation_in_either_place() {
        let by_detail =
            entry(Kind::BackendRotated).about("client:c_1").with("installation", "ins_2").with("name", "webhook");
        let notice = Notice::of(&by_detail, "backend.rotated").unwrap();
        assert_eq!((notice.kind, notice.installation.as_str()), ("credentials.rotated", "ins_2"));
        assert_eq!(notice.data["name"], "webhook");
    }

    #[test]
    fn a_line_of_a_rotation_is_told_where_there_is_a_new_credential() {
        let line = |about: &str| entry(Kind::CredentialRotated).about(about).with("installation", "ins_2");
        assert_eq!(Notice::of(&line("connection acme/ins_2/chat"), LINE), None, "nothing came of it");
        let told = Notice::of(&line("connection acme/ins_2/chat").with("new-generation", 4), LINE).unwrap();
        assert_eq!((told.kind, &told.data["name"]), ("credentials.rotated", &json!("chat")));
        let own = line("backend acme/ins_2/webhook").with("new-generation", 4);
        assert_eq!(Notice::of(&own, LINE), None, "its own entry tells of it");
    }

    #[test]
    fn most_entries_are_nobodys_business() {
        let other = entry(Kind::PluginGranted).about("installation:ins_1");
        assert_eq!(Notice::of(&other, &other.kind.name()), None);
        let nobodys = entry(Kind::PluginSuspended);
        assert_eq!(Notice::of(&nobodys, "plugin.suspended"), None, "about no installation");
    }
}
