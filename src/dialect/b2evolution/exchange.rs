//! One command at a b2evolution.
//!
//! - A user is named by its number; the number of a login is found in the list of users, since no
//!   answer shows an e-mail address.
//! - An update of the identity reads the user, fills up the form and writes it whole.
//! - The server may report success and keep nothing. What a read shows of a change is read again
//!   and compared.
//! - It does not tell the number of a new user, which is looked up afterwards.

mod change;
mod confirm;
mod directory;
mod lists;
mod merge;
mod session;
mod subject;

use std::mem;
use std::sync::Arc;

use http::Request;
use http::header::COOKIE;
use http::response::Parts;

pub(in crate::dialect) use self::change::check_update;
use self::directory::Directory;
pub(super) use self::merge::HIDDEN;
use self::subject::{effect, query, unasked, update};
use super::field::Flag;
use super::field_names::in_canonical_words;
use super::{answer, request};
use crate::auth::Call;
use crate::command::user::{User, UserRef};
use crate::command::{AccountId, Command, Id};
use crate::dialect::exchange::{
    self, Effect, Failure, Known, Learnt, Refusal, Session, Step, Terms, in_account, take_account,
};
use crate::error::{Error, Kind};
use crate::outcome::Outcome;

/// A command on its way.
#[derive(Debug)]
pub struct Exchange {
    call: Call,
    account: Option<AccountId>,
    known: Known,
    terms: Arc<Terms>,
    learnt: Learnt,
    /// Where the user is named by its login: how, and the list to find it in.
    named: Option<(UserRef, Directory)>,
    /// Whether the number comes from a memory that may be out of date.
    remembered: bool,
    state: State,
    settled: Option<Outcome>,
}

/// What the last request asked.
#[derive(Debug)]
enum State {
    /// Who the user is.
    LookUp(Directory),
    /// What the user's identity is, before it is replaced.
    Identity,
    /// What the caller asked.
    Act,
    /// What was kept of a change.
    Confirm,
    /// The number of a new user.
    Created(Directory),
    /// Users.
    List(Directory),
}

impl Exchange {
    /// Writes the first request.
    pub(in crate::dialect) fn start(
        mut call: Call,
        known: Known,
        terms: Arc<Terms>,
    ) -> Result<(Self, Step), Failure> {
        let account = take_account(&mut call, &terms)?;
        let mut exchange = Self {
            call,
            account,
            known,
            terms,
            learnt: Learnt::default(),
            named: None,
            remembered: false,
            state: State::Act,
            settled: None,
        };
        exchange.prepare()?;
        let step = exchange.begin()?;
        Ok((exchange, step))
    }

    /// Refuses what cannot be done, before anything is sent.
    fn prepare(&mut self) -> Result<(), Error> {
        let (credentials, policy) = (&self.call.credentials, &self.terms.policy);
        match &mut self.call.command {
            Command::CreateUser(change) => {
                change::split_name(change)?;
                change::check_new(change, policy)
            }
            Command::UpdateUser(user, change) => {
                change::split_name(change)?;
                if !self.known.is_callers {
                    change::prove(change, credentials);
                }
                check_update(change, policy)?;
                // What is known of somebody who is yet to be found nobody has said.
                if matches!(user, UserRef::Id(_)) || self.known.user.is_some() {
                    self.fill_settings()?;
                }
                Ok(())
            }
            Command::ReadUser(_)
            | Command::DeleteUser(_)
            | Command::ListUsers(_)
            | Command::CountUsers(_) => Ok(()),
            // Only a native operation has a request; all others are refused by it.
            Command::CreateGroup(_)
            | Command::UpdateGroup(..)
            | Command::ReadGroup(_)
            | Command::ListGroups
            | Command::DeleteGroup(_)
            | Command::AddMember(..)
            | Command::RemoveMember(_)
            | Command::SetMemberRole(..)
            | Command::BanMember(..)
            | Command::UnbanMember(_)
            | Command::ListTimezones
            | Command::Native(_) => request::encode(&self.call, policy).map(drop),
        }
    }

    /// Fills the forms that take no read to be filled.
    fn fill_settings(&mut self) -> Result<(), Error> {
        if let Command::UpdateUser(_, change) = &mut self.call.command {
            let at_risk = merge::fill_settings(change, &self.known.kept)?;
            self.learnt.risk(at_risk, self.terms.unknown)?;
        }
        Ok(())
    }

    fn begin(&mut self) -> Result<Step, Failure> {
        if let Some(query) = query(&self.call.command) {
            let directory = Directory::of_query(&query, &self.terms.policy)?;
            return self.list(State::List, directory);
        }
        let Some(user) = exchange::subject(&mut self.call.command).cloned() else {
            return self.act();
        };
        match (&user, self.known.user) {
            (UserRef::Id(own), known) => self.act_on(known.unwrap_or(*own)),
            (_, Some(id)) if !self.known.is_doubtful || self.reads_first() => {
                self.named = subject::directory(&user)
                    .ok()
                    .map(|directory| (user, directory));
                self.remembered = true;
                self.act_on(id)
            }
            _ => {
                let directory = subject::directory(&user)?;
                self.named = Some((user, directory.clone()));
                self.list(State::LookUp, directory)
            }
        }
    }

    /// Reads an answer.
    pub(in crate::dialect) fn next(&mut self, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        if let Some(session) = session::read(head) {
            self.known.session = match &session {
                Session::Opened(session) => Some(session.clone()),
                Session::Closed => None,
            };
            self.learnt.session = Some(session);
        }
        match mem::replace(&mut self.state, State::Act) {
            State::LookUp(directory) => self.found(directory, head, body),
            State::Identity => self.merge(head, body),
            State::Act => self.acted(head, body),
            State::Confirm => self.confirm(head, body),
            State::Created(directory) => self.created(directory, head, body),
            State::List(directory) => self.listed(directory, head, body),
        }
    }

    /// The outcome of a write, while it is being looked at what became of it.
    pub(in crate::dialect) const fn settled(&self) -> Option<&Outcome> {
        self.settled.as_ref()
    }

    /// What was found out.
    pub(in crate::dialect) const fn learnt(&self) -> &Learnt {
        &self.learnt
    }

    /// Whether an answer shows the user's login before anything is written.
    fn reads_first(&self) -> bool {
        let command = &self.call.command;
        matches!(command, Command::ReadUser(_))
            || update(command).is_some_and(|change| merge::needs(change, Flag::Identity))
    }

    fn act_on(&mut self, id: Id) -> Result<Step, Failure> {
        if let Some(user) = exchange::subject(&mut self.call.command) {
            *user = UserRef::Id(id);
        }
        if self.reads_first() && update(&self.call.command).is_some() {
            self.state = State::Identity;
            return self.view(id);
        }
        self.act()
    }

    fn act(&mut self) -> Result<Step, Failure> {
        self.state = State::Act;
        let request = request::encode(&self.call, &self.terms.policy);
        let request = request.map_err(in_canonical_words)?;
        Ok(self.send(request, effect(&self.call.command)))
    }

    fn view(&self, id: Id) -> Result<Step, Failure> {
        let credentials = self.call.credentials.clone();
        let call = Call::new(credentials, None, Command::ReadUser(UserRef::Id(id)));
        let request = request::encode(&call, &self.terms.policy)?;
        Ok(self.send(request, Effect::Read))
    }

    fn merge(&mut self, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        let user = match self.viewed(head, body) {
            Ok(user) => user,
            Err(refusal) => return self.refused(refusal.of_own_question(), Effect::Read, head),
        };
        if let Some(directory) = self.forgets(&user) {
            return self.look_up_again(directory);
        }
        if let Command::UpdateUser(_, change) = &mut self.call.command {
            let mut at_risk = mem::take(&mut self.learnt.at_risk);
            at_risk.extend(merge::fill_identity(change, &self.known.kept, &user));
            self.learnt.risk(at_risk, self.terms.unknown)?;
        }
        self.act()
    }

    fn acted(&mut self, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        let command = &self.call.command;
        let answer = answer::decode(command, head, body, &self.terms.policy);
        let outcome = match answer.and_then(|outcome| subject::check(command, outcome)) {
            Ok(outcome) => in_account(outcome, self.account),
            Err(refusal) => return self.refused(refusal, effect(command), head),
        };
        if let Outcome::User(user) = &outcome
            && let Some(directory) = self.forgets(user)
        {
            return self.list(State::LookUp, directory);
        }
        let command = &self.call.command;
        if let Command::CreateUser(change) = command
            && let Some(directory) = change.username.as_ref().and_then(Directory::of_login)
        {
            self.settled = Some(outcome);
            return self.list(State::Created, directory);
        }
        if let Command::UpdateUser(UserRef::Id(id), change) = command
            && change::is_shown(change)
        {
            let id = *id;
            self.settled = Some(outcome);
            self.state = State::Confirm;
            return self.view(id);
        }
        Ok(Step::Done(outcome))
    }

    /// A read that fails says nothing about the change: a user that was closed cannot be read.
    fn confirm(&mut self, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        if let (Ok(user), Some(change)) = (self.viewed(head, body), update(&self.call.command)) {
            confirm::compare(change, &user)?;
        }
        Ok(Step::Done(self.settled.take().unwrap_or(Outcome::Done)))
    }

    /// The list to look the user up in, if the number that was remembered is another's by now.
    fn forgets(&mut self, user: &User) -> Option<Directory> {
        let (named, directory) = self.named.as_ref()?;
        if !self.remembered || subject::is_named(named, user) {
            return None;
        }
        let directory = directory.clone();
        self.learnt.mistaken = Some(named.clone());
        self.remembered = false;
        Some(directory)
    }

    /// What is known of the user to update is known of that number, and whoever sees to it that a user
    /// is updated once at a time knows it by that number: it has to begin again with the right one.
    fn look_up_again(&mut self, directory: Directory) -> Result<Step, Failure> {
        if update(&self.call.command).is_some() {
            return Err(Failure::Call(Kind::UserNotFound.into()));
        }
        self.list(State::LookUp, directory)
    }

    /// Nobody has the number that was remembered, or a read by a doubtful one is refused: the login
    /// may belong to another by now. Nothing was done, so that it may be asked again.
    fn refused(&mut self, refusal: Refusal, effect: Effect, head: &Parts) -> Result<Step, Failure> {
        let is_gone = refusal.kind() == Some(&Kind::UserNotFound)
            || (self.known.is_doubtful && effect == Effect::Read && refusal.is_about_the_user());
        if let (true, true, Some((named, directory))) = (is_gone, self.remembered, &self.named) {
            let directory = directory.clone();
            self.learnt.mistaken = Some(named.clone());
            self.remembered = false;
            return self.look_up_again(directory);
        }
        // It changes memberships before it looks at the rest of the form.
        let change = update(&self.call.command);
        if effect == Effect::Write && change.is_some_and(|change| change.organizations.is_some()) {
            self.learnt.at_risk.push("organizations");
        }
        Err(change::told(refusal).into_failure(effect, head.status))
    }

    fn send(&self, mut request: Request<bytes::Bytes>, effect: Effect) -> Step {
        if let Some(cookie) = self.known.session.as_ref().and_then(session::header) {
            request.headers_mut().insert(COOKIE, cookie);
        }
        let request = Box::new(request);
        Step::Send { request, effect }
    }

    /// The user of the command, as a read of it shows it.
    fn viewed(&self, head: &Parts, body: &[u8]) -> Result<User, Refusal> {
        let mut command = self.call.command.clone();
        let asked = exchange::subject(&mut command).ok_or_else(|| unasked("a user"))?;
        let command = Command::ReadUser(asked.clone());
        let answer = answer::decode(&command, head, body, &self.terms.policy)?;
        if let Outcome::User(user) = subject::check(&command, answer)? {
            return Ok(*user);
        }
        Err(unasked("something else than a user"))
    }

    fn read(&self, command: &Command, head: &Parts, body: &[u8]) -> Result<Outcome, Failure> {
        let answer = answer::decode(command, head, body, &self.terms.policy);
        answer.map_err(|refusal| {
            let is_callers_question = query(&self.call.command).is_some();
            let refusal = if is_callers_question {
                refusal
            } else {
                refusal.of_own_question()
            };
            refusal.into_failure(Effect::Read, head.status)
        })
    }
}
