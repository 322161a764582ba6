//! What is said of one call: names, never values.

use jiff::Timestamp as Instant;
use serde::Serialize;

use crate::clock::Timestamp;
use crate::command::Command;
use crate::command::field::{Field, Mention};
use crate::error::Error;
use crate::route::OnLoss;

/// A call as it is reported, one JSON object a line.
#[derive(Debug, Default, Serialize)]
pub struct Line {
    /// When it came.
    pub at: String,
    /// The id of its request, which the site was told too.
    pub request_id: String,
    /// By which route.
    pub route: String,
    /// In which dialect.
    pub dialect: &'static str,
    /// From where.
    pub source: Option<String>,
    /// What the caller calls itself.
    pub user_agent: Option<String>,
    /// `key:NAME`; `unknown:` and a fingerprint of a key that the gateway does not know; `login:` and one
    /// of a login; `upstream:` and one where an upstream judges; `anonymous`; `nobody`.
    pub caller: Option<String>,
    /// The last four characters of an unknown key that is long enough to spare them.
    pub key_end: Option<String>,
    /// What is asked, by the vendor's name where it has no other.
    pub operation: Option<String>,
    /// The fields that it mentions.
    pub fields: Vec<String>,
    /// Those that the upstream has no place for.
    pub lost: Vec<Loss>,
    /// Those that would be kept in the store.
    pub kept: Vec<String>,
    /// Why it would not be done.
    pub refused: Option<Refusal>,
}

/// A field that would not be sent.
#[derive(Debug, Serialize)]
pub struct Loss {
    /// Which.
    pub field: String,
    /// What becomes of it.
    pub rule: &'static str,
}

/// A call that would not be done.
#[derive(Debug, Serialize)]
pub struct Refusal {
    /// By [`Kind::name`](crate::error::Kind::name).
    pub kind: &'static str,
    /// What the caller would be told, for each fault.
    pub messages: Vec<String>,
}

impl Loss {
    /// What becomes of a field.
    pub fn of((field, rule): &(Field, OnLoss)) -> Self {
        Self {
            field: field.to_string(),
            rule: rule.name(),
        }
    }
}

impl Refusal {
    /// What an error says.
    pub fn of(error: &Error) -> Self {
        let messages = error.faults().map(|fault| fault.message().to_owned());
        Self {
            kind: error.kind().name(),
            messages: messages.collect(),
        }
    }
}

/// RFC 3339, in UTC and to the millisecond; empty for a time that no calendar has.
pub(super) fn shown_time(at: Timestamp) -> String {
    let time = Instant::from_millisecond(at.as_millis()).ok();
    time.map(|time| format!("{time:.3}")).unwrap_or_default()
}

/// The names of the fields that a command mentions.
pub(super) fn fields(command: &Command) -> Vec<String> {
    let names = |mentions: Vec<Mention>| {
        let names = mentions.into_iter().map(|it| it.field.to_string());
        names.collect()
    };
    match command {
        Command::CreateUser(change) | Command::UpdateUser(_, change) => names(change.mentions()),
        Command::CreateGroup(change) | Command::UpdateGroup(_, change) => names(change.mentions()),
        Command::Native(native) => {
            let fields = native.fields.iter().map(|(name, _)| name);
            let files = native.files.iter().map(|file| &file.field);
            let names = fields.chain(files).map(|name| name.as_str().to_owned());
            names.collect()
        }
        Command::ReadUser(_)
        | Command::ListUsers(_)
        | Command::CountUsers(_)
        | Command::DeleteUser(_)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::DeleteGroup(_)
        | Command::AddMember(..)
        | Command::RemoveMember(_)
        | Command::SetMemberRole(..)
        | Command::BanMember(..)
        | Command::UnbanMember(_)
        | Command::ListTimezones => Vec::new(),
    }
}
