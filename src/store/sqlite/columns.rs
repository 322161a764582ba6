//! Typed reading of a row. A value that its type refuses is the database's failure.

use rusqlite::Row;

use super::failure::Failure;
use crate::command::Id;
use crate::command::text::Text;
use crate::store::StoreError;

/// A row, read by column name.
#[derive(Clone, Copy)]
pub(super) struct Columns<'a>(pub(super) &'a Row<'a>);

impl Columns<'_> {
    /// A column that must hold an id.
    pub(super) fn id(self, name: &'static str) -> Result<Id, StoreError> {
        self.optional_id(name)?.ok_or_else(|| unreadable(name))
    }

    /// A column that may hold an id.
    pub(super) fn optional_id(self, name: &'static str) -> Result<Option<Id>, StoreError> {
        self.parse(name, |value: i64| Id::new(value))
    }

    /// A column that may hold text.
    pub(super) fn text(self, name: &'static str) -> Result<Option<Text>, StoreError> {
        self.parse(name, |value: String| Text::parse(value).ok())
    }

    /// A column that holds a yes or a no.
    pub(super) fn flag(self, name: &'static str) -> Result<bool, StoreError> {
        Ok(self.0.get(name)?)
    }

    /// A column that may hold what `parse` makes of it.
    pub(super) fn parse<S, T>(
        self,
        name: &'static str,
        parse: impl FnOnce(S) -> Option<T>,
    ) -> Result<Option<T>, StoreError>
    where
        S: rusqlite::types::FromSql,
    {
        match self.0.get::<_, Option<S>>(name)? {
            None => Ok(None),
            Some(value) => parse(value).map(Some).ok_or_else(|| unreadable(name)),
        }
    }

    /// A column that must hold what `parse` makes of it.
    pub(super) fn required<S, T>(
        self,
        name: &'static str,
        parse: impl FnOnce(S) -> Option<T>,
    ) -> Result<T, StoreError>
    where
        S: rusqlite::types::FromSql,
    {
        self.parse(name, parse)?.ok_or_else(|| unreadable(name))
    }
}

fn unreadable(column: &'static str) -> StoreError {
    Failure::Unreadable(column).into()
}
