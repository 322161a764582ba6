//! `dragoman store backup`: a copy of the store, made while it is in use.

use std::path::{Path, PathBuf};

use super::failure::Failure;
use super::store_progress::Progress;
use super::{load, remark};
use crate::store::sqlite::Contents;
use crate::store::sqlite::backup::backup;

/// Copies the store to a file.
pub(super) fn run(
    config: Option<PathBuf>,
    store: Option<&str>,
    file: &Path,
) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    let mut progress = Progress::new("copied");
    let copied = backup(&config.store.database, file, &mut |done, total| {
        progress.show(done, total);
    });
    drop(progress);
    let contents = copied.map_err(|error| Failure::failed("no backup was made", error))?;
    remark(&format!(
        "{} is a backup of {}: {}.\n\
         The pepper, {}, is not in it: keep a copy of it in another place.",
        file.display(),
        config.store.database.display(),
        summary(&contents),
        config.auth.pepper_file.display(),
    ));
    Ok(())
}

/// What was copied, in a few words.
pub(super) fn summary(contents: &Contents) -> String {
    let bytes = contents.pages.saturating_mul(contents.page_bytes);
    let schema = contents.schema.unwrap_or_default();
    format!("schema {schema}, {bytes} bytes, checked")
}
