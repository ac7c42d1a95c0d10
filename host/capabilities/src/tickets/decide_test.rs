use std::collections::BTreeSet;

use portcullis_model::{
    authority::{Authority, Layer},
    helpdesk::{Query, Seen, Sort, Ticket},
    scope::{Facts, Only, Reading, Scope as _, View, Views, check_meet_laws},
};
use proptest::prelude::*;

use super::*;
use crate::tickets::{scope::WRITABLE, show::Showing};

/// Five fields, of different shapes and classes.
const FIELDS: [TicketField; 5] =
    [TicketField::Subject, TicketField::Tags, TicketField::Requester, TicketField::Brand, TicketField::Comments];

fn filter() -> impl Strategy<Value = Filter> {
    let text = prop_oneof![
        Just(""),
        Just(" where=brand:a"),
        Just(" where=brand:a,brand:b"),
        Just(" where=status:open"),
        Just(" where=brand:b,status:new,status:open"),
    ];
    text.prop_map(|text| {
        let text = format!("tickets:redact{text}").parse().unwrap();
        Filter::parse(&text, portcullis_model::helpdesk::TICKET_ATTRIBUTES).unwrap()
    })
}

fn views() -> impl Strategy<Value = Views<TicketField>> {
    let some = proptest::sample::subsequence(&FIELDS, 1..=5);
    (some, proptest::collection::vec(0..3, 5)).prop_map(|(fields, ways)| {
        let named = |way: i32| {
            let of: Vec<String> =
                fields.iter().zip(&ways).filter(|(_, w)| **w == way).map(|(f, _)| f.name().to_owned()).collect();
            of
        };
        let mut text = ScopeText::new("tickets", "read").with("fields", fields.iter().map(|f| f.name().to_owned()));
        for (key, way) in [("mask", 1), ("token", 2)] {
            if !named(way).is_empty() {
                text = text.with(key, named(way));
            }
        }
        Views::parse(&text).unwrap()
    })
}

fn only<T: Copy + Ord + std::fmt::Debug>(all: &'static [T]) -> impl Strategy<Value = Only<T>> {
    let some = proptest::sample::subsequence(all, 1..=all.len());
    prop_oneof![1 => Just(Only::All), 5 => some.prop_map(|s| Only::These(s.into_iter().collect()))]
}

fn scopes() -> impl Strategy<Value = Vec<TicketsScope>> {
    let one = prop_oneof![
        3 => (views(), filter()).prop_map(|(views, filter)| TicketsScope::Read(Reading { views, filter })),
        1 => (only(&[Visibility::Internal, Visibility::Public]), filter()).prop_map(|(v, f)| TicketsScope::Comment(v, f)),
        1 => (only(&WRITABLE), filter()).prop_map(|(w, f)| TicketsScope::Write(w, f)),
        1 => filter().prop_map(TicketsScope::Redact),
        1 => filter().prop_map(TicketsScope::Delete),
    ];
    proptest::collection::vec(one, 0..5)
}

fn facts() -> impl Strategy<Value = Facts> {
    ("[abc]", prop_oneof!["open", "new"])
        .prop_map(|(brand, status)| Facts::default().with("brand", Some(brand)).with("status", Some(status)))
}

fn fields() -> impl Strategy<Value = BTreeSet<TicketField>> {
    proptest::sample::subsequence(&FIELDS, 1..4).prop_map(|fields| fields.into_iter().collect())
}

fn get(grant: &Grant<TicketsScope>, fields: &BTreeSet<TicketField>) -> GetTicket {
    GetTicket { id: "1".into(), fields: fields.clone(), within: readings(grant).within_any(fields) }
}

fn search(grant: &Grant<TicketsScope>, asked: TicketField, fields: &BTreeSet<TicketField>) -> SearchTickets {
    let mut query = Query::default();
    match asked {
        TicketField::Subject => query.words = vec!["x".into()],
        TicketField::Tags => query.tags = vec!["x".into()],
        TicketField::Requester => query.requester_id = Some("1".into()),
        _ => query.brand_id = Some("a".into()),
    }
    let mut act = SearchTickets {
        query,
        sort: Sort::Newest,
        fields: fields.clone(),
        most: 10,
        after: None,
        within: Within::default(),
    };
    act.within = findable(grant, &act.asked_by(), fields);
    act
}

proptest! {
    #[test]
    fn meet_is_a_meet(a in scopes(), b in scopes(), c in scopes()) {
        check_meet_laws(&a, &b, &c).map_err(TestCaseError::fail)?;
    }

    /// Field by field, record by record, view by view: the meet shows what both sides show.
    #[test]
    fn meet_shows_what_both_show(a in scopes(), b in scopes(), facts in facts(), at in 0usize..5, view in 0..3) {
        let (a, b) = (Grant::new(a), Grant::new(b));
        let view = [View::Mask, View::Token, View::Clear][view as usize];
        let shows = |grant: &Grant<TicketsScope>| readings(grant).within(FIELDS[at], Some(view)).fits(&facts);
        prop_assert_eq!(shows(&a.meet(&b)), shows(&a) && shows(&b));
    }

    /// The same for what is not reading.
    #[test]
    fn meet_changes_what_both_change(a in scopes(), b in scopes(), facts in facts(), at in 0usize..3, public in any::<bool>()) {
        let (a, b) = (Grant::new(a), Grant::new(b));
        type Reach = fn(&Grant<TicketsScope>, usize, bool) -> Within;
        let reaches: [Reach; 4] = [
            |grant, at, _| writable(grant, &[WRITABLE[at]]),
            |grant, _, public| commentable(grant, public),
            |grant, _, _| redactable(grant),
            |grant, _, _| deletable(grant),
        ];
        for reach in reaches {
            let reaches = |grant: &Grant<TicketsScope>| reach(grant, at, public).fits(&facts);
            prop_assert_eq!(reaches(&a.meet(&b)), reaches(&a) && reaches(&b));
        }
    }

    /// What the host asks for on a plugin's behalf is what its own decision allows, in every layer: and `explain` says the same.
    #[test]
    fn explain_agrees_with_the_decision(
        layers in proptest::collection::vec(scopes(), 1..4), fields in fields(), asked in 0usize..4,
    ) {
        let names = [Layer::Manifest, Layer::Granted, Layer::Platform];
        let layers: Vec<_> = names.into_iter().zip(layers.into_iter().map(Grant::new)).collect();
        let authority = Authority::new(layers);
        let (get, search) =
            (get(authority.effective(), &fields), search(authority.effective(), FIELDS[asked], &fields));
        prop_assert_eq!(authority.covers(&get), authority.explain(&get).refusing.is_none());
        prop_assert_eq!(authority.covers(&search), authority.explain(&search).refusing.is_none());
    }

    /// A ticket comes out with what the grant shows of it, and nothing else: whatever the service gave.
    #[test]
    fn projection_never_leaks(scopes in scopes(), facts in facts(), fields in fields()) {
        let grant = Grant::new(scopes);
        let veil = crate::testing::veil(false);
        let showing = Showing { readings: readings(&grant), veil: &veil };
        let secret = || Some("SECRET".to_owned());
        let record = Ticket {
            subject: secret(), description: secret(), requester_id: secret(), assignee_id: secret(), organization_id: secret(),
            created_at: secret(), updated_at: secret(), brand_id: secret(), tags: Some(vec!["SECRET".into()]),
            ..Ticket::default()
        };
        let shown = showing.ticket(Seen { record, facts: facts.clone() }, &fields);
        let clear = |field: TicketField| {
            fields.contains(&field) && readings(&grant).view(field, &facts) == Some(View::Clear)
        };
        let text = |field: TicketField, value: Option<&String>| {
            let leaks = value.is_some_and(|value| value.contains("SECRET"));
            if leaks == clear(field) { Ok(()) } else { Err(TestCaseError::fail(format!("{field:?}: {value:?}"))) }
        };
        text(TicketField::Subject, shown.subject.as_ref())?;
        text(TicketField::Requester, shown.requester_id.as_ref())?;
        text(TicketField::Brand, shown.brand_id.as_ref())?;
        text(TicketField::Tags, shown.tags.as_ref().and_then(|tags| tags.first()))?;
        for never in [shown.description, shown.assignee_id, shown.organization_id, shown.created_at, shown.updated_at] {
            prop_assert_eq!(never, None);
        }
    }

    /// What may not be read in the clear may not be asked by.
    #[test]
    fn a_search_asks_by_what_is_clear(scopes in scopes(), facts in facts(), fields in fields(), asked in 0usize..4) {
        let grant = Grant::new(scopes);
        let act = search(&grant, FIELDS[asked], &fields);
        if TicketsScope::decide(&grant, &act).is_ok() && act.within.fits(&facts) {
            prop_assert_eq!(readings(&grant).view(FIELDS[asked], &facts), Some(View::Clear));
        }
    }
}

#[test]
fn two_scopes_together_cover_one_act() {
    let grant = |texts: &[&str]| {
        let texts: Vec<ScopeText> = texts.iter().map(|text| text.parse().unwrap()).collect();
        Grant::<TicketsScope>::parse(&texts).unwrap()
    };
    let both = grant(&["tickets:read fields=subject", "tickets:read fields=tags"]);
    let ask = |fields: &[TicketField]| get(&both, &fields.iter().copied().collect());
    assert!(TicketsScope::decide(&both, &ask(&[TicketField::Subject, TicketField::Tags])).is_ok());
    let refused = TicketsScope::decide(&both, &ask(&[TicketField::Subject, TicketField::Requester]));
    assert_eq!(refused.unwrap_err(), "reading requester_id of tickets is not granted");
}

#[test]
fn layers_that_speak_of_different_tickets_leave_nothing() {
    let grant = |text: &str| Grant::<TicketsScope>::parse(&[text.parse().unwrap()]).unwrap();
    let layers = vec![
        (Layer::Manifest, grant("tickets:read fields=subject where=brand:a")),
        (Layer::Granted, grant("tickets:read fields=subject where=brand:b")),
    ];
    let authority = Authority::new(layers);
    let act = get(authority.effective(), &[TicketField::Subject].into());
    let explained = authority.explain(&act);
    // Each layer by itself has nothing against it; together they have nothing in common.
    assert!(explained.opinions.iter().all(|opinion| opinion.refuses.is_none()));
    assert_eq!(explained.refusing.map(|(layer, _)| layer), Some(Layer::Granted));
    assert!(TicketsScope::Redact(Filter::any()).meet(&TicketsScope::Delete(Filter::any())).is_none());
}
