use portcullis_model::connection::Origin;

use super::*;
use crate::place::Place;

fn origin(provider: &str, settings: &[(&str, &str)], scopes: &[&str]) -> Origin {
    Origin {
        provider: provider.parse().unwrap(),
        settings: settings.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
        risk: None,
    }
}

fn resolve(provider: &str, settings: &[(&str, &str)], scopes: &[&str]) -> Result<Resolved, String> {
    Providers::built_in().unwrap().resolve(&origin(provider, settings, scopes)).map_err(|error| error.to_string())
}

/// A definition that is right, to be spoiled.
const GOOD: &str = r#"
id = "mine"
name = "Mine"
about = "Mine."
way = "authorization-code"
[settings.sub]
kind = "label"
about = "x"
[authorize]
endpoint = "https://{sub}.example.com/authorize"
pkce = true
[token]
endpoint = "https://{sub}.example.com/token"
extra = { audience = "{sub}", hours = 2 }
"#;

#[test]
fn all_that_come_with_the_host_are_sound_and_say_what_they_need() {
    let all = Providers::built_in().unwrap();
    assert_eq!(all.all().count(), BUILT_IN.len());
    for definition in all.all() {
        let nothing = all.resolve(&origin(definition.id.as_str(), &[], &[]));
        match definition.way {
            Way::Static => assert!(nothing.is_ok()),
            _ => assert!(nothing.unwrap_err().to_string().contains("is missing"), "{}", definition.id),
        }
    }
}

#[test]
fn settings_lead_to_exact_endpoints() {
    let zendesk = resolve("zendesk", &[("subdomain", "acme"), ("client-id", "c")], &["tickets:read"]).unwrap();
    let text = |target: &Option<portcullis_model::target::Target>| target.as_ref().unwrap().to_string();
    assert_eq!(text(&zendesk.authorize), "https://acme.zendesk.com/oauth/authorizations/new");
    assert_eq!(text(&zendesk.token), "https://acme.zendesk.com/oauth/tokens");
    assert_eq!(text(&zendesk.revoke), "https://acme.zendesk.com/api/v2/oauth/tokens/current.json");
    assert_eq!(zendesk.hosts.as_deref(), Some(&["acme.zendesk.com".to_owned()][..]));
    let force =
        resolve("salesforce", &[("instance", "https://acme.my.salesforce.com"), ("client-id", "c")], &["api"]).unwrap();
    assert_eq!(text(&force.token), "https://acme.my.salesforce.com/services/oauth2/token");
    assert_eq!(force.hosts.as_deref(), Some(&["acme.my.salesforce.com".to_owned()][..]));
    assert_eq!(force.scope().as_deref(), Some("api refresh_token"));
    let app = resolve("github-app", &[("installation-id", "42"), ("client-id", "Iv1")], &["issues:write"]).unwrap();
    assert_eq!(text(&app.token), "https://api.github.com/app/installations/42/access_tokens");
    let urls = [
        ("token-url", "https://id.example.com/token"),
        ("authorize-url", "https://id.example.com/auth"),
        ("client-id", "c"),
    ];
    let generic = resolve("oauth2", &urls, &[]).unwrap();
    assert!(
        generic.revoke.is_none() && generic.authorize_extra.is_empty() && generic.issuer.is_none(),
        "what is absent is left out"
    );
    assert_eq!(resolve("slack", &[("client-id", "c")], &["a", "b", "a"]).unwrap().scope().as_deref(), Some("a,b"));
}

#[test]
fn what_does_not_fit_is_named() {
    for (provider, settings, scopes, says) in [
        ("zendesk", &[("subdomain", "acme.evil.test/"), ("client-id", "c")][..], &["read"][..], "one DNS label"),
        ("zendesk", &[("subdomain", "acme")], &["read"], "'client-id' is missing"),
        ("zendesk", &[("subdomain", "acme"), ("client-id", "c"), ("sub", "x")], &["read"], "no setting 'sub'"),
        ("zendesk", &[("subdomain", "acme"), ("client-id", "c")], &[], "name what is needed"),
        ("zendesk", &[("subdomain", "acme"), ("client-id", "c")], &["read write"], "is not one scope"),
        (
            "zendesk",
            &[("subdomain", "acme"), ("client-id", "c"), ("client-auth", "basic")],
            &["read"],
            "one of: post, none",
        ),
        ("slack", &[("client-id", "c")], &["a,b"], "is not one scope"),
        ("github-app", &[("installation-id", "1"), ("client-id", "c")], &["issues"], "a permission and its level"),
        ("github", &[("client-id", "../..")], &[], "revoke.endpoint"),
        ("salesforce", &[("instance", "https://acme.evil.test"), ("client-id", "c")], &["api"], ".my.salesforce.com"),
        ("client-credentials", &[("token-url", "http://id.example.com/token"), ("client-id", "c")], &[], "https"),
        ("nobody", &[], &[], "there is no provider 'nobody'; there are: client-credentials, "),
    ] {
        let error = resolve(provider, settings, scopes).unwrap_err();
        assert!(error.contains(says), "{provider} {settings:?}: {error}");
    }
}

#[test]
fn a_token_goes_to_the_definitions_hosts_and_no_others() {
    let zendesk = resolve("zendesk", &[("subdomain", "acme"), ("client-id", "c")], &["read"]).unwrap();
    assert_eq!(zendesk.place(&[], None, None).unwrap(), Place::bearer("acme.zendesk.com"));
    assert!(zendesk.place(&["evil.example.com".into()], None, None).is_err());
    let urls = [
        ("token-url", "https://id.example.com/token"),
        ("authorize-url", "https://id.example.com/auth"),
        ("client-id", "c"),
    ];
    let generic = resolve("oauth2", &urls, &[]).unwrap();
    assert!(generic.place(&[], None, None).is_err(), "nobody says where");
    assert_eq!(generic.place(&["api.example.com".into()], None, None).unwrap(), Place::bearer("api.example.com"));
    assert!(generic.place(&["*.example.com".into()], None, None).is_err());
}

#[test]
fn knows_which_hosts_need_no_static_token() {
    let all = Providers::built_in().unwrap();
    let offering = |host| all.offering_oauth_for(host).map(|one| one.id.to_string()).collect::<Vec<_>>();
    assert_eq!(offering("acme.zendesk.com"), ["zendesk"]);
    assert_eq!(offering("acme.my.salesforce.com"), ["salesforce"]);
    assert_eq!(offering("api.github.com"), ["github", "github-app"]);
    assert!(
        offering("zendesk.com").is_empty() && offering("evilzendesk.com").is_empty() && offering("x.test").is_empty()
    );
}

#[test]
fn a_definition_that_makes_no_sense_is_refused_with_its_place() {
    assert!(parse(GOOD).is_ok());
    for (from, to, says) in [
        ("pkce = true", "pkce = true\nredirects = true", "unknown field `redirects`"),
        ("id = \"mine\"", "id = \"mine\"\nclass = \"x\"", "unknown field `class`"),
        ("kind = \"label\"", "kind = \"text\"", "in a host a setting is a label"),
        ("https://{sub}.example.com/token", "http://{sub}.example.com/token", "begins with 'https://'"),
        ("https://{sub}.example.com/token", "https://{sub}/token", "two fixed labels"),
        ("{ audience = \"{sub}\"", "{ audience = \"{other}\"", "no setting 'other'"),
        ("{ audience = ", "{ client_secret = ", "the host sets this by itself"),
        ("{ audience = ", "{ redirect_uri = ", "the host sets this by itself"),
        ("way = \"authorization-code\"", "way = \"client-credentials\"", "no 'authorize'"),
        ("[settings.sub]", "[settings.client-id]", "has this one by itself"),
        ("pkce = true", "pkce = true\nissuer-always = true", "needs 'issuer'"),
        ("[token]", "[client]\nauthentication = []\n[token]", "at least one way"),
        ("[token]", "[client]\nassertion-seconds = 3600\n[token]", "10 to 600"),
        ("[token]", "[scopes]\nseparator = \"x\"\n[token]", "scopes.separator"),
        ("[token]", "[place]\nprefix = \"Basic \"\n[token]", "place.prefix"),
        ("[token]", "[place]\nhosts = [\"*.example.com\"]\nheader = \"host\"\n[token]", "header"),
        ("[token]", "[conduct]\nlifetime-seconds = 1\n[token]", "at least 30"),
        ("extra =", "headers = { authorization = \"x\" }\nextra =", "not a header that can be set"),
        ("extra =", "answer = { within = [\"data\"] }\nextra =", "JSON pointers"),
    ] {
        let spoiled = GOOD.replacen(from, to, 1);
        assert_ne!(spoiled, GOOD, "{from}");
        let error = parse(&spoiled).unwrap_err();
        assert!(error.contains(says), "{to}: {error}");
    }
    let public = GOOD
        .replace("pkce = true", "pkce = false")
        .replace("[token]", "[client]\nauthentication = [\"none\"]\n[token]");
    assert!(parse(&public).unwrap_err().contains("needs PKCE"));
}

#[test]
fn an_operators_files_add_and_never_replace() {
    let folder = tempfile::tempdir().unwrap();
    assert_eq!(Providers::load(&folder.path().join("absent")).unwrap().all().count(), BUILT_IN.len());
    std::fs::write(folder.path().join("mine.toml"), GOOD).unwrap();
    std::fs::write(folder.path().join("notes.txt"), "not read").unwrap();
    let all = Providers::load(folder.path()).unwrap();
    assert!(all.get(&"mine".parse().unwrap()).is_ok());
    std::fs::write(folder.path().join("other.toml"), GOOD.replace("\"mine\"", "\"zendesk\"")).unwrap();
    let error = Providers::load(folder.path()).unwrap_err().to_string();
    assert!(error.contains("other.toml") && error.contains("'zendesk' already"), "{error}");
    std::fs::write(folder.path().join("other.toml"), "#".repeat(70_000)).unwrap();
    assert!(Providers::load(folder.path()).unwrap_err().to_string().contains("longer than"));
}
