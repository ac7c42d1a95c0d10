//! `portcullis trust change`

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Result;
use clap::Args;
use portcullis_model::{
    id::{Digest, PublisherId, TenantId},
    trust::RootScope,
};
use portcullis_packages::{dsse::PayloadType, trust::root::Root};

use super::{
    edit::{self, Floor, Owned, Publishes, Reviews},
    take_or_hand_on,
};
use crate::{home::Home, host::Host, output::Output, signing::SigningKeys, trust::signed_by};

/// Make the next version of a root, with any number of edits.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  portcullis trust change --publisher com.example=portcullis-key-v1:...\n  \
    portcullis trust change --reviewer portcullis-key-v1:...=ada --reviewer portcullis-key-v1:...=bob --reviews 0,1,2\n  \
    portcullis trust change --revoke-key portcullis-key-v1:... --publisher com.example=portcullis-key-v1:...\n  \
    portcullis trust change --root-key portcullis-key-v1:...=bob --root-threshold 2 --key a.key --out change.json\n  \
    portcullis trust change --expires-in-days 365\n\n\
    Takes effect at once where enough keys sign it; otherwise it goes to the file of --out, for 'portcullis trust sign'.\n\
    Keys are named as 'portcullis key show' prints them; for those that are removed or revoked their id does too.")]
pub struct Change {
    /// A tenant's root; the platform's where none is given.
    #[arg(long)]
    pub tenant: Option<TenantId>,
    /// Who publishes the plugins below a prefix, in place of who did.
    #[arg(long = "publisher", value_name = "PREFIX=KEY[,KEY][/THRESHOLD]")]
    pub publishers: Vec<Publishes>,
    /// A prefix that nobody publishes below any more.
    #[arg(long, value_name = "PREFIX")]
    pub remove_publisher: Vec<PublisherId>,
    /// One more reviewer.
    #[arg(long = "reviewer", value_name = "KEY=OWNER")]
    pub reviewers: Vec<Owned>,
    /// One reviewer less.
    #[arg(long, value_name = "KEY")]
    pub remove_reviewer: Vec<String>,
    /// How many reviewers it takes at low, medium and high risk.
    #[arg(long, value_name = "LOW,MEDIUM,HIGH")]
    pub reviews: Option<Reviews>,
    /// One more who withdraws releases.
    #[arg(long = "withdrawer", value_name = "KEY=OWNER")]
    pub withdrawers: Vec<Owned>,
    /// One less.
    #[arg(long, value_name = "KEY")]
    pub remove_withdrawer: Vec<String>,
    /// How many of them it takes.
    #[arg(long, value_name = "N")]
    pub withdrawal_threshold: Option<usize>,
    /// One more who lets releases below the floor run.
    #[arg(long = "overrider", value_name = "KEY=OWNER")]
    pub overriders: Vec<Owned>,
    /// One less.
    #[arg(long, value_name = "KEY")]
    pub remove_overrider: Vec<String>,
    /// How many of them it takes.
    #[arg(long, value_name = "N")]
    pub override_threshold: Option<usize>,
    /// One more keeper of this root.
    #[arg(long = "root-key", value_name = "KEY=OWNER")]
    pub root_keys: Vec<Owned>,
    /// One keeper less.
    #[arg(long, value_name = "KEY")]
    pub remove_root_key: Vec<String>,
    /// How many keepers sign a change.
    #[arg(long, value_name = "N")]
    pub root_threshold: Option<usize>,
    /// A key of which no signature counts any more, in any role.
    #[arg(long, value_name = "KEY")]
    pub revoke_key: Vec<String>,
    /// A component or manifest that never runs again.
    #[arg(long, value_name = "DIGEST")]
    pub revoke_digest: Vec<Digest>,
    /// The lowest release of a plugin that may run; 0 takes the floor away.
    #[arg(long = "floor", value_name = "PLUGIN=N")]
    pub floors: Vec<Floor>,
    /// When it expires, in days from now.
    #[arg(long, value_name = "DAYS", value_parser = clap::value_parser!(u64).range(1..=3650))]
    pub expires_in_days: Option<u64>,
    #[command(flatten)]
    pub keys: SigningKeys,
    /// Write it to this file for others to sign, where more of them are needed.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

impl Change {
    pub(super) async fn run(self, home: Home, output: Output) -> Result<()> {
        let host = Arc::new(Host::open(home).await?);
        let scope = self.tenant.clone().map_or(RootScope::Platform, RootScope::Tenant);
        let mut root = host.root(&scope).await?;
        root.version += 1;
        if let Some(days) = self.expires_in_days {
            root.expires = host.clock.now().plus(Duration::from_secs(days * 24 * 60 * 60));
        }
        self.edit(&mut root)?;
        let envelope = signed_by(PayloadType::Root, root.to_bytes(), &host.signers(&self.keys)?)?;
        // Says what is wrong with it before anybody else is asked to sign it.
        Root::read(&envelope)?;
        take_or_hand_on(&host, &envelope, self.out.as_deref(), output).await
    }

    /// What is taken away first, then what is added, then the thresholds.
    fn edit(&self, root: &mut Root) -> Result<()> {
        for prefix in &self.remove_publisher {
            edit::unpublish(root, prefix)?;
        }
        for key in &self.remove_reviewer {
            edit::remove(&mut root.reviewers, key, "a reviewer")?;
        }
        for key in &self.remove_withdrawer {
            edit::remove(&mut root.withdrawals.keys, key, "one who withdraws releases")?;
        }
        for key in &self.remove_overrider {
            edit::remove(&mut root.overrides.keys, key, "one who overrides floors")?;
        }
        for key in &self.remove_root_key {
            edit::remove(&mut root.root.keys, key, "a keeper of this root")?;
        }
        for key in &self.revoke_key {
            edit::revoke(root, key)?;
        }
        root.revoked.digests.extend(self.revoke_digest.iter().copied());
        for one in &self.publishers {
            one.put(root);
        }
        for one in &self.reviewers {
            let id = one.known(root);
            root.reviewers.insert(id);
        }
        for one in &self.withdrawers {
            let id = one.known(root);
            root.withdrawals.keys.insert(id);
        }
        for one in &self.overriders {
            let id = one.known(root);
            root.overrides.keys.insert(id);
        }
        for one in &self.root_keys {
            let id = one.known(root);
            root.root.keys.insert(id);
        }
        for floor in &self.floors {
            floor.put(root);
        }
        if let Some(Reviews(needed)) = self.reviews {
            root.reviews = needed;
        }
        root.root.threshold = self.root_threshold.unwrap_or(root.root.threshold);
        edit::settle(&mut root.withdrawals, self.withdrawal_threshold);
        edit::settle(&mut root.overrides, self.override_threshold);
        edit::forget_unused(root);
        Ok(())
    }
}
