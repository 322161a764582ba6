//! The fields of one call while they are read: what is taken, what is at fault, what is left.

use std::borrow::Cow;

use crate::command::text::Text;
use crate::command::{Edit, Id};
use crate::error::{Error, Kind, PasswordFault};
use crate::framing::form::{Entry, Form, Value};
use crate::route::number_table::NumberTable;
use crate::secret::Secret;

/// Whether a field must be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Need {
    /// Blank and `0` are faults.
    Required,
    /// Empty is absent.
    Optional,
}

/// A call's form without its key and verb. Faults are collected, so that all are told at once.
#[derive(Debug)]
pub(super) struct Fields<'a> {
    form: Form<'a>,
    operation: Cow<'static, str>,
    faults: Vec<Error>,
}

impl<'a> Fields<'a> {
    pub(super) const fn new(form: Form<'a>, operation: Cow<'static, str>) -> Self {
        Self {
            form,
            operation,
            faults: Vec::new(),
        }
    }

    /// How many faults there are so far.
    pub(super) const fn faults(&self) -> usize {
        self.faults.len()
    }

    /// Notes a fault; reading goes on.
    pub(super) fn fault(&mut self, error: Error) {
        self.faults.push(error);
    }

    /// The text of a field exactly as it was sent, empty included.
    pub(super) fn sent(&mut self, name: &'static str) -> Option<Cow<'a, str>> {
        match self.form.take(name)?.value {
            Value::Text(text) => return Some(text),
            value if holds_file(&value) => self.refuse_file(name),
            Value::Array(_) => self.fault(Error::invalid(name, "must be text; send it once")),
            Value::File(_) => {}
        }
        None
    }

    /// The text of a field; empty is absent.
    pub(super) fn text(&mut self, name: &'static str) -> Option<Cow<'a, str>> {
        self.sent(name).filter(|text| !text.is_empty())
    }

    /// The text of a field as the operation needs it.
    pub(super) fn wanted(&mut self, name: &'static str, need: Need) -> Option<Cow<'a, str>> {
        match need {
            Need::Optional => self.text(name),
            Need::Required => self.required(name),
        }
    }

    /// The text of a field that must be there: not blank, not `0`.
    pub(super) fn required(&mut self, name: &'static str) -> Option<Cow<'a, str>> {
        let faults = self.faults.len();
        let text = self.present(name);
        if text.is_none() && self.faults.len() == faults {
            self.fault(Error::missing(name));
        }
        text
    }

    /// The text of a field that is absent where it is blank or `0`.
    pub(super) fn present(&mut self, name: &'static str) -> Option<Cow<'a, str>> {
        self.sent(name)
            .filter(|text| !super::wire::is_missing(text))
    }

    /// A field that `parse` makes something of; `must` says what it takes.
    pub(super) fn parsed<T>(
        &mut self,
        name: &'static str,
        must: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name)?;
        self.parse(name, &text, must, parse)
    }

    /// Makes something of a field that was taken already.
    pub(super) fn parse<T>(
        &mut self,
        name: &'static str,
        text: &str,
        must: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = parse(text);
        if parsed.is_none() {
            self.fault(Error::invalid(name, must));
        }
        parsed
    }

    /// The number of a `thing`, one of those the route knows where it knows any.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        text: &str,
        thing: &str,
        known: &NumberTable,
    ) -> Option<Id> {
        let number = Id::parse(text).filter(|number| known.takes(*number));
        if number.is_none() {
            let must = if known.is_open() {
                format!("must be the number of {thing}; correct it")
            } else {
                format!(
                    "must be the number of {thing} that this route knows: {known}; send one of them"
                )
            };
            self.fault(Error::invalid(name, must));
        }
        number
    }

    /// Text to be kept as it is.
    pub(super) fn kept(&mut self, name: &'static str, text: Cow<'a, str>) -> Option<Text> {
        match Text::parse(text) {
            Ok(text) => Some(text),
            Err(fault) => {
                self.fault(Error::invalid(name, fault));
                None
            }
        }
    }

    /// Text that is set where it is not empty.
    pub(super) fn set(&mut self, name: &'static str, need: Need) -> Edit<Text> {
        match self
            .wanted(name, need)
            .and_then(|text| self.kept(name, text))
        {
            Some(text) => Edit::Set(text),
            None => Edit::Keep,
        }
    }

    /// Text that is emptied by an empty field, where there can be something to empty.
    pub(super) fn set_or_clear(&mut self, name: &'static str, is_new: bool) -> Edit<Text> {
        match self.sent(name) {
            None => Edit::Keep,
            Some(text) if text.is_empty() && is_new => Edit::Keep,
            Some(text) if text.is_empty() => Edit::Clear,
            Some(text) => self.kept(name, text).map_or(Edit::Keep, Edit::Set),
        }
    }

    /// A flag: only `yes`, in exactly this spelling, is one.
    pub(super) fn flag(&mut self, name: &'static str) -> Option<bool> {
        self.text(name).map(|text| text == "yes")
    }

    /// The password, with its repetition where one is sent.
    pub(super) fn password(&mut self, need: Need) -> Option<Secret> {
        let password = self.wanted("password", need);
        let repeated = self.text("confirm_password");
        if repeated.is_some() && repeated != password {
            self.fault(Kind::PasswordRefused(PasswordFault::Mismatch).into());
        }
        password.map(|password| Secret::from(password.into_owned()))
    }

    /// The values of a field that may be a list, each in its place; blank and `0` are left out.
    pub(super) fn list(&mut self, name: &'static str) -> Vec<Cow<'a, str>> {
        let Some(entry) = self.form.take(name) else {
            return Vec::new();
        };
        let values = match entry.value {
            Value::Array(items) => items.into_iter().map(|(_, value)| value).collect(),
            value @ (Value::Text(_) | Value::File(_)) => vec![value],
        };
        let mut texts = Vec::with_capacity(values.len());
        for value in values {
            match value {
                Value::Text(text) if super::wire::is_missing(&text) => {}
                Value::Text(text) => texts.push(text),
                Value::Array(_) | Value::File(_) => {
                    self.fault(Error::invalid(
                        name,
                        "must be a number or a list of numbers",
                    ));
                }
            }
        }
        texts
    }

    /// Leaves a field out of account on purpose.
    pub(super) fn pass_over(&mut self, name: &str) {
        self.form.take(name);
    }

    /// Refuses a field that has no place in the operation.
    pub(super) fn refuse(&mut self, name: &str) {
        let operation = &self.operation;
        let must = format!("has no place in {operation}; leave it out");
        self.faults.push(Error::invalid(name.to_owned(), must));
    }

    /// Refuses a file.
    pub(super) fn refuse_file(&mut self, name: &str) {
        let must = "is a file, and files are not taken here; leave it out, \
                    pictures are named by avatarURL and group_icon_url";
        self.fault(Error::invalid(name.to_owned(), must));
    }

    /// What nobody has taken.
    pub(super) fn take_rest(&mut self) -> Vec<Entry<'a>> {
        std::mem::take(&mut self.form).into_entries()
    }

    /// Ends the reading of an operation that has no home for fields it does not know.
    pub(super) fn nothing_left(&mut self) {
        self.pass_over("redirect");
        for entry in self.take_rest() {
            match entry.value {
                Value::Text(text) if text.is_empty() => {}
                value if holds_file(&value) => self.refuse_file(&entry.name),
                Value::Text(_) | Value::Array(_) => self.refuse(&entry.name),
                Value::File(_) => {}
            }
        }
    }

    /// What was read, unless there was a fault. Where there are several, the vendor lets a bad
    /// e-mail address speak before a missing field.
    pub(super) fn finish<T>(mut self, read: T) -> Result<T, Error> {
        self.faults
            .sort_by_key(|fault| *fault.kind() != Kind::InvalidEmail);
        match Error::all(self.faults) {
            Some(fault) => Err(fault),
            None => Ok(read),
        }
    }
}

/// Whether there is a file in it. A file input that nobody filled in has neither name nor contents.
pub(super) fn holds_file(value: &Value<'_>) -> bool {
    match value {
        Value::Text(_) => false,
        Value::Array(items) => items.iter().any(|(_, item)| holds_file(item)),
        Value::File(file) => !(file.filename.is_empty() && file.bytes.is_empty()),
    }
}
