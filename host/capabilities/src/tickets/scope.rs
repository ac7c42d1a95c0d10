//! `tickets:read fields=...`, `tickets:comment visibility=...`, `tickets:write fields=...`, `tickets:redact`.

use portcullis_model::{
    helpdesk::{AddComment, GetTicket, ListComments, RedactComment, TicketField, UpdateTicket},
    scope::{Allows, Grant, Only, Risk, Scope, ScopeError, ScopeText},
};

/// Whether a comment is shown to the customer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Visibility {
    /// A note for agents.
    Internal,
    /// Goes to the customer.
    Public,
}

impl Visibility {
    fn name(self) -> &'static str {
        match self {
            Self::Internal => "internal",
            Self::Public => "public",
        }
    }

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "internal" => Ok(Self::Internal),
            "public" => Ok(Self::Public),
            other => Err(format!("no visibility '{other}'; known are: internal, public")),
        }
    }
}

/// What may be done with tickets.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TicketsScope {
    /// Read these fields.
    Read(Only<TicketField>),
    /// Add comments that are seen so far.
    Comment(Only<Visibility>),
    /// Change these fields.
    Write(Only<TicketField>),
    /// Cover parts of comments for good.
    Redact,
}

const WRITABLE: [TicketField; 3] = [TicketField::Status, TicketField::Priority, TicketField::Tags];

fn writable(name: &str) -> Result<TicketField, String> {
    match name.parse() {
        Ok(field) if WRITABLE.contains(&field) => Ok(field),
        _ => Err(format!("'{name}' cannot be written; known are: status, priority, tags")),
    }
}

fn list(fields: &Only<TicketField>) -> String {
    match fields {
        Only::All => "all fields".to_owned(),
        Only::These(set) => set.iter().map(|f| f.name()).collect::<Vec<_>>().join(", "),
    }
}

impl Scope for TicketsScope {
    const CAPABILITY: &'static str = "tickets";

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        let wrong = |problem: String| text.error(problem);
        let scope = match text.action() {
            "read" => {
                text.expect_keys(&["fields"])?;
                Self::Read(Only::parse(text.values("fields"), str::parse).map_err(wrong)?)
            }
            "comment" => {
                text.expect_keys(&["visibility"])?;
                Self::Comment(Only::parse(text.values("visibility"), Visibility::parse).map_err(wrong)?)
            }
            "write" => {
                text.expect_keys(&["fields"])?;
                Self::Write(Only::parse(text.values("fields"), writable).map_err(wrong)?)
            }
            "redact" => {
                text.expect_keys(&[])?;
                Self::Redact
            }
            _ => return Err(text.unknown_action(&["read", "comment", "write", "redact"])),
        };
        Ok(vec![scope])
    }

    fn text(&self) -> ScopeText {
        let fields = |fields: &Only<TicketField>| fields.values(|f| f.name().to_owned());
        match self {
            Self::Read(of) => ScopeText::new("tickets", "read").with("fields", fields(of)),
            Self::Comment(of) => {
                ScopeText::new("tickets", "comment").with("visibility", of.values(|v| v.name().to_owned()))
            }
            Self::Write(of) => ScopeText::new("tickets", "write").with("fields", fields(of)),
            Self::Redact => ScopeText::new("tickets", "redact"),
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Read(a), Self::Read(b)) => a.meet(b).map(Self::Read),
            (Self::Comment(a), Self::Comment(b)) => a.meet(b).map(Self::Comment),
            (Self::Write(a), Self::Write(b)) => a.meet(b).map(Self::Write),
            (Self::Redact, Self::Redact) => Some(Self::Redact),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Read(of) => format!("reads of tickets: {}", list(of)),
            Self::Comment(Only::These(set)) if !set.contains(&Visibility::Public) => {
                "adds internal notes to tickets, which customers do not see".to_owned()
            }
            Self::Comment(_) => "adds comments to tickets that customers see".to_owned(),
            Self::Write(of) => format!("changes of tickets: {}", list(of)),
            Self::Redact => "covers parts of comments for good".to_owned(),
        }
    }

    fn risk(&self) -> Risk {
        use TicketField as F;
        const PERSONAL: [F; 5] = [F::Subject, F::Description, F::Requester, F::CustomFields, F::Comments];
        match self {
            Self::Read(of) if PERSONAL.iter().any(|f| of.has(f)) => Risk::High,
            Self::Comment(of) if of.has(&Visibility::Public) => Risk::High,
            Self::Redact => Risk::High,
            Self::Read(_) | Self::Comment(_) | Self::Write(_) => Risk::Medium,
        }
    }
}

/// Checks that each of the fields is in some scope that `of` picks.
fn each<'a>(
    grant: &'a Grant<TicketsScope>,
    fields: &[TicketField],
    of: impl Fn(&'a TicketsScope) -> Option<&'a Only<TicketField>>,
    verb: &str,
) -> Result<(), String> {
    let lists: Vec<_> = grant.scopes().filter_map(of).collect();
    if lists.is_empty() {
        return Err(format!("{verb} tickets is not granted"));
    }
    if fields.is_empty() {
        return Err(format!("{verb} no field of a ticket is nothing that can be granted"));
    }
    let missing: Vec<&str> =
        fields.iter().filter(|f| !lists.iter().any(|list| list.has(f))).map(|f| f.name()).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("{verb} {} of tickets is not granted", missing.join(", "))),
    }
}

fn read_fields(scope: &TicketsScope) -> Option<&Only<TicketField>> {
    if let TicketsScope::Read(of) = scope { Some(of) } else { None }
}

fn write_fields(scope: &TicketsScope) -> Option<&Only<TicketField>> {
    if let TicketsScope::Write(of) = scope { Some(of) } else { None }
}

fn names(fields: &[TicketField]) -> Vec<String> {
    fields.iter().map(|f| f.name().to_owned()).collect()
}

impl Allows<GetTicket> for TicketsScope {
    fn needed(act: &GetTicket) -> ScopeText {
        let fields: Vec<_> = act.fields.iter().copied().collect();
        ScopeText::new("tickets", "read").with("fields", names(&fields))
    }

    fn decide(grant: &Grant<Self>, act: &GetTicket) -> Result<(), String> {
        let fields: Vec<_> = act.fields.iter().copied().collect();
        each(grant, &fields, read_fields, "reading")
    }
}

impl Allows<ListComments> for TicketsScope {
    fn needed(_: &ListComments) -> ScopeText {
        ScopeText::new("tickets", "read").with("fields", names(&[TicketField::Comments]))
    }

    fn decide(grant: &Grant<Self>, _: &ListComments) -> Result<(), String> {
        each(grant, &[TicketField::Comments], read_fields, "reading")
    }
}

fn visibility(act: &AddComment) -> Visibility {
    if act.public { Visibility::Public } else { Visibility::Internal }
}

impl Allows<AddComment> for TicketsScope {
    fn needed(act: &AddComment) -> ScopeText {
        ScopeText::new("tickets", "comment").with("visibility", [visibility(act).name().to_owned()])
    }

    fn decide(grant: &Grant<Self>, act: &AddComment) -> Result<(), String> {
        let allows = |scope: &Self| matches!(scope, Self::Comment(of) if of.has(&visibility(act)));
        match grant.scopes().any(allows) {
            true => Ok(()),
            false => Err(format!("adding {} comments is not granted", visibility(act).name())),
        }
    }
}

fn changed(act: &UpdateTicket) -> Vec<TicketField> {
    let tags = !act.add_tags.is_empty() || !act.remove_tags.is_empty();
    [
        (act.status.is_some(), TicketField::Status),
        (act.priority.is_some(), TicketField::Priority),
        (tags, TicketField::Tags),
    ]
    .into_iter()
    .filter_map(|(changed, field)| changed.then_some(field))
    .collect()
}

impl Allows<UpdateTicket> for TicketsScope {
    fn needed(act: &UpdateTicket) -> ScopeText {
        ScopeText::new("tickets", "write").with("fields", names(&changed(act)))
    }

    fn decide(grant: &Grant<Self>, act: &UpdateTicket) -> Result<(), String> {
        each(grant, &changed(act), write_fields, "changing")
    }
}

impl Allows<RedactComment> for TicketsScope {
    fn needed(_: &RedactComment) -> ScopeText {
        ScopeText::new("tickets", "redact")
    }

    fn decide(grant: &Grant<Self>, _: &RedactComment) -> Result<(), String> {
        match grant.scopes().any(|scope| *scope == Self::Redact) {
            true => Ok(()),
            false => Err("redacting comments is not granted".to_owned()),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use portcullis_model::scope::check_meet_laws;
    use proptest::prelude::*;

    use super::*;

    fn only<T: Copy + Ord + std::fmt::Debug>(all: &'static [T]) -> impl Strategy<Value = Only<T>> {
        let some = proptest::sample::subsequence(all, 1..=all.len());
        prop_oneof![1 => Just(Only::All), 5 => some.prop_map(|s| Only::These(s.into_iter().collect()))]
    }

    fn scopes() -> impl Strategy<Value = Vec<TicketsScope>> {
        let one = prop_oneof![
            only(&TicketField::ALL[..5]).prop_map(TicketsScope::Read),
            only(&[Visibility::Internal, Visibility::Public]).prop_map(TicketsScope::Comment),
            only(&WRITABLE).prop_map(TicketsScope::Write),
            Just(TicketsScope::Redact),
        ];
        proptest::collection::vec(one, 0..5)
    }

    proptest! {
        #[test]
        fn meet_is_a_meet(a in scopes(), b in scopes(), c in scopes()) {
            check_meet_laws(&a, &b, &c).map_err(TestCaseError::fail)?;
        }

        #[test]
        fn meet_allows_what_both_allow(
            a in scopes(), b in scopes(), fields in proptest::sample::subsequence(&TicketField::ALL[..5], 1..4)
        ) {
            let (a, b) = (Grant::new(a), Grant::new(b));
            let act = GetTicket { id: "1".into(), fields: fields.into_iter().collect::<BTreeSet<_>>() };
            let both = TicketsScope::decide(&a, &act).is_ok() && TicketsScope::decide(&b, &act).is_ok();
            prop_assert_eq!(TicketsScope::decide(&a.meet(&b), &act).is_ok(), both);
        }
    }

    #[test]
    fn says_what_is_wrong() {
        for (text, problem) in [
            ("tickets:raed fields=subject", "did you mean 'read'?"),
            ("tickets:read", "'fields=...' is missing"),
            ("tickets:read fields=sujbect", "did you mean 'subject'?"),
            ("tickets:read felds=subject", "did you mean 'fields'?"),
            ("tickets:write fields=subject", "cannot be written"),
            ("tickets:comment visibility=secret", "known are: internal, public"),
            ("tickets:redact fields=comments", "takes no constraints"),
        ] {
            let error = TicketsScope::parse(&text.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn two_scopes_together_cover_one_act() {
        let texts = ["tickets:read fields=subject".parse().unwrap(), "tickets:read fields=tags".parse().unwrap()];
        let grant = Grant::<TicketsScope>::parse(&texts).unwrap();
        let act = |fields: &[TicketField]| GetTicket { id: "1".into(), fields: fields.iter().copied().collect() };
        assert!(TicketsScope::decide(&grant, &act(&[TicketField::Subject, TicketField::Tags])).is_ok());
        let refused = TicketsScope::decide(&grant, &act(&[TicketField::Subject, TicketField::Requester]));
        assert_eq!(refused.unwrap_err(), "reading requester_id of tickets is not granted");
    }
}
