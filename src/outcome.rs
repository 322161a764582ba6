//! What a command that was carried out answers.

use std::fmt;

use bytes::Bytes;

use crate::command::Id;
use crate::command::field::Field;
use crate::command::group::Group;
use crate::command::name::Username;
use crate::command::timezone::Timezone;
use crate::command::user::User;

/// A command that was carried out, and what of it was left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Done {
    /// What it answers.
    pub outcome: Outcome,
    /// Fields that the target has no place for and that the route says to leave out, noisily.
    pub lost: Vec<Field>,
    /// Whether it was done before, and only the answer is given again.
    pub replayed: bool,
    /// How often a request of it was sent elsewhere, where one was sent again.
    pub tries: u32,
}

impl From<Outcome> for Done {
    fn from(outcome: Outcome) -> Self {
        Self {
            outcome,
            lost: Vec::new(),
            replayed: false,
            tries: 1,
        }
    }
}

/// The canonical success value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It was done, and there is nothing to add.
    Done,
    /// A user was made.
    UserCreated(Id),
    /// A user was removed; this was its name.
    UserDeleted(Username),
    /// A user was read.
    User(Box<User>),
    /// Users were listed.
    Users(UserPage),
    /// Users were counted.
    Count(u64),
    /// A group was made.
    GroupCreated(Id),
    /// A group was read.
    Group(Box<Group>),
    /// Groups were listed.
    Groups(Vec<Group>),
    /// Time zones were listed.
    Timezones(Vec<Timezone>),
    /// A system of the caller's own dialect answered, and its answer is handed back as it is.
    Relayed(Box<Relayed>),
}

impl Outcome {
    /// Whether a native operation was answered, and not done.
    pub fn is_refusal(&self) -> bool {
        matches!(self, Self::Relayed(relayed) if relayed.is_refusal)
    }
}

/// The answer to a native operation. There are sessions and tokens in it, so that it cannot be
/// printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Relayed {
    /// The status of HTTP.
    pub status: u16,
    /// Names and values of headers, those of one connection left out. Of Vision6, where an answer
    /// may be one of a batch, none.
    pub headers: Vec<(String, Bytes)>,
    /// The body; of Vision6 the JSON text of `result`, or of `error`.
    pub body: Bytes,
    /// Whether it says that nothing was done.
    pub is_refusal: bool,
}

impl fmt::Debug for Relayed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Relayed")
            .field("status", &self.status)
            .field("is_refusal", &self.is_refusal)
            .finish_non_exhaustive()
    }
}

/// Part of a list of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPage {
    /// The users of this part.
    pub users: Vec<User>,
    /// How many there are in all.
    pub total: u64,
}
