//! The second door: what a visit may do, what it leaves in the log, and how it ends.

use portcullis_model::{
    audit::Kind,
    authority::Layer,
    door::{DoorError, OutDoor as _},
    egress::SendRequest,
    error::ServiceError,
    helpdesk::{Query, Sort, Status, TicketField, UpdateTicket},
    installation::InstallationState,
    limits::Limits,
    platform::{Asked, NewComment, Platform as _, Refusal, Since, Window},
    time::Timestamp,
    trace::Traceparent,
};
use portcullis_runtime::Purpose;
use std::sync::atomic::Ordering;

use super::testing::{ALL, World, bearer, scopes};

fn post(url: &str) -> SendRequest {
    SendRequest { method: "POST", target: url.parse().unwrap(), headers: vec![], body: b"{}".to_vec() }
}

fn page(most: u32) -> Window {
    Window { most, after: None }
}

#[tokio::test]
async fn the_hosts_own_requests_are_permitted_recorded_and_counted() {
    let world = World::new().await;
    let installation = world.install(&ALL, Limits::default());
    let sent = world.doors.send(&installation, "webhook:msg_1", 2, post("https://hooks.chat.example/a")).await.unwrap();
    assert_eq!(sent.status, 202);
    let kinds: Vec<Kind> = world.entries().await.iter().map(|entry| entry.kind).collect();
    assert_eq!(kinds, [Kind::VisitBegan, Kind::ActPermitted, Kind::ActOutcome, Kind::VisitEnded]);
    let ended = &world.entries_of(Kind::VisitEnded).await[0];
    assert_eq!((ended.text("end"), ended.resource.as_deref()), (Some("ok"), Some("event:webhook:msg_1")));
    assert_eq!((&ended.detail["acts"], &ended.detail["host-calls"]), (&1.into(), &1.into()));

    let denied = world.doors.send(&installation, "webhook:msg_2", 1, post("https://evil.example/a")).await.unwrap_err();
    let DoorError::Denied(denial) = denied else { panic!("{denied:?}") };
    assert_eq!(denial.layer, Layer::Manifest);
    assert_eq!(world.sent.0.lock().unwrap().as_slice(), ["https://hooks.chat.example/a"]);
    assert_eq!(world.entries_of(Kind::ActDenied).await[0].text("id"), Some(denial.id.as_str()));
    let large = SendRequest { body: vec![0; 1024 * 1024 + 1], ..post("https://hooks.chat.example/a") };
    let refused = world.doors.send(&installation, "webhook:msg_3", 1, large).await.unwrap_err();
    assert!(matches!(refused, DoorError::Service(ServiceError::Invalid(_))), "{refused:?}");
}

#[tokio::test]
async fn only_what_is_active_is_visited_and_what_is_ended_is_not() {
    let world = World::new().await;
    let installation = world.install(&ALL, Limits::default());
    let suspended = world.change(&installation.id, |one| {
        one.state = InstallationState::Suspended { reason: "held".into(), by_platform: false }
    });
    let refused = world.doors.send(&suspended, "webhook:1", 1, post("https://hooks.chat.example/a")).await.unwrap_err();
    assert!(matches!(&refused, DoorError::Held(why) if why.contains("suspended: held")), "{refused:?}");
    let token = bearer(&suspended, &ALL);
    assert!(matches!(world.open(&token).await.err(), Some(Refusal::Inactive(_))));
    assert!(world.entries().await.is_empty(), "nothing was begun");

    let active = world.change(&installation.id, |one| one.state = InstallationState::Active);
    let mut session = world.open(&token).await.unwrap();
    world.runtime.end(&active.id, active.generation);
    let refused = session.ticket("1005".into(), None).await.unwrap_err();
    assert!(matches!(refused, Refusal::Inactive(_)), "{refused:?}");
    drop(session);
    assert!(matches!(world.open(&token).await.err(), Some(Refusal::Inactive(_))), "its generation is barred");
    let ended = world.entries_of(Kind::VisitEnded).await;
    assert_eq!(ended.last().unwrap().text("end"), Some("ended"));
}

#[tokio::test]
async fn a_token_for_another_release_or_tenant_opens_nothing() {
    let world = World::new().await;
    let installation = world.install(&ALL, Limits::default());
    let mut token = bearer(&installation, &ALL);
    token.tenant = "other".parse().unwrap();
    assert!(matches!(world.open(&token).await.err(), Some(Refusal::Stale)));
    let token = bearer(&installation, &ALL);
    world.change(&installation.id, |one| one.release = portcullis_model::id::Digest::of(b"next"));
    assert!(matches!(world.open(&token).await.err(), Some(Refusal::Stale)));
    let mut gone = bearer(&installation, &ALL);
    gone.installation = "ins_none".parse().unwrap();
    assert!(matches!(world.open(&gone).await.err(), Some(Refusal::Stale)));
}

#[tokio::test]
async fn a_token_narrows_and_is_named_in_the_denial() {
    let world = World::new().await;
    let installation = world.install(&["tickets:read fields=subject,status"], Limits::default());
    let mut session = world.open(&bearer(&installation, &["tickets:read fields=status,tags"])).await.unwrap();
    let ticket = session.ticket("1005".into(), None).await.unwrap();
    assert!(ticket.status.is_some() && ticket.subject.is_none() && ticket.tags.is_none());
    let denied = session.ticket("1005".into(), Some([TicketField::Subject].into())).await.unwrap_err();
    let Refusal::Denied { denial, wait: None } = denied else { panic!("{denied:?}") };
    assert_eq!((denial.layer, denial.layer.grantor()), (Layer::Token, "client"));
    assert_eq!(denial.needed.to_string(), "tickets:read fields=subject");
    let denied = session.ticket("1005".into(), Some([TicketField::Tags].into())).await.unwrap_err();
    assert!(matches!(&denied, Refusal::Denied { denial, .. } if denial.layer == Layer::Granted), "{denied:?}");
    let began = &world.entries_of(Kind::VisitBegan).await[0];
    let told = ["client", "token", "request"].map(|name| began.text(name).unwrap_or_default());
    assert_eq!(told, ["client_1", "tok_1", "GET /api/v2/test"]);
    let mut nothing = world.open(&bearer(&installation, &[])).await.unwrap();
    assert!(matches!(nothing.ticket("1005".into(), None).await, Err(Refusal::Denied { .. })), "no scope is no right");
}

#[tokio::test]
async fn what_is_refused_for_sure_is_refused_before_anything_is_done() {
    let world = World::new().await;
    let note = |key: Option<&str>| NewComment { body: "hello".into(), public: false, key: key.map(str::to_owned) };
    let solve = || UpdateTicket { status: Some(Status::Solved), ..UpdateTicket::default() };
    let tenant = "acme".parse().unwrap();
    let state = async || {
        let ticket = world.desk.ticket_row(&tenant, "1005").await.unwrap().unwrap();
        (ticket.status.unwrap(), world.desk.comments_of(&tenant, "1005").await.unwrap().len())
    };
    let before = state().await;
    for granted in ["tickets:write fields=status", "tickets:comment visibility=internal", "tickets:read fields=*"] {
        let installation = world.install(&[granted], Limits::default());
        let mut session = world.open(&bearer(&installation, &ALL)).await.unwrap();
        let refused = session.change("1005".into(), Some(solve()), Some(note(None))).await.unwrap_err();
        assert!(matches!(refused, Refusal::Denied { .. }), "{granted}: {refused:?}");
        assert_eq!(state().await, before, "{granted}");
    }
    // A change may take the ticket out of what may be commented on: the comment came first.
    let both =
        ["tickets:write fields=status where=status:open", "tickets:comment visibility=internal where=status:open"];
    let installation = world.install(&both, Limits::default());
    let mut session = world.open(&bearer(&installation, &ALL)).await.unwrap();
    let added = session.change("1005".into(), Some(solve()), Some(note(Some("k")))).await.unwrap();
    assert!(added.is_some());
    assert_eq!(state().await, (Status::Solved, before.1 + 1));
    assert_eq!(session.glance("1005".into()).await.unwrap().status, None, "nothing of it is shown");
}

#[tokio::test]
async fn a_key_makes_a_comment_once_and_without_one_each_request_is_its_own() {
    let world = World::new().await;
    let installation = world.install(&["tickets:comment visibility=internal"], Limits::default());
    let token = bearer(&installation, &ALL);
    let add = async |key: Option<&str>, body: &str| {
        let comment = NewComment { body: body.into(), public: false, key: key.map(str::to_owned) };
        world.open(&token).await.unwrap().change("1005".into(), None, Some(comment)).await
    };
    let first = add(Some("k"), "a").await.unwrap();
    assert_eq!(add(Some("k"), "a").await.unwrap(), first);
    assert!(matches!(add(Some("k"), "b").await, Err(Refusal::Service(ServiceError::Conflict))));
    assert_ne!(add(None, "a").await.unwrap(), add(None, "a").await.unwrap());
}

#[tokio::test]
async fn an_export_gives_every_change_once_and_goes_on_later() {
    let world = World::new().await;
    let installation =
        world.install(&["tickets:read fields=subject,updated_at", "tickets:write fields=tags"], Limits::CEILING);
    let token = bearer(&installation, &ALL);
    let (mut since, mut seen) = (Since::Time(0), Vec::new());
    loop {
        let part = world.open(&token).await.unwrap().changes(since, None, 50).await.unwrap();
        seen.extend(part.tickets.into_iter().map(|ticket| (ticket.updated_at.unwrap(), ticket.id)));
        since = Since::Cursor(part.next);
        if part.end {
            break;
        }
    }
    let whole = world.desk.counts(&"acme".parse().unwrap()).await.unwrap().tickets;
    assert_eq!(seen.len() as u64, u64::from(whole));
    assert!(seen.is_sorted_by_key(|(at, _)| at.clone()));
    assert_eq!(seen.iter().map(|(_, id)| id).collect::<std::collections::BTreeSet<_>>().len(), seen.len());

    let Since::Cursor(cursor) = since else { panic!() };
    let follow = async |cursor: &str| {
        world.open(&token).await.unwrap().changes(Since::Cursor(cursor.into()), None, 50).await.unwrap()
    };
    let tag = UpdateTicket { add_tags: vec!["seen".into()], ..UpdateTicket::default() };
    world.open(&token).await.unwrap().change("1005".into(), Some(tag), None).await.unwrap();
    let early = follow(&cursor).await;
    assert!(early.tickets.is_empty() && early.end, "what changed just now may not be all that did");
    world.clock.0.fetch_add(61_000, Ordering::SeqCst);
    let later = follow(&early.next).await;
    assert_eq!(later.tickets.iter().map(|ticket| ticket.id.as_str()).collect::<Vec<_>>(), ["1005"]);
    assert!(follow(&later.next).await.tickets.is_empty());
    let other = world.install(&["tickets:read fields=updated_at"], Limits::CEILING);
    let mut session = world.open(&bearer(&other, &ALL)).await.unwrap();
    let refused = session.changes(Since::Cursor(later.next), None, 50).await.unwrap_err();
    assert!(
        matches!(refused, Refusal::Service(ServiceError::Invalid(_))),
        "a cursor is one installation's: {refused:?}"
    );
}

#[tokio::test]
async fn the_hour_bounds_both_doors_together() {
    let world = World::new().await;
    let limits = Limits { calls_per_hour: 3, ..Limits::default() };
    let installation = world.install(&ALL, limits);
    let token = bearer(&installation, &ALL);
    for left in [2, 1, 0] {
        let session = world.open(&token).await.unwrap();
        assert_eq!((session.rate().allowed, session.rate().left), (3, left));
    }
    let held = world.open(&token).await.err().unwrap();
    assert!(matches!(&held, Refusal::Held { wait, .. } if wait.as_secs() > 60), "{held:?}");
    let held = world.doors.send(&installation, "webhook:1", 1, post("https://hooks.chat.example/a")).await.unwrap_err();
    assert!(matches!(held, DoorError::Held(_)), "{held:?}");

    let few = world.install(&ALL, Limits { records_read_per_hour: 3, ..Limits::default() });
    let mut session = world.open(&bearer(&few, &ALL)).await.unwrap();
    let part = session.tickets(Query::default(), Sort::Newest, None, page(100)).await.unwrap();
    assert_eq!(part.items.len(), 3, "a page is no larger than what is left");
    let denied = session.ticket("1005".into(), None).await.unwrap_err();
    assert!(
        matches!(&denied, Refusal::Denied { denial, wait: Some(_) } if denial.layer == Layer::Budget),
        "{denied:?}"
    );
}

#[tokio::test]
async fn who_asks_only_for_themselves_has_a_visit_that_ends() {
    let world = World::new().await;
    let installation = world.install(&ALL, Limits::default());
    let mut session = world.open(&bearer(&installation, &ALL)).await.unwrap();
    assert_eq!(session.me().await.unwrap(), session.identity());
    drop(session);
    let ended = &world.entries_of(Kind::VisitEnded).await[0];
    assert_eq!(
        (ended.text("end"), &ended.detail["acts"], &ended.detail["host-calls"]),
        (Some("ok"), &0.into(), &1.into())
    );
    let mut session = world.open(&bearer(&installation, &ALL)).await.unwrap();
    world.runtime.end(&installation.id, installation.generation);
    assert!(matches!(session.me().await, Err(Refusal::Inactive(_))));
}

#[tokio::test]
async fn a_trace_that_was_brought_along_is_on_every_entry_of_a_visit() {
    let world = World::new().await;
    let installation = world.install(&ALL, Limits::default());
    let given = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let mut request = post("https://hooks.chat.example/a");
    request.headers.push(("traceparent".to_owned(), given.to_owned()));
    world.doors.send(&installation, "webhook:msg_1", 1, request).await.unwrap();
    let asked = Asked { label: "GET /api/v2/test", trace: Traceparent::parse(given) };
    drop(world.door.open(&bearer(&installation, &ALL), asked).await.unwrap());
    let entries = world.entries().await;
    assert_eq!(entries.iter().filter(|entry| entry.kind == Kind::VisitEnded).count(), 2);
    for entry in entries {
        let place = Traceparent::parse(entry.trace.as_deref().unwrap()).unwrap();
        assert_eq!(place.trace_id(), "0af7651916cd43dd8448eb211c80319c", "{entry:?}");
        assert_ne!(place.span_id(), "b7ad6b7169203331", "a span of its own");
    }
}

#[tokio::test]
async fn a_visitor_that_goes_away_is_in_the_log() {
    let world = World::new().await;
    let installation = world.install(&ALL, Limits::default());
    let purpose = Purpose { event: "api:x".into(), attempt: 1, ..Purpose::default() };
    let visit = world.runtime.visit(&installation, purpose).await.unwrap();
    assert_eq!(world.runtime.live(&installation.id), 1);
    drop(visit);
    assert_eq!(world.runtime.live(&installation.id), 0);
    assert_eq!(world.entries_of(Kind::VisitEnded).await[0].text("end"), Some("cut-off"));
    let slow = world.install(&ALL, Limits { wall_ms: 30, ..Limits::default() });
    let mut visit = world.runtime.visit(&slow, Purpose::default()).await.unwrap();
    let ended = visit.within(std::future::pending::<()>()).await.unwrap_err();
    assert_eq!(ended.to_string(), "limit reached: wall-ms");
    let unread = Purpose { narrowed: Some((Layer::Token, scopes(&["tickets:raed"]))), ..Purpose::default() };
    assert!(world.runtime.visit(&installation, unread).await.is_err());
    assert!(Timestamp(0) < world.entries().await[0].time);
}
