//! One authority, two doors: whatever is granted and whatever is asked, a guest's host functions and a back end's session give the
//! same answer, or the same denial.

use std::collections::BTreeSet;

use portcullis_model::{
    helpdesk::{FindBy, OrganizationField, PAGE, Query, Sort, TicketField, UserField},
    limits::Limits,
    platform::{Refusal, Window},
};
use portcullis_runtime::{Purpose, wit::types};
use proptest::{prelude::*, test_runner::TestRunner};

use super::testing::{ALL, World, bearer};
use crate::{
    States,
    tickets::{self, guest::Sort as Wit},
    users,
};

/// An answer that can be compared, or which scope is missing and who could change that, or what else is wrong.
type Told = Result<String, String>;

fn guest<T: std::fmt::Debug>(answer: Result<T, types::Error>) -> Told {
    answer.map(|value| format!("{value:?}")).map_err(|error| match error {
        types::Error::Denied(denial) => format!("denied {} {}", denial.scope, denial.grantor),
        types::Error::Invalid(what) => what,
        types::Error::NotFound => "not found".into(),
        other => format!("{other:?}"),
    })
}

fn back_end<T: std::fmt::Debug>(answer: Result<T, Refusal>) -> Told {
    answer.map(|value| format!("{value:?}")).map_err(|refusal| match refusal {
        Refusal::Denied { denial, .. } => format!("denied {} {}", denial.needed, denial.layer.grantor()),
        other => other.to_string(),
    })
}

/// Some grants, of which the one is the installation's and the other the token's.
fn grants() -> impl Strategy<Value = Vec<String>> {
    let fields = |all: Vec<&'static str>| {
        let some = proptest::sample::subsequence(all, 1..4);
        (some, "(| mask=personal| token=personal)")
            .prop_map(|(names, view)| format!("fields={}{view}", names.join(",")))
    };
    let tickets: Vec<&str> = TicketField::ALL.iter().map(|field| field.name()).collect();
    let people: Vec<&str> = UserField::ALL.iter().map(|field| field.name()).collect();
    let companies: Vec<&str> = OrganizationField::ALL.iter().map(|field| field.name()).collect();
    let one = prop_oneof![
        3 => (fields(tickets), "(| where=status:open| where=priority:normal,status:open,status:solved)")
            .prop_map(|(fields, only)| format!("tickets:read {fields}{only}")),
        2 => (fields(people), "(| where=role:end-user| where=role:admin)")
            .prop_map(|(fields, only)| format!("users:read {fields}{only}")),
        1 => fields(companies).prop_map(|fields| format!("users:organizations {fields}")),
        1 => Just("tickets:read fields=* mask=personal".to_owned()),
        1 => Just("users:read fields=*".to_owned()),
    ];
    // A class that none of the fields is of cannot be masked: such a scope nobody can grant.
    let readable = |scope: &String| {
        use portcullis_model::catalogue::Catalogue as _;
        crate::Catalogue.describe(&scope.parse().unwrap()).is_ok()
    };
    proptest::collection::vec(one, 0..4).prop_map(move |all| all.into_iter().filter(readable).collect())
}

/// What is asked of tickets, people and organizations.
#[derive(Clone, Debug)]
struct Asked {
    ticket: BTreeSet<TicketField>,
    user: BTreeSet<UserField>,
    organization: BTreeSet<OrganizationField>,
    query: Query,
    sort: Sort,
}

fn asked() -> impl Strategy<Value = Asked> {
    let tickets: Vec<TicketField> =
        TicketField::ALL.iter().copied().filter(|field| *field != TicketField::Comments).collect();
    let some = (
        proptest::sample::subsequence(tickets, 1..4),
        proptest::sample::subsequence(UserField::ALL.to_vec(), 1..3),
        proptest::sample::subsequence(OrganizationField::ALL.to_vec(), 1..3),
        "(|a|the|card)",
        any::<bool>(),
    );
    some.prop_map(|(ticket, user, organization, word, updated)| Asked {
        ticket: ticket.into_iter().collect(),
        user: user.into_iter().collect(),
        organization: organization.into_iter().collect(),
        query: Query { words: word.split_whitespace().map(str::to_owned).collect(), ..Query::default() },
        sort: if updated { Sort::Updated } else { Sort::Newest },
    })
}

fn names<F: portcullis_model::scope::Field>(fields: &BTreeSet<F>) -> Vec<String> {
    fields.iter().map(|field| field.name().to_owned()).collect()
}

fn words(query: &Query) -> tickets::guest::Query {
    tickets::guest::Query {
        words: Some(query.words.join(" ")),
        status: vec![],
        priority: vec![],
        tags: vec![],
        requester_id: None,
        assignee_id: None,
        organization_id: None,
        brand_id: None,
        updated_since: None,
    }
}

const TICKETS: [&str; 3] = ["1005", "1220", "999999"];
const PERSON: &str = "9010351";
const COMPANY: &str = "361066";

/// What the guest's own host functions say.
async fn inside(states: &mut States, asked: &Asked) -> Vec<Told> {
    use tickets::guest::Host as _;
    use users::guest::Host as _;
    let mut told = Vec::new();
    for id in TICKETS {
        told.push(guest(states.tickets.get(id.into(), names(&asked.ticket)).await.unwrap()));
        let comments = tickets::guest::Host::comments(&mut states.tickets, id.into(), None).await.unwrap();
        told.push(guest(comments));
    }
    let (query, sort) = (words(&asked.query), if asked.sort == Sort::Updated { Wit::Updated } else { Wit::Newest });
    told.push(guest(states.tickets.search(query, sort, names(&asked.ticket), 7, None).await.unwrap()));
    told.push(guest(states.users.get(PERSON.into(), names(&asked.user)).await.unwrap()));
    let by = users::guest::Finder::Organization(COMPANY.into());
    told.push(guest(states.users.find(by, names(&asked.user), None).await.unwrap()));
    told.push(guest(states.users.get_organization(COMPANY.into(), names(&asked.organization)).await.unwrap()));
    told
}

/// What a back end's session says, in the form of the guest's records.
async fn outside(session: &mut dyn portcullis_model::platform::Session, asked: &Asked) -> Vec<Told> {
    let all = Window { most: PAGE, after: None };
    let mut told = Vec::new();
    for id in TICKETS {
        let ticket = session.ticket(id.into(), Some(asked.ticket.clone())).await;
        told.push(back_end(ticket.map(tickets::guest::ticket)));
        let comments = session.comments(id.into(), all.clone()).await;
        told.push(back_end(
            comments.map(|part| part.items.into_iter().map(tickets::guest::comment).collect::<Vec<_>>()),
        ));
    }
    let window = Window { most: 7, after: None };
    let found = session.tickets(asked.query.clone(), asked.sort, Some(asked.ticket.clone()), window).await;
    told.push(back_end(found.map(|part| tickets::guest::Page {
        tickets: part.items.into_iter().map(tickets::guest::ticket).collect(),
        next: part.next,
    })));
    told.push(back_end(session.user(PERSON.into(), Some(asked.user.clone())).await.map(users::guest::user)));
    let people = session.users(FindBy::Organization(COMPANY.into()), Some(asked.user.clone()), all).await;
    told.push(back_end(people.map(|part| part.items.into_iter().map(users::guest::user).collect::<Vec<_>>())));
    let company = session.organization(COMPANY.into(), Some(asked.organization.clone())).await;
    told.push(back_end(company.map(users::guest::organization)));
    told
}

#[test]
fn both_doors_give_the_same_answers() {
    let host = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let world = host.block_on(World::new());
    let mut runner = TestRunner::new(ProptestConfig { cases: 48, ..ProptestConfig::default() });
    let answered = std::cell::Cell::new(0);
    let checked = runner.run(&(grants(), grants(), asked()), |(granted, token, asked)| {
        let texts = |all: &[String]| -> Vec<String> { all.iter().chain([&"log:write".to_owned()]).cloned().collect() };
        let (granted, token) = (texts(&granted), texts(&token));
        let granted: Vec<&str> = granted.iter().map(String::as_str).collect();
        let token: Vec<&str> = token.iter().map(String::as_str).collect();
        let installation = world.install(&granted, Limits::CEILING);
        let narrow = world.install(&granted, Limits::CEILING);
        let (within, without, narrowed, both) = host.block_on(async {
            let visit = world.runtime.visit(&installation, Purpose::default()).await.unwrap();
            let within = inside(&mut visit.states(), &asked).await;
            let mut session = world.open(&bearer(&installation, &ALL)).await.unwrap();
            let without = outside(&mut *session, &asked).await;
            // A token narrows as a layer does.
            let narrowed = (portcullis_model::authority::Layer::Token, super::testing::scopes(&token));
            let purpose = Purpose { narrowed: Some(narrowed), ..Purpose::default() };
            let visit = world.runtime.visit(&narrow, purpose).await.unwrap();
            let narrowed = inside(&mut visit.states(), &asked).await;
            let mut session = world.open(&bearer(&narrow, &token)).await.unwrap();
            (within, without, narrowed, outside(&mut *session, &asked).await)
        });
        answered.set(answered.get() + within.iter().filter(|told| told.is_ok()).count());
        prop_assert_eq!(within, without);
        prop_assert_eq!(narrowed, both);
        Ok(())
    });
    checked.unwrap();
    assert!(answered.get() > 20, "only {} answers were more than a refusal", answered.get());
}
