//! Finding tickets, on the seed and on many small ones.

use portcullis_model::{error::ServiceError, helpdesk::*, time::Timestamp};

use super::{
    product,
    reach::Reach,
    search::{self, WORK},
    testing::*,
    tickets,
};

fn words(words: &[&str]) -> Query {
    Query { words: words.iter().map(|word| (*word).to_owned()).collect(), ..Query::default() }
}

#[tokio::test]
async fn each_part_of_a_query_narrows() {
    let (_dir, desk) = seeded().await;
    let whole = desk.whole("acme", OPEN).await;
    let found = async |query: Query| {
        let found =
            desk.found("acme", SearchTickets { fields: TicketField::ALL.iter().copied().collect(), ..seek(query) });
        found.await.unwrap().tickets.into_iter().map(|seen| seen.record).collect::<Vec<_>>()
    };
    let tags = |all: &[&str]| Query { tags: all.iter().map(|tag| (*tag).to_owned()).collect(), ..Query::default() };
    let query = Query {
        words: vec!["VOUCHER".into(), "gift".into()],
        status: vec![Status::Open, Status::New],
        priority: vec![Priority::Normal],
        tags: vec!["Voucher".into()],
        requester_id: whole.requester_id.clone(),
        assignee_id: whole.assignee_id.clone(),
        organization_id: whole.organization_id.clone(),
        brand_id: whole.brand_id.clone(),
        updated_since: Some(Timestamp::parse(whole.updated_at.as_deref().unwrap()).unwrap().0),
        updated_before: Some(Timestamp::parse(whole.updated_at.as_deref().unwrap()).unwrap().0 + 1),
    };
    assert_eq!(found(query.clone()).await, std::slice::from_ref(&whole));
    let off = [
        Query { words: vec!["voucher".into(), "parcel".into()], ..query.clone() },
        Query { status: vec![Status::Hold], ..query.clone() },
        Query { priority: vec![Priority::Low, Priority::Urgent], ..query.clone() },
        Query { tags: vec!["voucher".into(), "other".into()], ..query.clone() },
        Query { requester_id: Some("1".into()), ..query.clone() },
        Query { assignee_id: Some(format!("0{}", whole.assignee_id.clone().unwrap())), ..query.clone() },
        Query { organization_id: Some("361014".into()), ..query.clone() },
        Query { brand_id: Some("360001217".into()), ..query.clone() },
        Query { updated_before: query.updated_since, ..query.clone() },
        Query { updated_since: query.updated_since.map(|at| at + 1), updated_before: None, ..query },
    ];
    for query in off {
        assert_eq!(found(query.clone()).await, [], "{query:?}");
    }
    for ticket in found(tags(&["shop", "voucher"])).await {
        assert!(ticket.tags.unwrap().starts_with(&["shop".into(), "voucher".into()]));
    }
    let second = Query { brand_id: Some("360001217".into()), ..Query::default() };
    assert_eq!(found(second).await.len(), 42);
}

#[tokio::test]
async fn words_have_no_wildcards_and_no_case() {
    let (_dir, desk) = seeded().await;
    let acme = tenant("acme");
    let requester = desk.whole("acme", OPEN).await.requester_id.unwrap();
    for subject in ["100% off_sale ŁÓDŹ Straße", "1000 offXsale", "SISYPHUS ΣΊΣΥΦΟΣ \"quoted\" it's"] {
        let (description, requester_id) = ("d".into(), requester.clone());
        let new = super::NewTicket { subject: subject.into(), description, requester_id, ..Default::default() };
        desk.create_ticket(&acme, new).await.unwrap();
    }
    let count = async |all: &[&str]| desk.found("acme", seek(words(all))).await.unwrap().tickets.len();
    assert_eq!(count(&["100%"]).await, 1);
    assert_eq!(count(&["off_sale"]).await, 1);
    assert_eq!(count(&["off%sale"]).await, 0);
    assert_eq!(count(&["%"]).await, 1);
    assert_eq!(count(&["łódź", "STRASSE"]).await, 1);
    assert_eq!(count(&["σίσυφος", "\"QUOTED\"", "IT'S"]).await, 1);
    assert_eq!(count(&["' OR 1=1 --"]).await, 0);
    assert_eq!(count(&["100%", "1000"]).await, 0);
    assert_eq!(count(&[]).await, 100);
    assert!(matches!(desk.found("acme", seek(words(&["x"; 1_025]))).await, Err(ServiceError::Invalid(_))));
    assert!(matches!(
        desk.found("acme", SearchTickets { most: 0, ..seek(words(&[])) }).await,
        Err(ServiceError::Invalid(_))
    ));
}

#[tokio::test]
async fn pages_follow_one_another_in_either_order() {
    let (_dir, desk) = seeded().await;
    for sort in [Sort::Newest, Sort::Updated] {
        let fields = [TicketField::UpdatedAt].into();
        let act = SearchTickets { sort, fields, ..seek(Query::default()) };
        let one = desk.found("acme", act.clone()).await.unwrap();
        let two = desk.found("acme", SearchTickets { after: one.next, ..act.clone() }).await.unwrap();
        let three = desk.found("acme", SearchTickets { after: two.next, ..act.clone() }).await.unwrap();
        assert_eq!((one.tickets.len(), two.tickets.len(), three.tickets.len(), three.next), (100, 100, 20, None));
        let key = |seen: &Seen<Ticket>| {
            let at = if sort == Sort::Updated { seen.record.updated_at.clone() } else { None };
            (at, seen.record.id.parse::<u64>().unwrap())
        };
        let keys: Vec<_> = [&one, &two, &three].into_iter().flat_map(|part| part.tickets.iter().map(key)).collect();
        assert!(keys.is_sorted_by(|a, b| a > b), "strictly falling, so none is there twice");
        assert_eq!(one.next.unwrap().updated_at > 0, sort == Sort::Updated, "no time by way of a cursor");
        let exact = SearchTickets { after: two.next, most: 20, ..act };
        assert_eq!(desk.found("acme", exact).await.unwrap().next, None, "full, and still the last");
    }
}

#[tokio::test]
async fn a_search_walks_an_index_and_sorts_nothing() {
    let (_dir, desk) = seeded().await;
    for (sort, index) in [(Sort::Newest, "PRIMARY KEY"), (Sort::Updated, "INDEX tickets_by_change")] {
        let query = Query { status: vec![Status::Open], updated_since: Some(0), ..words(&["x"]) };
        let act = SearchTickets { sort, within: within(&["status:open", "requester:1"]), ..seek(query) };
        let plan = move |db: &rusqlite::Transaction<'_>| {
            let (sql, values) = search::statement(&Reach::whole(&tenant("acme")), &act);
            let mut statement = db.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
            let rows = statement.query_map(values, |row| row.get::<_, String>(3))?;
            Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.join("; "))
        };
        let plan = desk.read(plan).await.unwrap();
        assert!(plan.contains(&format!("SEARCH t USING {index}")) && !plan.contains("TEMP B-TREE"), "{plan}");
    }
}

#[tokio::test]
async fn a_ticket_is_read_without_looking_at_other_tickets_comments() {
    let (_dir, desk) = seeded().await;
    let plan = |db: &rusqlite::Transaction<'_>| {
        let mut statement =
            db.prepare(&format!("EXPLAIN QUERY PLAN {} WHERE t.tenant = ? AND t.id = ?", tickets::SELECT))?;
        let rows = statement.query_map(["acme", "1"], |row| row.get::<_, String>(3))?;
        Ok(rows.collect::<rusqlite::Result<Vec<_>>>()?.join("; "))
    };
    let plan = desk.read(plan).await.unwrap();
    assert!(plan.contains("SEARCH t USING PRIMARY KEY (tenant=? AND id=?)"), "{plan}");
    assert!(plan.contains("SEARCH c USING INDEX comments_of_ticket (tenant=? AND ticket_id=?)"), "{plan}");
}

#[tokio::test]
async fn one_go_has_a_bound_and_the_next_goes_on() {
    let (_dir, desk) = seeded().await;
    let template = desk.whole("acme", OPEN).await;
    let many = move |db: &rusqlite::Transaction<'_>| {
        for n in 0..WORK + 500 {
            let ticket = Ticket { id: (2_000 + n).to_string(), brand_id: Some("b".into()), ..template.clone() };
            product::insert(db, &tenant("acme"), &ticket)?;
        }
        Ok(())
    };
    desk.write(many).await.unwrap();
    for sort in [Sort::Newest, Sort::Updated] {
        let act = SearchTickets { sort, within: within(&["brand:360001217"]), ..seek(Query::default()) };
        let (mut all, mut goes, mut after) = (0, 0, None);
        loop {
            let part = desk.found("acme", SearchTickets { after, ..act.clone() }).await.unwrap();
            all += part.tickets.len();
            goes += 1;
            after = part.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!((all, goes), (42, 2), "{sort:?}");
    }
}

#[tokio::test]
async fn changes_come_oldest_first_and_each_once() {
    let (_dir, desk) = seeded().await;
    let before = desk.whole("acme", "1120").await.updated_at.unwrap();
    let bound = Timestamp::parse(&before).unwrap().0;
    let query = Query { updated_before: Some(bound), ..Query::default() };
    let part = |after| SearchTickets {
        sort: Sort::Changes,
        most: 30,
        after,
        fields: [TicketField::UpdatedAt].into(),
        ..seek(query.clone())
    };
    let (mut after, mut seen) = (None, Vec::new());
    loop {
        let found = desk.found("acme", part(after)).await.unwrap();
        seen.extend(found.tickets.into_iter().map(|seen| (seen.record.updated_at.unwrap(), seen.record.id)));
        after = found.next;
        if after.is_none() {
            break;
        }
    }
    let all = desk.found("acme", SearchTickets { most: PAGE, ..part(None) }).await.unwrap();
    let first: Vec<String> = all.tickets.iter().map(|seen| seen.record.id.clone()).collect();
    assert!(seen.len() > 30 && seen.is_sorted(), "{seen:?}");
    assert_eq!(seen.iter().map(|(_, id)| id.clone()).take(first.len()).collect::<Vec<_>>(), first);
    assert!(seen.iter().all(|(at, _)| *at < before), "what is not before it comes later");
    let position = Position { updated_at: bound - 1, id: i64::MAX };
    assert!(desk.found("acme", part(Some(position))).await.unwrap().tickets.is_empty());
}
