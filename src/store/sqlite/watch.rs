//! Telling whoever asks of changes to the file, whichever process made them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::failure::Failure;
use super::presence::Presence;
use super::recent::Recent;
use super::writer::lock;
use super::{SqliteStore, connect};
use crate::store::{StoreError, StoreFuture};

/// How often is looked. A revoked key works that much longer at most, and what another process
/// writes is read that much later.
const INTERVAL: Duration = Duration::from_millis(250);

/// Looks at what may have changed, and tells of what did.
type Look = dyn FnMut(&Connection) -> Result<(), StoreError> + Send;

/// A thread that watches, until this is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl SqliteStore {
    /// Has a thread of its own look now, and again soon after any commit. The answer comes after the
    /// first look.
    pub(super) fn watch(
        &self,
        what: &'static str,
        look: impl FnMut(&Connection) -> Result<(), StoreError> + Send + 'static,
    ) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let (ready, told) = oneshot::channel();
            {
                let mut watches = lock(&self.watches);
                let watches = watches.as_mut().ok_or(Failure::Closed)?;
                let presence = Arc::clone(&watches.presence);
                let (path, recent) = (self.path.clone(), self.recent.clone());
                let watch = Watch::start(path, presence, recent, what, Box::new(look), ready)
                    .map_err(|error| StoreError::Database(Box::new(error)))?;
                watches.running.push(watch);
            }
            told.await.map_err(|_| Failure::Closed)?
        })
    }
}

impl Watch {
    /// Starts the thread. `ready` is told of the first look.
    fn start(
        path: PathBuf,
        presence: Arc<Presence>,
        recent: Recent,
        what: &'static str,
        look: Box<Look>,
        ready: oneshot::Sender<Result<(), StoreError>>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("store-watch".to_owned())
            .spawn(move || {
                match connect::reader(&path) {
                    Ok(connection) => {
                        Watcher::new(connection, recent, what, look).run(&stopped, ready);
                    }
                    Err(error) => drop(ready.send(Err(StoreError::Database(Box::new(error))))),
                }
                drop(presence);
            })?;
        Ok(Self { stop, thread })
    }

    /// Ends the thread and hands it over to be waited for.
    pub(super) fn stop(self) -> JoinHandle<()> {
        drop(self.stop);
        self.thread
    }
}

struct Watcher {
    connection: Connection,
    recent: Recent,
    what: &'static str,
    look: Box<Look>,
    seen: Option<i64>,
}

impl Watcher {
    fn new(connection: Connection, recent: Recent, what: &'static str, look: Box<Look>) -> Self {
        Self {
            connection,
            recent,
            what,
            look,
            seen: None,
        }
    }

    fn run(mut self, stopped: &Receiver<()>, ready: oneshot::Sender<Result<(), StoreError>>) {
        let first = self.look();
        let failed = first.is_err();
        if ready.send(first).is_err() || failed {
            return;
        }
        let mut failing = false;
        self.recent.watched(true);
        while let Err(RecvTimeoutError::Timeout) = stopped.recv_timeout(INTERVAL) {
            let looked = self.look();
            if let Err(error) = &looked
                && !failing
            {
                tracing::error!(
                    store.watched = self.what,
                    error = ?error,
                    "the store cannot be looked at; what was read of it last stays in use"
                );
            }
            if failing != looked.is_err() {
                self.recent.watched(looked.is_ok());
            }
            failing = looked.is_err();
        }
        self.recent.watched(false);
    }

    /// Looks if anything was committed since the last time.
    fn look(&mut self) -> Result<(), StoreError> {
        // It changes with every commit of another connection, and this one commits nothing.
        let version = self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))?;
        if self.seen != Some(version) {
            self.recent.committed();
            (self.look)(&self.connection)?;
            self.seen = Some(version);
        }
        Ok(())
    }
}
