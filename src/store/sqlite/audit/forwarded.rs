//! What an upstream did: records without a write here.

use std::sync::Arc;

use futures_util::future::BoxFuture;

use super::append;
use crate::command::Id;
use crate::journal::forwarded::{ForwardLog, Forwarded};
use crate::journal::record::Record;
use crate::store::sqlite::SqliteStore;
use crate::store::sqlite::writer::Undo;

impl ForwardLog for SqliteStore {
    fn forwarded(&self, write: Forwarded) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            let seal = Arc::clone(&self.seal);
            let record = forwarded_record(&write);
            let written = self.writer.write_as(Undo::WithAll, move |connection| {
                append(connection, &seal, record)
            });
            if let Err(error) = written.await {
                tracing::error!(
                    request.id = write.entry.request_id,
                    call.action = write.entry.action.name(),
                    error = ?error,
                    "the audit trail lacks a write that an upstream carried out"
                );
            }
        })
    }
}

/// The record of a write that an upstream carried out.
pub(in crate::store::sqlite) fn forwarded_record(write: &Forwarded) -> Record {
    Record {
        user: write.user.map(Id::value),
        group: write.group.map(Id::value),
        ..Record::of(&write.entry, write.outcome)
    }
}
