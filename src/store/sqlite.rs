//! The store in one `SQLite` file.
//!
//! One thread writes and several read, each with a connection of its own; other processes may have
//! the file open beside them. A write is answered after a commit that was synced to the disk, and
//! calls that wait together share one. Nothing here blocks an async thread but
//! [`SqliteStore::open`], which is for the start.

mod audit;
pub mod backup;
mod bulk;
pub mod check;
mod columns;
mod connect;
mod contents;
mod crosswalk;
mod directory;
mod export;
mod extensions;
mod failure;
mod files;
pub mod glance;
mod groups;
mod import;
mod kept;
mod keys;
mod members;
mod modes;
mod names;
mod notifications;
mod once;
pub mod open;
mod other_ids;
mod presence;
mod query;
mod readers;
mod recent;
pub mod restore;
mod schema;
mod users;
mod users_read;
mod users_write;
mod wal;
mod watch;
mod write_connection;
mod writer;

use std::future::ready;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use tokio::sync::Notify;

use self::audit::{Denials, Draft};
pub use self::contents::Contents;
use self::crosswalk::Notes;
use self::failure::Failure;
use self::once::once;
use self::open::OpenError;
use self::presence::Presence;
use self::readers::Readers;
use self::recent::Recent;
use self::watch::Watch;
use self::writer::{Writer, lock};
use super::reserved::ReservedNames;
use super::{MemberChange, Store, StoreError, StoreFuture};
use crate::auth::keys::KeyRecord;
use crate::auth::password::PasswordHash;
use crate::clock::Clock;
use crate::command::group::{Group, GroupChange, GroupRef};
use crate::command::member::{Member, Membership};
use crate::command::name::Username;
use crate::command::query::UserQuery;
use crate::command::user::{User, UserChange, UserRef};
use crate::command::{AccountId, Id};
use crate::journal::Entry;
use crate::journal::seal::Seal;
use crate::outcome::{Outcome, UserPage};

/// How the store is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameters {
    /// How many reads run at once; at least one. Each costs a thread, a connection and up to 2 MiB
    /// of cache.
    pub readers: usize,
    /// How many users that were read are kept in memory, about 1 KiB each; none for 0.
    pub cached_users: usize,
    /// How many writes may wait; more are refused.
    pub write_queue: usize,
    /// How many bytes the log may have that is written before the database. Only a reader that
    /// does not end makes it that long; then writes are refused until the reader is gone.
    pub log_bytes: u64,
    /// Names that no user and no group may take, in any spelling.
    pub reserved_names: Vec<String>,
}

impl Default for Parameters {
    fn default() -> Self {
        Self {
            readers: 4,
            cached_users: 10_000,
            write_queue: 1024,
            log_bytes: 1 << 30,
            reserved_names: Vec::new(),
        }
    }
}

/// A store in a file.
#[derive(Debug)]
pub struct SqliteStore {
    path: PathBuf,
    reserved: Arc<ReservedNames>,
    seal: Arc<Seal>,
    denials: Denials,
    notes: Notes,
    /// Told of each notification that is durably queued.
    queued: Notify,
    writer: Writer,
    readers: Readers,
    recent: Recent,
    /// Nothing once the store is closed.
    watches: Mutex<Option<Watches>>,
}

/// The threads that watch keys, and what each of them holds.
#[derive(Debug)]
struct Watches {
    presence: Arc<Presence>,
    running: Vec<Watch>,
}

impl SqliteStore {
    /// Opens the file, or makes it and its directory for the eyes of this user only, and brings
    /// its schema up to date. The audit trail is sealed with `seal`. Blocks: a file that was not
    /// closed well is checked as a whole.
    pub fn open(path: &Path, parameters: &Parameters, seal: Seal) -> Result<Self, OpenError> {
        let failed = |source| OpenError::File {
            path: path.to_owned(),
            source,
        };
        // An absolute path cannot be taken for one of SQLite's URIs.
        let path = std::path::absolute(path).map_err(failed)?;
        // The time is for the name of a backup only.
        let (writer, presence) = open::open(&path, Clock::system().now(), &seal)?;
        let presence = Arc::new(presence);
        let readers = (0..parameters.readers.max(1)).map(|_| connect::reader(&path));
        let readers = readers.collect::<Result<_, _>>()?;
        let recent = Recent::new(parameters.cached_users);
        Ok(Self {
            reserved: Arc::new(ReservedNames::new(&parameters.reserved_names)),
            seal: Arc::new(seal),
            denials: Denials::new(),
            notes: Notes::new(),
            queued: Notify::new(),
            readers: Readers::start(readers, &presence).map_err(failed)?,
            writer: Writer::start(
                path.clone(),
                writer,
                recent.clone(),
                Arc::clone(&presence),
                parameters,
            )
            .map_err(failed)?,
            recent,
            watches: Mutex::new(Some(Watches {
                presence,
                running: Vec::new(),
            })),
            path,
        })
    }

    /// The settings that durability rests on, by PRAGMA, as the writing connection reports them.
    pub async fn writer_settings(&self) -> Result<Vec<(&'static str, String)>, StoreError> {
        self.writer
            .write(|connection| Ok(connect::writer_settings(connection)?))
            .await
    }

    /// How many transactions were committed since the store was opened.
    pub fn commits(&self) -> u64 {
        self.writer.commits()
    }

    fn draft(&self, entry: Entry) -> Draft {
        Draft::new(entry, &self.seal)
    }
}

impl Store for SqliteStore {
    fn create_user(
        &self,
        change: UserChange,
        hash: Option<PasswordHash>,
        entry: Entry,
    ) -> StoreFuture<'_, Id> {
        let queues = entry.event.is_some();
        let draft = self.draft(entry);
        let reserved = Arc::clone(&self.reserved);
        let written = self.writer.write(move |connection| {
            once(
                connection,
                &draft,
                |id| Some(Outcome::UserCreated(*id)),
                || users::create(connection, &reserved, change, hash.as_ref(), &draft),
            )
        });
        Box::pin(self.wake_sender(queues, written))
    }

    fn update_user(
        &self,
        user: UserRef,
        change: UserChange,
        hash: Option<PasswordHash>,
        entry: Entry,
    ) -> StoreFuture<'_, Option<Id>> {
        let queues = entry.event.is_some();
        let draft = self.draft(entry);
        let reserved = Arc::clone(&self.reserved);
        let undo = users::undo(&change);
        let written = self.writer.write_as(undo, move |connection| {
            once(
                connection,
                &draft,
                |found: &Option<Id>| found.map(|_| Outcome::Done),
                || users::update(connection, &reserved, &user, change, hash.as_ref(), &draft),
            )
        });
        Box::pin(self.wake_sender(queues, written))
    }

    fn delete_user(&self, user: UserRef, entry: Entry) -> StoreFuture<'_, Option<Username>> {
        let draft = self.draft(entry);
        Box::pin(self.writer.write(move |connection| {
            let delete = || users::delete(connection, &user, &draft);
            once(
                connection,
                &draft,
                |name| name.clone().map(Outcome::UserDeleted),
                delete,
            )
        }))
    }

    fn read_user(&self, account: AccountId, user: UserRef) -> StoreFuture<'_, Option<User>> {
        if let UserRef::Id(id) = user
            && let Some(user) = self.recent.find(account, id)
        {
            return Box::pin(ready(Ok(Some(user))));
        }
        let recent = self.recent.clone();
        Box::pin(self.readers.read(move |connection| {
            let moment = recent.moment();
            let found = users_read::read(connection, account, &user)?;
            if let Some(user) = &found {
                recent.keep(moment, user);
            }
            Ok(found)
        }))
    }

    fn list_users(&self, account: AccountId, query: UserQuery) -> StoreFuture<'_, UserPage> {
        Box::pin(
            self.readers
                .read(move |connection| users_read::list(connection, account, query)),
        )
    }

    fn count_users(&self, account: AccountId, query: UserQuery) -> StoreFuture<'_, u64> {
        Box::pin(
            self.readers
                .read(move |connection| users_read::count(connection, account, query)),
        )
    }

    fn create_group(
        &self,
        change: GroupChange,
        hash: Option<PasswordHash>,
        entry: Entry,
    ) -> StoreFuture<'_, Id> {
        let draft = self.draft(entry);
        let reserved = Arc::clone(&self.reserved);
        Box::pin(self.writer.write(move |connection| {
            once(
                connection,
                &draft,
                |id| Some(Outcome::GroupCreated(*id)),
                || groups::create(connection, &reserved, change, hash.as_ref(), &draft),
            )
        }))
    }

    fn update_group(
        &self,
        group: GroupRef,
        change: GroupChange,
        hash: Option<PasswordHash>,
        entry: Entry,
    ) -> StoreFuture<'_, Option<Id>> {
        let draft = self.draft(entry);
        let reserved = Arc::clone(&self.reserved);
        Box::pin(self.writer.write(move |connection| {
            once(
                connection,
                &draft,
                |found: &Option<Id>| found.map(|_| Outcome::Done),
                || groups::update(connection, &reserved, &group, change, hash.as_ref(), &draft),
            )
        }))
    }

    fn delete_group(&self, group: GroupRef, entry: Entry) -> StoreFuture<'_, Option<Id>> {
        let draft = self.draft(entry);
        Box::pin(self.writer.write(move |connection| {
            let delete = || groups::delete(connection, &group, &draft);
            once(
                connection,
                &draft,
                |found: &Option<Id>| found.map(|_| Outcome::Done),
                delete,
            )
        }))
    }

    fn read_group(&self, account: AccountId, group: GroupRef) -> StoreFuture<'_, Option<Group>> {
        Box::pin(
            self.readers
                .read(move |connection| groups::read(connection, account, &group)),
        )
    }

    fn list_groups(&self, account: AccountId) -> StoreFuture<'_, Vec<Group>> {
        Box::pin(
            self.readers
                .read(move |connection| groups::list(connection, account)),
        )
    }

    fn change_member(
        &self,
        membership: Membership,
        change: MemberChange,
        entry: Entry,
    ) -> StoreFuture<'_, ()> {
        let draft = self.draft(entry);
        Box::pin(self.writer.write(move |connection| {
            let change = || members::change(connection, &membership, &change, &draft);
            once(connection, &draft, |()| Some(Outcome::Done), change)
        }))
    }

    fn list_members(
        &self,
        account: AccountId,
        group: GroupRef,
    ) -> StoreFuture<'_, Option<Vec<Member>>> {
        Box::pin(
            self.readers
                .read(move |connection| members::list(connection, account, &group)),
        )
    }

    fn bootstrap(
        &self,
        key: KeyRecord,
        username: Username,
        hash: PasswordHash,
        entry: Entry,
    ) -> StoreFuture<'_, bool> {
        let draft = self.draft(entry);
        Box::pin(
            self.writer.write(move |connection| {
                keys::bootstrap(connection, &key, username, &hash, &draft)
            }),
        )
    }

    fn close(&self) -> StoreFuture<'_, ()> {
        let watches = lock(&self.watches).take();
        let watches = watches.into_iter().flat_map(|watches| watches.running);
        let mut threads: Vec<_> = watches.map(Watch::stop).collect();
        threads.extend(self.readers.stop());
        let writer = self.writer.stop();
        let counts = self.last_counts();
        Box::pin(async move {
            let join = move || {
                threads.into_iter().try_for_each(JoinHandle::join)?;
                writer.map_or(Ok(()), |writer| writer.finish(counts))
            };
            let joined = tokio::task::spawn_blocking(join).await;
            Ok(joined
                .map_err(|_| Failure::Panicked)?
                .map_err(|_| Failure::Panicked)?)
        })
    }
}
