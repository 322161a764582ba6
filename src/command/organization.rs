//! Organizations a user belongs to.

use super::Id;
use super::text::Text;

/// A user's place in an organization.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organization {
    /// The organization's number in the system the dialect comes from.
    pub id: Id,
    /// What the user does there.
    pub role: Option<Text>,
}
