//! `dragoman store restore`: a backup in the place of the store.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::store_backup::summary;
use super::store_progress::Progress;
use super::{load, remark};
use crate::clock::Clock;
use crate::store::sqlite::restore::restore;

/// Puts the backup in the place of the store.
pub(super) fn run(
    config: Option<PathBuf>,
    store: Option<&str>,
    file: &Path,
    force: bool,
) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    let database = &config.store.database;
    let mut progress = Progress::new("copied");
    let now = Clock::system().now();
    let restored = restore(file, database, force, now, &mut |done, total| {
        progress.show(done, total);
    });
    drop(progress);
    let restored = restored.map_err(|error| Failure::failed("nothing was restored", error))?;
    let mut text = format!(
        "{} is restored: {}.",
        database.display(),
        summary(&restored.contents)
    );
    // Writing to a string cannot fail.
    if let Some(replaced) = restored.replaced {
        let _ = write!(text, "\nWhat was there is kept: {}.", replaced.display());
    }
    let pepper = config.auth.pepper_file.display();
    let _ = if matches!(config.auth.pepper_file.try_exists(), Ok(true)) {
        write!(
            text,
            "\nKeys work if {pepper} is the pepper they were made under."
        )
    } else {
        write!(
            text,
            "\nThe pepper, {pepper}, is missing: put the one there that the keys were made under."
        )
    };
    remark(&text);
    Ok(())
}
