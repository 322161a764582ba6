//! The audit trail: who did what to whom, and who was not let.
//!
//! Every write leaves a [`record::Record`] in its own transaction; so does every call that an
//! authenticated caller was denied. Calls of nobody in particular are only counted, by source and
//! minute ([`tally`]), since a record for each would let one packet buy one sync of the disk. The
//! records are a chain ([`seal`]), so that [`verify`] finds what was changed, removed or put in.
//! Nothing secret is in it: no key, no password, no body and no address; what a user or group
//! looked like is there as a keyed digest only.

pub mod denial;
pub mod record;
pub mod seal;
pub mod tally;
pub mod verify;

use std::net::IpAddr;

use crate::clock::Timestamp;
use crate::command::{AccountId, Action};

/// What is known of a write before it is carried out. The store completes it with the target and
/// writes it in the transaction of the write. Nothing secret is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// When.
    pub at: Timestamp,
    /// Who: `key:NAME` or `user:ID`, or the command line.
    pub principal: String,
    /// What.
    pub action: Action,
    /// In which account.
    pub account: AccountId,
    /// The caller's address, where there is one.
    pub source: Option<IpAddr>,
    /// The route it came by, where there is one.
    pub route: Option<String>,
    /// The request it came with; the same as in the log and in `X-Request-Id`.
    pub request_id: String,
    /// What was asked for and not done, e.g. a notification that nobody is configured to send.
    pub not_done: Option<&'static str>,
}
