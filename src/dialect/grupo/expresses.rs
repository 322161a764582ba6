//! What a Grupo system has an operation and a field for.

use crate::command::field::{Field, UserField};
use crate::command::{Action, Dialect};
use crate::route::Policy;

/// Nothing can be read from a Grupo system.
pub(in crate::dialect) const fn has_operation(action: Action) -> bool {
    match action {
        Action::CreateUser
        | Action::UpdateUser
        | Action::DeleteUser
        | Action::CreateGroup
        | Action::UpdateGroup
        | Action::DeleteGroup
        | Action::AddMember
        | Action::RemoveMember
        | Action::SetMemberRole
        | Action::BanMember
        | Action::UnbanMember
        | Action::Native => true,
        Action::ReadUser
        | Action::ListUsers
        | Action::CountUsers
        | Action::ReadGroup
        | Action::ListGroups
        | Action::ListTimezones => false,
    }
}

/// Given and family name are sent as the one name there is.
pub(in crate::dialect) fn expresses(action: Action, field: &Field, policy: &Policy) -> bool {
    let of_users = matches!(action, Action::CreateUser | Action::UpdateUser);
    let of_groups = matches!(action, Action::CreateGroup | Action::UpdateGroup);
    match field {
        Field::User(field) => of_users && has_user_field(*field, policy),
        Field::Group(_) => of_groups,
        Field::Extension(dialect, _) => *dialect == Dialect::Grupo && (of_users || of_groups),
    }
}

const fn has_user_field(field: UserField, policy: &Policy) -> bool {
    match field {
        UserField::Username
        | UserField::Password
        | UserField::DisplayName
        | UserField::GivenName
        | UserField::FamilyName
        | UserField::Email
        | UserField::Status
        | UserField::Phone
        | UserField::Timezone
        | UserField::PictureUrl => true,
        UserField::Role => !policy.roles.is_empty(),
        UserField::CurrentPassword
        | UserField::Nickname
        | UserField::Gender
        | UserField::Locale
        | UserField::EmailVerified
        | UserField::Level
        | UserField::Mobile
        | UserField::Fax
        | UserField::Title
        | UserField::ReadOnly
        | UserField::Organizations
        | UserField::Notify => false,
    }
}
