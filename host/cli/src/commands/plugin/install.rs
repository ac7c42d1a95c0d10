//! `portcullis plugin install`

use std::{
    io::{IsTerminal as _, Write as _},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};
use clap::Args;
use portcullis_model::{id::TenantId, installation::Installation, scope::ScopeText};
use portcullis_packages::{
    install::{Order, vetoes},
    keys::PublicKey,
    manifest::Manifest,
    plan::InstallPlan,
    release_dir::{ReleaseFiles, read_release},
};

use crate::{home::Home, host::Host, output::Output};

/// Show what an installation would mean, and install.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis plugin install my-plugin/dist --trust portcullis-key-v1:...\n  \
    portcullis plugin install my-plugin/dist --grant 'tickets:read fields=subject' --grant log:write --yes\n\n\
    Without --grant all required scopes are granted as they are asked for. Get the publisher's key by another way than\n\
    the release came.")]
pub struct Install {
    /// A bundle, or a directory with plugin.wasm, portcullis.toml and release.dsse.json.
    pub dir: PathBuf,
    /// In which tenant.
    #[arg(long, default_value = "demo")]
    pub tenant: TenantId,
    /// Grant just this; may be given several times.
    #[arg(long = "grant", value_name = "SCOPE")]
    pub grants: Vec<ScopeText>,
    /// Trust this key of the plugin's publisher from now on.
    #[arg(long, value_name = "KEY")]
    pub trust: Option<PublicKey>,
    /// Show what an installation would mean and what is missing for it, and do nothing.
    #[arg(long)]
    pub dry_run: bool,
    /// Do not ask.
    #[arg(long)]
    pub yes: bool,
}

impl Install {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Host::open(home).await?;
        let files = read_release(&self.dir)?;
        let grant = (!self.grants.is_empty()).then_some(self.grants);
        let ask = !self.yes && !output.json;
        let order = Order { tenant: self.tenant, grant, limits: None };
        if self.dry_run {
            let plan = host.installer().prospect(&files, &order, &host.bounds(), self.trust.is_some()).await?;
            return output.result(&plan, || words(&plan));
        }
        let installed = ask_and_install(&host, &files, order, self.trust.as_ref(), ask).await;
        super::super::publish(&host).await?;
        let installation = installed?;
        output.result(&installation, || {
            let granted: Vec<String> = installation.granted.iter().map(|s| format!("  {s}")).collect();
            format!("Installed as {}. Granted:\n{}", installation.id, granted.join("\n"))
        })
    }
}

/// Shows the plan, asks where there is somebody to ask, and installs.
pub async fn ask_and_install(
    host: &Host,
    files: &ReleaseFiles,
    order: Order,
    trust: Option<&PublicKey>,
    ask: bool,
) -> Result<Installation> {
    let plan = host.installer().prospect(files, &order, &host.bounds(), trust.is_some()).await?;
    if ask {
        println!("{}\n", words(&plan));
        if !std::io::stdin().is_terminal() {
            bail!("nobody is there to agree; read the plan above, then add --yes");
        }
        print!("Install it in tenant '{}'? [y/N] ", order.tenant);
        std::io::stdout().flush()?;
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer).context("cannot read the answer")?;
        if !matches!(answer.trim(), "y" | "Y" | "yes") {
            bail!("not installed");
        }
    }
    let manifest = Manifest::parse(&files.stored.manifest)?;
    if let Some(why) = vetoes(&host.bounds(), &manifest, &order).first() {
        bail!("not installed: {why}");
    }
    if let Some(key) = trust {
        host.trust_publisher(&plan.publisher, key).await?;
    }
    Ok(host.installer().install(files, order).await?)
}

/// The plan, for an admin.
pub(crate) fn words(plan: &InstallPlan) -> String {
    let mut lines = vec![
        format!("{} {} (release {}) by {}", plan.name, plan.version, plan.release, plan.publisher),
        plan.summary.clone(),
        format!("Terms: {}   Privacy: {}   Support: {}", plan.terms, plan.privacy, plan.support),
        "It asks for:".into(),
    ];
    for scope in &plan.scopes {
        let optional = if scope.optional { ", optional" } else { "" };
        let risk = format!("{:?}", scope.risk).to_lowercase();
        lines.push(format!("  {}  [{risk} risk{optional}]", scope.scope));
        lines.push(format!("      it {}", scope.words.join("; ")));
        if !scope.classes.is_empty() {
            let classes: Vec<&str> = scope.classes.iter().map(|class| class.name()).collect();
            lines.push(format!("      data: {}", classes.join(", ")));
        }
        lines.push(format!("      because: {}", scope.purpose));
        if scope.ceiling != portcullis_packages::plan::Coverage::Whole {
            let left: Vec<String> = scope.allowed.iter().map(ToString::to_string).collect();
            let left = if left.is_empty() { "nothing".into() } else { left.join("; ") };
            lines.push(format!("      this platform and this tenant allow of it: {left}"));
        }
    }
    let says = plan.statements();
    for (title, items) in
        [("Its publisher says:", &says), ("It cannot, whatever is granted:", &plan.cannot), ("Note:", &plan.notes)]
    {
        if !items.is_empty() {
            lines.push(title.into());
            lines.extend(items.iter().map(|item| format!("  {item}")));
        }
    }
    if !plan.missing.is_empty() {
        lines.push("Missing:".into());
        lines.extend(plan.missing.iter().map(|item| format!("  {item}")));
    }
    if !plan.refusals.is_empty() {
        lines.push("IT CANNOT BE INSTALLED:".into());
        lines.extend(plan.refusals.iter().map(|item| format!("  {item}")));
    }
    let usual = portcullis_model::limits::Limits::default().entries();
    let own = plan.limits.entries().into_iter().zip(usual).filter(|(own, usual)| own != usual);
    let own: Vec<String> = own.map(|((name, value), _)| format!("{name} {value}")).collect();
    let own =
        if own.is_empty() { "the usual ones".to_owned() } else { format!("{}; else the usual ones", own.join(", ")) };
    lines.push(format!("Limits: {own}"));
    lines.join("\n")
}
