//! What was not done: records without a write.

use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::append;
use crate::clock::Timestamp;
use crate::command::Id;
use crate::journal::denial::{Denial, DenialLog, Verdict};
use crate::journal::record::{Outcome, Record};
use crate::journal::seal::Seal;
use crate::journal::tally::{Refused, Source, Tally};
use crate::store::StoreError;
use crate::store::sqlite::SqliteStore;
use crate::store::sqlite::write_connection::WriteConnection;
use crate::store::sqlite::writer::lock;

/// Places in the writer's queue that denials may take. Denied callers do not wait for the disk, so
/// without this bound one of them could fill the queue and have others refused.
const WAITING: usize = 64;

/// Counts, and room for records.
#[derive(Debug)]
pub(in crate::store::sqlite) struct Denials {
    tally: Mutex<Tally>,
    room: Arc<Semaphore>,
}

impl Denials {
    /// None so far.
    pub(in crate::store::sqlite) fn new() -> Self {
        Self {
            tally: Mutex::default(),
            room: Arc::new(Semaphore::new(WAITING)),
        }
    }
}

impl SqliteStore {
    /// What writes every count, whether or not its minute has ended; nothing if there is none.
    pub(in crate::store::sqlite) fn last_counts(
        &self,
    ) -> Option<impl FnOnce(&WriteConnection) -> Result<(), StoreError> + Send + 'static> {
        let records = lock(&self.denials.tally).take();
        (!records.is_empty()).then(|| append_all(&self.seal, records))
    }

    fn queue_denial(&self, denial: Denial, room: OwnedSemaphorePermit) -> Result<(), StoreError> {
        let seal = Arc::clone(&self.seal);
        self.writer.write_unattended(move |connection| {
            drop(room);
            append(connection, &seal, record(&denial))
        })
    }

    fn count(&self, at: Timestamp, refused: Refused) {
        let ended = lock(&self.denials.tally).count(at, refused);
        self.write_records(ended);
    }

    fn write_records(&self, records: Vec<Record>) {
        if records.is_empty() {
            return;
        }
        let calls: i64 = records.iter().filter_map(|record| record.attempts).sum();
        let queued = self
            .writer
            .write_unattended(append_all(&self.seal, records));
        if let Err(error) = queued {
            tracing::error!(error = ?error, calls, "the audit trail lacks calls that were refused");
        }
    }
}

impl DenialLog for SqliteStore {
    fn denied(&self, denial: Denial) {
        let at = denial.entry.at;
        let refused = Refused {
            principal: Some(denial.entry.principal.clone()),
            source: Source::from(denial.entry.source),
        };
        let queued = Arc::clone(&self.denials.room)
            .try_acquire_owned()
            .is_ok_and(|room| self.queue_denial(denial, room).is_ok());
        if !queued {
            self.count(at, refused);
        }
    }

    fn unauthenticated(&self, at: Timestamp, source: Option<IpAddr>) {
        let refused = Refused {
            principal: None,
            source: Source::from(source),
        };
        self.count(at, refused);
    }

    fn write_counts(&self, now: Timestamp) {
        let ended = lock(&self.denials.tally).ended(now);
        self.write_records(ended);
    }
}

fn append_all(
    seal: &Arc<Seal>,
    records: Vec<Record>,
) -> impl FnOnce(&WriteConnection) -> Result<(), StoreError> + Send + 'static {
    let seal = Arc::clone(seal);
    move |connection| {
        records
            .into_iter()
            .try_for_each(|record| append(connection, &seal, record))
    }
}

fn record(denial: &Denial) -> Record {
    let (outcome, reason) = match denial.verdict {
        Verdict::Denied(reason) => (Outcome::Denied, Some(reason.to_owned())),
        Verdict::Unknown => (Outcome::Unknown, None),
    };
    Record {
        user: denial.user.map(Id::value),
        group: denial.group.map(Id::value),
        reason,
        ..Record::of(&denial.entry, outcome)
    }
}
