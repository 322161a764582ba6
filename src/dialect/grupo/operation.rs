//! The operations that have a name.

use std::borrow::Cow;

use super::wire::VERBS;
use crate::command::Action;

/// What a verb and its target ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    AddUser,
    UpdateUser,
    RemoveUser,
    AddGroup,
    UpdateGroup,
    RemoveGroup,
    AddMember,
    RemoveMember,
    ChangeMember,
    /// `add=login_session`
    OpenSession,
    /// `remove=login_session`
    CloseSessions,
    /// Any other that the contract names.
    Native,
}

/// No target has a longer name, and what is longer could be a misplaced key: a target is repeated
/// in messages.
const TARGET_BYTES: usize = 48;

const OPERATIONS: [(&str, Operation); 14] = [
    ("add=site_users", Operation::AddUser),
    ("update=site_users", Operation::UpdateUser),
    ("remove=site_users", Operation::RemoveUser),
    ("add=groups", Operation::AddGroup),
    ("update=groups", Operation::UpdateGroup),
    ("remove=groups", Operation::RemoveGroup),
    ("add=group_members", Operation::AddMember),
    ("remove=group_members", Operation::RemoveMember),
    ("update=group_user_role", Operation::ChangeMember),
    ("add=login_session", Operation::OpenSession),
    ("remove=login_session", Operation::CloseSessions),
    ("add=message", Operation::Native),
    ("update=site_user_role", Operation::Native),
    ("update=user_account_status", Operation::Native),
];

impl Operation {
    /// The operation of that verb and target, with its name. The vendor deletes every character
    /// outside `[A-Za-z0-9_]` from a target before it looks it up.
    pub(super) fn find(verb: &'static str, target: &str) -> Option<(Self, Cow<'static, str>)> {
        if target.len() > TARGET_BYTES {
            return None;
        }
        let target: Cow<'_, str> = if target.chars().all(is_target_character) {
            target.into()
        } else {
            target.chars().filter(|c| is_target_character(*c)).collect()
        };
        if verb == "load" && !target.is_empty() {
            return Some((Self::Native, format!("{verb}={target}").into()));
        }
        let is_named = |known: &str| {
            let rest = known.strip_prefix(verb);
            rest.and_then(|rest| rest.strip_prefix('=')) == Some(&*target)
        };
        OPERATIONS
            .iter()
            .find(|(known, _)| is_named(known))
            .map(|(known, operation)| (*operation, Cow::Borrowed(*known)))
    }

    /// The action that a fault found in decoding is worded for.
    pub(super) const fn action(self) -> Action {
        match self {
            Self::AddUser => Action::CreateUser,
            Self::UpdateUser => Action::UpdateUser,
            Self::RemoveUser => Action::DeleteUser,
            Self::AddGroup => Action::CreateGroup,
            Self::UpdateGroup => Action::UpdateGroup,
            Self::RemoveGroup => Action::DeleteGroup,
            Self::AddMember => Action::AddMember,
            Self::RemoveMember => Action::RemoveMember,
            Self::ChangeMember => Action::SetMemberRole,
            Self::OpenSession | Self::CloseSessions | Self::Native => Action::Native,
        }
    }
}

/// Whether that is the name of an operation that has no canonical form.
pub(in crate::dialect) fn is_native(name: &str) -> bool {
    let found = name.split_once('=').and_then(|(verb, target)| {
        let verb = VERBS.into_iter().find(|known| *known == verb)?;
        Operation::find(verb, target)
    });
    found.is_some_and(|(operation, known)| operation.action() == Action::Native && *known == *name)
}

const fn is_target_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
