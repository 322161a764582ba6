//! Searches over users.

use super::Dialect;
use super::text::Text;

/// Which users, in which order, which part of them.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct UserQuery {
    /// All of these must hold; none means every user of the account.
    pub criteria: Vec<Criterion>,
    /// The order; by id where none is asked for.
    pub sort: Option<Sort>,
    /// How many to leave out at the start.
    pub offset: u64,
    /// At most how many; no limit where none is asked for.
    pub limit: Option<u64>,
}

/// One condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Criterion {
    /// What is looked at.
    pub attribute: Attribute,
    /// How it is compared; text without regard to case.
    pub operator: Operator,
    /// What it is compared with: several values only for [`Operator::In`]. Booleans are `1` and
    /// `0`, a status is its [`Status::name`](super::user::Status::name).
    pub values: Vec<Text>,
}

/// What a condition or an order looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each attribute is explained at UserChange")]
pub enum Attribute {
    Id,
    Username,
    DisplayName,
    GivenName,
    FamilyName,
    Nickname,
    Gender,
    Locale,
    Email,
    EmailVerified,
    Status,
    Level,
    Phone,
    Mobile,
    Fax,
    Title,
    Timezone,
    PictureUrl,
    ReadOnly,
    Role,
    /// The id of any of the user's organizations.
    Organization,
    /// Any of username, display, given, family and nickname: it matches if one of them does.
    AnyName,
    /// A dialect's own attribute.
    Extension(Dialect, Text),
}

/// How a condition compares. Every comparison but [`Operator::Not`] is false for an attribute that has no
/// value; `id`, `level` and organizations are compared as numbers, everything else as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    Exactly,
    Not,
    GreaterThan,
    LessThan,
    AtLeast,
    AtMost,
    In,
    StartsWith,
    EndsWith,
    Contains,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sort {
    /// What is compared; ties are broken by id.
    pub attribute: Attribute,
    /// Largest first.
    pub descending: bool,
}
