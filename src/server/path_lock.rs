//! The right to a path, beside the path.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// The right to make and remove what is at a path: an exclusive lock on `PATH.lock`, which is removed
/// at the end. The kernel ends the lock of a process that is killed, and the next takes its file over.
#[derive(Debug)]
pub(super) struct PathLock {
    file: File,
    path: PathBuf,
}

impl PathLock {
    /// Takes it. Never waits: where another has it, that is an error.
    pub(super) fn take(path: &Path) -> io::Result<Self> {
        let mut name = path.as_os_str().to_owned();
        name.push(".lock");
        let path = PathBuf::from(name);
        // Who had it may remove the file between the two: then the lock is on a file that is nobody's.
        loop {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)?;
            file.try_lock()?;
            if is_at(&path, &file) {
                return Ok(Self { file, path });
            }
        }
    }
}

impl Drop for PathLock {
    fn drop(&mut self) {
        if is_at(&self.path, &self.file) {
            // What stays is a file without a lock, which the next start takes over.
            drop(fs::remove_file(&self.path));
        }
    }
}

fn is_at(path: &Path, file: &File) -> bool {
    let (Ok(found), Ok(own)) = (fs::symlink_metadata(path), file.metadata()) else {
        return false;
    };
    (found.dev(), found.ino()) == (own.dev(), own.ino())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_has_it_and_nothing_of_it_is_left() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let lock = PathLock::take(&path).unwrap();
        let error = PathLock::take(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
        drop(lock);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
        PathLock::take(&path).unwrap();
    }

    #[test]
    fn what_a_killed_process_left_is_taken_over() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        fs::write(directory.path().join("socket.lock"), "").unwrap();
        PathLock::take(&path).unwrap();
    }

    #[test]
    fn a_file_that_was_removed_is_no_lock_and_the_one_in_its_place_is_left_there() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("socket");
        let first = PathLock::take(&path).unwrap();
        // Kept, so that its number is not given to the next.
        fs::rename(&first.path, directory.path().join("aside")).unwrap();
        let _second = PathLock::take(&path).unwrap();
        drop(first);
        let error = PathLock::take(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::WouldBlock);
    }
}
