//! The fields of a user's profile: the forms they belong to, and where their values go.

use super::place;
use crate::command::extension::Guard;
use crate::route::profile::Place;

/// A form of the profile. Its fields count only if its flag is sent with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flag {
    Identity,
    Password,
    Preferences,
    Subscriptions,
    Admin,
    Advanced,
}

impl Flag {
    /// Every flag.
    pub(super) const ALL: [Self; 6] = [
        Self::Identity,
        Self::Password,
        Self::Preferences,
        Self::Subscriptions,
        Self::Admin,
        Self::Advanced,
    ];

    /// The flag that a field says.
    pub(super) fn from_name(name: &str) -> Option<Self> {
        // What most names end with is seen first.
        name.strip_suffix("_form")?;
        Self::ALL.into_iter().find(|flag| flag.name() == name)
    }

    /// The field that says so.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity_form",
            Self::Password => "password_form",
            Self::Preferences => "preferences_form",
            Self::Subscriptions => "subscriptions_form",
            Self::Admin => "admin_form",
            Self::Advanced => "advanced_form",
        }
    }
}

/// The flags of one request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Flags(u8);

impl Flags {
    /// Adds a flag.
    pub(super) const fn insert(&mut self, flag: Flag) {
        self.0 |= bit(flag);
    }

    /// Adds a flag, if there is one.
    pub(super) fn extend(&mut self, flag: Option<Flag>) {
        if let Some(flag) = flag {
            self.insert(flag);
        }
    }

    /// Whether the flag is among them.
    pub(super) const fn contains(self, flag: Flag) -> bool {
        self.0 & bit(flag) != 0
    }
}

const fn bit(flag: Flag) -> u8 {
    match flag {
        Flag::Identity => 1,
        Flag::Password => 2,
        Flag::Preferences => 4,
        Flag::Subscriptions => 8,
        Flag::Admin => 16,
        Flag::Advanced => 32,
    }
}

/// What the contract says of a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Field {
    /// Its name, where no others are read the same way.
    pub(super) name: Option<&'static str>,
    /// The forms that have it; the first is the one we send it with. None: it needs no flag.
    pub(super) flags: &'static [Flag],
    /// Where its value goes.
    pub(super) home: Home,
}

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Home {
    /// The username.
    Login,
    /// The given name.
    FirstName,
    /// The family name.
    LastName,
    /// The nickname.
    Nickname,
    /// The gender.
    Gender,
    /// The locale.
    Locale,
    /// The e-mail address.
    Email,
    /// The status, and an extension attribute with its exact name.
    Status,
    /// The level.
    Level,
    /// The role.
    Group,
    /// An extension attribute.
    Kept(Type),
}

/// What an extension attribute may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Type {
    /// Text of any length.
    Text,
    /// Text of at most so many characters.
    ShortText(usize),
    /// A whole number.
    Integer,
    /// The number of a place.
    Place(Place),
    /// A whole number between two, both included.
    Range(i64, i64),
    /// One of these.
    OneOf(&'static [&'static str]),
    /// A list of whole numbers.
    Integers,
    /// A list of the numbers of groups.
    Groups,
    /// A list of texts.
    Texts,
}

/// The field of that name; nothing for one that the contract does not know.
pub(super) fn find(name: &str) -> Option<Field> {
    if let Some((known, flags, home)) = listed(name) {
        return Some(Field {
            name: Some(known),
            flags,
            home: *home,
        });
    }
    let family = FAMILIES
        .iter()
        .find(|(prefix, ..)| name.strip_prefix(prefix).is_some_and(is_member));
    family.map(|(_, flags, kind)| Field {
        name: None,
        flags,
        home: Home::Kept(*kind),
    })
}

/// The row of [`FIELDS`] with that name.
fn listed(name: &str) -> Option<&'static Row> {
    let place = SLOTS.get(slot(name)?)?;
    FIELDS.get(*place).filter(|(known, ..)| *known == name)
}

/// A number that each name of [`FIELDS`] has for its own.
const fn slot(name: &str) -> Option<usize> {
    /// An odd number with which no two names have one slot. Where a new name needs another, the compiler
    /// says so; a random one in a few thousand does.
    const SPREAD: u64 = 0x1127_4634_6e89_be17;
    let Some(end) = name.as_bytes().last_chunk() else {
        return None;
    };
    #[expect(
        clippy::as_conversions,
        reason = "a constant function has no other way"
    )]
    let spread = (u64::from_le_bytes(*end) ^ name.len() as u64).wrapping_mul(SPREAD);
    #[expect(clippy::as_conversions, reason = "seven bits are left")]
    Some((spread >> 57) as usize)
}

/// Where in [`FIELDS`] the name of each slot is; behind its end for those without one.
#[expect(
    clippy::indexing_slicing,
    reason = "the compiler evaluates it, and sees what is out of bounds"
)]
static SLOTS: [usize; 128] = {
    let mut slots = [usize::MAX; 128];
    let mut place = 0;
    while place < FIELDS.len() {
        let Some(slot) = slot(FIELDS[place].0) else {
            panic!("a name is too short");
        };
        assert!(slots[slot] == usize::MAX, "two names have one slot");
        slots[slot] = place;
        place += 1;
    }
    slots
};

/// Who may set an attribute that is kept. The vendor passes over the whole of `admin_form`, and tags,
/// from who may not moderate; a reason comes with closing one's own account.
pub(super) fn guard(name: &str, flags: &[Flag]) -> Guard {
    match name {
        "edited_user_secondary_grp_ID" => Guard::Role,
        "edited_user_tags" => Guard::Administrative,
        "account_close_reason" => Guard::None,
        _ if flags == ADMIN => Guard::Administrative,
        _ => Guard::None,
    }
}

fn is_member(rest: &str) -> bool {
    let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !rest.is_empty() && rest.bytes().all(is_name)
}

const IDENTITY: &[Flag] = &[Flag::Identity];
const PREFERENCES: &[Flag] = &[Flag::Preferences];
const SUBSCRIPTIONS: &[Flag] = &[Flag::Subscriptions];
const ADMIN: &[Flag] = &[Flag::Admin];
const EMAIL: &[Flag] = &[Flag::Admin, Flag::Subscriptions];

const INTEGER: Home = Home::Kept(Type::Integer);
const COUNTRY: Home = Home::Kept(Type::Place(Place::Country));
const REGION: Home = Home::Kept(Type::Place(Place::Region));
const SUBREGION: Home = Home::Kept(Type::Place(Place::Subregion));
const CITY: Home = Home::Kept(Type::Place(Place::City));
const TEXT: Home = Home::Kept(Type::Text);
const MAILS: Home = Home::Kept(Type::Range(0, 999));
const TIMEOUTS: Home = Home::Kept(Type::OneOf(&["default", "custom"]));
const UNITS: Home = Home::Kept(Type::OneOf(&[
    "second", "minute", "hour", "day", "month", "year",
]));

type Row = (&'static str, &'static [Flag], Home);

/// Sorted by name. Passwords, organizations and `uf_add` are read apart from it.
const FIELDS: &[Row] = &[
    ("account_close_reason", ADMIN, TEXT),
    ("edited_domain_status", ADMIN, TEXT),
    ("edited_email_domain_status", ADMIN, TEXT),
    ("edited_email_status", ADMIN, TEXT),
    ("edited_initial_referer_status", ADMIN, TEXT),
    ("edited_iprange_status", ADMIN, TEXT),
    ("edited_user_age_max", IDENTITY, INTEGER),
    ("edited_user_age_min", IDENTITY, INTEGER),
    (
        "edited_user_birthday_day",
        IDENTITY,
        Home::Kept(Type::Range(1, 31)),
    ),
    (
        "edited_user_birthday_month",
        IDENTITY,
        Home::Kept(Type::Range(1, 12)),
    ),
    (
        "edited_user_birthday_year",
        IDENTITY,
        Home::Kept(Type::Range(1900, 9999)),
    ),
    (place::field(Place::City), IDENTITY, CITY),
    (place::field(Place::Country), IDENTITY, COUNTRY),
    ("edited_user_email", EMAIL, Home::Email),
    ("edited_user_email_format", SUBSCRIPTIONS, TEXT),
    ("edited_user_firstname", IDENTITY, Home::FirstName),
    ("edited_user_gender", IDENTITY, Home::Gender),
    ("edited_user_grp_ID", ADMIN, Home::Group),
    ("edited_user_lastname", IDENTITY, Home::LastName),
    ("edited_user_level", ADMIN, Home::Level),
    ("edited_user_locale", PREFERENCES, Home::Locale),
    ("edited_user_login", &[], Home::Login),
    ("edited_user_newsletter_ads", SUBSCRIPTIONS, INTEGER),
    ("edited_user_newsletter_limit", SUBSCRIPTIONS, MAILS),
    ("edited_user_newsletter_news", SUBSCRIPTIONS, INTEGER),
    (
        "edited_user_newsletters",
        SUBSCRIPTIONS,
        Home::Kept(Type::Integers),
    ),
    ("edited_user_nickname", IDENTITY, Home::Nickname),
    ("edited_user_notification_email_limit", SUBSCRIPTIONS, MAILS),
    (place::field(Place::Region), IDENTITY, REGION),
    (
        "edited_user_secondary_grp_ID",
        ADMIN,
        Home::Kept(Type::Groups),
    ),
    (
        "edited_user_set_login_multiple_sessions",
        PREFERENCES,
        INTEGER,
    ),
    ("edited_user_showonline", PREFERENCES, INTEGER),
    ("edited_user_source", ADMIN, Home::Kept(Type::ShortText(30))),
    ("edited_user_status", ADMIN, Home::Status),
    (place::field(Place::Subregion), IDENTITY, SUBREGION),
    ("edited_user_tags", &[], TEXT),
    ("edited_user_timeout_sessions", PREFERENCES, TIMEOUTS),
    ("enable_PM", SUBSCRIPTIONS, INTEGER),
    ("enable_email", SUBSCRIPTIONS, INTEGER),
    ("notification_sender_email", ADMIN, TEXT),
    ("notification_sender_name", ADMIN, TEXT),
    ("org_priorities", IDENTITY, Home::Kept(Type::Texts)),
    ("subs_blog_IDs", SUBSCRIPTIONS, TEXT),
    ("subs_item_IDs", SUBSCRIPTIONS, TEXT),
    ("timeout_sessions_name", PREFERENCES, UNITS),
    ("timeout_sessions_value", PREFERENCES, INTEGER),
];

/// Fields whose names end in an id, or in one of a dozen words.
const FAMILIES: &[(&str, &[Flag], Type)] = &[
    ("uf_", IDENTITY, Type::Text),
    ("edited_user_notify_", SUBSCRIPTIONS, Type::Integer),
    ("edited_user_send_", SUBSCRIPTIONS, Type::Integer),
    ("item_sub_", SUBSCRIPTIONS, Type::Integer),
    ("items_subs_", SUBSCRIPTIONS, Type::Integer),
    ("sub_comments_", SUBSCRIPTIONS, Type::Integer),
    ("sub_items_", SUBSCRIPTIONS, Type::Integer),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_field_is_found() {
        for (name, flags, home) in FIELDS {
            let found = find(name).unwrap();
            let expected = Field {
                name: Some(name),
                flags,
                home: *home,
            };
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn a_family_has_members_and_no_namesake() {
        for name in [
            "uf_12",
            "edited_user_notify_cronjob_error",
            "sub_items_mod_3",
        ] {
            assert!(find(name).is_some(), "{name}");
        }
        for name in ["uf_", "uf_1[", "edited_user_notify", "items_sub_1", ""] {
            assert!(find(name).is_none(), "{name}");
        }
    }
}
