//! The fields of a form while they arrive: counted, measured, and put where PHP would put them.

use std::borrow::Cow;
use std::vec;

use crate::error::{Error, Kind};
use crate::framing::field_name::FieldName;
use crate::framing::form::{Entry, Value};
use crate::framing::php_key::{Key, KeyFault, MAX_DEPTH};
use crate::framing::seen::Seen;
use crate::route::FormLimits;

/// What has arrived of a form.
#[derive(Debug)]
pub(super) struct Fields<'a, 'l> {
    entries: Vec<Entry<'a>>,
    seen: Seen,
    begun: usize,
    limits: &'l FormLimits,
}

impl<'a, 'l> Fields<'a, 'l> {
    pub(super) const fn new(limits: &'l FormLimits) -> Self {
        Self {
            entries: Vec::new(),
            seen: Seen::new(),
            begun: 0,
            limits,
        }
    }

    pub(super) fn into_entries(self) -> Vec<Entry<'a>> {
        self.entries
    }

    pub(super) const fn limits(&self) -> &'l FormLimits {
        self.limits
    }

    /// Makes room for that many fields, or for as many as there may be.
    pub(super) fn reserve(&mut self, fields: usize) {
        self.entries.reserve_exact(fields.min(self.limits.fields));
    }

    /// Counts a field before anything is done for it, so that too many of them cost nothing.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        if self.begun == self.limits.fields {
            let most = self.limits.fields;
            return Err(too_large(format!(
                "the form has more than {most} fields; send fewer"
            )));
        }
        self.begun = self.begun.saturating_add(1);
        Ok(())
    }

    /// Puts a value under a name that PHP reads as it is spelled.
    pub(super) fn add_plain(&mut self, name: &'a str, value: &'a str) -> Result<(), Error> {
        if name.len() > self.limits.name_bytes {
            return Err(self.name_too_long());
        }
        if value.len() > self.limits.value_bytes {
            return Err(self.value_too_long(name));
        }
        let key = Key {
            name: name.into(),
            path: Vec::new(),
            mangled: false,
        };
        self.assign(key, Value::Text(value.into()))
    }

    /// Puts a value under a decoded name.
    pub(super) fn add(&mut self, name: Cow<'a, str>, value: Value<'a>) -> Result<(), Error> {
        if name.len() > self.limits.name_bytes {
            return Err(self.name_too_long());
        }
        if let Value::Text(text) = &value
            && text.len() > self.limits.value_bytes
        {
            return Err(self.value_too_long(&name));
        }
        let key = Key::parse(name).map_err(|fault| self.key_fault(fault))?;
        self.assign(key, value)
    }

    pub(super) fn name_too_long(&self) -> Error {
        let (place, most) = (self.begun, self.limits.name_bytes);
        too_large(format!(
            "the name of field number {place} is longer than {most} bytes; shorten it"
        ))
    }

    pub(super) fn value_too_long(&self, name: &str) -> Error {
        let (field, most) = (self.named(name), self.limits.value_bytes);
        too_large(format!("{field} is longer than {most} bytes; shorten it"))
    }

    pub(super) fn name_not_utf8(&self) -> Error {
        let place = self.begun;
        malformed(format!(
            "the name of field number {place} is not UTF-8; send it in UTF-8"
        ))
    }

    pub(super) fn value_not_utf8(&self, name: &str) -> Error {
        let field = self.named(name);
        malformed(format!("{field} is not UTF-8; send it in UTF-8"))
    }

    /// A fault in how the field at hand is wrapped; `wrong` ends with the remedy.
    pub(super) fn unreadable(&self, wrong: &str) -> Error {
        unreadable(self.begun, wrong)
    }

    const fn named<'n>(&self, name: &'n str) -> FieldName<'n> {
        FieldName {
            name,
            position: self.begun,
        }
    }

    fn key_fault(&self, fault: KeyFault) -> Error {
        let place = self.begun;
        match fault {
            KeyFault::Empty => malformed(format!(
                "field number {place} has no name; give it one or leave it out"
            )),
            KeyFault::TooDeep => too_large(format!(
                "field number {place} has more than {MAX_DEPTH} array keys; send a flatter form"
            )),
        }
    }

    fn assign(&mut self, key: Key<'a>, value: Value<'a>) -> Result<(), Error> {
        let path = key.path.into_iter();
        let may_be_known = self.seen.add(&key.name);
        let entries = if may_be_known {
            &mut *self.entries
        } else {
            &mut []
        };
        let mut known = entries.iter_mut();
        if let Some(entry) = known.find(|entry| entry.name == key.name) {
            if holds_file(&entry.value) != holds_file(&value) {
                return Err(unreadable(
                    self.begun,
                    "is sent both as a file and as text; send one of them",
                ));
            }
            let replaced = put(&mut entry.value, path, value).map_err(|ArrayFull| {
                unreadable(self.begun, "follows the highest array key; give it a key")
            })?;
            entry.assignments = entry.assignments.saturating_add(usize::from(replaced));
            entry.mangled |= key.mangled;
        } else {
            self.entries.push(Entry {
                name: key.name,
                value: if path.len() == 0 {
                    value
                } else {
                    wrap(path, value)
                },
                assignments: 1,
                mangled: key.mangled,
            });
        }
        Ok(())
    }
}

/// A refusal of what cannot be read.
pub(super) fn malformed(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Kind::Malformed, message)
}

/// A refusal of what is over a limit.
pub(super) fn too_large(message: impl Into<Cow<'static, str>>) -> Error {
    Error::new(Kind::TooLarge, message)
}

fn unreadable(position: usize, wrong: &str) -> Error {
    malformed(format!("field number {position} {wrong}"))
}

/// PHP keeps texts and files apart, so neither makes way for the other there.
fn holds_file(value: &Value<'_>) -> bool {
    match value {
        Value::Text(_) => false,
        Value::Array(items) => items.iter().any(|(_, item)| holds_file(item)),
        Value::File { .. } => true,
    }
}

/// There is no number after the highest.
struct ArrayFull;

type Array<'a> = Vec<(Cow<'a, str>, Value<'a>)>;

/// What is left of the keys of a name.
type Path<'a> = vec::IntoIter<Option<Cow<'a, str>>>;

/// Puts `leaf` under the keys of `path` within what is there; says whether that had to make way.
fn put<'a>(there: &mut Value<'a>, mut path: Path<'a>, leaf: Value<'a>) -> Result<bool, ArrayFull> {
    let Value::Array(array) = there else {
        *there = wrap(path, leaf);
        return Ok(true);
    };
    let Some(key) = path.next() else {
        *there = leaf;
        return Ok(true);
    };
    let key = match key {
        Some(key) => key,
        None => next_index(array)?,
    };
    if let Some((_, there)) = array.iter_mut().find(|(known, _)| *known == key) {
        return put(there, path, leaf);
    }
    array.push((key, wrap(path, leaf)));
    Ok(false)
}

/// `leaf` under the keys of `path` where nothing is yet.
fn wrap<'a>(path: Path<'a>, leaf: Value<'a>) -> Value<'a> {
    path.rev().fold(leaf, |inner, key| {
        Value::Array(vec![(key.unwrap_or(Cow::Borrowed("0")), inner)])
    })
}

/// The key of an appended element: one above the highest number so far.
fn next_index<'a>(array: &Array<'_>) -> Result<Cow<'a, str>, ArrayFull> {
    /// Most arrays are short: their keys are not allocated.
    const FIRST: [&str; 10] = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];
    let highest = array.iter().filter_map(|(key, _)| integer(key)).max();
    let next = match highest {
        Some(highest) => highest.checked_add(1).ok_or(ArrayFull)?,
        None => 0,
    };
    let short = usize::try_from(next).ok().and_then(|next| FIRST.get(next));
    Ok(match short {
        Some(text) => Cow::Borrowed(text),
        None => Cow::Owned(next.to_string()),
    })
}

/// A key that PHP keeps as a number: no sign but `-`, no leading zero.
fn integer(key: &str) -> Option<i64> {
    let digits = key.strip_prefix('-').unwrap_or(key);
    let canonical = key == "0" || digits.starts_with(|first| matches!(first, '1'..='9'));
    if canonical { key.parse().ok() } else { None }
}
