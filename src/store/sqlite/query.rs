//! Searches over users as SQL. Values are parameters, never part of the text.

mod place;

use rusqlite::types::Value;

pub(super) use self::place::fold;
use self::place::{Column, Kind, Place};
use crate::command::query::{Criterion, Operator, Sort, UserQuery};
use crate::command::text::Text;
use crate::command::{AccountId, Dialect};
use crate::store::StoreError;

/// `SQLite` takes 32766 parameters; the part of the list that is asked for needs a few more.
const MOST_VALUES: usize = 30_000;

/// How many comparisons are made with each user at most. Each looks through the text of every user
/// in the account: without a bound one request keeps a reader busy for minutes.
const MOST_COMPARISONS: usize = 200;

/// A query, translated.
pub(super) struct Search {
    condition: String,
    values: Vec<Value>,
    comparisons: usize,
    sort: Option<Sort>,
    offset: i64,
    limit: i64,
}

impl Search {
    /// Translates a query over the users of one account.
    ///
    /// [`Operator::Not`] is the opposite of [`Operator::Exactly`]; every other comparison holds if
    /// it holds for one of the values. Text is compared in lower case, usernames by the key of
    /// their name space, ordered by code point. Users without a value come last in either
    /// direction of an order. An order by `AnyName` is one by username, and one by
    /// `Organization` one by the lowest of them.
    pub(super) fn new(account: AccountId, query: UserQuery) -> Result<Self, StoreError> {
        let mut search = Self {
            condition: String::new(),
            values: vec![Value::Integer(account.id().value())],
            comparisons: 0,
            sort: query.sort,
            offset: saturated(query.offset),
            // A negative limit is none.
            limit: query.limit.map_or(-1, saturated),
        };
        let mut conditions = vec!["u.account_id = ?1".to_owned()];
        for criterion in &query.criteria {
            conditions.push(search.criterion(criterion));
        }
        if search.values.len() > MOST_VALUES || search.comparisons > MOST_COMPARISONS {
            return Err(StoreError::SearchTooLong);
        }
        search.condition = joined(&conditions, "AND");
        Ok(search)
    }

    /// The statement that counts every match.
    pub(super) fn count(&self) -> (String, Vec<Value>) {
        let sql = format!("SELECT count(*) FROM users AS u WHERE {}", self.condition);
        (sql, self.values.clone())
    }

    /// The statement that reads the part that was asked for.
    pub(super) fn page(mut self) -> (String, Vec<Value>) {
        let order = match self.sort.take() {
            Some(sort) => self.order(&sort),
            None => "u.id".to_owned(),
        };
        let limit = self.bind(Value::Integer(self.limit));
        let offset = self.bind(Value::Integer(self.offset));
        let sql = format!(
            "SELECT u.* FROM users AS u WHERE {} ORDER BY {order} LIMIT {limit} OFFSET {offset}",
            self.condition
        );
        (sql, self.values)
    }

    fn criterion(&mut self, criterion: &Criterion) -> String {
        let holds = match Place::from(&criterion.attribute) {
            Place::Own(column) => self.compare(column, criterion),
            Place::AnyOf(columns) => {
                joined(&columns.map(|column| self.compare(column, criterion)), "OR")
            }
            Place::Organizations(column) => {
                let holds = self.compare(column, criterion);
                format!(
                    "EXISTS (SELECT 1 FROM user_organizations AS o
                     WHERE o.user_id = u.id AND ({holds}))"
                )
            }
            Place::Extension(dialect, field, column) => {
                let source = self.extension(dialect, &field);
                let holds = self.compare(column, criterion);
                format!("EXISTS (SELECT 1 {source} AND ({holds}))")
            }
        };
        if criterion.operator == Operator::Not {
            format!("({holds}) IS NOT TRUE")
        } else {
            format!("({holds})")
        }
    }

    fn order(&mut self, sort: &Sort) -> String {
        let expression = match Place::from(&sort.attribute) {
            Place::Own(column) | Place::AnyOf([column, ..]) => column.expression.to_owned(),
            Place::Organizations(column) => format!(
                "(SELECT min({}) FROM user_organizations AS o WHERE o.user_id = u.id)",
                column.expression
            ),
            Place::Extension(dialect, field, column) => {
                let source = self.extension(dialect, &field);
                format!("(SELECT {} {source})", column.expression)
            }
        };
        let direction = if sort.descending { "DESC" } else { "ASC" };
        format!("{expression} IS NULL, {expression} {direction}, u.id")
    }

    /// Where the one attribute of that dialect and name is looked for.
    fn extension(&mut self, dialect: Dialect, field: &Text) -> String {
        let dialect = self.bind(Value::Text(dialect.name().to_owned()));
        let field = self.bind(Value::Text(field.as_str().to_owned()));
        format!(
            "FROM user_extensions AS e
             WHERE e.user_id = u.id AND e.dialect = {dialect} AND e.field = {field}"
        )
    }

    /// The comparison with any of the values. That [`Operator::Not`] is an opposite is the
    /// caller's part.
    fn compare(&mut self, column: Column, criterion: &Criterion) -> String {
        let expression = column.expression;
        match criterion.operator {
            Operator::Exactly | Operator::In | Operator::Not => {
                self.comparisons += 1;
                let values = self.bind_all(column.kind, &criterion.values);
                if values.is_empty() {
                    return "FALSE".to_owned();
                }
                format!("{expression} IN ({})", values.join(", "))
            }
            Operator::GreaterThan => {
                self.each(column, criterion, |value| format!("{expression} > {value}"))
            }
            Operator::LessThan => {
                self.each(column, criterion, |value| format!("{expression} < {value}"))
            }
            Operator::AtLeast => self.each(column, criterion, |value| {
                format!("{expression} >= {value}")
            }),
            Operator::AtMost => self.each(column, criterion, |value| {
                format!("{expression} <= {value}")
            }),
            Operator::StartsWith => self.each(as_text(column), criterion, |value| {
                format!("substr({expression}, 1, length({value})) = {value}")
            }),
            // From the end substr counts backwards, and from 0 it would take everything.
            Operator::EndsWith => self.each(as_text(column), criterion, |value| {
                format!(
                    "substr({expression}, length({expression}) - length({value}) + 1) = {value}
                     AND length({expression}) >= length({value})"
                )
            }),
            Operator::Contains => self.each(as_text(column), criterion, |value| {
                format!("instr({expression}, {value}) > 0")
            }),
        }
    }

    fn each(
        &mut self,
        column: Column,
        criterion: &Criterion,
        compare: impl Fn(&str) -> String,
    ) -> String {
        let values = self.bind_all(column.kind, &criterion.values);
        self.comparisons += values.len();
        let holds: Vec<_> = values.iter().map(|value| compare(value)).collect();
        joined(&holds, "OR")
    }

    fn bind_all(&mut self, kind: Kind, values: &[Text]) -> Vec<String> {
        let values = values.iter().filter_map(|value| comparable(kind, value));
        values.map(|value| self.bind(value)).collect()
    }

    fn bind(&mut self, value: Value) -> String {
        self.values.push(value);
        format!("?{}", self.values.len())
    }
}

/// A value in the form of what it is compared with; nothing is a number that is not written as one.
fn comparable(kind: Kind, value: &Text) -> Option<Value> {
    match kind {
        Kind::Text(key) => Some(Value::Text(key(value.as_str()))),
        Kind::Number => {
            use std::num::IntErrorKind::{NegOverflow, PosOverflow};
            match value.as_str().parse::<i64>() {
                Ok(number) => Some(Value::Integer(number)),
                Err(error) if *error.kind() == PosOverflow => Some(Value::Integer(i64::MAX)),
                Err(error) if *error.kind() == NegOverflow => Some(Value::Integer(i64::MIN)),
                Err(_) => None,
            }
        }
    }
}

/// Numbers are searched in as they are written. `SQLite` makes text of them by itself.
fn as_text(column: Column) -> Column {
    match column.kind {
        Kind::Text(_) => column,
        Kind::Number => Column {
            kind: Kind::Text(str::to_owned),
            ..column
        },
    }
}

/// Conditions joined by an operator. `SQLite` takes an expression up to 1000 deep.
fn joined(conditions: &[String], operator: &str) -> String {
    if conditions.is_empty() {
        return "FALSE".to_owned();
    }
    let conditions = conditions.join(&format!(") {operator} ("));
    format!("({conditions})")
}

fn saturated(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
