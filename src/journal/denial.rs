//! What was asked for and not done.

use std::net::IpAddr;

use super::Entry;
use crate::clock::Timestamp;
use crate::command::Id;

/// A call of an authenticated caller that was not carried out, or nobody knows whether.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// Who asked for what.
    pub entry: Entry,
    /// The user it was about, where the call named it by number.
    pub user: Option<Id>,
    /// The group it was about, where the call named it by number.
    pub group: Option<Id>,
    /// What became of it.
    pub verdict: Verdict,
}

/// Why there is no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The caller may not; why, by [`crate::error::Kind::name`].
    Denied(&'static str),
    /// It may have been done all the same.
    Unknown,
}

/// Where denials are written. The store implements it.
///
/// Nothing here waits, blocks on the disk or fails: a denied caller gets its answer no later than
/// the caller of something that is not there. What cannot be written goes to the log.
pub trait DenialLog {
    /// Writes a record, soon. A caller that is denied faster than the disk can take it has the
    /// rest counted instead.
    fn denied(&self, denial: Denial);

    /// Counts a call of which nobody could be established as the caller.
    fn unauthenticated(&self, at: Timestamp, source: Option<IpAddr>);

    /// Writes the counts of the minutes that ended before `now`. To be called about once a minute;
    /// closing the store writes what is left.
    fn write_counts(&self, now: Timestamp);
}
