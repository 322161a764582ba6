//! Membership of users in groups.

use super::Id;
use super::group::GroupRef;
use super::text::Text;
use super::user::UserRef;

/// A user and the group it is, was or becomes a member of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// The member.
    pub user: UserRef,
    /// The group.
    pub group: GroupRef,
}

/// A role inside a group: the number of the system the dialect comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MemberRole(pub Id);

/// When a ban ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BanEnd {
    /// It does not.
    Never,
    /// At the end of that day, a valid date written `YYYY-MM-DD`.
    Until(Text),
}

/// A stored membership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// The member's id.
    pub user: Id,
    /// The group's id.
    pub group: Id,
    /// The role, if one was given.
    pub role: Option<MemberRole>,
    /// The ban, if one stands.
    pub ban: Option<BanEnd>,
}
