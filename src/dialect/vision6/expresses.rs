//! What a Vision6 system has an operation and a field for.

use super::wire::Key;
use crate::command::field::{Field, UserField};
use crate::command::{Action, Dialect};

/// The one attribute of its own that the vendor documents.
pub(in crate::dialect) const PROMOTIONAL: &str = Key::ReceivesPromotional.name();

/// It has users, and no groups of them.
pub(in crate::dialect) const fn has_operation(action: Action) -> bool {
    match action {
        Action::CreateUser
        | Action::UpdateUser
        | Action::ReadUser
        | Action::ListUsers
        | Action::CountUsers
        | Action::DeleteUser
        | Action::ListTimezones
        | Action::Native => true,
        Action::CreateGroup
        | Action::UpdateGroup
        | Action::ReadGroup
        | Action::ListGroups
        | Action::DeleteGroup
        | Action::AddMember
        | Action::RemoveMember
        | Action::SetMemberRole
        | Action::BanMember
        | Action::UnbanMember => false,
    }
}

/// A display name is split into the two names there are.
pub(in crate::dialect) fn expresses(action: Action, field: &Field) -> bool {
    matches!(action, Action::CreateUser | Action::UpdateUser)
        && match field {
            Field::User(field) => has_field(*field),
            Field::Group(_) => false,
            Field::Extension(dialect, name) => {
                *dialect == Dialect::Vision6
                    && matches!(
                        Key::from_name(name.as_str()),
                        None | Some(Key::ReceivesPromotional)
                    )
            }
        }
}

const fn has_field(field: UserField) -> bool {
    match field {
        UserField::Username
        | UserField::Password
        | UserField::DisplayName
        | UserField::GivenName
        | UserField::FamilyName
        | UserField::Email
        | UserField::EmailVerified
        | UserField::Status
        | UserField::Phone
        | UserField::Mobile
        | UserField::Fax
        | UserField::Title
        | UserField::Timezone
        | UserField::ReadOnly
        | UserField::Notify => true,
        UserField::CurrentPassword
        | UserField::Nickname
        | UserField::Gender
        | UserField::Locale
        | UserField::Level
        | UserField::PictureUrl
        | UserField::Role
        | UserField::Organizations => false,
    }
}
