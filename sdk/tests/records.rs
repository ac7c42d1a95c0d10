//! Finding and reading records under `where=`, `mask=` and `token=`, and reading files, against the in-memory host.

#![expect(clippy::unwrap_used, reason = "a test's own helpers")]

use portcullis_sdk::attachments::{Attachment, Scan};
use portcullis_sdk::prelude::*;
use portcullis_sdk::testing::Host;
use portcullis_sdk::tickets::{Changes, Field, NewComment, Priority, Query, Sort, Status, Ticket};
use portcullis_sdk::users::{Finder, Organization, OrganizationField, Role, User};

fn denied<T: std::fmt::Debug>(result: Result<T, Error>) -> portcullis_sdk::Denial {
    match result {
        Err(Error::Denied(denial)) => denial,
        other => panic!("not denied: {other:?}"),
    }
}

fn ids(search: tickets::Search) -> Vec<String> {
    search.tickets().map(|ticket| ticket.unwrap().id).collect()
}

fn desk(grant: &str) -> Host {
    let ticket = |id: &str, brand: &str, at: &str| {
        let moment = format!("2026-11-02T{at}:00Z");
        Ticket::new(id).with_subject(format!("Printer {id}")).with_brand(brand).with_updated_at(moment)
    };
    Host::new()
        .grant(grant)
        .with_ticket(ticket("9", "acme", "12:00").with_status(Status::Open).with_tag("vip").with_requester("7"))
        .with_ticket(ticket("10", "acme", "11:00").with_status(Status::Open).with_priority(Priority::High))
        .with_ticket(ticket("11", "beta", "10:00").with_requester("7"))
}

#[test]
fn a_search_finds_what_fits_all_of_the_query() {
    let all = "tickets:read fields=subject,status,priority,tags,requester_id,brand_id,updated_at";
    desk(all).run(|| {
        let find = |query: Query| ids(tickets::search(query).fields([Field::Subject]));
        assert_eq!(find(Query::new()), ["11", "10", "9"], "numbers as numbers");
        assert_eq!(find(Query::new().words("9 PRINTER")), ["9"]);
        assert_eq!(find(Query::new().status(Status::Open).status(Status::New)), ["11", "10", "9"]);
        assert_eq!(find(Query::new().status(Status::Open).priority(Priority::High)), ["10"]);
        assert_eq!(find(Query::new().tag("VIP")), ["9"]);
        assert_eq!(find(Query::new().requester("7").brand("beta")), ["11"]);
        assert_eq!(find(Query::new().updated_since("2026-11-02T12:00:00+01:00")), ["10", "9"]);
        assert_eq!(ids(tickets::search(Query::new()).fields([Field::Tags]).order(Sort::Updated)), ["9", "10", "11"]);
    });
}

#[test]
fn a_search_goes_page_by_page_and_a_cursor_is_good_for_its_query_only() {
    desk("tickets:read fields=subject,status").run(|| {
        let search = |query: Query| tickets::search(query).fields([Field::Subject]).page_size(1);
        let pages: Vec<_> = search(Query::new()).pages().map(Result::unwrap).collect();
        assert_eq!(pages.iter().map(|page| page.tickets[0].id.as_str()).collect::<Vec<_>>(), ["11", "10", "9"]);
        let cursor = pages[0].next.clone().unwrap();
        assert_eq!(ids(search(Query::new()).after(&cursor)), ["10", "9"]);
        assert!(pages[2].next.is_none());
        let other = Query::new().status(Status::Open);
        assert!(matches!(search(other).after(&cursor).page(), Err(Error::Invalid(_))));
        assert!(matches!(search(Query::new()).after(cursor + "0").page(), Err(Error::Invalid(_))));
    });
}

#[test]
fn a_search_says_what_is_wrong_with_it() {
    desk("tickets:read fields=subject,updated_at").run(|| {
        let invalid = |search: tickets::Search| match search.page() {
            Err(Error::Invalid(what)) => what,
            other => panic!("not invalid: {other:?}"),
        };
        let subject = |query: Query| tickets::search(query).fields([Field::Subject]);
        assert!(invalid(tickets::search(Query::new())).contains("name at least one"));
        assert!(invalid(tickets::search(Query::new()).fields_named(["sujbect"])).contains("sujbect"));
        assert!(invalid(subject(Query::new().updated_since("yesterday"))).contains("RFC 3339"));
        assert!(invalid(subject(Query::new().words("a".repeat(201)))).contains("200 bytes"));
        let mut after_an_error = subject(Query::new().words("\u{7}")).pages();
        assert!(after_an_error.next().unwrap().is_err() && after_an_error.next().is_none());
    });
}

#[test]
fn what_is_not_shown_in_the_clear_cannot_be_searched_by() {
    let host = desk("tickets:read fields=subject,tags,requester_id mask=personal");
    host.run(|| {
        let tags = |query: Query| tickets::search(query).fields([Field::Tags]);
        assert_eq!(ids(tags(Query::new().tag("vip"))), ["9"]);
        let denial = denied(tags(Query::new().words("printer").requester("7")).page());
        assert_eq!(denial.scope, "tickets:read fields=requester_id,subject");
        assert!(denial.reason.contains("in the clear"), "{}", denial.reason);
        assert_eq!(denied(tags(Query::new()).order(Sort::Updated).page()).scope, "tickets:read fields=updated_at");
        assert_eq!(denied(tags(Query::new().status(Status::Open)).page()).scope, "tickets:read fields=status");
    });
    // In the clear for one brand: the others are not searched, and so tell nothing.
    let host = host.grant("tickets:read fields=subject where=brand:beta");
    host.run(|| {
        let found = tickets::search(Query::new().words("printer")).fields([Field::Subject, Field::Tags]);
        assert_eq!(ids(found), ["11"]);
    });
}

#[test]
fn a_ticket_outside_of_where_is_not_there() {
    let scopes =
        ["tickets:comment visibility=internal", "tickets:write fields=tags", "tickets:redact", "tickets:delete"];
    let host =
        desk("tickets:read fields=subject,comments where=brand:acme,status:open").with_comment("11", "c", "text");
    let host = scopes.iter().fold(host, |host, scope| host.grant(&format!("{scope} where=brand:acme")));
    host.run(|| {
        assert_eq!(ids(tickets::search(Query::new()).fields([Field::Subject])), ["10", "9"]);
        assert_eq!(tickets::get("11", &[Field::Subject]), Err(Error::NotFound));
        assert_eq!(tickets::comments("11", None), Err(Error::NotFound));
        assert_eq!(tickets::add_comment("11", NewComment::internal("x")), Err(Error::NotFound));
        assert_eq!(tickets::update("11", Changes::new().add_tag("x")), Err(Error::NotFound));
        assert_eq!(tickets::redact("11", "c", &[(0..1).into()]), Err(Error::NotFound));
        assert_eq!(tickets::delete("11"), Err(Error::NotFound));
        tickets::add_comment("9", NewComment::internal("x")).unwrap();
        tickets::delete("9").unwrap();
        assert_eq!(tickets::delete("9"), Err(Error::NotFound));
    });
    assert_eq!((host.ticket("11").tags, host.comments("11").len()), (Some(Vec::new()), 1));
    assert!(denied(Host::new().run(|| tickets::delete("9"))).scope == "tickets:delete");
}

#[test]
fn fields_are_shown_as_the_grant_says() {
    let host = desk("tickets:read fields=subject,tags,requester_id,updated_at,status mask=updated_at token=personal");
    host.run(|| {
        let fields = [Field::Subject, Field::Tags, Field::RequesterId, Field::UpdatedAt, Field::Status];
        let [nine, eleven] = ["9", "11"].map(|id| tickets::get(id, &fields).unwrap());
        assert!(nine.subject.as_ref().unwrap().starts_with("tok_") && nine.subject != eleven.subject);
        assert_eq!((&nine.requester_id, nine.tags.unwrap()), (&eleven.requester_id, vec!["vip".to_owned()]));
        assert_eq!((nine.updated_at.as_deref(), nine.status), (Some("2026-11-02"), Some(Status::Open)));
    });
    let host = desk("tickets:read fields=comments,requester_id mask=requester_id").with_comment("9", "c", "text");
    let comment = host.run(|| tickets::comment("9", "c").unwrap());
    assert_eq!([comment.body.as_str(), comment.author_id.as_str()], ["text", "•••"], "who asked may have written it");
    let person = User::new("7").with_name("Ada King").with_email("ada@x.test").with_phone("+44 20 7946 0958");
    let host = Host::new().grant("users:read fields=name,email,phone mask=personal").with_user(person);
    host.run(|| {
        let fields = [users::Field::Name, users::Field::Email, users::Field::Phone];
        let seen = users::get("7", &fields).unwrap();
        assert_eq!([seen.name, seen.email, seen.phone].map(Option::unwrap), ["A. K.", "a•••@•••", "•••58"]);
        assert!(denied(users::find_by_email("ada@x.test", &fields)).reason.contains("email in the clear"));
    });
}

#[test]
fn people_are_found_by_the_whole_value() {
    let person = |id: &str, role: Role| {
        User::new(id)
            .with_email(format!("P{id}@x.test"))
            .with_phone("+1 (55) 0100")
            .with_organization("70")
            .with_role(role)
    };
    let host = Host::new()
        .grant("users:read fields=name,email,phone,organization_id where=role:end-user")
        .grant("users:organizations fields=name where=organization:70")
        .with_organization(Organization::new("71"))
        .with_user(person("9", Role::EndUser))
        .with_user(person("10", Role::EndUser))
        .with_user(person("11", Role::Agent));
    host.run(|| {
        let fields = [users::Field::Email];
        let ids = |found: Result<Vec<User>, Error>| found.unwrap().into_iter().map(|user| user.id).collect::<Vec<_>>();
        assert_eq!(ids(users::find_by_email("p9@X.test", &fields)), ["9"]);
        assert_eq!(ids(users::find_by_email("x.test", &fields)), [""; 0]);
        assert_eq!(ids(users::find_by_phone("1550100", &fields)), ["9", "10"]);
        assert_eq!(ids(users::find_by_phone("()", &fields)), [""; 0]);
        assert_eq!(ids(users::find_by_organization("70", &fields, Some("9"))), ["10"], "agents are outside of `where`");
        assert!(matches!(users::find(&Finder::Email(String::new()), &fields, None), Err(Error::Invalid(_))));
        assert_eq!(users::get("11", &fields), Err(Error::NotFound));
        assert_eq!(users::organization("71", &[OrganizationField::Name]), Err(Error::NotFound));
    });
}

fn files(grant: &str) -> Host {
    Host::new()
        .grant(grant)
        .with_attachment(Attachment::new("1", "9").with_type("image/png").with_name("a.png"), vec![7; 100_000])
        .with_attachment(Attachment::new("1", "10").with_type("text/plain").with_scan(Scan::Unscanned), "hello")
        .with_attachment(Attachment::new("1", "11").with_type("image/png").with_scan(Scan::Infected), "bad")
        .with_attachment(Attachment::new("2", "12").with_type("image/png"), "other")
}

#[test]
fn files_are_listed_by_type_and_read_in_chunks() {
    files("attachments:read types=image/*,text/plain bytes=1MiB scan=clean,unscanned").run(|| {
        let all = attachments::list("1").unwrap();
        assert_eq!(all.iter().map(|file| file.id.as_str()).collect::<Vec<_>>(), ["9", "10", "11"]);
        assert_eq!((all[0].size, all[1].scan, all[2].scan), (100_000, Scan::Unscanned, Scan::Infected));
        let mut reader = attachments::open("9").unwrap();
        let sizes: Vec<usize> = std::iter::from_fn(|| reader.read_chunk().unwrap()).map(|chunk| chunk.len()).collect();
        assert_eq!(sizes, [65_536, 34_464]);
        assert_eq!(attachments::open("9").unwrap().read_to_end(100_000).unwrap(), vec![7; 100_000]);
        assert!(matches!(attachments::open("9").unwrap().read_to_end(99_999), Err(Error::Invalid(_))));
        assert_eq!(attachments::open("10").unwrap().read_to_end(64).unwrap(), b"hello");
        assert!(denied(attachments::open("11")).reason.contains("nobody may open it"));
        assert_eq!(attachments::open("13").unwrap_err(), Error::NotFound);
        assert_eq!(attachments::list("3"), Err(Error::NotFound));
    });
}

#[test]
fn a_file_needs_one_scope_for_its_type_its_size_and_its_scan() {
    let host = files("attachments:read types=text/* bytes=1KiB scan=clean");
    let host = host.grant("attachments:read types=image/* bytes=1KiB scan=clean,unscanned where=status:new");
    host.run(|| {
        let denial = denied(attachments::open("9"));
        assert_eq!(denial.scope, "attachments:read bytes=100000B scan=clean types=image/png");
        assert!(denial.reason.contains("image/png with 100000 bytes, clean"), "{}", denial.reason);
        assert!(denied(attachments::open("10")).reason.contains("unscanned"), "two scopes do not add up here");
        assert_eq!(attachments::open("12").unwrap().read_to_end(64).unwrap(), b"other");
    });
    files("attachments:read types=image/* bytes=1MiB scan=clean where=brand:x").run(|| {
        assert_eq!(attachments::list("1"), Err(Error::NotFound));
        assert_eq!(attachments::open("9").unwrap_err(), Error::NotFound);
    });
    assert_eq!(denied(Host::new().run(|| attachments::list("1"))).scope, "attachments:read");
}

#[test]
fn a_file_goes_with_its_ticket() {
    let host = files("attachments:read types=* bytes=1MiB scan=clean").grant("tickets:delete");
    host.run(|| {
        let mut reader = attachments::open("9").unwrap();
        reader.read_chunk().unwrap();
        tickets::delete("1").unwrap();
        assert_eq!(reader.read_chunk(), Err(Error::NotFound));
        assert_eq!(attachments::open("9").unwrap_err(), Error::NotFound);
    });
}
