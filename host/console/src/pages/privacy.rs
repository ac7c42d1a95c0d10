//! `/console/privacy`: requests of data subjects with their deadlines, and a new one, tried out first; `/console/privacy/{id}`: one request,
//! part by part, its end and its certificate (DAT-9).

use axum::extract::{Path, Query};
use http::Method;
use maud::{Markup, html};
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{
    download, installation,
    view::{Items, moment},
};
use crate::{
    host::Ask,
    kit::{
        Tone, badge, card, card_flush, empty, facts,
        form::{Text, form, select},
        notice,
        table::{more, number, table, text},
    },
    shell::Page,
    strings::{MORE, Place},
    visit::{Sent, Shown, Visit, escaped},
};

const HOME: &str = "/console/privacy";
const API: &str = "/privacy/requests";
const KINDS: [(&str, &str); 4] = [
    ("access", "Access: what is held about them"),
    ("correct", "Correction: have it put right"),
    ("erase", "Erasure: have it erased"),
    ("restrict", "Restriction: have it kept and not used"),
];

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct View {
    waiting: usize,
    unproven: usize,
    closable: bool,
    request: Request,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Request {
    id: String,
    tenant: String,
    kind: String,
    stage: String,
    opened: String,
    deadline: String,
    closed: Option<String>,
    overdue: bool,
    erased: Option<Erased>,
    emptied_by: Option<String>,
    parts: Vec<Part>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Erased {
    installations: Map<String, Value>,
    tenant: Map<String, Value>,
}

#[derive(Default, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Part {
    installation: String,
    plugin: String,
    state: String,
    records: u64,
    note: Option<String>,
    error: String,
    contact: String,
    problem: Option<String>,
    tries: u64,
    suspended: bool,
}

/// Which.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Wanted {
    cursor: Option<String>,
}

fn at(id: &str) -> String {
    format!("{HOME}/{}", escaped(id))
}

fn standing(one: &Request) -> Markup {
    match one.stage.as_str() {
        _ if one.emptied_by.is_some() => badge(Tone::Plain, "emptied"),
        "closed" | "forgotten" => badge(Tone::Good, "closed"),
        _ if one.overdue => badge(Tone::Bad, "overdue"),
        "begun" => badge(Tone::Accent, "begun"),
        other => badge(Tone::Warn, other),
    }
}

fn through(view: &View) -> String {
    let all = view.request.parts.len();
    format!("{} of {all}", all.saturating_sub(view.waiting))
}

/// Lists them, and asks for a new one.
pub(crate) async fn list(visit: Visit, Query(wanted): Query<Wanted>) -> Shown {
    let asked = Asked { tenant: visit.only_tenant(), ..Asked::default() };
    shown(&visit, wanted.cursor.as_deref(), &asked, html! {}).await
}

async fn shown(visit: &Visit, cursor: Option<&str>, asked: &Asked, above: Markup) -> Shown {
    let cursor = cursor.map(|text| format!("&cursor={}", escaped(text))).unwrap_or_default();
    let found: Items<View> = visit.get(&format!("{API}?limit=50{cursor}")).await?;
    let next = found.cursor().map(|cursor| format!("{HOME}?cursor={}", escaped(&cursor)));
    let rows = found.items.iter().map(|view| {
        let one = &view.request;
        vec![
            html! { a href=(at(&one.id)) { (one.id) } },
            html! { (one.kind) },
            standing(one),
            html! { (one.tenant) },
            moment(&one.deadline),
            html! { (through(view)) },
        ]
    });
    let columns = [
        text("Request"),
        text("For"),
        text("State"),
        text("Tenant"),
        text("To be answered by"),
        number("Parts through"),
    ];
    let body = html! {
        (above)
        section class="card flush" {
            @if found.items.is_empty() {
                (empty("No requests", &html! { p { "A person who asks what is held about them, or to have it put right or erased, is put on record here." } }))
            } @else { (table("Requests of data subjects, the newest first", &columns, rows.collect())) }
        }
        (more(MORE, next.as_deref()))
        (opening(visit, asked))
    };
    visit.show(Page {
        title: "Data requests",
        lead: html! { "What people asked about their own data, by when it must be answered, and what each plugin made of it." },
        place: Place::Privacy,
        above: Vec::new(),
        acts: html! {},
        body,
    })
}

fn opening(visit: &Visit, asked: &Asked) -> Markup {
    let field =
        |name, label, hint, value, optional| Text { name, label, hint, value, optional, ..Text::default() }.show();
    card(
        "Put a request on record",
        &html! {},
        &form(
            HOME,
            visit.token(),
            &html! {
                (field("tenant", "Tenant", "", asked.tenant.as_str(), false))
                (select("kind", "They ask for", &asked.kind, &KINDS))
                (field("user", "Their id at the help desk", "", &asked.user, false))
                (field("names", "Names", "More than one: separated by semicolons. Nothing else is looked for than what is given here.", &asked.names, true))
                (field("emails", "E-mail addresses", "", &asked.emails, true))
                (field("phones", "Telephone numbers", "", &asked.phones, true))
                (field("correction", "What is right now", "For a correction: a JSON object.", &asked.correction, true))
                (Text { name: "days", label: "Days until the deadline", kind: "number", value: &asked.days, optional: true, hint: "30 where you do not say otherwise.", ..Text::default() }.show())
                div class="row" {
                    button type="submit" name="does" value="no" { "See whom it would reach" }
                    button type="submit" name="does" value="yes" class="primary" { "Put it on record" }
                }
            },
        ),
    )
}

/// What the form holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Asked {
    tenant: String,
    kind: String,
    user: String,
    names: String,
    emails: String,
    phones: String,
    correction: String,
    days: String,
    does: String,
}

impl Asked {
    fn body(&self) -> Value {
        let several = |text: &str| -> Vec<String> {
            text.split(';').map(str::trim).filter(|one| !one.is_empty()).map(str::to_owned).collect()
        };
        let mut body = json!({
            "kind": self.kind, "user": self.user.trim(), "names": several(&self.names), "emails": several(&self.emails),
            "phones": several(&self.phones),
        });
        if !self.correction.trim().is_empty() {
            // What is no JSON is refused by the API, as text.
            body["correction"] =
                serde_json::from_str(&self.correction).unwrap_or_else(|_| self.correction.as_str().into());
        }
        if !self.days.trim().is_empty() {
            body["days"] = self.days.trim().parse::<u32>().map_or_else(|_| self.days.as_str().into(), Into::into);
        }
        body
    }
}

/// Puts one on record, or shows whom it would reach.
pub(crate) async fn open(Sent(visit, asked): Sent<Asked>) -> Shown {
    let does = asked.does == "yes";
    let rehearsal = if does { "" } else { "&dry_run=true" };
    let path = format!("{API}?tenant={}{rehearsal}", escaped(&asked.tenant));
    match visit.ask(Ask::with(Method::POST, path, asked.body())).await.read::<View>() {
        Err(refused) => {
            let said = visit.said(&refused)?;
            shown(&visit, None, &asked, said).await
        }
        Ok(view) if does => Ok(crate::visit::to(&at(&view.request.id))),
        Ok(view) => {
            let said = html! {
                (notice(Tone::Warn, "This is whom it would reach. Nothing was put on record.", &html! {
                    p { (view.waiting) " of " (view.request.parts.len()) " installations would be asked, until " (moment(&view.request.deadline)) "."
                        @if view.request.kind == "erase" { " What the host keeps itself would be erased at once, and cannot be had back." } }
                }))
                (parts(&view.request))
            };
            shown(&visit, None, &asked, said).await
        }
    }
}

fn part(one: &Part) -> Vec<Markup> {
    let (tone, state, more) = match one.state.as_str() {
        "waiting" if one.suspended => {
            (Tone::Warn, "waits", "It is suspended: it is asked when it runs again.".to_owned())
        }
        "waiting" => {
            let last = one.problem.as_ref().map(|why| format!("Asked {} times; last: {why}", one.tries));
            (Tone::Warn, "waits", last.unwrap_or_default())
        }
        "nothing-held" => (Tone::Good, "nothing held", String::new()),
        "done" => {
            let note = one.note.as_ref().map(|note| format!("; it says: {note}")).unwrap_or_default();
            (Tone::Good, "done", format!("{} records{note}", one.records))
        }
        "failed" => (Tone::Bad, "failed", one.error.clone()),
        "no-handler" => (Tone::Bad, "cannot be asked", format!("Ask its developer by hand: {}", one.contact)),
        _ => (Tone::Plain, "uninstalled", "What the host still keeps of it is looked through.".to_owned()),
    };
    vec![
        html! { a href=(installation::at(&one.installation)) { (one.plugin) } span class="small quiet" { (one.installation) } },
        badge(tone, state),
        html! { (more) },
    ]
}

fn parts(request: &Request) -> Markup {
    let columns = [text("Plugin"), text("Its part"), text("What it says")];
    let rows: Vec<_> = request.parts.iter().map(part).collect();
    let body = match rows.is_empty() {
        true => empty("Nobody is asked", &html! { p { "Nothing is installed in this tenant." } }),
        false => table("What each installation made of it", &columns, rows),
    };
    card_flush("Installation by installation", &html! {}, &body)
}

fn erased(erased: &Erased) -> Markup {
    let mut lines: Vec<(String, String)> =
        erased.tenant.iter().map(|(sort, n)| (sort.clone(), n.to_string())).collect();
    for (installation, sorts) in &erased.installations {
        let sorts = sorts.as_object().into_iter().flatten();
        lines.extend(sorts.map(|(sort, n)| (format!("{sort} of {installation}"), n.to_string())));
    }
    let rows = lines.into_iter().map(|(sort, n)| vec![html! { (sort) }, html! { (n) }]).collect();
    card_flush(
        "What the host erased itself",
        &html! {},
        &table("What the host erased itself", &[text("Sort"), number("How many")], rows),
    )
}

/// Shows one.
pub(crate) async fn one(visit: Visit, Path(id): Path<String>) -> Shown {
    let view: View = visit.get(&format!("{API}/{}", escaped(&id))).await?;
    let one = &view.request;
    let is_closed = one.closed.is_some();
    let body = html! {
        @if let Some(by) = &one.emptied_by {
            (notice(Tone::Warn, "It was emptied before it came to its end", &html! {
                p { "The same person was erased by " a href=(at(by)) { (by) } ": what was gathered for this request went with it." }
            }))
        }
        (card("The request", &standing(one), &facts(&[
            ("For", html! { (one.kind) }),
            ("Tenant", html! { (one.tenant) }),
            ("On record since", moment(&one.opened)),
            ("To be answered by", moment(&one.deadline)),
            ("Closed", html! { @if let Some(at) = &one.closed { (moment(at)) } @else { "–" } }),
            ("Parts through", html! { (through(&view)) }),
            ("Not proven", html! { (view.unproven) }),
        ])))
        (parts(one))
        @if let Some(all) = &one.erased { (erased(all)) }
        @if !is_closed { (closing(&visit, &view)) }
        @if is_closed && (one.stage != "closed" || one.kind != "erase") {
            (card("Certificate", &html! {}, &form(&format!("{}/certificate", at(&one.id)), visit.token(), &html! {
                p { "What each installation made of it, what the host erased, and which entries of the log say so: signed, and without whom it was about." }
                div { button type="submit" class="primary" { "Sign and download" } }
            })))
        }
    };
    visit.show(Page {
        title: &format!("Request for {}", one.kind),
        lead: html! { (one.id) ". Whom it is about is not shown." },
        place: Place::Privacy,
        above: vec![(HOME.into(), "Data requests".into())],
        acts: html! {},
        body,
    })
}

fn closing(visit: &Visit, view: &View) -> Markup {
    if !view.closable {
        return notice(
            Tone::Plain,
            "It cannot be closed yet",
            &html! { p { (view.waiting) " of its parts wait. It can be closed when they are answered, or after its deadline." } },
        );
    }
    let note = Text {
        name: "note",
        label: "What was done by hand about parts that are not proven",
        hint: "Without naming the person. It stands in the log.",
        optional: view.unproven == 0,
        ..Text::default()
    };
    card(
        "Close it",
        &html! {},
        &form(
            &format!("{}/close", at(&view.request.id)),
            visit.token(),
            &html! {
                p { "Nobody is asked any more then. It takes your second factor." }
                (note.show())
                div { button type="submit" class="primary" { "Close" } }
            },
        ),
    )
}

/// What the form to close one holds.
#[derive(Default, Deserialize)]
#[serde(default)]
pub(crate) struct Ending {
    note: String,
}

/// Closes one.
pub(crate) async fn close(Path(id): Path<String>, Sent(visit, sent): Sent<Ending>) -> Shown {
    let note = sent.note.trim();
    let body = if note.is_empty() { json!({}) } else { json!({ "note": note }) };
    visit.then(Ask::with(Method::POST, format!("{API}/{}/close", escaped(&id)), body), &at(&id)).await
}

#[derive(Deserialize)]
struct Certificate {
    envelope: String,
}

/// Hands over the certificate of one.
pub(crate) async fn certificate(Path(id): Path<String>, Sent(visit, _): Sent<Ending>) -> Shown {
    let ask = Ask { method: Method::POST, ..Ask::get(format!("{API}/{}/certificate", escaped(&id))) };
    match visit.ask(ask).await.read::<Certificate>() {
        Err(refused) => Err(visit.refused(&refused).into()),
        Ok(Certificate { envelope }) => Ok(download::json(&format!("certificate-{}.json", escaped(&id)), &envelope)),
    }
}
