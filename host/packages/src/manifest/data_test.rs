//! What a manifest says about data, destinations, upkeep and AI: read, refused, and held against the catalogue.

use portcullis_model::class::Class;

use super::*;
use crate::testing::{COMPLETE, Fake, MANIFEST};

fn changed(from: &str, to: &str) -> String {
    assert!(COMPLETE.contains(from), "{from}");
    COMPLETE.replacen(from, to, 1)
}

#[test]
fn reads_all_that_is_said() {
    let manifest = Manifest::parse(COMPLETE).unwrap();
    manifest.check(&Fake).unwrap();
    assert_eq!(manifest.data_classes, [Class::Internal, Class::Personal]);
    let egress: Vec<String> = manifest.egress.iter().map(ToString::to_string).collect();
    assert_eq!(
        egress,
        [
            "ai.example.test (DE), run by Example AI GmbH, a sub-processor: personal data; to ask the model",
            "*.logs.example.test (anywhere), run by Example: internal data; to keep what it said"
        ]
    );
    assert_eq!(manifest.schedules[0].to_string(), "nightly (0 3 * * 1-5, UTC): to forget what is old");
    assert_eq!(
        manifest.retention.unwrap().to_string(),
        "here for 30 days at most; outside for 90 days at most: to find out why an answer was wrong"
    );
    assert_eq!(
        manifest.ai.unwrap().to_string(),
        "Example AI GmbH, given personal data: to suggest an answer; no model is trained with them"
    );
    assert_eq!(
        manifest.maintenance.unwrap().to_string(),
        "promised until 2028-12-31, security fixes within 30 days; report holes to https://example.com/security"
    );
}

#[test]
fn what_may_be_awkward_is_loud() {
    let text = changed("trains = false", "trains = true").replace("medical-advice = false", "medical-advice = true");
    let ai = Manifest::parse(&text).unwrap().ai.unwrap().to_string();
    assert!(ai.ends_with("a model is TRAINED with them; it can give MEDICAL ADVICE"), "{ai}");
}

#[test]
fn what_is_not_said_is_not_made_up() {
    let manifest = Manifest::parse(MANIFEST).unwrap();
    assert_eq!((&manifest.maintenance, &manifest.retention, &manifest.ai), (&None, &None, &None));
    assert!(manifest.egress.is_empty() && manifest.schedules.is_empty() && manifest.data_classes.is_empty());
    let none = changed("uses = true", "uses = false");
    let (head, tail) = none.split_once("provider").unwrap();
    let none = format!("{head}{}", &tail[tail.find("\n[maintenance]").unwrap()..]);
    assert_eq!(Manifest::parse(&none).unwrap().ai, None);
}

#[test]
fn written_out_it_reads_as_the_same_manifest() {
    for text in [COMPLETE, MANIFEST] {
        let manifest = Manifest::parse(text).unwrap();
        let mut table = toml::Table::try_from(&manifest).unwrap();
        table.remove("digest").unwrap();
        let written = toml::to_string(&table).unwrap();
        let again = Manifest::parse(&written).unwrap();
        assert_eq!(Manifest { digest: manifest.digest, ..again }, manifest);
        let json = serde_json::to_value(&manifest).unwrap();
        assert_eq!(json["ai"]["uses"], text == COMPLETE);
    }
}

#[test]
fn every_mistake_says_where_it_is_and_what_to_do() {
    for (from, to, error) in [
        ("data-classes", "data-clases", "the manifest: unknown key 'data-clases'; did you mean 'data-classes'?"),
        (
            "[\"internal\", \"personal\"]",
            "\"personal\"",
            "data-classes: expected a list such as [\"internal\", \"personal\"]",
        ),
        ("[\"internal\", \"personal\"]", "[1]", "data-classes: expected a list such as"),
        (
            "[\"internal\", \"personal\"]",
            "[\"personnal\"]",
            "data-classes: no class 'personnal'; did you mean 'personal'?",
        ),
        ("[\"internal\", \"personal\"]", "[\"internal\", \"internal\"]", "'internal' is there twice"),
        ("[\"internal\", \"personal\"]", "[\"internal\"]", "data: 'personal' is not among the manifest's data-classes"),
        ("[[egress]]", "[[egres]]", "unknown key 'egres'; did you mean 'egress'?"),
        (
            "region = \"DE\"",
            "region = \"UK\"",
            "[[egress]] number 1: region: 'UK' is no region; write a country's two capital",
        ),
        ("region = \"DE\"\n", "", "[[egress]] number 1: 'region' is missing; add a line such as: region = \"DE\""),
        ("sub-processor = true\n", "", "[[egress]] number 1: 'sub-processor' is missing"),
        ("data = [\"internal\"]", "data = []", "[[egress]] number 2: data: is empty"),
        ("\"ai.example.test\"", "\"https://ai.example.test\"", "host: 'https://ai.example.test' is no host"),
        (
            "\"ai.example.test\"",
            "\"b.logs.example.test\"",
            "'b.logs.example.test' and '*.logs.example.test' speak of the same",
        ),
        ("\"nightly\"", "\"Nightly\"", "[[schedules]] number 1: name: 'Nightly' is no name"),
        ("\"0 3 * * 1-5\"", "\"0 3 * *\"", "[[schedules]] number 1: cron: expected minute, hour"),
        ("\"0 3 * * 1-5\"", "\"0 25 * * *\"", "[[schedules]] number 1: cron: hour '25'"),
        ("storage = \"30d\"", "storage = \"a while\"", "[retention]: storage: 'a while' is no number of days"),
        (
            "outside = \"90d\"",
            "outside = \"none\"",
            "[retention]: outside-purpose: nothing is kept outside; drop this line",
        ),
        (
            "outside-purpose = \"to find out why an answer was wrong\"\n",
            "",
            "[retention]: 'outside-purpose' is missing",
        ),
        ("uses = true", "uses = false", "[ai]: provider: stands only where uses = true"),
        ("uses = true\n", "", "[ai]: 'uses' is missing"),
        ("trains = false\n", "", "[ai]: 'trains' is missing; add a line such as: trains = false"),
        ("medical-advice = false", "medical-advise = false", "did you mean 'medical-advice'?"),
        ("\"2028-12-31\"", "\"2028-02-30\"", "[maintenance]: until: '2028-02-30' is no date YYYY-MM-DD"),
        ("\"2028-12-31\"", "2028-12-31", "[maintenance]: until: expected a text in quotes, found a datetime"),
        ("within = \"30d\"", "within = 30", "[maintenance]: security-fixes-within: expected a text in quotes"),
        (
            "https://example.com/security",
            "http://example.com/",
            "[maintenance]: contact: 'http://example.com/' is not an",
        ),
        (
            "[maintenance]",
            "[[maintenance]]",
            "maintenance: expected a table that begins with [maintenance], found an array",
        ),
    ] {
        let found = Manifest::parse(&changed(from, to)).unwrap_err().to_string();
        assert!(found.contains(error), "{from} -> {to}: {found}");
    }
    let entry = &COMPLETE[COMPLETE.find("[[egress]]").unwrap()..COMPLETE.find("[[schedules]]").unwrap()];
    let found = Manifest::parse(&COMPLETE.replace(entry, "")).unwrap_err().to_string();
    assert!(
        found.contains("[retention]: outside: nothing leaves this host without an [[egress]]; write \"none\""),
        "{found}"
    );
    let nightly = "[[schedules]]\nname = \"nightly\"\ncron = \"0 3 * * *\"\npurpose = \"twice\"\n\n[retention]";
    let found = Manifest::parse(&changed("[retention]", nightly)).unwrap_err().to_string();
    assert!(found.contains("[[schedules]] number 2: name: 'nightly' is there twice"), "{found}");
}

#[test]
fn there_is_a_most_of_everything() {
    let schedule = |n: usize| format!("[[schedules]]\nname = \"a{n}\"\ncron = \"0 3 * * *\"\npurpose = \"p\"\n");
    let many: String = (0..=MAX_SCHEDULES).map(schedule).collect();
    let found = Manifest::parse(&format!("{MANIFEST}{many}")).unwrap_err().to_string();
    assert!(found.contains("schedules: 17 of them; the most is 16"), "{found}");
    let entry = |n: usize| {
        format!(
            "[[egress]]\nhost = \"a{n}.test.example\"\nregion = \"DE\"\noperator = \"o\"\nsub-processor = false\n\
             purpose = \"p\"\ndata = [\"public\"]\n"
        )
    };
    let many: String = (0..=MAX_EGRESS).map(entry).collect();
    let found = Manifest::parse(&format!("{MANIFEST}{many}")).unwrap_err().to_string();
    assert!(found.contains("egress: 65 of them; the most is 64"), "{found}");
}

fn refusal(text: &str) -> String {
    Manifest::parse(text).unwrap().check(&Fake).unwrap_err().to_string()
}

#[test]
fn a_scope_that_touches_what_is_not_declared_is_refused() {
    let text = changed("fields=personal,internal", "fields=personal,internal,health,payment");
    assert_eq!(
        refusal(&text),
        "[[scopes]] number 1: 'tickets:read fields=health,internal,payment,personal' touches health data, which data-classes \
         does not name; write data-classes = [\"internal\", \"personal\", \"health\", \"payment\"], or ask for less"
    );
    // Nobody is asked to declare what everybody may know or what is about nobody.
    Manifest::parse(&MANIFEST.replace("fields=comments", "fields=public,internal")).unwrap().check(&Fake).unwrap();
    // What a destination is called is no class of data.
    let silent = MANIFEST.replace("to=chat.example.test", "to=https://secret/");
    assert!(refusal(&silent).contains("sends to secret, which no [[egress]] speaks of"), "{}", refusal(&silent));
}

#[test]
fn a_destination_is_spoken_of_by_exactly_one_entry() {
    let text = changed("https://ai.example.test/v1/*", "https://ai.example.test/v1/*,https://eu.ai.example.test/");
    assert!(
        refusal(&text).ends_with(
            "sends to eu.ai.example.test, which no [[egress]] speaks of; add one with host = \"eu.ai.example.test\""
        ),
        "{}",
        refusal(&text)
    );
    // A wider scope is not covered by an entry for one of its hosts.
    assert!(refusal(&changed("https://ai.example.test", "https://*.example.test")).contains("sends to *.example.test"));
    let text = changed("https://ai.example.test/v1/*,", "");
    assert_eq!(
        refusal(&text),
        "[[egress]] number 1: host: no scope sends to 'ai.example.test'; drop the entry, or ask for a scope that does"
    );
    assert!(refusal(&changed("https://a.logs.", "https://a.b.logs.")).contains("sends to a.b.logs.example.test"));
}

fn remarks(text: &str) -> Vec<String> {
    let manifest = Manifest::parse(text).unwrap();
    manifest.check(&Fake).unwrap();
    manifest.remarks(&Fake).unwrap()
}

#[test]
fn a_careful_reader_is_told_what_does_not_quite_fit() {
    let logs = "reads personal data and says that none of them go to *.logs.example.test: this host does not look into what is \
                sent";
    let schedule = "asks to be called on the schedule nightly (0 3 * * 1-5, UTC): to forget what is old; this host runs no \
                    schedules";
    assert_eq!(remarks(COMPLETE), [logs, schedule]);
    let more = changed("[\"internal\", \"personal\"]", "[\"internal\", \"personal\", \"payment\", \"secret\"]");
    let unseen = "says that it touches payment, secret data, though no scope that it asks for is about any: it can come upon \
                  them in free text";
    assert_eq!(remarks(&more), [unseen, logs, schedule]);
    assert_eq!(remarks(MANIFEST), [""; 0]);
}
