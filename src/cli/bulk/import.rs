//! A file into the store.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::Noun;
use super::fields::Fault;
use super::progress::Progress;
use super::report::Report;
use super::source::Source;
use crate::cli::failure::Failure;
use crate::clock::Clock;
use crate::command::{AccountId, Id};
use crate::journal::{Act, Entry};
use crate::store::StoreError;
use crate::store::bulk::Verdict;
use crate::store::sqlite::SqliteStore;

/// How many lines are one transaction; fewer if they are long.
const BATCH: usize = 500;
const BATCH_BYTES: u64 = 4 << 20;

/// A gateway that writes to the same store gets its turn in between. So long at most is waited.
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

/// How often a store that cannot be written is tried again, and how long after.
const TRIES: u32 = 12;
const BETWEEN_TRIES: Duration = Duration::from_secs(1);

/// What became of the lines of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub(super) imported: u64,
    pub(super) taken_over: u64,
    pub(super) unchanged: u64,
    pub(super) refused: u64,
}

impl Counts {
    /// All of them.
    const fn lines(self) -> u64 {
        self.imported + self.taken_over + self.unchanged + self.refused
    }
}

/// One import.
pub(super) struct Import<'a, N> {
    pub(super) store: &'a SqliteStore,
    pub(super) source: Source<N>,
    pub(super) report: &'a mut Report,
    /// The account of lines that name none.
    pub(super) account: AccountId,
    /// The user that a line may replace.
    pub(super) take_over: Option<Id>,
    /// Whether others may be writing to the store.
    pub(super) makes_way: bool,
    pub(super) clock: Clock,
}

impl<N: Noun> Import<'_, N> {
    /// Imports line by line, to the end of the file.
    pub(super) async fn run(mut self) -> Result<Counts, Failure> {
        let mut counts = Counts::default();
        let mut progress = Progress::new(self.source.size());
        loop {
            let batch = match self.read_batch() {
                Ok(batch) => batch,
                Err(failure) => {
                    progress.clear();
                    return Err(failure);
                }
            };
            if batch.refused > 0 {
                progress.clear();
            }
            for (line, faults) in &batch.faults {
                self.report.refuse(*line, faults)?;
            }
            let began = Instant::now();
            let stored = self.store_batch(&batch.rows).await;
            if stored.is_err() {
                progress.clear();
            }
            for (line, verdict) in batch.lines.iter().zip(stored?) {
                match verdict {
                    Verdict::Imported => counts.imported += 1,
                    Verdict::TookOver => counts.taken_over += 1,
                    Verdict::Unchanged => counts.unchanged += 1,
                    Verdict::Refused { field, reason } => {
                        progress.clear();
                        self.report.refuse(*line, &[Fault::new(field, reason)])?;
                    }
                }
            }
            counts.refused = self.report.lines();
            if batch.is_last {
                progress.clear();
                return Ok(counts);
            }
            progress.show(self.source.bytes(), counts.lines());
            if self.makes_way {
                tokio::time::sleep(began.elapsed().min(LONGEST_PAUSE)).await;
            }
        }
    }

    fn read_batch(&mut self) -> Result<Batch<N::Row>, Failure> {
        let began = self.source.bytes();
        let mut batch = Batch::default();
        let (mut rows, mut read) = (Vec::with_capacity(BATCH), 0);
        while read < BATCH && self.source.bytes() - began < BATCH_BYTES {
            let Some(line) = self.source.next()? else {
                batch.is_last = true;
                break;
            };
            read += 1;
            let (row, faults) = match line.content {
                Err(faults) => (None, faults),
                Ok(mut fields) => {
                    let row = N::read(&mut fields, self.account);
                    (row, fields.into_faults())
                }
            };
            match row {
                Some(row) if faults.is_empty() => {
                    rows.push(row);
                    batch.lines.push(line.number);
                }
                _ => {
                    batch.refused += 1;
                    batch.faults.push((line.number, faults));
                }
            }
        }
        batch.rows = rows.into();
        Ok(batch)
    }

    async fn store_batch(&mut self, rows: &Arc<[N::Row]>) -> Result<Vec<Verdict>, Failure> {
        if rows.is_empty() {
            return Ok(Vec::new());
        }
        let mut tries = 0;
        loop {
            let entry = Entry {
                at: self.clock.now(),
                principal: "command line".to_owned(),
                action: Act::ImportUser,
                account: self.account,
                source: None,
                route: None,
                request_id: String::new(),
                not_done: None,
                event: None,
                tries: None,
                once: None,
            };
            tries += 1;
            match N::import(self.store, Arc::clone(rows), &mut self.take_over, entry).await {
                Err(StoreError::Unavailable(_)) if tries < TRIES => {
                    tokio::time::sleep(BETWEEN_TRIES).await;
                }
                done => {
                    return done.map_err(|error| {
                        let doing = "the import ended early; run it again to go on where it ended";
                        Failure::failed(doing, error)
                    });
                }
            }
        }
    }
}

/// Lines that are stored together.
struct Batch<R> {
    rows: Arc<[R]>,
    /// The line of each row.
    lines: Vec<u64>,
    faults: Vec<(u64, Vec<Fault>)>,
    refused: u64,
    is_last: bool,
}

impl<R> Default for Batch<R> {
    fn default() -> Self {
        Self {
            rows: Arc::default(),
            lines: Vec::new(),
            faults: Vec::new(),
            refused: 0,
            is_last: false,
        }
    }
}
