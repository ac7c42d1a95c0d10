//! `portcullis why`

use anyhow::Result;
use clap::Args;
use portcullis_model::{
    authority::{Opinion, Standing},
    explain::{Explained, Today},
    id::ActId,
};

use crate::{
    admin::{Keyboard, or_unknown},
    home::Home,
    host::Host,
    output::Output,
};

/// Explain what became of a plugin's act: which layer allowed or denied it, and who could change that.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  portcullis why call_5b1e...9c.3\n\n\
    The id of a denial is in the error that the plugin got, and in the audit log ('portcullis audit tail --kind act.denied').")]
pub struct Why {
    /// The id of an act or a denial: a call's id, a dot and a number.
    pub id: ActId,
}

impl Why {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let found = Keyboard::of(&host)?.read_as(&format!("/acts/{}", self.id)).await;
        let explained: Explained = or_unknown(found, || {
            format!(
                "the log has no act '{}'; see 'portcullis audit tail --kind act.denied' (past a call's twentieth, denials are only counted)",
                self.id
            )
        })?;
        output.result(&explained, || words(&explained))
    }
}

fn opinion(opinion: &Opinion) -> String {
    let says = opinion.refuses.as_deref().map_or_else(|| "allows it".to_owned(), |why| format!("denies it: {why}"));
    format!("  {:26} {says}", opinion.layer.to_string())
}

/// What is granted of a scope, layer by layer.
pub(super) fn standing(standing: &Standing) -> Vec<String> {
    let mut lines: Vec<String> = standing
        .layers
        .iter()
        .map(|layer| {
            let gives: Vec<String> = layer.gives.iter().map(ToString::to_string).collect();
            let says = match (layer.whole, gives.is_empty()) {
                (true, _) => "allows it".to_owned(),
                (false, true) => "allows nothing of it".to_owned(),
                (false, false) => format!("allows of it: {}", gives.join("; ")),
            };
            format!("  {:26} {says}", layer.layer.to_string())
        })
        .collect();
    let left: Vec<String> = standing.left.iter().map(ToString::to_string).collect();
    lines.push(match standing.narrowed_by {
        None => "  All of it is allowed.".to_owned(),
        Some(layer) if left.is_empty() => {
            format!("  It ends at {layer}; who can change that: the {}.", layer.grantor())
        }
        Some(layer) => {
            format!("  Left of it: {}. The first to take away is {layer}: the {}.", left.join("; "), layer.grantor())
        }
    });
    lines
}

fn words(explained: &Explained) -> String {
    let Explained { id, act, resource, plugin, installation, scope, entry, .. } = explained;
    let verb = if explained.permitted { "permitted" } else { "denied" };
    let tenant = explained.tenant.as_ref().map_or_else(String::new, |tenant| format!(" in {tenant}"));
    let mut lines = vec![
        format!("{id}: {act} on {resource} was {verb}, {}", entry.time),
        format!("  by {plugin}, installation {installation}{tenant}"),
        format!("  it needs {scope}"),
    ];
    if explained.permitted {
        lines.push("  Every layer covered it.".into());
    }
    lines.extend(explained.layers.iter().map(opinion));
    if let Some(refused) = &explained.refused {
        lines.push(format!("It fell at {}: {}.", refused.layer, refused.reason));
        lines.push(format!("Who can change that: the {}.", refused.grantor));
        if refused.layer == portcullis_model::authority::Layer::Granted {
            lines.push(format!(
                "  portcullis plugin grant {installation} ... '{scope}'   (the list replaces the grant)"
            ));
        }
    }
    match &explained.today {
        // Of a permitted act less than the whole scope may have been enough: the rest is nobody's question.
        _ if explained.permitted => {}
        Today::Stands(today) => {
            lines.push(format!("Today, of {scope}:"));
            lines.extend(standing(today));
        }
        Today::Unsaid(why) => lines.push(format!("What is granted today cannot be held against it: {why}.")),
    }
    lines.push(format!("Entry {} of the audit log.", explained.index));
    lines.join("\n")
}
