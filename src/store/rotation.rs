//! A second secret for a key.

use crate::auth::api_key::KeyDigest;
use crate::clock::Timestamp;

/// The secret that takes the place of a key's present one. The key keeps its name, its scopes, its
/// accounts and its routes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotation {
    /// What the presented key is compared with.
    pub digest: KeyDigest,
    /// Its last four characters.
    pub hint: String,
    /// Now.
    pub at: Timestamp,
    /// How long the present secret works beside the new one. Nothing: every older secret is
    /// revoked at once.
    pub overlap_end: Option<Timestamp>,
    /// When the new secret stops working. Nothing: when the present one does.
    pub expires_at: Option<Timestamp>,
}

/// What became of a rotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rotated {
    /// It is done.
    Done {
        /// The last four characters of the secret that was replaced.
        hint: String,
        /// How long that one works.
        until: Timestamp,
    },
    /// No live key has the name.
    Unknown,
    /// The new secret would have expired already, as the present one has.
    Expired(Timestamp),
    /// Two secrets are live, until then. A third would have to end one that callers may have.
    Overlapping(Timestamp),
}
