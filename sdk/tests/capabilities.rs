//! Each capability against the in-memory host: what it does, and what it refuses.

use portcullis_sdk::prelude::*;
use portcullis_sdk::testing::Host;
use portcullis_sdk::tickets::{Changes, Field, NewComment, Priority, Status, Ticket};
use portcullis_sdk::users::{Organization, OrganizationField, User};

#[test]
fn a_ticket_has_only_the_fields_asked_for() {
    let ticket = Ticket::new("1").with_subject("Help").with_priority(Priority::Low).with_field("tier", "\"gold\"");
    let host = Host::new().grant("tickets:read fields=*").with_ticket(ticket);
    host.run(|| {
        let found = tickets::get("1", &[Field::Priority, Field::CustomFields]).unwrap();
        assert_eq!((found.priority, found.subject.clone()), (Some(Priority::Low), None));
        assert_eq!(found.custom_field("tier").and_then(|field| field.text()).as_deref(), Some("gold"));
        assert_eq!(tickets::get("2", &[Field::Subject]), Err(Error::NotFound));
        assert!(matches!(tickets::get_named("1", &["secret"]), Err(Error::Invalid(_))));
    });
}

#[test]
fn priorities_are_ordered() {
    assert!(Priority::Low < Priority::Normal && Priority::Normal < Priority::High && Priority::High < Priority::Urgent);
}

#[test]
fn a_comment_is_found_on_a_later_page() {
    let host = (0..150).fold(Host::new().grant("tickets:read fields=comments"), |host, n| {
        host.with_comment("1", &format!("c{n}"), &format!("body {n}"))
    });
    host.run(|| {
        assert_eq!(tickets::comments("1", None).unwrap().len(), 100);
        assert_eq!(tickets::comment("1", "c149").unwrap().body, "body 149");
        assert_eq!(tickets::comment("1", "c150"), Err(Error::NotFound));
    });
}

#[test]
fn a_key_adds_one_comment_and_is_good_for_one_text() {
    let host = Host::new().grant("tickets:comment visibility=internal").with_ticket(Ticket::new("1"));
    host.run(|| {
        let first = tickets::add_comment("1", NewComment::internal("a").key("k")).unwrap();
        assert_eq!(tickets::add_comment("1", NewComment::internal("a").key("k")).unwrap(), first);
        assert_eq!(tickets::add_comment("1", NewComment::internal("b").key("k")), Err(Error::Conflict));
        assert!(matches!(tickets::add_comment("1", NewComment::public("a")), Err(Error::Denied(_))));
        assert!(matches!(tickets::add_comment("1", NewComment::internal("")), Err(Error::Invalid(_))));
    });
    assert_eq!(host.comments("1").len(), 1);
}

#[test]
fn an_update_needs_every_field_that_it_changes() {
    let host = Host::new().grant("tickets:write fields=tags").with_ticket(Ticket::new("1").with_tag("old"));
    host.run(|| {
        tickets::update("1", Changes::new().add_tag("new").add_tag("new").remove_tag("old")).unwrap();
        let both = Changes::new().add_tag("x").priority(Priority::High);
        let Err(Error::Denied(denial)) = tickets::update("1", both) else { panic!("not denied") };
        assert_eq!(denial.scope, "tickets:write fields=priority");
    });
    assert_eq!(host.ticket("1").tags.unwrap(), ["new"]);
}

#[test]
fn a_closed_ticket_is_a_conflict() {
    let ticket = Ticket::new("1").with_status(Status::Closed);
    let host = Host::new().grant("tickets:write fields=status").with_ticket(ticket);
    host.run(|| assert_eq!(tickets::update("1", Changes::new().status(Status::Open)), Err(Error::Conflict)));
}

#[test]
fn redaction_counts_characters_not_bytes() {
    let host = Host::new().grant("tickets:redact").with_comment("1", "c", "né 1234");
    host.run(|| {
        tickets::redact("1", "c", &[(3..5).into()]).unwrap();
        assert!(matches!(tickets::redact("1", "c", &[(3..9).into()]), Err(Error::Invalid(_))));
    });
    assert_eq!(host.comments("1")[0].body, "né ▇▇34");
}

#[test]
fn people_and_organizations() {
    let host = Host::new()
        .grant("users:read fields=organization_id")
        .grant("users:organizations fields=tags,organization_fields")
        .with_user(User::new("7").with_organization("70"))
        .with_organization(Organization::new("70").with_tag("vip").with_field("plan", "\"enterprise\""));
    host.run(|| {
        let user = users::get("7", &[users::Field::OrganizationId]).unwrap();
        assert_eq!(user.organization_id.as_deref(), Some("70"));
        assert!(matches!(users::get("7", &[users::Field::Email]), Err(Error::Denied(_))));
        let fields = [OrganizationField::Tags, OrganizationField::OrganizationFields];
        let organization = users::organization("70", &fields).unwrap();
        assert!(organization.has_tag("vip") && !organization.has_tag("gold"));
        assert_eq!(organization.custom_field("plan").and_then(|field| field.text()).as_deref(), Some("enterprise"));
    });
}

#[test]
fn the_store_keeps_its_quota_and_its_rules() {
    let host = Host::new().grant("kv:read").grant("kv:write bytes=1KiB").with_kv("seen", "old", "1");
    host.run(|| {
        let bucket = kv::open("seen").unwrap();
        assert_eq!(bucket.get_str("old").unwrap().as_deref(), Some("1"));
        bucket.set_json("list", &[1, 2]).unwrap();
        assert_eq!(bucket.get_json::<Vec<u8>>("list").unwrap().unwrap(), [1, 2]);
        assert_eq!(bucket.list_keys("", Some("list")).unwrap(), ["old"]);
        bucket.delete("old").unwrap();
        bucket.delete("old").unwrap();
        let Err(Error::Limited(limit)) = bucket.set("big", [0; 1020]) else { panic!("not limited") };
        assert_eq!((limit.name.as_str(), limit.allowed), ("kv-bytes", 1024));
        assert!(matches!(bucket.set("", "x"), Err(Error::Invalid(_))));
        assert!(matches!(kv::open("../credentials"), Err(Error::Invalid(_))));
    });
    assert_eq!(host.kv("seen", "old"), None);
    assert!(matches!(Host::new().run(|| kv::open("seen")), Err(Error::Denied(_))));
}

#[test]
fn a_request_needs_one_scope_that_covers_url_and_method() {
    let host = Host::new()
        .grant("http:send to=https://a.example.test/in/* methods=POST")
        .grant("http:send to=https://b.example.test/* methods=GET")
        .with_answer("https://a.example.test/in/x", 429, "")
        .with_answer("https://a.example.test/in/x", 200, "{\"ok\":true}");
    host.run(|| {
        let post = |url: &str| http::Request::post(url).header("Authorization", "Bearer mine").send();
        assert_eq!(post("https://a.example.test/in/x").unwrap().success().unwrap_err(), Error::Unavailable);
        let second = post("https://a.example.test/in/x").unwrap().success().unwrap();
        assert_eq!(second.json::<serde_json::Value>().unwrap()["ok"], true);
        for elsewhere in
            ["https://a.example.test/out", "https://b.example.test/", "https://a.example.test.evil.test/in/x"]
        {
            assert!(matches!(post(elsewhere), Err(Error::Denied(_))), "{elsewhere}");
        }
        for wrong in ["http://a.example.test/in/x", "https://169.254.169.254/", "https://u@a.example.test/in/x"] {
            assert!(matches!(post(wrong), Err(Error::Invalid(_))), "{wrong}");
        }
        assert!(matches!(post("https://a.example.test/in/../out"), Err(Error::Invalid(_))));
    });
    assert_eq!(host.requests().len(), 2);
    assert_eq!(host.requests()[0].header("authorization"), None);
}
