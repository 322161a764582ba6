//! One record of the trail, and which of them are looked for.

use std::fmt;
use std::str::FromStr;

use super::Entry;
use crate::clock::Timestamp;
use crate::command::{AccountId, Id};

/// A record as it is kept. Its texts are not parsed again when it is read: somebody may have
/// changed them, and that is for [`super::verify`] to find.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Its number: 1 for the first, and one more for each after that.
    pub id: i64,
    /// When; of a count, when its minute began.
    pub at: Timestamp,
    /// Who; nothing where nobody could be established.
    pub principal: Option<String>,
    /// What.
    pub action: Option<String>,
    /// In which account.
    pub account: Option<i64>,
    /// To which user.
    pub user: Option<i64>,
    /// To which group.
    pub group: Option<i64>,
    /// To which key.
    pub key: Option<i64>,
    /// From where.
    pub source: Option<String>,
    /// By which route.
    pub route: Option<String>,
    /// With which request.
    pub request_id: Option<String>,
    /// What became of it, by [`Outcome::name`].
    pub outcome: String,
    /// Why it was not done: by [`crate::error::Kind::name`], or in words of a user who could not be
    /// notified. Of what was forgotten or is kept of an upstream from the command line, its name; of a route,
    /// its mode from then on.
    pub reason: Option<String>,
    /// What was asked for and not done although the rest was.
    pub not_done: Option<String>,
    /// `changed` where a password was set or taken away: more of it is never told.
    pub password: Option<String>,
    /// How many calls, lines of the crosswalk or kept fields the record stands for, where it may be more
    /// than one; of a write for an upstream how often it was sent, where that is.
    pub attempts: Option<i64>,
    /// The digest of what the target was before.
    pub before: Option<Vec<u8>>,
    /// The digest of what the target is now.
    pub after: Option<Vec<u8>>,
    /// The link of the chain: see [`super::seal::Seal::link`].
    pub hash: Vec<u8>,
}

impl Record {
    /// What an entry says, without a target and outside of the chain.
    pub fn of(entry: &Entry, outcome: Outcome) -> Self {
        Self {
            principal: Some(entry.principal.clone()),
            action: Some(entry.action.name().to_owned()),
            account: Some(entry.account.id().value()),
            source: entry.source.map(|address| address.to_string()),
            route: entry.route.clone(),
            request_id: Some(entry.request_id.clone()),
            not_done: entry.not_done.map(str::to_owned),
            attempts: entry.tries.map(i64::from),
            ..Self::bare(entry.at, outcome)
        }
    }

    /// A record that says no more than when and how it ended.
    pub fn bare(at: Timestamp, outcome: Outcome) -> Self {
        Self {
            id: 0,
            at,
            principal: None,
            action: None,
            account: None,
            user: None,
            group: None,
            key: None,
            source: None,
            route: None,
            request_id: None,
            outcome: outcome.name().to_owned(),
            reason: None,
            not_done: None,
            password: None,
            attempts: None,
            before: None,
            after: None,
            hash: Vec::new(),
        }
    }

    /// What it was done to.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        let user = self.user.and_then(Id::new).map(Target::User);
        let group = self.group.and_then(Id::new).map(Target::Group);
        let key = self.key.and_then(Id::new).map(Target::Key);
        user.into_iter().chain(group).chain(key)
    }
}

/// What became of what a record is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, in the transaction that wrote the record.
    Done,
    /// It was not done: its caller is known and may not.
    Denied,
    /// It may have been done: the caller was told that nobody knows. If the store did it after
    /// all, a record of the same request says so.
    Unknown,
    /// It was not done: nobody could be established as the caller.
    Unauthenticated,
    /// It was tried until there was no use in trying any more.
    Failed,
}

impl Outcome {
    /// The name in records.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Denied => "denied",
            Self::Unknown => "unknown",
            Self::Unauthenticated => "unauthenticated",
            Self::Failed => "failed",
        }
    }
}

/// What something was done to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    /// A user, also as a member.
    User(Id),
    /// A group, also one whose members changed.
    Group(Id),
    /// An API key.
    Key(Id),
}

/// `user:5`, `group:2`, `key:1`.
impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (noun, id) = match self {
            Self::User(id) => ("user", id),
            Self::Group(id) => ("group", id),
            Self::Key(id) => ("key", id),
        };
        write!(f, "{noun}:{id}")
    }
}

impl FromStr for Target {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let target = text.split_once(':').and_then(|(noun, number)| {
            let id = Id::parse(number)?;
            match noun {
                "user" => Some(Self::User(id)),
                "group" => Some(Self::Group(id)),
                "key" => Some(Self::Key(id)),
                _ => None,
            }
        });
        target.ok_or("user, group or key with its number, e.g. user:5")
    }
}

/// Which records are looked for, and in which order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordQuery {
    /// Not before that.
    pub since: Option<Timestamp>,
    /// Before that.
    pub until: Option<Timestamp>,
    /// By whom, e.g. `key:crm`.
    pub principal: Option<String>,
    /// To what.
    pub target: Option<Target>,
    /// What was done, e.g. `user.update`.
    pub action: Option<String>,
    /// In which account.
    pub account: Option<AccountId>,
    /// The oldest first, else the newest.
    pub oldest_first: bool,
    /// The record to begin with, in that order; whether it is there or not.
    pub from: Option<i64>,
    /// How many at most.
    pub limit: u32,
}

impl RecordQuery {
    /// Every record there is, the oldest first, so many at a time.
    pub const fn all(limit: u32) -> Self {
        Self {
            since: None,
            until: None,
            principal: None,
            target: None,
            action: None,
            account: None,
            oldest_first: true,
            from: None,
            limit,
        }
    }

    /// What comes after that record, in the same order; nothing if none can.
    #[must_use]
    pub fn after(self, last: &Record) -> Option<Self> {
        let from = if self.oldest_first {
            last.id.checked_add(1)
        } else {
            last.id.checked_sub(1)
        };
        Some(Self {
            from: Some(from?),
            ..self
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_is_read_as_it_is_written() {
        for text in ["user:5", "group:2", "key:1"] {
            assert_eq!(text.parse::<Target>().unwrap().to_string(), text);
        }
        for text in ["", "user", "user:", "user:0", "user:-1", "account:1", "5"] {
            assert!(text.parse::<Target>().is_err(), "{text}");
        }
    }
}
