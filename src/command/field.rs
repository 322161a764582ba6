//! The names of what a change can mention, so that what a target cannot keep is spoken of by name.

mod group;
mod kept;
mod user;

use std::fmt;

use super::Dialect;
use super::extension::ExtensionEdit;
use super::text::Text;

/// An enum and its names, from one table.
macro_rules! names {
    ($(#[$meta:meta])* $name:ident { $($variant:ident = $text:literal,)* }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[expect(missing_docs, reason = "each is explained at the attribute of the same name")]
        pub enum $name {
            $($variant,)*
        }

        impl $name {
            /// Every one of them.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// The name in configuration, logs and the header of losses.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                }
            }
        }
    };
}

names! {
    /// An attribute of a [`UserChange`](super::user::UserChange).
    UserField {
        Username = "username",
        Password = "password",
        CurrentPassword = "current_password",
        DisplayName = "display_name",
        GivenName = "given_name",
        FamilyName = "family_name",
        Nickname = "nickname",
        Gender = "gender",
        Locale = "locale",
        Email = "email",
        EmailVerified = "email_verified",
        Status = "status",
        Level = "level",
        Phone = "phone",
        Mobile = "mobile",
        Fax = "fax",
        Title = "title",
        Timezone = "timezone",
        PictureUrl = "picture_url",
        ReadOnly = "read_only",
        Role = "role",
        Organizations = "organizations",
        Notify = "notify",
    }
}

names! {
    /// An attribute of a [`GroupChange`](super::group::GroupChange).
    GroupField {
        Name = "group.name",
        Slug = "group.slug",
        Description = "group.description",
        CategoryId = "group.category_id",
        Secret = "group.secret",
        Unleavable = "group.unleavable",
        Pinned = "group.pinned",
        PasswordProtected = "group.password_protected",
        Password = "group.password",
        IconUrl = "group.icon_url",
    }
}

/// An attribute of a user or a group: `title`, `group.slug`, `grupo.custom_field_1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Field {
    /// Of a user.
    User(UserField),
    /// Of a group.
    Group(GroupField),
    /// A dialect's own, of either.
    Extension(Dialect, Text),
}

impl Field {
    /// The field that is written like that: a canonical name, or a dialect's with the dialect in
    /// front.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(field) = UserField::ALL.iter().find(|field| field.name() == text) {
            return Some(Self::User(*field));
        }
        if let Some(field) = GroupField::ALL.iter().find(|field| field.name() == text) {
            return Some(Self::Group(*field));
        }
        let (dialect, field) = text.split_once('.')?;
        let dialect = Dialect::from_name(dialect)?;
        let field = Text::parse(field).ok().filter(|_| !field.is_empty())?;
        Some(Self::Extension(dialect, field))
    }
}

/// As [`Field::parse`] reads it.
impl fmt::Display for Field {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(field) => f.write_str(field.name()),
            Self::Group(field) => f.write_str(field.name()),
            Self::Extension(dialect, field) => write!(f, "{dialect}.{}", field.as_str()),
        }
    }
}

/// An attribute that a change mentions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Which.
    pub field: Field,
    /// Whether it is emptied only. Who cannot keep it loses nothing then.
    pub is_empty: bool,
}

impl Mention {
    fn of(field: Field, is_empty: bool) -> Self {
        Self { field, is_empty }
    }

    fn extensions(edits: &[ExtensionEdit]) -> impl Iterator<Item = Self> {
        edits.iter().map(|edit| {
            let field = Field::Extension(edit.dialect, edit.field.clone());
            let value = edit.value.as_ref().map(Text::as_str).unwrap_or_default();
            Self::of(field, value.is_empty())
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read_as_the_field_that_has_it() {
        let users = UserField::ALL.iter().copied().map(Field::User);
        let groups = GroupField::ALL.iter().copied().map(Field::Group);
        let own = Field::Extension(Dialect::Grupo, Text::parse("custom.field 1").unwrap());
        for field in users.chain(groups).chain([own]) {
            assert_eq!(Field::parse(&field.to_string()), Some(field));
        }
        for unknown in ["", "titel", "group.title", "grupo.", "scim.x"] {
            assert_eq!(Field::parse(unknown), None, "{unknown}");
        }
    }
}
