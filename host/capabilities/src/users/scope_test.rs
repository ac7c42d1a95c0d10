use portcullis_model::{
    helpdesk::FindBy,
    scope::{Facts, Filter, View, Views, Within, check_meet_laws},
};
use proptest::prelude::*;

use super::*;

const FIELDS: [UserField; 4] = [UserField::Name, UserField::Email, UserField::Phone, UserField::Organization];

fn filter() -> impl Strategy<Value = Filter> {
    prop_oneof![Just(""), Just(" where=organization:1"), Just(" where=organization:1,organization:2,role:agent")]
        .prop_map(|text| Filter::parse(&format!("users:read{text}").parse().unwrap(), USER_ATTRIBUTES).unwrap())
}

fn scopes() -> impl Strategy<Value = Vec<UsersScope>> {
    let views = (proptest::sample::subsequence(&FIELDS, 1..=4), 0..3).prop_map(|(fields, way)| {
        let names: Vec<String> = fields.iter().map(|f| f.name().to_owned()).collect();
        let text = ScopeText::new("users", "read").with("fields", names.clone());
        let text = if way == 0 { text } else { text.with(["mask", "token"][way as usize - 1], names[..1].to_vec()) };
        Views::parse(&text).unwrap()
    });
    let organizations = proptest::sample::subsequence(OrganizationField::ALL, 1..=3).prop_map(Views::clear);
    let one = prop_oneof![
        3 => (views, filter()).prop_map(|(views, filter)| UsersScope::Read(Reading { views, filter })),
        1 => organizations.prop_map(|views| UsersScope::Organizations(Reading { views, filter: Filter::any() })),
    ];
    proptest::collection::vec(one, 0..5)
}

fn facts() -> impl Strategy<Value = Facts> {
    ("[123]", prop_oneof!["agent", "admin"])
        .prop_map(|(id, role)| Facts::default().with("organization", Some(id)).with("role", Some(role)))
}

proptest! {
    #[test]
    fn meet_is_a_meet(a in scopes(), b in scopes(), c in scopes()) {
        check_meet_laws(&a, &b, &c).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn meet_shows_what_both_show(a in scopes(), b in scopes(), facts in facts(), at in 0usize..4, view in 0..3) {
        let (a, b) = (Grant::new(a), Grant::new(b));
        let view = [View::Mask, View::Token, View::Clear][view as usize];
        let shows = |grant: &Grant<UsersScope>| people(grant).within(FIELDS[at], Some(view)).fits(&facts);
        prop_assert_eq!(shows(&a.meet(&b)), shows(&a) && shows(&b));
    }

    /// Nobody is found by what may not be read of them in the clear.
    #[test]
    fn a_search_asks_by_what_is_clear(scopes in scopes(), facts in facts(), email in any::<bool>()) {
        let grant = Grant::new(scopes);
        let by = if email { FindBy::Email("a@b".into()) } else { FindBy::Phone("1".into()) };
        let field = by.field();
        let fields = [UserField::Name].into();
        let within = people(&grant).within_clear(&[field].into()).meet(&people(&grant).within_any(&fields));
        let act = FindUsers { by, fields, after: None, most: 10, within };
        if UsersScope::decide(&grant, &act).is_ok() && act.within.fits(&facts) {
            prop_assert_eq!(people(&grant).view(field, &facts), Some(View::Clear));
        }
    }
}

#[test]
fn an_act_that_reaches_further_than_the_grant_is_refused() {
    let grant = Grant::<UsersScope>::parse(&["users:read fields=name where=role:agent".parse().unwrap()]).unwrap();
    let act = |within| GetUser { id: "1".into(), fields: [UserField::Name].into(), within };
    assert!(UsersScope::decide(&grant, &act(people(&grant).within_any(&[UserField::Name].into()))).is_ok());
    let refused = UsersScope::decide(&grant, &act(Within::everything())).unwrap_err();
    assert!(refused.contains("outside of 'where='"), "{refused}");
}
