//! Consent in the browser: `GET` and `POST /connect/{link}`, the provider's answer at `/connect/callback`, and what became of it
//! at `/connect/outcome/{id}`.
//!
//! A cookie binds a browser to one consent. It is `SameSite=Lax`: the provider sends the browser back from another site, and with
//! `Strict` the cookie would be missing just then; `Lax` sends it with such a navigation and with nothing else that another site
//! can cause. The form is guarded by a token that follows from the cookie. Looking at a link does not use it up: mail programs and
//! chats do so too. The provider's answer is followed by a redirect, so that neither code nor state stays in the address bar and
//! reloading does no harm; what was begun with it is carried to its end even where the browser goes away.
//!
//! Invariants: no page holds a token, a code, a state or a secret; every text on a page is escaped; pages run no script, load
//! nothing from elsewhere, are framed by nobody and kept by no cache; a query or a body is at most 16 KiB.

mod cookie;
mod page;

use std::{sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Path, RawQuery, State, rejection::PathRejection},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use portcullis_broker::consent::{Answered, ConsentError, Desk};
use portcullis_model::{
    catalogue::Catalogue, consent::Consent, id::ConsentId, installation::InstallationStore, secret::Secret,
};

use crate::peers::{Door, Face, Known, retry_after};

/// The largest query and the largest body, in bytes.
const MAX_INPUT: usize = 16 * 1024;

/// How long a body may take to arrive.
const BODY_TIME: Duration = Duration::from_secs(10);

/// What these endpoints share.
pub struct Connect {
    /// Sees consents through.
    pub desk: Arc<Desk>,
    /// Says what the plugin may do.
    pub installations: Arc<dyn InstallationStore>,
    /// Puts it in an admin's words.
    pub catalogue: Arc<dyn Catalogue>,
}

/// The routes under `/connect`.
pub fn routes(connect: Arc<Connect>) -> Router {
    Router::new()
        .route("/connect/style.css", get(style))
        .route("/connect/callback", get(callback))
        .route("/connect/outcome/{id}", get(outcome))
        .route("/connect/{link}", get(show).post(go))
        .layer(DefaultBodyLimit::disable())
        .with_state(connect)
}

/// What the gate has to know.
pub(crate) const FACE: Face = Face { door: Door::Requests, name: |_| "connect", say: too_many };

fn too_many(_: &Uri, wait: Duration) -> Response {
    let words = "too many requests of this address led to nothing; try again in a minute";
    let mut response = page(StatusCode::TOO_MANY_REQUESTS, page::refused(words));
    retry_after(&mut response, wait);
    response
}

type Segment = Result<Path<String>, PathRejection>;

async fn style() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "max-age=3600")];
    // Nothing is looked up for it.
    Known::Proved.note((headers, include_str!("style.css")).into_response())
}

/// Says what is asked for, and gives the browser its session.
async fn show(State(connect): State<Arc<Connect>>, link: Segment, headers: HeaderMap) -> Response {
    let (consent, resolved) = match connect.desk.open(&segment(link)).await {
        Ok(found) => found,
        Err(error) => return refused(&error),
    };
    let session = cookie::session(&headers, &consent).unwrap_or_else(|| connect.desk.session());
    let plugin = connect.plugin(&consent).await;
    let html = page::asking(&consent, &resolved, &plugin, &session.form_token(&consent.id));
    Known::Proved.note(with_cookie(page(StatusCode::OK, html), &cookie::set(&consent, &session)))
}

/// Uses the link up and sends the browser to the provider.
async fn go(State(connect): State<Arc<Connect>>, link: Segment, headers: HeaderMap, body: Body) -> Response {
    let Ok(Ok(body)) = tokio::time::timeout(BODY_TIME, axum::body::to_bytes(body, MAX_INPUT)).await else {
        return refused(&ConsentError::Forged);
    };
    let link = segment(link);
    let begun = async {
        let (consent, _) = connect.desk.open(&link).await?;
        let session = cookie::session(&headers, &consent).ok_or(ConsentError::OtherBrowser)?;
        let token = only(&pairs(&body), "token").ok().flatten().ok_or(ConsentError::Forged)?;
        connect.desk.begin(&link, &session, &token).await
    };
    match begun.await {
        Ok(url) => Known::Proved.note(see_other(&url)),
        Err(error) => refused(&error),
    }
}

/// Takes the provider's answer.
async fn callback(State(connect): State<Arc<Connect>>, RawQuery(query): RawQuery, headers: HeaderMap) -> Response {
    let finished = async {
        let query = query.unwrap_or_default();
        if query.len() > MAX_INPUT {
            return Err(ConsentError::Answer("it is too long".to_owned()));
        }
        let answered = answered(&pairs(query.as_bytes()))?;
        // A browser that goes away does not leave a code used and its credential lost.
        let work = async move { connect.desk.finish(answered, |consent| cookie::session(&headers, consent)).await };
        tokio::spawn(work).await.unwrap_or_else(|error| {
            tracing::error!(%error, "making use of a provider's answer broke");
            Err(ConsentError::Answer("the host could not make use of it; ask for a new link".to_owned()))
        })
    };
    match finished.await {
        Ok(consent) => Known::Proved.note(see_other(&format!("/connect/outcome/{}", consent.id))),
        Err(error) => refused(&error),
    }
}

/// Says what became of it.
async fn outcome(State(connect): State<Arc<Connect>>, id: Segment, headers: HeaderMap) -> Response {
    let found = async {
        let id: ConsentId = segment(id).parse().map_err(|_| ConsentError::NoLink)?;
        // The cookie's name says which consent, and its content whether this browser took part.
        let session = cookie::any_session(&headers, &id).ok_or(ConsentError::OtherBrowser)?;
        connect.desk.outcome(&id, &session).await
    };
    match found.await {
        Ok(consent) => {
            Known::Proved.note(page(StatusCode::OK, page::outcome(&consent, &connect.plugin(&consent).await)))
        }
        Err(error) => refused(&error),
    }
}

impl Connect {
    /// The plugin's name, and what it may do with hosts that the credential goes to.
    async fn plugin(&self, consent: &Consent) -> page::Plugin {
        let installations = self.installations.installations().await.unwrap_or_else(|error| {
            tracing::error!(%error, "installations cannot be read");
            Vec::new()
        });
        let found =
            installations.iter().find(|one| one.id == consent.key.installation && one.tenant == consent.key.tenant);
        let hosts = page::hosts(&consent.place);
        let reaches = |destination: &String| {
            hosts.iter().any(|host| {
                let name = host.split(':').next().unwrap_or(host);
                let below = destination.strip_prefix('*').is_some_and(|end| name.ends_with(end));
                destination == host || destination == name || below
            })
        };
        let descriptions =
            found.into_iter().flat_map(|one| &one.granted).filter_map(|scope| self.catalogue.describe(scope).ok());
        let may = descriptions.flatten().filter(|one| one.destinations.iter().any(reaches)).map(|one| one.words);
        let name =
            found.map_or_else(|| consent.key.installation.to_string(), |one| format!("{} {}", one.plugin, one.version));
        page::Plugin { name, may: may.collect() }
    }
}

fn segment(path: Segment) -> String {
    path.map_or_else(|_| String::new(), |Path(text)| text)
}

type Pairs = Vec<(String, String)>;

fn pairs(form: &[u8]) -> Pairs {
    url::form_urlencoded::parse(form).map(|(name, value)| (name.into_owned(), value.into_owned())).collect()
}

/// The one value of this name. A second one is an error: two readers could take one each.
fn only(pairs: &Pairs, name: &str) -> Result<Option<String>, ConsentError> {
    let mut values = pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value.clone());
    match (values.next(), values.next()) {
        (value, None) => Ok(value),
        _ => Err(ConsentError::Answer(format!("it has '{name}' twice"))),
    }
}

fn answered(pairs: &Pairs) -> Result<Answered, ConsentError> {
    let secret = |name| Ok::<_, ConsentError>(only(pairs, name)?.map(|text| Secret::new(text.into_bytes())));
    Ok(Answered {
        state: secret("state")?,
        code: secret("code")?,
        iss: only(pairs, "iss")?,
        error: only(pairs, "error")?,
        description: only(pairs, "error_description")?,
    })
}

fn refused(error: &ConsentError) -> Response {
    let (status, reason) = match error {
        ConsentError::NoLink => (StatusCode::NOT_FOUND, Some("no-link")),
        ConsentError::Used | ConsentError::Late => (StatusCode::GONE, Some("old-link")),
        ConsentError::OtherBrowser | ConsentError::Forged => (StatusCode::FORBIDDEN, Some("other-browser")),
        ConsentError::Answer(_) => (StatusCode::BAD_REQUEST, Some("wrong-answer")),
        ConsentError::Unfit(_) | ConsentError::Provider(_) => (StatusCode::CONFLICT, None),
        ConsentError::Store(_) | ConsentError::Keep(_) => {
            tracing::error!(%error, "a consent cannot go on");
            let words = "the host cannot reach its store; try again in a minute";
            return page(StatusCode::SERVICE_UNAVAILABLE, page::refused(words));
        }
    };
    let response = page(status, page::refused(&error.to_string()));
    // What is not the browser's doing is not counted against it.
    reason.map_or(Known::Proved, Known::Refused).note(response)
}

fn see_other(url: &str) -> Response {
    match HeaderValue::from_str(url) {
        Ok(location) => {
            let mut response = page(StatusCode::SEE_OTHER, String::new());
            response.headers_mut().insert(header::LOCATION, location);
            response
        }
        Err(_) => refused(&ConsentError::Unfit("the provider's address cannot be gone to".to_owned())),
    }
}

/// A form's redirect to the provider, and the provider's own further ones, count as the form's: so `form-action` names `https:`.
const POLICY: &str =
    "default-src 'none'; style-src 'self'; form-action 'self' https:; frame-ancestors 'none'; base-uri 'none'";

fn page(status: StatusCode, html: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    (status, headers, html).into_response()
}

fn with_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(mut value) = HeaderValue::from_str(cookie) {
        value.set_sensitive(true);
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}
