//! Users, and changes to them.

use std::fmt;

use super::email::Email;
use super::extension::{Extension, ExtensionEdit, Guard};
use super::name::{Username, join_names, split_display_name};
use super::organization::Organization;
use super::text::Text;
use super::timezone::Timezone;
use super::{AccountId, Edit, Id};
use crate::secret::Secret;

/// How a call names a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UserRef {
    /// By number.
    Id(Id),
    /// By username.
    Username(Username),
    /// By e-mail address.
    Email(Email),
    /// By whichever of the two it turns out to be; the username is tried first.
    UsernameOrEmail(Username),
}

/// Where a user stands in its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Made, and not confirmed yet.
    Unconfirmed,
    /// In use.
    Active,
    /// Switched off, for now.
    Deactivated,
    /// Ended for good.
    Closed,
}

impl Status {
    /// Every status.
    pub const ALL: [Self; 4] = [
        Self::Unconfirmed,
        Self::Active,
        Self::Deactivated,
        Self::Closed,
    ];

    /// The name in the store and in exports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unconfirmed => "unconfirmed",
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Closed => "closed",
        }
    }

    /// The status of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == name)
    }
}

/// A user's level, 0 to 10.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Level(u8);

impl Level {
    /// The level of a user who was given none.
    pub const ZERO: Self = Self(0);

    /// A level, if it is within 0 to 10.
    pub const fn new(value: u8) -> Option<Self> {
        if value <= 10 { Some(Self(value)) } else { None }
    }

    /// The number.
    pub const fn value(self) -> u8 {
        self.0
    }
}

/// A role on the whole site, by name, e.g. `administrator`. A route's table maps a dialect's
/// numbers to these names.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Role(Text);

impl Role {
    /// Its holder may edit every user. This role and the next have a meaning of their own.
    pub const ADMINISTRATOR: &'static str = "administrator";

    /// Its holder may not sign in.
    pub const BANNED: &'static str = "banned";

    /// A role of that name.
    pub const fn new(name: Text) -> Self {
        Self(name)
    }

    /// The name.
    pub fn name(&self) -> &str {
        self.0.as_str()
    }

    /// Whether its holder may edit every user.
    pub fn is_administrator(&self) -> bool {
        self.name() == Self::ADMINISTRATOR
    }

    /// Whether its holder may not sign in.
    pub fn is_banned(&self) -> bool {
        self.name() == Self::BANNED
    }
}

/// A change to a user; what is not mentioned stays.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct UserChange {
    /// The name to sign in with.
    pub username: Option<Username>,
    /// The new password.
    pub password: Option<Secret>,
    /// The password of whoever makes the change, where the dialect sends it as a proof.
    pub current_password: Option<Secret>,
    /// The whole name.
    pub display_name: Edit<Text>,
    /// The given name.
    pub given_name: Edit<Text>,
    /// The family name.
    pub family_name: Edit<Text>,
    /// What friends say.
    pub nickname: Edit<Text>,
    /// As the dialect writes it.
    pub gender: Edit<Text>,
    /// Language and region, e.g. `en-US`.
    pub locale: Edit<Text>,
    /// The address mail goes to.
    pub email: Option<Email>,
    /// Whether the address was confirmed.
    pub email_verified: Option<bool>,
    /// Where the user stands.
    pub status: Option<Status>,
    /// 0 to 10.
    pub level: Option<Level>,
    /// Telephone.
    pub phone: Edit<Text>,
    /// Mobile telephone.
    pub mobile: Edit<Text>,
    /// Fax.
    pub fax: Edit<Text>,
    /// Position in the organization.
    pub title: Edit<Text>,
    /// Time zone.
    pub timezone: Edit<Timezone>,
    /// The address of a picture; not fetched.
    pub picture_url: Edit<Text>,
    /// Whether the user may change nothing.
    pub read_only: Option<bool>,
    /// The role on the site.
    pub role: Edit<Role>,
    /// The whole new list of organizations.
    pub organizations: Option<Vec<Organization>>,
    /// An action, never stored: tell the user about the change by mail.
    pub notify: bool,
    /// The dialect's own attributes.
    pub extensions: Vec<ExtensionEdit>,
    /// The strictest guard of those.
    pub guard: Guard,
}

/// Only what the change mentions is shown.
impl fmt::Debug for UserChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unchanged = Self::default();
        let mut shown = f.debug_struct("UserChange");
        macro_rules! show {
            ($($field:ident)*) => {
                $(if self.$field != unchanged.$field {
                    shown.field(stringify!($field), &self.$field);
                })*
            };
        }
        show!(username password current_password display_name given_name family_name nickname);
        show!(gender locale email email_verified status level phone mobile fax title timezone);
        show!(picture_url read_only role organizations notify extensions guard);
        shown.finish()
    }
}

/// A stored user.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each attribute is explained at UserChange")]
pub struct User {
    pub id: Id,
    pub account: AccountId,
    pub username: Username,
    pub display_name: Option<Text>,
    pub given_name: Option<Text>,
    pub family_name: Option<Text>,
    pub nickname: Option<Text>,
    pub gender: Option<Text>,
    pub locale: Option<Text>,
    pub email: Option<Email>,
    pub email_verified: bool,
    pub status: Status,
    pub level: Level,
    pub phone: Option<Text>,
    pub mobile: Option<Text>,
    pub fax: Option<Text>,
    pub title: Option<Text>,
    pub timezone: Option<Timezone>,
    pub picture_url: Option<Text>,
    pub read_only: bool,
    pub role: Option<Role>,
    pub organizations: Vec<Organization>,
    pub extensions: Vec<Extension>,
}

impl User {
    /// The display name, derived from given and family name where none is stored.
    pub fn full_name(&self) -> Option<String> {
        match &self.display_name {
            Some(stored) => Some(stored.as_str().to_owned()),
            None => join_names(
                text(self.given_name.as_ref()),
                text(self.family_name.as_ref()),
            ),
        }
    }

    /// Given and family name, derived from the display name where neither is stored.
    pub fn names(&self) -> (Option<&str>, Option<&str>) {
        match (&self.given_name, &self.family_name, &self.display_name) {
            (None, None, Some(display)) => {
                let (given, family) = split_display_name(display.as_str());
                (Some(given), family)
            }
            (given, family, _) => (text(given.as_ref()), text(family.as_ref())),
        }
    }

    /// The value of one of a dialect's own attributes.
    pub fn extension(&self, dialect: super::Dialect, field: &str) -> Option<&str> {
        self.extensions
            .iter()
            .find(|kept| kept.dialect == dialect && kept.field.as_str() == field)
            .map(|kept| kept.value.as_str())
    }
}

fn text(text: Option<&Text>) -> Option<&str> {
    text.map(Text::as_str)
}
