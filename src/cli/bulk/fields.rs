//! One line of an import as texts by column, read one after another until nothing is left.

use std::collections::HashMap;

use crate::auth::password::PasswordHash;
use crate::command::extension::Extension;
use crate::command::text::Text;
use crate::command::{AccountId, Dialect, Id};
use crate::store::bulk::OtherIds;

/// What the name of another id and that of an extension attribute begin with.
pub(super) const OTHER_ID: &str = "id.";
pub(super) const EXTENSION: &str = "x.";

/// Why a line is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// The column.
    pub(super) field: String,
    /// What is wrong with it. The value is not in it: it may be a secret.
    pub(super) reason: String,
}

impl Fault {
    pub(super) fn new(field: &str, reason: impl Into<String>) -> Self {
        Self {
            field: field.to_owned(),
            reason: reason.into(),
        }
    }
}

/// The values of a line, and what was found wrong with them.
#[derive(Debug, Default)]
pub(super) struct Fields {
    values: HashMap<String, String>,
    faults: Vec<Fault>,
}

impl Fields {
    /// Adds a value. A name that is there already is a fault.
    pub(super) fn insert(&mut self, name: String, value: String) {
        if self.values.contains_key(&name) {
            self.fault(&name, "is there twice");
            return;
        }
        self.values.insert(name, value);
    }

    pub(super) fn fault(&mut self, field: &str, reason: impl Into<String>) {
        self.faults.push(Fault::new(field, reason));
    }

    /// Everything that was wrong.
    pub(super) fn into_faults(self) -> Vec<Fault> {
        self.faults
    }

    /// What `read` makes of a value, or a fault with what it says.
    pub(super) fn read<T, E: ToString>(
        &mut self,
        name: &str,
        read: impl FnOnce(String) -> Result<T, E>,
    ) -> Option<T> {
        let value = self.values.remove(name)?;
        read(value)
            .map_err(|reason| self.fault(name, reason.to_string()))
            .ok()
    }

    /// What `parse` makes of a value, or a fault.
    pub(super) fn parse<T>(
        &mut self,
        name: &str,
        must: &str,
        parse: impl FnOnce(String) -> Option<T>,
    ) -> Option<T> {
        self.read(name, |value| parse(value).ok_or(must))
    }

    /// Like [`Self::parse`]; a value that is missing is a fault too.
    pub(super) fn required<T>(
        &mut self,
        name: &str,
        must: &str,
        parse: impl FnOnce(String) -> Option<T>,
    ) -> Option<T> {
        if !self.values.contains_key(name) {
            self.fault(name, "is missing");
        }
        self.parse(name, must, parse)
    }

    pub(super) fn text(&mut self, name: &str) -> Option<Text> {
        self.read(name, Text::parse)
    }

    pub(super) fn flag(&mut self, name: &str) -> bool {
        let flag = self.parse(
            name,
            "must be true or false, or 1 or 0",
            |value| match value.as_str() {
                "true" | "1" => Some(true),
                "false" | "0" => Some(false),
                _ => None,
            },
        );
        flag.unwrap_or_default()
    }

    pub(super) fn id(&mut self, name: &str) -> Option<Id> {
        self.parse(name, WHOLE_NUMBER, |value| Id::parse(&value))
    }

    pub(super) fn required_id(&mut self, name: &str) -> Option<Id> {
        self.required(name, WHOLE_NUMBER, |value| Id::parse(&value))
    }

    pub(super) fn account(&mut self, default: AccountId) -> AccountId {
        self.id("account").map_or(default, AccountId::new)
    }

    pub(super) fn hash(&mut self) -> Option<PasswordHash> {
        self.read("password_hash", PasswordHash::parse)
    }

    pub(super) fn other_ids(&mut self) -> OtherIds {
        let ids = Dialect::ALL.into_iter().filter_map(|dialect| {
            let id = self.id(&format!("{OTHER_ID}{dialect}"))?;
            Some((dialect, id))
        });
        ids.collect()
    }

    /// Every extension attribute, in the order in which the store keeps them.
    pub(super) fn extensions(&mut self) -> Vec<Extension> {
        let is_extension = |name: &String| extension_name(name).is_some();
        let names: Vec<_> = self
            .values
            .keys()
            .filter(|name| is_extension(name))
            .cloned()
            .collect();
        let mut extensions = Vec::with_capacity(names.len());
        for name in names {
            let value = self.text(&name);
            if let (Some((dialect, field)), Some(value)) = (extension_name(&name), value) {
                match Text::parse(field) {
                    Ok(field) => extensions.push(Extension {
                        dialect,
                        field,
                        value,
                    }),
                    Err(reason) => self.fault(&name, format!("the name {reason}")),
                }
            }
        }
        extensions.sort();
        extensions
    }
}

const WHOLE_NUMBER: &str = "must be a whole number, 1 or more";

/// The dialect and the field that a column `x.DIALECT.FIELD` stands for.
pub(super) fn extension_name(column: &str) -> Option<(Dialect, &str)> {
    let (dialect, field) = column.strip_prefix(EXTENSION)?.split_once('.')?;
    Some((Dialect::from_name(dialect)?, field))
}

/// Whether a column means anything, given those of the noun's own.
pub(super) fn is_column(column: &str, own: &[&str], has_attributes: bool) -> bool {
    let other_id = column.strip_prefix(OTHER_ID).and_then(Dialect::from_name);
    own.contains(&column)
        || has_attributes && (other_id.is_some() || extension_name(column).is_some())
}
