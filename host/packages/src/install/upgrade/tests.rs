use portcullis_model::{id::TenantId, installation::InstallationState, upgrade::Previous};

use super::*;
use crate::testing::{COMPLETE, Fake, MANIFEST, component, importing};

const READ: &str = "tickets:read fields=comments";
const RECEIVE: &str = "events:receive types=ticket.created";
const SEND: &str = "http:send to=chat.example.test";

fn scopes(texts: &[&str]) -> Vec<ScopeText> {
    texts.iter().map(|text| text.parse().unwrap()).collect()
}

fn installed(manifest: &Manifest, granted: &[&str]) -> Installation {
    Installation {
        id: "ins_1".parse().unwrap(),
        tenant: "acme".parse::<TenantId>().unwrap(),
        plugin: manifest.id.clone(),
        release: Digest::of(b"old"),
        manifest: manifest.digest,
        version: manifest.version.clone(),
        number: manifest.release,
        state: InstallationState::Active,
        granted: scopes(granted),
        limits: manifest.limits,
        upgrades: UpgradePolicy::Manual,
        previous: None::<Previous>,
        waiting: None,
        rolled_back: None,
        generation: 1,
    }
}

/// The next release: one number up, with these replacements.
fn next(manifest: &str, changes: &[(&str, &str)]) -> String {
    let number = Manifest::parse(manifest).unwrap().release;
    let mut text = manifest.replacen(&format!("release = {number}"), &format!("release = {}", number + 1), 1);
    for (from, to) in changes {
        let changed = text.replacen(from, to, 1);
        assert_ne!(changed, text, "{from}");
        text = changed;
    }
    text
}

struct From<'a> {
    manifest: &'a str,
    granted: &'a [&'a str],
    component: Vec<u8>,
}

fn planned(from: &From<'_>, to: &str, bytes: &[u8], agreed: &Agreed) -> Result<UpgradePlan, InstallError> {
    let (old, new) = (Manifest::parse(from.manifest).unwrap(), Manifest::parse(to).unwrap());
    let (was, is) = (Inspection::of(&from.component).unwrap(), Inspection::of(bytes).unwrap());
    let old_side = Side::new(&old, &was);
    let new_side = Side::new(&new, &is);
    plan(&installed(&old, from.granted), &old_side, &new_side, Digest::of(bytes), &Fake, agreed)
}

/// What becomes of an upgrade from a release to the next one.
struct Case {
    name: &'static str,
    manifest: &'static str,
    granted: &'static [&'static str],
    changes: &'static [(&'static str, &'static str)],
    next: Next,
    /// Part of each reason for which it waits, in order.
    waits: &'static [&'static str],
    grant: &'static [&'static str],
    dropped: &'static [&'static str],
    could: &'static [&'static str],
}

const CASE: Case = Case {
    name: "",
    manifest: MANIFEST,
    granted: &[READ, RECEIVE],
    changes: &[],
    next: Next::Apply,
    waits: &[],
    grant: &[READ, RECEIVE],
    dropped: &[],
    could: &[],
};

const OPTIONAL: &str =
    "[[scopes]]\nscope = \"http:send to=chat.example.test\"\npurpose = \"to tell the team\"\noptional = true\n\n";
const ADDED_SCOPE: &str = "[[scopes]]\nscope = \"http:send to=other.test\"\npurpose = \"x\"\n\n[limits]";
const ADDED_OPTIONAL: &str =
    "[[scopes]]\nscope = \"http:send to=other.test\"\npurpose = \"x\"\noptional = true\n\n[limits]";

fn table() -> Vec<Case> {
    let wait = Case { next: Next::Wait, ..CASE };
    let complete = Case {
        manifest: COMPLETE,
        granted: &["tickets:read fields=personal,internal"],
        grant: &["tickets:read fields=personal,internal"],
        ..CASE
    };
    let data = Case { next: Next::Wait, ..complete };
    vec![
        Case { name: "the same", ..CASE },
        Case { name: "another purpose", changes: &[("to find card numbers", "to find names")], ..CASE },
        Case {
            name: "another part of a scope",
            manifest: MANIFEST,
            granted: &["tickets:read fields=comments", RECEIVE],
            changes: &[("fields=comments", "fields=tags")],
            next: Next::Wait,
            waits: &["requires tickets:read fields=tags"],
            grant: &[RECEIVE],
            dropped: &[READ],
            could: &[],
        },
        Case {
            name: "no longer asks",
            granted: &[READ, RECEIVE, SEND],
            changes: &[(OPTIONAL, "")],
            dropped: &[SEND],
            ..CASE
        },
        Case { name: "an admin's narrower grant stays narrower", granted: &[RECEIVE], grant: &[RECEIVE], ..CASE },
        Case {
            name: "more of a scope that it requires",
            changes: &[("fields=comments", "fields=comments,tags")],
            waits: &["requires tickets:read fields=comments,tags"],
            ..wait
        },
        Case {
            name: "a new scope that it requires",
            changes: &[("[limits]", ADDED_SCOPE)],
            waits: &["requires http:send to=other.test"],
            ..wait
        },
        Case {
            name: "a new scope that it can do without",
            changes: &[("[limits]", ADDED_OPTIONAL)],
            could: &["http:send to=other.test"],
            ..CASE
        },
        Case {
            name: "more of a scope that it can do without",
            granted: &[READ, RECEIVE, SEND],
            changes: &[("to=chat.example.test", "to=chat.example.test,other.test")],
            grant: &[READ, RECEIVE, SEND],
            could: &["http:send to=chat.example.test,other.test"],
            ..CASE
        },
        Case {
            name: "requires what was optional and is not granted",
            changes: &[("optional = true", "optional = false")],
            waits: &["requires http:send to=chat.example.test"],
            ..wait
        },
        Case {
            name: "requires what was optional and is granted",
            granted: &[READ, RECEIVE, SEND],
            changes: &[("optional = true", "optional = false")],
            grant: &[READ, RECEIVE, SEND],
            ..CASE
        },
        Case {
            name: "is called for more events",
            changes: &[("types=ticket.created", "types=ticket.created,ticket.deleted")],
            waits: &["requires events:receive types=ticket.created,ticket.deleted"],
            ..wait
        },
        Case {
            name: "higher limits",
            changes: &[("cpu-ms = 250", "cpu-ms = 500")],
            waits: &["limits: cpu-ms: 250 -> 500"],
            ..wait
        },
        Case { name: "lower limits", changes: &[("cpu-ms = 250", "cpu-ms = 50")], ..CASE },
        Case { name: "another region", changes: &[("\"DE\"", "\"US\"")], waits: &["another region: DE -> US"], ..data },
        Case {
            name: "from anywhere to one region",
            changes: &[("region = \"GLOBAL\"", "region = \"DE\"")],
            ..complete
        },
        Case {
            name: "another sub-processor",
            changes: &[("operator = \"Example AI GmbH\"", "operator = \"Other AG\"")],
            waits: &["another company"],
            ..data
        },
        Case {
            name: "becomes a sub-processor",
            changes: &[("sub-processor = false", "sub-processor = true")],
            waits: &["by a sub-processor"],
            ..data
        },
        Case {
            name: "another class of data",
            changes: &[("\"internal\", \"personal\"]", "\"internal\", \"personal\", \"health\"]")],
            waits: &["touches health data"],
            ..data
        },
        Case {
            name: "trains a model",
            changes: &[("trains = false", "trains = true")],
            waits: &["a model is trained"],
            ..data
        },
        Case {
            name: "keeps data longer",
            changes: &[("outside = \"90d\"", "outside = \"900d\"")],
            waits: &["kept longer"],
            ..data
        },
        Case { name: "keeps data for less long", changes: &[("outside = \"90d\"", "outside = \"30d\"")], ..complete },
        Case {
            name: "another promise of upkeep",
            changes: &[("until = \"2028-12-31\"", "until = \"2029-12-31\"")],
            ..complete
        },
    ]
}

#[test]
fn each_upgrade_does_what_it_may() {
    for case in table() {
        let from = From { manifest: case.manifest, granted: case.granted, component: component() };
        let found = planned(&from, &next(case.manifest, case.changes), &component(), &Agreed::default()).unwrap();
        assert_eq!(found.next, case.next, "{}: {:?}", case.name, found.waits_for);
        assert_eq!(found.waits_for.len(), case.waits.len(), "{}: {:?}", case.name, found.waits_for);
        for (why, part) in found.waits_for.iter().zip(case.waits) {
            assert!(why.contains(part), "{}: {why}", case.name);
        }
        assert_eq!(found.grant, scopes(case.grant), "{}", case.name);
        assert_eq!(found.dropped, scopes(case.dropped), "{}", case.name);
        assert_eq!(found.could_grant, scopes(case.could), "{}", case.name);
        assert_eq!(found.added, [], "{}: nothing is granted that nobody agreed to", case.name);
    }
}

/// Whatever the next release asks for, nothing is granted beyond what was granted and what is asked for.
#[test]
fn nothing_is_widened_unseen() {
    for case in table() {
        let to = next(case.manifest, case.changes);
        let from = From { manifest: case.manifest, granted: case.granted, component: component() };
        let found = planned(&from, &to, &component(), &Agreed::default()).unwrap();
        let asked = Manifest::parse(&to).unwrap().asked();
        for scope in &found.grant {
            for list in [&scopes(case.granted), &asked] {
                assert_eq!(coverage(&Fake, scope, list).unwrap().0, Coverage::Whole, "{}: {scope}", case.name);
            }
        }
    }
}

#[test]
fn an_admin_who_agrees_gets_it_all_and_names_what_is_optional() {
    let from = From { manifest: MANIFEST, granted: &[READ, RECEIVE], component: component() };
    let wider = next(MANIFEST, &[("fields=comments", "fields=comments,tags"), ("cpu-ms = 250", "cpu-ms = 500")]);
    let agreed = Agreed { everything: true, grant: Vec::new() };
    let found = planned(&from, &wider, &component(), &agreed).unwrap();
    assert_eq!((found.next, found.limits.cpu_ms), (Next::Apply, 500));
    assert_eq!(found.grant, scopes(&[RECEIVE, "tickets:read fields=comments,tags"]), "once, not twice");
    assert_eq!(found.added, scopes(&["tickets:read fields=comments,tags"]));

    let optional = next(MANIFEST, &[("[limits]", ADDED_OPTIONAL)]);
    let named = Agreed { everything: false, grant: scopes(&["http:send to=other.test"]) };
    let found = planned(&from, &optional, &component(), &named).unwrap();
    assert_eq!((found.next, found.added), (Next::Apply, scopes(&["http:send to=other.test"])));
    assert!(found.could_grant.is_empty());
    let beyond = Agreed { everything: true, grant: scopes(&["http:send to=evil.test"]) };
    let error = planned(&from, &optional, &component(), &beyond).unwrap_err().to_string();
    assert!(error.contains("goes beyond what the manifest asks for"), "{error}");

    let own = From { manifest: MANIFEST, granted: &[READ, RECEIVE], component: component() };
    let (old, new) = (Manifest::parse(own.manifest).unwrap(), Manifest::parse(&wider).unwrap());
    let mut chosen = installed(&old, own.granted);
    chosen.limits.cpu_ms = 20;
    assert_eq!(limits(&chosen, &old, &new, &agreed).cpu_ms, 20, "what an admin chose stays");
}

/// Only granted capabilities are linked: code that imports another one would not start.
#[test]
fn code_that_could_not_start_waits() {
    let from = From { manifest: MANIFEST, granted: &[READ, RECEIVE], component: component() };
    let bytes = importing(&["portcullis:plugin/tickets@0.1.0", "portcullis:plugin/http@0.1.0"]);
    let to = next(MANIFEST, &[]);
    let found = planned(&from, &to, &bytes, &Agreed { everything: true, grant: Vec::new() }).unwrap();
    assert_eq!(found.next, Next::Wait);
    assert!(found.waits_for[0].contains("does not start without any scope of 'http'"), "{:?}", found.waits_for);
    let named = Agreed { everything: false, grant: scopes(&[SEND]) };
    assert_eq!(planned(&from, &to, &bytes, &named).unwrap().next, Next::Apply);
    let before = From { component: bytes.clone(), ..from };
    assert_eq!(planned(&before, &to, &bytes, &Agreed::default()).unwrap().next, Next::Apply, "it was so before");
}

#[test]
fn what_is_not_newer_or_another_plugin_is_refused() {
    let from = From { manifest: MANIFEST, granted: &[READ], component: component() };
    for (to, words) in [
        (MANIFEST.to_owned(), "release 3 of com.example.card-guard is not newer than 3"),
        (MANIFEST.replace("release = 3", "release = 2"), "release 2 of com.example.card-guard is not newer than 3"),
        (next(MANIFEST, &[("com.example.card-guard", "com.example.other")]), "this is a release of com.example.other"),
    ] {
        let error = planned(&from, &to, &component(), &Agreed::default()).unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn policies_take_what_they_say() {
    use UpgradePolicy::{All, Manual, Patch};
    for (policy, from, to, taken) in [
        (Manual, "1.2.0", "1.2.1", false),
        (Patch, "1.2.0", "1.2.1", true),
        (Patch, "1.2.0", "1.2.0", false),
        (Patch, "1.2.1", "1.2.0", false),
        (Patch, "1.2.0", "1.3.0", false),
        (Patch, "1.2.0", "2.2.1", false),
        (Patch, "1.2.0", "1.2.1-rc.1", false),
        (Patch, "1.2.1-rc.1", "1.2.1", true),
        (Patch, "0.1.0", "0.1.9", true),
        (All, "1.2.0", "3.0.0", true),
        (All, "1.2.0", "1.1.0", true),
    ] {
        let old = Manifest::parse(&MANIFEST.replace("1.2.0", from)).unwrap();
        let new = Manifest::parse(&next(MANIFEST, &[]).replace("1.2.0", to)).unwrap();
        let one = Installation { upgrades: policy, ..installed(&old, &[]) };
        assert_eq!(by_policy(&one, &old, &new), taken, "{policy}: {from} -> {to}");
        let left = Installation { rolled_back: Some(new.release), ..one.clone() };
        assert!(!by_policy(&left, &old, &new), "it was rolled back from that one");
        let beyond = Installation { rolled_back: Some(new.release - 1), ..one };
        assert_eq!(by_policy(&beyond, &old, &new), taken, "one beyond is another matter");
    }
}
