//! Telling what is kept in memory of changes to the file, whichever process made them.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::presence::Presence;
use super::recent::Recent;
use super::{connect, keys};
use crate::auth::keys::Key;
use crate::store::StoreError;

/// How often is looked. A revoked key works that much longer at most, and what another process
/// writes is read that much later.
const INTERVAL: Duration = Duration::from_millis(250);

/// A thread that watches, until this is dropped.
#[derive(Debug)]
pub(super) struct Watch {
    stop: Sender<()>,
    thread: JoinHandle<()>,
}

impl Watch {
    /// Starts the thread. `ready` is told when the keys were passed on for the first time.
    pub(super) fn start(
        path: PathBuf,
        presence: Arc<Presence>,
        recent: Recent,
        changed: Box<dyn Fn(Vec<Key>) + Send + Sync>,
        ready: oneshot::Sender<Result<(), StoreError>>,
    ) -> std::io::Result<Self> {
        let (stop, stopped) = channel();
        let thread = thread::Builder::new()
            .name("store-keys".to_owned())
            .spawn(move || {
                match connect::reader(&path) {
                    Ok(connection) => {
                        Watcher::new(connection, recent, changed).run(&stopped, ready);
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
    changed: Box<dyn Fn(Vec<Key>) + Send + Sync>,
    seen: Option<(i64, Vec<Key>)>,
}

impl Watcher {
    fn new(
        connection: Connection,
        recent: Recent,
        changed: Box<dyn Fn(Vec<Key>) + Send + Sync>,
    ) -> Self {
        Self {
            connection,
            recent,
            changed,
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
                    error = ?error,
                    "the keys cannot be read; the last ones that were read stay in use"
                );
            }
            if failing != looked.is_err() {
                self.recent.watched(looked.is_ok());
            }
            failing = looked.is_err();
        }
        self.recent.watched(false);
    }

    /// Passes the live keys on if they are not the ones of the last time.
    fn look(&mut self) -> Result<(), StoreError> {
        // It changes with every commit of another connection, and this one commits nothing.
        let version = self
            .connection
            .pragma_query_value(None, "data_version", |row| row.get(0))?;
        if let Some((seen, _)) = &self.seen
            && *seen == version
        {
            return Ok(());
        }
        self.recent.forget_all();
        let live = keys::live(&self.connection)?;
        if self.seen.as_ref().is_none_or(|(_, seen)| *seen != live) {
            (self.changed)(live.clone());
        }
        self.seen = Some((version, live));
        Ok(())
    }
}
