//! What an act is within holds for every act, and means in SQL what it means in the model.

use std::{
    collections::BTreeSet,
    sync::{
        LazyLock,
        atomic::{AtomicU32, Ordering},
    },
};

use portcullis_model::{error::ServiceError, helpdesk::*, scope::Within};
use proptest::prelude::*;

use super::{SqliteHelpDesk, product, testing::*};

#[tokio::test]
async fn a_record_outside_is_not_there_for_any_act() {
    let (_dir, desk) = seeded().await;
    let before = desk.whole("acme", OPEN).await;
    let comments = desk.list("acme", OPEN, None).await.unwrap();
    let file = desk.files("acme", files_of(OPEN)).await.unwrap().remove(0);
    desk.add("acme", comment(OPEN, "x", "used")).await.unwrap();
    let counts = desk.counts(&tenant("acme")).await.unwrap();
    for outside in
        [&["status:closed"][..], &["brand:nobody", "priority:urgent"], &["planet:earth"], &["assignee:x"], &[]]
    {
        let within = || within(outside);
        let acme = |id: &str| GetTicket { id: id.into(), fields: BTreeSet::new(), within: within() };
        let gone = Err(ServiceError::NotFound);
        assert_eq!(spend("acme", INSTALLATION, acme(OPEN), |act| desk.ticket(act)).await, Err(ServiceError::NotFound));
        let act = ListComments { ticket: OPEN.into(), after: Some("x".into()), most: 1, within: within() };
        let listed = spend("acme", INSTALLATION, act, |act| desk.comments(act)).await;
        assert_eq!(listed, Err(ServiceError::NotFound), "not even that the cursor is wrong");
        for key in ["used", "new"] {
            let act = AddComment { within: within(), ..comment(OPEN, "y", key) };
            assert_eq!(desk.add("acme", act).await, Err(ServiceError::NotFound), "not even that the key was used");
        }
        let status = Some(Status::New);
        assert_eq!(desk.set("acme", UpdateTicket { status, within: within(), ..change(OPEN) }).await, gone);
        let spans = RedactComment { within: within(), ..cover(OPEN, &comments[0].id, &[(0, 9_999)]) };
        assert_eq!(desk.hide("acme", spans).await, gone);
        assert_eq!(desk.remove("acme", OPEN, within()).await, gone);
        assert!(desk.files("acme", ListAttachments { within: within(), ..files_of(OPEN) }).await.is_err());
        let act = StatAttachment { id: file.id.clone(), within: within() };
        assert!(spend("acme", INSTALLATION, act, |act| desk.attachment(act)).await.is_err());
        let act = ReadAttachment { file: file.clone(), offset: 0, most: 1, within: within() };
        assert!(spend("acme", INSTALLATION, act, |act| desk.read_attachment(act)).await.is_err());
    }
    assert_eq!(desk.counts(&tenant("acme")).await.unwrap(), counts);
    assert_eq!(desk.whole("acme", OPEN).await.status, before.status);
    assert_eq!(desk.list("acme", OPEN, None).await.unwrap()[..3], comments);
}

#[tokio::test]
async fn within_speaks_of_a_ticket_as_it_was_before_the_change() {
    let (_dir, desk) = seeded().await;
    let open = within(&["status:open"]);
    let solve = UpdateTicket { status: Some(Status::Solved), within: open.clone(), ..change(OPEN) };
    desk.set("acme", solve.clone()).await.unwrap();
    assert_eq!(desk.set("acme", solve).await, Err(ServiceError::NotFound));
    assert_eq!(desk.remove("acme", OPEN, open).await, Err(ServiceError::NotFound));
    desk.remove("acme", OPEN, within(&["status:open", "type:incident,status:solved"])).await.unwrap();
}

#[tokio::test]
async fn people_and_organizations_are_within_too() {
    let (_dir, desk) = seeded().await;
    let user = async |id: &str, filters: &[&str]| {
        let act = GetUser { id: id.into(), fields: BTreeSet::new(), within: within(filters) };
        spend("acme", INSTALLATION, act, |act| desk.user(act)).await
    };
    let seen = user("9010057", &["role:agent", "organization:361001,role:end-user"]).await.unwrap();
    assert_eq!(seen.record, User { id: "9010057".into(), ..User::default() });
    assert!(within(&["organization:361001,role:end-user"]).fits(&seen.facts));
    for outside in
        [&["role:agent"][..], &["organization:361014"], &["organization:361001,role:agent"], &["brand:x"], &[]]
    {
        assert_eq!(user("9010057", outside).await, Err(ServiceError::NotFound), "{outside:?}");
        let act = FindUsers { within: within(outside), ..seek_people(FindBy::Organization("361001".into())) };
        assert_eq!(desk.people("acme", act).await, Ok(vec![]), "{outside:?}");
    }
    assert_eq!(user("9010001", &["organization:361001"]).await, Err(ServiceError::NotFound), "of no organization");

    let company = async |filters: &[&str]| {
        let act = GetOrganization { id: "361001".into(), fields: BTreeSet::new(), within: within(filters) };
        spend("acme", INSTALLATION, act, |act| desk.organization(act)).await
    };
    assert!(within(&["organization:361001"]).fits(&company(&["organization:361001"]).await.unwrap().facts));
    for outside in [&["organization:361014"][..], &["organization:0361001"], &["role:agent"], &[]] {
        assert_eq!(company(outside).await, Err(ServiceError::NotFound), "{outside:?}");
    }
}

/// Each case has a tenant of its own in one database, so that all cases are each other's strangers.
static SHARED: LazyLock<(tempfile::TempDir, tokio::runtime::Runtime, SqliteHelpDesk)> = LazyLock::new(|| {
    let dir = tempfile::tempdir().unwrap();
    let desk = opened(dir.path());
    (dir, tokio::runtime::Runtime::new().unwrap(), desk)
});
static CASES: AtomicU32 = AtomicU32::new(0);

const BRANDS: [&str; 3] = ["acme", "beta", "1"];
const PEOPLE: [&str; 3] = ["9010057", "9010064", "9010071"];
const ORGANIZATIONS: [&str; 2] = ["361001", "361014"];

fn some<T: Clone + std::fmt::Debug + 'static>(values: &'static [T]) -> impl Strategy<Value = Option<T>> {
    proptest::option::weighted(0.8, proptest::sample::select(values))
}

fn tickets() -> impl Strategy<Value = Vec<Ticket>> {
    let owned = |id: Option<&str>| id.map(str::to_owned);
    let names = (proptest::sample::select(Status::ALL), some(Priority::ALL), some(Kind::ALL));
    let ids = (proptest::sample::select(&PEOPLE[..]), some(&PEOPLE), some(&ORGANIZATIONS), some(&BRANDS));
    let one = (names, ids, 0_i64..4).prop_map(
        move |((status, priority, kind), (requester, assignee, company, brand), at)| {
            let at = Some(portcullis_model::time::Timestamp(at).to_string());
            Ticket {
                subject: Some("s".into()),
                status: Some(status),
                priority,
                kind,
                requester_id: Some(requester.into()),
                assignee_id: owned(assignee),
                organization_id: owned(company),
                brand_id: owned(brand),
                created_at: at.clone(),
                updated_at: at,
                ..Ticket::default()
            }
        },
    );
    proptest::collection::vec(one, 0..12).prop_map(|mut all| {
        all.iter_mut().zip(1_u32..).for_each(|(ticket, n)| ticket.id = (n * 7).to_string());
        all
    })
}

fn filters() -> impl Strategy<Value = Vec<String>> {
    let names = [
        "brand:acme",
        "brand:beta",
        "brand:1",
        "status:open",
        "status:closed",
        "status:new",
        "priority:high",
        "priority:low",
        "type:task",
        "type:question",
        "assignee:9010057",
        "assignee:09010057",
        "requester:9010057",
        "requester:9010064",
        "requester:x",
        "organization:361001",
        "organization:361014",
        "role:agent",
        "planet:earth",
    ];
    let filter = proptest::sample::subsequence(names.to_vec(), 0..5).prop_map(|all| all.join(","));
    proptest::collection::vec(filter, 0..4)
}

fn new_tenant(tickets: &[Ticket]) -> String {
    let (_, runtime, desk) = &*SHARED;
    let name = format!("case-{}", CASES.fetch_add(1, Ordering::Relaxed));
    let (owner, tickets) = (tenant(&name), tickets.to_vec());
    let load = move |db: &rusqlite::Transaction<'_>| {
        for id in ORGANIZATIONS {
            let sql = "INSERT INTO organizations VALUES (?, ?, 'o', '[]', '[]', '[]')";
            db.execute(sql, (owner.as_str(), id.parse::<i64>().unwrap()))?;
        }
        for id in PEOPLE {
            let sql = "INSERT INTO users (tenant, id, name, role, tags) VALUES (?, ?, 'p', 'agent', '[]')";
            db.execute(sql, (owner.as_str(), id.parse::<i64>().unwrap()))?;
        }
        tickets.iter().try_for_each(|ticket| product::insert(db, &owner, ticket))
    };
    runtime.block_on(desk.write(load)).unwrap();
    name
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn what_is_found_is_what_fits(
        tickets in tickets(), others in tickets(), filters in filters(), most in 1_u32..5, updated in any::<bool>(),
    ) {
        let (_, runtime, desk) = &*SHARED;
        let (tenant, _) = (new_tenant(&tickets), new_tenant(&others));
        let within = within(&filters.iter().map(String::as_str).collect::<Vec<_>>());
        let mut expected: Vec<&Ticket> =
            tickets.iter().filter(|ticket| within.fits(&super::tickets::facts(ticket))).collect();
        let order = |ticket: &&Ticket| (updated.then(|| ticket.updated_at.clone()), ticket.id.parse::<u32>().unwrap());
        expected.sort_by_key(|ticket| std::cmp::Reverse(order(ticket)));
        let expected: Vec<String> = expected.into_iter().map(|ticket| ticket.id.clone()).collect();

        let sort = if updated { Sort::Updated } else { Sort::Newest };
        let act = |after, most| SearchTickets { sort, after, most, within: within.clone(), ..seek(Query::default()) };
        let whole = runtime.block_on(desk.found(&tenant, act(None, PAGE))).unwrap();
        prop_assert_eq!(ids(&whole), expected.iter().map(String::as_str).collect::<Vec<_>>());
        prop_assert!(whole.tickets.iter().all(|seen| within.fits(&seen.facts)));
        let (mut pages, mut after) = (Vec::new(), None);
        loop {
            let page = runtime.block_on(desk.found(&tenant, act(after, most))).unwrap();
            prop_assert!(page.tickets.len() <= most as usize);
            prop_assert_eq!(page.next.is_some(), pages.len() + page.tickets.len() < expected.len());
            let last = page.tickets.last().map(|seen| seen.record.id.clone());
            prop_assert!(page.next.is_none_or(|next| last == Some(next.id.to_string())), "speaks of what was found");
            pages.extend(ids(&page).into_iter().map(str::to_owned));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        prop_assert_eq!(&pages, &expected);

        for ticket in &tickets {
            let act = GetTicket { id: ticket.id.clone(), fields: BTreeSet::new(), within: within.clone() };
            let got = runtime.block_on(spend(&tenant, INSTALLATION, act, |act| desk.ticket(act)));
            match expected.contains(&ticket.id) {
                true => prop_assert_eq!(got.unwrap().facts, super::tickets::facts(ticket)),
                false => prop_assert_eq!(got, Err(ServiceError::NotFound)),
            }
        }
        let nothing = SearchTickets { within: Within::default(), ..act(None, PAGE) };
        prop_assert_eq!(runtime.block_on(desk.found(&tenant, nothing)).unwrap(), Found::default());
    }
}
