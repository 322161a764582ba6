//! The audit trail, as the command line reads it.

use super::Answer;
use crate::journal::record::{Record, RecordQuery};

/// Reading the trail. Writing it is a part of every write, and [`crate::journal::denial::DenialLog`] for
/// what was not done. Checking it takes no more than reading: [`crate::journal::verify`].
pub trait AuditStore {
    /// The records that the query asks for.
    fn list_records(&self, query: RecordQuery) -> Answer<'_, Vec<Record>>;

    /// The highest number that a record ever had, as the database counts apart from the records.
    fn written_records(&self) -> Answer<'_, i64>;
}
