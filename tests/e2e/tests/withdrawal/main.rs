//! What is withdrawn, revoked or over stops while it runs: calls are ended, nothing new begins, events wait.
#![expect(clippy::unwrap_used, reason = "functions that the tests share")]

mod ends;
mod live;

use std::{sync::Arc, time::Duration};

use portcullis_cli::enforce::{Enforcer, Round};
use portcullis_e2e::{Lab, Package, event};
use portcullis_model::{
    installation::Installation,
    invoke::{CallEnd, CallReport, Invoke as _},
    trust::RootScope,
};
use portcullis_packages::{
    dsse::{Envelope, PayloadType},
    keys::Signer,
    trust::{
        root::Root,
        withdrawal::{Act, Target, Withdrawal},
    },
};
use serde_json::json;
use tokio::task::JoinHandle;

/// Long enough to be ended by nothing but a withdrawal.
const LONG: &str = "cpu-ms = 10000\nwall-ms = 60000\nconcurrent-calls = 256";

/// The time within which everything must have ended.
const WITHIN: Duration = Duration::from_secs(5);

/// A plugin that loops for ever, with this many calls under way; and a neighbour of another plugin.
struct Looping {
    lab: Lab,
    guest: Installation,
    neighbour: Installation,
    calls: Vec<JoinHandle<CallReport>>,
    enforcer: Enforcer,
}

impl Looping {
    async fn new(calls: usize) -> Self {
        let lab = Lab::new().await;
        let guest = lab.install(&Package::guest("loops", &["log:write"], LONG)).await;
        let neighbour = lab.install(&Package::guest("echo", &[], "")).await;
        let host = Arc::new(lab.reopened().await);
        let mut enforcer = Enforcer::new(host, Some(lab.runtime.clone()));
        // What a host does before anything is called.
        enforcer.tick().await.unwrap();
        let mut this = Self { lab, guest, neighbour, calls: Vec::new(), enforcer };
        this.begin(calls).await;
        this
    }

    /// Begins calls and waits until all are under way.
    async fn begin(&mut self, calls: usize) {
        self.lab.runtime.prepare(&self.guest).await.unwrap();
        for _ in 0..calls {
            let (runtime, guest) = (self.lab.runtime.clone(), self.guest.clone());
            self.calls.push(tokio::spawn(async move { runtime.handle(&guest, &event(json!({})), 1).await }));
        }
        let begun = async {
            while self.lab.runtime.live(&self.guest.id) < calls {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(8), begun).await.unwrap();
    }

    /// Looks for changes as the running host does, until a round suspends something.
    async fn enforced(&mut self) -> Round {
        let rounds = async {
            loop {
                match self.enforcer.tick().await.unwrap() {
                    Some(round) if !round.suspended.is_empty() => return round,
                    _ => tokio::time::sleep(Duration::from_millis(20)).await,
                }
            }
        };
        tokio::time::timeout(WITHIN, rounds).await.unwrap()
    }

    /// That this round ended all calls, for this reason, and nobody else's.
    async fn all_ended(self, round: Round, because: &str) {
        let [suspended] = round.suspended.as_slice() else { panic!("{round:?}") };
        assert_eq!(suspended.installation, self.guest.id);
        assert!(suspended.reason.contains(because), "{}", suspended.reason);
        assert_eq!((round.ended, round.left, suspended.calls), (self.calls.len(), 0, self.calls.len()), "{round:?}");
        for call in self.calls {
            let report = tokio::time::timeout(WITHIN, call).await.unwrap().unwrap();
            assert!(matches!(report.end, CallEnd::Ended(_)), "{:?}", report.end);
        }
        let again = self.lab.runtime.handle(&self.guest, &event(json!({})), 1).await;
        assert!(matches!(again.end, CallEnd::Ended(_)), "nothing of that generation begins: {:?}", again.end);
        let other = self.lab.call(&self.neighbour, json!({})).await;
        assert_eq!(other.end, CallEnd::Ok, "the neighbour goes on");
    }
}

/// Withdraws the one release of this installation's plugin, signed by this key.
async fn withdraw(lab: &Lab, what: impl FnOnce(Target) -> Act, key: &dyn Signer, of: &Installation) {
    let target = Target::Releases { plugin: of.plugin.clone(), from: 1, to: Some(1) };
    let withdrawal =
        Withdrawal { what: what(target), reason: "the tests want it".into(), issued: lab.host.clock.now() };
    let payload = json!(withdrawal).to_string().into_bytes();
    let envelope = Envelope::sign(PayloadType::Withdrawal, payload, key).unwrap();
    lab.host.keeper().withdrawal(&envelope.to_json()).await.unwrap();
}

/// The id of the lab's key.
fn own_key(lab: &Lab) -> String {
    lab.key.public().keyid()
}

/// Changes the platform's root with the key that the home holds.
async fn change_root(lab: &Lab, change: impl FnOnce(&mut Root)) {
    lab.host.change_root(&RootScope::Platform, change).await.unwrap();
}
