//! Finding tickets, page by page.

use super::{Field, Page, Priority, Query, Sort, Status, Ticket, host};
use crate::Error;

/// The most tickets of one page.
const PAGE: u32 = 100;

/// A search that is being put together: say which fields to read, then ask for [`page`](Search::page),
/// [`pages`](Search::pages) or [`tickets`](Search::tickets).
#[derive(Clone, Debug)]
pub struct Search {
    query: Query,
    order: Sort,
    fields: Vec<String>,
    most: u32,
    after: Option<String>,
}

/// The pages of a search, one call into the host each. After an error there is no further one.
#[derive(Clone, Debug)]
pub struct Pages(Option<Search>);

/// Begins a search for the tickets that fit the query, newest first.
///
/// Scope: `tickets:read fields=...` for every field named, and in the clear for every field that the query or the order
/// speaks of: what cannot be read cannot be searched by either. Tickets outside of the grant's `where=` are not found.
///
/// ```
/// use portcullis_sdk::testing::Host;
/// use portcullis_sdk::tickets::{self, Field, Query, Status, Ticket};
///
/// let host = Host::new()
///     .grant("tickets:read fields=subject,status")
///     .with_ticket(Ticket::new("1042").with_subject("Printer on fire").with_status(Status::Open));
/// host.run(|| {
///     let open = Query::new().status(Status::Open).words("printer");
///     for ticket in tickets::search(open).fields([Field::Subject]).tickets() {
///         assert_eq!(ticket?.subject.as_deref(), Some("Printer on fire"));
///     }
///     Ok::<(), portcullis_sdk::Error>(())
/// })?;
/// # Ok::<(), portcullis_sdk::Error>(())
/// ```
pub fn search(query: Query) -> Search {
    Search { query, order: Sort::Newest, fields: Vec::new(), most: PAGE, after: None }
}

impl Search {
    /// Reads these fields of each ticket, beside those named before. At least one must be named.
    pub fn fields(mut self, fields: impl IntoIterator<Item = Field>) -> Self {
        self.fields.extend(fields.into_iter().map(|field| field.name().to_owned()));
        self
    }

    /// [`fields`](Self::fields) with their names as text: for names that come from data, or that are newer than this SDK.
    pub fn fields_named<'a>(mut self, fields: impl IntoIterator<Item = &'a str>) -> Self {
        self.fields.extend(fields.into_iter().map(str::to_owned));
        self
    }

    /// Sets the order. [`Sort::Updated`] needs `updated_at` in the clear.
    pub fn order(self, order: Sort) -> Self {
        Self { order, ..self }
    }

    /// At most so many tickets a page: 1 to 100, which is where it stands without a word. A page can be shorter before the
    /// end.
    pub fn page_size(self, most: u32) -> Self {
        Self { most, ..self }
    }

    /// Goes on where a page ended: its [`next`](Page::next). Good for the same query and order by the same installation
    /// only, in a later call too.
    pub fn after(self, cursor: impl Into<String>) -> Self {
        Self { after: Some(cursor.into()), ..self }
    }

    /// One page. There is more while its `next` is there, even where no ticket is on it.
    ///
    /// Errors: `denied`, `invalid` (no field, an unknown one, a moment, a cursor that is not of this query), `limited`
    /// (`records-read`), `unavailable`.
    pub fn page(&self) -> Result<Page, Error> {
        Ok(host::search(&self.query, self.order, &self.fields, self.most, self.after.as_deref())?)
    }

    /// All pages from here on, each asked for when it is needed.
    ///
    /// Errors: those of [`page`](Self::page), as the last item.
    pub fn pages(self) -> Pages {
        Pages(Some(self))
    }

    /// All tickets from here on, page by page.
    ///
    /// Errors: those of [`page`](Self::page), as the last item.
    pub fn tickets(self) -> impl Iterator<Item = Result<Ticket, Error>> {
        self.pages().flat_map(|page| match page {
            Ok(page) => page.tickets.into_iter().map(Ok).collect(),
            Err(error) => vec![Err(error)],
        })
    }
}

impl Iterator for Pages {
    type Item = Result<Page, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let search = self.0.take()?;
        let page = search.page();
        if let Ok(Page { next: Some(next), .. }) = &page {
            self.0 = Some(search.after(next));
        }
        Some(page)
    }
}

impl Query {
    /// Every ticket.
    pub fn new() -> Self {
        Self {
            words: None,
            status: Vec::new(),
            priority: Vec::new(),
            tags: Vec::new(),
            requester_id: None,
            assignee_id: None,
            organization_id: None,
            brand_id: None,
            updated_since: None,
        }
    }

    /// With these words in the subject: all of them, in any order and any case. At most 200 bytes.
    pub fn words(self, words: impl Into<String>) -> Self {
        Self { words: Some(words.into()), ..self }
    }

    /// With this status, or another one named here.
    pub fn status(mut self, status: Status) -> Self {
        self.status.push(status);
        self
    }

    /// With this priority, or another one named here.
    pub fn priority(mut self, priority: Priority) -> Self {
        self.priority.push(priority);
        self
    }

    /// With this tag, and the others named here.
    pub fn tag(mut self, tag: impl Into<String>) -> Self {
        self.tags.push(tag.into());
        self
    }

    /// Of this requester.
    pub fn requester(self, id: impl Into<String>) -> Self {
        Self { requester_id: Some(id.into()), ..self }
    }

    /// Of this assignee.
    pub fn assignee(self, id: impl Into<String>) -> Self {
        Self { assignee_id: Some(id.into()), ..self }
    }

    /// Of this organization.
    pub fn organization(self, id: impl Into<String>) -> Self {
        Self { organization_id: Some(id.into()), ..self }
    }

    /// Of this brand.
    pub fn brand(self, id: impl Into<String>) -> Self {
        Self { brand_id: Some(id.into()), ..self }
    }

    /// Changed at or after this moment, RFC 3339, such as an event's `time`.
    pub fn updated_since(self, moment: impl Into<String>) -> Self {
        Self { updated_since: Some(moment.into()), ..self }
    }
}

impl Default for Query {
    fn default() -> Self {
        Self::new()
    }
}
