//! The parameters in a URL: pages by cursor, the order of a list, the fields that are asked for.

use std::{collections::BTreeSet, str::FromStr};

use portcullis_model::{
    helpdesk::{PAGE, Sort, TicketField},
    platform::{Fields, Since, Window},
};
use url::form_urlencoded;

use super::fault::Fault;

/// The longest query and the most parameters in it.
const MAX_QUERY: usize = 8 * 1024;
const MAX_PARAMS: usize = 50;
/// The longest cursor, in bytes.
const MAX_CURSOR: usize = 256;

/// A URL's parameters, decoded.
#[derive(Clone, Debug, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl Params {
    /// Reads them.
    pub fn read(query: &str) -> Result<Self, Fault> {
        if query.len() > MAX_QUERY {
            return Err(Fault::invalid(format!("the URL's parameters: at most {MAX_QUERY} bytes")));
        }
        let all: Vec<(String, String)> =
            form_urlencoded::parse(query.as_bytes()).into_owned().take(MAX_PARAMS + 1).collect();
        match all.len() > MAX_PARAMS {
            true => Err(Fault::invalid(format!("the URL's parameters: at most {MAX_PARAMS}"))),
            false => Ok(Self(all)),
        }
    }

    /// The first of this name that is not empty.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, value)| key == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// The page that is asked for.
    pub fn window(&self) -> Result<Window, Fault> {
        if self.get("page[before]").is_some() || self.get("page").is_some_and(|page| page != "1") {
            let advice = "pages are asked for by cursor: page[size] and page[after], or the link to the next page";
            return Err(Fault::invalid(advice));
        }
        let after = self.get("page[after]").map(cursor).transpose()?;
        Ok(Window { most: self.most()?, after })
    }

    /// How many records are asked for: one page, where nobody says.
    pub fn most(&self) -> Result<u32, Fault> {
        match self.get("page[size]").or_else(|| self.get("per_page")) {
            None => Ok(PAGE),
            Some(text) => match text.parse::<u32>() {
                Ok(most) if most > 0 => Ok(most.min(PAGE)),
                _ => Err(Fault::invalid(format!("page[size]: expected 1 to {PAGE}"))),
            },
        }
    }

    /// `fields=subject,status`: these and no others, each of which must be granted. Absent: whatever is.
    pub fn fields<F: FromStr<Err = String> + Ord>(&self) -> Result<Fields<F>, Fault> {
        let Some(text) = self.get("fields") else { return Ok(None) };
        let fields: Result<BTreeSet<F>, String> = text.split(',').map(str::parse).collect();
        fields.map(Some).map_err(|problem| Fault::invalid(format!("fields: {problem}")))
    }

    /// As [`Params::fields`], of tickets: the conversation is no field of a ticket's record.
    pub fn ticket_fields(&self) -> Result<Fields<TicketField>, Fault> {
        match self.fields()? {
            Some(fields) if fields.contains(&TicketField::Comments) => {
                Err(Fault::invalid("fields: comments are at tickets/{id}/comments"))
            }
            fields => Ok(fields),
        }
    }

    /// The order of tickets: `sort=-id`, `-updated_at` or `updated_at`, or `sort_by` and `sort_order`. Newest first, where nobody
    /// says.
    pub fn sort(&self) -> Result<Sort, Fault> {
        let legacy = || {
            let descending = self.get("sort_order").unwrap_or("desc") == "desc";
            self.get("sort_by").map(|by| format!("{}{by}", if descending { "-" } else { "" }))
        };
        let sort = self.get("sort").map(str::to_owned).or_else(legacy);
        match sort.as_deref() {
            // Ids go up with every ticket that is created.
            None | Some("-id" | "-created_at" | "-relevance") => Ok(Sort::Newest),
            Some("-updated_at") => Ok(Sort::Updated),
            Some("updated_at") => Ok(Sort::Changes),
            Some(_) => Err(Fault::invalid("sort: known are -id, -created_at, -updated_at and updated_at")),
        }
    }

    /// Where an export begins or goes on.
    pub fn since(&self) -> Result<Since, Fault> {
        match (self.get("cursor"), self.get("start_time")) {
            (Some(text), _) => Ok(Since::Cursor(cursor(text)?)),
            (None, Some(text)) => {
                let millis = text.parse::<i64>().ok().filter(|at| *at >= 0).and_then(|at| at.checked_mul(1000));
                millis.map(Since::Time).ok_or_else(|| Fault::invalid("start_time: expected seconds since 1970"))
            }
            (None, None) => Err(Fault::invalid("start_time or cursor: say from where on")),
        }
    }

    /// The same parameters with others for the page, as a URL.
    pub fn link(&self, base: &str, page: &[(&str, &str)]) -> String {
        const PAGING: [&str; 6] = ["page", "per_page", "page[size]", "page[after]", "cursor", "start_time"];
        let kept = self.0.iter().filter(|(name, _)| !PAGING.contains(&name.as_str()));
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(kept).extend_pairs(page);
        format!("{base}?{}", query.finish())
    }
}

fn cursor(text: &str) -> Result<String, Fault> {
    let fine = text.len() <= MAX_CURSOR && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b));
    if fine { Ok(text.to_owned()) } else { Err(Fault::invalid("the cursor is none that was given out")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn params(query: &str) -> Params {
        Params::read(query).unwrap()
    }

    #[test]
    fn reads_pages_by_cursor_and_refuses_offsets() {
        assert_eq!(params("").window().unwrap(), Window { most: 100, after: None });
        let second = params("page%5Bsize%5D=7&page[after]=abc").window().unwrap();
        assert_eq!(second, Window { most: 7, after: Some("abc".into()) });
        assert_eq!(params("per_page=500&page=1").window().unwrap().most, 100);
        for bad in ["page=2", "page[before]=x", "page[size]=0", "page[size]=x", "page[after]=%00", "page[size]=-1"] {
            assert_eq!(params(bad).window().map_err(|fault| fault.status()), Err(422), "{bad}");
        }
        let many = "a=1&".repeat(60);
        assert!(Params::read(&many).is_err() && Params::read(&"x".repeat(9000)).is_err());
    }

    #[test]
    fn a_link_keeps_what_was_asked_and_moves_on() {
        let params = params("query=type%3Aticket+%22a+b%22&page[size]=2&page[after]=old&fields=subject");
        let link = params.link("https://h.example/api/v2/search.json", &[("page[size]", "2"), ("page[after]", "new")]);
        let wanted = "https://h.example/api/v2/search.json?query=type%3Aticket+%22a+b%22&fields=subject&page%5Bsize%5D=2\
                      &page%5Bafter%5D=new";
        assert_eq!(link, wanted);
    }

    #[test]
    fn reads_orders_fields_and_beginnings() {
        assert_eq!(params("sort=-updated_at").sort().unwrap(), Sort::Updated);
        assert_eq!(params("sort_by=updated_at&sort_order=asc").sort().unwrap(), Sort::Changes);
        assert!(params("sort=subject").sort().is_err() && params("sort=id").sort().is_err());
        let fields = params("fields=subject,status").ticket_fields().unwrap().unwrap();
        assert_eq!(fields, [TicketField::Subject, TicketField::Status].into());
        assert!(params("fields=comments").ticket_fields().is_err() && params("fields=x").ticket_fields().is_err());
        assert_eq!(params("start_time=5").since().unwrap(), Since::Time(5_000));
        assert_eq!(params("start_time=5&cursor=ab").since().unwrap(), Since::Cursor("ab".into()));
        for bad in ["", "start_time=x", "start_time=-1", "start_time=9223372036854775807"] {
            assert!(params(bad).since().is_err(), "{bad}");
        }
    }
}
