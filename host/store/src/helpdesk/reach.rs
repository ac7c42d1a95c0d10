//! Whose records an act is about, and which of them, as SQL.
//!
//! Invariants: the condition on a table names the tenant and holds what the act is within, so it comes into a statement
//! whole or not at all; what a condition in SQL lets through is what [`Within::fits`] lets through; an attribute that the
//! table does not know fits no record.

use std::collections::BTreeSet;

use portcullis_model::{id::TenantId, permit::Spent, scope::Within};
use rusqlite::{ParamsFromIter, params_from_iter, types::Value};

use super::number;

/// A tenant, and the records of it that can be reached.
#[derive(Clone, Debug)]
pub(super) struct Reach {
    pub tenant: TenantId,
    within: Within,
}

/// An attribute's column, and what its values are there.
enum Column {
    Text(&'static str),
    Id(&'static str),
}

impl Reach {
    /// What a spent permit reaches.
    pub fn of<A>(act: &Spent<A>, within: &Within) -> Self {
        Self { tenant: act.call().tenant.clone(), within: within.clone() }
    }

    /// Everything of a tenant's: for the product itself.
    pub fn whole(tenant: &TenantId) -> Self {
        Self { tenant: tenant.clone(), within: Within::everything() }
    }

    /// The condition on `tickets t`.
    pub fn tickets(&self) -> Condition {
        self.on("t.tenant", |attribute| match attribute {
            "brand" => Some(Column::Text("t.brand_id")),
            "status" => Some(Column::Text("t.status")),
            "priority" => Some(Column::Text("t.priority")),
            "type" => Some(Column::Text("t.type")),
            "organization" => Some(Column::Id("t.organization_id")),
            "assignee" => Some(Column::Id("t.assignee_id")),
            "requester" => Some(Column::Id("t.requester_id")),
            _ => None,
        })
    }

    /// The condition on `users u`.
    pub fn users(&self) -> Condition {
        self.on("u.tenant", |attribute| match attribute {
            "organization" => Some(Column::Id("u.organization_id")),
            "role" => Some(Column::Text("u.role")),
            _ => None,
        })
    }

    /// The condition on `organizations o`.
    pub fn organizations(&self) -> Condition {
        self.on("o.tenant", |attribute| (attribute == "organization").then_some(Column::Id("o.id")))
    }

    fn on(&self, tenant: &str, column: fn(&str) -> Option<Column>) -> Condition {
        let one = |(attribute, wanted): (&str, &BTreeSet<String>)| match column(attribute) {
            None => Condition::never(),
            Some(Column::Text(name)) => Condition::among(name, wanted),
            Some(Column::Id(name)) => Condition::among_ids(name, wanted),
        };
        let within = Condition::any(self.within.0.iter().map(|filter| Condition::all(filter.conditions().map(one))));
        Condition::all([Condition::one(format!("{tenant} = ?"), self.tenant.as_str().to_owned()), within])
    }
}

/// A condition in SQL, with the values for its question marks in their order.
#[derive(Clone, Debug)]
pub(super) struct Condition {
    sql: String,
    values: Vec<Value>,
}

impl Condition {
    /// Holds for no row.
    pub fn never() -> Self {
        Self::any([])
    }

    /// A text with one question mark.
    pub fn one(sql: impl Into<String>, value: impl Into<Value>) -> Self {
        Self { sql: sql.into(), values: vec![value.into()] }
    }

    /// The column is one of these texts.
    pub fn among<'a, T: AsRef<str> + 'a>(column: &str, texts: impl IntoIterator<Item = &'a T>) -> Self {
        let texts: Vec<&str> = texts.into_iter().map(AsRef::as_ref).collect();
        Self::in_list(column, serde_json::json!(texts))
    }

    /// The column is one of these ids. What is no id is nobody's.
    pub fn among_ids<'a>(column: &str, ids: impl IntoIterator<Item = &'a String>) -> Self {
        let ids: Vec<i64> = ids.into_iter().filter_map(|id| number(id).ok()).collect();
        Self::in_list(column, serde_json::json!(ids))
    }

    /// One question mark however long the list is: SQLite bounds their number.
    fn in_list(column: &str, list: serde_json::Value) -> Self {
        Self::one(format!("{column} IN (SELECT value FROM json_each(?))"), list.to_string())
    }

    /// All of them hold; without any it holds for every row.
    pub fn all(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(" AND ", "1", parts)
    }

    /// Any of them holds; without any it holds for no row.
    pub fn any(parts: impl IntoIterator<Item = Self>) -> Self {
        Self::joined(" OR ", "0", parts)
    }

    fn joined(word: &str, none: &str, parts: impl IntoIterator<Item = Self>) -> Self {
        let (mut texts, mut values) = (Vec::new(), Vec::new());
        for part in parts {
            texts.push(part.sql);
            values.extend(part.values);
        }
        let sql = if texts.is_empty() { none.to_owned() } else { format!("({})", texts.join(word)) };
        Self { sql, values }
    }

    /// The text.
    pub fn sql(&self) -> &str {
        &self.sql
    }

    /// The condition's values, and those of the question marks that stand behind it in a statement.
    pub fn with(self, behind: impl IntoIterator<Item = Value>) -> ParamsFromIter<Vec<Value>> {
        let mut values = self.values;
        values.extend(behind);
        params_from_iter(values)
    }
}
