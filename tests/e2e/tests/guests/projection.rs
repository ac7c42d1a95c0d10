//! Projection: a value that a grant drops, masks or shows as a token is nowhere in what a plugin gets, whichever way it asks,
//! and nowhere in the logs (DAT-1 to DAT-3).

use portcullis_e2e::{Lab, Package, TENANT, event};
use portcullis_model::{
    event::{Event, EventForm},
    installation::Installation,
    invoke::{CallEnd, CallReport, LogLine, PluginLogs as _},
    time::Timestamp,
};
use serde_json::{Value, json};

const RECEIVE: &str = "events:receive types=zen:event-type:*";
/// What a plugin needs to be called at all: each capability that it imports.
const LEAST: [&str; 3] = [RECEIVE, "log:write", "users:read fields=role where=role:admin"];

/// The newest ticket of the seed.
const TICKET: &str = "1220";
/// All values of that ticket and its requester that are looked for; `open` and the like are words of too many meanings.
const SUBJECT: &str = "MARKsubject";
const CONVERSATION: [&str; 3] = ["MARKfirst", "MARKreply", "MARKevent"];
const CUSTOM: &str = "MARKcustom";
const TAG: &str = "marktag";
const BRAND: &str = "markbrand";
const REQUESTER: &str = "9010351";
const ASSIGNEE: &str = "9010022";
const ORGANIZATION: &str = "361066";
const CREATED: &str = "2026-09-09T01:02:03Z";
const UPDATED: &str = "2026-11-19T04:05:06Z";
/// Of the event, and of no field that could be granted.
const NEVER: [&str; 3] = ["MARKvia", "MARKauthor", "MARKenvelope"];
const PERSON: [&str; 5] = ["Markname", "Personson", "markmail", "5550153", "Europe/Markland"];
const COMPANY: [&str; 3] = ["Lumen Bakery", "lumenbakery.example.org", "markplan"];

/// A lab with the marked ticket, and the guest that asks for everything.
async fn marked(config: &str) -> (Lab, Package) {
    let lab = Lab::with(config).await;
    lab.seed(TENANT).await;
    let desk = rusqlite::Connection::open(lab.host.home.helpdesk()).unwrap();
    let moment = |text: &str| Timestamp::parse(text).unwrap().0;
    let ticket = "UPDATE tickets SET subject = 'MARKsubject of it', tags = '[\"marktag\"]', brand_id = 'markbrand',
        custom_fields = '[{\"id\":\"k\",\"value\":\"MARKcustom\"},{\"id\":\"deep\",\"value\":{\"a\":[\"MARKcustom\"]}}]',
        created_at = ?, updated_at = ? WHERE tenant = 'acme' AND id = 1220";
    assert_eq!(desk.execute(ticket, [moment(CREATED), moment(UPDATED)]).unwrap(), 1);
    for (body, id) in [("MARKfirst text", "30064058280686"), ("MARKreply text", "30064058282702")] {
        assert_eq!(desk.execute("UPDATE comments SET body = ? WHERE id = ?", [body, id]).unwrap(), 1);
    }
    let person = "UPDATE users SET name = 'Markname Personson', email = 'markmail@mark.example',
        email_key = 'markmail@mark.example', phone = '+1 404 5550153', phone_key = '14045550153',
        time_zone = 'Europe/Markland' WHERE tenant = 'acme' AND id = 9010351";
    assert_eq!(desk.execute(person, []).unwrap(), 1);
    let company =
        "UPDATE organizations SET organization_fields = '[{\"id\":\"plan\",\"value\":\"markplan\"}]' WHERE id = 361066";
    assert_eq!(desk.execute(company, []).unwrap(), 1);
    let scopes = [
        "log:write",
        "tickets:read fields=*",
        "tickets:comment visibility=*",
        "tickets:write fields=*",
        "tickets:redact",
        "tickets:delete",
        "users:read fields=*",
        "users:organizations fields=*",
    ];
    let limits = "log-kib = 1024\nhost-calls = 1000\ncpu-ms = 10000\nwall-ms = 60000\noutput-kib = 1024\n\
        records-read = 10000\nrecords-read-per-hour = 1000000";
    (lab, Package::guest("reads_everything", &scopes, limits))
}

/// The event that a comment came to the marked ticket, as Zendesk says it. What the guest is to search by goes backwards.
fn comment_added(people: bool) -> Event {
    let about = json!({
        "words": SUBJECT, "tag": TAG, "requester": REQUESTER, "assignee": ASSIGNEE, "organization": ORGANIZATION,
        "brand": BRAND, "email": "markmail@mark.example", "phone": "14045550153", "people": people,
    });
    let about: String = about.to_string().chars().rev().collect();
    let detail = json!({
        "id": TICKET, "subject": "MARKsubject of it", "description": "MARKfirst text", "status": "OPEN", "priority": "NORMAL",
        "type": "INCIDENT", "requester_id": REQUESTER, "assignee_id": ASSIGNEE, "organization_id": ORGANIZATION,
        "tags": [TAG], "custom_fields": [{ "id": "k", "value": CUSTOM }], "brand_id": BRAND,
        "created_at": CREATED, "updated_at": UPDATED,
        "via": { "channel": "MARKvia" },
    });
    let author = json!({ "id": REQUESTER, "name": "MARKauthor", "is_staff": false });
    let comment = json!({ "id": "77", "body": "MARKevent text", "is_public": true, "author": author });
    let kind = "zen:event-type:ticket.comment_added";
    Event {
        kind: kind.to_owned(),
        subject: Some(format!("zen:ticket:{TICKET}")),
        form: EventForm::Zendesk,
        data: json!({
            "account_id": about, "id": "e", "type": kind, "surprise": "MARKenvelope",
            "zendesk_event_version": { "below": "MARKenvelope" }, "detail": detail, "event": { "comment": comment },
        }),
        ..event(Value::Null)
    }
}

/// Everything that came of a call: what the guest logged, how it ended, what was stored of it, and the audit log's entries.
async fn traces(lab: &Lab, guest: &Installation, people: bool) -> (CallReport, String) {
    let before = lab.entries().await.len();
    let report = lab.handle(guest, &comment_added(people), 1).await;
    assert!(matches!(report.end, CallEnd::Failed { error: "invalid", .. }), "{:?}: {:?}", report.end, report.log);
    assert_eq!(report.usage.log_dropped, 0, "all of it must be seen");
    lab.host.store.keep(&report, lab.host.clock.now());
    let entries = lab.entries().await.split_off(before);
    assert!(entries.len() > 20, "the acts are on record: {}", entries.len());
    let stored = lab.host.store.log_lines(Some(guest.id.clone()), 1_000).await.unwrap();
    let own = |line: LogLine| (line.call == report.call.id.as_str()).then_some(line.message);
    let stored: Vec<String> = stored.into_iter().filter_map(own).collect();
    assert_eq!(stored.len(), report.log.len());
    let entries = serde_json::to_string(&entries).unwrap();
    let everything = format!("{:?}\n{:?}\n{stored:?}\n{entries}", report.log, report.end);
    (report, everything)
}

/// Whether a value is there, and not as a part of a longer word: ids are short.
fn has(text: &str, value: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let apart = |at: usize| !word(text[..at].chars().next_back()) && !word(text[at + value.len()..].chars().next());
    text.match_indices(value).any(|(at, _)| apart(at))
}

/// The guest's line that begins so.
fn line<'a>(report: &'a CallReport, words: &str) -> &'a str {
    super::acts::said(report, &format!("{words}: "))
}

struct Case {
    grant: &'static [&'static str],
    people: bool,
    shown: &'static [&'static str],
    hidden: &'static [&'static [&'static str]],
}

const CASES: &[Case] = &[
    Case {
        grant: &["tickets:read fields=status"],
        people: false,
        shown: &["Some(Status::Open)"],
        hidden: &[&[SUBJECT, CUSTOM, TAG, BRAND, REQUESTER, ASSIGNEE, ORGANIZATION, CREATED, UPDATED], &CONVERSATION],
    },
    Case {
        grant: &["tickets:read fields=tags,subject mask=subject"],
        people: false,
        shown: &[TAG, "•••"],
        hidden: &[&[SUBJECT, CUSTOM, BRAND, REQUESTER, ASSIGNEE, ORGANIZATION, CREATED, UPDATED], &CONVERSATION],
    },
    Case {
        grant: &["tickets:read fields=* mask=personal"],
        people: false,
        shown: &["•••", TAG, BRAND, ASSIGNEE, ORGANIZATION, CREATED, UPDATED],
        hidden: &[&[SUBJECT, CUSTOM, REQUESTER], &CONVERSATION],
    },
    Case {
        grant: &["tickets:read fields=* token=personal"],
        people: false,
        shown: &["tok_", TAG, BRAND, ASSIGNEE, ORGANIZATION, CREATED, UPDATED],
        hidden: &[&["•••", SUBJECT, CUSTOM, REQUESTER], &CONVERSATION],
    },
    Case {
        grant: &[
            "tickets:read fields=subject,custom_fields,tags,brand_id,assignee_id,organization_id,created_at,updated_at \
             mask=internal token=tags,assignee_id",
        ],
        people: false,
        shown: &[SUBJECT, CUSTOM, "2026-09-09", "tok_"],
        hidden: &[&[TAG, BRAND, REQUESTER, ASSIGNEE, ORGANIZATION, CREATED, UPDATED], &CONVERSATION],
    },
    Case {
        grant: &["tickets:read fields=subject where=brand:markbrand", "tickets:read fields=* where=brand:other"],
        people: false,
        shown: &[SUBJECT],
        hidden: &[&[CUSTOM, TAG, BRAND, REQUESTER, ASSIGNEE, CREATED, UPDATED], &CONVERSATION],
    },
    Case {
        // Where it could be masked or a token it is a token, which tells less.
        grant: &["tickets:read fields=subject,tags mask=subject", "tickets:read fields=subject,tags token=subject"],
        people: false,
        shown: &["tok_", TAG],
        hidden: &[&["•••", SUBJECT, CUSTOM, BRAND, REQUESTER, ASSIGNEE, CREATED, UPDATED], &CONVERSATION],
    },
    Case {
        // Who asked wrote the first comment.
        grant: &["tickets:read fields=comments,requester_id mask=requester_id"],
        people: false,
        shown: &["MARKfirst", "MARKreply", "MARKevent", "•••"],
        hidden: &[&[SUBJECT, CUSTOM, TAG, BRAND, REQUESTER, ORGANIZATION, CREATED, UPDATED]],
    },
    Case {
        grant: &["tickets:read fields=status", "users:read fields=name,phone,email,locale mask=personal"],
        people: true,
        shown: &["M. P.", "m•••@•••", "•••53"],
        hidden: &[&PERSON, &COMPANY, &[SUBJECT]],
    },
    Case {
        grant: &[
            "tickets:read fields=status",
            "users:read fields=name,email,role token=personal",
            "users:organizations fields=name,tags token=name",
        ],
        people: true,
        shown: &["tok_", "Some(Role::EndUser)", "nonprofit"],
        hidden: &[&PERSON, &COMPANY, &[SUBJECT]],
    },
    Case {
        grant: &[
            "tickets:read fields=status",
            "users:read fields=* where=role:agent",
            "users:organizations fields=* where=organization:361014",
        ],
        people: true,
        shown: &["Err(NotFound)"],
        hidden: &[&PERSON, &COMPANY, &[SUBJECT]],
    },
    Case {
        grant: &["tickets:read fields=status", "users:read fields=email", "users:organizations fields=name"],
        people: true,
        shown: &["markmail@mark.example", "Lumen Bakery"],
        hidden: &[&["Markname", "5550153", "Europe/Markland", "lumenbakery.example.org", "markplan", SUBJECT]],
    },
];

#[tokio::test(flavor = "multi_thread")]
pub async fn reads_everything() {
    let (lab, package) = marked("").await;
    let guest = lab.install(&package).await;
    // With all of it granted all of it is there: the marks are where the tests below look for them.
    let all = [RECEIVE, "log:write", "tickets:read fields=*", "users:read fields=*", "users:organizations fields=*"];
    let (report, everything) = traces(&lab, &lab.grant(&guest, &all).await, true).await;
    let marks = [SUBJECT, CUSTOM, TAG, BRAND, REQUESTER, ASSIGNEE, ORGANIZATION, CREATED, UPDATED];
    for mark in marks.iter().chain(&CONVERSATION).chain(&PERSON).chain(&COMPANY) {
        assert!(has(&everything, mark), "{mark} in {everything}");
    }
    assert!(NEVER.iter().all(|mark| !has(&everything, mark)), "{everything}");
    for words in
        ["get all", "get more", "by words", "by change", "search subject", "email name", "phone name", "of name"]
    {
        assert!(line(&report, words).starts_with("Ok("), "{words}: {}", line(&report, words));
    }
    for Case { grant, people, shown, hidden } in CASES {
        // A scope of users comes with the case, or the least one that lets the guest load.
        let least = LEAST.into_iter().filter(|scope| !people || !scope.starts_with("users:"));
        let grant: Vec<&str> = least.chain(grant.iter().copied()).collect();
        let (_, everything) = traces(&lab, &lab.grant(&guest, &grant).await, *people).await;
        for mark in *shown {
            assert!(everything.contains(mark), "{grant:?} shows {mark}: {everything}");
        }
        for mark in hidden.iter().copied().flatten().chain(&NEVER) {
            assert!(!has(&everything, mark), "{grant:?} must hide {mark}: {everything}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_in_the_clear_is_not_searched_by() {
    let (lab, package) = marked("").await;
    let guest = lab.install(&package).await;
    let granted =
        "tickets:read fields=subject,tags,status,requester_id,updated_at mask=subject token=requester_id,updated_at";
    let grant: Vec<&str> = LEAST.into_iter().filter(|scope| !scope.starts_with("users:")).collect();
    let grant = [&grant[..], &[granted, "users:read fields=name,email,phone mask=email token=phone"]].concat();
    let (report, _) = traces(&lab, &lab.grant(&guest, &grant).await, true).await;
    for (search, field) in [
        ("by words", "subject"),
        ("by priority", "priority"),
        ("by requester", "requester_id"),
        ("by assignee", "assignee_id"),
        ("by organization", "organization_id"),
        ("by brand", "brand_id"),
        ("by since", "updated_at"),
        ("by change", "updated_at"),
        ("email name", "email"),
        ("phone name", "phone"),
        ("of name", "organization_id"),
    ] {
        let answer = line(&report, search);
        let reason = format!("by {field} is not granted: it needs {field} in the clear");
        assert!(answer.starts_with("Err(Denied(") && answer.contains(&reason), "{search}: {answer}");
    }
    for search in ["by status", "by tag"] {
        assert!(line(&report, search).starts_with("Ok("), "{search}: {}", line(&report, search));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ticket_outside_of_where_is_not_there() {
    let (lab, package) = marked("").await;
    let guest = lab.install(&package).await;
    let before = lab.desk.ticket_row(&guest.tenant, TICKET).await.unwrap();
    let comments = lab.desk.comments_of(&guest.tenant, TICKET).await.unwrap();
    let elsewhere = [
        "tickets:read fields=* where=brand:360001217",
        "tickets:comment visibility=internal where=brand:360001217",
        "tickets:write fields=tags where=brand:360001217",
        "tickets:redact where=brand:360001217",
        "tickets:delete where=brand:360001217",
    ];
    let (report, everything) = traces(&lab, &lab.grant(&guest, &[&LEAST[..], &elsewhere].concat()).await, false).await;
    for words in ["get subject", "get status", "get more", "comments", "update", "comment", "redact", "delete"] {
        assert_eq!(line(&report, words), "Err(NotFound)", "{words}");
    }
    let own = [SUBJECT, CUSTOM, TAG, BRAND, REQUESTER, CREATED, UPDATED];
    for mark in own.iter().chain(&CONVERSATION).chain(&NEVER) {
        assert!(!has(&everything, mark), "{mark}: {everything}");
    }
    for search in ["by words", "by tag", "by requester", "by brand"] {
        assert_eq!(line(&report, search), "Ok(Page { tickets: [], next: None })", "{search}");
    }
    // Others are found.
    assert!(
        line(&report, "search subject").contains("id: \"1002\"")
            || line(&report, "search subject").contains("next: Some")
    );
    assert!(
        line(&report, "event").contains(r#"\"detail\":{\"id\":\"1220\"},\"event\":{}"#),
        "{}",
        line(&report, "event")
    );
    assert_eq!(lab.desk.ticket_row(&guest.tenant, TICKET).await.unwrap(), before);
    assert_eq!(lab.desk.comments_of(&guest.tenant, TICKET).await.unwrap(), comments);
}

/// What stands behind `words` in the line, to the next quote.
fn after<'a>(text: &'a str, words: &str) -> &'a str {
    let found = text.split_once(words).unwrap_or_else(|| panic!("no '{words}' in {text}")).1;
    found.split(['"', '\\']).next().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn tokens_can_be_joined_within_an_installation_and_nowhere_else() {
    let (lab, package) = marked("").await;
    let tokens = [&LEAST[..], &["tickets:read fields=* token=personal"]].concat();
    let mut seen = Vec::new();
    for _ in 0..2 {
        let guest = lab.install_in(TENANT, &package, Some(&tokens)).await;
        let (report, _) = traces(&lab, &guest, false).await;
        let (got, event, comments) = (line(&report, "get all"), line(&report, "event"), line(&report, "comments"));
        let [subject, requester, description] =
            ["subject: Some(\"", "requester-id: Some(\"", "description: Some(\""].map(|words| after(got, words));
        assert!([subject, requester, description].iter().all(|token| token.len() == 36 && token.starts_with("tok_")));
        assert_eq!(after(event, r#"\"subject\":\""#), subject, "the event's is the ticket's");
        assert!(line(&report, "search subject").contains(subject), "the search's is the ticket's");
        assert_eq!(after(event, r#"\"requester_id\":\""#), requester);
        assert_eq!(after(comments, "author-id: \""), requester, "who asked wrote the first comment");
        assert_eq!(after(comments, "body: \""), description, "the description is the first comment");
        let (again, _) = traces(&lab, &guest, false).await;
        assert_eq!(line(&again, "get all"), got, "the same in every call");
        seen.push([subject, requester, description].map(str::to_owned));
    }
    assert!(seen[0].iter().all(|token| !seen[1].contains(token)), "another installation has others: {seen:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn card_numbers_are_covered_where_the_tenant_says_so() {
    const CARD: &str = "4111 1111 1111 1111";
    for (config, covered) in [("[tenants.acme]\ncover-cards = true\n", true), ("", false)] {
        let (lab, package) = marked(config).await;
        let desk = rusqlite::Connection::open(lab.host.home.helpdesk()).unwrap();
        desk.execute("UPDATE tickets SET subject = 'Card 4111 1111 1111 1111' WHERE id = 1220", []).unwrap();
        desk.execute("UPDATE comments SET body = 'My card: 4111 1111 1111 1111' WHERE id = 30064058280686", [])
            .unwrap();
        let guest = lab.install(&package).await;
        let grant = [&LEAST[..], &["tickets:read fields=*"]].concat();
        let (report, everything) = traces(&lab, &lab.grant(&guest, &grant).await, false).await;
        assert_eq!(everything.contains(CARD), !covered, "{everything}");
        for words in ["get subject", "get description", "search subject", "comments"] {
            assert!(line(&report, words).contains("4111 11"), "the first six stay: {}", line(&report, words));
            assert_eq!(line(&report, words).contains(CARD), !covered, "{words}: {}", line(&report, words));
        }
    }
}
