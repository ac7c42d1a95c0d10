//! Reports as pages.

use portcullis_model::{duty::Party, id::DutyId};

use super::page::{page, text};
use crate::{
    catalogue::Catalogue,
    posture::{Answered, Line, Posture, State},
    sheet::{Sheet, SheetScope, answers},
};

/// How a tenant stands, as a page.
pub fn posture(posture: &Posture) -> String {
    let (holds, open, accepted) = posture.counts();
    let mut body = format!(
        "<h1>Posture of {}</h1>\n<p class=\"soft\">Looked at {}. Computed from the log and live state.</p>\n<ul class=\"counts\">\
         <li class=\"holds\"><strong>{holds}</strong>hold</li><li class=\"open\"><strong>{open}</strong>open</li>\
         <li class=\"accepted\"><strong>{accepted}</strong>accepted as a risk</li></ul>\n",
        text(posture.tenant.as_str()),
        posture.at
    );
    body.push_str(&moves(posture));
    for section in &posture.profiles {
        let since = section.since.as_ref().map_or_else(|| "Always on.".to_owned(), |since| format!("On {since}."));
        body.push_str(&format!(
            "<h2>{}</h2>\n<p class=\"soft\">{} {}</p>\n<ul class=\"lines\">\n",
            text(section.profile.as_str()),
            text(&section.words),
            text(&since)
        ));
        section.lines.iter().for_each(|line| body.push_str(&one(line)));
        body.push_str("</ul>\n");
    }
    page(&format!("Posture of {}", posture.tenant), &body)
}

fn moves(posture: &Posture) -> String {
    let moves = posture.moves();
    let mut body = "<h2>Who has to do what</h2>\n".to_owned();
    if moves.is_empty() {
        body.push_str("<p>Nobody has to do anything.</p>\n");
        return body;
    }
    let mut last: Option<(Party, String)> = None;
    for (one, duties) in moves {
        let who = (one.party, one.who.clone());
        if last.as_ref() != Some(&who) {
            if last.is_some() {
                body.push_str("</ul>\n");
            }
            body.push_str(&format!("<h3>{}: {}</h3>\n<ul class=\"plain\">\n", one.party, text(&one.who)));
            last = Some(who);
        }
        let ids: Vec<&str> = duties.iter().map(DutyId::as_str).collect();
        let act = one.act.as_ref().map(|act| format!("<br><code>{}</code>", text(act))).unwrap_or_default();
        body.push_str(&format!("<li><strong>{}</strong> {}{act}</li>\n", ids.join(", "), text(&one.what)));
    }
    body.push_str("</ul>\n");
    body
}

fn one(line: &Line) -> String {
    let state = line.state.name();
    let mut detail = String::new();
    if let State::Accepted { risks } = &line.state {
        risks.iter().for_each(|one| detail.push_str(&format!("<p>{}</p>", risk(one))));
    }
    if let State::Open { moves } = &line.state {
        moves.iter().for_each(|one| detail.push_str(&format!("<p>{}: {}</p>", one.party, text(&one.what))));
    }
    line.evidence.iter().for_each(|one| detail.push_str(&format!("<p class=\"soft\">{}</p>", text(one))));
    if !line.entries.is_empty() {
        let entries: Vec<String> = line.entries.iter().map(ToString::to_string).collect();
        detail.push_str(&format!("<p class=\"soft\">Entries of the log: {}</p>", entries.join(", ")));
    }
    format!(
        "<li><span class=\"state {state}\">{state}</span><span class=\"soft\">{}</span><span class=\"what\">{}</span>\
         <div class=\"detail\">{detail}</div></li>\n",
        line.duty,
        text(if line.key.matches('/').count() > 1 { &line.asks } else { &line.title })
    )
}

fn risk(one: &Answered) -> String {
    text(&format!("{} until {}, by {}: {}", one.about, one.until, one.by, one.reason))
}

/// Who has to do what in a tenant, as a page.
pub fn open(posture: &Posture) -> String {
    let head = format!(
        "<h1>Open duties of {}</h1>\n<p class=\"soft\">Looked at {}. Computed from the log and live state.</p>\n",
        text(posture.tenant.as_str()),
        posture.at
    );
    page(&format!("Open duties of {}", posture.tenant), &(head + &moves(posture)))
}

/// Whether a scope is granted, where it is a question.
fn granted(sheet: &Sheet, scope: &SheetScope) -> &'static str {
    match (sheet.installation.is_some(), scope.granted) {
        (true, true) => " granted",
        (true, false) => " not granted",
        (false, _) => "",
    }
}

/// A plugin's responsibility sheet, as a page.
pub fn sheet(sheet: &Sheet, catalogue: &Catalogue) -> String {
    let row = |name: &str, value: String| format!("<dt>{name}</dt><dd>{value}</dd>\n");
    let said = |value: &Option<String>, absent: &str| text(value.as_deref().unwrap_or(absent));
    let mut body = format!(
        "<h1>{} {}</h1>\n<p>{}</p>\n<p class=\"soft\">Responsibility sheet for tenant {}, made {}.</p>\n<dl>\n",
        text(&sheet.name),
        text(&sheet.version),
        text(&sheet.summary),
        text(sheet.tenant.as_str()),
        sheet.at
    );
    let installed = match &sheet.installation {
        Some(installation) => format!("installation {}", text(installation.as_str())),
        None => "not installed".to_owned(),
    };
    body.push_str(&row("Plugin", format!("{}, {installed}", text(sheet.plugin.as_str()))));
    body.push_str(&row("Publisher", text(sheet.publisher.as_str())));
    body.push_str(&row("Terms", text(&sheet.terms)));
    body.push_str(&row("Privacy policy", text(&sheet.privacy)));
    body.push_str(&row("Help", text(&sheet.support)));
    body.push_str(&row("Classes of data", text(&sheet.classes.join(", "))));
    body.push_str(&row("Kept", said(&sheet.retention, "Its publisher does not say.")));
    body.push_str(&row("Upkeep", said(&sheet.maintenance, "Its publisher promises nothing.")));
    body.push_str(&row("Legal basis, impact", "Not on record here; see the privacy policy.".to_owned()));
    body.push_str(&row("Generative AI", ai(sheet)));
    body.push_str("</dl>\n<h2>Open</h2>\n<ul class=\"plain\">\n");
    for (party, what) in sheet.open() {
        body.push_str(&format!("<li><strong>{party}</strong> {}</li>\n", text(&what)));
    }
    body.push_str("</ul>\n<h2>What it may do</h2>\n<ul class=\"plain\">\n");
    for one in &sheet.scopes {
        let granted = granted(sheet, one);
        body.push_str(&format!(
            "<li><code>{}</code>{granted}<br>{}; for: {}</li>\n",
            text(&one.scope),
            text(&one.words.join("; ")),
            text(&one.purpose)
        ));
    }
    body.push_str("</ul>\n<h2>Where data goes</h2>\n<ul class=\"plain\">\n");
    if sheet.destinations.is_empty() {
        body.push_str("<li>Nowhere outside of this host, as its publisher says.</li>\n");
    }
    for one in &sheet.destinations {
        let sub = if one.sub_processor { ", a sub-processor" } else { "" };
        let refused = if one.refused { " <strong>Refused by the tenant's regions.</strong>" } else { "" };
        body.push_str(&format!(
            "<li><code>{}</code> in {}, run by {}{sub}.{refused}<br>{}; for: {}</li>\n",
            text(&one.host),
            text(&one.region),
            text(&one.operator),
            text(&one.data.join(", ")),
            text(&one.purpose)
        ));
    }
    body.push_str("</ul>\n");
    if !sheet.risks.is_empty() {
        body.push_str("<h2>Accepted risks</h2>\n<ul class=\"plain\">\n");
        sheet.risks.iter().for_each(|one| body.push_str(&format!("<li>{}</li>\n", risk(one))));
        body.push_str("</ul>\n");
    }
    body.push_str("<h2>Who answers for what</h2>\n");
    for (party, duties) in answers(catalogue) {
        body.push_str(&format!("<h3>{party}</h3>\n<ul class=\"plain\">\n"));
        duties.iter().for_each(|(id, title)| body.push_str(&format!("<li>{id} {}</li>\n", text(title))));
        body.push_str("</ul>\n");
    }
    page(&format!("{}: responsibility sheet", sheet.name), &body)
}

fn ai(sheet: &Sheet) -> String {
    let Some(ai) = &sheet.ai else { return "None, as its publisher says.".to_owned() };
    let mut words = format!("{} for {}; it is given {}.", ai.provider, ai.purpose, ai.data.join(", "));
    if ai.trains {
        words.push_str(" A model is trained with that.");
    }
    if ai.medical_advice {
        words.push_str(" Its answers can be medical advice.");
    }
    text(&words)
}
