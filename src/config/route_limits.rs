//! `[routes.NAME.form]` and `[routes.NAME.json]`: how much one request may hold.

use serde::Deserialize;

use super::fault::Faults;
use super::place::Place;
use super::value::Size;
use crate::route::{FormLimits, JsonLimits};

/// `[routes.NAME.form]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct FormSection {
    /// Fields of a form, 1 to 1000.
    fields: usize,
    /// Bytes of a field's name.
    name_bytes: Size,
    /// Bytes of a field's value.
    value_bytes: Size,
    /// Grupo only: files of a native operation, 0 to 100.
    files: usize,
}

impl Default for FormSection {
    fn default() -> Self {
        let usual = FormLimits::default();
        Self {
            fields: usual.fields,
            name_bytes: Size(usual.name_bytes),
            value_bytes: Size(usual.value_bytes),
            files: usual.files,
        }
    }
}

impl FormSection {
    /// Checks the ranges.
    pub(super) fn build(self, place: Place<'_>, faults: &mut Faults) -> FormLimits {
        let ranges = [
            ("form.fields", self.fields, 1000),
            ("form.name_bytes", self.name_bytes.0, 4096),
            ("form.value_bytes", self.value_bytes.0, 64 << 20),
        ];
        check(&ranges, place, faults);
        if self.files > 100 {
            let message = format!("{} is out of range: 0 to 100", self.files);
            faults.push(place.fault("form.files", message));
        }
        FormLimits {
            fields: self.fields,
            name_bytes: self.name_bytes.0,
            value_bytes: self.value_bytes.0,
            files: self.files,
        }
    }
}

/// `[routes.NAME.json]` as it is written.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(super) struct JsonSection {
    /// Arrays and objects inside one another, 1 to 64.
    depth: usize,
    /// Members of one object, elements of one array.
    members: usize,
    /// Bytes of a string.
    string_bytes: Size,
    /// Characters of a number.
    number_bytes: Size,
    /// Calls in one batch, 1 to 1000.
    batch: usize,
}

impl Default for JsonSection {
    fn default() -> Self {
        let usual = JsonLimits::default();
        Self {
            depth: usual.depth,
            members: usual.members,
            string_bytes: Size(usual.string_bytes),
            number_bytes: Size(usual.number_bytes),
            batch: usual.batch,
        }
    }
}

impl JsonSection {
    /// Checks the ranges.
    pub(super) fn build(self, place: Place<'_>, faults: &mut Faults) -> JsonLimits {
        let ranges = [
            ("json.depth", self.depth, 64),
            ("json.members", self.members, 65_536),
            ("json.string_bytes", self.string_bytes.0, 64 << 20),
            ("json.number_bytes", self.number_bytes.0, 1024),
            ("json.batch", self.batch, 1000),
        ];
        check(&ranges, place, faults);
        JsonLimits {
            depth: self.depth,
            members: self.members,
            string_bytes: self.string_bytes.0,
            number_bytes: self.number_bytes.0,
            batch: self.batch,
        }
    }
}

fn check(ranges: &[(&str, usize, usize)], place: Place<'_>, faults: &mut Faults) {
    for (key, value, most) in ranges {
        if !(1..=*most).contains(value) {
            let message = format!("{value} is out of range: 1 to {most}");
            faults.push(place.fault(key, message));
        }
    }
}
