//! Permitted → store → outcome.

mod deadline;
mod write;

use std::sync::Arc;
use std::time::Instant;

use self::deadline::read;
use self::write::Write;
use crate::auth::password::PasswordHasherPool;
use crate::auth::sign_in::SignIn;
use crate::auth::{Context, Permitted, Principal};
use crate::clock::Clock;
use crate::command::native::Native;
use crate::command::timezone::Timezone;
use crate::command::{AccountId, Action, Command};
use crate::error::{Error, Kind};
use crate::journal::Entry;
use crate::journal::event::EventId;
use crate::outcome::{Done, Outcome};
use crate::store::{MemberChange, Store};

/// What is logged and audited of a user who should have been told.
const NOT_NOTIFIED: &str = "the user is not notified: no notifier is configured";

/// Carries commands out on the store.
///
/// *Position*: innermost. *Failure*: what the store refuses; [`Kind::Timeout`] for a read past the
/// call's deadline, [`Kind::UnknownOutcome`] for a write: it was queued and will be done;
/// [`Kind::LockedOut`] for a proof of a password from where too many wrong ones came.
/// *Cost*: argon2id for a change of password, then one round trip to the store.
#[derive(Clone, Debug)]
pub struct Execute {
    store: Arc<dyn Store>,
    passwords: PasswordHasherPool,
    sign_in: Arc<SignIn>,
    notifies: bool,
    clock: Clock,
}

impl Execute {
    /// Commands go to `store`; new passwords are hashed by `passwords`, present ones checked by
    /// `sign_in`. Where nobody `notifies`, a user whom a command says to notify is not, which is
    /// logged and audited.
    pub fn new(
        store: Arc<dyn Store>,
        passwords: PasswordHasherPool,
        sign_in: Arc<SignIn>,
        notifies: bool,
        clock: Clock,
    ) -> Self {
        Self {
            store,
            passwords,
            sign_in,
            notifies,
            clock,
        }
    }
}

impl Execute {
    /// Carries a command out.
    pub async fn execute(&self, permitted: Permitted) -> Result<Done, Error> {
        let notify = permitted
            .command()
            .user_change()
            .is_some_and(|change| change.notify);
        let once = permitted.once().cloned();
        let (principal, account, command, context) = permitted.into_parts();
        let (action, deadline) = (command.action(), context.deadline);
        // A read leaves no record, so that its entry is not even drafted.
        let write = || {
            let mut entry = self.entry(&principal, account, action, &context);
            entry.once.clone_from(&once);
            Write {
                store: &*self.store,
                passwords: &self.passwords,
                sign_in: &self.sign_in,
                context: &context,
                entry: self.with_notice(entry, notify),
                deadline,
            }
        };
        let outcome = match command {
            // Apart, so that they take no room in a read.
            Command::CreateUser(change) => Box::pin(write().create_user(*change)).await,
            Command::UpdateUser(user, change) => {
                Box::pin(write().update_user(&principal, user, *change)).await
            }
            Command::DeleteUser(user) => Box::pin(write().delete_user(&principal, user)).await,
            Command::CreateGroup(change) => Box::pin(write().create_group(*change)).await,
            Command::UpdateGroup(group, change) => {
                Box::pin(write().update_group(group, *change)).await
            }
            Command::DeleteGroup(group) => Box::pin(write().delete_group(group)).await,
            Command::AddMember(member, role) => {
                Box::pin(write().change_member(member, MemberChange::Add(role))).await
            }
            Command::RemoveMember(member) => {
                Box::pin(write().change_member(member, MemberChange::Remove)).await
            }
            Command::SetMemberRole(member, role) => {
                Box::pin(write().change_member(member, MemberChange::SetRole(role))).await
            }
            Command::BanMember(member, end) => {
                Box::pin(write().change_member(member, MemberChange::Ban(end))).await
            }
            Command::UnbanMember(member) => {
                Box::pin(write().change_member(member, MemberChange::Unban)).await
            }
            Command::ReadUser(user) => {
                let found = read(deadline, self.store.read_user(account, user)).await?;
                found
                    .map(|user| Outcome::User(Box::new(user)))
                    .ok_or_else(|| Kind::UserNotFound.into())
            }
            Command::ListUsers(query) => read(deadline, self.store.list_users(account, query))
                .await
                .map(Outcome::Users),
            Command::CountUsers(query) => read(deadline, self.store.count_users(account, query))
                .await
                .map(Outcome::Count),
            Command::ReadGroup(group) => {
                let found = read(deadline, self.store.read_group(account, group)).await?;
                found
                    .map(|group| Outcome::Group(Box::new(group)))
                    .ok_or_else(|| Kind::GroupNotFound.into())
            }
            Command::ListGroups => read(deadline, self.store.list_groups(account))
                .await
                .map(Outcome::Groups),
            Command::ListTimezones => Ok(Outcome::Timezones(Timezone::all().collect())),
            Command::Native(native) => self.native(account, native, deadline).await,
        };
        outcome.map(Done::from)
    }

    /// Nothing native can be done here, but a subject that must exist is looked for first.
    async fn native(
        &self,
        account: AccountId,
        native: Native,
        deadline: Option<Instant>,
    ) -> Result<Outcome, Error> {
        if let Some(subject) = native.subject {
            let found = read(deadline, self.store.read_user(account, subject)).await?;
            found.ok_or(Kind::UserNotFound)?;
        }
        let operation = native.operation.as_str();
        let message = format!("the store cannot do {operation}; send it to the original system");
        Err(Error::new(Kind::Unsupported, message))
    }

    /// What the trail is to say of a write.
    fn entry(
        &self,
        principal: &Principal,
        account: AccountId,
        action: Action,
        context: &Context,
    ) -> Entry {
        Entry {
            at: self.clock.now(),
            principal: principal.to_string(),
            action: action.into(),
            account,
            source: context.source,
            route: context.route.as_ref().map(|route| route.name.clone()),
            request_id: context.request_id.to_string(),
            not_done: None,
            event: None,
            tries: None,
            once: None,
        }
    }

    /// The entry of a write that says to notify its user, or does not.
    fn with_notice(&self, mut entry: Entry, notify: bool) -> Entry {
        if notify && self.notifies {
            entry.event = Some(EventId::new(&self.clock));
        } else if notify {
            tracing::warn!(request.id = entry.request_id, "{NOT_NOTIFIED}");
            entry.not_done = Some(NOT_NOTIFIED);
        }
        entry
    }
}
