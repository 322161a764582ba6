//! Calls that are to be done once.

use futures_util::future::BoxFuture;
use rusqlite::{Connection, OptionalExtension, params};

use super::SqliteStore;
use super::audit::Draft;
use super::failure::Failure;
use crate::clock::Timestamp;
use crate::error::Error;
use crate::journal::once::{Answer, Claim, Known, OnceLog, State};
use crate::journal::seal::Digest;
use crate::outcome::Outcome;
use crate::store::once::ForgetCalls;
use crate::store::{StoreError, StoreFuture};

/// How many calls are forgotten in one transaction, so that nobody waits long for their turn.
const AT_ONCE: usize = 500;

/// Carries a write out; where it is claimed, unless its call is known. What it is answered is kept in the
/// transaction of its effect: `answer` is nothing where it had none.
pub(super) fn once<T>(
    connection: &Connection,
    draft: &Draft,
    answer: impl FnOnce(&T) -> Option<Outcome>,
    work: impl FnOnce() -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let Some(held) = &draft.entry().once else {
        return work();
    };
    let claim = held.claim();
    if find(connection, claim.key, claim.at)?.is_some() {
        return Err(StoreError::Repeated);
    }
    let done = work()?;
    if let Some(outcome) = answer(&done) {
        write(connection, claim, Some(&Answer::of(&outcome, &[])))?;
    }
    Ok(done)
}

impl OnceLog for SqliteStore {
    fn find(&self, key: Digest, at: Timestamp) -> BoxFuture<'_, Result<Option<Known>, Error>> {
        Box::pin(async move {
            let found = self
                .readers
                .read(move |connection| find(connection, key, at));
            Ok(found.await?)
        })
    }

    fn begin(&self, claim: Claim) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let begun = self.writer.write(move |connection| {
                if find(connection, claim.key, claim.at)?.is_some() {
                    return Err(StoreError::Repeated);
                }
                write(connection, &claim, None)
            });
            Ok(begun.await?)
        })
    }

    fn settle(&self, claim: Claim, answer: Option<Answer>) -> BoxFuture<'_, Result<(), Error>> {
        Box::pin(async move {
            let settled = self.writer.write(move |connection| match &answer {
                Some(answer) => write(connection, &claim, Some(answer)),
                None => remove(connection, claim.key),
            });
            Ok(settled.await?)
        })
    }
}

impl ForgetCalls for SqliteStore {
    fn forget_calls(&self, now: Timestamp) -> StoreFuture<'_, bool> {
        Box::pin(self.writer.write(move |connection| forget(connection, now)))
    }

    fn has_old_calls(&self, now: Timestamp) -> StoreFuture<'_, bool> {
        Box::pin(self.readers.read(move |connection| {
            let sql = "SELECT EXISTS (SELECT 1 FROM idempotency WHERE until <= ?1)";
            let mut select = connection.prepare_cached(sql)?;
            Ok(select.query_row([now.as_millis()], |row| row.get(0))?)
        }))
    }
}

fn find(connection: &Connection, key: Digest, at: Timestamp) -> Result<Option<Known>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT fingerprint, answer FROM idempotency WHERE key = ?1 AND until > ?2",
    )?;
    let found = select.query_row(params![key.as_bytes(), at.as_millis()], |row| {
        Ok((row.get::<_, Vec<u8>>(0)?, row.get::<_, Option<String>>(1)?))
    });
    let Some((fingerprint, answer)) = found.optional()? else {
        return Ok(None);
    };
    let fingerprint = <[u8; 32]>::try_from(fingerprint);
    let fingerprint = fingerprint.map_err(|_| Failure::Unreadable("fingerprint"))?;
    Ok(Some(Known {
        fingerprint: Digest::from_bytes(fingerprint),
        state: answer.map_or(State::Sent, |text| State::Done(Answer::from_stored(text))),
    }))
}

/// What is there of that key by now is the same call, or has expired.
fn write(
    connection: &Connection,
    claim: &Claim,
    answer: Option<&Answer>,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "INSERT OR REPLACE INTO idempotency (key, fingerprint, answer, until)
             VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![
            claim.key.as_bytes(),
            claim.fingerprint.as_bytes(),
            answer.map(Answer::as_str),
            claim.until.as_millis(),
        ])?;
    Ok(())
}

fn remove(connection: &Connection, key: Digest) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM idempotency WHERE key = ?1")?
        .execute([key.as_bytes()])?;
    Ok(())
}

fn forget(connection: &Connection, now: Timestamp) -> Result<bool, StoreError> {
    let at_once = i64::try_from(AT_ONCE).unwrap_or(i64::MAX);
    let forgotten = connection
        .prepare_cached(
            "DELETE FROM idempotency WHERE key IN
                 (SELECT key FROM idempotency WHERE until <= ?1 ORDER BY until LIMIT ?2)",
        )?
        .execute(params![now.as_millis(), at_once])?;
    Ok(forgotten == AT_ONCE)
}
