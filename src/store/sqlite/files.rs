//! The files of a database: for the eyes of its owner only, and named after it.

use std::fs::{DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::clock::Timestamp;

/// What `SQLite` keeps beside a database while it is open, and after a crash.
pub(super) const SIDECARS: [&str; 3] = ["-wal", "-shm", "-journal"];

/// Makes the directory that a file is to be in.
pub(super) fn create_directory_of(path: &Path) -> io::Result<()> {
    let directory = directory_of(path);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(directory)
}

/// Makes a file that is not there yet.
pub(super) fn create_new(path: &Path) -> io::Result<File> {
    owner_only().create_new(true).open(path)
}

/// Opens a file, and makes it where there is none.
pub(super) fn open_or_create(path: &Path) -> io::Result<File> {
    owner_only().create(true).truncate(false).open(path)
}

/// Syncs the directory a file is in: only then does a rename outlive a power cut.
pub(super) fn sync_directory_of(path: &Path) -> io::Result<()> {
    File::open(directory_of(path))?.sync_all()
}

/// The file whose name has an ending more.
pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

/// How long a file is; nothing where there is none.
pub(super) fn length(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |file| file.len())
}

/// A time as a part of a file name: `20300131T235959Z`.
pub(super) fn stamp(time: Timestamp) -> String {
    let time = jiff::Timestamp::from_second(time.as_seconds()).unwrap_or_default();
    time.strftime("%Y%m%dT%H%M%SZ").to_string()
}

/// A file under a name of its own until it is whole; removed when this is dropped before.
#[derive(Debug)]
pub(super) struct Unfinished(PathBuf);

impl Unfinished {
    /// Makes `PATH.partial-PROCESS`, empty.
    pub(super) fn beside(path: &Path) -> io::Result<(Self, File)> {
        let unfinished = beside(path, &format!(".partial-{}", std::process::id()));
        let file = create_new(&unfinished)?;
        Ok((Self(unfinished), file))
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// Syncs it and gives it its name, in the place of what had it.
    pub(super) fn finish(self, path: &Path) -> io::Result<()> {
        File::open(&self.0)?.sync_all()?;
        std::fs::rename(&self.0, path)?;
        sync_directory_of(path)
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Gone already after it was finished; nobody is left to be told otherwise.
        drop(std::fs::remove_file(&self.0));
        for ending in SIDECARS {
            drop(std::fs::remove_file(beside(&self.0, ending)));
        }
    }
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true).mode(0o600);
    options
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_sorts_as_the_time_does() {
        let stamps = [0, 999, 1_000, 1_790_000_000_000].map(|at| stamp(Timestamp::from_millis(at)));
        let expected = [
            "19700101T000000Z",
            "19700101T000000Z",
            "19700101T000001Z",
            "20260921T141320Z",
        ];
        assert_eq!(stamps, expected);
    }

    #[test]
    fn what_is_not_finished_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let (unfinished, _) = Unfinished::beside(&path).unwrap();
        std::fs::write(beside(unfinished.path(), "-wal"), "x").unwrap();
        drop(unfinished);
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
        let (unfinished, _) = Unfinished::beside(&path).unwrap();
        unfinished.finish(&path).unwrap();
        assert_eq!(directory.path().read_dir().unwrap().count(), 1);
        assert!(path.exists());
    }
}
