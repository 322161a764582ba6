//! One harmless question to an upstream, that shows whether it works and takes the gateway's credentials.
//!
//! It is a read, but for Grupo, which has none: there it is an update of nothing of a user that cannot exist,
//! and that there is no such user proves that the key was taken.

use std::fmt::Write;

use crate::clock::Clock;
use crate::command::name::Username;
use crate::command::query::UserQuery;
use crate::command::user::{UserChange, UserRef};
use crate::command::{AccountId, Command, Dialect};
use crate::dialect::exchange::{Failure, Step};
use crate::error::{Error, Kind};

/// What the answer to it shows.
#[derive(Debug)]
pub enum Verdict {
    /// The credentials were taken.
    Taken,
    /// They were refused.
    Refused(Error),
    /// It was answered in another way.
    Failed(Error),
}

/// What changes nothing and needs the credentials, and what it is called there.
pub fn harmless(dialect: Dialect, account: Option<AccountId>) -> (Command, &'static str) {
    let count = Command::CountUsers(UserQuery::default());
    match (dialect, account) {
        (Dialect::B2evolution, _) => (count, "GET users?per_page=1"),
        (Dialect::Vision6, Some(_)) => (count, "countUsers"),
        (Dialect::Vision6, None) => (Command::ListTimezones, "getTimezoneList"),
        (Dialect::Grupo, _) => {
            let user = UserRef::Username(Username::from_stored(nobody()));
            let change = Box::<UserChange>::default();
            let name = "update=site_users of a user that is not there";
            (Command::UpdateUser(user, change), name)
        }
    }
}

/// Takes the answer.
pub fn judge(dialect: Dialect, answered: Result<Step, Failure>) -> Verdict {
    match answered {
        Ok(Step::Done(_) | Step::Send { .. }) => Verdict::Taken,
        Err(Failure::Login(error)) => Verdict::Refused(error),
        // The key was judged before the user was looked for.
        Err(Failure::Call(error))
            if dialect == Dialect::Grupo && *error.kind() == Kind::UserNotFound =>
        {
            Verdict::Taken
        }
        Err(Failure::Call(error)) => Verdict::Failed(error),
    }
}

/// A name that nobody has.
fn nobody() -> String {
    let mut name = String::from("dragoman-check-");
    for byte in Clock::system().random::<12>() {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}
