//! The host itself: what is granted, what was denied, and room for what each capability keeps.

use std::any::{Any, TypeId};
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use super::scope::{Need, Scope, needed};
use super::{Installed, zendesk};
use crate::events::{Event, Events};
use crate::privacy::{Answer, Privacy, Request};
use crate::types::WitError;
use crate::{Denial, Error};

/// An in-memory host: build it, run the plugin in it, look at what became of it.
///
/// A clone is the same host. See the [module](super) for what it keeps of the real one's rules.
#[derive(Clone, Default)]
pub struct Host(Rc<Inner>);

#[derive(Default)]
struct Inner {
    granted: RefCell<Vec<Scope>>,
    /// What the manifest asks for: decides who could grant what was denied.
    asked: RefCell<Vec<Scope>>,
    denials: RefCell<Vec<Denial>>,
    failures: RefCell<Vec<(String, Error)>>,
    /// What each capability keeps, by the type that it keeps it in.
    parts: RefCell<HashMap<TypeId, Box<dyn Any>>>,
    /// The event that is being handled, and how many calls in it had their place counted.
    handling: RefCell<Option<(String, u32)>>,
    ids: Cell<u32>,
}

impl Host {
    /// A host that grants nothing and holds nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Grants a scope, given as in a manifest: `tickets:read fields=subject,comments`.
    ///
    /// # Panics
    /// When the text is no scope.
    #[track_caller]
    pub fn grant(self, scope: &str) -> Self {
        match Scope::parse(scope) {
            Ok(scope) => self.0.granted.borrow_mut().push(scope),
            Err(error) => panic!("{error}"),
        }
        self
    }

    /// Grants a scope that the manifest asks for.
    #[track_caller]
    pub(super) fn ask(self, scope: &str) -> Self {
        let host = self.grant(scope);
        let newest = host.0.granted.borrow().last().cloned();
        host.0.asked.borrow_mut().extend(newest);
        host
    }

    /// Takes back every scope of an action: `revoke("tickets:redact")` is an admin who did not grant that.
    pub fn revoke(self, action: &str) -> Self {
        self.0.granted.borrow_mut().retain(|scope| scope.action() != action);
        self
    }

    /// Makes the next call that needs this action, such as `tickets:write`, fail once with this error.
    pub fn fail_once(self, action: &str, error: Error) -> Self {
        self.0.failures.borrow_mut().push((action.to_owned(), error));
        self
    }

    /// Runs code with this host behind the SDK's functions. It is taken off the thread when the code ends, by a
    /// panic too.
    pub fn run<R>(&self, code: impl FnOnce() -> R) -> R {
        let _installed = Installed::new(self.clone());
        code()
    }

    /// Delivers an event to a plugin as the real host does: with only those fields in its data that are granted.
    ///
    /// Errors: the handler's, and `denied` when no `events:receive` covers the event, which the real host would not
    /// deliver at all.
    pub fn deliver<P: Events>(&self, event: Event) -> Result<(), Error> {
        self.require("events:receive", &[("types", &event.kind)])?;
        let event =
            zendesk::minimise(event, |field, facts, value| self.shown_json("tickets:read", field, facts, value));
        self.begin();
        *self.0.handling.borrow_mut() = Some((event.id.clone(), 0));
        let result = self.run(|| P::handle(event));
        *self.0.handling.borrow_mut() = None;
        result
    }

    /// Hands a data subject's request to a plugin as the real host does: without what it may read of the person, unless the test
    /// puts that into `identifiers` itself.
    ///
    /// Errors: the handler's.
    pub fn ask_about<P: Privacy>(&self, request: Request) -> Result<Answer, Error> {
        self.begin();
        *self.0.handling.borrow_mut() = Some((request.id.clone(), 0));
        let result = self.run(|| P::handle(request));
        *self.0.handling.borrow_mut() = None;
        result
    }

    /// What was denied so far, oldest first.
    pub fn denials(&self) -> Vec<Denial> {
        self.0.denials.borrow().clone()
    }
}

/// What the capabilities' stand-ins use.
impl Host {
    /// The part of the host that one capability keeps for itself, made at first use.
    pub(crate) fn part<T: Default + 'static, R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let mut parts = self.0.parts.borrow_mut();
        let part = parts.entry(TypeId::of::<T>()).or_insert_with(|| Box::<T>::default());
        match part.downcast_mut() {
            Some(part) => f(part),
            None => unreachable!("a part is filed under its own type"),
        }
    }

    /// Refuses unless for each needed `key=value` some granted scope of the action covers it.
    pub(crate) fn require(&self, action: &str, needs: &[(&str, &str)]) -> Result<(), WitError> {
        self.fail_if_asked(action)?;
        let missing: Vec<Need<'_>> = needs
            .iter()
            .map(|&(key, value)| Need { key, value })
            .filter(|&need| !self.covered(&self.0.granted, action, &[need]))
            .collect();
        if missing.is_empty() && (!needs.is_empty() || self.has(action)) {
            return Ok(());
        }
        Err(self.deny(action, &missing, None))
    }

    /// Refuses unless one granted scope of the action covers all the needs by itself.
    pub(crate) fn require_together(&self, action: &str, needs: &[Need<'_>]) -> Result<(), WitError> {
        self.fail_if_asked(action)?;
        if self.covered(&self.0.granted, action, needs) { Ok(()) } else { Err(self.deny(action, needs, None)) }
    }

    /// Whether any scope of the action is granted.
    pub(crate) fn has(&self, action: &str) -> bool {
        self.covered(&self.0.granted, action, &[])
    }

    /// The greatest size that a granted scope of the action names under a key, in bytes.
    pub(crate) fn greatest(&self, action: &str, key: &str) -> u64 {
        let granted = self.0.granted.borrow();
        granted.iter().filter(|scope| scope.action() == action).filter_map(|scope| scope.bytes(key)).max().unwrap_or(0)
    }

    /// What the real host derives an idempotency key from: the event and the call's position in its handling.
    pub(crate) fn position(&self) -> String {
        match self.0.handling.borrow_mut().as_mut() {
            Some((event, position)) => {
                *position += 1;
                format!("{event}/{position}")
            }
            // Outside of an event no two calls are the same call.
            None => format!("call {}", self.next_id()),
        }
    }

    /// A number that this host has not given out before.
    pub(crate) fn next_id(&self) -> u32 {
        self.0.ids.set(self.0.ids.get() + 1);
        self.0.ids.get()
    }

    fn covered(&self, scopes: &RefCell<Vec<Scope>>, action: &str, needs: &[Need<'_>]) -> bool {
        let scopes = scopes.borrow();
        scopes.iter().any(|scope| scope.action() == action && needs.iter().all(|&need| scope.covers(need)))
    }

    /// The granted scopes of an action.
    pub(super) fn scopes_of(&self, action: &str) -> Vec<Scope> {
        self.0.granted.borrow().iter().filter(|scope| scope.action() == action).cloned().collect()
    }

    /// Notes a denial and gives it the form that the plugin sees.
    pub(crate) fn deny(&self, action: &str, missing: &[Need<'_>], reason: Option<String>) -> WitError {
        let admin_can = self.covered(&self.0.asked, action, missing);
        let denial = Denial {
            id: format!("test-{}", self.0.denials.borrow().len() + 1),
            scope: needed(action, missing),
            reason: reason.unwrap_or_else(|| format!("no granted `{action}` covers it")),
            grantor: if admin_can { "admin" } else { "developer" }.to_owned(),
        };
        self.0.denials.borrow_mut().push(denial.clone());
        WitError::Denied(denial)
    }

    fn fail_if_asked(&self, action: &str) -> Result<(), WitError> {
        let mut failures = self.0.failures.borrow_mut();
        match failures.iter().position(|(own, _)| own == action) {
            Some(at) => Err(failures.remove(at).1.into()),
            None => Ok(()),
        }
    }
}
