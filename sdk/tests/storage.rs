//! `kv`, `files`, `clocks` and `random` against the in-memory host: what they do, and what they refuse.

use std::time::Duration;

use portcullis_sdk::prelude::*;
use portcullis_sdk::testing::{self, Host};

const HOUR: Duration = Duration::from_secs(3_600);

fn limited<T: std::fmt::Debug>(result: Result<T, Error>) -> (String, u64) {
    match result {
        Err(Error::Limited(limit)) => (limit.name, limit.allowed),
        other => panic!("not limited: {other:?}"),
    }
}

#[test]
fn a_value_is_gone_when_its_time_is_over() {
    let host = Host::new().grant("kv:read").grant("kv:write bytes=1KiB ttl<=2h");
    host.run(|| {
        let bucket = kv::open("b").unwrap();
        bucket.set_for("short", "1", HOUR).unwrap();
        bucket.set("longest", "2").unwrap();
        host.pass(HOUR);
        assert_eq!(
            (bucket.get("short").unwrap(), bucket.list_keys("", None).unwrap()),
            (None, vec!["longest".to_owned()])
        );
        host.pass(HOUR);
        assert_eq!(bucket.get("longest").unwrap(), None, "without a time it is the longest that is granted");
        assert!(matches!(bucket.set_for("k", "", Duration::ZERO), Err(Error::Invalid(_))));
        let Err(Error::Denied(denial)) = bucket.set_for("k", "", 2 * HOUR + Duration::from_millis(1)) else {
            panic!("not denied")
        };
        assert_eq!(denial.scope, "kv:write bytes=1KiB ttl<=7201s");
    });
}

#[test]
fn the_quota_is_that_of_a_scope_that_covers_the_time() {
    let host = Host::new().grant("kv:write bytes=1KiB ttl<=1h").grant("kv:write bytes=10B");
    host.run(|| {
        let bucket = kv::open("b").unwrap();
        assert_eq!(limited(bucket.set("k", [0; 10])), ("kv-bytes".to_owned(), 10));
        bucket.set_for("k", [0; 1_000], HOUR).unwrap();
        assert_eq!(limited(bucket.set_for("l", [0; 24], HOUR)), ("kv-bytes".to_owned(), 1024));
        host.pass(HOUR);
        bucket.set("l", [0; 9]).unwrap();
    });
}

#[test]
fn compare_and_set_changes_only_what_it_expects() {
    let host = Host::new().grant("kv:read").grant("kv:write bytes=1KiB");
    host.run(|| {
        let bucket = kv::open("b").unwrap();
        assert_eq!(bucket.compare_and_set("k", Some(b"0"), "1", None), Err(Error::Conflict));
        bucket.compare_and_set("k", None, "1", Some(HOUR)).unwrap();
        assert_eq!(bucket.compare_and_set("k", None, "2", None), Err(Error::Conflict));
        bucket.compare_and_set("k", Some(b"1"), "2", Some(HOUR)).unwrap();
        host.pass(HOUR);
        assert_eq!(bucket.compare_and_set("k", Some(b"2"), "3", None), Err(Error::Conflict));
    });
    let writing = Host::new().grant("kv:write bytes=1KiB");
    let refused = writing.run(|| kv::open("b").unwrap().compare_and_set("k", None, "", None));
    assert!(matches!(refused, Err(Error::Denied(denial)) if denial.scope == "kv:read"));
}

#[test]
fn files_keep_their_quota_and_their_rules() {
    let host = Host::new().grant("files:read").grant("files:write bytes=5000B").with_file("old/a.txt", "1");
    host.run(|| {
        assert_eq!(files::read_str("old/a.txt").unwrap(), "1");
        files::write("b", [0; 903]).unwrap();
        assert_eq!(limited(files::write("c", [0; 1])), ("files-bytes".to_owned(), 5_000));
        assert_eq!(limited(files::write("new/c", "")), ("files-bytes".to_owned(), 5_000));
        assert_eq!(files::list("new"), Err(Error::NotFound));
        let listed: Vec<_> = files::list("").unwrap().into_iter().map(|e| (e.name, e.directory, e.size)).collect();
        assert_eq!(listed, [("b".to_owned(), false, 903), ("old".to_owned(), true, 0)]);
        assert_eq!(files::list("old").unwrap()[0].name, "a.txt");
        for conflict in [files::write("old", ""), files::write("b/c", ""), files::remove("old")] {
            assert_eq!(conflict, Err(Error::Conflict));
        }
        for invalid in ["..", "a/../b", "/a", "a//b", "", "a\\b", "1/2/3/4/5/6/7/8/9"] {
            assert!(matches!(files::write(invalid, ""), Err(Error::Invalid(_))), "{invalid}");
        }
        assert!(matches!(files::read("old"), Err(Error::Invalid(_))));
        assert_eq!(files::read("nothing"), Err(Error::NotFound));
        for gone in ["old/a.txt", "old", "old", "b"] {
            files::remove(gone).unwrap();
        }
        assert_eq!(files::list("").unwrap().len(), 0);
    });
    let reading = Host::new().grant("files:read");
    assert!(matches!(reading.run(|| files::write("a", "")), Err(Error::Denied(_))));
    assert_eq!(reading.file("a"), None);
}

struct Timed;

impl Events for Timed {
    fn handle(_: Event) -> Result<(), Error> {
        log::info!("{} {}", clocks::now(), clocks::elapsed().as_millis());
        Ok(())
    }
}

#[test]
fn the_time_is_the_tests() {
    let host = Host::new().grant("log:write").grant("clocks:read").grant("events:receive types=*").at(5_000);
    host.pass(Duration::from_secs(1));
    host.deliver::<Timed>(testing::zendesk_ticket_created("1")).unwrap();
    assert_eq!(host.log_lines()[0].1, "6000 0", "a call begins when its event is delivered");
    host.run(|| {
        host.pass(Duration::from_millis(7));
        assert_eq!(clocks::elapsed(), Duration::from_millis(7));
    });
    let denied = Host::new();
    assert_eq!(denied.run(clocks::now), 0);
    assert_eq!(denied.denials()[0].scope, "clocks:read");
}

#[test]
fn random_bytes_differ_and_are_the_same_in_every_run() {
    let host = Host::new().grant("random:read");
    let twice = host.run(|| (random::array::<16>().unwrap(), random::array::<16>().unwrap()));
    assert_ne!(twice.0, twice.1);
    assert_eq!(Host::new().grant("random:read").run(random::array::<16>).unwrap(), twice.0);
    assert!(matches!(host.run(|| random::bytes(4_097)), Err(Error::Invalid(_))));
    assert_eq!(host.run(|| random::bytes(4_096)).unwrap().len(), 4_096);
    assert!(matches!(Host::new().run(|| random::bytes(1)), Err(Error::Denied(_))));
}
