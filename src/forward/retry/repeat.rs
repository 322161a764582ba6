//! What of a command may be sent again.

use crate::command::group::GroupRef;
use crate::command::user::{UserChange, UserRef};
use crate::command::{Command, Edit};
use crate::dialect::exchange::Effect;

/// Which tries may be followed by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::forward) enum Repeat {
    /// Any: what is done twice is as if it were done once.
    Always,
    /// Those of which no byte left.
    Unsent,
}

impl Repeat {
    /// Of the writes of a command, whose credentials are the caller's or the gateway's.
    pub(in crate::forward) fn of(command: &Command, is_callers: bool) -> Self {
        if is_set(command) && !(is_callers && may_lock_out(command)) {
            Self::Always
        } else {
            Self::Unsent
        }
    }

    /// Of one of its requests.
    pub(in crate::forward) const fn with(self, effect: Effect) -> Self {
        match effect {
            Effect::Read => Self::Always,
            Effect::Write => self,
        }
    }
}

/// Whether a command only sets what it names: done again it changes nothing and answers the same.
///
/// A deletion is none, since the second time there is nothing to delete; nor what may exist once; nor what
/// tells somebody.
fn is_set(command: &Command) -> bool {
    match command {
        Command::UpdateUser(user, change) => {
            !change.notify
                // The proof is wrong once the password is changed.
                && change.current_password.is_none()
                && !(renames(change) && is_by_name(user))
        }
        Command::UpdateGroup(group, change) => {
            change.slug.is_none() || matches!(group, GroupRef::Id(_))
        }
        Command::SetMemberRole(..) | Command::BanMember(..) => true,
        Command::CreateUser(_)
        | Command::DeleteUser(_)
        | Command::CreateGroup(_)
        | Command::DeleteGroup(_)
        | Command::AddMember(..)
        | Command::RemoveMember(_)
        | Command::UnbanMember(_)
        | Command::Native(_)
        | Command::ReadUser(_)
        | Command::ListUsers(_)
        | Command::CountUsers(_)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::ListTimezones => false,
    }
}

/// Whether who makes the change may no longer be let in after it, or not be allowed to make it: a second try
/// would be refused, and so would be said of what was done.
fn may_lock_out(command: &Command) -> bool {
    command.user_change().is_some_and(|change| {
        renames(change)
            || change.password.is_some()
            || change.status.is_some()
            || change.level.is_some()
            || change.read_only.is_some()
            || change.role != Edit::Keep
    })
}

/// Whether the user may have another name after it, by which it is not found as before.
const fn renames(change: &UserChange) -> bool {
    change.username.is_some() || change.email.is_some()
}

const fn is_by_name(user: &UserRef) -> bool {
    match user {
        UserRef::Id(_) => false,
        UserRef::Username(_) | UserRef::Email(_) | UserRef::UsernameOrEmail(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::Id;
    use crate::command::group::GroupChange;
    use crate::command::member::{BanEnd, MemberRole, Membership};
    use crate::command::name::{Slug, Username};
    use crate::command::user::Level;

    fn ann() -> Username {
        Username::parse("ann").unwrap()
    }

    fn update(user: UserRef, change: UserChange) -> Command {
        Command::UpdateUser(user, Box::new(change))
    }

    /// Once the password is another the second try is refused, and the change was made.
    #[test]
    fn what_may_lock_its_own_caller_out_is_not_sent_again_under_the_callers_credentials() {
        let own = |change| update(UserRef::Id(Id::ONE), change);
        let password = || {
            own(UserChange {
                password: Some("new".into()),
                ..UserChange::default()
            })
        };
        let level = own(UserChange {
            level: Level::new(3),
            ..UserChange::default()
        });
        let harmless = own(UserChange::default());
        assert_eq!(Repeat::of(&password(), true), Repeat::Unsent);
        assert_eq!(Repeat::of(&level, true), Repeat::Unsent);
        assert_eq!(Repeat::of(&password(), false), Repeat::Always);
        assert_eq!(Repeat::of(&harmless, true), Repeat::Always);
    }

    #[test]
    fn what_only_sets_may_be_sent_again_and_nothing_that_makes_takes_away_or_tells() {
        let id = || UserRef::Id(Id::ONE);
        let level = || UserChange {
            level: Level::new(3),
            ..UserChange::default()
        };
        let renamed = || UserChange {
            username: Username::parse("bob"),
            ..UserChange::default()
        };
        let slug = GroupRef::Slug(Slug::parse("staff").unwrap());
        let moved = GroupChange {
            slug: Slug::parse("team"),
            ..GroupChange::default()
        };
        let member = || Membership {
            user: id(),
            group: slug.clone(),
        };
        let sets = [
            update(id(), level()),
            update(UserRef::Username(ann()), level()),
            update(id(), renamed()),
            Command::UpdateGroup(slug.clone(), Box::default()),
            Command::UpdateGroup(GroupRef::Id(Id::ONE), Box::new(moved.clone())),
            Command::SetMemberRole(member(), MemberRole(Id::ONE)),
            Command::BanMember(member(), BanEnd::Never),
        ];
        for command in sets {
            assert_eq!(Repeat::of(&command, false), Repeat::Always, "{command:?}");
        }
        let told = UserChange {
            notify: true,
            ..level()
        };
        let proved = UserChange {
            password: Some("new".into()),
            current_password: Some("old".into()),
            ..UserChange::default()
        };
        let others = [
            update(id(), told),
            update(id(), proved),
            update(UserRef::UsernameOrEmail(ann()), renamed()),
            Command::UpdateGroup(slug.clone(), Box::new(moved)),
            Command::CreateUser(Box::default()),
            Command::CreateGroup(Box::default()),
            Command::DeleteUser(id()),
            Command::DeleteGroup(slug.clone()),
            Command::AddMember(member(), None),
            Command::RemoveMember(member()),
            Command::UnbanMember(member()),
        ];
        for command in others {
            let repeat = Repeat::of(&command, false);
            assert_eq!(repeat, Repeat::Unsent, "{command:?}");
            assert_eq!(repeat.with(Effect::Read), Repeat::Always);
            assert_eq!(repeat.with(Effect::Write), Repeat::Unsent);
        }
    }
}
