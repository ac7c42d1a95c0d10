//! What there is to ask for: every page, and every question of the admin API's own document, about what the home has.

use std::{collections::BTreeMap, path::Path};

use anyhow::{Context as _, Result};
use serde_json::Value;

use super::{home::TENANT, visit::Visitor};

const API: &str = "/admin/v1";
/// Questions that are no page: they go on without an end, or are the whole log.
const STREAMS: [&str; 2] = ["/admin/v1/audit/live", "/admin/v1/audit/export"];

/// The pages, with what stands for something of the home in braces.
const PAGES: [&str; 57] = [
    "/console",
    "/console/notices",
    "/console/marketplace",
    "/console/releases/{release}",
    "/console/releases/{release}/sheet",
    "/console/releases/{diff}",
    "/console/install?{component}",
    "/console/installations",
    "/console/installations/{installation}",
    "/console/installations/{installation}/grant",
    "/console/installations/{installation}/right-size",
    "/console/installations/{installation}/upgrade",
    "/console/installations/{installation}/sheet",
    "/console/installations/{installation}/backend",
    "/console/installations/{installation}/log",
    "/console/installations/{installation}/report",
    "/console/denials",
    "/console/deliveries",
    "/console/deliveries?all=true",
    "/console/sources",
    "/console/clients",
    "/console/alerts",
    "/console/alerts/{alert}",
    "/console/alerts/endpoints",
    "/console/alerts/endpoints/{tenant}",
    "/console/alerts/rules",
    "/console/alerts/rules/new-destination",
    "/console/incidents",
    "/console/audit",
    "/console/audit?filter=kind%3Dact.denied",
    "/console/audit/500000",
    "/console/audit/proof",
    "/console/connections",
    "/console/connections/{connection}",
    "/console/rotations",
    "/console/reviews",
    "/console/reviews/{release}",
    "/console/people",
    "/console/people/{tenant}",
    "/console/people/{tenant}/{person}",
    "/console/people/{tenant}/roles",
    "/console/people/{tenant}/roles/admin",
    "/console/people/{tenant}/support",
    "/console/people/{tenant}/limits",
    "/console/people/{tenant}/automation",
    "/console/privacy",
    "/console/posture",
    "/console/posture/{tenant}/healthcare",
    "/console/duties",
    "/console/duties?tenant={tenant}",
    "/console/duties/{tenant}/ACC-8",
    "/console/risks",
    "/console/risks/propose",
    "/console/trust",
    "/console/vault",
    "/console/account",
    "/console/sign-in",
];

/// What of the home stands for what.
pub struct Known {
    values: BTreeMap<&'static str, String>,
    /// How many installations its reader sees on the first page.
    pub installations: usize,
}

/// Looks for something of each kind.
pub async fn look(visitor: &Visitor) -> Result<Known> {
    let mut values = BTreeMap::from([("tenant", TENANT.to_owned())]);
    let list = visitor.json(&format!("{API}/installations?limit=200")).await?;
    let items = list["items"].as_array().cloned().unwrap_or_default();
    let first = items.first().context("the home has installations")?;
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let mut keep = |name, value: Option<String>| value.map(|value| values.insert(name, value));
    keep("installation", text(&first["id"]));
    keep("plugin", text(&first["plugin"]));
    let releases = visitor.json(&format!("{API}/releases?plugin=com.example.plugin-0")).await?;
    let id = |one: &Value| Some(format!("{}/{}", one["component"].as_str()?, one["manifest"].as_str()?));
    let (newer, older) = (id(&releases["items"][0]), id(&releases["items"][1]));
    keep("diff", newer.clone().zip(older).map(|(new, old)| format!("{new}/diff/{old}")));
    if let Some((component, manifest)) = newer.as_ref().and_then(|id| id.split_once('/')) {
        keep("component", Some(format!("component={component}&manifest={manifest}")));
        keep("digest", Some(component.to_owned()));
    }
    keep("release", newer);
    let first_of = |list: Value, name: &str| list["items"][0][name].as_str().map(str::to_owned);
    let alerts = visitor.json(&format!("{API}/alerts")).await?;
    keep("alert", first_of(alerts, "id"));
    let people = visitor.json(&format!("{API}/people?tenant={TENANT}")).await?;
    keep("person", first_of(people, "id"));
    let connections = visitor.json(&format!("{API}/connections")).await?;
    let one = &connections["items"][0];
    keep("connection", text(&one["installation"]).zip(text(&one["name"])).map(|(of, name)| format!("{of}/{name}")));
    let risks = visitor.json(&format!("{API}/risks")).await?;
    keep("risk", risks["items"][0]["risk"]["number"].as_u64().map(|number| number.to_string()));
    let denied = visitor.json(&format!("{API}/denials")).await?;
    keep("act", first_of(denied, "act-id").or(Some("call_000000000000000000000000.0".to_owned())));
    Ok(Known { values, installations: items.len() })
}

impl Known {
    /// Every page and question that the home has something for. Says which are left out.
    pub fn paths(&self) -> Result<Vec<String>> {
        let document = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schemas/admin-openapi.json");
        let document: Value = serde_json::from_str(&std::fs::read_to_string(document)?)?;
        let operations = document["paths"].as_object().context("the document has paths")?;
        let asked = operations.iter().filter(|(_, all)| all.get("get").is_some()).map(|(path, of)| {
            let path = of_api(path);
            let needed = of["get"]["parameters"].as_array().into_iter().flatten();
            let needed = needed.filter(|one| one["in"] == "query" && one["required"] == true);
            let names: Vec<_> =
                needed.filter_map(|one| one["name"].as_str()).map(|name| format!("{name}={{{name}}}")).collect();
            if names.is_empty() { path } else { format!("{path}?{}", names.join("&")) }
        });
        let all = PAGES.iter().map(|page| (*page).to_owned()).chain(asked);
        Ok(all.filter(|path| !STREAMS.contains(&path.as_str())).filter_map(|path| self.fill(&path)).collect())
    }

    fn fill(&self, template: &str) -> Option<String> {
        let filled = self
            .values
            .iter()
            .fold(template.to_owned(), |text, (name, value)| text.replace(&format!("{{{name}}}"), value));
        if filled.contains('{') {
            eprintln!("Left out, the home has nothing for it: {filled}");
            return None;
        }
        Some(filled)
    }
}

/// A question's path, with what its parameters stand for by their own names.
fn of_api(path: &str) -> String {
    let nouns = [
        ("/alerts/{id}", "/alerts/{alert}"),
        ("/acts/{id}", "/acts/{act}"),
        ("/installations/{id}", "/installations/{installation}"),
        ("/people/{id}", "/people/{person}"),
        ("/audit/entries/{index}", "/audit/entries/500000"),
        ("/connections/{installation}/{name}", "/connections/{connection}"),
        ("/risks/{number}", "/risks/{risk}"),
        ("/{component}/{manifest}/diff", "/{diff}"),
        ("/{component}/{manifest}", "/{release}"),
        ("/profiles/{profile}", "/profiles/healthcare"),
        ("/roles/{name}", "/roles/admin"),
    ];
    if path.contains("/diff") {
        return format!("{API}/releases/{{diff}}");
    }
    nouns.iter().fold(path.to_owned(), |path, (from, to)| path.replace(from, to))
}
