//! From a request to a session's functions, and from their answers to Zendesk's JSON.

use axum::http::HeaderMap;
use portcullis_model::{
    helpdesk::{FindBy, OrganizationField, Query, Sort, TicketField, UserField},
    platform::{Fields, Part, Refusal, Session, Since, Window},
};
use serde_json::{Map, Value, json};

use super::{change::Change, fault::Fault, params::Params, route::Route, search, show};

/// What is asked for, checked as far as it can be without anybody's grant.
pub(super) struct Ask {
    what: What,
    params: Params,
}

enum What {
    Ticket(String, Fields<TicketField>),
    Tickets(Query, Sort, Fields<TicketField>, Window),
    Found(Query, Sort, Fields<TicketField>, Window),
    Changes(Since, Fields<TicketField>, u32),
    Comments(String, Window),
    Change(String, Change),
    Delete(String),
    Me,
    User(String, Fields<UserField>),
    Users(FindBy, Fields<UserField>, Window),
    Organization(String, Fields<OrganizationField>),
    Organizations(Fields<OrganizationField>, Window),
}

impl Ask {
    /// Reads parameters and body.
    pub fn read(route: &Route, query: &str, headers: &HeaderMap, body: &[u8]) -> Result<Self, Fault> {
        let params = Params::read(query)?;
        let what = match route {
            Route::Tickets => {
                What::Tickets(Query::default(), params.sort()?, params.ticket_fields()?, params.window()?)
            }
            Route::Ticket(id) => What::Ticket(id.clone(), params.ticket_fields()?),
            Route::ChangeTicket(id) => What::Change(id.clone(), Change::read(headers, body)?),
            Route::DeleteTicket(id) => What::Delete(id.clone()),
            Route::Comments(id) => What::Comments(id.clone(), params.window()?),
            Route::Me => What::Me,
            Route::User(id) => What::User(id.clone(), params.fields()?),
            Route::FindUsers => {
                let by = search::people(params.get("query").unwrap_or_default()).map_err(Fault::invalid)?;
                What::Users(by, params.fields()?, params.window()?)
            }
            Route::Organization(id) => What::Organization(id.clone(), params.fields()?),
            Route::Organizations => What::Organizations(params.fields()?, params.window()?),
            Route::Search | Route::SearchExport => {
                if params.get("filter[type]").is_some_and(|kind| kind != "ticket") {
                    return Err(Fault::invalid("filter[type]: only ticket can be searched"));
                }
                let query = search::tickets(params.get("query").unwrap_or_default()).map_err(Fault::invalid)?;
                What::Found(query, params.sort()?, params.ticket_fields()?, params.window()?)
            }
            Route::Changes => What::Changes(params.since()?, params.ticket_fields()?, params.most()?),
        };
        Ok(Self { what, params })
    }
}

/// A place to link to.
struct Links<'a> {
    base: String,
    here: String,
    params: &'a Params,
}

impl Links<'_> {
    /// A list under this name, with links to what follows.
    fn list<T>(&self, name: &str, part: Part<T>, most: u32, show: impl FnMut(T) -> Value) -> Value {
        let next = part
            .next
            .as_deref()
            .map(|after| self.params.link(&self.here, &[("page[size]", &most.to_string()), ("page[after]", after)]));
        let items: Vec<Value> = part.items.into_iter().map(show).collect();
        let mut body = Map::new();
        body.insert(name.to_owned(), items.into());
        body.insert(
            "meta".into(),
            json!({ "has_more": next.is_some(), "after_cursor": part.next, "before_cursor": null }),
        );
        body.insert("links".into(), json!({ "next": next, "prev": null }));
        // For clients that know of no cursors.
        body.insert("next_page".into(), json!(next));
        body.insert("previous_page".into(), Value::Null);
        Value::Object(body)
    }

    fn changes(&self, tickets: Vec<Value>, next: &str, end: bool, most: u32) -> Value {
        let after = self.params.link(&self.here, &[("per_page", &most.to_string()), ("cursor", next)]);
        json!({
            "tickets": tickets,
            "after_cursor": next,
            "after_url": after,
            "before_cursor": null,
            "before_url": null,
            "end_of_stream": end,
        })
    }
}

/// Does what is asked. `None`: there is nothing to show.
pub(super) async fn carry_out(
    session: &mut dyn Session,
    ask: Ask,
    route: &Route,
    public_url: &str,
) -> Result<Option<Value>, Refusal> {
    let base = format!("{public_url}/api/v2");
    let links = Links { here: format!("{base}/{}", route.path()), base, params: &ask.params };
    let base = links.base.as_str();
    let body = match ask.what {
        What::Ticket(id, fields) => json!({ "ticket": show::ticket(base, session.ticket(id, fields).await?) }),
        What::Tickets(query, sort, fields, window) => {
            let most = window.most;
            let part = session.tickets(query, sort, fields, window).await?;
            links.list("tickets", part, most, |one| show::ticket(base, one))
        }
        What::Found(query, sort, fields, window) => {
            let (most, first) = (window.most, window.after.is_none());
            let part = session.tickets(query, sort, fields, window).await?;
            // How many there are is known where all of them are here.
            let count = (first && part.next.is_none()).then_some(part.items.len());
            let mut body = links.list("results", part, most, |one| found(base, one));
            if let Some(count) = count {
                body["count"] = json!(count);
            }
            body
        }
        What::Changes(since, fields, most) => {
            let changes = session.changes(since, fields, most).await?;
            let tickets = changes.tickets.into_iter().map(|one| show::ticket(base, one)).collect();
            links.changes(tickets, &changes.next, changes.end, most)
        }
        What::Comments(id, window) => {
            let most = window.most;
            links.list("comments", session.comments(id, window).await?, most, show::comment)
        }
        What::Change(id, change) => changed(session, base, id, change).await?,
        What::Delete(id) => {
            session.delete(id).await?;
            return Ok(None);
        }
        What::Me => json!({ "user": show::me(&session.me().await?) }),
        What::User(id, fields) => json!({ "user": show::user(base, session.user(id, fields).await?) }),
        What::Users(by, fields, window) => {
            let most = window.most;
            links.list("users", session.users(by, fields, window).await?, most, |one| show::user(base, one))
        }
        What::Organization(id, fields) => {
            json!({ "organization": show::organization(base, session.organization(id, fields).await?) })
        }
        What::Organizations(fields, window) => {
            let most = window.most;
            let part = session.organizations(fields, window).await?;
            links.list("organizations", part, most, |one| show::organization(base, one))
        }
    };
    Ok(Some(body))
}

fn found(base: &str, ticket: portcullis_model::helpdesk::Ticket) -> Value {
    let mut one = show::ticket(base, ticket);
    one["result_type"] = json!("ticket");
    one
}

/// Changes the ticket, and shows what the grant shows of it afterwards. `audit` is there because clients look for it.
async fn changed(session: &mut dyn Session, base: &str, id: String, change: Change) -> Result<Value, Refusal> {
    let public = change.comment.as_ref().map(|comment| comment.public);
    let added = session.change(id.clone(), change.update, change.comment).await?;
    let events: Vec<Value> =
        added.iter().map(|comment| json!({ "type": "Comment", "id": show::id(comment), "public": public })).collect();
    let ticket = session.glance(id.clone()).await?;
    Ok(json!({
        "ticket": show::ticket(base, ticket),
        "audit": { "ticket_id": show::id(&id), "author_id": session.identity().installation, "events": events },
    }))
}
