//! `tickets:read fields=...`, `tickets:comment visibility=...`, `tickets:write fields=...`, `tickets:redact`, `tickets:delete`;
//! each with `where=...` for some tickets only, and reading with `mask=...` and `token=...`.

use std::collections::BTreeSet;

use portcullis_model::{
    class::Class,
    helpdesk::{TICKET_ATTRIBUTES, TicketField},
    scope::{Field as _, Filter, Grant, Only, Reading, Readings, Risk, Scope, ScopeError, ScopeText},
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
    pub(super) fn name(self) -> &'static str {
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

/// What may be done with tickets, and with which of them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum TicketsScope {
    /// Read fields.
    Read(Reading<TicketField>),
    /// Add comments that are seen so far.
    Comment(Only<Visibility>, Filter),
    /// Change these fields.
    Write(Only<TicketField>, Filter),
    /// Cover parts of comments for good.
    Redact(Filter),
    /// Delete tickets for good.
    Delete(Filter),
}

pub(super) const WRITABLE: [TicketField; 3] = [TicketField::Status, TicketField::Priority, TicketField::Tags];

fn writable(name: &str) -> Result<TicketField, String> {
    match name.parse() {
        Ok(field) if WRITABLE.contains(&field) => Ok(field),
        _ => Err(format!("'{name}' cannot be written; known are: status, priority, tags")),
    }
}

impl Scope for TicketsScope {
    const CAPABILITY: &'static str = "tickets";
    const EXAMPLES: &'static [&'static str] = &[
        "tickets:read fields=subject,status,tags where=brand:acme mask=personal",
        "tickets:comment visibility=internal",
        "tickets:write fields=status,tags",
        "tickets:redact",
        "tickets:delete where=status:closed",
    ];

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        let wrong = |problem: String| text.error(problem);
        let filter = || Filter::parse(text, TICKET_ATTRIBUTES);
        let scope = match text.action() {
            "read" => Self::Read(Reading::parse(text, TICKET_ATTRIBUTES)?),
            "comment" => {
                text.expect(&["visibility"], &["where"])?;
                Self::Comment(Only::parse(text.values("visibility"), Visibility::parse).map_err(wrong)?, filter()?)
            }
            "write" => {
                text.expect(&["fields"], &["where"])?;
                Self::Write(Only::parse(text.values("fields"), writable).map_err(wrong)?, filter()?)
            }
            "redact" => {
                text.expect(&[], &["where"])?;
                Self::Redact(filter()?)
            }
            "delete" => {
                text.expect(&[], &["where"])?;
                Self::Delete(filter()?)
            }
            _ => return Err(text.unknown_action(&["read", "comment", "write", "redact", "delete"])),
        };
        Ok(vec![scope])
    }

    fn text(&self) -> ScopeText {
        let action = |name| ScopeText::new("tickets", name);
        match self {
            Self::Read(reading) => reading.write(action("read")),
            Self::Comment(of, filter) => {
                filter.write(action("comment").with("visibility", of.values(|v| v.name().to_owned())))
            }
            Self::Write(of, filter) => filter.write(action("write").with("fields", of.values(|f| f.name().to_owned()))),
            Self::Redact(filter) => filter.write(action("redact")),
            Self::Delete(filter) => filter.write(action("delete")),
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Read(a), Self::Read(b)) => a.meet(b).map(Self::Read),
            (Self::Comment(a, f), Self::Comment(b, g)) => Some(Self::Comment(a.meet(b)?, f.meet(g)?)),
            (Self::Write(a, f), Self::Write(b, g)) => Some(Self::Write(a.meet(b)?, f.meet(g)?)),
            (Self::Redact(f), Self::Redact(g)) => f.meet(g).map(Self::Redact),
            (Self::Delete(f), Self::Delete(g)) => f.meet(g).map(Self::Delete),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        match self {
            Self::Read(reading) => format!("reads of tickets: {}", reading.describe()),
            Self::Comment(Only::These(set), filter) if !set.contains(&Visibility::Public) => {
                format!("adds internal notes to tickets, which customers do not see{}", filter.describe())
            }
            Self::Comment(_, filter) => format!("adds comments to tickets that customers see{}", filter.describe()),
            Self::Write(of, filter) => {
                let fields = match of {
                    Only::All => "status, priority, tags".to_owned(),
                    Only::These(set) => set.iter().map(|f| f.name()).collect::<Vec<_>>().join(", "),
                };
                format!("changes of tickets: {fields}{}", filter.describe())
            }
            Self::Redact(filter) => format!("covers parts of comments for good{}", filter.describe()),
            Self::Delete(filter) => {
                format!("deletes tickets with their comments and files for good{}", filter.describe())
            }
        }
    }

    fn risk(&self) -> Risk {
        match self {
            Self::Comment(of, _) if of.has(&Visibility::Public) => Risk::High,
            Self::Redact(_) | Self::Delete(_) => Risk::High,
            Self::Read(reading) if reading.classes().contains(&Class::Personal) => Risk::High,
            Self::Read(_) | Self::Comment(..) | Self::Write(..) => Risk::Medium,
        }
    }

    fn classes(&self) -> BTreeSet<Class> {
        match self {
            Self::Read(reading) => reading.classes(),
            Self::Comment(..) | Self::Redact(_) | Self::Delete(_) => [Class::Internal, Class::Personal].into(),
            Self::Write(of, _) => WRITABLE.iter().filter(|field| of.has(field)).map(|field| field.class()).collect(),
        }
    }
}

/// The grant's reading scopes.
pub(crate) fn readings(grant: &Grant<TicketsScope>) -> Readings<'_, TicketField> {
    Readings::new(grant.scopes().filter_map(|scope| if let TicketsScope::Read(of) = scope { Some(of) } else { None }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        for (text, problem) in [
            ("tickets:raed fields=subject", "did you mean 'read'?"),
            ("tickets:read", "'fields=...' is missing"),
            ("tickets:read", "for example: tickets:read fields=subject"),
            ("tickets:read fields=sujbect", "did you mean 'subject'?"),
            ("tickets:read felds=subject", "did you mean 'fields='?"),
            ("tickets:read fields=subject where=brnad:acme", "did you mean 'brand'?"),
            ("tickets:read fields=subject where=status:opne", "did you mean 'open'?"),
            ("tickets:read fields=subject where=brand", "expected attribute:value"),
            ("tickets:read fields=subject mask=tags", "neither one of its fields nor a class"),
            ("tickets:read fields=subject mask=subject token=subject", "both in 'mask' and in 'token'"),
            ("tickets:read fields=status mask=internal", "too few values to be masked"),
            ("tickets:write fields=subject", "cannot be written"),
            ("tickets:comment visibility=secret", "known are: internal, public"),
            ("tickets:redact fields=comments", "known are: where="),
        ] {
            let error = portcullis_model::scope::read::<TicketsScope>(&text.parse().unwrap()).unwrap_err().to_string();
            assert!(error.contains(problem), "{text}: {error}");
        }
    }

    #[test]
    fn says_itself_in_an_admins_words() {
        for (text, words) in [
            (
                "tickets:read fields=subject,tags,requester_id mask=personal where=brand:acme,brand:beta,status:open",
                "reads of tickets: tags; masked: subject, requester_id, only where brand is acme or beta and status is open",
            ),
            (
                "tickets:delete where=status:closed",
                "deletes tickets with their comments and files for good, only where status is closed",
            ),
            ("tickets:read fields=*", "reads of tickets: all fields"),
        ] {
            let scope = &TicketsScope::parse(&text.parse().unwrap()).unwrap()[0];
            assert_eq!(scope.describe(), words);
        }
        let risk = |text: &str| TicketsScope::parse(&text.parse().unwrap()).unwrap()[0].risk();
        assert_eq!(risk("tickets:read fields=subject"), Risk::High);
        assert_eq!(risk("tickets:read fields=subject mask=personal"), Risk::Medium);
    }
}
