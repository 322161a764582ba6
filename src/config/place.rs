//! A place in the merged configuration: its key path, its value, and how to report its faults.

use figment::error::{Actual, Kind};
use figment::value::{Dict, Map, Value};
use figment::{Error, Figment, Metadata, Profile, Provider};
use serde::de::DeserializeOwned;

use super::fault::{Fault, Faults};
use super::suggest::did_you_mean;

/// Where a value stands.
#[derive(Clone, Copy)]
pub(super) struct Place<'a> {
    figment: &'a Figment,
    file: &'a str,
    path: &'a str,
}

impl<'a> Place<'a> {
    /// The place at `path` in the merged layers. What has no source of its own is blamed on
    /// `file`.
    pub(super) const fn new(figment: &'a Figment, file: &'a str, path: &'a str) -> Self {
        Self {
            figment,
            file,
            path,
        }
    }

    /// The same configuration, at another path.
    pub(super) const fn at(self, path: &'a str) -> Self {
        Self { path, ..self }
    }

    /// A fault of the value under `key`, or of the place itself where the key is empty.
    pub(super) fn fault(self, key: &str, message: impl Into<String>) -> Fault {
        let path = match key {
            "" => self.path.to_owned(),
            key => format!("{}.{key}", self.path),
        };
        Fault::new(self.source(&path), path, message)
    }

    /// Whether the configuration says anything under `key`.
    pub(super) fn has(self, key: &str) -> bool {
        self.figment.contains(&format!("{}.{key}", self.path))
    }

    /// Whether the value under `key` was given as a flag.
    pub(super) fn is_flag(self, key: &str) -> bool {
        self.source(&format!("{}.{key}", self.path))
            .starts_with("--")
    }

    /// The keys of the table that stands here; none where there is no table.
    pub(super) fn names(self) -> Vec<String> {
        let table = self.figment.find_value(self.path).ok();
        let table = table.and_then(Value::into_dict).unwrap_or_default();
        table.into_keys().collect()
    }

    /// The names of the entries of the table that stands here. A name that the environment could
    /// not spell is a fault.
    pub(super) fn entries(self, faults: &mut Faults) -> Vec<String> {
        let found = self.figment.find_value(self.path).ok();
        if found.is_some_and(|value| value.as_dict().is_none()) {
            faults.push(self.fault("", format!("must be a table: [{}.NAME]", self.path)));
        }
        let (names, misspelt): (Vec<_>, Vec<_>) = self
            .names()
            .into_iter()
            .partition(|name| is_entry_name(name));
        for name in misspelt {
            let message =
                "is no name here: use lower-case letters, digits and single _, with a letter first";
            faults.push(self.fault(&name, message));
        }
        names
    }

    /// Reads what stands here as `T`, or as `T`'s default where nothing does.
    ///
    /// Reading stops at its first fault, so each fault is noted, its value taken out, and the rest
    /// read again: all are reported at once. What is returned then has defaults in their places,
    /// and is good for finding further faults only.
    pub(super) fn read<T: DeserializeOwned + Default>(self, faults: &mut Faults) -> Option<T> {
        let mut values = match self.figment.find_value(self.path) {
            Err(_) => return Some(T::default()),
            Ok(Value::Dict(_, values)) => values,
            Ok(_) => {
                let message = format!("must be a table: [{}]", self.path);
                faults.push(self.fault("", message));
                return None;
            }
        };
        loop {
            let error = match Figment::from(Values(values.clone())).extract_lossy() {
                Ok(read) => return Some(read),
                Err(error) => error,
            };
            faults.push_unread(self.explain(&error));
            if !remove(&mut values, &error.path) {
                return None;
            }
        }
    }

    fn explain(self, error: &Error) -> Fault {
        let mut key = String::new();
        for segment in &error.path {
            // The index in a list says less than the text that the message repeats.
            if self.is_list(&key) {
                break;
            }
            if !key.is_empty() {
                key.push('.');
            }
            key.push_str(segment);
        }
        self.fault(&key, message(&key, &error.kind))
    }

    fn is_list(self, key: &str) -> bool {
        let found = self.figment.find_value(&format!("{}.{key}", self.path));
        found.is_ok_and(|value| matches!(value, Value::Array(..)))
    }

    /// The source of the value at `path`, else of what it would stand in.
    fn source(self, path: &str) -> String {
        let mut path = path;
        loop {
            if let Some(metadata) = self.figment.find_metadata(path) {
                return metadata.name.to_string();
            }
            match path.rsplit_once('.') {
                Some((parent, _)) => path = parent,
                None => return self.file.to_owned(),
            }
        }
    }
}

fn is_entry_name(name: &str) -> bool {
    let is_part =
        |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit() || letter == '_';
    name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.chars().all(is_part)
        && !name.ends_with('_')
        && !name.contains("__")
}

struct Values(Dict);

impl Provider for Values {
    fn metadata(&self) -> Metadata {
        Metadata::default()
    }

    fn data(&self) -> figment::error::Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.0.clone())]))
    }
}

/// Takes out the value at the path; `false` if there is none.
fn remove(values: &mut Dict, path: &[String]) -> bool {
    match path {
        [] => false,
        [key] => values.remove(key).is_some(),
        [key, rest @ ..] => match values.get_mut(key) {
            Some(Value::Dict(_, inner)) => remove(inner, rest),
            Some(Value::Array(_, items)) => {
                match rest.first().map(|index| index.parse::<usize>()) {
                    Some(Ok(index)) if index < items.len() => {
                        items.remove(index);
                        true
                    }
                    _ => values.remove(key).is_some(),
                }
            }
            Some(_) => values.remove(key).is_some(),
            None => false,
        },
    }
}

fn message(key: &str, kind: &Kind) -> String {
    if let Kind::UnknownField(unknown, known) = kind {
        let known_here = known.join(", ");
        return format!(
            "unknown key (known here: {known_here}){}",
            did_you_mean(unknown, known)
        );
    }
    // What stands where a secret belongs is not repeated.
    if ["value", "key", "password", "webhook.secret"].contains(&key) {
        return "must be a text in quotes".to_owned();
    }
    match kind {
        Kind::InvalidType(found, expected) | Kind::InvalidValue(found, expected) => {
            format!("must be {}, not {}", plain(expected), shown(found))
        }
        Kind::Message(message) => message.clone(),
        Kind::InvalidLength(..)
        | Kind::UnknownVariant(..)
        | Kind::UnknownField(..)
        | Kind::MissingField(_)
        | Kind::DuplicateField(_)
        | Kind::ISizeOutOfRange(_)
        | Kind::USizeOutOfRange(_)
        | Kind::Unsupported(_)
        | Kind::UnsupportedKey(..) => kind.to_string(),
    }
}

/// Rust's name of a type, as its author would say it.
fn plain(expected: &str) -> &str {
    match expected {
        "usize" | "u64" | "u32" | "u16" => "a whole number, 0 or more",
        "i64" => "a whole number",
        "a boolean" => "true or false",
        "a string" => "a text in quotes",
        other if other.starts_with("struct ") || other == "a map" => "a table",
        other => other,
    }
}

fn shown(found: &Actual) -> String {
    match found {
        Actual::Bool(value) => value.to_string(),
        Actual::Unsigned(value) => value.to_string(),
        Actual::Signed(value) => value.to_string(),
        Actual::Float(value) => value.to_string(),
        Actual::Str(text) => format!("{text:?}"),
        Actual::Seq => "a list".to_owned(),
        Actual::Map => "a table".to_owned(),
        Actual::Char(_)
        | Actual::Bytes(_)
        | Actual::Unit
        | Actual::Option
        | Actual::NewtypeStruct
        | Actual::Enum
        | Actual::UnitVariant
        | Actual::NewtypeVariant
        | Actual::TupleVariant
        | Actual::StructVariant
        | Actual::Other(_) => found.to_string(),
    }
}
