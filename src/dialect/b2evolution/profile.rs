//! The form of a profile ↔ a change to a user.

use super::attribute::{EMAIL, LOGIN};
use super::field::{self, Field, Flag, Flags, Home};
use super::form::Fields;
use super::kept::{self, NEW_FIELDS};
use super::operation::Note;
use super::{attribute, organizations, password, settings, status, value, wording};
use crate::command::Dialect;
use crate::command::extension::{CREDENTIAL, ExtensionEdit, is_credential};
use crate::command::text::Text;
use crate::command::user::UserChange;
use crate::error::Error;
use crate::framing::form::{Entry, Form, Value};
use crate::route::Policy;

/// Fields that may not be sent twice, nor under a spelling that PHP reads as theirs (quirk B7).
pub(super) fn is_sensitive(name: &str) -> bool {
    matches!(
        name,
        LOGIN | EMAIL | status::FIELD | "edited_user_level" | "edited_user_grp_ID"
    ) || password::NAMES.contains(&name)
        || Flag::from_name(name).is_some()
}

/// Reads the form of `POST users/<id>`: only what is sent is changed.
pub(super) fn decode_update(
    form: Form<'_>,
    policy: &Policy,
) -> Result<(Box<UserChange>, Note), Error> {
    let mut form = form;
    let mut reader = Reader::new(&mut form, false, policy);
    let passwords = password::Sent::take(&mut form);
    reader.read(form);
    let mut note = Note::Profile;
    if reader.flags.contains(Flag::Password) {
        note = passwords.change(&mut reader.change, &mut reader.faults);
    } else if let Some(name) = passwords.name() {
        reader.faults.push(needs_flag(name, &[Flag::Password]));
    }
    reader.finish().map(|change| (change, note))
}

/// Reads the form of `POST users`: no flag is needed, some fields are.
pub(super) fn decode_create(
    form: Form<'_>,
    policy: &Policy,
) -> Result<(Box<UserChange>, Note), Error> {
    let mut form = form;
    let mut reader = Reader::new(&mut form, true, policy);
    let passwords = password::Sent::take(&mut form);
    if form.entry(EMAIL).is_none() {
        reader.faults.push(wording::REQUIRED.error(EMAIL));
    }
    if form.entry(LOGIN).is_none() {
        reader.faults.push(wording::LOGIN_EMPTY.error(""));
    }
    reader.read(form);
    let note = passwords.create(&mut reader.change, &mut reader.faults);
    reader.finish().map(|change| (change, note))
}

/// Writes the form of `POST users/<id>`.
pub(super) fn encode_update(change: &UserChange, policy: &Policy) -> Result<Fields, Error> {
    let mut form = Fields::new();
    attribute::encode(change, policy, &mut form)?;
    password::encode_change(change, &mut form)?;
    Ok(form)
}

/// Writes the form of `POST users`.
pub(super) fn encode_create(change: &UserChange, policy: &Policy) -> Result<Fields, Error> {
    let mut form = Fields::new();
    attribute::encode(change, policy, &mut form)?;
    password::encode_create(change, &mut form);
    Ok(form)
}

struct Reader<'p> {
    policy: &'p Policy,
    creates: bool,
    flags: Flags,
    /// Boxed from the start, as it is large.
    change: Box<UserChange>,
    faults: Vec<Error>,
}

impl<'p> Reader<'p> {
    fn new(form: &mut Form<'_>, creates: bool, policy: &'p Policy) -> Self {
        let mut reader = Self {
            policy,
            creates,
            flags: Flags::default(),
            change: Box::default(),
            faults: Vec::new(),
        };
        for entry in form.take_all(|name| Flag::from_name(name).is_some()) {
            let sent = value::scalar(&entry).and_then(|text| value::boolean(&entry.name, text));
            match sent {
                Ok(true) => reader.flags.extend(Flag::from_name(&entry.name)),
                Ok(false) => {}
                Err(fault) => reader.faults.push(fault),
            }
        }
        reader
    }

    fn read(&mut self, mut form: Form<'_>) {
        if self.may_send(&[Flag::Identity]) {
            self.faults.extend(settings::missing(&form, self.policy));
        }
        let read = self.organizations(&mut form);
        self.faults.extend(read.err());
        for entry in form.into_entries() {
            let read = if entry.name == NEW_FIELDS {
                self.new_fields(&entry)
            } else if let Some(field) = field::find(&entry.name) {
                self.field(&field, &entry)
            } else {
                self.unknown(entry)
            };
            if let Err(fault) = read {
                self.faults.push(fault);
            }
        }
    }

    fn organizations(&mut self, form: &mut Form<'_>) -> Result<(), Error> {
        let mut names = organizations::NAMES.into_iter();
        let Some(name) = names.find(|name| form.entry(name).is_some()) else {
            return Ok(());
        };
        let sent = organizations::decode(form, self.policy)?;
        if !self.may_send(&[Flag::Identity]) {
            return Err(needs_flag(name, &[Flag::Identity]));
        }
        self.change.organizations = Some(sent.organizations);
        // Those of the list before would stand beside others now.
        self.keep(Text::known(organizations::PRIORITIES), sent.priorities)
    }

    fn field(&mut self, field: &Field, entry: &Entry<'_>) -> Result<(), Error> {
        if !self.may_send(field.flags) {
            return Err(needs_flag(&entry.name, field.flags));
        }
        let name = &*entry.name;
        settings::judge(name, self.policy, &mut self.change.guard)?;
        if let Home::Kept(kind) = field.home {
            let value = kept::decode(kind, entry, self.policy)?;
            let kept = match field.name {
                Some(known) => Text::known(known),
                None => value::text(name, name)?,
            };
            self.keep(kept, value)?;
            self.change.guard = self.change.guard.max(field::guard(name, field.flags));
            return Ok(());
        }
        let text = value::scalar(entry)?;
        attribute::decode(field.home, name, text, self.policy, &mut self.change)?;
        if field.home == Home::Status {
            let value = status::known(text).map(Text::known);
            self.keep_text(Text::known(status::FIELD), value);
        }
        Ok(())
    }

    /// `uf_add[<definition>][]`: each definition is an attribute with a list of values.
    fn new_fields(&mut self, entry: &Entry<'_>) -> Result<(), Error> {
        if !self.may_send(&[Flag::Identity]) {
            return Err(needs_flag(NEW_FIELDS, &[Flag::Identity]));
        }
        let Value::Array(definitions) = &entry.value else {
            return Err(wording::NOT_ARRAY.error(NEW_FIELDS));
        };
        for (definition, values) in definitions {
            let name = format!("{NEW_FIELDS}[{definition}]");
            let Value::Array(values) = values else {
                return Err(wording::NOT_ARRAY.error(&name));
            };
            let values = value::flat(&name, values)?;
            self.keep(value::text(&name, &*name)?, kept::texts(&values))?;
        }
        Ok(())
    }

    fn unknown(&mut self, entry: Entry<'_>) -> Result<(), Error> {
        if is_credential(&entry.name) {
            return Err(Error::invalid(entry.name.into_owned(), CREDENTIAL));
        }
        let name = value::text(&entry.name, &*entry.name)?;
        match &entry.value {
            Value::Text(text) => {
                let text = (!text.is_empty()).then(|| text.clone().into_owned());
                self.keep(name, text)
            }
            Value::Array(_) | Value::File(_) => {
                let json = value::to_json_text(entry)?;
                self.keep(name, Some(json))
            }
        }
    }

    fn keep(&mut self, name: Text, value: Option<String>) -> Result<(), Error> {
        let text = |value| value::text(name.as_str(), value);
        let value = value.map(text).transpose()?;
        self.keep_text(name, value);
        Ok(())
    }

    fn keep_text(&mut self, name: Text, value: Option<Text>) {
        self.change.extensions.push(ExtensionEdit {
            dialect: Dialect::B2evolution,
            field: name,
            value,
        });
    }

    fn may_send(&self, flags: &[Flag]) -> bool {
        self.creates || flags.is_empty() || flags.iter().any(|flag| self.flags.contains(*flag))
    }

    fn finish(mut self) -> Result<Box<UserChange>, Error> {
        if let (Some(youngest), Some(oldest)) = (
            self.kept("edited_user_age_min"),
            self.kept("edited_user_age_max"),
        ) && youngest > oldest
        {
            self.faults.push(wording::AGES.error(""));
        }
        match Error::all(self.faults) {
            Some(error) => Err(error),
            None => Ok(self.change),
        }
    }

    fn kept(&self, name: &str) -> Option<i64> {
        let mut edits = self.change.extensions.iter();
        let edit = edits.find(|edit| edit.field.as_str() == name)?;
        edit.value.as_ref()?.as_str().parse().ok()
    }
}

fn needs_flag(name: &str, flags: &[Flag]) -> Error {
    let flags: Vec<String> = flags
        .iter()
        .map(|flag| format!("{}=1", flag.name()))
        .collect();
    let must = format!("needs {}; send it with the field", flags.join(" or "));
    Error::invalid(name.to_owned(), must)
}
