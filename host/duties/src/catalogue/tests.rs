use super::*;

const GOOD: &str = "section = 'Data'\n[[duty]]\nid = 'DAT-5'\ntitle = 't'\nparty = 'platform'\nhow = 'enforced'\nwords = 'w'\nsees = 's'\n\
                    proof = ['a.rs::b']\n";
const NOTHING: (&str, &str) = ("outside.toml", "outside = []");
const ONE: (&str, &str) =
    ("profiles.toml", "[[profile]]\nname = 'p'\nwords = 'w'\n[[profile.setting]]\nduty = 'DAT-5'\ntls-only = true\n");

fn problem(section: &str, profiles: &str) -> String {
    let read = read::read(&[("3-data.toml", section)], NOTHING, ("profiles.toml", profiles));
    read.map(|_| ()).unwrap_err().to_string()
}

#[test]
fn the_catalogue_that_is_built_in_is_whole() {
    let catalogue = Catalogue::built_in().unwrap();
    let count = |section: &str| catalogue.duties.iter().filter(|duty| duty.id.as_str().starts_with(section)).count();
    assert_eq!(
        ["ACC", "INT", "DAT", "MON", "MNT", "INC"].map(count),
        [9, 14, 14, 7, 7, 7],
        "each duty of the shared line has its place"
    );
    for query in Query::ALL {
        let asks = |duty: &&Duty| matches!(duty.how, How::Observed { query: asked, .. } if asked == query);
        assert_eq!(catalogue.duties.iter().filter(asks).count(), 1, "{query:?} answers one duty");
    }
    let names: Vec<&str> = catalogue.profiles.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["baseline", "healthcare", "payment", "eea-only"]);
    assert!(catalogue.profiles[0].always && catalogue.profiles[1..].iter().all(|one| !one.always));
}

#[test]
fn what_is_not_understood_is_refused() {
    let read = read::read(&[("3-data.toml", GOOD)], NOTHING, ONE).unwrap();
    assert_eq!(read.duties.len(), 1);
    for (from, to, says) in [
        ("proof = ['a.rs::b']", "", "name the tests"),
        ("proof = ['a.rs::b']", "proof = ['a test']", "file.rs::name"),
        ("proof = ['a.rs::b']", "query = 'backups'", "observed names a query"),
        ("how = 'enforced'", "how = 'observed'", "observed names a query"),
        ("how = 'enforced'", "how = 'attested'", "attested says what"),
        ("how = 'enforced'", "how = 'promised'", "promised"),
        ("title = 't'", "title = ' '", "say something"),
        ("title = 't'", "title = 't'\nextra = 1", "extra"),
        ("id = 'DAT-5'", "id = 'DAT-05'", "three capital letters"),
        ("party = 'platform'", "party = 'nobody'", "nobody"),
        (
            "sees = 's'\n",
            "sees = 's'\nrisk = { by = 'platform', about = 'connection', days = 1, switches = 's' }\n",
            "no risk",
        ),
        (
            "sees = 's'\n",
            "sees = 's'\nrisk = { by = 'platform', about = 'everything', days = 1, switches = 's' }\n",
            "everything",
        ),
    ] {
        let error = problem(&GOOD.replace(from, to), ONE.1);
        assert!(error.contains("3-data.toml") && error.contains(says), "{to}: {error}");
    }
    let twice = format!("{GOOD}{}", GOOD.replace("section = 'Data'\n", ""));
    assert!(problem(&twice, ONE.1).contains("DAT-5 is there twice"));
}

#[test]
fn a_profile_sets_what_there_is_and_one_thing_a_setting() {
    for (from, to, says) in [
        ("tls-only = true", "tls-only = true\noauth-only = true", "one value"),
        ("tls-only = true", "", "one value"),
        ("tls-only = true", "attested = true", "attested"),
        ("tls-only = true", "tls-olny = true", "tls-olny"),
        ("tls-only = true", "regions = ['Europe']", "region"),
        ("duty = 'DAT-5'", "duty = 'DAT-6'", "no duty DAT-6"),
        ("duty = 'DAT-5'\n", "", "without its duty"),
    ] {
        let error = problem(GOOD, &ONE.1.replace(from, to));
        assert!(error.contains("profiles.toml") && error.contains(says), "{to}: {error}");
    }
    assert!(problem(GOOD, &format!("{}{}", ONE.1, ONE.1)).contains("'p' is there twice"));
}

#[test]
fn the_most_restrictive_of_all_profiles_holds_in_any_order() {
    let catalogue = Catalogue::built_in().unwrap();
    let names = |all: &[&str]| all.iter().map(|one| one.parse().unwrap()).collect::<Vec<_>>();
    let (ab, ba) = (names(&["healthcare", "payment"]), names(&["payment", "healthcare"]));
    let settings = catalogue.settings(&ab).unwrap();
    assert_eq!(settings, catalogue.settings(&ba).unwrap());
    assert_eq!(settings.idle_minutes, 15);
    assert!(settings.oauth_only && settings.tls_only && settings.cover_cards && settings.regions.is_empty());
    let baseline = catalogue.settings(&names(&[])).unwrap();
    assert_eq!((baseline.idle_minutes, baseline.oauth_only, baseline.tls_only), (60, false, false));
    assert_eq!(catalogue.settings(&names(&["eea-only"])).unwrap().regions.len(), 1);
    assert!(catalogue.settings(&names(&["heathcare"])).unwrap_err().contains("there are: baseline, healthcare"));
}
