//! `/console/people/{place}/roles`: what each role may do; a tenant's own ones are made, changed and removed here (ACC-1).

use std::collections::BTreeMap;

use axum::extract::Path;
use http::Method;
use maud::{Markup, html};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{above, api, at};
use crate::{
    host::Ask,
    kit::{
        Mark, Tone, badge, card,
        form::{Text, form, press},
        ticks,
    },
    pages::{
        change::{Rehearsal, hidden},
        view::Items,
    },
    shell::Page,
    strings::Place,
    visit::{Sent, Shown, Visit, escaped},
};

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Role {
    name: String,
    built_in: bool,
    says: String,
    rules: Vec<Rule>,
    permits: Vec<String>,
    version: u64,
}

/// A rule, as the API takes it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Rule {
    forbid: bool,
    actions: Vec<String>,
    only: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Changed {
    gained: Vec<String>,
    lost: Vec<String>,
    holders: Vec<Holder>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Holder {
    name: String,
}

fn own(place: &str) -> String {
    format!("{}/roles", at(place))
}

/// Rules as lines: an action, `never` before what is forbidden, and `on` a resource behind it.
fn lines(rules: &[Rule]) -> String {
    let mut text = String::new();
    for rule in rules {
        let never = if rule.forbid { "never " } else { "" };
        for action in &rule.actions {
            if rule.only.is_empty() {
                text += &format!("{never}{action}\n");
            }
            rule.only.iter().for_each(|named| text += &format!("{never}{action} on {named}\n"));
        }
    }
    text
}

/// Lines as rules. What is wrong with a name the API says.
fn rules(text: &str) -> Vec<Rule> {
    let mut all: BTreeMap<(bool, Option<&str>), Vec<String>> = BTreeMap::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (forbid, rest) = line.strip_prefix("never ").map_or((false, line), |rest| (true, rest.trim()));
        let (action, only) =
            rest.split_once(" on ").map_or((rest, None), |(action, named)| (action, Some(named.trim())));
        all.entry((forbid, only)).or_default().push(action.trim().to_owned());
    }
    let one = |((forbid, only), actions): ((bool, Option<&str>), Vec<String>)| Rule {
        forbid,
        actions,
        only: only.map(str::to_owned).into_iter().collect(),
    };
    all.into_iter().map(one).collect()
}

/// Lists them, with a form for a new one.
pub(crate) async fn list(visit: Visit, Path(place): Path<String>) -> Shown {
    listed(&visit, &place, &Written::default(), &html! {}).await
}

async fn listed(visit: &Visit, place: &str, filled: &Written, said: &Markup) -> Shown {
    let found: Items<Role> = visit.get(&api("/roles", place, "&limit=200")).await?;
    let body = html! {
        (said)
        div class="stack" { @for role in &found.items {
            (card(&role.name, &html! {
                @if role.built_in { (badge(Tone::Plain, "comes with the host")) }
                @else { a href={ (own(place)) "/" (escaped(&role.name)) } { "Change or remove" } }
            }, &html! {
                @if !role.says.is_empty() { p { (role.says) } }
                details { summary { "What it may do: " (role.permits.len()) " actions" }
                    p class="mono small" { @if role.built_in { (role.permits.join(", ")) } @else { (lines(&role.rules).trim_end().replace('\n', ", ")) } }
                }
            }))
        } }
        (card("A role of your own", &html! {}, &writing(visit, place, filled)))
    };
    visit.show(Page {
        title: "Roles",
        lead: html! { "What each role may do here. A role of your own never gives more than you have, and nothing that decides over people." },
        place: Place::People,
        above: above(place),
        acts: html! {},
        body,
    })
}

/// One of the tenant's own.
pub(crate) async fn one(visit: Visit, Path((place, name)): Path<(String, String)>) -> Shown {
    let role: Role = visit.get(&api(&format!("/roles/{}", escaped(&name)), &place, "")).await?;
    let filled = Written {
        name: role.name.clone(),
        says: role.says.clone(),
        rules: lines(&role.rules),
        version: role.version.to_string(),
        step: String::new(),
    };
    let body = html! {
        @if role.built_in {
            (card("What it may do", &badge(Tone::Plain, "comes with the host"), &html! { p class="mono small" { (role.permits.join(", ")) } }))
        } @else {
            (card("Change it", &html! {}, &writing(&visit, &place, &filled)))
            (card("Remove it", &html! {}, &html! {
                p class="quiet" { "Only where nobody holds it. Its name cannot be used again." }
                (press(&format!("{}/{}/remove", own(&place), escaped(&name)), visit.token(), "danger", "Remove", &[]))
            }))
        }
    };
    visit.show(Page {
        title: &role.name,
        lead: html! { (role.says) },
        place: Place::People,
        above: above(&place).into_iter().chain([(own(&place), "Roles".to_owned())]).collect(),
        acts: html! {},
        body,
    })
}

fn writing(visit: &Visit, place: &str, filled: &Written) -> Markup {
    let known = !filled.version.is_empty();
    form(
        &own(place),
        visit.token(),
        &html! {
            input type="hidden" name="version" value=(filled.version);
            @if known { input type="hidden" name="name" value=(filled.name); }
            @else { (Text { name: "name", label: "Name", value: &filled.name, hint: "a-z, 0-9 and '-'.", ..Text::default() }.show()) }
            (Text { name: "says", label: "What it is for", value: &filled.says, ..Text::default() }.show())
            div class="field" {
                label for="rules" { "What it may do, a line each" }
                span class="hint" id="rules-hint" {
                    "An action such as " code { "installations.suspend" } "; only there: " code { "installations.suspend on installation:ins_1" }
                    "; never, whatever else: " code { "never installations.suspend on installation:ins_1" } "."
                }
                textarea id="rules" name="rules" rows="8" aria-describedby="rules-hint" spellcheck="false" class="mono" required { (filled.rules) }
            }
            div { button type="submit" class="primary" { "Show who would gain or lose what" } }
        },
    )
}

/// A role in a form.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Written {
    name: String,
    says: String,
    rules: String,
    version: String,
    step: String,
}

/// Tries a role out, or writes it.
pub(crate) async fn write(Path(place): Path<String>, Sent(visit, sent): Sent<Written>) -> Shown {
    let does = sent.step == "do";
    let rehearsal = if does { "" } else { "&dry_run=true" };
    let rules = rules(&sent.rules);
    let ask = match sent.version.is_empty() {
        true => {
            let body = json!({ "name": sent.name, "says": sent.says, "rules": rules });
            Ask::with(Method::POST, api("/roles", &place, rehearsal), body)
        }
        false => {
            let path = api(&format!("/roles/{}", escaped(&sent.name)), &place, rehearsal);
            let body = json!({ "says": sent.says, "rules": rules });
            Ask::with(Method::PUT, path, body).of(&format!("\"{}\"", sent.version))
        }
    };
    if does {
        return visit.then(ask, &own(&place)).await;
    }
    let changed: Changed = match visit.ask(ask).await.read() {
        Ok(changed) => changed,
        Err(refused) => {
            let said = visit.said(&refused)?;
            return listed(&visit, &place, &sent, &said).await;
        }
    };
    let words = |all: &[String]| all.iter().map(|one| html! { code { (one) } }).collect::<Vec<Markup>>();
    let would = html! {
        div class="grid" {
            (card("Whom it concerns", &html! {}, &html! {
                @if changed.holders.is_empty() { p class="quiet" { "Nobody holds it." } }
                @else { ul class="plain" { @for holder in &changed.holders { li { (holder.name) } } } }
            }))
            @if !changed.gained.is_empty() { (card("Each of them could do", &html! {}, &ticks(Mark::Yes, &words(&changed.gained)))) }
            @if !changed.lost.is_empty() { (card("And no longer", &html! {}, &ticks(Mark::No, &words(&changed.lost)))) }
        }
    };
    let sends = [("name", &*sent.name), ("says", &*sent.says), ("rules", &*sent.rules), ("version", &*sent.version)];
    let rehearsal = Rehearsal {
        lies: (Place::People, above(&place)),
        would,
        action: &own(&place),
        sends: hidden(&sends),
        does: "Make it so",
        takes: false,
        back: &own(&place),
    };
    rehearsal.show(&visit)
}

/// Nothing but the token.
#[derive(Deserialize)]
pub(crate) struct Bare {}

/// Removes one.
pub(crate) async fn removes(Path((place, name)): Path<(String, String)>, Sent(visit, _): Sent<Bare>) -> Shown {
    let path = api(&format!("/roles/{}", escaped(&name)), &place, "");
    visit.then(Ask { method: Method::DELETE, ..Ask::get(path) }, &own(&place)).await
}

#[cfg(test)]
mod tests {
    use super::{Rule, lines, rules};

    #[test]
    fn lines_become_rules_and_lines_again() {
        let text = "installations.list\ninstallations.suspend on installation:ins_1\nnever acts.get on act:1\n";
        let read = rules(text);
        assert_eq!(read.len(), 3);
        assert!(read.contains(&Rule { forbid: true, actions: vec!["acts.get".into()], only: vec!["act:1".into()] }));
        assert_eq!(rules(&lines(&read)), read);
        assert_eq!(rules(" \n\n a.b \n"), [Rule { forbid: false, actions: vec!["a.b".into()], only: Vec::new() }]);
    }
}
