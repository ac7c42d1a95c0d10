//! The recorder as the help desk.

use async_trait::async_trait;
use portcullis_model::{
    error::ServiceError,
    helpdesk::{
        AddComment, Attachment, Chunk, Comment, DeleteTicket, FindBy, FindUsers, Found, GetOrganization, GetTicket,
        GetUser, HelpDesk, ListAttachments, ListComments, ListOrganizations, Organization, Position, Query,
        ReadAttachment, RedactComment, SearchTickets, Seen, Sort, StatAttachment, Status, Ticket, UpdateTicket, User,
    },
    permit::Spent,
    scope::{Facts, Field, Within},
};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

use super::Recording;
use crate::stage::{
    Stage,
    people::{organization_facts, user_facts},
    tickets::{facts, number},
};

/// How many tickets a search finds at most, and the number of the newest.
const FOUND: i64 = 130;
const NEWEST: i64 = 2_000;

/// What covers a character.
const COVER: char = '\u{2587}';

/// A record with no more than the named fields, which the plugin thereby comes to know.
fn narrowed<T, F>(stage: &Stage, act: &str, record: &T, fields: impl IntoIterator<Item = F>) -> Result<T, ServiceError>
where
    T: Serialize + DeserializeOwned,
    F: Field,
{
    let odd = |error: serde_json::Error| ServiceError::Unavailable(error.to_string());
    let mut value = serde_json::to_value(record).map_err(odd)?;
    let names: Vec<&str> = fields.into_iter().map(Field::name).chain(["id"]).collect();
    if let Value::Object(members) = &mut value {
        members.retain(|key, _| names.contains(&key.as_str()));
        let mut inner = stage.inner();
        for (key, value) in members.iter() {
            let mut texts = Vec::new();
            crate::stage::known::texts_in(value, &mut texts);
            texts.iter().for_each(|text| inner.known.hear(&format!("{act} {key}"), text));
        }
    }
    serde_json::from_value(value).map_err(odd)
}

fn reached(stage: &Stage, id: &str, within: &Within) -> Result<(Ticket, Facts), ServiceError> {
    stage.up()?;
    let ticket = stage.ticket(id).ok_or(ServiceError::NotFound)?;
    let facts = facts(&ticket);
    if within.fits(&facts) { Ok((ticket, facts)) } else { Err(ServiceError::NotFound) }
}

/// The same ticket as the query wants it: what is made up may as well be what is looked for.
fn fitted(mut ticket: Ticket, query: &Query) -> Ticket {
    if !query.words.is_empty() {
        ticket.subject = Some(query.words.join(" "));
    }
    ticket.status = query.status.first().copied().or(ticket.status);
    ticket.priority = query.priority.first().copied().or(ticket.priority);
    ticket.tags.get_or_insert_default().extend(query.tags.iter().cloned());
    ticket.requester_id = query.requester_id.clone().or(ticket.requester_id);
    ticket.assignee_id = query.assignee_id.clone().or(ticket.assignee_id);
    ticket.organization_id = query.organization_id.clone().or(ticket.organization_id);
    ticket.brand_id = query.brand_id.clone().or(ticket.brand_id);
    ticket
}

fn covered(text: &str, spans: &[(u32, u32)]) -> Result<String, ServiceError> {
    let mut chars: Vec<char> = text.chars().collect();
    let length = chars.len();
    for &(from, to) in spans {
        let stretch = chars.get_mut(from as usize..to as usize).filter(|stretch| !stretch.is_empty());
        let outside = || ServiceError::Invalid(format!("span {from}..{to}: not within the text's {length} characters"));
        stretch.ok_or_else(outside)?.fill(COVER);
    }
    Ok(chars.into_iter().collect())
}

#[async_trait]
impl HelpDesk for Recording {
    async fn ticket(&self, act: Spent<GetTicket>) -> Result<Seen<Ticket>, ServiceError> {
        let stage = self.begin(&act)?;
        let (ticket, facts) = reached(&stage, &act.act().id, &act.act().within)?;
        Ok(Seen { record: narrowed(&stage, "tickets.get", &ticket, act.act().fields.iter().copied())?, facts })
    }

    async fn search(&self, act: Spent<SearchTickets>) -> Result<Found, ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let act = act.act();
        let first = act.after.map_or(NEWEST, |after| after.id - 1);
        let most = usize::try_from(act.most).unwrap_or(1).max(1);
        let (mut found, mut next) = (Found::default(), None);
        for id in (NEWEST - FOUND..=first).rev() {
            if found.tickets.len() == most {
                let updated_at = if act.sort == Sort::Newest { 0 } else { id };
                next = Some(Position { updated_at, id: id + 1 });
                break;
            }
            let Some(ticket) = stage.ticket(&id.to_string()).map(|ticket| fitted(ticket, &act.query)) else { continue };
            let facts = facts(&ticket);
            if act.within.fits(&facts) {
                let record = narrowed(&stage, "tickets.search", &ticket, act.fields.iter().copied())?;
                found.tickets.push(Seen { record, facts });
            }
        }
        Ok(Found { next, ..found })
    }

    async fn comments(&self, act: Spent<ListComments>) -> Result<Seen<Vec<Comment>>, ServiceError> {
        let stage = self.begin(&act)?;
        let act = act.act();
        let (_, facts) = reached(&stage, &act.ticket, &act.within)?;
        let all = stage.comments(&act.ticket);
        let from = match &act.after {
            None => 0,
            Some(after) => match all.iter().position(|comment| comment.id == *after) {
                Some(at) => at + 1,
                None => return Err(ServiceError::Invalid("after: the id of a comment on this ticket".into())),
            },
        };
        let page: Vec<Comment> = all.into_iter().skip(from).take(act.most as usize).collect();
        let mut inner = stage.inner();
        for comment in &page {
            inner.known.hear("tickets.comments id", &comment.id);
            inner.known.hear("tickets.comments author", &comment.author_id);
            inner.known.hear("tickets.comments body", &comment.body);
        }
        Ok(Seen { record: page, facts })
    }

    async fn add_comment(&self, act: Spent<AddComment>) -> Result<String, ServiceError> {
        let stage = self.begin(&act)?;
        let act = act.act();
        reached(&stage, &act.ticket, &act.within)?;
        stage.changeable()?;
        let mut inner = stage.inner();
        let added = inner.records.added.entry(act.ticket.clone()).or_default();
        if let Some((_, comment)) = added.iter().find(|(key, _)| *key == act.idempotency_key) {
            let same = comment.body == act.body && comment.public == act.public;
            return if same { Ok(comment.id.clone()) } else { Err(ServiceError::Conflict) };
        }
        let id = (30_064_059_000_000 + added.len()).to_string();
        let comment = Comment {
            id: id.clone(),
            author_id: "ins_vet".into(),
            body: act.body.clone(),
            public: act.public,
            created_at: "2026-09-15T08:00:00.000Z".into(),
        };
        added.push((act.idempotency_key.clone(), comment));
        Ok(id)
    }

    async fn update(&self, act: Spent<UpdateTicket>) -> Result<(), ServiceError> {
        let stage = self.begin(&act)?;
        let act = act.act();
        let (mut ticket, _) = reached(&stage, &act.ticket, &act.within)?;
        stage.changeable()?;
        if ticket.status == Some(Status::Closed) {
            return Err(ServiceError::Conflict);
        }
        ticket.status = act.status.or(ticket.status);
        ticket.priority = act.priority.or(ticket.priority);
        let tags = ticket.tags.get_or_insert_default();
        tags.extend(act.add_tags.iter().cloned());
        tags.retain(|tag| !act.remove_tags.contains(tag));
        tags.sort();
        tags.dedup();
        stage.inner().records.changed.insert(act.ticket.clone(), ticket);
        Ok(())
    }

    async fn redact(&self, act: Spent<RedactComment>) -> Result<(), ServiceError> {
        let stage = self.begin(&act)?;
        let act = act.act();
        reached(&stage, &act.ticket, &act.within)?;
        let all = stage.comments(&act.ticket);
        let comment = all.iter().find(|comment| comment.id == act.comment).ok_or(ServiceError::NotFound)?;
        let body = covered(&comment.body, &act.spans)?;
        stage.inner().records.covered.insert((act.ticket.clone(), act.comment.clone()), body);
        Ok(())
    }

    async fn delete(&self, act: Spent<DeleteTicket>) -> Result<(), ServiceError> {
        let stage = self.begin(&act)?;
        reached(&stage, &act.act().ticket, &act.act().within)?;
        stage.inner().records.deleted.insert(act.act().ticket.clone());
        Ok(())
    }

    async fn user(&self, act: Spent<GetUser>) -> Result<Seen<User>, ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let user = stage.user(&act.act().id).ok_or(ServiceError::NotFound)?;
        let facts = user_facts(&user);
        if !act.act().within.fits(&facts) {
            return Err(ServiceError::NotFound);
        }
        Ok(Seen { record: narrowed(&stage, "users.get", &user, act.act().fields.iter().copied())?, facts })
    }

    async fn find_users(&self, act: Spent<FindUsers>) -> Result<Vec<Seen<User>>, ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let act = act.act();
        let first = act.after.as_deref().and_then(number).unwrap_or(9_010_000);
        let people = (first + 1..9_010_006).filter_map(|id| stage.user(&id.to_string()));
        let fit = |user: User| match &act.by {
            FindBy::Email(email) => User { email: Some(email.clone()), ..user },
            FindBy::Phone(phone) => User { phone: Some(phone.clone()), ..user },
            FindBy::Organization(id) => User { organization_id: Some(id.clone()), ..user },
        };
        let mut found = Vec::new();
        for user in people.map(fit).take(act.most as usize) {
            let facts = user_facts(&user);
            if act.within.fits(&facts) {
                found.push(Seen { record: narrowed(&stage, "users.find", &user, act.fields.iter().copied())?, facts });
            }
        }
        Ok(found)
    }

    async fn organization(&self, act: Spent<GetOrganization>) -> Result<Seen<Organization>, ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let organization = stage.organization(&act.act().id).ok_or(ServiceError::NotFound)?;
        let facts = organization_facts(&organization);
        if !act.act().within.fits(&facts) {
            return Err(ServiceError::NotFound);
        }
        let fields = act.act().fields.iter().copied();
        Ok(Seen { record: narrowed(&stage, "users.get-organization", &organization, fields)?, facts })
    }

    /// No function of a plugin's asks for it.
    async fn organizations(&self, act: Spent<ListOrganizations>) -> Result<Vec<Seen<Organization>>, ServiceError> {
        self.begin(&act)?.up()?;
        Ok(Vec::new())
    }

    async fn attachments(&self, act: Spent<ListAttachments>) -> Result<Vec<Seen<Attachment>>, ServiceError> {
        let stage = self.begin(&act)?;
        let act = act.act();
        let (_, facts) = reached(&stage, &act.ticket, &act.within)?;
        let after = |file: &Attachment| act.after.as_ref().is_none_or(|after| file.id > *after);
        let wanted = |file: &Attachment| act.types.iter().any(|wanted| is_of(&file.content_type, wanted));
        let files = stage.attachments(&act.ticket).into_iter().filter(|file| after(file) && wanted(file));
        let files: Vec<Attachment> = files.take(act.most as usize).collect();
        let mut inner = stage.inner();
        for file in &files {
            inner.known.hear("attachments.list id", &file.id);
            inner.known.hear("attachments.list name", &file.name);
        }
        Ok(files.into_iter().map(|record| Seen { record, facts: facts.clone() }).collect())
    }

    async fn attachment(&self, act: Spent<StatAttachment>) -> Result<Seen<Attachment>, ServiceError> {
        let stage = self.begin(&act)?;
        stage.up()?;
        let record = stage.attachment(&act.act().id).ok_or(ServiceError::NotFound)?;
        let (_, facts) = reached(&stage, &record.ticket, &act.act().within)?;
        Ok(Seen { record, facts })
    }

    async fn read_attachment(&self, act: Spent<ReadAttachment>) -> Result<Chunk, ServiceError> {
        let stage = self.begin(&act)?;
        let act = act.act();
        let file = stage.attachment(&act.file.id).filter(|file| *file == act.file).ok_or(ServiceError::NotFound)?;
        reached(&stage, &file.ticket, &act.within)?;
        let line = format!("{},4111 1111 1111 1111,sam.doe@northwind.example,\"=1+1\",\u{fc}\r\n", file.id);
        stage.inner().known.hear("attachments.read content", line.trim_end());
        let left = file.size.saturating_sub(act.offset).min(act.most.into());
        let (from, left) = (usize::try_from(act.offset).unwrap_or(usize::MAX), usize::try_from(left).unwrap_or(0));
        let content = line.bytes().cycle().skip(from % line.len()).take(left);
        Ok(Chunk(content.collect()))
    }
}

fn is_of(content_type: &str, wanted: &str) -> bool {
    match wanted.strip_suffix('*') {
        Some(prefix) => content_type.starts_with(prefix),
        None => content_type == wanted,
    }
}
