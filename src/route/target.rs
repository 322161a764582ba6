//! Where the commands of a route go.

use std::fmt;

use crate::command::Action;

/// Who carries a command out.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Target {
    /// Dragoman's own store.
    #[default]
    Store,
    /// The upstream of that name.
    Upstream(String),
}

/// As the configuration writes it: `store`, or the name of an upstream.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Store => "store",
            Self::Upstream(name) => name,
        })
    }
}

/// The targets of a route, by noun.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Targets {
    /// Of users, of time zones, which users have, and of native operations.
    pub user: Target,
    /// Of groups and their members.
    pub group: Target,
    /// Of single commands that go elsewhere.
    pub moved: Vec<(Action, Target)>,
    /// Whether native operations are relayed: where users go to an upstream of the callers' dialect.
    pub relays: bool,
    /// What calls stick to one of an upstream's endpoints by, where that is not the upstream's own to say.
    pub sticky: Option<Sticky>,
}

/// What calls stick to one of several endpoints by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sticky {
    /// Who calls: the API key, or who signed in.
    Key,
    /// The user that the command names, and who calls where it names none.
    User,
}

impl Targets {
    /// Where a command goes.
    pub fn of(&self, action: Action) -> &Target {
        let moved = self.moved.iter().find(|(moved, _)| *moved == action);
        match (moved, Noun::of(action)) {
            (Some((_, target)), _) => target,
            (None, Noun::User) => &self.user,
            (None, Noun::Group) => &self.group,
        }
    }

    /// Every target, each once.
    pub fn all(&self) -> Vec<&Target> {
        let moved = self.moved.iter().map(|(_, target)| target);
        let mut all: Vec<_> = [&self.user, &self.group].into_iter().chain(moved).collect();
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// What a command is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Noun {
    /// Users, and what only users have.
    User,
    /// Groups and their members.
    Group,
}

impl Noun {
    /// Both.
    pub const ALL: [Self; 2] = [Self::User, Self::Group];

    /// What that action is about.
    pub const fn of(action: Action) -> Self {
        match action {
            Action::CreateUser
            | Action::UpdateUser
            | Action::ReadUser
            | Action::ListUsers
            | Action::CountUsers
            | Action::DeleteUser
            | Action::ListTimezones
            | Action::Native => Self::User,
            Action::CreateGroup
            | Action::UpdateGroup
            | Action::ReadGroup
            | Action::ListGroups
            | Action::DeleteGroup
            | Action::AddMember
            | Action::RemoveMember
            | Action::SetMemberRole
            | Action::BanMember
            | Action::UnbanMember => Self::Group,
        }
    }

    /// The option that says where it goes.
    pub const fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_go_with_groups_and_a_moved_command_goes_alone() {
        let upstream = |name: &str| Target::Upstream(name.to_owned());
        let targets = Targets {
            user: upstream("blog"),
            group: Target::Store,
            moved: vec![(Action::DeleteUser, upstream("crm"))],
            relays: false,
            sticky: None,
        };
        assert_eq!(targets.of(Action::AddMember), &Target::Store);
        assert_eq!(targets.of(Action::UpdateUser), &upstream("blog"));
        assert_eq!(targets.of(Action::DeleteUser), &upstream("crm"));
        assert_eq!(targets.all().len(), 3);
    }
}
