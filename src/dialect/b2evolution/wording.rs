//! The words of b2evolution itself, as recorded from a real server.
//!
//! Each is a plain text, which an [`Error`] carries, and the shape it has on the wire. A message
//! in the vendor's words is always answered in the vendor's shape, and read back from it.

use std::borrow::Cow;

use http::StatusCode;

use super::html;
use crate::error::{Error, Kind, PasswordFault, is_shown};

/// A message of the vendor's. `{}` stands for a name in at most one place.
#[derive(Debug)]
pub(super) struct Wording {
    /// As a person reads it.
    pub(super) plain: &'static str,
    /// As the wire has it, where that is more than the escaped plain text.
    html: Option<&'static str>,
    /// What it travels in.
    pub(super) shape: Shape,
    /// What it means.
    pub(super) kind: fn(String) -> Kind,
}

/// How an answer that is no success looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Envelope A: code, message and status.
    Coded {
        /// The code.
        code: &'static str,
        /// The status, in the head and in the body.
        status: StatusCode,
        /// Whether the body has the status as a string, as the faults of signing in do.
        quoted: bool,
        /// Whether the message is one item of the list of validation errors.
        listed: bool,
    },
    /// Envelope B: status and message, no code.
    Bare(StatusCode),
}

impl Shape {
    /// Envelope A with a message of its own.
    pub(super) const fn coded(code: &'static str, status: StatusCode) -> Self {
        Self::Coded {
            code,
            status,
            quoted: false,
            listed: false,
        }
    }

    const fn quoted(code: &'static str, status: StatusCode) -> Self {
        Self::Coded {
            code,
            status,
            quoted: true,
            listed: false,
        }
    }

    /// One of the validation errors of a write.
    pub(super) const LISTED: Self = Self::Coded {
        code: "update_failed",
        status: StatusCode::FORBIDDEN,
        quoted: false,
        listed: true,
    };

    /// The only error of a write.
    pub(super) const UPDATE_FAILED: Self = Self::coded("update_failed", StatusCode::FORBIDDEN);

    /// What may not be.
    pub(super) const NO_ACCESS: Self = Self::coded("no_access", StatusCode::FORBIDDEN);
}

impl Wording {
    /// The error that says this of `name`; of one that cannot be shown it says `…`.
    pub(super) fn error(&self, name: &str) -> Error {
        let name = if name.is_empty() || is_shown(name) {
            name
        } else {
            "…"
        };
        Error::new(
            (self.kind)(name.to_owned()),
            self.plain.replacen("{}", name, 1),
        )
    }

    /// The name in a message that says this; empty where the wording names nothing.
    pub(super) fn name_in<'m>(&self, message: &'m str) -> Option<&'m str> {
        match self.plain.split_once("{}") {
            Some((before, after)) => message.strip_prefix(before)?.strip_suffix(after),
            None => (message == self.plain).then_some(""),
        }
    }

    /// The wording as the wire has it.
    pub(super) fn html(&self, name: &str) -> Cow<'static, str> {
        let template = self.html.unwrap_or(self.plain);
        if template.contains("{}") {
            return template.replacen("{}", &html::escape(name), 1).into();
        }
        template.into()
    }
}

/// The wording of a message, and the name in it.
pub(super) fn recognise(message: &str) -> Option<(&'static Wording, &str)> {
    ALL.iter()
        .find_map(|wording| Some((*wording, wording.name_in(message)?)))
}

macro_rules! wordings {
    ($($name:ident = $shape:expr, $plain:literal $(as $html:literal)?, $kind:expr;)*) => {
        $(pub(super) static $name: Wording = Wording {
            plain: $plain,
            html: wordings!(@html $($html)?),
            shape: $shape,
            kind: $kind,
        };)*
        /// Every wording.
        static ALL: &[&Wording] = &[$(&$name),*];
    };
    (@html) => { None };
    (@html $html:literal) => { Some($html) };
}

const BAD_REQUEST: Shape = Shape::Bare(StatusCode::BAD_REQUEST);
const SERVER_ERROR: Shape = Shape::Bare(StatusCode::INTERNAL_SERVER_ERROR);
const NOT_FOUND: StatusCode = StatusCode::NOT_FOUND;
const FORBIDDEN: StatusCode = StatusCode::FORBIDDEN;

fn login(_: String) -> Kind {
    Kind::InvalidArgument(Cow::Borrowed("edited_user_login"))
}

fn named(name: String) -> Kind {
    Kind::InvalidArgument(name.into())
}

wordings! {
    NO_MODULE = Shape::coded("wrong_route", NOT_FOUND),
        "Module is not defined", |_| Kind::UnknownOperation;
    UNKNOWN_MODULE = Shape::coded("unknown_module", NOT_FOUND),
        "Unknown module \"{}\"", |_| Kind::UnknownOperation;
    UNKNOWN_CONTROLLER = Shape::coded("unknown_controller", NOT_FOUND),
        "Unknown user controller \"{}\"", |_| Kind::UnknownOperation;
    WRONG_REQUEST = Shape::coded("wrong_request", StatusCode::METHOD_NOT_ALLOWED),
        "Request method not supported for the requested resource", |_| Kind::UnknownOperation;
    REQUIRED = BAD_REQUEST,
        "Parameter «{}» is required!" as "Parameter &laquo;{}&raquo; is required!",
        |name| Kind::MissingArgument(name.into());
    ILLEGAL = BAD_REQUEST,
        "Illegal value received for parameter «{}»!"
        as "Illegal value received for parameter &laquo;{}&raquo;!", named;
    NOT_SCALAR = SERVER_ERROR,
        "param(-): {} is not scalar!" as "param(-): <strong>{}</strong> is not scalar!", named;
    NOT_ARRAY = SERVER_ERROR,
        "param(-): {} is not array!" as "param(-): <strong>{}</strong> is not array!", named;
    UNKNOWN_GROUP = SERVER_ERROR,
        "Requested Group does not exist!", |_| Kind::GroupNotFound;
    NOT_LOGGED_IN = Shape::NO_ACCESS,
        "You are not logged in.", |_| Kind::Unauthenticated;
    NO_DIRECTORY = Shape::NO_ACCESS,
        "You must log in to view the user directory.", |_| Kind::Unauthenticated;
    NO_PROFILE = Shape::NO_ACCESS,
        "You must log in to view this user profile.", |_| Kind::Unauthenticated;
    OTHER_USERS = Shape::NO_ACCESS,
        "You have no permission to edit other users!", |_| Kind::PermissionDenied;
    NO_SUCH_USER = Shape::NO_ACCESS,
        "The requested user does not exist!", |_| Kind::UserNotFound;
    NOT_ACTIVATED = Shape::NO_ACCESS,
        "You must activate your account before you can view this user profile.",
        |_| Kind::PermissionDenied;
    CLOSED_USER = Shape::NO_ACCESS,
        "The requested user account is closed!", |_| Kind::Closed;
    DELETE_SELF = Shape::NO_ACCESS,
        "You can't delete yourself!", |_| Kind::DeleteRefused;
    DELETE_FIRST = Shape::NO_ACCESS,
        "You can't delete User #1!", |_| Kind::DeleteRefused;
    LOGINS_EMPTY = Shape::NO_ACCESS,
        "Please enter at least one char to find assignees",
        |_| Kind::MissingArgument(Cow::Borrowed("q"));
    INVALID_ID = Shape::coded("user_invalid_id", NOT_FOUND),
        "Invalid user ID", |_| Kind::UserNotFound;
    MISSING_ID = Shape::coded("user_missing_id", StatusCode::BAD_REQUEST),
        "Missing user ID", |_| Kind::MissingArgument(Cow::Borrowed("id"));
    WRONG_LOGIN = Shape::quoted("wrong_login_pass", FORBIDDEN),
        "Wrong login/password.", |_| Kind::Unauthenticated;
    CLOSED_ACCOUNT = Shape::quoted("closed_account", FORBIDDEN),
        "This account is closed. You cannot log in.", |_| Kind::Closed;
    LOCKED = Shape::coded("login_attempt_failed", FORBIDDEN),
        "There have been too many failed login attempts. This account is temporarily locked. Try again in 10 minutes.",
        |_| Kind::LockedOut;
    MAINTENANCE = Shape::quoted("system_maintenance", StatusCode::SERVICE_UNAVAILABLE),
        "You cannot log in at this time because the system is under maintenance. Please try again in a few moments.",
        |_| Kind::Overloaded;
    OWN_PROFILE = Shape::UPDATE_FAILED,
        "You are only allowed to update your own profile!", |_| Kind::PermissionDenied;
    LOGIN_EMPTY = Shape::LISTED,
        "Please enter your login.", login;
    LOGIN_LONG = Shape::LISTED,
        "Logins cannot be longer than 20 characters.", login;
    LOGIN_CHARACTERS = Shape::LISTED,
        "Logins can only contain letters, digits and - . _"
        as "Logins can only contain letters, digits and <code>-</code> <code>.</code> <code>_</code>",
        login;
    LOGIN_TAKEN = Shape::LISTED,
        "This login already exists.", |_| Kind::UsernameTaken;
    LOGIN_TAKEN_BY = Shape::LISTED,
        "This login «{}» already exists. Do you want to edit the existing user?"
        as "This login &laquo;{}&raquo; already exists. Do you want to edit the existing user?",
        |_| Kind::UsernameTaken;
    LEVEL_RANGE = Shape::LISTED,
        "User level must be between 0 and 10.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_level"));
    AGES = Shape::LISTED,
        "The first age must be lower than (or equal to) the second.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_age_min"));
    FIRST_NAME_EMPTY = Shape::LISTED,
        "Please enter your first name.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_firstname"));
    LAST_NAME_EMPTY = Shape::LISTED,
        "Please enter last name.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_lastname"));
    NICKNAME_EMPTY = Shape::LISTED,
        "Please enter your nickname.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_nickname"));
    GENDER_EMPTY = Shape::LISTED,
        "Please select a gender.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_gender"));
    COUNTRY_EMPTY = Shape::LISTED,
        "Please select a country.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_ctry_ID"));
    REGION_EMPTY = Shape::LISTED,
        "Please select a region.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_rgn_ID"));
    SUBREGION_EMPTY = Shape::LISTED,
        "Please select a sub-region.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_subrg_ID"));
    CITY_EMPTY = Shape::LISTED,
        "Please select a city.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_city_ID"));
    EMAIL_INVALID = Shape::LISTED,
        "The email address is invalid.", |_| Kind::InvalidEmail;
    EMAIL_EMPTY = Shape::LISTED,
        "Please enter your e-mail address.",
        |_| Kind::InvalidArgument(Cow::Borrowed("edited_user_email"));
    CURRENT_WRONG = Shape::LISTED,
        "Your current password is incorrect.",
        |_| Kind::PasswordRefused(PasswordFault::CurrentWrong);
    PASSWORD_EMPTY = Shape::LISTED,
        "Please enter new password."
        as "<span class=\"pass_check_new\">Please enter new password.</span>",
        |_| Kind::PasswordRefused(PasswordFault::Empty);
    PASSWORD_TWICE = Shape::LISTED,
        "Please enter new password twice."
        as "<span class=\"pass_check_twice\">Please enter new password twice.</span>",
        |_| Kind::PasswordRefused(PasswordFault::Empty);
    PASSWORD_DIFFERENT = Shape::UPDATE_FAILED,
        "You typed two different passwords."
        as "<span class=\"pass_check_diff\">You typed two different passwords.</span>",
        |_| Kind::PasswordRefused(PasswordFault::Mismatch);
    PASSWORD_SHORT = Shape::UPDATE_FAILED,
        "The minimum password length is 5 characters."
        as "<span class=\"pass_check_min\">The minimum password length is 5 characters.</span>",
        |_| Kind::PasswordRefused(PasswordFault::TooShort);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_wording_is_read_back_from_the_wire_as_itself() {
        for wording in ALL {
            let plain = html::plain(&wording.html("x"));
            let (found, name) = recognise(&plain).unwrap();
            assert_eq!(found.plain, wording.plain);
            assert_eq!(
                name.is_empty(),
                !wording.plain.contains("{}"),
                "{}",
                wording.plain
            );
        }
    }
}
