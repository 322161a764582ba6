//! One command at a Vision6 system.
//!
//! Its methods take the user's number, so a user who is named otherwise is looked up first, by
//! `searchUsers`. It lists without saying how many there are in all: where the list does not show
//! that itself, `countUsers` is asked afterwards.

mod look_up;

use std::sync::Arc;

use http::response::Parts;

use self::look_up::LookUp;
use super::request::{self, Asked};
use super::response;
use crate::auth::Call;
use crate::command::query::UserQuery;
use crate::command::user::{User, UserRef};
use crate::command::{Command, Id};
use crate::dialect::exchange::{
    Effect, Failure, Known, Learnt, Refusal, Step, Terms, in_account, is_read, subject,
};
use crate::error::{Error, Kind};
use crate::outcome::{Outcome, UserPage};

/// A command on its way.
#[derive(Debug)]
pub struct Exchange {
    call: Call,
    terms: Arc<Terms>,
    learnt: Learnt,
    /// The number of the last request: each has its own, which the answer must repeat.
    number: u32,
    /// Where the user is named otherwise than by its number: how, and how it is found.
    named: Option<(UserRef, LookUp)>,
    /// Whether the number comes from a memory that may be out of date.
    remembered: bool,
    /// Whether the key is the caller's.
    is_callers: bool,
    state: State,
    settled: Option<Outcome>,
}

/// What the last request asked.
#[derive(Debug)]
enum State {
    /// Who the user is.
    LookUp(LookUp),
    /// Whether a doubtful number is still the one of that user.
    Verify(Id, LookUp),
    /// What the caller asked.
    Act,
    /// How many there are besides those on the page.
    Count(UserPage),
}

impl Exchange {
    /// Writes the first request.
    pub(in crate::dialect) fn start(
        mut call: Call,
        known: &Known,
        terms: Arc<Terms>,
    ) -> Result<(Self, Step), Failure> {
        call.account = call.account.or(terms.account);
        let named =
            subject(&mut call.command).map(|user| std::mem::replace(user, UserRef::Id(Id::ONE)));
        let mut exchange = Self {
            call,
            terms,
            learnt: Learnt::default(),
            number: 0,
            named: None,
            remembered: false,
            is_callers: known.is_callers,
            state: State::Act,
            settled: None,
        };
        let step = exchange.begin(named, known)?;
        Ok((exchange, step))
    }

    fn begin(&mut self, named: Option<UserRef>, known: &Known) -> Result<Step, Failure> {
        let Some(named) = named else {
            if is_empty_page(&self.call.command) {
                let (users, total) = (Vec::new(), 0);
                return self.count(UserPage { users, total });
            }
            return self.act();
        };
        let look_up = match LookUp::new(&named) {
            Ok(look_up) => look_up,
            Err(own) => return self.act_on(known.user.unwrap_or(own)),
        };
        // With any number at all: what cannot be expressed is refused before a look-up.
        check(&self.call, &self.terms)?;
        self.named = Some((named, look_up.clone()));
        match known.user {
            Some(id) if !known.is_doubtful => {
                self.remembered = true;
                self.act_on(id)
            }
            // One search says who it is just as well.
            Some(id) if look_up.may_take_two() => self.verify(id, look_up),
            Some(_) | None => self.look_up(look_up),
        }
    }

    /// Reads an answer.
    pub(in crate::dialect) fn next(&mut self, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        match std::mem::replace(&mut self.state, State::Act) {
            State::LookUp(look_up) => self.found(look_up, head, body),
            State::Verify(id, look_up) => self.verified(id, look_up, head, body),
            State::Act => self.acted(head, body),
            State::Count(page) => self.counted(page, head, body),
        }
    }

    /// The page, while it is being counted what is on others.
    pub(in crate::dialect) const fn settled(&self) -> Option<&Outcome> {
        self.settled.as_ref()
    }

    /// What was found out.
    pub(in crate::dialect) const fn learnt(&self) -> &Learnt {
        &self.learnt
    }

    fn look_up(&mut self, look_up: LookUp) -> Result<Step, Failure> {
        let command = Command::ListUsers(look_up.query()?);
        self.state = State::LookUp(look_up);
        self.ask(&command)
    }

    fn verify(&mut self, id: Id, look_up: LookUp) -> Result<Step, Failure> {
        self.state = State::Verify(id, look_up);
        self.ask(&Command::ReadUser(UserRef::Id(id)))
    }

    /// Whoever has the number goes on only if it is who the call names.
    fn verified(
        &mut self,
        id: Id,
        look_up: LookUp,
        head: &Parts,
        body: &[u8],
    ) -> Result<Step, Failure> {
        let command = Command::ReadUser(UserRef::Id(id));
        let answer = self.read(&command, head, body);
        match answer.and_then(|outcome| check_user(&command, outcome)) {
            Ok(Outcome::User(user)) if look_up.fits(&user) => self.found_user(*user),
            Err(refusal) if !refusal.is_about_the_user() => {
                let refusal = refusal.of_own_question();
                Err(refusal.into_failure(Effect::Read, head.status))
            }
            Ok(_) | Err(_) => {
                self.learnt.mistaken = self.named.as_ref().map(|(named, _)| named.clone());
                self.look_up(look_up)
            }
        }
    }

    fn found(&mut self, look_up: LookUp, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        let command = Command::ListUsers(look_up.query()?);
        let outcome = self.read(&command, head, body).map_err(|refusal| {
            let refusal = refusal.of_own_question();
            refusal.into_failure(Effect::Read, head.status)
        })?;
        let users = if let Outcome::Users(page) = outcome {
            page.users
        } else {
            Vec::new()
        };
        match look_up.choose(users)? {
            Some(user) => self.found_user(user),
            None => match look_up.otherwise() {
                Some(next) => self.look_up(next),
                None => Err(Failure::Call(Kind::UserNotFound.into())),
            },
        }
    }

    fn found_user(&mut self, user: User) -> Result<Step, Failure> {
        if let Some((named, _)) = &self.named {
            self.learnt.user = Some((named.clone(), user.id));
        }
        // The record that was found is what `getUserById` would answer.
        if matches!(self.call.command, Command::ReadUser(_)) {
            let outcome = in_account(Outcome::User(Box::new(user)), self.call.account);
            return Ok(Step::Done(outcome));
        }
        self.act_on(user.id)
    }

    fn act_on(&mut self, id: Id) -> Result<Step, Failure> {
        if let Some(user) = subject(&mut self.call.command) {
            *user = UserRef::Id(id);
        }
        self.act()
    }

    fn act(&mut self) -> Result<Step, Failure> {
        self.state = State::Act;
        self.number = self.number.saturating_add(1);
        let asked = Asked::as_called(&self.call);
        let request = request::encode(asked, self.number, &self.terms.policy)?;
        let effect = effect(&self.call.command);
        let request = Box::new(request);
        Ok(Step::Send { request, effect })
    }

    fn acted(&mut self, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        let command = &self.call.command;
        let answer = self.read(command, head, body);
        let outcome = match answer.and_then(|outcome| check_user(command, outcome)) {
            Ok(outcome) => in_account(outcome, self.call.account),
            Err(refusal) => return self.refused(refusal, head),
        };
        if let Outcome::User(user) = &outcome
            && let Some(look_up) = self.forgets(user)
        {
            return self.look_up(look_up);
        }
        match (&self.call.command, outcome) {
            (Command::CreateUser(change), Outcome::UserCreated(id)) => {
                let name = change.username.clone().map(UserRef::Username);
                self.learnt.user = name.map(|name| (name, id));
                Ok(Step::Done(Outcome::UserCreated(id)))
            }
            (Command::ListUsers(query), Outcome::Users(page)) if !shows_total(query, &page) => {
                self.count(page)
            }
            (_, outcome) => Ok(Step::Done(outcome)),
        }
    }

    /// The search for the user, if the number that was remembered is another's by now.
    fn forgets(&mut self, user: &User) -> Option<LookUp> {
        let (_, look_up) = self.named.as_ref()?;
        if !self.remembered || look_up.fits(user) {
            return None;
        }
        let look_up = look_up.clone();
        self.remembered = false;
        Some(look_up)
    }

    /// Nobody has the number that was remembered: the name may belong to another by now. Nothing
    /// was done, so that it may be asked again.
    fn refused(&mut self, refusal: Refusal, head: &Parts) -> Result<Step, Failure> {
        let is_gone = refusal.kind() == Some(&Kind::UserNotFound);
        if let (true, true, Some((_, look_up))) = (is_gone, self.remembered, &self.named) {
            let look_up = look_up.clone();
            self.remembered = false;
            return self.look_up(look_up);
        }
        Err(refusal.into_failure(effect(&self.call.command), head.status))
    }

    fn count(&mut self, page: UserPage) -> Result<Step, Failure> {
        let command = Command::CountUsers(criteria(&self.call.command));
        if !is_empty_page(&self.call.command) {
            self.settled = Some(Outcome::Users(page.clone()));
        }
        self.state = State::Count(page);
        self.ask(&command)
    }

    /// A page whose number of users stays unknown says how many there are at least.
    fn counted(&mut self, mut page: UserPage, head: &Parts, body: &[u8]) -> Result<Step, Failure> {
        let command = Command::CountUsers(criteria(&self.call.command));
        match self.read(&command, head, body) {
            Ok(Outcome::Count(total)) => {
                page.total = page.total.max(total);
                Ok(Step::Done(Outcome::Users(page)))
            }
            Ok(_) => Ok(Step::Done(Outcome::Users(page))),
            Err(refusal) => match self.settled.take() {
                Some(settled) => Ok(Step::Done(settled)),
                None => Err(refusal.into_failure(Effect::Read, head.status)),
            },
        }
    }

    /// Asks something that the call needs to know.
    fn ask(&mut self, command: &Command) -> Result<Step, Failure> {
        self.number = self.number.saturating_add(1);
        let asked = Asked::on_behalf(&self.call, command);
        let request = request::encode(asked, self.number, &self.terms.policy)?;
        let effect = Effect::Read;
        let request = Box::new(request);
        Ok(Step::Send { request, effect })
    }

    fn read(&self, command: &Command, head: &Parts, body: &[u8]) -> Result<Outcome, Refusal> {
        response::decode(
            command,
            self.number,
            head,
            body,
            &self.terms.policy,
            self.is_callers,
        )
    }
}

fn check(call: &Call, terms: &Terms) -> Result<(), Error> {
    if is_empty_page(&call.command) {
        return Ok(());
    }
    request::encode(Asked::as_called(call), request::FIRST, &terms.policy).map(drop)
}

fn effect(command: &Command) -> Effect {
    if is_read(command) {
        Effect::Read
    } else {
        Effect::Write
    }
}

/// Vision6 takes a limit of 0 for none at all.
const fn is_empty_page(command: &Command) -> bool {
    matches!(
        command,
        Command::ListUsers(UserQuery { limit: Some(0), .. })
    )
}

fn criteria(command: &Command) -> UserQuery {
    let criteria = if let Command::ListUsers(query) = command {
        query.criteria.clone()
    } else {
        Vec::new()
    };
    UserQuery {
        criteria,
        ..UserQuery::default()
    }
}

/// A page that is not full is the last one.
fn shows_total(query: &UserQuery, page: &UserPage) -> bool {
    let listed = u64::try_from(page.users.len()).unwrap_or(u64::MAX);
    let is_full = query.limit.is_some_and(|limit| listed >= limit);
    !is_full && (listed > 0 || query.offset == 0)
}

/// An answer about somebody else is none.
fn check_user(command: &Command, outcome: Outcome) -> Result<Outcome, Refusal> {
    if let (Command::ReadUser(UserRef::Id(asked)), Outcome::User(user)) = (command, &outcome)
        && user.id != *asked
    {
        let cause = format!("it answered user {} for user {asked}", user.id);
        let error = Error::from(Kind::Upstream).caused_by(cause);
        return Err(Refusal::Unreadable(error));
    }
    Ok(outcome)
}
