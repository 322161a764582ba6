//! The layers of a configuration, and where each value came from.
//!
//! A layer is a tree of values under the name that faults call it by: one for the file, one for
//! each environment variable, one for each flag.

use std::ffi::OsString;
use std::fmt;

use figment::error::Result;
use figment::value::{Dict, Map, Value};
use figment::{Metadata, Profile, Provider};

use super::fault::{Fault, Faults};

const PREFIX: &str = "DRAGOMAN__";

/// One tree of values with the name of its source.
#[derive(Clone)]
pub(super) struct Layer {
    source: String,
    values: Dict,
}

impl Layer {
    /// The layer of a TOML text.
    pub(super) fn from_toml(source: &str, text: &str) -> std::result::Result<Self, Fault> {
        match toml::from_str::<Dict>(text) {
            Ok(values) => Ok(Self {
                source: source.to_owned(),
                values,
            }),
            // Only the position: the text around it could be a key.
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                let message = format!("{}: {}", position(text, offset), error.message());
                Err(Fault::new(source, "", message.replace('\n', ", ")))
            }
        }
    }

    /// The layer of one value, always a string: a field reads from it what it needs.
    pub(super) fn single(source: &str, path: &[&str], value: String) -> Self {
        let leaf = Value::from(value);
        let nested = path.iter().rev().fold(leaf, |inner, segment| {
            Value::from(Dict::from([((*segment).to_owned(), inner)]))
        });
        Self {
            source: source.to_owned(),
            values: nested.into_dict().unwrap_or_default(),
        }
    }

    /// Whether there is anything under that name at the top.
    pub(super) fn contains(&self, name: &str) -> bool {
        self.values.contains_key(name)
    }

    /// Keeps only what is under that name at the top.
    pub(super) fn only(mut self, name: &str) -> Self {
        self.values.retain(|known, _| known == name);
        self
    }
}

/// Without the values: some of them are keys.
impl fmt::Debug for Layer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Layer")
            .field("source", &self.source)
            .finish_non_exhaustive()
    }
}

impl Provider for Layer {
    fn metadata(&self) -> Metadata {
        Metadata::named(self.source.clone())
    }

    fn data(&self) -> Result<Map<Profile, Dict>> {
        Ok(Map::from([(Profile::Default, self.values.clone())]))
    }
}

/// One layer for every `DRAGOMAN__SECTION__KEY`, sorted by name. A name with a single underscore
/// is somebody else's: Kubernetes sets `DRAGOMAN_PORT` beside a service called dragoman.
pub(super) fn from_environment(
    variables: &[(OsString, OsString)],
    faults: &mut Faults,
) -> Vec<Layer> {
    let mut named: Vec<_> = variables
        .iter()
        .filter_map(|(name, value)| Some((name.to_str()?, value)))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect();
    named.sort_unstable();
    let mut layers = Vec::new();
    for (name, value) in named {
        match from_variable(name, value.to_str()) {
            Ok(layer) => layers.push(layer),
            Err(fault) => faults.push(fault),
        }
    }
    layers
}

fn from_variable(name: &str, value: Option<&str>) -> std::result::Result<Layer, Fault> {
    let fault = |message: &str| Fault::new(name, "", message);
    if name.chars().any(|letter| letter.is_ascii_lowercase()) {
        return Err(fault("write the name in upper case"));
    }
    let path = name.strip_prefix(PREFIX).unwrap_or_default().to_lowercase();
    let segments: Vec<&str> = path.split("__").collect();
    if segments.len() < 2 || segments.iter().any(|segment| segment.is_empty()) {
        return Err(fault("names no option; write DRAGOMAN__SECTION__KEY"));
    }
    let value = value.ok_or_else(|| fault("the value is not valid UTF-8"))?;
    Ok(Layer::single(name, &segments, value.to_owned()))
}

fn position(text: &str, offset: usize) -> String {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|c| *c != '\n').count() + 1;
    format!("line {line}, column {column}")
}
