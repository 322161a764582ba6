//! `dragoman notify`: what was promised to users and not sent.

pub(super) mod arguments;

use std::path::PathBuf;

use serde::Serialize;

use self::arguments::NotifyCommand;
use super::failure::Failure;
use super::{key_times, load, remark, say, store};
use crate::clock::Clock;
use crate::journal::event::EventId;
use crate::store::notifications::{NotificationQueue, Unsent};

/// Does what was asked, on the configured store.
pub(super) fn run(
    config: Option<PathBuf>,
    store: Option<&str>,
    command: NotifyCommand,
) -> Result<(), Failure> {
    let config = load::with_store(config, store)?;
    let clock = Clock::system();
    // To look is no reason to make a store.
    if matches!(config.store.database.try_exists(), Ok(false)) {
        let database = config.store.database.display();
        return Err(Failure::Failed(format!("there is no store at {database}")));
    }
    match command {
        NotifyCommand::List { json } => {
            let unsent = store::with(&config, &clock, async |_, store| {
                store.list_notifications().await
            })?;
            say(&shown(&unsent, json)?)
        }
        NotifyCommand::Retry { which } => {
            let retried = store::with(&config, &clock, async |_, store| {
                store.retry_notifications(which.id, clock.now()).await
            })?;
            done(which.id, retried, "tried again")
        }
        NotifyCommand::Forget { which } => {
            let forgotten = store::with(&config, &clock, async |_, store| {
                store.forget_notifications(which.id, clock.now()).await
            })?;
            done(which.id, forgotten, "forgotten")
        }
    }
}

fn done(id: Option<EventId>, count: usize, what: &str) -> Result<(), Failure> {
    if let Some(id) = id
        && count == 0
    {
        return Err(Failure::Failed(format!(
            "there is no notification {id} to be {what}: see `dragoman notify list`"
        )));
    }
    remark(&format!("Notifications that are {what}: {count}."));
    Ok(())
}

fn shown(unsent: &[Unsent], json: bool) -> Result<String, Failure> {
    let lines = unsent.iter().map(|unsent| {
        let row = Row::of(unsent);
        if json {
            serde_json::to_string(&row).map(|line| format!("{line}\n"))
        } else {
            Ok(row.line())
        }
    });
    lines
        .collect::<Result<_, _>>()
        .map_err(|error| Failure::failed("cannot write a notification as JSON", error))
}

#[derive(Serialize)]
struct Row<'a> {
    id: String,
    event: &'static str,
    at: Option<String>,
    account: i64,
    user: i64,
    request_id: &'a str,
    state: &'static str,
    due: Option<String>,
    attempts: u32,
    problem: Option<&'a str>,
}

impl<'a> Row<'a> {
    fn of(unsent: &'a Unsent) -> Self {
        let notification = &unsent.notification;
        Self {
            id: notification.id.to_string(),
            event: notification.event.name(),
            at: key_times::shown(notification.at),
            account: notification.account.id().value(),
            user: notification.user.value(),
            request_id: &notification.request_id,
            state: unsent.state.name(),
            due: key_times::shown(unsent.due),
            attempts: notification.attempts,
            problem: unsent.problem.as_deref(),
        }
    }

    fn line(&self) -> String {
        format!(
            "{}  {}  user:{}  {} {}  attempts {}  {}\n",
            self.id,
            self.event,
            self.user,
            self.state,
            self.due.as_deref().unwrap_or("-"),
            self.attempts,
            self.problem.unwrap_or("-"),
        )
    }
}
