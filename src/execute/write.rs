//! Writes: what is checked and hashed before the store is asked.

use std::time::Instant;

use super::deadline::{read, write};
use crate::auth::password::{PasswordHash, PasswordHasherPool};
use crate::auth::sign_in::SignIn;
use crate::auth::{Context, Principal};
use crate::command::Edit;
use crate::command::group::{GroupChange, GroupRef};
use crate::command::member::Membership;
use crate::command::user::{UserChange, UserRef};
use crate::error::{Error, Kind, PasswordFault};
use crate::journal::Entry;
use crate::outcome::Outcome;
use crate::secret::Secret;
use crate::store::{MemberChange, Store};

/// One write on its way to the store.
pub(super) struct Write<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) passwords: &'a PasswordHasherPool,
    pub(super) sign_in: &'a SignIn,
    pub(super) context: &'a Context,
    pub(super) entry: Entry,
    pub(super) deadline: Option<Instant>,
}

impl Write<'_> {
    pub(super) async fn create_user(self, mut change: UserChange) -> Result<Outcome, Error> {
        if change.username.is_none() {
            return Err(Error::missing("username"));
        }
        let hash = self.hash(change.password.take()).await?;
        let created = write(
            self.deadline,
            self.store.create_user(change, hash, self.entry),
        )
        .await?;
        Ok(Outcome::UserCreated(created))
    }

    pub(super) async fn update_user(
        self,
        principal: &Principal,
        user: UserRef,
        mut change: UserChange,
    ) -> Result<Outcome, Error> {
        if decides_who_signs_in(&change) {
            Box::pin(self.spare_administrators(principal, &user)).await?;
        }
        let password = change.password.take();
        if password.is_some() {
            let proof = self.prove(principal, change.current_password.take());
            Box::pin(proof).await?;
        }
        let hash = self.hash(password).await?;
        let updated = self.store.update_user(user, change, hash, self.entry);
        found(write(self.deadline, updated).await?, Kind::UserNotFound)
    }

    pub(super) async fn delete_user(
        self,
        principal: &Principal,
        user: UserRef,
    ) -> Result<Outcome, Error> {
        self.spare_administrators(principal, &user).await?;
        let deleted = write(self.deadline, self.store.delete_user(user, self.entry)).await?;
        deleted
            .map(Outcome::UserDeleted)
            .ok_or_else(|| Kind::UserNotFound.into())
    }

    pub(super) async fn create_group(self, mut change: GroupChange) -> Result<Outcome, Error> {
        if change.name.is_none() {
            return Err(Error::missing("name"));
        }
        let hash = self.group_hash(&mut change).await?;
        let created = write(
            self.deadline,
            self.store.create_group(change, hash, self.entry),
        )
        .await?;
        Ok(Outcome::GroupCreated(created))
    }

    pub(super) async fn update_group(
        self,
        group: GroupRef,
        mut change: GroupChange,
    ) -> Result<Outcome, Error> {
        let hash = self.group_hash(&mut change).await?;
        let updated = self.store.update_group(group, change, hash, self.entry);
        found(write(self.deadline, updated).await?, Kind::GroupNotFound)
    }

    pub(super) async fn delete_group(self, group: GroupRef) -> Result<Outcome, Error> {
        let deleted = self.store.delete_group(group, self.entry);
        found(write(self.deadline, deleted).await?, Kind::GroupNotFound)
    }

    pub(super) async fn change_member(
        self,
        membership: Membership,
        change: MemberChange,
    ) -> Result<Outcome, Error> {
        let changed = self.store.change_member(membership, change, self.entry);
        write(self.deadline, changed).await.map(|()| Outcome::Done)
    }

    /// Whoever may not change roles may not take an administrator's place either, nor take it away.
    /// A user who becomes one meanwhile could have been changed a moment earlier.
    async fn spare_administrators(
        &self,
        principal: &Principal,
        user: &UserRef,
    ) -> Result<(), Error> {
        let Principal::Key(_) = principal else {
            return Ok(());
        };
        if principal.may_change_roles() {
            return Ok(());
        }
        let stored = self.store.read_user(self.entry.account, user.clone());
        let role = read(self.deadline, stored)
            .await?
            .and_then(|user| user.role);
        if role.is_some_and(|role| role.is_administrator()) {
            return Err(Error::new(
                Kind::PermissionDenied,
                "the user is an administrator, and the API key lacks the scope user.role; use a key that has it",
            ));
        }
        Ok(())
    }

    /// A user who changes a password sends its own as a proof. A key is proof enough.
    async fn prove(&self, principal: &Principal, current: Option<Secret>) -> Result<(), Error> {
        let Principal::User { id, login, .. } = principal else {
            return Ok(());
        };
        let Some(current) = current.filter(|current| !current.is_empty()) else {
            return Err(Kind::PasswordRefused(PasswordFault::CurrentMissing).into());
        };
        let proof = self
            .sign_in
            .is_own_password(*id, login, current, self.context);
        if proof.await? {
            return Ok(());
        }
        Err(Kind::PasswordRefused(PasswordFault::CurrentWrong).into())
    }

    async fn hash(&self, password: Option<Secret>) -> Result<Option<PasswordHash>, Error> {
        match password {
            // It takes as long as thousands of calls without one.
            Some(password) => Box::pin(self.passwords.hash(password)).await.map(Some),
            None => Ok(None),
        }
    }

    async fn group_hash(&self, change: &mut GroupChange) -> Result<Option<PasswordHash>, Error> {
        match std::mem::take(&mut change.password) {
            Edit::Set(password) => self.hash(Some(password)).await,
            kept_or_cleared @ (Edit::Keep | Edit::Clear) => {
                change.password = kept_or_cleared;
                Ok(None)
            }
        }
    }
}

/// Whether a change touches by what its user signs in, or whether it may.
fn decides_who_signs_in(change: &UserChange) -> bool {
    change.username.is_some()
        || change.password.is_some()
        || change.email.is_some()
        || change.email_verified.is_some()
        || change.status.is_some()
}

fn found<T>(found: Option<T>, missing: Kind) -> Result<Outcome, Error> {
    found.map(|_| Outcome::Done).ok_or_else(|| missing.into())
}
