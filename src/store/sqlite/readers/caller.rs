//! Whether anyone still waits for a read, and the end of one that nobody waits for.

use std::sync::{Arc, Mutex, Weak};

use rusqlite::Connection;

use crate::store::sqlite::writer::lock;

/// How many of `SQLite`'s instructions lie between two looks for the caller: well below a
/// millisecond's worth, and so many that looking costs nothing to speak of.
const INSTRUCTIONS: i32 = 1000;

/// Who waits for a read; when it is dropped, nobody does.
#[derive(Default)]
pub(super) struct Caller(Arc<()>);

impl Caller {
    /// The place where the caller is looked for.
    pub(super) fn place(&self) -> Place {
        Place(Arc::downgrade(&self.0))
    }
}

/// Where a caller waits or has left.
#[derive(Clone)]
pub(super) struct Place(Weak<()>);

impl Place {
    /// Whether the caller is gone.
    pub(super) fn is_left(&self) -> bool {
        self.0.strong_count() == 0
    }
}

/// Ends a connection's read once its caller has left.
///
/// The thread that reads looks for the caller itself, between two of `SQLite`'s instructions. An
/// interrupt from another thread could come late and hit the next read, or the rollback.
#[derive(Clone, Default)]
pub(super) struct Attention(Arc<Mutex<Option<Place>>>);

impl Attention {
    /// Has a connection look for the caller of its read.
    pub(super) fn of(connection: &mut Connection) -> rusqlite::Result<Self> {
        let attention = Self::default();
        let own = attention.clone();
        let is_left = move || lock(&own.0).as_ref().is_some_and(Place::is_left);
        connection.progress_handler(INSTRUCTIONS, Some(is_left))?;
        Ok(attention)
    }

    /// What is read until this is dropped is for the caller in that place.
    pub(super) fn to(&self, place: Place) -> Attending<'_> {
        *lock(&self.0) = Some(place);
        Attending(self)
    }
}

/// A read for a caller.
pub(super) struct Attending<'a>(&'a Attention);

impl Drop for Attending<'_> {
    fn drop(&mut self) {
        *lock(&self.0.0) = None;
    }
}
