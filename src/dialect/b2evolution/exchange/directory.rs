//! Lists of users: which request asks for them, and what of its answer was asked for.
//!
//! Only the first page is ever asked for, as long as need be. The server keeps the numbers of a
//! list in its session and takes later pages from there, where another request of the session may
//! have left a list of its own.

use super::super::form::Fields;
use super::super::{attribute, filter};
use crate::command::name::Username;
use crate::command::query::{Attribute, Criterion, Operator, UserQuery};
use crate::command::text::Text;
use crate::command::user::User;
use crate::error::{Error, Kind};
use crate::outcome::UserPage;
use crate::route::Policy;

/// How many to ask for where nobody knows how many there are.
const FIRST: u64 = 100;

/// At most how many are asked for at once.
const MOST: u64 = 10_000;

/// A list, or a part of one.
#[derive(Clone, Debug)]
pub(super) struct Directory {
    search: Search,
    offset: u64,
    limit: Option<u64>,
    /// How many the next request asks for.
    size: u64,
}

#[derive(Clone, Debug)]
enum Search {
    /// By what the server can filter by.
    Criteria(Vec<Criterion>),
    /// The one user of a login: the server finds it among all who have it anywhere in their
    /// names or address.
    Login(Username),
}

/// What an answer holds.
#[derive(Debug)]
pub(super) enum Found {
    /// All that was asked for.
    Page(UserPage),
    /// Part of it: ask again.
    More,
}

impl Directory {
    /// The list of a query. What the server cannot be asked for is refused.
    pub(super) fn of_query(query: &UserQuery, policy: &Policy) -> Result<Self, Error> {
        if query.sort.is_some() {
            return Err(unsupported("an order"));
        }
        let search = Search::of_criteria(&query.criteria, policy)?;
        let end = query.limit.map(|limit| query.offset.saturating_add(limit));
        if end.unwrap_or(query.offset) > MOST {
            return Err(unsupported("users beyond the first 10000"));
        }
        let size = match &search {
            Search::Login(_) => FIRST,
            Search::Criteria(_) => end.unwrap_or(FIRST).max(1),
        };
        Ok(Self {
            search,
            offset: query.offset,
            limit: query.limit,
            size,
        })
    }

    /// The one user of a login; nothing if no user can have it.
    pub(super) fn of_login(login: &Username) -> Option<Self> {
        attribute::is_login(login.as_str()).then(|| Self {
            search: Search::Login(login.clone()),
            offset: 0,
            limit: None,
            size: FIRST,
        })
    }

    /// The parameters of the request. `filter=new` is always there: without it the server applies
    /// the filter of the request before in the same session.
    pub(super) fn parameters(&self, policy: &Policy) -> Result<Fields, Error> {
        let mut form = match &self.search {
            Search::Criteria(criteria) if criteria.is_empty() => new_filter(),
            Search::Criteria(criteria) => filter::encode(criteria, policy)?,
            Search::Login(login) => {
                let mut form = new_filter();
                form.push("keywords", login.as_str());
                form
            }
        };
        form.push("per_page", self.size.to_string());
        form.push("page", "1");
        Ok(form)
    }

    /// Takes an answer. Fewer users than it says there are, or others than were asked for, are
    /// the upstream's failure.
    pub(super) fn take(&mut self, found: UserPage) -> Result<Found, Error> {
        let UserPage { mut users, total } = found;
        let listed = u64::try_from(users.len()).unwrap_or(u64::MAX);
        if listed != total.min(self.size) {
            return Err(failure("another number of users than it says"));
        }
        if let Search::Login(login) = &self.search {
            users.retain(|user| user.username.key() == login.key());
            if users.is_empty() && listed < total {
                return self.ask_for(total);
            }
            let total = u64::try_from(users.len()).unwrap_or(u64::MAX);
            return Ok(Found::Page(self.part(users, total)));
        }
        if !self.search.allows(&users) {
            return Err(failure("users who were not asked for"));
        }
        if self.limit.is_none() && listed < total {
            return self.ask_for(total);
        }
        Ok(Found::Page(self.part(users, total)))
    }

    fn ask_for(&mut self, total: u64) -> Result<Found, Error> {
        // Asking for all of them must get all of them: a list that grows meanwhile is no reason
        // to go on for ever.
        if self.size != FIRST {
            return Err(failure("fewer users than were asked for"));
        }
        if total > MOST {
            let message = format!(
                "{total} users match, and at most {MOST} can be asked for; narrow the search"
            );
            return Err(Error::new(Kind::Unsupported, message));
        }
        self.size = total;
        Ok(Found::More)
    }

    fn part(&self, users: Vec<User>, total: u64) -> UserPage {
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let limit = self.limit.and_then(|limit| usize::try_from(limit).ok());
        let users = users.into_iter().skip(offset);
        UserPage {
            users: users.take(limit.unwrap_or(usize::MAX)).collect(),
            total,
        }
    }
}

impl Search {
    fn of_criteria(criteria: &[Criterion], policy: &Policy) -> Result<Self, Error> {
        if let [criterion] = criteria
            && criterion.attribute == Attribute::Username
            && criterion.operator == Operator::Exactly
            && let [name] = criterion.values.as_slice()
            && let Some(login) = Username::parse(name.as_str())
            && attribute::is_login(login.as_str())
        {
            return Ok(Self::Login(login));
        }
        let criteria: Vec<Criterion> = criteria.iter().map(widened).collect();
        // The server finds part of an address too, and shows none to compare with.
        if criteria
            .iter()
            .any(|criterion| criterion.attribute == Attribute::Email)
        {
            return Err(unsupported("the user of an e-mail address"));
        }
        filter::encode(&criteria, policy)?;
        Ok(Self::Criteria(criteria))
    }

    /// Whether the users can be those of the search, as far as an answer shows.
    fn allows(&self, users: &[User]) -> bool {
        let Self::Criteria(criteria) = self else {
            return true;
        };
        let ids = criteria
            .iter()
            .filter(|criterion| criterion.attribute == Attribute::Id);
        let mut wanted = ids.map(|criterion| {
            let values = criterion.values.iter().map(Text::as_str);
            values.collect::<Vec<_>>()
        });
        wanted.all(|ids| {
            users
                .iter()
                .all(|user| ids.contains(&user.id.to_string().as_str()))
        })
    }
}

/// One number is a list of numbers.
fn widened(criterion: &Criterion) -> Criterion {
    let mut criterion = criterion.clone();
    if criterion.attribute == Attribute::Id && criterion.operator == Operator::Exactly {
        criterion.operator = Operator::In;
    }
    criterion
}

fn new_filter() -> Fields {
    let mut form = Fields::new();
    form.push("filter", "new");
    form
}

fn unsupported(what: &str) -> Error {
    let message = format!("b2evolution cannot be asked for {what}; ask for something else");
    Error::new(Kind::Unsupported, message)
}

fn failure(what: &str) -> Error {
    Error::from(Kind::Upstream).caused_by(format!("b2evolution listed {what}"))
}
