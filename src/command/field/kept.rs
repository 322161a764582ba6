//! Which fields may be kept in the place of a system that has no place for them.

use super::{Field, UserField};
use crate::command::extension::is_credential;

impl Field {
    /// Why the field cannot be kept, as the end of a sentence that starts with it; nothing where it
    /// can.
    pub fn cannot_be_kept(&self) -> Option<&'static str> {
        const SECRET: &str = "is a secret, and what is kept is kept as it is";
        match self {
            Self::User(UserField::Password | UserField::CurrentPassword) => Some(SECRET),
            Self::Extension(_, name) if is_credential(name.as_str()) => Some(SECRET),
            Self::User(UserField::Role) => {
                Some("gives rights, which only who grants them can keep")
            }
            Self::User(UserField::Notify) => Some("is something to do, and nothing to keep"),
            Self::User(UserField::Username | UserField::Email | UserField::Status)
            | Self::Group(_) => Some("has a place wherever there are such things"),
            Self::User(
                UserField::DisplayName
                | UserField::GivenName
                | UserField::FamilyName
                | UserField::Nickname
                | UserField::Gender
                | UserField::Locale
                | UserField::EmailVerified
                | UserField::Level
                | UserField::Phone
                | UserField::Mobile
                | UserField::Fax
                | UserField::Title
                | UserField::Timezone
                | UserField::PictureUrl
                | UserField::ReadOnly
                | UserField::Organizations,
            )
            | Self::Extension(..) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_and_no_right_is_kept() {
        for name in [
            "password",
            "current_password",
            "group.password",
            "grupo.password",
            "vision6.API_KEY",
            "role",
            "notify",
        ] {
            let field = Field::parse(name).unwrap();
            assert!(field.cannot_be_kept().is_some(), "{name}");
        }
        for name in [
            "title",
            "read_only",
            "organizations",
            "grupo.custom_field_1",
        ] {
            let field = Field::parse(name).unwrap();
            assert_eq!(field.cannot_be_kept(), None, "{name}");
        }
    }
}
