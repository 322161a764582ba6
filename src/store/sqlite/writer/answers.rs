//! Telling those who wait what became of their writes.

use tokio::runtime::Handle;

use super::Job;
use crate::store::StoreError;
use crate::store::sqlite::failure::BatchError;

/// The writes of a transaction that is committed or lost. Whoever waits for one is told when this is
/// dropped, whatever else happens.
pub(super) struct Answers {
    jobs: Vec<Box<dyn Job>>,
    committed: Result<(), BatchError>,
}

impl Answers {
    /// What became of them.
    pub(super) fn new(jobs: Vec<Box<dyn Job>>, committed: Result<(), BatchError>) -> Self {
        Self { jobs, committed }
    }

    /// Tells everybody. To wake many tasks from outside of their runtime takes as long as to carry
    /// their writes out, and the next ones wait meanwhile; from inside it is hardly anything.
    pub(super) fn give(self, runtime: Option<&Handle>) {
        match runtime {
            Some(runtime) if self.jobs.len() > 1 => drop(runtime.spawn(async move { drop(self) })),
            Some(_) | None => drop(self),
        }
    }
}

impl Drop for Answers {
    fn drop(&mut self) {
        for job in self.jobs.drain(..) {
            job.answer(self.committed.clone().map_err(StoreError::from));
        }
    }
}
