//! The fields of `password_form`, which a new user needs too.

use super::field::Flag;
use super::form::Fields;
use super::operation::Note;
use super::{value, wording};
use crate::command::user::UserChange;
use crate::error::{Error, Kind, PasswordFault};
use crate::framing::form::{Entry, Form};
use crate::secret::Secret;

const CURRENT: &str = "current_user_pass";
const FIRST: &str = "edited_user_pass1";
const SECOND: &str = "edited_user_pass2";

/// The names, of which none may be sent twice.
pub(super) const NAMES: [&str; 3] = [CURRENT, FIRST, SECOND];

const SHORTEST: usize = 5;

/// What was sent of the three fields.
#[derive(Debug)]
pub(super) struct Sent<'a> {
    current: Option<Entry<'a>>,
    first: Option<Entry<'a>>,
    second: Option<Entry<'a>>,
}

impl<'a> Sent<'a> {
    /// Takes the fields out of the form.
    pub(super) fn take(form: &mut Form<'a>) -> Self {
        Self {
            current: form.take(CURRENT),
            first: form.take(FIRST),
            second: form.take(SECOND),
        }
    }

    /// The first field that was sent.
    pub(super) fn name(&self) -> Option<&str> {
        let mut fields = [&self.current, &self.first, &self.second].into_iter();
        fields.find_map(|field| Some(&*field.as_ref()?.name))
    }

    /// Reads the fields of a change: all three must be there.
    pub(super) fn change(&self, change: &mut UserChange, faults: &mut Vec<Error>) -> Note {
        let sent = (|| {
            let current = required(self.current.as_ref(), CURRENT)?;
            let first = required(self.first.as_ref(), FIRST)?;
            let second = required(self.second.as_ref(), SECOND)?;
            Ok((current, first, second))
        })();
        match sent {
            Err(fault) => {
                faults.push(fault);
                Note::Password
            }
            Ok((current, first, second)) => {
                if current.is_empty() {
                    faults.push(Error::new(
                        Kind::PasswordRefused(PasswordFault::CurrentMissing),
                        "current_user_pass is empty; send your own password",
                    ));
                }
                change.current_password = Some(Secret::from(current));
                set(first, second, change, faults)
            }
        }
    }

    /// Reads the password of a new user: the second spelling is looked at if it is there.
    pub(super) fn create(&self, change: &mut UserChange, faults: &mut Vec<Error>) -> Note {
        let sent = (|| {
            let first = required(self.first.as_ref(), FIRST)?;
            let second = self.second.as_ref().map(value::scalar).transpose()?;
            let current = self.current.as_ref().map(value::scalar).transpose()?;
            Ok((first, second.unwrap_or(first), current))
        })();
        match sent {
            Err(fault) => {
                faults.push(fault);
                Note::Profile
            }
            Ok((first, second, current)) => {
                change.current_password = current.map(Secret::from);
                set(first, second, change, faults)
            }
        }
    }
}

/// Refuses a password that b2evolution would refuse, or keep as another.
pub(super) fn check(password: &Secret) -> Result<(), Error> {
    let text = password.reveal();
    if trim(text) != text {
        let message = "the new password has blanks around it, which b2evolution takes away; \
                       choose another";
        return Err(Error::new(
            Kind::PasswordRefused(PasswordFault::Characters),
            message,
        ));
    }
    let mut faults = Vec::new();
    set(text, text, &mut UserChange::default(), &mut faults);
    Error::all(faults).map_or(Ok(()), Err)
}

/// Writes the fields of a change.
pub(super) fn encode_change(change: &UserChange, fields: &mut Fields) -> Result<(), Error> {
    match (&change.password, &change.current_password) {
        (None, None) => Ok(()),
        (Some(password), Some(current)) => {
            fields.flag(&[Flag::Password]);
            fields.push(CURRENT, current.reveal());
            fields.push(FIRST, password.reveal());
            fields.push(SECOND, password.reveal());
            Ok(())
        }
        (Some(_), None) | (None, Some(_)) => Err(Error::new(
            Kind::Unsupported,
            "b2evolution changes a password only with the current one beside it; send both",
        )),
    }
}

/// Writes the password of a new user.
pub(super) fn encode_create(change: &UserChange, fields: &mut Fields) {
    if let Some(current) = &change.current_password {
        fields.push(CURRENT, current.reveal());
    }
    if let Some(password) = &change.password {
        fields.push(FIRST, password.reveal());
        fields.push(SECOND, password.reveal());
    }
}

fn required<'e>(entry: Option<&'e Entry<'_>>, name: &str) -> Result<&'e str, Error> {
    match entry {
        Some(entry) => value::scalar(entry),
        None => Err(wording::REQUIRED.error(name)),
    }
}

fn set(first: &str, second: &str, change: &mut UserChange, faults: &mut Vec<Error>) -> Note {
    let (first_trimmed, second_trimmed) = (trim(first), trim(second));
    let before = faults.len();
    if first_trimmed.is_empty() {
        faults.push(wording::PASSWORD_EMPTY.error(""));
    }
    if second_trimmed.is_empty() {
        faults.push(wording::PASSWORD_TWICE.error(""));
    }
    if faults.len() > before {
        return Note::Password;
    }
    if first_trimmed != second_trimmed {
        faults.push(wording::PASSWORD_DIFFERENT.error(""));
    } else if first_trimmed.chars().any(is_forbidden) {
        faults.push(Error::new(
            Kind::PasswordRefused(PasswordFault::Characters),
            "edited_user_pass1 must not contain <, >, & or control characters; choose another",
        ));
    } else if first_trimmed.chars().nth(SHORTEST - 1).is_none() {
        faults.push(wording::PASSWORD_SHORT.error(""));
    }
    change.password = Some(Secret::from(first_trimmed));
    if first_trimmed == first {
        Note::Password
    } else {
        Note::PasswordTrimmed
    }
}

/// What PHP's `trim` takes away.
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\0', '\x0b'])
}

fn is_forbidden(c: char) -> bool {
    matches!(c, '<' | '>' | '&') || c.is_control()
}
