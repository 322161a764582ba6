//! The one thread that writes, several calls to a commit.

mod answers;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::runtime::Handle;
use tokio::sync::oneshot;

use self::answers::Answers;
use super::connect::BUSY_TIMEOUT;
use super::failure::{BatchError, Failure};
use super::presence::Presence;
use super::recent::Recent;
use super::wal::Wal;
use super::write_connection::WriteConnection;
use super::{Parameters, connect};
use crate::store::StoreError;

/// How many calls share a commit at most. More would not make the fsync cheaper, only the wait
/// for it longer.
const BATCH: usize = 64;

/// How a write is undone that fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Undo {
    /// Whatever it changed before.
    Alone,
    /// It changes nothing before it fails, or its transaction is lost to all who share it. That a write
    /// can be undone alone is a good part of what a small one costs.
    WithAll,
}

/// Carries writes out one after another, each a part of one transaction with as many as are waiting.
/// Nobody is answered before the commit.
///
/// *Failure*: [`StoreError::Overloaded`] when the queue is full. A write that fails undoes itself
/// only; when the commit fails, every write in it does. *Cost*: one fsync a commit.
pub(super) struct Writer {
    queue: Mutex<Option<SyncSender<Box<dyn Job>>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    commits: Arc<AtomicU64>,
    /// Where writes are waited for, since somebody did.
    runtime: Arc<OnceLock<Handle>>,
}

impl Writer {
    /// Starts the thread. What it makes of users is put into `recent`; `parameters` say how long the
    /// queue and the log may get.
    pub(super) fn start(
        path: PathBuf,
        connection: Connection,
        recent: Recent,
        presence: Arc<Presence>,
        parameters: &Parameters,
    ) -> std::io::Result<Self> {
        let (queue, jobs) = sync_channel(parameters.write_queue.max(1));
        let commits = Arc::new(AtomicU64::new(0));
        let runtime = Arc::default();
        let committer = Committer {
            patience: BUSY_TIMEOUT,
            wal: Wal::new(&path, parameters.log_bytes),
            path,
            connection: Some(WriteConnection::new(connection, recent.clone())),
            recent,
            commits: Arc::clone(&commits),
            runtime: Arc::clone(&runtime),
        };
        let thread = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || {
                committer.run(&jobs);
                drop(presence);
            })?;
        Ok(Self {
            queue: Mutex::new(Some(queue)),
            thread: Mutex::new(Some(thread)),
            commits,
            runtime,
        })
    }

    /// Queues a write and waits until it is durable. Once queued it is carried out, whether or
    /// not anyone still waits.
    pub(super) async fn write<T, W>(&self, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&WriteConnection) -> Result<T, StoreError> + Send + 'static,
    {
        self.write_as(Undo::Alone, work).await
    }

    /// As [`write`](Self::write), and undone like that.
    pub(super) async fn write_as<T, W>(&self, undo: Undo, work: W) -> Result<T, StoreError>
    where
        T: Send + 'static,
        W: FnOnce(&WriteConnection) -> Result<T, StoreError> + Send + 'static,
    {
        if self.runtime.get().is_none()
            && let Ok(runtime) = Handle::try_current()
        {
            drop(self.runtime.set(runtime));
        }
        let (reply, answer) = oneshot::channel();
        self.queue(Box::new(Write {
            work: Some(work),
            undo,
            result: None,
            // Whoever asked may have left; the write stands all the same.
            reply: |result| drop(reply.send(result)),
        }))?;
        answer.await.map_err(|_| Failure::Closed)?
    }

    /// Queues a write that nobody waits for. If it fails later on, the log says so.
    pub(super) fn write_unattended<W>(&self, work: W) -> Result<(), StoreError>
    where
        W: FnOnce(&WriteConnection) -> Result<(), StoreError> + Send + 'static,
    {
        self.queue(unattended(work))
    }

    /// How often a transaction was committed.
    pub(super) fn commits(&self) -> u64 {
        self.commits.load(Ordering::Relaxed)
    }

    /// Takes no more writes. Nothing if it was stopped before.
    pub(super) fn stop(&self) -> Option<Stopping> {
        let queue = lock(&self.queue).take();
        let thread = lock(&self.thread).take();
        let (queue, thread) = queue.zip(thread)?;
        Some(Stopping { queue, thread })
    }

    fn queue(&self, job: Box<dyn Job>) -> Result<(), StoreError> {
        let queue = lock(&self.queue);
        let queue = queue.as_ref().ok_or(Failure::Closed)?;
        queue.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => Failure::Closed.into(),
        })
    }
}

/// A writer that carries out what is queued and then ends.
pub(super) struct Stopping {
    queue: SyncSender<Box<dyn Job>>,
    thread: JoinHandle<()>,
}

impl Stopping {
    /// Waits for the end of the thread, after a last write, which waits for its place in the queue.
    /// Blocks.
    pub(super) fn finish<W>(self, last: Option<W>) -> thread::Result<()>
    where
        W: FnOnce(&WriteConnection) -> Result<(), StoreError> + Send + 'static,
    {
        if let Some(last) = last {
            // It cannot be sent if the thread is gone, which joining it tells.
            drop(self.queue.send(unattended(last)));
        }
        drop(self.queue);
        self.thread.join()
    }
}

impl fmt::Debug for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Writer")
            .field("commits", &self.commits)
            .finish_non_exhaustive()
    }
}

/// The value behind a lock. Nothing that holds one of the store's locks can panic half-way.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A queued write.
trait Job: Send {
    /// How it is undone.
    fn undo(&self) -> Undo;

    /// Carries it out. What is not to be kept is undone by the caller.
    fn run(&mut self, connection: &WriteConnection) -> Verdict;

    /// Tells whoever waits, now that the transaction is committed or lost.
    fn answer(self: Box<Self>, committed: Result<(), StoreError>);
}

/// What is to become of what a write did.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Keep,
    Undo { passes: bool },
}

struct Write<W, T, R> {
    work: Option<W>,
    undo: Undo,
    result: Option<Result<T, StoreError>>,
    reply: R,
}

impl<T, W, R> Job for Write<W, T, R>
where
    T: Send,
    W: FnOnce(&WriteConnection) -> Result<T, StoreError> + Send,
    R: FnOnce(Result<T, StoreError>) + Send,
{
    fn undo(&self) -> Undo {
        self.undo
    }

    fn run(&mut self, connection: &WriteConnection) -> Verdict {
        let Some(work) = self.work.take() else {
            return Verdict::Undo { passes: false };
        };
        let result = catch_unwind(AssertUnwindSafe(|| work(connection)))
            .unwrap_or_else(|_| Err(Failure::Panicked.into()));
        let verdict = match &result {
            Ok(_) => Verdict::Keep,
            Err(error) => Verdict::Undo {
                passes: matches!(error, StoreError::Unavailable(_)),
            },
        };
        self.result = Some(result);
        verdict
    }

    fn answer(self: Box<Self>, committed: Result<(), StoreError>) {
        let Self { result, reply, .. } = *self;
        let result = committed.and_then(|()| result.unwrap_or(Err(Failure::Closed.into())));
        reply(result);
    }
}

fn unattended<W>(work: W) -> Box<dyn Job>
where
    W: FnOnce(&WriteConnection) -> Result<(), StoreError> + Send + 'static,
{
    Box::new(Write {
        work: Some(work),
        undo: Undo::Alone,
        result: None,
        reply: |result: Result<(), StoreError>| {
            if let Err(error) = result {
                tracing::error!(error = ?error, "a write that nobody waits for failed");
            }
        },
    })
}

/// How long a transaction waits for a file that was held all through the wait of the one before
/// it. Else who waits in the queue would wait for each batch in front of it anew.
const SHORT_PATIENCE: Duration = Duration::from_millis(250);

struct Committer {
    path: PathBuf,
    /// How long the next transaction waits for another process to let go of the file.
    patience: Duration,
    wal: Wal,
    connection: Option<WriteConnection>,
    recent: Recent,
    commits: Arc<AtomicU64>,
    runtime: Arc<OnceLock<Handle>>,
}

impl Committer {
    fn run(mut self, jobs: &Receiver<Box<dyn Job>>) {
        while let Ok(first) = jobs.recv() {
            let mut batch = vec![first];
            batch.extend(jobs.try_iter().take(BATCH - 1));
            let committed = self.commit(&mut batch);
            Answers::new(batch, committed).give(self.runtime.get());
        }
    }

    fn commit(&mut self, batch: &mut [Box<dyn Job>]) -> Result<(), BatchError> {
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => WriteConnection::new(connect::writer(&self.path)?, self.recent.clone()),
        };
        let room = self.wal.make_room(&connection);
        let committed = room.and_then(|()| run_batch(&connection, batch, self.patience));
        self.patience = if committed.as_ref().is_err_and(BatchError::is_busy) {
            SHORT_PATIENCE
        } else {
            BUSY_TIMEOUT
        };
        if committed.is_ok() {
            self.commits.fetch_add(1, Ordering::Relaxed);
        }
        let broken = committed
            .as_ref()
            .is_err_and(BatchError::needs_new_connection);
        if !broken && connection.is_autocommit() {
            self.connection = Some(connection);
        }
        committed
    }
}

fn run_batch(
    connection: &WriteConnection,
    batch: &mut [Box<dyn Job>],
    patience: Duration,
) -> Result<(), BatchError> {
    connection.busy_timeout(patience)?;
    let begun = connection.begin().map_err(BatchError::from);
    let done = begun
        .and_then(|()| {
            let mut jobs = batch.iter_mut();
            jobs.try_for_each(|job| carry_out(connection, job.as_mut()))
        })
        .and_then(|()| Ok(connection.commit()?));
    if done.is_err() {
        connection.roll_back();
    }
    done
}

fn carry_out(connection: &WriteConnection, job: &mut dyn Job) -> Result<(), BatchError> {
    let is_part = job.undo() == Undo::Alone;
    if is_part {
        connection.begin_part()?;
    }
    let changes = connection.total_changes();
    let verdict = job.run(connection);
    let is_kept = verdict == Verdict::Keep;
    let is_half_done = !is_kept && !is_part && connection.total_changes() != changes;
    if is_half_done || connection.is_autocommit() {
        let passes = verdict == Verdict::Undo { passes: true };
        return Err(BatchError::RolledBack { passes });
    }
    match (is_part, is_kept) {
        (true, true) => Ok(connection.end_part()?),
        (true, false) => Ok(connection.undo_part()?),
        (false, _) => Ok(()),
    }
}

/// Carries out a statement that is compiled once.
pub(super) fn execute(connection: &Connection, sql: &str) -> rusqlite::Result<()> {
    connection.prepare_cached(sql)?.execute([]).map(drop)
}

#[cfg(test)]
mod tests;
