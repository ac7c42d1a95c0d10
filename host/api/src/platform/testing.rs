//! What the tests of the endpoints stand on: a help desk of three tickets that notes what it is asked, and one token.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use axum::{
    body::{Body, to_bytes},
    http::{HeaderMap, Request},
};
use hyper_util::service::TowerToHyperService;
use portcullis_model::{
    error::ServiceError,
    helpdesk::{
        Comment, FindBy, Organization, OrganizationField, Query, Sort, Status, Ticket, TicketField, UpdateTicket, User,
        UserField,
    },
    id::Digest,
    oauth::{AccessTokens, Bearer, Presented, Rejected},
    platform::{Asked, Changes, Fields, Identity, NewComment, Part, Platform, Rate, Refusal, Session, Since, Window},
    time::Timestamp,
};
use serde_json::Value;

use super::{PlatformApi, routes};

pub(super) const URL: &str = "https://host.example";
pub(super) const TOKEN: &str = "pct_good";

type Failing = Arc<Mutex<Option<Refusal>>>;

/// What was asked, and what the next request gets instead of an answer.
#[derive(Clone, Default)]
pub(super) struct Desk {
    pub asked: Arc<Mutex<Vec<String>>>,
    pub at_the_door: Failing,
    pub inside: Failing,
}

pub(super) struct Tokens;

#[async_trait]
impl AccessTokens for Tokens {
    async fn check(&self, presented: &Presented) -> Result<Bearer, Rejected> {
        assert_eq!(presented.audience, "https://host.example/api");
        assert!(presented.url.starts_with("https://host.example/api/v2/") && !presented.url.contains('?'));
        match (presented.token.expose() == TOKEN.as_bytes(), presented.dpop, &presented.proof) {
            (true, false, _) | (true, true, Some(_)) => Ok(Bearer {
                client: "client_1".parse().unwrap(),
                tenant: "acme".parse().unwrap(),
                installation: "ins_1".parse().unwrap(),
                release: Digest::of(b"x"),
                scopes: vec!["tickets:read fields=*".parse().unwrap()],
                actors: vec![],
                reference: "tok_1".into(),
                expires: Timestamp(0),
            }),
            (true, true, None) => Err(Rejected::Proof("send the DPoP header".into())),
            (false, ..) => Err(Rejected::Token("the access token is unknown or over".into())),
        }
    }
}

#[async_trait]
impl Platform for Desk {
    async fn open(&self, bearer: &Bearer, request: Asked) -> Result<Box<dyn Session>, Refusal> {
        assert_eq!(bearer.reference, "tok_1");
        self.note(request.label);
        match self.at_the_door.lock().unwrap().take() {
            Some(refusal) => Err(refusal),
            None => Ok(Box::new(self.clone())),
        }
    }
}

impl Desk {
    pub fn note(&self, what: impl Into<String>) {
        self.asked.lock().unwrap().push(what.into());
    }

    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    fn checked<T>(&self, value: T) -> Result<T, Refusal> {
        self.inside.lock().unwrap().take().map_or(Ok(value), Err)
    }

    /// Sends a request with the good token, unless another `authorization` is given.
    pub async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (u16, HeaderMap, Value) {
        let api = PlatformApi { platform: Arc::new(self.clone()), tokens: Arc::new(Tokens), public_url: URL.into() };
        let mut request = Request::builder().method(method).uri(path);
        if !headers.iter().any(|(name, _)| *name == "authorization") {
            request = request.header("authorization", format!("Bearer {TOKEN}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let service = TowerToHyperService::new(routes(Arc::new(api)));
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = hyper::service::Service::call(&service, request).await.unwrap();
        let (head, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        let json = if body.is_empty() { Value::Null } else { serde_json::from_slice(&body).unwrap() };
        (head.status.as_u16(), head.headers, json)
    }

    pub async fn get(&self, path: &str) -> (u16, HeaderMap, Value) {
        self.send("GET", path, &[], "").await
    }
}

fn ticket(id: &str) -> Ticket {
    Ticket {
        id: id.into(),
        subject: Some(format!("subject of {id}")),
        status: Some(Status::Open),
        requester_id: Some("tok_ab12".into()),
        assignee_id: Some("9010036".into()),
        ..Ticket::default()
    }
}

fn page(window: &Window) -> Part<Ticket> {
    let from: usize = window.after.as_deref().map_or(0, |after| after.parse().unwrap());
    let to = (from + window.most as usize).min(3);
    let items = (from..to).map(|n| ticket(&(n + 1).to_string())).collect();
    Part { items, next: (to < 3).then(|| to.to_string()) }
}

#[async_trait]
impl Session for Desk {
    fn rate(&self) -> Rate {
        Rate { allowed: 700, left: 699 }
    }

    fn identity(&self) -> Identity {
        Identity {
            client: "client_1".parse().unwrap(),
            installation: "ins_1".parse().unwrap(),
            plugin: "com.example.plugin".parse().unwrap(),
        }
    }

    async fn me(&mut self) -> Result<Identity, Refusal> {
        self.checked(self.identity())
    }

    async fn ticket(&mut self, id: String, fields: Fields<TicketField>) -> Result<Ticket, Refusal> {
        self.note(format!("ticket {id} {fields:?}"));
        self.checked(ticket(&id))
    }

    async fn tickets(
        &mut self,
        query: Query,
        sort: Sort,
        _: Fields<TicketField>,
        window: Window,
    ) -> Result<Part<Ticket>, Refusal> {
        self.note(format!("tickets {:?} {sort:?} {window:?}", query.words));
        self.checked(page(&window))
    }

    async fn changes(&mut self, since: Since, _: Fields<TicketField>, most: u32) -> Result<Changes, Refusal> {
        self.note(format!("changes {since:?} {most}"));
        self.checked(Changes { tickets: vec![ticket("1")], next: "c1".into(), end: since != Since::Time(0) })
    }

    async fn comments(&mut self, ticket: String, window: Window) -> Result<Part<Comment>, Refusal> {
        self.note(format!("comments {ticket} {window:?}"));
        let comment = Comment {
            id: "5".into(),
            author_id: "ins_1".into(),
            body: "hello".into(),
            public: false,
            created_at: "2026-10-05T08:12:44.000Z".into(),
        };
        self.checked(Part { items: vec![comment], next: None })
    }

    async fn change(
        &mut self,
        ticket: String,
        change: Option<UpdateTicket>,
        comment: Option<NewComment>,
    ) -> Result<Option<String>, Refusal> {
        self.note(format!("change {ticket} {:?} {comment:?}", change.and_then(|change| change.status)));
        self.checked(comment.map(|_| "77".into()))
    }

    async fn delete(&mut self, ticket: String) -> Result<(), Refusal> {
        self.note(format!("delete {ticket}"));
        self.checked(())
    }

    async fn glance(&mut self, ticket: String) -> Result<Ticket, Refusal> {
        Ok(Ticket { id: ticket, ..Ticket::default() })
    }

    async fn user(&mut self, id: String, _: Fields<UserField>) -> Result<User, Refusal> {
        self.checked(User { id, name: Some("Ann".into()), ..User::default() })
    }

    async fn users(&mut self, by: FindBy, _: Fields<UserField>, _: Window) -> Result<Part<User>, Refusal> {
        self.note(format!("users {by:?}"));
        Err(ServiceError::NotFound.into())
    }

    async fn organization(&mut self, id: String, _: Fields<OrganizationField>) -> Result<Organization, Refusal> {
        self.checked(Organization { id, ..Organization::default() })
    }

    async fn organizations(&mut self, _: Fields<OrganizationField>, _: Window) -> Result<Part<Organization>, Refusal> {
        self.checked(Part::default())
    }
}
