//! Operations of one dialect that have no canonical form.

use std::fmt;

use bytes::Bytes;

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
    /// The files that were uploaded with it.
    pub files: Vec<Upload>,
}

/// An uploaded file. Its contents are not printed, because nobody knows what they hold.
#[derive(Clone, PartialEq, Eq)]
pub struct Upload {
    /// The field it was sent in, in the dialect's own notation.
    pub field: Text,
    /// The name it has with its sender.
    pub filename: Text,
    /// Its media type, as sent; empty where none was.
    pub content_type: Text,
    /// What is in it.
    pub contents: Bytes,
}

impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Upload")
            .field("field", &self.field)
            .field("bytes", &self.contents.len())
            .finish_non_exhaustive()
    }
}
