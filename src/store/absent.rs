//! What stands where a gateway has no store: nobody signs in, and what the audit trail would keep
//! goes to the log.

use std::net::IpAddr;

use futures_util::future::{BoxFuture, ready};

use super::crosswalk::{CrosswalkStore, Found, Named};
use crate::auth::authenticate::{Login, UserDirectory};
use crate::auth::password::PasswordHash;
use crate::clock::Timestamp;
use crate::command::{AccountId, Id};
use crate::error::Error;
use crate::journal::Entry;
use crate::journal::denial::{Denial, DenialLog, Verdict};
use crate::journal::forwarded::{ForwardLog, Forwarded};
use crate::store::kept::{Kept, KeptChange, KeptField, KeptFields, Realm};
use crate::store::{StoreError, StoreFuture};

/// No store.
#[derive(Clone, Copy, Debug, Default)]
pub struct Absent;

impl UserDirectory for Absent {
    fn find_login(&self, _: AccountId, _: String) -> BoxFuture<'_, Result<Option<Login>, Error>> {
        Box::pin(ready(Ok(None)))
    }

    fn find_login_by_id(&self, _: AccountId, _: Id) -> BoxFuture<'_, Result<Option<Login>, Error>> {
        Box::pin(ready(Ok(None)))
    }

    fn renew_hash(
        &self,
        _: Id,
        _: PasswordHash,
        _: PasswordHash,
        _: Entry,
    ) -> BoxFuture<'_, Result<bool, Error>> {
        Box::pin(ready(Ok(false)))
    }
}

/// The line of the call says who was not let; a write of unknown outcome gets one of its own.
impl DenialLog for Absent {
    fn denied(&self, denial: Denial) {
        match denial.verdict {
            Verdict::Unknown => {
                note(&denial.entry, denial.user, denial.group, "unknown");
            }
            Verdict::Denied(_) => {}
        }
    }

    fn unauthenticated(&self, _: Timestamp, _: Option<IpAddr>) {}

    fn write_counts(&self, _: Timestamp) {}
}

impl ForwardLog for Absent {
    fn forwarded(&self, write: Forwarded) -> BoxFuture<'_, ()> {
        note(&write.entry, write.user, write.group, write.outcome.name());
        Box::pin(ready(()))
    }
}

/// The configuration refuses to keep what there is no store for.
impl KeptFields for Absent {
    fn keep(&self, change: KeptChange, write: Forwarded) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            let is_value = |value: &Kept| matches!(value, Kept::Value(_));
            if change.edits.iter().any(|edit| is_value(&edit.value)) {
                return Err(StoreError::Unavailable("there is no store".into()));
            }
            self.forwarded(write).await;
            Ok(())
        })
    }

    fn doubt(&self, _: Realm, _: Id, _: Vec<String>) -> StoreFuture<'_, ()> {
        Box::pin(ready(Ok(())))
    }

    fn kept(&self, _: Realm, _: Vec<Id>) -> StoreFuture<'_, Vec<KeptField>> {
        Box::pin(ready(Ok(Vec::new())))
    }
}

/// What is remembered of upstreams is in memory only.
impl CrosswalkStore for Absent {
    fn keeps_crosswalk(&self) -> bool {
        false
    }

    fn recall(&self, _: String, _: Named, _: Timestamp) -> StoreFuture<'_, Option<Found>> {
        Box::pin(ready(Ok(None)))
    }

    fn remember(&self, _: String, _: Named, _: Found, _: Timestamp) {}

    fn forget_user(&self, _: String, _: Option<Named>, _: Option<Id>) {}
}

fn note(entry: &Entry, user: Option<Id>, group: Option<Id>, outcome: &str) {
    tracing::info!(
        request.id = entry.request_id,
        call.caller = entry.principal,
        call.action = entry.action.name(),
        call.route = entry.route,
        user = user.map(Id::value),
        group = group.map(Id::value),
        outcome,
        "forwarded"
    );
}
