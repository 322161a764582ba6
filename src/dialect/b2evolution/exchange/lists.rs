//! The steps that ask for users: look-ups, lists and counts.

use http::response::Parts;

use super::directory::{Directory, Found};
use super::subject::{unasked, update};
use super::{Exchange, State};
use crate::command::Command;
use crate::command::query::UserQuery;
use crate::command::user::UserRef;
use crate::dialect::b2evolution::request;
use crate::dialect::exchange::{Effect, Failure, Step, in_account};
use crate::error::{Error, Kind};
use crate::outcome::{Outcome, UserPage};

impl Exchange {
    /// Asks for users.
    pub(super) fn list(
        &mut self,
        state: fn(Directory) -> State,
        directory: Directory,
    ) -> Result<Step, Failure> {
        let policy = &self.terms.policy;
        let parameters = directory.parameters(policy)?;
        let request = request::encode_list(parameters, &self.call.credentials, policy)?;
        self.state = state(directory);
        Ok(self.send(request, Effect::Read))
    }

    /// The users of an answer to a list; nothing if more have to be asked for.
    fn page(
        &self,
        directory: &mut Directory,
        head: &Parts,
        body: &[u8],
    ) -> Result<Option<UserPage>, Failure> {
        let outcome = self.read(&Command::ListUsers(UserQuery::default()), head, body)?;
        let Outcome::Users(page) = outcome else {
            return Err(Failure::Call(
                unasked("something else than users").into_error(),
            ));
        };
        match directory.take(page)? {
            Found::Page(page) => Ok(Some(page)),
            Found::More => Ok(None),
        }
    }

    /// Goes on with the user that a look-up found.
    pub(super) fn found(
        &mut self,
        mut directory: Directory,
        head: &Parts,
        body: &[u8],
    ) -> Result<Step, Failure> {
        let Some(page) = self.page(&mut directory, head, body)? else {
            return self.list(State::LookUp, directory);
        };
        let user = page.users.into_iter().next();
        let id = user.ok_or_else(|| Error::from(Kind::UserNotFound))?.id;
        let named = self.named.as_ref().map(|(named, _)| named.clone());
        if update(&self.call.command).is_some() {
            match self.known.user {
                // What is kept, and the turn, are those of the user that was known.
                Some(known) if known != id => {
                    self.learnt.mistaken = named;
                    return Err(Failure::Call(Kind::UserNotFound.into()));
                }
                Some(_) => {}
                None => self.fill_settings()?,
            }
        }
        self.learnt.user = named.map(|named| (named, id));
        self.act_on(id)
    }

    /// Reads users.
    pub(super) fn listed(
        &mut self,
        mut directory: Directory,
        head: &Parts,
        body: &[u8],
    ) -> Result<Step, Failure> {
        let Some(page) = self.page(&mut directory, head, body)? else {
            return self.list(State::List, directory);
        };
        let outcome = if matches!(self.call.command, Command::CountUsers(_)) {
            Outcome::Count(page.total)
        } else {
            Outcome::Users(page)
        };
        Ok(Step::Done(in_account(outcome, self.account)))
    }

    /// Where the number cannot be found, the user was made all the same.
    pub(super) fn created(
        &mut self,
        mut directory: Directory,
        head: &Parts,
        body: &[u8],
    ) -> Result<Step, Failure> {
        let users = match self.page(&mut directory, head, body) {
            Ok(Some(page)) => page.users,
            Ok(None) => return self.list(State::Created, directory),
            Err(_) => Vec::new(),
        };
        let done = self.settled.take().unwrap_or(Outcome::Done);
        let Some(user) = users.into_iter().next() else {
            return Ok(Step::Done(done));
        };
        self.learnt.user = Some((UserRef::Username(user.username), user.id));
        Ok(Step::Done(Outcome::UserCreated(user.id)))
    }
}
