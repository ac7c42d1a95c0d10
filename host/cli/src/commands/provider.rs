//! `portcullis provider`

use anyhow::Result;
use clap::Subcommand;
use portcullis_broker::providers::Definition;
use portcullis_model::id::ProviderId;
use serde_json::json;

use crate::{connect::providers, home::Home, output::Output};

/// Providers that credentials come from.
#[derive(Debug, Subcommand)]
pub enum ProviderCommand {
    /// List the providers: those that come with the host, and those in the home's providers/*.toml.
    #[command(after_help = "Example:\n  portcullis provider list")]
    List,
    /// Show what a provider needs, and how it behaves.
    #[command(after_help = "Example:\n  portcullis provider show zendesk")]
    Show {
        /// Which.
        provider: ProviderId,
    },
}

impl ProviderCommand {
    pub(crate) fn run(self, home: &Home, output: Output) -> Result<()> {
        let providers = providers(home)?;
        match self {
            Self::List => {
                for one in providers.all() {
                    let value = json!({ "id": one.id, "name": one.name, "way": one.way, "about": one.about });
                    output.item(&value, || format!("{:20} {:20} {}", one.id, way(one), one.about))?;
                }
                Ok(())
            }
            Self::Show { provider } => {
                let definition = providers.get(&provider)?;
                output.result(&**definition, || shown(definition))
            }
        }
    }
}

fn way(definition: &Definition) -> String {
    match serde_json::to_value(definition.way) {
        Ok(serde_json::Value::String(way)) => way,
        _ => String::new(),
    }
}

fn shown(one: &Definition) -> String {
    let mut lines =
        vec![format!("{} ({})", one.name, one.id), format!("  {}", one.about), format!("  way: {}", way(one))];
    for (name, setting) in &one.settings {
        let kind = if setting.optional { "optional" } else { "needed" };
        let default = setting.default.as_ref().map(|value| format!(", unless said: {value}")).unwrap_or_default();
        lines.push(format!("  --set {name}=  {kind}{default}. {}", setting.about));
    }
    if let Some(example) = &one.scopes.example {
        let needed = if one.scopes.required { "at least one" } else { "if any" };
        lines.push(format!("  --scope {example}  {needed}"));
    }
    let hosts: Vec<String> = one.place.hosts.iter().map(|host| host.clone().into()).collect();
    lines.push(match hosts.is_empty() {
        true => "  --to HOST  needed: where the token goes".to_owned(),
        false => format!("  the token goes to: {}", hosts.join(", ")),
    });
    let conduct = [
        (one.conduct.renewal_ends_old, "a renewal ends the old token at once"),
        (one.conduct.refresh_once, "a refresh token works once"),
        (one.revoke.is_some(), "tokens can be revoked"),
        (one.authorize.as_ref().is_some_and(|authorize| authorize.pkce), "PKCE"),
    ];
    let conduct: Vec<&str> = conduct.iter().filter(|(is, _)| *is).map(|(_, words)| *words).collect();
    if !conduct.is_empty() {
        lines.push(format!("  {}", conduct.join("; ")));
    }
    lines.extend(one.documentation.as_ref().map(|url| format!("  {url}")));
    lines.join("\n")
}
