//! Faults: every kind of error as Grupo writes it, and back.

use super::wire::{attribute_of, field_of};
use crate::command::Action;
use crate::error::{Kind, PasswordFault};

/// A fault on the wire, without its text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// `error_key`
    pub(super) key: &'static str,
    /// `error_variables`; the fault of a wrong key has none.
    pub(super) variables: Option<Vec<Variable>>,
}

/// One of `error_variables`. The vendor's check of required fields wraps each name in a list of
/// its own, its other checks do not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    /// `"slug"`
    Flat(String),
    /// `["group_name"]`
    Wrapped(String),
}

/// What the vendor says in words. Where it says no more than that something went wrong, the error
/// speaks for itself.
type Wording = Option<&'static str>;

/// `error_key` and text of a fault.
type Row = (&'static str, Wording);

const INVALID_KEY: Row = ("invalid_api_secret_key", Some("Invalid API Secret Key"));
const PERMISSION_DENIED: Row = ("permission_denied", Some("Permission Denied"));
const ACCOUNT_NOT_FOUND: Row = ("account_not_found", Some("Account Does Not Exist"));
const GROUP_NOT_FOUND: Row = ("group_not_found", Some("Group Not Found"));
const USERNAME_EXISTS: Row = ("username_exists", Some("Username Already Taken"));
const EMAIL_EXISTS: Row = ("email_exists", Some("Email Already Exists"));
const INVALID_EMAIL: Row = ("invalid_email_address", Some("Invalid Email Address"));
const SLUG_EXISTS: Row = ("slug_already_exists", Some("Slug Already Exists"));
const EMPTY_VALUE: Row = ("invalid_value", Some("Invalid Input or Field Empty"));
const INVALID_VALUE: Row = ("invalid_value", None);
const ACCOUNT_BANNED: Row = (
    "account_banned",
    Some("Your account has been banned for violating the Terms of Service."),
);
const NOT_A_MEMBER: Row = ("not_a_member", Some("Something Went Wrong"));
const INVALID_FIRST_ROLE: Row = ("invalid_group_role_id", Some("Something Went Wrong"));
const INVALID_ROLE: Row = ("invalid_group_role", None);
const PASSWORDS_DIFFER: Row = (
    "password_doesnt_match",
    Some("Password doesn&#039;t match the Confirm password"),
);
const PASSWORD_REFUSED: Row = ("password_doesnt_match", None);
const WENT_WRONG: Row = ("something_went_wrong", None);

/// The keys whose kind depends on nothing else. A key that is not here is nobody's to guess.
const KINDS: [(&str, Kind); 15] = [
    (INVALID_KEY.0, Kind::Unauthenticated),
    (PERMISSION_DENIED.0, Kind::PermissionDenied),
    (ACCOUNT_NOT_FOUND.0, Kind::UserNotFound),
    (GROUP_NOT_FOUND.0, Kind::GroupNotFound),
    (USERNAME_EXISTS.0, Kind::UsernameTaken),
    (EMAIL_EXISTS.0, Kind::EmailTaken),
    (INVALID_EMAIL.0, Kind::InvalidEmail),
    ("email_validation_failed", Kind::InvalidEmail),
    ("email_domain_blacklisted", Kind::InvalidEmail),
    ("email_domain_not_allowed", Kind::InvalidEmail),
    (SLUG_EXISTS.0, Kind::SlugTaken),
    (ACCOUNT_BANNED.0, Kind::Closed),
    (NOT_A_MEMBER.0, Kind::NotAMember),
    (
        PASSWORDS_DIFFER.0,
        Kind::PasswordRefused(PasswordFault::Mismatch),
    ),
    (WENT_WRONG.0, Kind::Upstream),
];

/// The keys that stand for one field with a value it cannot have.
const FIELDS: [(&str, &str); 6] = [
    (INVALID_FIRST_ROLE.0, "group_role"),
    (INVALID_ROLE.0, "group_role"),
    ("invalid_phone_number", "phone_number"),
    ("phone_number_exists", "phone_number"),
    ("name_censored_word_detected", "full_name"),
    ("username_censored_word_detected", "username"),
];

impl Fault {
    /// The fault of a kind of error in an operation.
    pub(super) fn of(kind: &Kind, action: Option<Action>) -> Self {
        Self {
            key: row(kind, action).0,
            variables: variables(kind, action),
        }
    }
}

/// The vendor's words for a kind of error in an operation, where it has any.
pub(super) fn wording(kind: &Kind, action: Option<Action>) -> Wording {
    row(kind, action).1
}

/// The kind of error that a fault stands for; nothing for a key that the contract does not name.
pub(super) fn kind(key: &str, variables: &[Variable]) -> Option<Kind> {
    if key == INVALID_VALUE.0 {
        return Some(match variables.first() {
            None => Kind::Malformed,
            Some(Variable::Flat(field)) => Kind::InvalidArgument(attribute_of(field.clone())),
            Some(Variable::Wrapped(field)) => Kind::MissingArgument(attribute_of(field.clone())),
        });
    }
    if let Some((_, field)) = FIELDS.iter().find(|(known, _)| *known == key) {
        return Some(Kind::InvalidArgument(attribute_of((*field).to_owned())));
    }
    KINDS
        .iter()
        .find(|(known, _)| *known == key)
        .map(|(_, kind)| kind.clone())
}

fn row(kind: &Kind, action: Option<Action>) -> Row {
    match kind {
        Kind::Unauthenticated | Kind::LockedOut => INVALID_KEY,
        Kind::PermissionDenied => PERMISSION_DENIED,
        Kind::UserNotFound => ACCOUNT_NOT_FOUND,
        Kind::GroupNotFound => GROUP_NOT_FOUND,
        Kind::UsernameTaken => USERNAME_EXISTS,
        Kind::EmailTaken => EMAIL_EXISTS,
        Kind::InvalidEmail => INVALID_EMAIL,
        Kind::SlugTaken => SLUG_EXISTS,
        Kind::InvalidArgument(field) => invalid(field_of(field), action),
        Kind::MissingArgument(field) => missing(field_of(field), action),
        Kind::BadSearch | Kind::Malformed | Kind::KeyReused => INVALID_VALUE,
        Kind::Closed => ACCOUNT_BANNED,
        Kind::NotAMember if changes_role(action) => WENT_WRONG,
        Kind::NotAMember => NOT_A_MEMBER,
        Kind::PasswordRefused(PasswordFault::Mismatch) => PASSWORDS_DIFFER,
        Kind::PasswordRefused(
            PasswordFault::CurrentMissing
            | PasswordFault::CurrentWrong
            | PasswordFault::Empty
            | PasswordFault::TooShort
            | PasswordFault::Characters,
        ) => PASSWORD_REFUSED,
        Kind::DeleteRefused
        | Kind::UnknownOutcome
        | Kind::InProgress
        | Kind::UnknownOperation
        | Kind::Unsupported
        | Kind::RateLimited { .. }
        | Kind::TooLarge
        | Kind::Timeout
        | Kind::Overloaded
        | Kind::Upstream
        | Kind::Internal => WENT_WRONG,
    }
}

fn invalid(field: &str, action: Option<Action>) -> Row {
    match field {
        "group_role" if action == Some(Action::AddMember) => INVALID_FIRST_ROLE,
        "group_role" if changes_role(action) => INVALID_ROLE,
        "ban_till" => EMPTY_VALUE,
        _ => INVALID_VALUE,
    }
}

/// A missing reference is no missing field to the vendor: it looks for nobody, and finds nobody.
fn missing(field: &str, action: Option<Action>) -> Row {
    match field {
        "user" if action == Some(Action::UpdateUser) => ACCOUNT_NOT_FOUND,
        "user" if action == Some(Action::DeleteUser) => WENT_WRONG,
        "group" if matches!(action, Some(Action::UpdateGroup | Action::DeleteGroup)) => WENT_WRONG,
        "user" | "group" if changes_member(action) => WENT_WRONG,
        "group_role" if changes_member(action) => invalid(field, action),
        _ => EMPTY_VALUE,
    }
}

fn variables(kind: &Kind, action: Option<Action>) -> Option<Vec<Variable>> {
    let flat = |names: &[&str]| {
        let names = names.iter().map(|name| Variable::Flat((*name).to_owned()));
        Some(names.collect())
    };
    match kind {
        Kind::Unauthenticated | Kind::LockedOut => None,
        Kind::UsernameTaken => flat(&["username"]),
        Kind::EmailTaken => flat(&["email_address"]),
        Kind::SlugTaken => flat(&["slug"]),
        Kind::PasswordRefused(_) => flat(&["password", "confirm_password"]),
        Kind::InvalidEmail => Some(vec![Variable::Wrapped("email_address".to_owned())]),
        Kind::InvalidArgument(field) | Kind::MissingArgument(field)
            if row(kind, action).0 == INVALID_VALUE.0 =>
        {
            let field = field_of(field).to_owned();
            let is_wrapped = matches!(kind, Kind::MissingArgument(_)) && wraps_missing(action);
            Some(vec![if is_wrapped {
                Variable::Wrapped(field)
            } else {
                Variable::Flat(field)
            }])
        }
        Kind::InvalidArgument(_)
        | Kind::MissingArgument(_)
        | Kind::PermissionDenied
        | Kind::UserNotFound
        | Kind::GroupNotFound
        | Kind::BadSearch
        | Kind::Malformed
        | Kind::KeyReused
        | Kind::InProgress
        | Kind::Closed
        | Kind::NotAMember
        | Kind::DeleteRefused
        | Kind::UnknownOutcome
        | Kind::UnknownOperation
        | Kind::Unsupported
        | Kind::RateLimited { .. }
        | Kind::TooLarge
        | Kind::Timeout
        | Kind::Overloaded
        | Kind::Upstream
        | Kind::Internal => Some(Vec::new()),
    }
}

const fn changes_role(action: Option<Action>) -> bool {
    matches!(
        action,
        Some(Action::SetMemberRole | Action::BanMember | Action::UnbanMember)
    )
}

const fn changes_member(action: Option<Action>) -> bool {
    changes_role(action) || matches!(action, Some(Action::AddMember | Action::RemoveMember))
}

/// Only what makes something has the check of required fields.
const fn wraps_missing(action: Option<Action>) -> bool {
    matches!(
        action,
        None | Some(Action::CreateUser | Action::CreateGroup)
    )
}
