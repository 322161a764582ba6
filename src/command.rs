//! The canonical model: what every dialect is decoded into and encoded from.
//!
//! The vocabulary follows SCIM 2.0 (RFC 7643) where it has a word. Nothing here knows of HTTP,
//! JSON or a dialect's wire format; strings become the parsed types of this module once, in a
//! dialect's decode, and are not checked again below.

pub mod email;
pub mod extension;
pub mod group;
mod invisible;
pub mod member;
pub mod name;
pub mod native;
pub mod organization;
pub mod query;
pub mod text;
pub mod timezone;
pub mod user;

use std::fmt;

use self::group::{GroupChange, GroupRef};
use self::member::{MemberRole, Membership};
use self::native::Native;
use self::query::UserQuery;
use self::user::{UserChange, UserRef};

/// The language a client or an upstream speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dialect {
    /// Form posts to `/api_request/`, the key in the body.
    Grupo,
    /// JSON-RPC, the key as the first parameter.
    Vision6,
    /// REST under `/api/v1`, PHP form fields, HTTP Basic.
    B2evolution,
}

impl Dialect {
    /// Every dialect there is.
    pub const ALL: [Self; 3] = [Self::Grupo, Self::Vision6, Self::B2evolution];

    /// The name used in configuration, logs and the store.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Grupo => "grupo",
            Self::Vision6 => "vision6",
            Self::B2evolution => "b2evolution",
        }
    }

    /// The dialect of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|dialect| dialect.name() == name)
    }
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// The account a user or group belongs to. Usernames and e-mails are unique within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountId(Id);

impl AccountId {
    /// The account with that number.
    pub const fn new(id: Id) -> Self {
        Self(id)
    }

    /// The number.
    pub const fn id(self) -> Id {
        self.0
    }
}

/// A positive number that fits a signed 64-bit column: every id of the canonical model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(i64);

impl Id {
    /// The id 1.
    pub const ONE: Self = Self(1);

    /// An id, if the number is positive.
    pub const fn new(value: i64) -> Option<Self> {
        if value > 0 { Some(Self(value)) } else { None }
    }

    /// An id from decimal digits: no sign, no blanks, no fraction.
    pub fn parse(text: &str) -> Option<Self> {
        if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
            return None;
        }
        text.parse().ok().and_then(Self::new)
    }

    /// The number.
    pub const fn value(self) -> i64 {
        self.0
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a change does to one attribute. The default leaves it as it is.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub enum Edit<T> {
    /// Not mentioned: unchanged.
    #[default]
    Keep,
    /// Emptied.
    Clear,
    /// Given a value.
    Set(T),
}

impl<T> Edit<T> {
    /// Whether the attribute is left as it is.
    pub const fn is_keep(&self) -> bool {
        matches!(self, Self::Keep)
    }

    /// The value that is set, if one is.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Set(value) => Some(value),
            Self::Keep | Self::Clear => None,
        }
    }

    /// Carries the change out on a stored value.
    pub fn apply(self, stored: &mut Option<T>) {
        match self {
            Self::Keep => {}
            Self::Clear => *stored = None,
            Self::Set(value) => *stored = Some(value),
        }
    }
}

/// One canonical operation on users, groups and members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Makes a user.
    CreateUser(Box<UserChange>),
    /// Changes the attributes that are mentioned, and no others.
    UpdateUser(UserRef, Box<UserChange>),
    /// Reads one user.
    ReadUser(UserRef),
    /// Reads the users that match, sorted and cut to a page.
    ListUsers(UserQuery),
    /// Counts the users that match.
    CountUsers(UserQuery),
    /// Removes a user and its memberships.
    DeleteUser(UserRef),
    /// Makes a group.
    CreateGroup(Box<GroupChange>),
    /// Changes the attributes that are mentioned, and no others.
    UpdateGroup(GroupRef, Box<GroupChange>),
    /// Reads one group.
    ReadGroup(GroupRef),
    /// Reads every group of the account.
    ListGroups,
    /// Removes a group and its memberships.
    DeleteGroup(GroupRef),
    /// Makes a user a member; repeating it changes nothing.
    AddMember(Membership, Option<MemberRole>),
    /// Ends a membership.
    RemoveMember(Membership),
    /// Gives a member a role in the group.
    SetMemberRole(Membership, MemberRole),
    /// Bans a member, for good or up to a date.
    BanMember(Membership, member::BanEnd),
    /// Lifts a ban.
    UnbanMember(Membership),
    /// Names the time zones that users may have.
    ListTimezones,
    /// An operation of one dialect that has no canonical form.
    Native(Native),
}

impl Command {
    /// What kind of operation this is.
    pub const fn action(&self) -> Action {
        match self {
            Self::CreateUser(_) => Action::CreateUser,
            Self::UpdateUser(..) => Action::UpdateUser,
            Self::ReadUser(_) => Action::ReadUser,
            Self::ListUsers(_) => Action::ListUsers,
            Self::CountUsers(_) => Action::CountUsers,
            Self::DeleteUser(_) => Action::DeleteUser,
            Self::CreateGroup(_) => Action::CreateGroup,
            Self::UpdateGroup(..) => Action::UpdateGroup,
            Self::ReadGroup(_) => Action::ReadGroup,
            Self::ListGroups => Action::ListGroups,
            Self::DeleteGroup(_) => Action::DeleteGroup,
            Self::AddMember(..) => Action::AddMember,
            Self::RemoveMember(_) => Action::RemoveMember,
            Self::SetMemberRole(..) => Action::SetMemberRole,
            Self::BanMember(..) => Action::BanMember,
            Self::UnbanMember(_) => Action::UnbanMember,
            Self::ListTimezones => Action::ListTimezones,
            Self::Native(_) => Action::Native,
        }
    }

    /// The change to a user that it makes, if it makes one.
    pub const fn user_change(&self) -> Option<&UserChange> {
        if let Self::CreateUser(change) | Self::UpdateUser(_, change) = self {
            return Some(change);
        }
        None
    }
}

/// The name of a [`Command`] without its contents: for scopes, logs, audit and faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(
    missing_docs,
    reason = "each is explained at the command of the same name"
)]
pub enum Action {
    CreateUser,
    UpdateUser,
    ReadUser,
    ListUsers,
    CountUsers,
    DeleteUser,
    CreateGroup,
    UpdateGroup,
    ReadGroup,
    ListGroups,
    DeleteGroup,
    AddMember,
    RemoveMember,
    SetMemberRole,
    BanMember,
    UnbanMember,
    ListTimezones,
    Native,
}

impl Action {
    /// The name in logs and audit records, noun first.
    pub const fn name(self) -> &'static str {
        match self {
            Self::CreateUser => "user.create",
            Self::UpdateUser => "user.update",
            Self::ReadUser => "user.read",
            Self::ListUsers => "user.list",
            Self::CountUsers => "user.count",
            Self::DeleteUser => "user.delete",
            Self::CreateGroup => "group.create",
            Self::UpdateGroup => "group.update",
            Self::ReadGroup => "group.read",
            Self::ListGroups => "group.list",
            Self::DeleteGroup => "group.delete",
            Self::AddMember => "member.add",
            Self::RemoveMember => "member.remove",
            Self::SetMemberRole => "member.set_role",
            Self::BanMember => "member.ban",
            Self::UnbanMember => "member.unban",
            Self::ListTimezones => "timezone.list",
            Self::Native => "native",
        }
    }

    /// Whether carrying the command out changes nothing.
    pub const fn is_read(self) -> bool {
        matches!(
            self,
            Self::ReadUser
                | Self::ListUsers
                | Self::CountUsers
                | Self::ReadGroup
                | Self::ListGroups
                | Self::ListTimezones
        )
    }
}
