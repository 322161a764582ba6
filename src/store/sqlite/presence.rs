//! Who has a store open.

use std::fs::{File, TryLockError};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use super::files::{beside, open_or_create};
use super::open::OpenError;

/// The lock file beside a database. Every process that has the store open holds a shared lock on
/// it, so whoever gets it alone knows that nobody else is there.
///
/// It is a file of its own because closing any descriptor of the database itself would drop the
/// locks `SQLite` has on it.
#[derive(Debug)]
pub(super) struct Presence {
    lock: File,
    path: PathBuf,
}

impl Presence {
    /// Takes part, and tells whether alone. Whoever is alone keeps others waiting until
    /// [`Presence::share`].
    pub(super) fn enter(database: &Path) -> Result<(Self, bool), OpenError> {
        if let Some(alone) = Self::alone(database)? {
            return Ok((alone, true));
        }
        let presence = Self::open(database)?;
        presence.lock.lock_shared().map_err(presence.failed())?;
        Ok((presence, false))
    }

    /// Takes part if nobody else does.
    pub(super) fn alone(database: &Path) -> Result<Option<Self>, OpenError> {
        let presence = Self::open(database)?;
        match presence.lock.try_lock() {
            Ok(()) => Ok(Some(presence)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(presence.failed()(source)),
        }
    }

    /// Lets others in. Between the two locks nobody has one, so a restore can slip in and put
    /// another file where `opened` was.
    pub(super) fn share(&self, database: &Path, opened: FileId) -> Result<(), OpenError> {
        self.lock
            .unlock()
            .and_then(|()| self.lock.lock_shared())
            .map_err(self.failed())?;
        if FileId::of(database).map_err(self.failed())? == opened {
            return Ok(());
        }
        Err(OpenError::Replaced)
    }

    fn open(database: &Path) -> Result<Self, OpenError> {
        let path = beside(database, "-lock");
        match open_or_create(&path) {
            Ok(lock) => Ok(Self { lock, path }),
            Err(source) => Err(OpenError::File { path, source }),
        }
    }

    fn failed(&self) -> impl Fn(io::Error) -> OpenError {
        |source| OpenError::File {
            path: self.path.clone(),
            source,
        }
    }
}

/// Which file has a name just now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FileId {
    device: u64,
    number: u64,
}

impl FileId {
    /// The file of that name.
    pub(super) fn of(path: &Path) -> io::Result<Self> {
        let file = std::fs::metadata(path)?;
        Ok(Self {
            device: file.dev(),
            number: file.ino(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_first_is_alone_until_it_shares() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("store.db");
        std::fs::write(&database, "").unwrap();
        let (first, alone) = Presence::enter(&database).unwrap();
        assert!(alone);
        assert!(Presence::alone(&database).unwrap().is_none());
        let opened = FileId::of(&database).unwrap();
        first.share(&database, opened).unwrap();
        let (second, alone) = Presence::enter(&database).unwrap();
        assert!(!alone);
        drop(first);
        assert!(Presence::alone(&database).unwrap().is_none());
        drop(second);
        assert!(Presence::alone(&database).unwrap().is_some());
    }

    #[test]
    fn a_database_that_was_replaced_while_it_was_opened_is_noticed() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("store.db");
        std::fs::write(&database, "opened").unwrap();
        let (presence, _) = Presence::enter(&database).unwrap();
        let opened = FileId::of(&database).unwrap();
        std::fs::rename(&database, directory.path().join("aside")).unwrap();
        std::fs::write(&database, "restored").unwrap();
        let refused = presence.share(&database, opened).unwrap_err();
        assert!(matches!(refused, OpenError::Replaced));
    }
}
