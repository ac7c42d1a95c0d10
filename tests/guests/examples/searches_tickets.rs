//! Searches as the event's data says (`{"words":"..","status":[".."],"tags":[".."],"requester":"..","brand":"..",
//! "since":"..","updated":true,"fields":[".."],"most":2,"after":"..","all":true}`) and logs the page, or with `all` each
//! page to the end, or the error.
//! Must find only what the grant lets it read, by fields that it may read in the clear, and must not get anywhere with a
//! cursor that is not of its own query.

#![forbid(unsafe_code)]

use portcullis_sdk::prelude::*;
use portcullis_sdk::tickets::{Query, Sort, Status};
use serde_json::Value;

struct Guest;

impl Events for Guest {
    fn handle(event: Event) -> Result<(), Error> {
        let data = event.json()?;
        let mut search = tickets::search(query(&data)).fields_named(texts(&data["fields"]));
        if data["updated"] == true {
            search = search.order(Sort::Updated);
        }
        if let Some(most) = data["most"].as_u64() {
            search = search.page_size(u32::try_from(most).unwrap_or(u32::MAX));
        }
        if let Some(after) = data["after"].as_str() {
            search = search.after(after);
        }
        let pages = if data["all"] == true { usize::MAX } else { 1 };
        for page in search.pages().take(pages) {
            match page {
                Ok(page) => {
                    let ids: Vec<&str> = page.tickets.iter().map(|ticket| ticket.id.as_str()).collect();
                    log::info!("found: {}", ids.join(" "));
                    log::info!("next: {}", page.next.as_deref().unwrap_or("-"));
                    log::info!("tickets: {:?}", page.tickets);
                }
                Err(error) => log::info!("error: {error:?}"),
            }
        }
        Ok(())
    }
}

fn texts(list: &Value) -> impl Iterator<Item = &str> {
    list.as_array().into_iter().flatten().filter_map(Value::as_str)
}

fn query(data: &Value) -> Query {
    let status = |name: &str| match name {
        "new" => Status::New,
        "pending" => Status::Pending,
        "hold" => Status::Hold,
        "solved" => Status::Solved,
        "closed" => Status::Closed,
        _ => Status::Open,
    };
    let text = |key: &str| data[key].as_str().map(str::to_owned);
    let query = Query {
        words: text("words"),
        requester_id: text("requester"),
        brand_id: text("brand"),
        updated_since: text("since"),
        ..Query::new()
    };
    let query = texts(&data["status"]).map(status).fold(query, Query::status);
    texts(&data["tags"]).fold(query, Query::tag)
}

portcullis_sdk::export!(Guest: Events);
