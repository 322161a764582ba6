//! Typed reading of a row. A value that its type refuses is the database's failure.

use std::cell::Cell;

use rusqlite::{Row, Statement};

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
        Ok(self.0.get(self.position(name)?)?)
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
        match self.0.get::<_, Option<S>>(self.position(name)?)? {
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

    /// Where a column is, looked for from the one after the last that was read: names are mostly
    /// asked for in their order, and looking through all of them for each is a good part of what a
    /// read of a user takes.
    fn position(self, name: &'static str) -> rusqlite::Result<usize> {
        thread_local! {
            static NEXT: Cell<usize> = const { Cell::new(0) };
        }
        let statement: &Statement<'_> = self.0.as_ref();
        let next = NEXT.get();
        let found = (next..statement.column_count())
            .chain(0..next)
            .find(|position| statement.column_name(*position) == Ok(name));
        let found = found.ok_or_else(|| rusqlite::Error::InvalidColumnName(name.to_owned()))?;
        NEXT.set(found + 1);
        Ok(found)
    }
}

fn unreadable(column: &'static str) -> StoreError {
    Failure::Unreadable(column).into()
}
