//! What a b2evolution has an operation and a field for.

use super::exchange::HIDDEN;
use super::field::{self, Flag, Home, Type};
use super::kept::is_new_field;
use crate::command::field::{Field, UserField};
use crate::command::text::Text;
use crate::command::{Action, Dialect};
use crate::route::Policy;

/// It has users; its groups are roles.
pub(in crate::dialect) const fn has_operation(action: Action) -> bool {
    match action {
        Action::CreateUser
        | Action::UpdateUser
        | Action::ReadUser
        | Action::ListUsers
        | Action::CountUsers
        | Action::DeleteUser
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
        | Action::UnbanMember
        | Action::ListTimezones => false,
    }
}

/// A field that the vendor's forms do not have is passed over there. A display name is split into
/// the two names there are.
pub(in crate::dialect) fn expresses(action: Action, field: &Field, policy: &Policy) -> bool {
    matches!(action, Action::CreateUser | Action::UpdateUser)
        && match field {
            Field::User(field) => has_field(*field, policy),
            Field::Group(_) => false,
            Field::Extension(dialect, name) => {
                *dialect == Dialect::B2evolution && has_attribute(name.as_str())
            }
        }
}

/// Whether one of the forms that replace what they do not send has the field, and no read shows it.
pub(in crate::dialect) fn hides(field: &Field) -> bool {
    match field {
        Field::User(UserField::Nickname | UserField::Locale | UserField::Organizations) => true,
        Field::User(_) | Field::Group(_) => false,
        Field::Extension(dialect, name) => {
            *dialect == Dialect::B2evolution && hides_attribute(name.as_str())
        }
    }
}

/// What an update of the identity takes away unless it is known, by the names under which that is told.
pub(in crate::dialect) fn hidden_fields() -> Vec<(&'static str, Vec<Field>)> {
    let own = |name: &&str| {
        let name = Text::parse(*name).ok()?;
        Some(Field::Extension(Dialect::B2evolution, name))
    };
    let canonical = [UserField::Nickname, UserField::Organizations]
        .map(|field| (field.name(), vec![Field::User(field)]));
    let attributes = HIDDEN.map(|(name, fields)| (name, fields.iter().filter_map(own).collect()));
    canonical.into_iter().chain(attributes).collect()
}

fn hides_attribute(name: &str) -> bool {
    let Some(field) = field::find(name) else {
        return is_new_field(name);
    };
    let replaces = matches!(
        field.flags.first(),
        Some(Flag::Identity | Flag::Preferences | Flag::Subscriptions)
    );
    let is_shown = matches!(field.home, Home::Kept(Type::Place(_)));
    replaces && matches!(field.home, Home::Kept(_)) && !is_shown
}

const fn has_field(field: UserField, policy: &Policy) -> bool {
    match field {
        UserField::Username
        | UserField::Password
        | UserField::CurrentPassword
        | UserField::DisplayName
        | UserField::GivenName
        | UserField::FamilyName
        | UserField::Nickname
        | UserField::Gender
        | UserField::Locale
        | UserField::Email
        | UserField::Status
        | UserField::Level
        | UserField::Organizations => true,
        UserField::Role => !policy.roles.is_empty(),
        UserField::EmailVerified
        | UserField::Phone
        | UserField::Mobile
        | UserField::Fax
        | UserField::Title
        | UserField::Timezone
        | UserField::PictureUrl
        | UserField::ReadOnly
        | UserField::Notify => false,
    }
}

fn has_attribute(name: &str) -> bool {
    match field::find(name) {
        Some(field) => matches!(field.home, Home::Kept(_) | Home::Status),
        None => is_new_field(name),
    }
}
