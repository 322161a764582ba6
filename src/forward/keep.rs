//! What an upstream would not give back, held in the store.
//!
//! It is written once the upstream has done what it comes from, together with the record in the
//! audit trail, so that nothing is kept of a write that was refused; nor of one whose outcome is
//! unknown, until somebody repeats it: what was kept before of the fields that it sent is forgotten
//! then. It is kept by the upstream's own number of the user, however
//! a call named it.

pub mod imported;
mod value;

use std::collections::HashMap;

use tokio::time::{Instant, timeout_at};

use super::drive::Doubt;
use super::upstream::Upstream;
use crate::command::field::{Field, UserField};
use crate::command::user::{User, UserChange};
use crate::command::{Action, Command, Dialect, Id};
use crate::dialect::expresses::{expresses, hides};
use crate::error::{Error, Kind};
use crate::journal::forwarded::Forwarded;
use crate::outcome::Outcome;
use crate::route::{Losses, OnLoss};
use crate::store::kept::{Kept, KeptChange, KeptEdit, KeptField, KeptFields, Realm};

/// Where kept fields are, as it is shared between tasks.
pub(super) type Keeper = dyn KeptFields + Send + Sync;

/// What the audit trail says of a write whose fields could not all be kept.
const NOT_KEPT: &str = "fields that the upstream has no place for could not be kept and are lost";

/// What a command leaves in the store once the upstream has carried it out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Keeping {
    /// Whether what was kept before goes: the user is new, or gone.
    pub(super) anew: bool,
    edits: Vec<KeptEdit>,
    /// Those that are nowhere if they are not kept.
    homeless: Vec<Field>,
}

impl Keeping {
    /// Whether fields are kept that the upstream does not get.
    pub(super) const fn has_homeless(&self) -> bool {
        !self.homeless.is_empty()
    }

    /// Keeps a field that the upstream has no place for. The change still has it.
    pub(super) fn keep_homeless(&mut self, change: &mut UserChange, field: &Field) {
        if self.note(change, field) {
            self.homeless.push(field.clone());
        }
    }

    /// Keeps a field that the upstream gets too, and does not show.
    pub(super) fn keep_hidden(&mut self, change: &mut UserChange, field: &Field) {
        self.note(change, field);
    }

    /// What was known of a field holds no more.
    pub(super) fn forget(&mut self, field: &Field) {
        self.edit(field, Kept::Unknown);
    }

    fn note(&mut self, change: &mut UserChange, field: &Field) -> bool {
        let value = value::of(change, field);
        let has_value = value.is_some();
        self.edit(field, value.map_or(Kept::Empty, Kept::Value));
        has_value
    }

    fn edit(&mut self, field: &Field, value: Kept) {
        let field = field.to_string();
        self.edits.push(KeptEdit { field, value });
    }
}

/// Writes down what a write leaves, and the write itself in the audit trail. Fields that could not
/// be kept are returned: they are lost, and the caller is told.
pub(super) async fn leave(
    keeper: &Keeper,
    realm: Realm,
    user: Option<Id>,
    keeping: Keeping,
    mut write: Forwarded,
) -> Vec<Field> {
    let Keeping {
        anew,
        edits,
        homeless,
    } = keeping;
    let request_id = write.entry.request_id.clone();
    if let Some(user) = user.filter(|_| anew || !edits.is_empty()) {
        let change = KeptChange {
            realm,
            user,
            anew,
            edits,
        };
        let Err(error) = keeper.keep(change, write.clone()).await else {
            return Vec::new();
        };
        tracing::error!(
            request.id = request_id,
            error = ?error,
            "what is kept of an upstream's user could not be written"
        );
    } else if !homeless.is_empty() {
        tracing::error!(
            request.id = request_id,
            "the upstream does not tell the number of the user whose fields should be kept"
        );
    }
    if !homeless.is_empty() {
        write.entry.not_done = Some(NOT_KEPT);
    }
    keeper.forwarded(write).await;
    homeless
}

/// The fields of an update that the upstream takes and does not show.
pub(super) fn hidden(dialect: Dialect, command: &Command) -> Vec<Field> {
    let mentions = command.user_change().map(UserChange::mentions);
    let fields = mentions.into_iter().flatten().map(|sent| sent.field);
    fields.filter(|field| hides(dialect, field)).collect()
}

/// Forgets what was kept of fields that an update may have changed although it failed: an old value
/// that is sent again would take the new one back. The trail hears of the failure elsewhere.
pub(super) async fn doubt(
    keeper: &Keeper,
    realm: Realm,
    user: Id,
    mut hidden: Vec<Field>,
    doubt: Doubt,
) {
    match doubt {
        Doubt::Nothing => return,
        Doubt::Organizations => {
            hidden.retain(|field| *field == Field::User(UserField::Organizations));
        }
        Doubt::Everything => {}
    }
    if hidden.is_empty() {
        return;
    }
    let fields = hidden.iter().map(ToString::to_string).collect();
    if let Err(error) = keeper.doubt(realm, user, fields).await {
        tracing::error!(
            user = user.value(),
            error = ?error,
            "what is kept of an upstream's user may be out of date and could not be forgotten"
        );
    }
}

/// What is known of a user's attributes that the upstream has and does not show.
pub(super) async fn known(
    keeper: &Keeper,
    dialect: Dialect,
    realm: Realm,
    user: Id,
    deadline: Instant,
) -> Result<Box<UserChange>, Error> {
    let mut change = Box::<UserChange>::default();
    // Nothing was sent yet.
    let late = Kind::Overloaded;
    for kept in look(keeper, realm, vec![user], deadline, late).await? {
        let Some(field) = Field::parse(&kept.field).filter(|field| hides(dialect, field)) else {
            continue;
        };
        if value::know(&mut change, &field, kept.value.as_deref()).is_none() {
            note_unreadable(user, &field);
        }
    }
    Ok(change)
}

/// Puts what is kept into the users that were read, where the upstream itself tells nothing.
pub(super) async fn merge(
    keeper: &Keeper,
    upstream: &Upstream,
    realm: Realm,
    rules: &Losses,
    outcome: &mut Outcome,
    deadline: Instant,
) -> Result<(), Error> {
    let users = users(outcome);
    if users.is_empty() {
        return Ok(());
    }
    let numbers = users.iter().map(|user| user.id).collect();
    let mut kept = HashMap::<Id, Vec<(String, String)>>::new();
    let found = look(keeper, realm, numbers, deadline, Kind::Timeout).await?;
    for KeptField { user, field, value } in found {
        let value = value.map(|value| (field, value));
        kept.entry(user).or_default().extend(value);
    }
    for user in users {
        for (field, value) in kept.remove(&user.id).unwrap_or_default() {
            let Some(field) = Field::parse(&field) else {
                continue;
            };
            let is_kept = rules.of(&field) == OnLoss::Keep && !tells(upstream, &field);
            if is_kept && value::fill(user, &field, &value).is_none() {
                note_unreadable(user.id, &field);
            }
        }
    }
    Ok(())
}

/// What is kept of users; past the deadline the error is `late`.
async fn look(
    keeper: &Keeper,
    realm: Realm,
    users: Vec<Id>,
    deadline: Instant,
    late: Kind,
) -> Result<Vec<KeptField>, Error> {
    match timeout_at(deadline, keeper.kept(realm, users)).await {
        Ok(kept) => Ok(kept?),
        Err(_) => Err(late.into()),
    }
}

/// Whether reads of the upstream answer the field, some of its own under another name.
fn tells(upstream: &Upstream, field: &Field) -> bool {
    let (dialect, policy) = (upstream.dialect, &upstream.terms.policy);
    matches!(field, Field::Extension(own, _) if *own == dialect)
        || (expresses(dialect, Action::UpdateUser, field, policy) && !hides(dialect, field))
}

fn users(outcome: &mut Outcome) -> &mut [User] {
    match outcome {
        Outcome::User(user) => std::slice::from_mut(&mut **user),
        Outcome::Users(page) => page.users.as_mut_slice(),
        Outcome::Done
        | Outcome::UserCreated(_)
        | Outcome::UserDeleted(_)
        | Outcome::Count(_)
        | Outcome::GroupCreated(_)
        | Outcome::Group(_)
        | Outcome::Groups(_)
        | Outcome::Timezones(_)
        | Outcome::Relayed(_) => &mut [],
    }
}

/// Somebody wrote it by hand, or another version did: it must not hide the rest of the user.
fn note_unreadable(user: Id, field: &Field) {
    tracing::error!(
        user = user.value(),
        field = %field,
        "a kept value cannot be read and is passed over"
    );
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::time::Duration;

    use futures_util::future::BoxFuture;

    use super::*;
    use crate::journal::forwarded::ForwardLog;
    use crate::store::StoreFuture;

    /// A store that answers nobody.
    struct Stuck;

    impl ForwardLog for Stuck {
        fn forwarded(&self, _: Forwarded) -> BoxFuture<'_, ()> {
            Box::pin(pending())
        }
    }

    impl KeptFields for Stuck {
        fn keep(&self, _: KeptChange, _: Forwarded) -> StoreFuture<'_, ()> {
            Box::pin(pending())
        }

        fn doubt(&self, _: Realm, _: Id, _: Vec<String>) -> StoreFuture<'_, ()> {
            Box::pin(pending())
        }

        fn kept(&self, _: Realm, _: Vec<Id>) -> StoreFuture<'_, Vec<KeptField>> {
            Box::pin(pending())
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_does_not_answer_is_waited_for_up_to_the_deadline() {
        let realm = Realm {
            upstream: "blog".to_owned(),
            account: None,
        };
        let deadline = Instant::now() + Duration::from_secs(1);
        let known = known(&Stuck, Dialect::B2evolution, realm, Id::ONE, deadline);
        assert_eq!(known.await.unwrap_err().kind(), &Kind::Overloaded);
    }
}
