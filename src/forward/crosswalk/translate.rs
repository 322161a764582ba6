//! Numbers of users in commands and outcomes.

use super::numbers::Numbers;
use crate::command::query::{Attribute, Criterion, Operator, UserQuery};
use crate::command::text::Text;
use crate::command::user::UserRef;
use crate::command::{Command, Id};
use crate::dialect::exchange;
use crate::error::{Error, Kind};
use crate::outcome::Outcome;

impl Numbers {
    /// Puts the upstream's numbers in place of the caller's. What cannot be put into them is refused.
    pub(in crate::forward) fn send(&self, command: &mut Command) -> Result<(), Error> {
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
        match command {
            Command::ListUsers(query) | Command::CountUsers(query) => self.send_query(query),
            // Its fields are the dialect's, and a number in one of them would reach somebody else.
            Command::Native(native) => {
                let operation = native.operation.as_str();
                let message = format!(
                    "{operation} is not relayed where callers have numbers of their own; \
                     send it to the original system"
                );
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

    fn send_query(&self, query: &mut UserQuery) -> Result<(), Error> {
        let by_number = |criterion: &&mut Criterion| criterion.attribute == Attribute::Id;
        for criterion in query.criteria.iter_mut().filter(by_number) {
            match criterion.operator {
                Operator::Exactly | Operator::Not | Operator::In => {
                    for value in &mut criterion.values {
                        // What is no number is nobody's.
                        let there = Id::parse(value.as_str()).map(|own| self.there(own));
                        if let Some(there) = there.and_then(|id| Text::parse(id.to_string()).ok()) {
                            *value = there;
                        }
                    }
                }
                Operator::GreaterThan
                | Operator::LessThan
                | Operator::AtLeast
                | Operator::AtMost
                | Operator::StartsWith
                | Operator::EndsWith
                | Operator::Contains => {
                    let message = "numbers of users can only be asked for one by one: \
                                   the system behind the gateway has others";
                    return Err(Error::new(Kind::Unsupported, message));
                }
            }
        }
        Ok(())
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
