//! `users:read fields=...` and `users:organizations fields=...`.

use portcullis_model::{
    helpdesk::{GetOrganization, GetUser, OrganizationField, UserField},
    scope::{Allows, Grant, Only, Risk, Scope, ScopeError, ScopeText},
};

/// What may be read of people and organizations.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum UsersScope {
    /// These fields of people.
    Read(Only<UserField>),
    /// These fields of organizations.
    Organizations(Only<OrganizationField>),
}

impl Scope for UsersScope {
    const CAPABILITY: &'static str = "users";

    fn parse(text: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        let wrong = |problem: String| text.error(problem);
        if !matches!(text.action(), "read" | "organizations") {
            return Err(text.unknown_action(&["read", "organizations"]));
        }
        text.expect_keys(&["fields"])?;
        let fields = text.values("fields");
        Ok(vec![match text.action() {
            "read" => Self::Read(Only::parse(fields, str::parse).map_err(wrong)?),
            _ => Self::Organizations(Only::parse(fields, str::parse).map_err(wrong)?),
        }])
    }

    fn text(&self) -> ScopeText {
        match self {
            Self::Read(of) => ScopeText::new("users", "read").with("fields", of.values(|f| f.name().to_owned())),
            Self::Organizations(of) => {
                ScopeText::new("users", "organizations").with("fields", of.values(|f| f.name().to_owned()))
            }
        }
    }

    fn meet(&self, other: &Self) -> Option<Self> {
        match (self, other) {
            (Self::Read(a), Self::Read(b)) => a.meet(b).map(Self::Read),
            (Self::Organizations(a), Self::Organizations(b)) => a.meet(b).map(Self::Organizations),
            _ => None,
        }
    }

    fn describe(&self) -> String {
        let all = |names: Vec<String>| if names == ["*"] { "all fields".to_owned() } else { names.join(", ") };
        match self {
            Self::Read(of) => format!("reads of people: {}", all(of.values(|f| f.name().to_owned()))),
            Self::Organizations(of) => format!("reads of organizations: {}", all(of.values(|f| f.name().to_owned()))),
        }
    }

    fn risk(&self) -> Risk {
        use UserField as F;
        match self {
            Self::Read(of) if [F::Name, F::Email, F::Phone].iter().any(|f| of.has(f)) => Risk::High,
            Self::Read(_) | Self::Organizations(_) => Risk::Medium,
        }
    }
}

/// Checks that each field is in one of the lists.
fn each<'a, F: Copy + Ord + 'a>(
    lists: impl Iterator<Item = &'a Only<F>>,
    fields: impl Iterator<Item = F>,
    name: fn(F) -> &'static str,
    of: &str,
) -> Result<(), String> {
    let lists: Vec<_> = lists.collect();
    if lists.is_empty() {
        return Err(format!("reading {of} is not granted"));
    }
    let fields: Vec<F> = fields.collect();
    if fields.is_empty() {
        return Err(format!("reading no field of {of} is nothing that can be granted"));
    }
    let missing: Vec<_> = fields.into_iter().filter(|f| !lists.iter().any(|list| list.has(f))).map(name).collect();
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("reading {} of {of} is not granted", missing.join(", "))),
    }
}

impl Allows<GetUser> for UsersScope {
    fn needed(act: &GetUser) -> ScopeText {
        ScopeText::new("users", "read").with("fields", act.fields.iter().map(|f| f.name().to_owned()))
    }

    fn decide(grant: &Grant<Self>, act: &GetUser) -> Result<(), String> {
        let lists = grant.scopes().filter_map(|s| if let Self::Read(of) = s { Some(of) } else { None });
        each(lists, act.fields.iter().copied(), UserField::name, "people")
    }
}

impl Allows<GetOrganization> for UsersScope {
    fn needed(act: &GetOrganization) -> ScopeText {
        ScopeText::new("users", "organizations").with("fields", act.fields.iter().map(|f| f.name().to_owned()))
    }

    fn decide(grant: &Grant<Self>, act: &GetOrganization) -> Result<(), String> {
        let lists = grant.scopes().filter_map(|s| if let Self::Organizations(of) = s { Some(of) } else { None });
        each(lists, act.fields.iter().copied(), OrganizationField::name, "organizations")
    }
}

#[cfg(test)]
mod tests {
    use portcullis_model::scope::check_meet_laws;
    use proptest::prelude::*;

    use super::*;

    fn only<T: Copy + Ord + std::fmt::Debug>(all: &'static [T]) -> impl Strategy<Value = Only<T>> {
        let some = proptest::sample::subsequence(all, 1..=all.len());
        prop_oneof![1 => Just(Only::All), 5 => some.prop_map(|s| Only::These(s.into_iter().collect()))]
    }

    fn scopes() -> impl Strategy<Value = Vec<UsersScope>> {
        let one = prop_oneof![
            only(&UserField::ALL[..4]).prop_map(UsersScope::Read),
            only(OrganizationField::ALL).prop_map(UsersScope::Organizations),
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
            a in scopes(), b in scopes(), fields in proptest::sample::subsequence(&UserField::ALL[..4], 1..3)
        ) {
            let (a, b) = (Grant::new(a), Grant::new(b));
            let act = GetUser { id: "1".into(), fields: fields.into_iter().collect() };
            let both = UsersScope::decide(&a, &act).is_ok() && UsersScope::decide(&b, &act).is_ok();
            prop_assert_eq!(UsersScope::decide(&a.meet(&b), &act).is_ok(), both);
        }
    }
}
