use portcullis_model::scope::{Allows as _, Facts, Grant, check_meet_laws};
use proptest::prelude::*;

use super::*;

fn scopes() -> impl Strategy<Value = Vec<AttachmentsScope>> {
    let types = prop_oneof![
        Just(MediaType::Any),
        prop_oneof!["a", "b"].prop_map(MediaType::Under),
        prop_oneof!["a/x", "a/y", "b/x"].prop_map(MediaType::Exact),
    ];
    let scan =
        prop_oneof![Just(vec![Scan::Clean]), Just(vec![Scan::Unscanned]), Just(vec![Scan::Clean, Scan::Unscanned])];
    let filter = prop_oneof![
        Just(""),
        Just("attachments:read where=brand:a"),
        Just("attachments:read where=brand:a,brand:b,status:open"),
    ];
    let one = (types, 1u64..4, scan, filter).prop_map(|(types, bytes, scan, filter)| AttachmentsScope {
        types,
        bytes,
        scan: Only::These(scan.into_iter().collect()),
        filter: match filter {
            "" => Filter::any(),
            text => Filter::parse(&text.parse().unwrap(), TICKET_ATTRIBUTES).unwrap(),
        },
    });
    proptest::collection::vec(one, 0..4)
}

fn file() -> impl Strategy<Value = (Attachment, Facts)> {
    let scans = prop_oneof![Just(Scan::Clean), Just(Scan::Unscanned), Just(Scan::Infected)];
    (prop_oneof!["a/x", "a/y", "b/x", "c/x"], 0u64..5, scans, "[abc]", prop_oneof!["open", "new"]).prop_map(
        |(content_type, size, scan, brand, status)| {
            let file = Attachment {
                id: "1".into(),
                ticket: "1".into(),
                comment: "1".into(),
                name: "n".into(),
                content_type,
                size,
                scan,
            };
            (file, Facts::default().with("brand", Some(brand)).with("status", Some(status)))
        },
    )
}

/// What may be read of one ticket's file: as the host would ask for it, and what then is within.
fn reads(grant: &Grant<AttachmentsScope>, file: &Attachment, facts: &Facts) -> bool {
    let within = super::super::decide::readable(grant, file);
    let act = portcullis_model::helpdesk::ReadAttachment { file: file.clone(), offset: 0, most: 1, within };
    AttachmentsScope::decide(grant, &act).is_ok() && act.within.fits(facts)
}

proptest! {
    #[test]
    fn meet_is_a_meet(a in scopes(), b in scopes(), c in scopes()) {
        check_meet_laws(&a, &b, &c).map_err(TestCaseError::fail)?;
    }

    #[test]
    fn meet_reads_what_both_read(a in scopes(), b in scopes(), (file, facts) in file()) {
        let (a, b) = (Grant::new(a), Grant::new(b));
        let both = reads(&a, &file, &facts) && reads(&b, &file, &facts);
        prop_assert_eq!(reads(&a.meet(&b), &file, &facts), both);
    }

    #[test]
    fn nobody_reads_an_infected_file(a in scopes(), (file, facts) in file()) {
        let infected = Attachment { scan: Scan::Infected, ..file };
        prop_assert!(!reads(&Grant::new(a), &infected, &facts));
    }
}

#[test]
fn a_denial_never_names_more_than_one_type() {
    for (content_type, named) in
        [("image/png", true), ("*/*", false), ("image/*", false), ("image/png,text/html", false), ("a b", false)]
    {
        let file = Attachment {
            id: "1".into(),
            ticket: "1".into(),
            comment: "1".into(),
            name: "n".into(),
            content_type: content_type.into(),
            size: 1,
            scan: Scan::Clean,
        };
        let act = portcullis_model::helpdesk::ReadAttachment { file, offset: 0, most: 1, within: Default::default() };
        assert_eq!(AttachmentsScope::needed(&act).to_string().contains("types="), named, "{content_type}");
    }
}

#[test]
fn says_what_is_wrong() {
    for (text, problem) in [
        ("attachments:read types=image/* scan=clean", "'bytes=...' is missing"),
        ("attachments:read types=image bytes=1MiB scan=clean", "expected a media type"),
        ("attachments:read types=*/* bytes=1MiB scan=clean", "expected a media type"),
        ("attachments:read types=* bytes=1MiB scan=infected", "cannot be granted"),
        ("attachments:read types=* bytes=1MiB scan=*", "clean, or clean,unscanned"),
        ("attachments:read types=* bytes=1 scan=clean", "such as 10MiB"),
        ("attachments:raed types=*", "did you mean 'read'?"),
    ] {
        let error = portcullis_model::scope::read::<AttachmentsScope>(&text.parse().unwrap()).unwrap_err().to_string();
        assert!(error.contains(problem), "{text}: {error}");
    }
}
