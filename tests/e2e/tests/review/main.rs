//! Review: who must approve a release before it runs, what that leaves of it, when it is over, and what tenants report.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "functions that the tests share")]

mod reports;
mod rescan;
mod workflow;

use portcullis_cli::enforce::{Enforcer, Round};
use portcullis_e2e::{Lab, Package};
use portcullis_model::{id::TenantId, review::Submission, trust::RootScope};
use portcullis_packages::{
    install::Order,
    keys::SecretKey,
    review::{Case, Choice, ReviewError, Seen},
    statement::{Decision, Verdict},
    trust::root::Needed,
};

const EVENTS: &str = "events:receive types=test.* data=full";

/// The guest that reads the fields that its event names, with the right to read three.
fn reader() -> Package {
    Package::guest("reads_named_fields", &["tickets:read fields=subject,status,tags", "log:write"], "")
}

/// A lab whose root asks for this many reviewers at high risk, with these reviewers' keys in it.
async fn reviewed(high: usize, config: &str, reviewers: &[(&str, &SecretKey)]) -> Lab {
    let lab = Lab::with(config).await;
    let change = |root: &mut portcullis_packages::trust::root::Root| {
        for (owner, key) in reviewers {
            let id = root.know(&key.public(), owner);
            root.reviewers.insert(id);
        }
        root.reviews = Needed { low: 0, medium: 0, high };
    };
    lab.host.change_root(&RootScope::Platform, change).await.unwrap();
    lab
}

fn key() -> SecretKey {
    SecretKey::generate(&portcullis_cli::system::SystemRng)
}

fn order(tenant: &str) -> Order {
    let tenant: TenantId = tenant.parse().unwrap();
    Order { tenant, grant: None, limits: None }
}

fn approve(scopes: &[&str]) -> Choice {
    Choice {
        decision: Decision::Approve,
        at_most: Some(scopes.iter().map(|scope| scope.parse().unwrap()).collect()),
        days: 30,
        seen: Seen::Without("a test".into()),
        reason: "looked at".into(),
    }
}

/// What the desk makes of a choice that this reviewer signs.
async fn decided(lab: &Lab, of: &Submission, choice: &Choice, key: &SecretKey) -> Result<(Case, Verdict), ReviewError> {
    let (desk, id) = (lab.host.desk(), key.public().keyid());
    let prepared = desk.prepare(of, choice, &id).await?;
    desk.file(of, choice, &id, &prepared.statement.signed(key)?).await
}

/// What a host without a runtime makes of every installation now.
async fn enforced(lab: &Lab) -> Round {
    let host = std::sync::Arc::new(lab.reopened().await);
    Enforcer::new(host, None).tick().await.unwrap().unwrap()
}
