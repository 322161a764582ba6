//! What a method and a path ask for, and what the answer needs to know of it.

use http::Method;
use http::request::Parts;

use super::{credentials, wording};
use crate::auth::Credentials;
use crate::command::Id;
use crate::error::{Error, Kind};

/// What the answer needs to know of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyTo {
    /// What was asked.
    pub(super) operation: Operation,
    /// Who the caller said it is.
    pub(super) signed: Signed,
    /// What a successful update says.
    pub(super) note: Note,
    /// Which part of a list was asked for.
    pub(super) page: Page,
}

/// How a caller signed its request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Signed {
    /// Not at all.
    Nobody,
    /// With a login and a password.
    User,
    /// With an API key, of which the vendor knows nothing.
    Key,
}

/// The operations of the `users` module.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operation {
    /// `GET users`
    List,
    /// `GET users/<id>`
    View,
    /// `POST users`
    Create,
    /// `POST users/<id>`
    Update,
    /// `DELETE users/<id>`
    Delete,
    /// `GET users/logins`
    Logins,
    /// `GET users/autocomplete`
    Autocomplete,
    /// Any other controller of `GET users`, and what is none.
    Other,
}

impl Operation {
    /// Every operation.
    #[cfg(test)]
    pub(super) const ALL: [Self; 8] = [
        Self::List,
        Self::View,
        Self::Create,
        Self::Update,
        Self::Delete,
        Self::Logins,
        Self::Autocomplete,
        Self::Other,
    ];

    /// Whether it takes the form of a profile.
    pub(super) const fn has_form(self) -> bool {
        matches!(self, Self::Create | Self::Update)
    }

    /// Whether it changes anything.
    pub(super) const fn is_write(self) -> bool {
        matches!(self, Self::Create | Self::Update | Self::Delete)
    }
}

/// The first message that b2evolution queues in an update, which is the only one it answers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Note {
    /// The profile was changed.
    #[default]
    Profile,
    /// The password was changed, whatever else was.
    Password,
    /// The password was changed, to less than what was sent.
    PasswordTrimmed,
}

/// A part of a list, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Page {
    /// Which one.
    pub(super) number: u64,
    /// How many users it holds.
    pub(super) size: u64,
}

impl Default for Page {
    fn default() -> Self {
        Self {
            number: 1,
            size: 10,
        }
    }
}

impl ReplyTo {
    /// An answer to the operation with the defaults of everything else.
    pub(super) fn new(operation: Operation, credentials: &Credentials) -> Self {
        Self {
            operation,
            signed: match credentials {
                Credentials::None => Signed::Nobody,
                Credentials::Key(_) => Signed::Key,
                Credentials::Basic { .. } => Signed::User,
            },
            note: Note::default(),
            page: Page::default(),
        }
    }

    /// An answer to a request of which only the head is known, and not which part of its path is
    /// the dialect's own: the method tells reads from writes.
    pub(super) fn unread(head: &Parts) -> Self {
        let operation = match head.method {
            Method::POST => Operation::Update,
            Method::DELETE => Operation::Delete,
            _ => Operation::Other,
        };
        let credentials = credentials::decode(&head.headers).unwrap_or(Credentials::None);
        Self::new(operation, &credentials)
    }
}

/// Where a request leads.
#[derive(Debug)]
pub(super) enum Route {
    /// `GET users`
    List,
    /// `GET users/<id>`
    View(Id),
    /// `POST users`
    Create,
    /// `POST users/<id>`
    Update(Id),
    /// `DELETE users/<id>`
    Delete(Id),
    /// `GET users/logins`
    Logins,
    /// `GET users/autocomplete`
    Autocomplete,
    /// A controller whose answers only b2evolution can give.
    Native(&'static str),
    /// Nowhere in the `users` module.
    Refused(Operation, Error),
    /// Out of the `users` module.
    NotOurs(Error),
}

impl Route {
    /// Finds the way by the method and the part of the path after the route's own.
    pub(super) fn find(method: &Method, path: &str) -> Self {
        let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
        let module = segments.next().unwrap_or_default();
        if module.is_empty() {
            return Self::NotOurs(Error::new(Kind::UnknownOperation, wording::NO_MODULE.plain));
        }
        if !module.eq_ignore_ascii_case("users") {
            return Self::NotOurs(wording::UNKNOWN_MODULE.error(module));
        }
        let name = segments.next().unwrap_or_default();
        let controller = segments.next().unwrap_or_default();
        if let Some(extra) = segments.find(|segment| !segment.is_empty()) {
            return Self::Refused(Operation::Other, wording::UNKNOWN_CONTROLLER.error(extra));
        }
        match *method {
            Method::GET => Self::find_read(name, controller),
            Method::POST => Self::find_change(name, controller),
            Method::DELETE => Self::find_removal(name, controller),
            _ => Self::Refused(Operation::Other, wording::WRONG_REQUEST.error("")),
        }
    }

    fn find_read(name: &str, controller: &str) -> Self {
        if controller.eq_ignore_ascii_case("view") || (controller.is_empty() && is_number(name)) {
            return match Id::parse(name) {
                Some(id) => Self::View(id),
                None if is_zero(name) && controller.is_empty() => Self::List,
                None => Self::Refused(Operation::View, Kind::UserNotFound.into()),
            };
        }
        if name.is_empty() && controller.is_empty() {
            return Self::List;
        }
        let controller = if controller.is_empty() {
            name
        } else {
            controller
        };
        match controller.to_ascii_lowercase().as_str() {
            "logins" => Self::Logins,
            "autocomplete" => Self::Autocomplete,
            "recipients" => Self::Native("users/recipients"),
            "authors" => Self::Native("users/authors"),
            "view" => Self::Refused(Operation::View, Kind::UserNotFound.into()),
            "save" | "delete" => Self::Refused(Operation::Other, wording::WRONG_REQUEST.error("")),
            _ => Self::Refused(
                Operation::Other,
                wording::UNKNOWN_CONTROLLER.error(controller),
            ),
        }
    }

    fn find_change(name: &str, extra: &str) -> Self {
        if !extra.is_empty() {
            return Self::Refused(Operation::Update, wording::UNKNOWN_CONTROLLER.error(extra));
        }
        match Id::parse(name) {
            Some(id) => Self::Update(id),
            None if name.is_empty() => Self::Create,
            None => Self::Refused(Operation::Update, Kind::UserNotFound.into()),
        }
    }

    fn find_removal(name: &str, extra: &str) -> Self {
        if !extra.is_empty() {
            return Self::Refused(Operation::Delete, wording::UNKNOWN_CONTROLLER.error(extra));
        }
        match Id::parse(name) {
            Some(Id::ONE) => Self::Refused(Operation::Delete, wording::DELETE_FIRST.error("")),
            Some(id) => Self::Delete(id),
            None if name.is_empty() || is_zero(name) => {
                Self::Refused(Operation::Delete, wording::MISSING_ID.error(""))
            }
            None => Self::Refused(Operation::Delete, Kind::UserNotFound.into()),
        }
    }

    /// What the answer is to.
    pub(super) const fn operation(&self) -> Operation {
        match self {
            Self::List => Operation::List,
            Self::View(_) => Operation::View,
            Self::Create => Operation::Create,
            Self::Update(_) => Operation::Update,
            Self::Delete(_) => Operation::Delete,
            Self::Logins => Operation::Logins,
            Self::Autocomplete => Operation::Autocomplete,
            Self::Refused(operation, _) => *operation,
            Self::Native(_) | Self::NotOurs(_) => Operation::Other,
        }
    }
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_zero(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte == b'0')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn find(method: &Method, path: &str) -> Operation {
        Route::find(method, path).operation()
    }

    #[test]
    fn the_id_zero_lists_as_php_finds_it_empty() {
        assert_eq!(find(&Method::GET, "/users/0"), Operation::List);
        assert!(matches!(
            Route::find(&Method::GET, "/users/002/"),
            Route::View(id) if id.value() == 2
        ));
    }

    #[test]
    fn no_id_of_another_form_creates_or_deletes() {
        for name in ["abc", "-5", "2abc", "+2", "0", "99999999999999999999"] {
            let path = format!("/users/{name}");
            assert!(
                matches!(
                    Route::find(&Method::POST, &path),
                    Route::Refused(Operation::Update, error) if *error.kind() == Kind::UserNotFound
                ),
                "{name}"
            );
        }
        assert!(matches!(
            Route::find(&Method::DELETE, "/users/10x"),
            Route::Refused(Operation::Delete, error) if *error.kind() == Kind::UserNotFound
        ));
    }

    #[test]
    fn other_modules_are_not_ours() {
        for path in ["", "/", "/collections/1", "/foo/bar", "/usersx"] {
            assert!(
                matches!(Route::find(&Method::GET, path), Route::NotOurs(_)),
                "{path}"
            );
        }
    }
}
