//! Which endpoint a request means.

use axum::http::Method;

use super::fault::Fault;

/// An endpoint, with the id in its path where it has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Route {
    Tickets,
    Ticket(String),
    ChangeTicket(String),
    DeleteTicket(String),
    Comments(String),
    Me,
    FindUsers,
    User(String),
    Organizations,
    Organization(String),
    Search,
    SearchExport,
    Changes,
}

impl Route {
    /// Reads method and path. `.json` at the end of a path is as good as none.
    pub fn of(method: &Method, path: &str) -> Result<Self, Fault> {
        let path = path.strip_prefix("/api/v2/").unwrap_or_default();
        let path = path.strip_suffix(".json").unwrap_or(path);
        let parts: Vec<&str> = path.split('/').collect();
        let (route, methods): (Self, &'static str) = match parts.as_slice() {
            ["tickets"] => (Self::Tickets, "GET"),
            ["tickets", id] => {
                let id = record(id)?;
                match *method {
                    Method::PUT => return Ok(Self::ChangeTicket(id)),
                    Method::DELETE => return Ok(Self::DeleteTicket(id)),
                    _ => (Self::Ticket(id), "GET, PUT, DELETE"),
                }
            }
            ["tickets", id, "comments"] => (Self::Comments(record(id)?), "GET"),
            ["users", "me"] => (Self::Me, "GET"),
            ["users", "search"] => (Self::FindUsers, "GET"),
            ["users", id] => (Self::User(record(id)?), "GET"),
            ["organizations"] => (Self::Organizations, "GET"),
            ["organizations", id] => (Self::Organization(record(id)?), "GET"),
            ["search"] => (Self::Search, "GET"),
            ["search", "export"] => (Self::SearchExport, "GET"),
            ["incremental", "tickets", "cursor"] => (Self::Changes, "GET"),
            _ => return Err(Fault::no_endpoint()),
        };
        match *method == Method::GET {
            true => Ok(route),
            false => Err(Fault::wrong_method(methods)),
        }
    }

    /// How the audit log calls it: nothing of the request but its form.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Tickets => "GET /api/v2/tickets",
            Self::Ticket(_) => "GET /api/v2/tickets/{id}",
            Self::ChangeTicket(_) => "PUT /api/v2/tickets/{id}",
            Self::DeleteTicket(_) => "DELETE /api/v2/tickets/{id}",
            Self::Comments(_) => "GET /api/v2/tickets/{id}/comments",
            Self::Me => "GET /api/v2/users/me",
            Self::FindUsers => "GET /api/v2/users/search",
            Self::User(_) => "GET /api/v2/users/{id}",
            Self::Organizations => "GET /api/v2/organizations",
            Self::Organization(_) => "GET /api/v2/organizations/{id}",
            Self::Search => "GET /api/v2/search",
            Self::SearchExport => "GET /api/v2/search/export",
            Self::Changes => "GET /api/v2/incremental/tickets/cursor",
        }
    }

    /// Its path, as links name it.
    pub fn path(&self) -> String {
        match self {
            Self::Tickets => "tickets.json".into(),
            Self::Ticket(id) | Self::ChangeTicket(id) | Self::DeleteTicket(id) => format!("tickets/{id}.json"),
            Self::Comments(id) => format!("tickets/{id}/comments.json"),
            Self::Me => "users/me.json".into(),
            Self::FindUsers => "users/search.json".into(),
            Self::User(id) => format!("users/{id}.json"),
            Self::Organizations => "organizations.json".into(),
            Self::Organization(id) => format!("organizations/{id}.json"),
            Self::Search => "search.json".into(),
            Self::SearchExport => "search/export.json".into(),
            Self::Changes => "incremental/tickets/cursor.json".into(),
        }
    }

    /// Whether a body is read.
    pub fn has_body(&self) -> bool {
        matches!(self, Self::ChangeTicket(_))
    }
}

/// An id in a path. What cannot be one is no record's.
fn record(id: &str) -> Result<String, Fault> {
    let fine = (1..=128).contains(&id.len()) && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    if fine { Ok(id.to_owned()) } else { Err(Fault::not_found()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_there_is_and_nothing_else() {
        let of = |method: Method, path: &str| Route::of(&method, path).map_err(|fault| fault.status());
        assert_eq!(of(Method::GET, "/api/v2/tickets.json"), Ok(Route::Tickets));
        assert_eq!(of(Method::GET, "/api/v2/tickets/7.json"), Ok(Route::Ticket("7".into())));
        assert_eq!(of(Method::GET, "/api/v2/users/me.json"), Ok(Route::Me));
        assert_eq!(of(Method::PUT, "/api/v2/tickets/7"), Ok(Route::ChangeTicket("7".into())));
        assert_eq!(of(Method::GET, "/api/v2/search/export.json"), Ok(Route::SearchExport));
        for missing in
            ["/api/v2/", "/api/v2/views.json", "/api/v2/tickets/", "/api/v2/tickets/%2e", "/api/v2/tickets/7/x"]
        {
            assert_eq!(of(Method::GET, missing), Err(404), "{missing}");
        }
        for (method, path) in
            [(Method::POST, "/api/v2/tickets"), (Method::PATCH, "/api/v2/tickets/7"), (Method::HEAD, "/api/v2/search")]
        {
            assert_eq!(of(method, path), Err(405), "{path}");
        }
    }

    #[test]
    fn a_path_leads_back_to_its_route() {
        let all = [
            Route::Tickets,
            Route::Ticket("1".into()),
            Route::Comments("1".into()),
            Route::Me,
            Route::FindUsers,
            Route::User("1".into()),
            Route::Organizations,
            Route::Organization("1".into()),
            Route::Search,
            Route::SearchExport,
            Route::Changes,
        ];
        for route in all {
            let path = format!("/api/v2/{}", route.path());
            assert_eq!(Route::of(&Method::GET, &path).map_err(|fault| fault.status()), Ok(route));
        }
    }
}
