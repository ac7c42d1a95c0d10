//! The frame around every page: head, navigation, who reads it, and the headers that keep it safe in a browser.
//!
//! Invariants: nothing inline but markup, so that the policy forbids inline scripts and styles; nothing from another host; a page
//! is never kept in a cache.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use maud::{DOCTYPE, Markup, html};

use crate::{
    assets,
    kit::{form::TOKEN, gate},
    strings::{self, Place},
};

/// What a browser may do with a page.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Who reads a page.
#[derive(Clone, Debug, Default)]
pub struct Reader {
    /// What the person is called.
    pub name: String,
    /// The tenant that is looked at; all of them where empty.
    pub tenant: String,
    /// The session's token, for forms.
    pub token: String,
    /// Whether they look after the platform itself.
    pub of_platform: bool,
}

/// A page.
pub struct Page<'a> {
    /// Its title.
    pub title: &'a str,
    /// What it is about, in a sentence or two.
    pub lead: Markup,
    /// Where it lies.
    pub place: Place,
    /// The pages above it: path and name.
    pub above: Vec<(String, String)>,
    /// What can be done here.
    pub acts: Markup,
    /// The rest.
    pub body: Markup,
}

impl Page<'_> {
    /// The page as this reader gets it.
    pub fn show(self, reader: &Reader, status: StatusCode) -> Response {
        let crumbs = html! {
            @if !self.above.is_empty() {
                nav class="crumbs" aria-label="Above" {
                    @for (path, name) in &self.above { a href=(path) { (name) } " / " }
                    span aria-current="page" { (self.title) }
                }
            }
        };
        let body = html! {
            div class="frame" {
                div class="rail" { div class="rail-inner" {
                    a class="brand" href="/console" { (gate(30)) (strings::PRODUCT) }
                    nav class="wide-only" aria-label=(strings::NAVIGATION) { (places(self.place, reader)) }
                    details class="unfold" { summary { (strings::MENU) } nav aria-label=(strings::NAVIGATION) { (places(self.place, reader)) } }
                } }
                div class="page" {
                    div class="topbar" { (crumbs) (who(reader)) }
                    main id="content" {
                        header class="head" {
                            div { h1 { (self.title) } div class="lead" { (self.lead) } }
                            div class="acts" { (self.acts) }
                        }
                        (self.body)
                    }
                }
            }
        };
        document(status, self.title, &body)
    }
}

/// A page for whoever has not signed in.
pub fn narrow(status: StatusCode, title: &str, body: &Markup) -> Response {
    let body = html! {
        div class="narrow" { main id="content" {
            div class="brand" { (gate(34)) (strings::PRODUCT) }
            section class="card" { h1 { (title) } (body) }
        } }
    };
    document(status, title, &body)
}

fn places(here: Place, reader: &Reader) -> Markup {
    let groups = strings::NAVIGATION_GROUPS.iter();
    let groups = groups.filter(|(group, _)| reader.of_platform || *group != strings::PLATFORM);
    html! { @for (group, places) in groups {
        @if !group.is_empty() { h2 { (group) } }
        ul { @for (place, path, name) in *places {
            li { a href=(path) aria-current=[(*place == here).then_some("page")] { (name) } }
        } }
    } }
}

fn who(reader: &Reader) -> Markup {
    html! {
        @if !reader.tenant.is_empty() { span class="badge accent" { (reader.tenant) } }
        @if !reader.name.is_empty() { span class="small" { (reader.name) } }
        @if !reader.token.is_empty() {
            // Sign-in takes JSON alone, which no page of another host can send.
            form class="sign-out" data-json="/signin/end" data-next="/console/sign-in" {
                input type="hidden" name=(TOKEN) value=(reader.token);
                button type="submit" class="link-like small" { (strings::SIGN_OUT) }
                span data-says role="status" {}
            }
        }
    }
}

fn document(status: StatusCode, title: &str, body: &Markup) -> Response {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) " · " (strings::PRODUCT) }
                link rel="icon" href=(assets::ICON.path()) type="image/svg+xml";
                link rel="stylesheet" href=(assets::SHEET.path());
                script src=(assets::SCRIPT.path()) defer {}
            }
            body { a class="skip" href="#content" { (strings::SKIP) } (body) }
        }
    };
    (status, guards(), page.into_string()).into_response()
}

/// The headers of every page.
fn guards() -> [(HeaderName, HeaderValue); 8] {
    let fixed = HeaderValue::from_static;
    [
        (header::CONTENT_TYPE, fixed("text/html; charset=utf-8")),
        (header::CACHE_CONTROL, fixed("no-store")),
        (header::CONTENT_SECURITY_POLICY, fixed(POLICY)),
        (header::X_FRAME_OPTIONS, fixed("DENY")),
        (header::X_CONTENT_TYPE_OPTIONS, fixed("nosniff")),
        // Under `no-referrer` browsers send forms with "Origin: null", which no form is taken with.
        (header::REFERRER_POLICY, fixed("same-origin")),
        (HeaderName::from_static("cross-origin-opener-policy"), fixed("same-origin")),
        (
            HeaderName::from_static("permissions-policy"),
            fixed(
                "camera=(), microphone=(), geolocation=(), publickey-credentials-get=(self), publickey-credentials-create=(self)",
            ),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_platforms_alone_is_offered_to_nobody_else() {
        let shown = |of_platform| places(Place::Overview, &Reader { of_platform, ..Reader::default() }).into_string();
        let (theirs, own) = (shown(false), shown(true));
        for path in ["/console/trust", "/console/vault"] {
            assert!(own.contains(path), "{own}");
            assert!(!theirs.contains(path), "{theirs}");
        }
        assert!(theirs.contains("/console/audit"), "{theirs}");
    }
}
