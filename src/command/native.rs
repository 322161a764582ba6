//! Operations of one dialect that have no canonical form.

use super::Dialect;
use super::text::Text;
use super::user::UserRef;
use crate::secret::Secret;

/// An operation of a dialect's contract outside the canonical set, kept as it was decoded.
///
/// It is relayed to an upstream of the same dialect; elsewhere it is unsupported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Native {
    /// The dialect it belongs to.
    pub dialect: Dialect,
    /// Its name there, e.g. `add=message`: what scopes and logs call it.
    pub operation: Text,
    /// The user who must exist for it to make sense. The store answers an unknown one with
    /// "user not found" before it answers "unsupported".
    pub subject: Option<UserRef>,
    /// Everything else that was sent, in its order, in the dialect's own notation. Secret because
    /// nobody knows what it holds.
    pub fields: Vec<(Text, Secret)>,
}
