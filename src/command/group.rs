//! Groups, and changes to them.

use super::Edit;
use super::Id;
use super::extension::{Extension, ExtensionEdit};
use super::name::Slug;
use super::text::Text;
use crate::secret::Secret;

/// How a call names a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GroupRef {
    /// By its number.
    Id(Id),
    /// By its slug.
    Slug(Slug),
}

/// A change to a group; what is not mentioned stays.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct GroupChange {
    /// The name people see.
    pub name: Option<Text>,
    /// The address in URLs.
    pub slug: Option<Slug>,
    /// What the group is about.
    pub description: Edit<Text>,
    /// The category's number in the system the dialect comes from.
    pub category_id: Edit<Id>,
    /// Whether the group is hidden from who is no member.
    pub secret: Option<bool>,
    /// Whether members cannot leave.
    pub unleavable: Option<bool>,
    /// Whether the group is shown first.
    pub pinned: Option<bool>,
    /// Whether joining takes a password.
    pub password_protected: Option<bool>,
    /// The password for joining.
    pub password: Edit<Secret>,
    /// The address of its picture; not fetched.
    pub icon_url: Edit<Text>,
    /// The dialect's own attributes.
    pub extensions: Vec<ExtensionEdit>,
}

/// A stored group.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "the attributes are independent of each other"
)]
pub struct Group {
    /// Its number.
    pub id: Id,
    /// The name people see.
    pub name: Text,
    /// The address in URLs.
    pub slug: Option<Slug>,
    /// What the group is about.
    pub description: Option<Text>,
    /// The category's number.
    pub category_id: Option<Id>,
    /// Whether the group is hidden from who is no member.
    pub secret: bool,
    /// Whether members cannot leave.
    pub unleavable: bool,
    /// Whether the group is shown first.
    pub pinned: bool,
    /// Whether joining takes a password.
    pub password_protected: bool,
    /// The address of its picture.
    pub icon_url: Option<Text>,
    /// The dialects' own attributes, sorted by dialect and field.
    pub extensions: Vec<Extension>,
}
