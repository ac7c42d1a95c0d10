//! The admin API of this host, wired: what each of its operations is done with. The command line is [one of those who ask it](Keyboard).
//!
//! Invariant: whoever asks, over the network or from the command line, is answered by the same operations.

mod keyboard;
mod lines;

use std::sync::Arc;

use anyhow::Result;
use portcullis_api::{
    SignIn,
    admin::{Api, AutomationCallers, Frame, OperatorOnly, Ports, v1},
    audit::Live,
};
use portcullis_capabilities::Catalogue;
use portcullis_model::people::Decide;

pub use keyboard::{Keyboard, NotDone, asked, escaped, given, or_unknown, payload};
pub use lines::Lines;

use crate::{host::Host, inspected::Inspector, leaving::Receipts, reading::LogReader, rotation::workshop};

/// The API of an opened host, whose log is read by this reader and followed by these: as the operator may ask it, and people who sign
/// in, where any can.
pub fn api(host: &Host, reader: &Arc<LogReader>, live: &Arc<Live>, people: Option<Arc<SignIn>>) -> Result<Api> {
    let inspects = Inspector { store: host.store.clone(), registry: host.registry.clone(), home: host.home.clone() };
    let duties = duties(host, reader);
    let who = Arc::new(crate::people::ports(host, people.as_deref())?);
    let ports = Ports {
        access: who.clone(),
        acts: Arc::new(v1::acts::Ports { explain: Arc::new(host.explainer()) }),
        alerts: Arc::new(v1::alerts::Ports { alerts: host.store.clone(), clock: host.clock.clone() }),
        attestations: duties.clone(),
        audit: Arc::new(v1::audit::Ports { reader: reader.clone(), live: live.clone(), recorder: host.store.clone() }),
        authorizations: Arc::new(v1::authorizations::Ports {
            store: host.store.clone(),
            catalogue: Arc::new(Catalogue),
            clock: host.clock.clone(),
        }),
        automation: who.clone(),
        backends: Arc::new(backends(host)),
        clients: Arc::new(v1::clients::Ports {
            store: host.store.clone(),
            installations: host.store.clone(),
            rng: host.rng.clone(),
        }),
        components: Arc::new(v1::components::Ports { inspects: Arc::new(inspects) }),
        connections: Arc::new(workshop::connections(host, crate::people::address(host, people.as_deref()))),
        deliveries: Arc::new(v1::deliveries::Ports { queue: host.store.clone(), installations: host.store.clone() }),
        denials: Arc::new(v1::denials::Ports { reader: reader.clone(), recorder: host.store.clone() }),
        duties: duties.clone(),
        endpoints: Arc::new(endpoints(host)),
        freezes: Arc::new(v1::freezes::Ports { freezes: host.store.clone(), installations: host.store.clone() }),
        incidents: Arc::new(crate::incident::ports(host, reader)),
        installations: Arc::new(installations(host, reader)),
        log: Arc::new(crate::logbook::ports(host, reader)),
        notices: Arc::new(crate::notices::ports(host)),
        posture: duties.clone(),
        privacy: Arc::new(crate::privacy::ports(host)),
        profiles: duties.clone(),
        releases: Arc::new(releases(host)),
        risks: duties,
        people: who.clone(),
        reviews: Arc::new(reviews(host)),
        roles: who.clone(),
        rotation: Arc::new(workshop::rotations(host)),
        rules: Arc::new(crate::rulebook::ports(host)),
        sign_in: Arc::new(sign_in(host, &who)),
        sources: Arc::new(sources(host)),
        status: Arc::new(crate::ops::board::ports(host)),
        support: who,
        tenants: Arc::new(crate::tenant::ports(host)),
        trust: Arc::new(v1::trust::Ports { registry: host.registry.clone(), clock: host.clock.clone() }),
        vault: Arc::new(v1::vault::Ports { vault: host.vault().clone(), file: host.key_file.clone() }),
        withdrawals: Arc::new(withdrawals(host)),
    };
    Ok(Api::new(Arc::new(frame(host, people)?), ports))
}

/// Who may ask, and what is shared by all operations.
fn frame(host: &Host, people: Option<Arc<SignIn>>) -> Result<Frame> {
    let decide: Arc<dyn Decide> = match people.is_some() {
        true => Arc::new(crate::people::access(host)?),
        false => Arc::new(OperatorOnly),
    };
    let frame = Frame::new(host.clock.clone(), host.operator_token()?, decide, host.store.clone());
    Ok(match people {
        Some(people) => frame.knowing(people).knowing(Arc::new(AutomationCallers(crate::people::access(host)?))),
        None => frame,
    })
}

fn duties(host: &Host, reader: &Arc<LogReader>) -> Arc<v1::posture::Ports> {
    let look = crate::duties::Lookout::new(host, reader);
    Arc::new(v1::posture::Ports { look, duties: host.store.clone(), clock: host.clock.clone() })
}

fn backends(host: &Host) -> v1::backends::Ports {
    v1::backends::Ports {
        back_ends: host.store.clone(),
        outbox: host.store.clone(),
        installations: host.store.clone(),
        keys: crate::outbound::signing_keys(host),
        grants: Arc::new(host.explainer()),
    }
}

fn endpoints(host: &Host) -> v1::endpoints::Ports {
    let (outbox, keys) = (host.store.clone(), crate::detect::keys(host));
    v1::endpoints::Ports { outbox, keys, placed: host.config.egress.placed() }
}

fn sign_in(host: &Host, people: &Arc<v1::people::Ports>) -> v1::sign_in::Ports {
    let (asking, vault) = (host.clone(), host.vault().clone());
    // The one that remembers what providers have answered, whoever asked.
    let probe = move || match asking.oidc() {
        Ok(oidc) => Ok(oidc as Arc<dyn v1::sign_in::Probe>),
        Err(error) => Err(format!("{error:#}")),
    };
    v1::sign_in::Ports { people: people.clone(), vault, probe: Box::new(probe) }
}

fn sources(host: &Host) -> v1::sources::Ports {
    let host = host.clone();
    v1::sources::Ports { kept_by: Box::new(move |by| crate::rotation::sources(&host, by)) }
}

fn installations(host: &Host, reader: &Arc<LogReader>) -> v1::installations::Ports {
    let ending = host.clone();
    v1::installations::Ports {
        registry: host.registry.clone(),
        installations: host.store.clone(),
        leaving: host.store.clone(),
        ended_by: Box::new(move |by| crate::rotation::endings(&ending, by)),
        receipts: Arc::new(Receipts::of(host)),
        logs: host.store.clone(),
        budgets: host.store.clone(),
        recorder: host.store.clone(),
        bounds: host.bounds(),
        reader: reader.clone(),
        clock: host.clock.clone(),
        rng: host.rng.clone(),
    }
}

fn reviews(host: &Host) -> v1::reviews::Ports {
    v1::reviews::Ports {
        registry: host.registry.clone(),
        reviews: host.store.clone(),
        installations: host.store.clone(),
        explain: Arc::new(host.explainer()),
        stops: Arc::new(host.clone()),
        recorder: host.store.clone(),
        clock: host.clock.clone(),
        rng: host.rng.clone(),
    }
}

fn withdrawals(host: &Host) -> v1::withdrawals::Ports {
    v1::withdrawals::Ports {
        registry: host.registry.clone(),
        enforces: Arc::new(host.clone()),
        clock: host.clock.clone(),
    }
}

fn releases(host: &Host) -> v1::releases::Ports {
    v1::releases::Ports {
        registry: host.registry.clone(),
        shelf: host.store.clone(),
        reviews: host.store.clone(),
        installations: host.store.clone(),
        rescans: Arc::new(host.clone()),
        recorder: host.store.clone(),
        clock: host.clock.clone(),
        rng: host.rng.clone(),
    }
}
