//! Lines for a terminal.

use portcullis_model::{duty::Party, id::DutyId};

use crate::{
    catalogue::Catalogue,
    posture::{Line, Move, Posture, State},
    sheet::{Sheet, answers},
};

/// How a tenant stands. `all`: with what each line rests on.
pub fn posture(posture: &Posture, all: bool) -> String {
    let (holds, open, accepted) = posture.counts();
    let mut lines = vec![format!(
        "Posture of tenant {} at {}: {holds} hold, {open} open, {accepted} accepted as a risk",
        posture.tenant, posture.at
    )];
    for section in &posture.profiles {
        let since = section.since.as_ref().map_or_else(|| "always on".to_owned(), |since| format!("on {since}"));
        lines.push(format!("\n{}  ({since})", section.profile));
        for line in &section.lines {
            lines.extend(one(line, all));
        }
    }
    lines.push(String::new());
    lines.push(moves(&posture.moves()));
    lines.join("\n")
}

fn one(line: &Line, all: bool) -> Vec<String> {
    // What holds is said in one line; what a setting asks for says more than its duty's title.
    let is_setting = line.key.matches('/').count() > 1;
    let what = if is_setting { &line.asks } else { &line.title };
    let mut lines = vec![format!("  {:8}  {:6}  {what}", line.state.name(), line.duty.as_str())];
    match &line.state {
        State::Holds => {}
        State::Open { moves } => lines.extend(moves.iter().map(|one| format!("{:20}{}: {}", "", one.party, one.what))),
        State::Accepted { risks } => lines.extend(
            risks
                .iter()
                .map(|one| format!("{:20}{} until {}, by {}: {}", "", one.about, one.until, one.by, one.reason)),
        ),
    }
    if all {
        lines.extend(line.evidence.iter().map(|one| format!("{:20}{one}", "")));
        if !line.entries.is_empty() {
            let entries: Vec<String> = line.entries.iter().map(ToString::to_string).collect();
            lines.push(format!("{:20}entries {}", "", entries.join(", ")));
        }
    }
    lines
}

/// Who has to do what.
pub fn moves(moves: &[(Move, Vec<DutyId>)]) -> String {
    if moves.is_empty() {
        return "Nobody has to do anything.".to_owned();
    }
    let mut lines = vec!["Who has to do what".to_owned()];
    let mut last: Option<(Party, &str)> = None;
    for (one, duties) in moves {
        if last != Some((one.party, one.who.as_str())) {
            lines.push(format!("  {}: {}", one.party, one.who));
            last = Some((one.party, one.who.as_str()));
        }
        let ids: Vec<&str> = duties.iter().map(DutyId::as_str).collect();
        lines.push(format!("    {}  {}", ids.join(", "), one.what));
        if let Some(act) = &one.act {
            lines.push(format!("      {act}"));
        }
    }
    lines.join("\n")
}

/// A plugin's sheet.
pub fn sheet(sheet: &Sheet, catalogue: &Catalogue) -> String {
    let mut lines = vec![
        match sheet.installation {
            Some(_) => format!("{} {} ({}) in tenant {}", sheet.name, sheet.version, sheet.plugin, sheet.tenant),
            None => format!(
                "{} {} ({}), before tenant {} installs it",
                sheet.name, sheet.version, sheet.plugin, sheet.tenant
            ),
        },
        sheet.summary.clone(),
        format!(
            "Publisher: {}, under its own terms {} and privacy policy {}",
            sheet.publisher, sheet.terms, sheet.privacy
        ),
        format!("Help: {}", sheet.support),
        format!("Classes of data: {}", sheet.classes.join(", ")),
        "What it may do:".to_owned(),
    ];
    for one in &sheet.scopes {
        let granted = match (sheet.installation.is_some(), one.granted) {
            (true, true) => " (granted)",
            (true, false) => " (not granted)",
            (false, _) => "",
        };
        lines.push(format!("  {}{granted}", one.scope));
        lines.push(format!("    {}; for: {}", one.words.join("; "), one.purpose));
    }
    lines.push("Where data goes:".to_owned());
    if sheet.destinations.is_empty() {
        lines.push("  nowhere outside of this host, as its publisher says".to_owned());
    }
    for one in &sheet.destinations {
        let sub = if one.sub_processor { ", a sub-processor" } else { "" };
        let refused = if one.refused { " REFUSED by the tenant's regions" } else { "" };
        lines.push(format!("  {} in {}, run by {}{sub}{refused}", one.host, one.region, one.operator));
        lines.push(format!("    {}; for: {}", one.data.join(", "), one.purpose));
    }
    lines.push(match &sheet.ai {
        None => "Generative AI: none, as its publisher says".to_owned(),
        Some(ai) => format!(
            "Generative AI: {} for {}; it is given {}{}{}",
            ai.provider,
            ai.purpose,
            ai.data.join(", "),
            if ai.trains { "; a model is TRAINED with it" } else { "" },
            if ai.medical_advice { "; its answers can be MEDICAL ADVICE" } else { "" }
        ),
    });
    lines.push(format!("Kept: {}", sheet.retention.as_deref().unwrap_or("its publisher does not say")));
    lines.push(format!("Upkeep: {}", sheet.maintenance.as_deref().unwrap_or("its publisher promises nothing")));
    lines.push("Legal basis and assessment of impact: not on record here; see the privacy policy".to_owned());
    for one in &sheet.risks {
        lines.push(format!("Accepted risk: {} until {}, by {}: {}", one.about, one.until, one.by, one.reason));
    }
    lines.push("Open:".to_owned());
    lines.extend(sheet.open().into_iter().map(|(party, what)| format!("  {party}: {what}")));
    lines.push("Who answers for what:".to_owned());
    for (party, duties) in answers(catalogue) {
        lines.push(format!("  {party}"));
        lines.extend(duties.into_iter().map(|(id, title)| format!("    {:6}  {title}", id.as_str())));
    }
    lines.join("\n")
}
