//! The audit trail: who did what to whom, and who was not let.
//!
//! Every write leaves a [`record::Record`] in its own transaction; so does every call that an
//! authenticated caller was denied. Calls of nobody in particular are only counted, by source and
//! minute ([`tally`]), since a record for each would let one packet buy one sync of the disk. The
//! records are a chain ([`seal`]), so that [`verify`] finds what was changed, removed or put in.
//! Nothing secret is in it: no key, password, body or e-mail address; what a user or group
//! looked like is there as a keyed digest only.
//!
//! Beside it stands what is kept of calls that are to be done [`once`], for as long as they may be
//! repeated.

pub mod denial;
pub mod event;
pub mod forwarded;
pub mod once;
pub mod record;
pub mod seal;
pub mod tally;
pub mod verify;

use std::net::IpAddr;
use std::sync::Arc;

use self::event::EventId;
use self::once::Held;
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
    pub action: Act,
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
    /// The event of which somebody outside is to be told, if the write of a user asks for it. It is
    /// queued in the transaction of the write.
    pub event: Option<EventId>,
    /// How often it was sent to an upstream, where that is more than once.
    pub tries: Option<u32>,
    /// What is claimed of the write, where its caller may send it again and have it done once.
    pub once: Option<Arc<Held>>,
}

impl Entry {
    /// The same circumstances, for another act in the same transaction.
    #[must_use]
    pub fn with_action(&self, action: Act) -> Self {
        Self {
            action,
            ..self.clone()
        }
    }
}

/// What was done: a command of a caller, or something that only the command line does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A command.
    Command(Action),
    /// A key was made.
    CreateKey,
    /// A key that existed elsewhere was registered.
    ImportKey,
    /// A key got another secret.
    RotateKey,
    /// A secret of a key was ended.
    RevokeKey,
    /// A user came from another system.
    ImportUser,
    /// A group came from another system.
    ImportGroup,
    /// A membership came from another system.
    ImportMember,
    /// A password hash of another system gave way to one of ours.
    RenewHash,
    /// A user was notified, or could not be.
    NotifyUser,
    /// Numbers that callers have of their own came from another system.
    ImportCrosswalk,
    /// Something was forgotten of who is who at an upstream.
    ForgetCrosswalk,
    /// What upstreams take of users and do not show came from users of the store.
    ImportKept,
    /// A route was given another mode.
    SetMode,
}

impl Act {
    /// The name in audit records, noun first.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Command(action) => action.name(),
            Self::CreateKey => "key.create",
            Self::ImportKey => "key.import",
            Self::RotateKey => "key.rotate",
            Self::RevokeKey => "key.revoke",
            Self::ImportUser => "user.import",
            Self::ImportGroup => "group.import",
            Self::ImportMember => "member.import",
            Self::RenewHash => "user.rehash",
            Self::NotifyUser => "user.notify",
            Self::ImportCrosswalk => "crosswalk.import",
            Self::ForgetCrosswalk => "crosswalk.forget",
            Self::ImportKept => "kept.import",
            Self::SetMode => "route.mode",
        }
    }
}

impl From<Action> for Act {
    fn from(action: Action) -> Self {
        Self::Command(action)
    }
}
