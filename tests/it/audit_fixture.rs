//! Reading and checking the audit trail of a store.

use dragoman::journal::record::{Record, RecordQuery};
use dragoman::journal::seal::Link;
use dragoman::journal::verify::{Broken, Verifier, Whole};
use dragoman::store::audit::AuditStore;
use dragoman::store::sqlite::SqliteStore;

use crate::store_fixture::seal;

/// Every record that was queued before this was called, the oldest first.
pub(crate) async fn records(store: &SqliteStore) -> Vec<Record> {
    // It passes the writer's queue, so it comes after what was queued and is waited for by nobody.
    store.writer_settings().await.unwrap();
    store
        .list_records(RecordQuery::all(u32::MAX))
        .await
        .unwrap()
}

/// Walks the chain.
pub(crate) async fn verify(store: &SqliteStore, noted: Option<Link>) -> Result<Whole, Broken> {
    let mut verifier = Verifier::new(seal(), noted);
    let written = store.written_records().await.unwrap();
    for record in records(store).await {
        verifier.check(&record)?;
    }
    verifier.finish(written)
}
