//! The fields of a request towards an upstream, while they are gathered.

use super::wire::is_missing;
use crate::command::Edit;
use crate::command::text::Text;
use crate::error::{Error, Kind};
use crate::framing::form::Writer;

/// What most calls take.
const USUAL_BYTES: usize = 512;

/// Names and values in the order in which they are sent.
#[derive(Debug)]
pub(super) struct Pairs {
    pairs: Writer,
}

impl Pairs {
    /// No fields yet.
    pub(super) fn new() -> Self {
        Self {
            pairs: Writer::with_capacity(USUAL_BYTES),
        }
    }

    /// Adds a field of the contract.
    pub(super) fn add(&mut self, name: &'static str, value: impl AsRef<str>) {
        self.pairs.push_known(name, value.as_ref());
    }

    /// Adds a field whose name has array keys, or was made up by somebody.
    pub(super) fn add_named(&mut self, name: impl AsRef<str>, value: impl AsRef<str>) {
        self.pairs.push(name.as_ref(), value.as_ref());
    }

    /// Adds a value that must arrive as one: the vendor takes blank and `0` for none.
    pub(super) fn add_needed(
        &mut self,
        attribute: &str,
        name: &'static str,
        value: &str,
    ) -> Result<(), Error> {
        if is_missing(value) {
            return Err(cannot(attribute, "be blank or 0"));
        }
        self.add(name, value);
        Ok(())
    }

    /// Adds a value that may be left alone and may be set, but not emptied.
    pub(super) fn add_edit(
        &mut self,
        attribute: &str,
        name: &'static str,
        edit: &Edit<Text>,
    ) -> Result<(), Error> {
        match edit {
            Edit::Keep => Ok(()),
            Edit::Set(text) if !text.as_str().is_empty() => {
                self.add(name, text.as_str());
                Ok(())
            }
            Edit::Set(_) | Edit::Clear => Err(cannot(attribute, "be emptied")),
        }
    }

    /// Adds a value that an empty field empties, where there can be something to empty.
    pub(super) fn add_edit_or_clear(
        &mut self,
        attribute: &str,
        name: &'static str,
        edit: &Edit<Text>,
        is_new: bool,
    ) -> Result<(), Error> {
        if *edit == Edit::Clear && !is_new {
            self.add(name, "");
            return Ok(());
        }
        self.add_edit(attribute, name, edit)
    }

    /// Adds a flag that is mentioned.
    pub(super) fn add_flag(&mut self, name: &'static str, flag: Option<bool>) {
        if let Some(flag) = flag {
            self.add(name, if flag { "yes" } else { "no" });
        }
    }

    /// The body.
    pub(super) fn into_text(self) -> String {
        self.pairs.into_text()
    }
}

/// What a Grupo system makes nothing without.
pub(super) fn need(attribute: &'static str, is_there: bool) -> Result<(), Error> {
    if is_there {
        return Ok(());
    }
    let message = format!("a Grupo system makes nothing without {attribute}; send it");
    Err(Error::new(Kind::MissingArgument(attribute.into()), message))
}

/// What a Grupo system cannot be told of an attribute.
pub(super) fn cannot(attribute: &str, what: &str) -> Error {
    let message = format!("{attribute} cannot {what} in a Grupo system; leave it out");
    Error::new(Kind::Unsupported, message)
}
