//! What a command that was carried out answers.

use crate::command::Id;
use crate::command::group::Group;
use crate::command::name::Username;
use crate::command::timezone::Timezone;
use crate::command::user::User;

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
}

/// Part of a list of users.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserPage {
    /// The users of this part.
    pub users: Vec<User>,
    /// How many there are in all.
    pub total: u64,
}
