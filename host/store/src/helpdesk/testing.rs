//! What the tests of the help desk share: a clock that moves with each look at it, a log that keeps nothing, a scope that
//! allows every act, and acts that go the whole way from permit to outcome, within everything unless they say otherwise.

use std::{
    collections::BTreeSet,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicI64, AtomicU32, Ordering},
    },
};

use async_trait::async_trait;
use portcullis_model::{
    audit::{Entry, RecordError, Recorder},
    authority::{Authority, Layer},
    call::Call,
    class::Class,
    error::ServiceError,
    helpdesk::*,
    id::{Digest, TenantId},
    limits::Limits,
    permit::{Act, Effect, Spent},
    scope::{Allows, Attribute, Filter, Grant, Risk, Scope, ScopeError, ScopeText, Within},
    time::{Clock, Timestamp},
};

use super::SqliteHelpDesk;

/// A ticket of the seed that is open, has priority normal and three comments; one that is closed; one that is solved.
pub(super) const OPEN: &str = "1005";
pub(super) const CLOSED: &str = "1035";
pub(super) const SOLVED: &str = "1004";
/// The installation that acts unless another is named.
pub(super) const INSTALLATION: &str = "ins_1";

static NOW: AtomicI64 = AtomicI64::new(1_800_000_000_000);

/// Each look at it is a second later.
struct Ticking;
impl Clock for Ticking {
    fn now(&self) -> Timestamp {
        Timestamp(NOW.fetch_add(1_000, Ordering::Relaxed))
    }
}

pub(super) fn clock() -> Arc<dyn Clock> {
    Arc::new(Ticking)
}

pub(super) fn opened(dir: &Path) -> SqliteHelpDesk {
    SqliteHelpDesk::open(&dir.join("helpdesk.db"), clock()).unwrap()
}

pub(super) fn tenant(name: &str) -> TenantId {
    name.parse().unwrap()
}

/// A help desk with the seed in tenant `acme`.
pub(super) async fn seeded() -> (tempfile::TempDir, SqliteHelpDesk) {
    let dir = tempfile::tempdir().unwrap();
    let desk = opened(dir.path());
    desk.seed(&tenant("acme")).await.unwrap();
    (dir, desk)
}

/// Filters, each as in `where=`; any attribute at all is known.
pub(super) fn within(filters: &[&str]) -> Within {
    const ANY: [&str; 8] = ["brand", "organization", "status", "priority", "type", "assignee", "requester", "role"];
    let known: Vec<Attribute> = ANY.into_iter().chain(["planet"]).map(|name| Attribute { name, values: &[] }).collect();
    let one = |text: &&str| {
        let conditions = text.split(',').filter(|one| !one.is_empty()).map(str::to_owned);
        Filter::parse(&Everything.text().with("where", conditions), &known).unwrap()
    };
    Within(filters.iter().map(one).collect())
}

pub(super) fn comment(ticket: &str, body: &str, key: &str) -> AddComment {
    AddComment {
        ticket: ticket.into(),
        body: body.into(),
        public: false,
        idempotency_key: key.into(),
        within: Within::everything(),
    }
}

pub(super) fn change(ticket: &str) -> UpdateTicket {
    UpdateTicket { ticket: ticket.into(), within: Within::everything(), ..UpdateTicket::default() }
}

pub(super) fn cover(ticket: &str, comment: &str, spans: &[(u32, u32)]) -> RedactComment {
    let (ticket, comment, spans) = (ticket.into(), comment.into(), spans.to_vec());
    RedactComment { ticket, comment, spans, within: Within::everything() }
}

/// All tickets that fit, newest first, with their subjects.
pub(super) fn seek(query: Query) -> SearchTickets {
    let fields = [TicketField::Subject].into();
    SearchTickets { query, sort: Sort::Newest, fields, most: PAGE, after: None, within: Within::everything() }
}

/// Everybody that is found, with their names.
pub(super) fn seek_people(by: FindBy) -> FindUsers {
    FindUsers { by, fields: [UserField::Name].into(), after: None, most: PAGE, within: Within::everything() }
}

/// All files of a ticket.
pub(super) fn files_of(ticket: &str) -> ListAttachments {
    let types = vec!["*".to_owned()];
    ListAttachments { ticket: ticket.into(), after: None, most: PAGE, types, within: Within::everything() }
}

pub(super) fn ids(found: &Found) -> Vec<&str> {
    found.tickets.iter().map(|seen| seen.record.id.as_str()).collect()
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Everything;

impl Scope for Everything {
    const CAPABILITY: &'static str = "test";
    const EXAMPLES: &'static [&'static str] = &["test:everything"];
    fn parse(_: &ScopeText) -> Result<Vec<Self>, ScopeError> {
        Ok(vec![Self])
    }
    fn text(&self) -> ScopeText {
        ScopeText::new("test", "everything")
    }
    fn meet(&self, _: &Self) -> Option<Self> {
        Some(Self)
    }
    fn describe(&self) -> String {
        "everything".into()
    }
    fn risk(&self) -> Risk {
        Risk::High
    }
    fn classes(&self) -> BTreeSet<Class> {
        BTreeSet::new()
    }
}

impl<A: Act> Allows<A> for Everything {
    fn needed(_: &A) -> ScopeText {
        Everything.text()
    }
    fn decide(grant: &Grant<Self>, _: &A) -> Result<(), String> {
        if grant.is_empty() { Err("nothing is granted".into()) } else { Ok(()) }
    }
}

struct Forgetful;
#[async_trait]
impl Recorder for Forgetful {
    async fn record(&self, _: Vec<Entry>) -> Result<(), RecordError> {
        Ok(())
    }
    fn note(&self, _: Entry) {}
}

fn call(tenant: &str, installation: &str) -> Arc<Call> {
    static CALLS: AtomicU32 = AtomicU32::new(0);
    let id = format!("call_{}", CALLS.fetch_add(1, Ordering::Relaxed)).parse().unwrap();
    let (tenant, installation) = (tenant.parse().unwrap(), installation.parse().unwrap());
    let plugin = "com.example.test".parse().unwrap();
    Arc::new(Call::new(id, tenant, installation, plugin, Digest::of(b""), "test".into(), 1, Limits::default()))
}

pub(super) async fn spend<A, T, F, Fut>(tenant: &str, installation: &str, act: A, effect: F) -> Result<T, ServiceError>
where
    A: Act,
    T: Effect + Send,
    F: FnOnce(Spent<A>) -> Fut + Send,
    Fut: Future<Output = Result<T, ServiceError>> + Send,
{
    let authority = Authority::new(vec![(Layer::Granted, Grant::new([Everything]))]);
    let permit = authority.permit(&call(tenant, installation), act).unwrap();
    permit.record(&Forgetful, Timestamp(0)).await.unwrap().spend(&Forgetful, || Timestamp(0), effect).await
}

/// The acts, each by the installation [`INSTALLATION`] of a tenant.
impl SqliteHelpDesk {
    pub(super) async fn add(&self, tenant: &str, act: AddComment) -> Result<String, ServiceError> {
        self.add_as(tenant, INSTALLATION, act).await
    }
    pub(super) async fn add_as(&self, tenant: &str, by: &str, act: AddComment) -> Result<String, ServiceError> {
        spend(tenant, by, act, |act| self.add_comment(act)).await
    }
    pub(super) async fn get(&self, tenant: &str, id: &str, fields: &[TicketField]) -> Result<Ticket, ServiceError> {
        let act = GetTicket { id: id.into(), fields: fields.iter().copied().collect(), within: Within::everything() };
        Ok(spend(tenant, INSTALLATION, act, |act| self.ticket(act)).await?.record)
    }
    pub(super) async fn list(
        &self,
        tenant: &str,
        ticket: &str,
        after: Option<&str>,
    ) -> Result<Vec<Comment>, ServiceError> {
        let after = after.map(Into::into);
        let act = ListComments { ticket: ticket.into(), after, most: PAGE, within: Within::everything() };
        Ok(spend(tenant, INSTALLATION, act, |act| self.comments(act)).await?.record)
    }
    pub(super) async fn set(&self, tenant: &str, act: UpdateTicket) -> Result<(), ServiceError> {
        spend(tenant, INSTALLATION, act, |act| self.update(act)).await
    }
    pub(super) async fn hide(&self, tenant: &str, act: RedactComment) -> Result<(), ServiceError> {
        spend(tenant, INSTALLATION, act, |act| self.redact(act)).await
    }
    pub(super) async fn person(&self, tenant: &str, id: &str, fields: &[UserField]) -> Result<User, ServiceError> {
        let act = GetUser { id: id.into(), fields: fields.iter().copied().collect(), within: Within::everything() };
        Ok(spend(tenant, INSTALLATION, act, |act| self.user(act)).await?.record)
    }
    pub(super) async fn company(&self, tenant: &str, id: &str) -> Result<Organization, ServiceError> {
        let fields = OrganizationField::ALL.iter().copied().collect();
        let act = GetOrganization { id: id.into(), fields, within: Within::everything() };
        Ok(spend(tenant, INSTALLATION, act, |act| self.organization(act)).await?.record)
    }
    pub(super) async fn found(&self, tenant: &str, act: SearchTickets) -> Result<Found, ServiceError> {
        spend(tenant, INSTALLATION, act, |act| self.search(act)).await
    }
    pub(super) async fn people(&self, tenant: &str, act: FindUsers) -> Result<Vec<User>, ServiceError> {
        let found = spend(tenant, INSTALLATION, act, |act| self.find_users(act)).await?;
        Ok(found.into_iter().map(|seen| seen.record).collect())
    }
    pub(super) async fn remove(&self, tenant: &str, ticket: &str, within: Within) -> Result<(), ServiceError> {
        let act = DeleteTicket { ticket: ticket.into(), within };
        spend(tenant, INSTALLATION, act, |act| self.delete(act)).await
    }
    pub(super) async fn files(&self, tenant: &str, act: ListAttachments) -> Result<Vec<Attachment>, ServiceError> {
        let found = spend(tenant, INSTALLATION, act, |act| self.attachments(act)).await?;
        Ok(found.into_iter().map(|seen| seen.record).collect())
    }
    pub(super) async fn stat(&self, tenant: &str, id: &str) -> Result<Attachment, ServiceError> {
        let act = StatAttachment { id: id.into(), within: Within::everything() };
        Ok(spend(tenant, INSTALLATION, act, |act| self.attachment(act)).await?.record)
    }
    pub(super) async fn bytes(
        &self,
        tenant: &str,
        file: &Attachment,
        offset: u64,
        most: u32,
    ) -> Result<Vec<u8>, ServiceError> {
        let act = ReadAttachment { file: file.clone(), offset, most, within: Within::everything() };
        Ok(spend(tenant, INSTALLATION, act, |act| self.read_attachment(act)).await?.0)
    }
    pub(super) async fn whole(&self, tenant_name: &str, id: &str) -> Ticket {
        self.ticket_row(&tenant(tenant_name), id).await.unwrap().unwrap()
    }
}
