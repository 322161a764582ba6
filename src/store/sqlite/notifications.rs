//! The queue of notifications: one row for each that was not sent.

use std::sync::Arc;

use futures_util::future::BoxFuture;
use rusqlite::{Connection, Row, named_params, params};

use super::SqliteStore;
use super::audit::{self, Draft};
use super::columns::Columns;
use super::write_connection::WriteConnection;
use crate::clock::Timestamp;
use crate::command::AccountId;
use crate::command::email::Email;
use crate::command::name::Username;
use crate::command::user::User;
use crate::journal::Act;
use crate::journal::event::{Event, EventId};
use crate::journal::record::{Outcome, Record};
use crate::journal::seal::Seal;
use crate::store::notifications::{
    Notification, NotificationQueue, Settlement, State, Taken, Unsent,
};
use crate::store::{StoreError, StoreFuture};

/// Who settles notifications, in audit records.
const NOTIFIER: &str = "notifier";

/// Who forgets them.
const COMMAND_LINE: &str = "command line";

impl NotificationQueue for SqliteStore {
    // Taking goes through the one thread that writes, so that it sees whatever was answered. It
    // costs a sync only when there is something to send.
    fn take_notification(&self, now: Timestamp, hold: Timestamp) -> StoreFuture<'_, Taken> {
        Box::pin(
            self.writer
                .write(move |connection| take(connection, now, hold)),
        )
    }

    fn settle_notification(
        &self,
        id: EventId,
        settlement: Settlement,
        now: Timestamp,
    ) -> StoreFuture<'_, ()> {
        let seal = Arc::clone(&self.seal);
        Box::pin(
            self.writer
                .write(move |connection| settle(connection, &seal, id, settlement, now)),
        )
    }

    fn notification_queued(&self) -> BoxFuture<'_, ()> {
        Box::pin(self.queued.notified())
    }

    fn list_notifications(&self) -> StoreFuture<'_, Vec<Unsent>> {
        Box::pin(self.readers.read(list))
    }

    fn retry_notifications(&self, id: Option<EventId>, now: Timestamp) -> StoreFuture<'_, usize> {
        Box::pin(
            self.writer
                .write(move |connection| retry(connection, id, now)),
        )
    }

    fn forget_notifications(&self, id: Option<EventId>, now: Timestamp) -> StoreFuture<'_, usize> {
        let seal = Arc::clone(&self.seal);
        Box::pin(
            self.writer
                .write(move |connection| forget(connection, &seal, id, now)),
        )
    }
}

impl SqliteStore {
    /// Wakes whoever sends notifications once a write that queued one is durable. If the caller of
    /// the write leaves meanwhile, the sender looks by itself after a while.
    pub(super) async fn wake_sender<T>(
        &self,
        queues: bool,
        written: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let written = written.await?;
        if queues {
            self.queued.notify_one();
        }
        Ok(written)
    }
}

/// Queues what a write promised, if it did.
pub(super) fn queue(
    connection: &Connection,
    draft: &Draft,
    event: Event,
    user: &User,
) -> Result<(), StoreError> {
    let entry = draft.entry();
    let Some(id) = entry.event else {
        return Ok(());
    };
    let mut insert = connection.prepare_cached(
        "INSERT INTO notifications (id, event, at, request_id, account_id, user_id, username,
                                    email, full_name, state, queued_at, due_at, attempts)
         VALUES (:id, :event, :at, :request_id, :account, :user, :username, :email, :full_name,
                 :state, :at, :at, 0)",
    )?;
    insert.execute(named_params! {
        ":id": id.to_string(),
        ":event": event.name(),
        ":at": entry.at.as_millis(),
        ":request_id": entry.request_id,
        ":account": user.account.id().value(),
        ":user": user.id.value(),
        ":username": user.username.as_str(),
        ":email": user.email.as_ref().map(Email::as_str),
        ":full_name": user.full_name(),
        ":state": State::Waiting.name(),
    })?;
    Ok(())
}

fn take(connection: &Connection, now: Timestamp, hold: Timestamp) -> Result<Taken, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT * FROM notifications WHERE state = 'waiting' ORDER BY due_at, number LIMIT 1",
    )?;
    let first = select.query_and_then([], unsent)?.next().transpose()?;
    let Some(first) = first else {
        return Ok(Taken::NothingBefore(None));
    };
    if first.due > now {
        return Ok(Taken::NothingBefore(Some(first.due)));
    }
    connection
        .prepare_cached("UPDATE notifications SET due_at = ?2 WHERE id = ?1")?
        .execute(params![first.notification.id.to_string(), hold.as_millis()])?;
    Ok(Taken::Due(Box::new(first.notification)))
}

fn settle(
    connection: &WriteConnection,
    seal: &Seal,
    id: EventId,
    settlement: Settlement,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(found) = find(connection, id)? else {
        // Forgotten meanwhile, which has its record.
        return Ok(());
    };
    let (outcome, problem) = match settlement {
        Settlement::Later { due, problem } => {
            return postpone(connection, id, State::Waiting, due, &problem);
        }
        Settlement::Sent => {
            remove(connection, id)?;
            (Outcome::Done, None)
        }
        Settlement::Failed { problem } => {
            postpone(connection, id, State::Failed, now, &problem)?;
            (Outcome::Failed, Some(problem))
        }
    };
    let about = &found.notification;
    audit::append(
        connection,
        seal,
        record(NOTIFIER, about, outcome, problem, now),
    )
}

fn postpone(
    connection: &Connection,
    id: EventId,
    state: State,
    due: Timestamp,
    problem: &str,
) -> Result<(), StoreError> {
    connection
        .prepare_cached(
            "UPDATE notifications
             SET state = ?2, due_at = ?3, problem = ?4, attempts = attempts + 1 WHERE id = ?1",
        )?
        .execute(params![
            id.to_string(),
            state.name(),
            due.as_millis(),
            problem
        ])?;
    Ok(())
}

fn remove(connection: &Connection, id: EventId) -> Result<(), StoreError> {
    connection
        .prepare_cached("DELETE FROM notifications WHERE id = ?1")?
        .execute([id.to_string()])?;
    Ok(())
}

fn record(
    principal: &str,
    about: &Notification,
    outcome: Outcome,
    reason: Option<String>,
    now: Timestamp,
) -> Record {
    Record {
        principal: Some(principal.to_owned()),
        action: Some(Act::NotifyUser.name().to_owned()),
        account: Some(about.account.id().value()),
        user: Some(about.user.value()),
        request_id: Some(about.request_id.clone()),
        reason,
        ..Record::bare(now, outcome)
    }
}

fn find(connection: &Connection, id: EventId) -> Result<Option<Unsent>, StoreError> {
    let mut select = connection.prepare_cached("SELECT * FROM notifications WHERE id = ?1")?;
    select
        .query_and_then([id.to_string()], unsent)?
        .next()
        .transpose()
}

fn list(connection: &Connection) -> Result<Vec<Unsent>, StoreError> {
    let mut select = connection.prepare_cached("SELECT * FROM notifications ORDER BY number")?;
    select.query_and_then([], unsent)?.collect()
}

fn retry(
    connection: &Connection,
    id: Option<EventId>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut update = connection.prepare_cached(
        "UPDATE notifications SET state = 'waiting', queued_at = :now, due_at = :now, attempts = 0
         WHERE state = 'failed' AND (:id IS NULL OR id = :id)",
    )?;
    let id = id.map(|id| id.to_string());
    Ok(update.execute(named_params! { ":id": id, ":now": now.as_millis() })?)
}

fn forget(
    connection: &WriteConnection,
    seal: &Seal,
    id: Option<EventId>,
    now: Timestamp,
) -> Result<usize, StoreError> {
    let mut forgotten = list(connection)?;
    forgotten.retain(|unsent| id.is_none_or(|id| id == unsent.notification.id));
    for unsent in &forgotten {
        remove(connection, unsent.notification.id)?;
        // What was given up has its record.
        if unsent.state == State::Waiting {
            let reason = Some("it was forgotten".to_owned());
            let about = &unsent.notification;
            let record = record(COMMAND_LINE, about, Outcome::Failed, reason, now);
            audit::append(connection, seal, record)?;
        }
    }
    Ok(forgotten.len())
}

fn unsent(row: &Row<'_>) -> Result<Unsent, StoreError> {
    let columns = Columns(row);
    let time = |name| columns.required(name, |millis| Some(Timestamp::from_millis(millis)));
    Ok(Unsent {
        notification: Notification {
            id: columns.required("id", |text: String| EventId::parse(&text))?,
            event: columns.required("event", |text: String| Event::from_name(&text))?,
            at: time("at")?,
            request_id: row.get("request_id")?,
            account: AccountId::new(columns.id("account_id")?),
            user: columns.id("user_id")?,
            username: columns
                .required("username", |text: String| Some(Username::from_stored(text)))?,
            email: columns.parse("email", |text: String| Some(Email::from_stored(text)))?,
            full_name: row.get("full_name")?,
            queued_at: time("queued_at")?,
            attempts: row.get("attempts")?,
        },
        state: columns.required("state", |text: String| State::from_name(&text))?,
        due: time("due_at")?,
        problem: row.get("problem")?,
    })
}
