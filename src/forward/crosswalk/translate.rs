//! Numbers of users in commands and outcomes.

use super::numbers::Numbers;
use crate::command::query::{Attribute, Criterion, Operator, UserQuery};
use crate::command::text::Text;
use crate::command::user::UserRef;
use crate::command::{Command, Id};
use crate::dialect::exchange;
use crate::error::{Error, Kind};
use crate::outcome::Outcome;

/// Refuses what no numbers could be put into.
pub(in crate::forward) fn refuse(command: &Command) -> Result<(), Error> {
    match command {
        // Its fields are the dialect's, and a number in one of them would reach somebody else.
        Command::Native(native) => {
            let operation = native.operation.as_str();
            let message = format!(
                "{operation} is not relayed where callers have numbers of their own; \
                 send it to the original system"
            );
            Err(Error::new(Kind::Unsupported, message))
        }
        Command::ListUsers(query) | Command::CountUsers(query) => {
            let mut by_number = query.criteria.iter().filter(|it| is_by_number(it));
            if by_number.all(|criterion| is_one_by_one(criterion.operator)) {
                return Ok(());
            }
            let message = "numbers of users can only be asked for one by one: \
                           the system behind the gateway has others";
            Err(Error::new(Kind::Unsupported, message))
        }
        Command::CreateUser(_)
        | Command::UpdateUser(..)
        | Command::ReadUser(_)
        | Command::DeleteUser(_)
        | Command::CreateGroup(_)
        | Command::UpdateGroup(..)
        | Command::ReadGroup(_)
        | Command::ListGroups
        | Command::DeleteGroup(_)
        | Command::AddMember(..)
        | Command::RemoveMember(_)
        | Command::SetMemberRole(..)
        | Command::BanMember(..)
        | Command::UnbanMember(_)
        | Command::ListTimezones => Ok(()),
    }
}

impl Numbers {
    /// Puts the upstream's numbers in place of the caller's. What cannot be put into them is refused.
    pub(in crate::forward) fn send(&self, command: &mut Command) -> Result<(), Error> {
        refuse(command)?;
        if !is_about_users(command) {
            return Ok(());
        }
        if self.imported().is_empty() {
            let message = "the numbers of its users are not known here yet; \
                           an operator has to import them";
            return Err(Error::new(Kind::Upstream, message));
        }
        if let Some(UserRef::Id(id)) = exchange::subject(command) {
            *id = self.there(*id);
        }
        if let Command::ListUsers(query) | Command::CountUsers(query) = command {
            self.send_query(query);
        }
        Ok(())
    }

    /// Puts the caller's numbers in place of the upstream's.
    pub(in crate::forward) fn bring_back(&self, outcome: &mut Outcome) {
        match outcome {
            Outcome::UserCreated(id) => *id = self.own(*id),
            Outcome::User(user) => user.id = self.own(user.id),
            Outcome::Users(page) => {
                for user in &mut page.users {
                    user.id = self.own(user.id);
                }
            }
            Outcome::Done
            | Outcome::UserDeleted(_)
            | Outcome::Count(_)
            | Outcome::GroupCreated(_)
            | Outcome::Group(_)
            | Outcome::Groups(_)
            | Outcome::Timezones(_)
            | Outcome::Relayed(_) => {}
        }
    }

    fn send_query(&self, query: &mut UserQuery) {
        let by_number = query.criteria.iter_mut().filter(|it| is_by_number(it));
        for value in by_number.flat_map(|criterion| &mut criterion.values) {
            // What is no number is nobody's.
            let there = Id::parse(value.as_str()).map(|own| self.there(own));
            if let Some(there) = there.and_then(|id| Text::parse(id.to_string()).ok()) {
                *value = there;
            }
        }
    }
}

fn is_by_number(criterion: &Criterion) -> bool {
    criterion.attribute == Attribute::Id
}

/// Whether an operator does not depend on the order and the digits of numbers.
const fn is_one_by_one(operator: Operator) -> bool {
    match operator {
        Operator::Exactly | Operator::Not | Operator::In => true,
        Operator::GreaterThan
        | Operator::LessThan
        | Operator::AtLeast
        | Operator::AtMost
        | Operator::StartsWith
        | Operator::EndsWith
        | Operator::Contains => false,
    }
}

const fn is_about_users(command: &Command) -> bool {
    !matches!(
        command,
        Command::CreateGroup(_)
            | Command::UpdateGroup(..)
            | Command::ReadGroup(_)
            | Command::ListGroups
            | Command::DeleteGroup(_)
            | Command::ListTimezones
    )
}
