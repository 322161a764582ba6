//! Permitted → store → outcome.

mod deadline;
mod write;

use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};
use std::time::Instant;

use futures_util::future::BoxFuture;
use tower::Service;

use self::deadline::read;
use self::write::Write;
use crate::auth::Permitted;
use crate::auth::password::PasswordHasherPool;
use crate::auth::sign_in::SignIn;
use crate::clock::Clock;
use crate::command::native::Native;
use crate::command::timezone::Timezone;
use crate::command::{AccountId, Command};
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

impl Service<Permitted> for Execute {
    type Response = Done;
    type Error = Error;
    type Future = BoxFuture<'static, Result<Done, Error>>;

    fn poll_ready(&mut self, _: &mut TaskContext<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, permitted: Permitted) -> Self::Future {
        let this = self.clone();
        Box::pin(async move { this.execute(permitted).await.map(Done::from) })
    }
}

impl Execute {
    async fn execute(&self, permitted: Permitted) -> Result<Outcome, Error> {
        let entry = self.entry(&permitted);
        let (principal, account, command, context) = permitted.into_parts();
        let deadline = context.deadline;
        let write = Write {
            store: &*self.store,
            passwords: &self.passwords,
            sign_in: &self.sign_in,
            context: &context,
            entry,
            deadline,
        };
        match command {
            Command::CreateUser(change) => write.create_user(*change).await,
            Command::UpdateUser(user, change) => write.update_user(&principal, user, *change).await,
            Command::DeleteUser(user) => write.delete_user(&principal, user).await,
            Command::CreateGroup(change) => write.create_group(*change).await,
            Command::UpdateGroup(group, change) => write.update_group(group, *change).await,
            Command::DeleteGroup(group) => write.delete_group(group).await,
            Command::AddMember(member, role) => {
                write.change_member(member, MemberChange::Add(role)).await
            }
            Command::RemoveMember(member) => {
                write.change_member(member, MemberChange::Remove).await
            }
            Command::SetMemberRole(member, role) => {
                write
                    .change_member(member, MemberChange::SetRole(role))
                    .await
            }
            Command::BanMember(member, end) => {
                write.change_member(member, MemberChange::Ban(end)).await
            }
            Command::UnbanMember(member) => write.change_member(member, MemberChange::Unban).await,
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
        }
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

    fn entry(&self, permitted: &Permitted) -> Entry {
        let context = permitted.context();
        let asks_to_notify = permitted
            .command()
            .user_change()
            .is_some_and(|change| change.notify);
        let is_refused = asks_to_notify && !self.notifies;
        if is_refused {
            tracing::warn!(request.id = %context.request_id, "{NOT_NOTIFIED}");
        }
        Entry {
            at: self.clock.now(),
            principal: permitted.principal().to_string(),
            action: permitted.command().action().into(),
            account: permitted.account(),
            source: context.source,
            route: context.route.as_ref().map(|route| route.name.clone()),
            request_id: context.request_id.to_string(),
            not_done: is_refused.then_some(NOT_NOTIFIED),
            event: (asks_to_notify && self.notifies).then(|| EventId::new(&self.clock)),
        }
    }
}
