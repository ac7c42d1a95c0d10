//! The help desk's acts, each from permit to answer, on the records of the seed.

use portcullis_model::{error::ServiceError, helpdesk::*, scope::Within};
use serde_json::Value;

use super::{Counts, MAX_TEXT, NewAttachment, NewTicket, Seeded, testing::*};

fn texts(values: &[&str]) -> Vec<String> {
    values.iter().map(|value| (*value).to_owned()).collect()
}

#[tokio::test]
async fn a_ticket_comes_with_the_named_fields_only() {
    let (_dir, desk) = seeded().await;
    let whole = desk.get("acme", OPEN, TicketField::ALL).await.unwrap();
    assert_eq!(whole, desk.whole("acme", OPEN).await);
    assert_eq!((whole.status, whole.priority), (Some(Status::Open), Some(Priority::Normal)));
    let comments = desk.list("acme", OPEN, None).await.unwrap();
    assert_eq!(whole.description.as_deref(), Some(comments[0].body.as_str()));
    let narrow = desk.get("acme", OPEN, &[TicketField::Status, TicketField::Comments]).await.unwrap();
    assert_eq!(narrow, Ticket { id: OPEN.into(), status: Some(Status::Open), ..Ticket::default() });
    assert_eq!(desk.get("acme", "1", &[]).await, Err(ServiceError::NotFound));
    assert_eq!(desk.get("acme", "01005", &[]).await, Err(ServiceError::NotFound));
}

#[tokio::test]
async fn a_tenant_sees_and_changes_its_own_records_only() {
    let (_dir, desk) = seeded().await;
    let requester = desk.whole("acme", OPEN).await.requester_id.unwrap();
    let comment_id = desk.list("acme", OPEN, None).await.unwrap()[0].id.clone();
    assert_eq!(desk.get("other", OPEN, &[]).await, Err(ServiceError::NotFound));
    assert_eq!(desk.list("other", OPEN, None).await, Err(ServiceError::NotFound));
    assert_eq!(desk.add("other", comment(OPEN, "x", "k")).await, Err(ServiceError::NotFound));
    assert_eq!(desk.set("other", change(OPEN)).await, Err(ServiceError::NotFound));
    assert_eq!(desk.hide("other", cover(OPEN, &comment_id, &[(0, 1)])).await, Err(ServiceError::NotFound));
    assert_eq!(desk.person("other", &requester, &[]).await, Err(ServiceError::NotFound));
    assert_eq!(desk.company("other", "361001").await, Err(ServiceError::NotFound));
    assert_eq!(desk.remove("other", OPEN, Within::everything()).await, Err(ServiceError::NotFound));
    assert_eq!(desk.found("other", seek(Query::default())).await, Ok(Found::default()));
    assert_eq!(desk.people("other", seek_people(FindBy::Organization("361001".into()))).await, Ok(vec![]));

    desk.seed(&tenant("other")).await.unwrap();
    let before = desk.whole("acme", OPEN).await;
    desk.set("other", UpdateTicket { priority: Some(Priority::Urgent), ..change(OPEN) }).await.unwrap();
    desk.add("other", comment(OPEN, "only there", "k")).await.unwrap();
    desk.hide("other", cover(OPEN, &comment_id, &[(0, 5)])).await.unwrap();
    desk.remove("other", OPEN, Within::everything()).await.unwrap();
    assert_eq!(desk.whole("acme", OPEN).await, before);
    assert_eq!(desk.list("acme", OPEN, None).await.unwrap().len(), 3);
}

#[tokio::test]
async fn tags_are_cleaned_and_limited() {
    let (_dir, desk) = seeded().await;
    desk.set("acme", UpdateTicket { add_tags: texts(&["Zed", "card", "CARD"]), ..change(OPEN) }).await.unwrap();
    assert_eq!(desk.whole("acme", OPEN).await.tags, Some(texts(&["card", "shop", "voucher", "zed"])));
    desk.set("acme", UpdateTicket { remove_tags: texts(&["SHOP", "none"]), ..change(OPEN) }).await.unwrap();
    assert_eq!(desk.whole("acme", OPEN).await.tags, Some(texts(&["card", "voucher", "zed"])));
    let set = UpdateTicket { set_tags: Some(texts(&["New", "zed"])), add_tags: texts(&["card"]), ..change(OPEN) };
    desk.set("acme", set).await.unwrap();
    assert_eq!(desk.whole("acme", OPEN).await.tags, Some(texts(&["card", "new", "zed"])));
    let set = UpdateTicket { set_tags: Some(texts(&["a b"])), priority: Some(Priority::Urgent), ..change(OPEN) };
    assert!(matches!(desk.set("acme", set).await, Err(ServiceError::Invalid(_))));
    desk.set("acme", UpdateTicket { set_tags: Some(texts(&["card", "voucher", "zed"])), ..change(OPEN) })
        .await
        .unwrap();
    for bad in ["", "a b", "a\tb", "\u{7}", &"x".repeat(65)] {
        let act = UpdateTicket { add_tags: texts(&[bad]), priority: Some(Priority::Urgent), ..change(OPEN) };
        assert!(matches!(desk.set("acme", act).await, Err(ServiceError::Invalid(_))), "{bad:?}");
    }
    let many: Vec<String> = (0..98).map(|n| format!("tag-{n}")).collect();
    let act = UpdateTicket { add_tags: many, priority: Some(Priority::Urgent), ..change(OPEN) };
    assert!(matches!(desk.set("acme", act).await, Err(ServiceError::Invalid(_))));
    let both = UpdateTicket { add_tags: texts(&["a"]), remove_tags: texts(&["A"]), ..change(OPEN) };
    assert!(matches!(desk.set("acme", both).await, Err(ServiceError::Invalid(_))));
    assert_eq!(desk.whole("acme", OPEN).await.priority, Some(Priority::Normal), "a refused change changes nothing");
}

#[tokio::test]
async fn the_time_of_change_moves_with_a_change_only() {
    let (_dir, desk) = seeded().await;
    let before = desk.whole("acme", OPEN).await;
    let same = UpdateTicket {
        status: Some(Status::Open),
        priority: Some(Priority::Normal),
        add_tags: texts(&["shop"]),
        remove_tags: texts(&["none"]),
        ..change(OPEN)
    };
    desk.set("acme", same).await.unwrap();
    assert_eq!(desk.whole("acme", OPEN).await, before);
    desk.set("acme", UpdateTicket { status: Some(Status::Solved), ..change(OPEN) }).await.unwrap();
    let after = desk.whole("acme", OPEN).await;
    assert!(after.updated_at > before.updated_at);
    assert_eq!(after, Ticket { status: Some(Status::Solved), updated_at: after.updated_at.clone(), ..before });
    let back = UpdateTicket { status: Some(Status::New), ..change(OPEN) };
    assert!(matches!(desk.set("acme", back).await, Err(ServiceError::Invalid(_))));
}

#[tokio::test]
async fn a_closed_ticket_does_not_change() {
    let (_dir, desk) = seeded().await;
    let acme = tenant("acme");
    let before = (desk.whole("acme", CLOSED).await, desk.comments_of(&acme, CLOSED).await.unwrap());
    let reopen = UpdateTicket { status: Some(Status::Open), ..change(CLOSED) };
    assert_eq!(desk.set("acme", reopen).await, Err(ServiceError::Conflict));
    assert_eq!(desk.set("acme", change(CLOSED)).await, Err(ServiceError::Conflict));
    assert_eq!(desk.add("acme", comment(CLOSED, "x", "k")).await, Err(ServiceError::Conflict));
    let customer = before.0.requester_id.clone().unwrap();
    assert_eq!(desk.customer_comments(&acme, CLOSED, &customer, "x", true).await, Err(ServiceError::Conflict));
    assert_eq!((desk.whole("acme", CLOSED).await, desk.comments_of(&acme, CLOSED).await.unwrap()), before);
    desk.hide("acme", cover(CLOSED, &before.1[0].id, &[(0, 2)])).await.unwrap();
    assert!(desk.whole("acme", CLOSED).await.description.unwrap().starts_with("▇▇"));
}

#[tokio::test]
async fn a_comment_is_added_once_for_a_key() {
    let (_dir, desk) = seeded().await;
    let id = desk.add("acme", comment(OPEN, "card 4111 covered", "k1")).await.unwrap();
    assert_eq!(desk.add("acme", comment(OPEN, "card 4111 covered", "k1")).await, Ok(id.clone()));
    assert_eq!(desk.add("acme", comment(OPEN, "something else", "k1")).await, Err(ServiceError::Conflict));
    let public = AddComment { public: true, ..comment(OPEN, "card 4111 covered", "k1") };
    assert_eq!(desk.add("acme", public).await, Err(ServiceError::Conflict));
    let by_other = desk.add_as("acme", "ins_2", comment(OPEN, "something else", "k1")).await.unwrap();
    let elsewhere = desk.add("acme", comment("1006", "something else", "k1")).await.unwrap();
    assert!(by_other != id && elsewhere != id && elsewhere != by_other);

    let last = desk.list("acme", OPEN, None).await.unwrap().into_iter().find(|c| c.id == id).unwrap();
    assert_eq!((last.author_id.as_str(), last.public), (INSTALLATION, false));
    assert_eq!(
        desk.whole("acme", OPEN).await.updated_at,
        Some(desk.list("acme", OPEN, Some(&id)).await.unwrap()[0].created_at.clone())
    );

    desk.hide("acme", cover(OPEN, &id, &[(5, 9)])).await.unwrap();
    assert_eq!(desk.add("acme", comment(OPEN, "card 4111 covered", "k1")).await, Ok(id.clone()), "covered since");
    desk.set("acme", UpdateTicket { status: Some(Status::Closed), ..change(OPEN) }).await.unwrap();
    assert_eq!(desk.add("acme", comment(OPEN, "card 4111 covered", "k1")).await, Ok(id), "closed since");
}

#[tokio::test]
async fn bodies_and_keys_have_limits() {
    let (_dir, desk) = seeded().await;
    desk.add("acme", comment(OPEN, &"x".repeat(MAX_TEXT), "k")).await.unwrap();
    for bad in [comment(OPEN, "", "a"), comment(OPEN, &"x".repeat(MAX_TEXT + 1), "b"), comment(OPEN, "x", "")] {
        assert!(matches!(desk.add("acme", bad).await, Err(ServiceError::Invalid(_))));
    }
}

#[tokio::test]
async fn comments_come_in_pages_oldest_first() {
    let (_dir, desk) = seeded().await;
    for n in 0..120 {
        desk.add("acme", comment(OPEN, &format!("{n}"), &format!("k{n}"))).await.unwrap();
    }
    let first = desk.list("acme", OPEN, None).await.unwrap();
    let second = desk.list("acme", OPEN, Some(&first[99].id)).await.unwrap();
    assert_eq!((first.len(), second.len(), second[22].body.as_str()), (100, 23, "119"));
    let all = desk.comments_of(&tenant("acme"), OPEN).await.unwrap();
    assert_eq!(all, [first, second].concat());
    let elsewhere = desk.list("acme", CLOSED, None).await.unwrap()[0].id.clone();
    for bad in ["1", "x", &elsewhere] {
        assert!(matches!(desk.list("acme", OPEN, Some(bad)).await, Err(ServiceError::Invalid(_))), "{bad}");
    }
}

#[tokio::test]
async fn covered_text_is_gone_from_the_answers_and_the_files() {
    let (dir, desk) = seeded().await;
    let expected: Value = serde_json::from_str(include_str!("../../../../tests/events/expected.json")).unwrap();
    let cards = expected["cards"].as_array().unwrap();
    let text = |card: &Value, name: &str| card[name].as_str().unwrap().to_owned();
    for card in cards {
        let spans: Vec<(u32, u32)> = serde_json::from_value(card["spans"].clone()).unwrap();
        let act = cover(&text(card, "ticket"), &text(card, "comment"), &spans);
        desk.hide("acme", act.clone()).await.unwrap();
        let once = desk.whole("acme", &act.ticket).await;
        desk.hide("acme", act.clone()).await.unwrap();
        assert_eq!(desk.whole("acme", &act.ticket).await, once, "covering twice is covering once");
        let comments = desk.list("acme", &act.ticket, None).await.unwrap();
        let body = &comments.iter().find(|c| c.id == act.comment).unwrap().body;
        assert_eq!(body, &text(card, "redacted"));
        assert_eq!(once.description.as_ref() == Some(body), card["first_comment"] == true);
    }
    for file in std::fs::read_dir(dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for card in cards {
            let body = text(card, "body");
            assert!(!holds(&bytes, &body), "{body}");
        }
    }
    assert!(matches!(desk.hide("acme", cover(OPEN, "1", &[])).await, Err(ServiceError::NotFound)));
    let id = &desk.list("acme", OPEN, None).await.unwrap()[0].id;
    assert!(matches!(desk.hide("acme", cover(OPEN, id, &[(0, 9_999)])).await, Err(ServiceError::Invalid(_))));
    assert_eq!(desk.hide("acme", cover("1006", id, &[(0, 1)])).await, Err(ServiceError::NotFound));
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|window| window == text.as_bytes())
}

#[tokio::test]
async fn a_deleted_ticket_is_gone_from_the_answers_and_the_files() {
    let (dir, desk) = seeded().await;
    let before = desk.counts(&tenant("acme")).await.unwrap();
    let ticket = desk.whole("acme", OPEN).await;
    desk.add("acme", comment(OPEN, "a sentence that nobody else wrote", "k")).await.unwrap();
    let said = desk.list("acme", OPEN, None).await.unwrap().remove(0).id;
    let long = NewAttachment {
        ticket: OPEN.into(),
        comment: said,
        name: "long.txt".into(),
        content_type: "text/plain".into(),
        bytes: "far down in a long file. ".repeat(20_000).into_bytes(),
        scan: Scan::Clean,
    };
    desk.add_attachment(&tenant("acme"), long).await.unwrap();
    let files = desk.files("acme", files_of(OPEN)).await.unwrap();
    let texts = ["a sentence that nobody else wrote", "not valid for this basket", "checkout-log.txt", "far down in a"];
    let held = |text: &str| {
        let mut files = std::fs::read_dir(dir.path()).unwrap();
        files.any(|file| holds(&std::fs::read(file.unwrap().path()).unwrap(), text))
    };
    assert!(texts.iter().all(|text| held(text)), "the test looks where the texts are");
    desk.remove("acme", OPEN, Within::everything()).await.unwrap();
    for text in texts {
        assert!(!held(text), "{text}");
    }
    assert_eq!(desk.get("acme", OPEN, &[]).await, Err(ServiceError::NotFound));
    assert_eq!(desk.list("acme", OPEN, None).await, Err(ServiceError::NotFound));
    assert_eq!(desk.files("acme", files_of(OPEN)).await, Err(ServiceError::NotFound));
    assert_eq!(desk.stat("acme", &files[0].id).await, Err(ServiceError::NotFound));
    assert_eq!(desk.bytes("acme", &files[0], 0, 9).await, Err(ServiceError::NotFound));
    assert_eq!(desk.remove("acme", OPEN, Within::everything()).await, Err(ServiceError::NotFound));
    let after = desk.counts(&tenant("acme")).await.unwrap();
    assert_eq!((after.tickets, after.comments), (before.tickets - 1, before.comments - 3));
    assert_eq!(after, Counts { attachments: before.attachments - 3, ..after });
    desk.remove("acme", CLOSED, Within::everything()).await.unwrap();

    let again = NewTicket {
        subject: "s".into(),
        description: "d".into(),
        requester_id: ticket.requester_id.unwrap(),
        brand_id: Some("kite".into()),
        ..NewTicket::default()
    };
    let last = desk.create_ticket(&tenant("acme"), again.clone()).await.unwrap();
    let said = desk.list("acme", &last, None).await.unwrap()[0].id.clone();
    desk.remove("acme", &last, Within::everything()).await.unwrap();
    let next = desk.create_ticket(&tenant("acme"), again.clone()).await.unwrap();
    assert_eq!(next, "1222", "a number is not given twice");
    assert_ne!(desk.list("acme", &next, None).await.unwrap()[0].id, said);
    assert_eq!(desk.whole("acme", &next).await.brand_id.as_deref(), Some("kite"));
    let bad = NewTicket { brand_id: Some("a b".into()), ..again };
    assert!(matches!(desk.create_ticket(&tenant("acme"), bad).await, Err(ServiceError::Invalid(_))));
}

#[tokio::test]
async fn people_are_found_by_the_whole_value() {
    let (_dir, desk) = seeded().await;
    let names = |found: Vec<User>| found.into_iter().map(|user| user.name.unwrap()).collect::<Vec<_>>();
    let by = async |by: FindBy| names(desk.people("acme", seek_people(by)).await.unwrap());
    assert_eq!(by(FindBy::Email("Priya.RAGHUNATHAN@support.example.com".into())).await, ["Priya Raghunathan"]);
    assert_eq!(by(FindBy::Phone("15035550102".into())).await, ["Marcus Oyelaran", "Niamh O'Sullivan"]);
    assert_eq!(by(FindBy::Phone("(1) 503 555-01-02".into())).await, ["Marcus Oyelaran", "Niamh O'Sullivan"]);
    for none in ["", "%", "priya%", "priya.raghunathan@support.example.co", "_riya.raghunathan@support.example.com"] {
        assert!(by(FindBy::Email(none.into())).await.is_empty(), "{none}");
    }
    for none in ["", "+", "5550102", "none"] {
        assert!(by(FindBy::Phone(none.into())).await.is_empty(), "{none}");
    }
    assert!(by(FindBy::Organization("0361001".into())).await.is_empty());

    let all = desk.people("acme", seek_people(FindBy::Organization("361001".into()))).await.unwrap();
    assert_eq!(all.len(), 8);
    assert_eq!(all[0], User { id: "9010057".into(), name: Some("Ingrid Bakke".into()), ..User::default() });
    let rest =
        FindUsers { after: Some(all[2].id.clone()), most: 2, ..seek_people(FindBy::Organization("361001".into())) };
    assert_eq!(desk.people("acme", rest.clone()).await.unwrap(), all[3..5]);
    for bad in [FindUsers { after: Some("x".into()), ..rest.clone() }, FindUsers { most: 0, ..rest }] {
        assert!(matches!(desk.people("acme", bad).await, Err(ServiceError::Invalid(_))));
    }
}

#[tokio::test]
async fn people_and_organizations_come_with_the_named_fields_only() {
    let (_dir, desk) = seeded().await;
    let whole = desk.person("acme", "9010001", UserField::ALL).await.unwrap();
    assert_eq!((whole.name.as_deref(), whole.role), (Some("Priya Raghunathan"), Some(Role::Admin)));
    let narrow = desk.person("acme", "9010001", &[UserField::Locale]).await.unwrap();
    assert_eq!(narrow, User { id: "9010001".into(), locale: whole.locale, ..User::default() });
    let company = desk.company("acme", "361014").await.unwrap();
    assert_eq!(company.tags, Some(texts(&["manufacturing", "vip", "vip-platinum"])));
    let plan = CustomField { id: "plan".into(), value: "enterprise".into() };
    assert_eq!(company.organization_fields.unwrap()[0], plan);
}

#[tokio::test]
async fn customers_open_tickets_and_reopen_solved_ones() {
    let (_dir, desk) = seeded().await;
    let acme = tenant("acme");
    let solved = desk.whole("acme", SOLVED).await;
    assert_eq!(solved.status, Some(Status::Solved));
    let requester = solved.requester_id.unwrap();
    desk.customer_comments(&acme, SOLVED, "9010001", "an agent's note", true).await.unwrap();
    assert_eq!(desk.whole("acme", SOLVED).await.status, Some(Status::Solved));
    desk.customer_comments(&acme, SOLVED, &requester, "not yet", true).await.unwrap();
    assert_eq!(desk.whole("acme", SOLVED).await.status, Some(Status::Open));
    assert_eq!(desk.customer_comments(&acme, SOLVED, "1", "x", true).await, Err(ServiceError::NotFound));

    let new = NewTicket {
        subject: "Where is it?".into(),
        description: "My parcel".into(),
        requester_id: requester.clone(),
        tags: texts(&["B", "a"]),
        ..NewTicket::default()
    };
    let id = desk.create_ticket(&acme, new.clone()).await.unwrap();
    let ticket = desk.whole("acme", &id).await;
    assert_eq!(id, "1221");
    assert_eq!((ticket.status, ticket.description.as_deref()), (Some(Status::New), Some("My parcel")));
    assert_eq!((ticket.organization_id, ticket.tags), (solved.organization_id, Some(texts(&["a", "b"]))));
    assert_eq!(desk.create_ticket(&tenant("other"), new).await, Err(ServiceError::NotFound));
}

#[tokio::test]
async fn the_seed_comes_once_and_is_what_the_events_speak_of() {
    let (_dir, desk) = seeded().await;
    let acme = tenant("acme");
    let counts = desk.counts(&acme).await.unwrap();
    assert_eq!(counts, Counts { organizations: 12, users: 89, tickets: 220, comments: 628, attachments: 12 });
    assert_eq!(desk.seed(&acme).await, Ok(Seeded::HadTickets));
    assert_eq!(desk.counts(&acme).await, Ok(counts));
    let other = tenant("other");
    assert_eq!(desk.seed(&other).await, Ok(Seeded::Loaded(counts)));
    for id in 1001..1221 {
        desk.remove("other", &id.to_string(), Within::everything()).await.unwrap();
    }
    assert_eq!(desk.seed(&other).await, Ok(Seeded::HadTickets), "what was deleted does not come back");
    assert_eq!(desk.counts(&other).await, Ok(Counts { organizations: 12, users: 89, ..Counts::default() }));
    for line in include_str!("../../../../tests/events/zendesk.ndjson").lines() {
        let event: Value = serde_json::from_str(line).unwrap();
        let id = event["detail"]["id"].as_str().unwrap();
        let ticket = desk.whole("acme", id).await;
        assert_eq!(event["detail"]["requester_id"].as_str(), ticket.requester_id.as_deref());
        assert_eq!(event["detail"]["organization_id"].as_str(), ticket.organization_id.as_deref());
        assert_eq!(event["detail"]["brand_id"].as_str(), ticket.brand_id.as_deref());
        assert_eq!(event["detail"]["description"].as_str(), ticket.description.as_deref());
        if let Some(said) = event["event"].get("comment") {
            let comments = desk.comments_of(&acme, id).await.unwrap();
            let comment = comments.iter().find(|comment| said["id"] == comment.id.as_str()).unwrap();
            assert_eq!(said["body"], comment.body.as_str());
            assert_eq!(said["author"]["id"], comment.author_id.as_str());
        }
    }
}

#[tokio::test]
async fn organizations_are_listed_within_what_is_reached() {
    let (_dir, desk) = seeded().await;
    let ids = async |tenant: &str, after: Option<&str>, most, within: Within| {
        let fields = [OrganizationField::Name].into();
        let act = ListOrganizations { fields, after: after.map(str::to_owned), most, within };
        spend(tenant, INSTALLATION, act, |spent| async { desk.organizations(spent).await }).await.map(|all| {
            all.into_iter()
                .map(|seen| (seen.record.id, seen.record.name.is_some(), seen.record.tags))
                .collect::<Vec<_>>()
        })
    };
    let all = ids("acme", None, PAGE, Within::everything()).await.unwrap();
    assert!(all.len() > 3 && all.iter().all(|(_, named, tags)| *named && tags.is_none()), "{all:?}");
    let rest = ids("acme", Some(&all[1].0), 2, Within::everything()).await.unwrap();
    assert_eq!(rest, all[2..4]);
    let one = ids("acme", None, PAGE, within(&[&format!("organization:{}", all[1].0)])).await.unwrap();
    assert_eq!(one, all[1..2]);
    assert!(ids("nobody", None, PAGE, Within::everything()).await.unwrap().is_empty());
    assert!(matches!(ids("acme", Some("x"), PAGE, Within::everything()).await, Err(ServiceError::Invalid(_))));
    assert!(matches!(ids("acme", None, 0, Within::everything()).await, Err(ServiceError::Invalid(_))));
}
