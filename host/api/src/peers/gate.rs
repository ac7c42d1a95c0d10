//! A layer around endpoints: nobody asks without end who proves nothing, and what is refused is counted.
//!
//! A handler says by an extension of its answer whether the request proved whose it is ([`Known`]). Before it begins, one is taken out
//! of what the peer has left, and what proved itself gives it back: so nothing is looked up for a peer that has nothing left. Events
//! are charged afterwards instead: one provider sends those of many tenants from the same addresses, and the wrong secret of one
//! must not stop the events of another. What a bad one costs is bounded by its size and its time.

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    extract::{Request, State},
    http::{HeaderValue, Uri, header},
    middleware::{Next, from_fn_with_state},
    response::Response,
};
use portcullis_model::{meter::METER, time::Clock};

use super::{Allowance, Door, From, Peer, Peers};
use crate::refusals::{Refusals, Whose};

/// What an answer says of its request, for the host alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Known {
    /// It proved whose it is: by a token, a signature, a registered key, or a secret that this host gave away.
    Proved,
    /// It did not, and was refused for this.
    Refused(&'static str),
}

impl Known {
    /// Notes it in an answer.
    pub fn note(self, mut response: Response) -> Response {
        response.extensions_mut().insert(self);
        response
    }
}

/// What the layers share.
#[derive(Clone)]
pub(crate) struct Gate {
    pub peers: Peers,
    pub allowance: Arc<Allowance>,
    pub refusals: Arc<Refusals>,
    pub clock: Arc<dyn Clock>,
}

/// What the gate has to know of endpoints.
#[derive(Clone, Copy)]
pub(crate) struct Face {
    /// What is counted together, and how.
    pub door: Door,
    /// What the audit log calls an endpoint, by its address. Sources count what they refuse themselves.
    pub name: fn(&Uri) -> &'static str,
    /// How it says that somebody asks too often, in the form of its other errors.
    pub say: fn(&Uri, Duration) -> Response,
}

/// These endpoints behind the gate.
pub(crate) fn gated(router: Router, gate: &Gate, face: Face) -> Router {
    router.layer(from_fn_with_state((gate.clone(), face), pass))
}

async fn pass(State((gate, face)): State<(Gate, Face)>, request: Request, next: Next) -> Response {
    let door = (face.name)(request.uri());
    let response = judged(gate, face, request, next).await;
    METER.http.add(&format!("{door} {}", response.status().as_str()), 1);
    response
}

async fn judged(gate: Gate, face: Face, mut request: Request, next: Next) -> Response {
    let Face { door, name, say } = face;
    let Some(from) = request.extensions().get::<From>() else { return next.run(request).await };
    let client = gate.peers.client(*from, request.headers());
    let peer = Peer::of(client.0);
    request.extensions_mut().insert(client);
    let uri = request.uri().clone();
    let take = || gate.allowance.take(door, peer, gate.clock.now());
    let count = |reason| gate.refusals.count(&Whose::Endpoint(name(&uri)), reason);
    if door == Door::Requests
        && let Err(wait) = take()
    {
        count("too-many-requests");
        return say(&uri, wait);
    }
    let response = next.run(request).await;
    match (response.extensions().get::<Known>(), door) {
        (Some(Known::Proved), Door::Requests) => gate.allowance.give_back(door, peer, gate.clock.now()),
        (Some(Known::Refused(reason)), Door::Requests) => count(reason),
        // They are counted already, by source.
        (Some(Known::Refused(_)), Door::Events) => {
            if let Err(wait) = take() {
                return say(&uri, wait);
            }
        }
        (Some(Known::Proved) | None, _) => {}
    }
    response
}

/// Says how long to wait (RFC 9110, 10.2.3).
pub(crate) fn retry_after(response: &mut Response, wait: Duration) {
    let seconds = u64::try_from(wait.as_millis().div_ceil(1000)).unwrap_or(u64::MAX).clamp(1, 3_600);
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
}
