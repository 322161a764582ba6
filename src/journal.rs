//! Audit records: who did what to whom.

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
    /// The request it came with; the same as in the log and in `X-Request-Id`.
    pub request_id: String,
    /// What was asked for and not done, e.g. a notification that nobody is configured to send.
    pub not_done: Option<&'static str>,
}
