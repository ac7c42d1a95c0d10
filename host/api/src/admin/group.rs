//! Operations that are done with the same ports, and the routes that follow from them.
//!
//! Invariant: a route is there because an operation is, and the document describes it for the same reason.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::Body,
    http::{HeaderValue, Method, Request, StatusCode, header},
    response::{IntoResponse as _, Response},
    routing::{MethodFilter, MethodRouter, on},
};

use super::{
    frame::Frame,
    mount,
    openapi::Described,
    operation::{About, Operation},
};
use crate::problem::{Problem, Reason};

type Mount<P> = fn(Arc<Frame>, Arc<P>) -> MethodRouter;

/// Operations that are done with these ports.
pub struct Group<P> {
    entries: Vec<(Described, Mount<P>)>,
}

impl<P: Send + Sync + 'static> Default for Group<P> {
    fn default() -> Self {
        Self { entries: Vec::new() }
    }
}

impl<P: Send + Sync + 'static> Group<P> {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// And this one.
    #[must_use]
    pub fn with<O: Operation<Ports = P>>(mut self) -> Self {
        self.entries.push((Described::of::<O>(), mounted::<O>));
        self
    }

    /// What there is to say about them.
    pub fn described(self) -> Vec<Described> {
        self.entries.into_iter().map(|(described, _)| described).collect()
    }
}

fn mounted<O: Operation>(frame: Arc<Frame>, ports: Arc<O::Ports>) -> MethodRouter {
    let handler = move |request: Request<Body>| mount::run::<O>(frame, ports, request);
    on(filter(&O::ABOUT.method), handler)
}

fn filter(method: &Method) -> MethodFilter {
    // Every operation's method is one that axum knows.
    MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::TRACE)
}

/// Routes of operations, put together.
pub struct Routes {
    frame: Arc<Frame>,
    paths: BTreeMap<&'static str, (MethodRouter, Vec<Method>)>,
    abouts: Vec<About>,
}

impl Routes {
    /// None yet.
    pub fn new(frame: Arc<Frame>) -> Self {
        Self { frame, paths: BTreeMap::new(), abouts: Vec::new() }
    }

    /// And those of a group.
    #[must_use]
    pub fn mount<P: Send + Sync + 'static>(mut self, group: Group<P>, ports: Arc<P>) -> Self {
        for (described, mount) in group.entries {
            let about = described.about;
            let (router, methods) = self.paths.remove(about.path).unwrap_or_default();
            let router = router.merge(mount(self.frame.clone(), ports.clone()));
            let methods = methods.into_iter().chain([about.method.clone()]).collect();
            self.paths.insert(about.path, (router, methods));
            self.abouts.push(about);
        }
        self
    }

    /// What was mounted.
    pub fn abouts(&self) -> &[About] {
        &self.abouts
    }

    /// As a router for `/admin/v1`.
    pub fn router(self) -> Router {
        let mut all = Router::new();
        for (path, (router, methods)) in self.paths {
            let allowed = allow(&methods);
            let (one, other) = (allowed.clone(), allowed);
            let router = router
                .options(move || async move { options(one) })
                .fallback(move || async move { wrong_method(other) });
            all = all.route(&format!("/admin/v1{path}"), router);
        }
        // Sizes are checked where the body is read.
        all.layer(axum::extract::DefaultBodyLimit::disable())
    }
}

fn allow(methods: &[Method]) -> HeaderValue {
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    if names.contains(&"GET") {
        names.push("HEAD");
    }
    names.push("OPTIONS");
    names.sort_unstable();
    HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

fn options(allowed: HeaderValue) -> Response {
    mount::sealed((StatusCode::NO_CONTENT, [(header::ALLOW, allowed)]).into_response())
}

fn wrong_method(allowed: HeaderValue) -> Response {
    let advice = format!("Use one of: {}.", allowed.to_str().unwrap_or_default());
    let mut response = Problem::new(Reason::WrongMethod, advice).into_response();
    response.headers_mut().insert(header::ALLOW, allowed);
    mount::sealed(response)
}
