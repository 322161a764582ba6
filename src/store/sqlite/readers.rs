//! The threads that read, each with a connection of its own.

mod caller;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rusqlite::Connection;
use tokio::sync::oneshot;

use self::caller::{Attention, Caller, Place};
use super::failure::Failure;
use super::presence::Presence;
use super::writer::{execute, lock};
use crate::store::StoreError;

/// How many reads may wait for a thread.
const WAITING: usize = 1024;

type Job = Box<dyn FnOnce(&mut Reader) + Send>;

/// Carries reads out, each in a transaction of its own, so that it sees one state of the store.
///
/// *Failure*: [`StoreError::Overloaded`] when the queue is full. A read whose caller has left, as
/// all do at the deadlines of their calls, is not begun, and ended if it was.
pub(super) struct Readers {
    queue: Mutex<Option<SyncSender<Job>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
}

/// What one thread reads with.
struct Reader {
    connection: Connection,
    attention: Attention,
}

impl Readers {
    /// Starts one thread for each connection.
    pub(super) fn start(
        connections: Vec<Connection>,
        presence: &Arc<Presence>,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel::<Job>(WAITING);
        let jobs = Arc::new(Mutex::new(jobs));
        let threads = connections.into_iter().map(|connection| {
            let mut reader = Reader::new(connection).map_err(std::io::Error::other)?;
            let jobs = Arc::clone(&jobs);
            let presence = Arc::clone(presence);
            thread::Builder::new()
                .name("store-reader".to_owned())
                .spawn(move || {
                    while let Some(job) = next(&jobs) {
                        job(&mut reader);
                    }
                    drop(reader);
                    drop(presence);
                })
        });
        Ok(Self {
            threads: Mutex::new(threads.collect::<std::io::Result<_>>()?),
            queue: Mutex::new(Some(queue)),
        })
    }

    /// Reads on one of the threads.
    pub(super) async fn read<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let caller = Caller::default();
        let place = caller.place();
        self.queue(Box::new(move |reader| {
            if place.is_left() {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(|| reader.read(place, work)))
                .unwrap_or_else(|_| Err(Failure::Panicked.into()));
            drop(reply.send(result));
        }))?;
        let answer = answer.await;
        drop(caller);
        answer.map_err(|_| Failure::Closed)?
    }

    /// Takes no more reads. The threads, if they were not taken before, end when the queue is
    /// empty.
    pub(super) fn stop(&self) -> Vec<JoinHandle<()>> {
        lock(&self.queue).take();
        std::mem::take(&mut lock(&self.threads))
    }

    fn queue(&self, job: Job) -> Result<(), StoreError> {
        let queue = lock(&self.queue);
        let queue = queue.as_ref().ok_or(Failure::Closed)?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => Failure::Closed.into(),
        })
    }
}

impl fmt::Debug for Readers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Readers")
    }
}

fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    lock(jobs).recv().ok()
}

impl Reader {
    fn new(mut connection: Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            attention: Attention::of(&mut connection)?,
            connection,
        })
    }

    /// Reads in a transaction, whose end is nothing that a caller's leaving may prevent.
    fn read<T>(
        &self,
        place: Place,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let snapshot = Snapshot::begin(&self.connection)?;
        let _attending = self.attention.to(place);
        work(snapshot.0)
    }
}

/// A transaction that only reads, of statements that are compiled once.
struct Snapshot<'a>(&'a Connection);

impl<'a> Snapshot<'a> {
    fn begin(connection: &'a Connection) -> rusqlite::Result<Self> {
        execute(connection, "BEGIN")?;
        Ok(Self(connection))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // There is nothing to lose, and if it stayed open the next one would say so.
        drop(execute(self.0, "ROLLBACK"));
    }
}

#[cfg(test)]
mod tests;
