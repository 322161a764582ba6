//! Where an attribute of a user is kept, and how it is compared.

use crate::command::Dialect;
use crate::command::name::name_key;
use crate::command::query::Attribute;
use crate::command::text::Text;

/// Where an attribute is kept.
pub(super) enum Place {
    /// In the user's own row.
    Own(Column),
    /// In any of these columns of it.
    AnyOf([Column; 5]),
    /// In the organizations.
    Organizations(Column),
    /// In a dialect's own attribute.
    Extension(Dialect, Text, Column),
}

/// An expression, and what values must be turned into to be compared with it.
#[derive(Clone, Copy)]
pub(super) struct Column {
    /// The SQL.
    pub(super) expression: &'static str,
    /// What it holds.
    pub(super) kind: Kind,
}

/// What an expression holds.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Whole numbers.
    Number,
    /// Text in the form that this function gives it.
    Text(fn(&str) -> String),
}

/// The form in which text is compared: every letter in lower case, whatever stands around it.
pub(in crate::store::sqlite) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    text.chars().flat_map(char::to_lowercase).collect()
}

impl From<&Attribute> for Place {
    fn from(attribute: &Attribute) -> Self {
        match attribute {
            Attribute::Id => number("u.id"),
            Attribute::Username => Self::Own(USERNAME),
            Attribute::DisplayName => Self::Own(DISPLAY_NAME),
            Attribute::GivenName => Self::Own(GIVEN_NAME),
            Attribute::FamilyName => Self::Own(FAMILY_NAME),
            Attribute::Nickname => Self::Own(NICKNAME),
            Attribute::Gender => text("fold(u.gender)"),
            Attribute::Locale => text("fold(u.locale)"),
            Attribute::Email => Self::Own(keyed("u.email_key", str::to_lowercase)),
            Attribute::EmailVerified => text("CAST(u.email_verified AS TEXT)"),
            Attribute::Status => text("u.status"),
            Attribute::Level => number("u.level"),
            Attribute::Phone => text("fold(u.phone)"),
            Attribute::Mobile => text("fold(u.mobile)"),
            Attribute::Fax => text("fold(u.fax)"),
            Attribute::Title => text("fold(u.title)"),
            Attribute::Timezone => text("fold(u.timezone)"),
            Attribute::PictureUrl => text("fold(u.picture_url)"),
            Attribute::ReadOnly => text("CAST(u.read_only AS TEXT)"),
            Attribute::Role => text("fold(u.role)"),
            Attribute::Organization => Self::Organizations(Column {
                expression: "o.organization_id",
                kind: Kind::Number,
            }),
            Attribute::AnyName => {
                Self::AnyOf([USERNAME, DISPLAY_NAME, GIVEN_NAME, FAMILY_NAME, NICKNAME])
            }
            Attribute::Extension(dialect, field) => {
                Self::Extension(*dialect, field.clone(), keyed("fold(e.value)", fold))
            }
        }
    }
}

const USERNAME: Column = keyed("u.username_key", name_key);
const DISPLAY_NAME: Column = keyed("u.display_key", fold);
const GIVEN_NAME: Column = keyed("u.given_key", fold);
const FAMILY_NAME: Column = keyed("u.family_key", fold);
const NICKNAME: Column = keyed("fold(u.nickname)", fold);

const fn keyed(expression: &'static str, key: fn(&str) -> String) -> Column {
    Column {
        expression,
        kind: Kind::Text(key),
    }
}

const fn text(expression: &'static str) -> Place {
    Place::Own(keyed(expression, fold))
}

const fn number(expression: &'static str) -> Place {
    Place::Own(Column {
        expression,
        kind: Kind::Number,
    })
}
