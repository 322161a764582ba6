//! A search for the one user of a username or an e-mail address.

use crate::command::Id;
use crate::command::email::Email;
use crate::command::name::Username;
use crate::command::query::{Attribute, Criterion, Operator, UserQuery};
use crate::command::text::Text;
use crate::command::user::{User, UserRef};
use crate::error::{Error, Kind};

/// Two users are enough to see that there is more than one.
const ENOUGH: u64 = 2;

/// What is searched.
#[derive(Clone, Debug)]
pub(super) enum LookUp {
    /// A username, and the address it is if nobody has that name.
    Username(Username, Option<Email>),
    /// An e-mail address.
    Email(Email),
}

impl LookUp {
    /// The first search for a user; the number of one that needs none.
    pub(super) fn new(user: &UserRef) -> Result<Self, Id> {
        match user {
            UserRef::Id(id) => Err(*id),
            UserRef::Username(name) => Ok(Self::Username(name.clone(), None)),
            UserRef::Email(email) => Ok(Self::Email(email.clone())),
            UserRef::UsernameOrEmail(name) => {
                Ok(Self::Username(name.clone(), Email::parse(name.as_str())))
            }
        }
    }

    /// The search after one that found nobody.
    pub(super) fn otherwise(self) -> Option<Self> {
        match self {
            Self::Username(_, Some(email)) => Some(Self::Email(email)),
            Self::Username(_, None) | Self::Email(_) => None,
        }
    }

    /// Whether one search may not be enough.
    pub(super) const fn may_take_two(&self) -> bool {
        matches!(self, Self::Username(_, Some(_)))
    }

    /// The search as a query.
    pub(super) fn query(&self) -> Result<UserQuery, Error> {
        let (attribute, value) = match self {
            Self::Username(name, _) => (Attribute::Username, name.as_str()),
            Self::Email(email) => (Attribute::Email, email.as_str()),
        };
        let value = Text::parse(value).map_err(|fault| Error::invalid("user", fault))?;
        Ok(UserQuery {
            criteria: vec![Criterion {
                attribute,
                operator: Operator::Exactly,
                values: vec![value],
            }],
            limit: Some(ENOUGH),
            ..UserQuery::default()
        })
    }

    /// The user among those found. Only who has the very name counts: a server that does not
    /// understand the criteria lists everybody.
    pub(super) fn choose(&self, found: Vec<User>) -> Result<Option<User>, Error> {
        let mut matching = found.into_iter().filter(|user| self.is(user));
        let first = matching.next();
        if matching.next().is_some() {
            let message = "several users have this name or address there; name the user by its id";
            return Err(Error::new(Kind::InvalidArgument("user".into()), message));
        }
        Ok(first)
    }

    /// Whether the user can be the one that is searched, by either name.
    pub(super) fn fits(&self, user: &User) -> bool {
        let by_address = if let Self::Username(_, Some(email)) = self {
            Self::Email(email.clone()).is(user)
        } else {
            false
        };
        by_address || self.is(user)
    }

    fn is(&self, user: &User) -> bool {
        match self {
            Self::Username(name, _) => user.username.key() == name.key(),
            Self::Email(email) => {
                let key = user.email.as_ref().map(Email::key);
                key.is_some_and(|key| key == email.key())
            }
        }
    }
}
